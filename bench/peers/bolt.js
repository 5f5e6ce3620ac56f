// An echo with Bolt for JavaScript over Socket Mode.
const { App, SocketModeReceiver } = require("@slack/bolt");

const slackApiUrl = process.env.SLACK_API;
const receiver = new SocketModeReceiver({
  appToken: "xapp-test-0",
  installerOptions: { clientOptions: { slackApiUrl } },
});
const app = new App({ token: "xoxb-test-0", receiver, clientOptions: { slackApiUrl } });
app.message(async ({ say }) => say("pong"));
app.start();
