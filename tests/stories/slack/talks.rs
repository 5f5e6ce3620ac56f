//! What people in Slack do, and what they see.

use std::time::Duration;

use serde_json::json;

use super::world::SlackWorld;

#[tokio::test(flavor = "multi_thread")]
async fn people_ask_in_every_way_and_are_answered_where_they_asked() {
    let slack = SlackWorld::new(Duration::ZERO).await;
    let (_worker, _gateway) = (slack.worker("w0"), slack.gateway("g0").await);
    let fake = &slack.fake;

    // A mention is answered in its thread, for everybody, with the run id.
    let ts = fake.mention("U0ANA", "C0DEPLOY", "deploy say hello &amp; <https://a.example|a.example>", None);
    let answer = slack.answer("C0DEPLOY", Some(&ts), "hello").await;
    assert!(answer.all_text().contains("hello & a.example"), "{}", answer.all_text());
    assert!(answer.all_text().contains("run `"), "{}", answer.all_text());

    // A mention in a thread is answered in that thread.
    fake.mention("U0ANA", "C0GENERAL", "deploy say in the thread", Some("1.000001"));
    slack.answer("C0GENERAL", Some("1.000001"), "in the thread").await;

    // A direct message is answered directly.
    fake.direct("U0ANA", "deploy say directly");
    slack.answer("D0ANA", None, "directly").await;

    // A slash command is answered in the channel, with who asked; another one names its command itself.
    fake.slash("U0ANA", "C0DEPLOY", "/adjutant", "deploy say by slash");
    let answer = slack.answer("C0DEPLOY", None, "by slash").await;
    assert!(answer.all_text().contains("asked by <@U0ANA>"), "{}", answer.all_text());
    fake.slash("U0ANA", "C0DEPLOY", "/deploy", "say by name");
    slack.answer("C0DEPLOY", None, "by name").await;

    // Where the bot is no member, the answer address is used.
    fake.slash("U0ANA", "C0ALONE", "/deploy", "say from outside");
    slack.answer("C0ALONE", None, "from outside").await;

    // Refusals, usage and help are for the asker only.
    fake.mention("U0PAT", "C0DEPLOY", "deploy mutating", None);
    slack.whisper("U0PAT", "may not").await;
    fake.slash("U0ANA", "C0DEPLOY", "/adjutant", "deploi say x");
    slack.whisper("U0ANA", "deploy say").await;
    fake.mention("U0ANA", "C0DEPLOY", "help", None);
    slack.whisper("U0ANA", "deploy say").await;

    // Slow runs show a receipt, then progress, then the result, in one message.
    let ts = fake.mention("U0ANA", "C0GENERAL", "deploy steps", None);
    slack.answer("C0GENERAL", Some(&ts), "Working on").await;
    slack.answer("C0GENERAL", Some(&ts), "step").await;
    let answer = slack.answer("C0GENERAL", Some(&ts), "done").await;
    assert!(answer.edits >= 1, "{answer:#?}");
    assert_eq!(fake.messages("C0GENERAL").iter().filter(|one| one.thread.as_deref() == Some(&ts)).count(), 1);

    slack.assert_no_violations();
    slack.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_command_or_was_there_before_runs_nothing() {
    let slack = SlackWorld::new(Duration::ZERO).await;
    let (_worker, _gateway) = (slack.worker("w0"), slack.gateway("g0").await);
    let fake = &slack.fake;
    let message = |more: serde_json::Value| {
        let mut event = json!({
            "type": "app_mention", "user": "U0ANA", "channel": "C0DEPLOY", "ts": "1700000000.000001",
            "text": "<@U0BOT> deploy say never",
        });
        for (name, value) in more.as_object().unwrap() {
            event[name] = value.clone();
        }
        event
    };
    fake.event(message(json!({ "subtype": "message_changed", "ts": "1700000000.000002" })));
    fake.event(message(json!({ "bot_id": "B1", "user": null, "ts": "1700000000.000003" })));
    fake.event(message(json!({ "user": "U0BOT", "ts": "1700000000.000004" })));
    fake.event(message(json!({ "text": "&gt; <@U0BOT> deploy say never", "ts": "1700000000.000005" })));
    fake.event(message(json!({ "edited": { "ts": "1.0" }, "ts": "1700000000.000006" })));
    fake.frame("this is no JSON");
    fake.frame(r#"{"type":"something_new"}"#);
    fake.binary(b"\x00\x01");
    // The same message as two kinds of event, again with a mark, and again without.
    let ts = fake.mention("U0ANA", "C0DEPLOY", "deploy say once", None);
    fake.event(message(json!({ "type": "message", "ts": ts, "text": "<@U0BOT> deploy say once" })));
    slack.answer("C0DEPLOY", Some(&ts), "once").await;
    fake.redeliver(&ts, true);
    fake.redeliver(&ts, false);
    let last = fake.mention("U0ANA", "C0DEPLOY", "deploy say last", None);
    slack.answer("C0DEPLOY", Some(&last), "last").await;
    assert_eq!(slack.world.called(), 2);
    assert_eq!(fake.messages("C0DEPLOY").len(), 2);
    assert!(fake.record().given_up.is_empty());
    slack.assert_no_violations();
    slack.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn people_are_told_apart_and_a_failed_lookup_denies() {
    let slack = SlackWorld::new(Duration::ZERO).await;
    let (_worker, _gateway) = (slack.worker("w0"), slack.gateway("g0").await);
    let fake = &slack.fake;
    for user in ["U0GST", "U0EXT", "U0ROB", "U0DEL"] {
        fake.mention(user, "C0DEPLOY", "deploy say by a stranger", None);
        slack.whisper(user, "may not").await;
    }
    assert_eq!(slack.world.called(), 0);

    // Groups that were just changed are asked for anew, and a lookup that fails gives nobody any.
    fake.faults().always("usergroups.list", Some(adjutant_fakes::slack::Fault::Error("internal_error")));
    fake.event(json!({ "type": "subteam_members_changed", "subteam_id": "S0ENG" }));
    tokio::time::sleep(Duration::from_millis(300)).await;
    fake.mention("U0ANA", "C0DEPLOY", "deploy say without groups", None);
    slack.whisper("U0ANA", "which user groups you are in").await;
    fake.faults().always("usergroups.list", None);
    let ts = fake.mention("U0ANA", "C0DEPLOY", "deploy say with groups", None);
    slack.answer("C0DEPLOY", Some(&ts), "with groups").await;
    slack.assert_no_violations();
    slack.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn slacks_own_surfaces_serve_commands_too() {
    let slack = SlackWorld::new(Duration::ZERO).await;
    let (_worker, _gateway) = (slack.worker("w0"), slack.gateway("g0").await);
    let fake = &slack.fake;
    let seconds = Duration::from_secs(30);

    // The home tab shows what this person may run, and what they ran.
    fake.direct("U0ANA", "deploy say before home");
    slack.answer("D0ANA", None, "before home").await;
    fake.event(
        json!({ "type": "app_home_opened", "user": "U0ANA", "channel": "D0ANA", "tab": "home", "ts": "1.5" }),
    );
    let home = fake.until("a home tab", seconds, |fake| fake.record().homes.first().cloned()).await;
    assert_eq!(home.0, "U0ANA");
    let shown = home.1.to_string();
    assert!(shown.contains("deploy say") && shown.contains("before home"), "{shown}");

    // A command without its required arguments opens a modal; what is filled in runs where it was asked.
    fake.slash("U0ANA", "C0DEPLOY", "/adjutant", "help search");
    let view = fake.until("a modal", seconds, |fake| fake.record().views.first().cloned()).await;
    assert_eq!(view["callback_id"], "adjutant_arguments");
    let block = view["blocks"].as_array().unwrap().iter().find(|block| block["type"] == "input").unwrap();
    let (id, action) = (block["block_id"].as_str().unwrap(), block["element"]["action_id"].as_str().unwrap());
    let submitted = json!({
        "type": "view_submission", "team": { "id": "T0ACME" }, "user": { "id": "U0ANA", "team_id": "T0ACME" },
        "trigger_id": fake.new_trigger(),
        "view": {
            "id": view["id"], "hash": "1.h", "callback_id": view["callback_id"],
            "private_metadata": view["private_metadata"],
            "state": { "values": { id: { action: { "type": "plain_text_input", "value": "say" } } } },
        },
    });
    fake.interactive(submitted, true);
    slack.whisper("U0ANA", "deploy say").await;
    let closed = |fake: &adjutant_fakes::slack::FakeSlack| {
        fake.record().acks.iter().find(|ack| ack.payload["response_action"] == "clear").map(|_| ())
    };
    fake.until("the modal closed", seconds, closed).await;

    // A message shortcut shows the message as a command.
    fake.interactive(
        json!({
            "type": "message_action", "callback_id": "adjutant_run", "trigger_id": fake.new_trigger(),
            "team": { "id": "T0ACME" }, "user": { "id": "U0ANA", "team_id": "T0ACME" }, "channel": { "id": "C0DEPLOY" },
            "message": { "ts": "1.000007", "text": "deploy say &lt;this&gt;" },
        }),
        false,
    );
    let view = fake.until("a second modal", seconds, |fake| fake.record().views.get(1).cloned()).await;
    assert!(view.to_string().contains("deploy say <this>"), "{view}");
    slack.assert_no_violations();
    slack.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_can_make_the_bot_call_a_channel_or_write_markup() {
    let slack = SlackWorld::new(Duration::ZERO).await;
    let (_worker, _gateway) = (slack.worker("w0"), slack.gateway("g0").await);
    let fake = &slack.fake;
    let ts = fake.mention("U0ANA", "C0DEPLOY", "deploy say &lt;!channel&gt; @here *bold* `x", None);
    let answer = slack.answer("C0DEPLOY", Some(&ts), "here").await;
    assert!(!answer.text.contains("<!"), "{}", answer.text);
    assert!(answer.text.contains("&lt;!channel&gt;"), "{}", answer.text);
    // In the blocks it is rich text, which Slack takes as it is.
    let blocks = answer.blocks.to_string();
    assert!(!blocks.contains(r#""type":"mrkdwn","text":"<!"#) && blocks.contains("rich_text"), "{blocks}");
    slack.assert_no_violations();
    slack.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_ids_in_another_workspace_have_no_rights_and_get_their_own_answers() {
    let slack = SlackWorld::new(Duration::ZERO).await;
    let fake = &slack.fake;
    fake.world().others.push(("xoxb-test-1".to_owned(), "T0BETA".to_owned(), "Beta".to_owned()));
    let _worker = slack.worker("w0");
    let mut gateway = slack.adjutant(&["gateway", "slack"]);
    let _gateway = gateway.env("ADJUTANT_SLACK__BOT_TOKEN", "xoxb-test-0, xoxb-test-1").spawn().unwrap();
    fake.until("two sockets", Duration::from_secs(30), |fake| (fake.sockets() == 2).then_some(())).await;
    let mention = |ts: &str| {
        json!({
            "type": "app_mention", "user": "U0ANA", "text": "<@U0BOT> deploy say hello", "ts": ts, "channel": "C0DEPLOY",
        })
    };
    fake.event_of("T0BETA", mention("1700000000.000001"));
    slack.whisper("U0ANA", "may not").await;
    // The same ts in the same channel id of the other workspace is another request.
    fake.event_of("T0ACME", mention("1700000000.000001"));
    slack.answer("C0DEPLOY", Some("1700000000.000001"), "hello").await;
    fake.event_of("T0NOBODY", mention("1700000000.000001"));
    let by = |method: &str| {
        let record = fake.record();
        record
            .calls
            .iter()
            .filter(|call| call.method == method)
            .map(|call| call.team.clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(by("chat.postEphemeral"), ["T0BETA"]);
    assert_eq!(by("chat.postMessage"), ["T0ACME"]);
    assert_eq!(slack.world.called(), 1);
    slack.assert_no_violations();
    slack.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_command_serves_slack_with_nothing_else_installed() {
    let fake = adjutant_fakes::slack::FakeSlack::start(adjutant_fakes::slack::World::standard()).await;
    let dir = tempfile::tempdir().unwrap();
    let settings =
        "[bus]\nurl = \"memory:\"\n[policy]\ntrusted_homes = [\"slack:T0ACME\", \"console:local\"]\n";
    std::fs::write(dir.path().join("adjutant.toml"), settings).unwrap();
    let _program = tokio::process::Command::new(env!("CARGO_BIN_EXE_adjutant"))
        .arg("up")
        .current_dir(dir.path())
        .env("ADJUTANT_SLACK__BOT_TOKEN", "xoxb-test-0")
        .env("ADJUTANT_SLACK__APP_TOKEN", "xapp-test-0")
        .env("ADJUTANT_SLACK__API_URL", fake.api_url())
        .stdin(std::process::Stdio::null())
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let seconds = Duration::from_secs(30);
    fake.until("two sockets", seconds, |fake| (fake.sockets() == 2).then_some(())).await;
    // The demo's commands appear a moment after the start.
    let mut asked = std::time::Instant::now();
    fake.direct("U0ANA", "deploy list");
    let answered = |fake: &adjutant_fakes::slack::FakeSlack| {
        if asked.elapsed() > Duration::from_secs(2) {
            asked = std::time::Instant::now();
            fake.direct("U0ANA", "deploy list");
        }
        let table =
            |one: &&adjutant_fakes::slack::Posted| one.blocks.to_string().contains(r#""type":"table""#);
        fake.messages("D0ANA").iter().find(table).map(|_| ())
    };
    fake.until("an answer", seconds, answered).await;
    assert_eq!(fake.violations(), Vec::<String>::new());
}
