// A client that nobody here wrote, @slack/socket-mode with @slack/web-api, takes slash commands, a click and a form.
import { SocketModeClient } from "@slack/socket-mode";
import { WebClient } from "@slack/web-api";

const [api, botToken, appToken, channel] = process.argv.slice(2);
const say = (line) => process.stdout.write(line + "\n");
const web = new WebClient(botToken, { slackApiUrl: api, retryConfig: { retries: 0 } });
const socket = new SocketModeClient({ appToken, clientOptions: { slackApiUrl: api } });

socket.on("slash_commands", async ({ ack, body }) => {
  if (body.command === "/ask") {
    await ack();
    await web.views.open({ trigger_id: body.trigger_id, view: { type: "modal", callback_id: "ask", title: { type: "plain_text", text: "Ask" }, submit: { type: "plain_text", text: "Send" },
      blocks: [{ type: "input", block_id: "b", label: { type: "plain_text", text: "b" }, element: { type: "plain_text_input", action_id: "a" } }] } });
    return;
  }
  await ack({ response_type: "ephemeral", text: `understood ${body.command} ${body.text}` });
  await fetch(body.response_url, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ response_type: "ephemeral", text: "done" }) });
  const posted = await web.chat.postMessage({
    channel, text: "card", metadata: { event_type: "card", event_payload: { op: "1" } },
    blocks: [{ type: "actions", elements: [{ type: "button", action_id: "go", value: "v", text: { type: "plain_text", text: "Go" } }] }],
  });
  await web.chat.update({ channel, ts: posted.ts, text: "card, edited", blocks: [{ type: "actions", elements: [{ type: "button", action_id: "go", value: "v", text: { type: "plain_text", text: "Go" } }] }] });
  await web.chat.postMessage({ channel, thread_ts: posted.ts, text: "in the thread" });
  const found = await web.conversations.history({ channel, include_all_metadata: true });
  say(`history ${found.messages[0].metadata.event_payload.op}`);
  await web.chat.postMessage({ channel: "C404", text: "x" }).catch((e) => say(`refused ${e.data.error}`));
});
socket.on("interactive", async ({ ack, body }) => {
  if (body.type === "view_submission") {
    return await ack(body.view.state.values.b.a.value === "bad" ? { response_action: "errors", errors: { b: "no good" } } : undefined);
  }
  await ack();
  say(`clicked ${body.actions[0].action_id} ${body.actions[0].value} by ${body.user.id}`);
});
socket.on("connected", () => say("connected"));
process.stdin.on("data", async () => { await socket.disconnect(); process.exit(0); });

const me = await web.auth.test();
say(`team ${me.team_id}`);
await socket.start();
