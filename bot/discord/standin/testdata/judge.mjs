// A client that nobody here wrote, discord.js, logs in, takes a slash command, a click and a form, and survives a reconnection.
import { Client, Events, GatewayIntentBits, REST, Routes, MessageFlags } from "discord.js";

const [api, token, app, guild, channel] = process.argv.slice(2);
const say = (line) => process.stdout.write(line + "\n");
const rest = { api: api + "/api", version: "10", retries: 0 };
const client = new Client({ intents: [], rest });
client.on(Events.Error, (e) => say(`error ${e.message}`));
client.on(Events.ShardResume, () => say("resumed"));
client.once(Events.ClientReady, (c) => say(`ready ${c.user.id}`));
const row = { type: 1, components: [{ type: 2, style: 1, label: "Go", custom_id: "go" }] };

client.on(Events.InteractionCreate, async (i) => {
  try {
    if (i.isAutocomplete()) return await i.respond([{ name: "usdc", value: "usdc" }]);
    if (i.isModalSubmit()) {
      await i.deferReply({ flags: MessageFlags.Ephemeral });
      return await i.editReply({ content: `form ${i.customId} ${i.fields.getTextInputValue("why")} ${i.fields.getStringSelectValues("asset")}` });
    }
    if (i.isChatInputCommand() && i.commandName === "ask") {
      return await i.showModal({ custom_id: "ask", title: "Ask", components: [
        { type: 18, label: "Which", component: { type: 3, custom_id: "asset", options: [{ label: "usdc", value: "usdc" }] } },
        { type: 18, label: "Why", component: { type: 4, custom_id: "why", style: 2 } }] });
    }
    if (i.isChatInputCommand()) {
      await i.deferReply({ flags: MessageFlags.Ephemeral });
      await i.editReply({ content: `understood ${i.commandName} ${i.options.getSubcommand()} ${i.options.getString("asset")}`, components: [row] });
      await i.followUp({ content: "and more", flags: MessageFlags.Ephemeral });
      await i.deferReply().catch((e) => say(`twice ${e.code}`));
      return say("answered");
    }
    await i.deferReply({ flags: MessageFlags.Ephemeral });
    await i.editReply({ content: `clicked by ${i.user.id}` });
  } catch (e) { say(`failed ${e}`); }
});
process.stdin.on("data", async () => { await client.destroy(); process.exit(0); });

const http = new REST(rest).setToken(token);
await http.put(Routes.applicationGuildCommands(app, guild), { body: [{ name: "pause", description: "pauses", options: [{ type: 1, name: "reserve", description: "r", options: [{ type: 3, name: "asset", description: "a" }] }] }] });
const have = await http.get(Routes.applicationGuildCommands(app, guild));
say(`commands ${have.map((c) => c.name)}`);
const posted = await http.post(Routes.channelMessages(channel), { body: { content: "card", nonce: "n1", enforce_nonce: true } });
const again = await http.post(Routes.channelMessages(channel), { body: { content: "card", nonce: "n1", enforce_nonce: true } });
say(`same ${posted.id === again.id}`);
await http.patch(Routes.channelMessage(channel, posted.id), { body: { content: "card, edited" } });
const thread = await http.post(Routes.threads(channel, posted.id), { body: { name: "P-1", auto_archive_duration: 10080 } });
say(`thread ${thread.id === posted.id}`);
await http.post(Routes.threads(channel, posted.id), { body: { name: "P-1", auto_archive_duration: 10080 } }).catch((e) => say(`refused ${e.code}`));
await http.post(Routes.channelMessages("404"), { body: { content: "x" } }).catch((e) => say(`refused ${e.code}`));
await client.login(token);
