// A client that nobody here wrote, @slack/bolt over HTTP, checks our signatures and takes one slash command, one click and a
// form in two steps.
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
const view = (block) => ({
  type: "modal", callback_id: "ask", private_metadata: "kept", title: { type: "plain_text", text: "Ask" }, submit: { type: "plain_text", text: "Send" },
  blocks: [{ type: "input", block_id: block, label: { type: "plain_text", text: block }, element: { type: "plain_text_input", action_id: "a" } }],
});
app.command("/ask", async ({ command, ack, client }) => {
  await ack();
  await client.views.open({ trigger_id: command.trigger_id, view: view("first") });
  await client.views.open({ trigger_id: command.trigger_id, view: view("first") }).catch((e) => say(`refused ${e.data.error}`));
});
app.view("ask", async ({ ack, view: sent, body }) => {
  const [block] = Object.keys(sent.state.values);
  const value = sent.state.values[block].a.value;
  if (value === "bad") return await ack({ response_action: "errors", errors: { [block]: "no good" } });
  if (block === "first") return await ack({ response_action: "update", view: view("second") });
  await ack();
  say(`sent ${sent.private_metadata} ${block} ${value} by ${body.user.id}`);
});
process.stdin.on("data", async () => { await app.stop(); process.exit(0); });
await app.start();
say("listening");
