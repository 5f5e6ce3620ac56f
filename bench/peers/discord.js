// A command that is answered with a fixed text, with discord.js.
const { Client } = require("discord.js");

const client = new Client({ intents: [], rest: { api: process.env.DISCORD_API, version: "10" } });
client.once("clientReady", () =>
  client.application.commands.set([{ name: "ping", description: "Answer `pong`" }]),
);
client.on("interactionCreate", (interaction) =>
  interaction.reply({ content: "pong", allowedMentions: { parse: [] } }),
);
client.login(process.env.DISCORD_TOKEN);
