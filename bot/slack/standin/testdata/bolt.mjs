// A client that nobody here wrote, @slack/bolt over HTTP, checks our signatures and takes one slash command and one click.
import bolt from "@slack/bolt";

const [api, token, signingSecret, channel, port] = process.argv.slice(2);
const say = (line) => process.stdout.write(line + "\n");
const app = new bolt.App({
  token, clientOptions: { slackApiUrl: api },
  receiver: new bolt.HTTPReceiver({ signingSecret, port: Number(port), endpoints: ["/slack/commands", "/slack/interactions"] }),
});
app.error(async (e) => say(`error ${e.message}`));
app.command("/pause", async ({ command, ack, respond, client }) => {
  await ack({ response_type: "ephemeral", text: `understood ${command.text}` });
  await respond({ response_type: "ephemeral", text: "working",
    blocks: [{ type: "actions", elements: [{ type: "button", action_id: "go", value: "v", text: { type: "plain_text", text: "Go" } }] }] });
  await client.chat.postMessage({ channel, text: "card" });
});
app.action("go", async ({ ack, body, respond }) => {
  await ack();
  say(`clicked by ${body.user.id}`);
  await respond({ replace_original: true, text: "replaced" });
});
process.stdin.on("data", async () => { await app.stop(); process.exit(0); });
await app.start();
say("listening");
