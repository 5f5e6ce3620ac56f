//! What goes wrong: the bus, Slack, sockets, tokens.

use std::{process::Stdio, time::Duration};

use adjutant_fakes::slack::{Fault, Opening};
use serde_json::json;

use super::world::SlackWorld;

const SLOW: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread")]
async fn while_the_bus_is_away_events_come_again_and_people_are_told_that_nothing_was_done() {
    let slack = SlackWorld::new(Duration::ZERO).await;
    let fake = &slack.fake;
    fake.faults().retries = [500, 2_000, 4_000, 4_000, 4_000, 4_000].map(Duration::from_millis).to_vec();
    let (_worker, _gateway) = (slack.worker("w0"), slack.gateway("g0").await);
    let first = fake.mention("U0ANA", "C0DEPLOY", "deploy say before", None);
    slack.answer("C0DEPLOY", Some(&first), "before").await;

    slack.world.opened.server().unwrap().fell().await;
    let waiting = fake.mention("U0ANA", "C0DEPLOY", "deploy say after all", None);
    fake.slash("U0ANA", "C0DEPLOY", "/deploy", "say by slash");
    fake.click("U0ANA", "C0DEPLOY", &first, "adjutant_run_0", "deploy say by click");
    let told = |fake: &adjutant_fakes::slack::FakeSlack| {
        let record = fake.record();
        record.acks.iter().find(|ack| ack.kind == "slash_commands").map(|ack| ack.payload.to_string())
    };
    let said = fake.until("an answer to the slash command", SLOW, told).await;
    assert!(said.contains("Nothing was done") || said.contains("not certain"), "{said}");
    // Either that nothing was done or, where the bus fell in the middle of it, that this is not certain.
    slack.whisper("U0ANA", "accepted").await;
    // The outage itself: as long as the platform's retries must bridge.
    tokio::time::sleep(Duration::from_secs(10)).await;
    slack.world.opened.server().unwrap().raise().await;
    slack.answer("C0DEPLOY", Some(&waiting), "after all").await;
    let calls = slack.world.calls.lock().clone();
    assert!(calls.values().all(|fences| fences.len() == 1), "{calls:?}");
    let record = fake.record().clone();
    assert!(record.acks.iter().all(|ack| ack.latency < Duration::from_secs(3)), "{:?}", record.acks);
    assert_eq!(record.user_errors, Vec::<String>::new());
    slack.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_slack_took_without_saying_so_is_not_posted_again() {
    let slack = SlackWorld::new(Duration::ZERO).await;
    let fake = &slack.fake;
    let (_worker, _gateway) = (slack.worker("w0"), slack.gateway("g0").await);
    fake.faults().next("chat.postMessage", Fault::DoneThen500);
    let ts = fake.mention("U0ANA", "C0DEPLOY", "deploy say once", None);
    slack.answer("C0DEPLOY", Some(&ts), "once").await;
    // Slack fails in every other way before it takes the next.
    for fault in [Fault::Status(503), Fault::NotJson, Fault::Limited(2), Fault::Error("internal_error")] {
        fake.faults().next("chat.postMessage", fault);
    }
    let next = fake.mention("U0ANA", "C0DEPLOY", "deploy say at last", None);
    slack.answer("C0DEPLOY", Some(&next), "at last").await;
    // What was to come twice would have come before this one.
    let last = fake.mention("U0ANA", "C0DEPLOY", "deploy say the last", None);
    slack.answer("C0DEPLOY", Some(&last), "the last").await;
    assert_eq!(fake.messages("C0DEPLOY").len(), 3, "{:#?}", fake.messages("C0DEPLOY"));
    slack.assert_no_violations();
    slack.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_that_slack_refuses_becomes_a_file_and_a_place_that_is_gone_a_direct_message() {
    let slack = SlackWorld::new(Duration::ZERO).await;
    let fake = &slack.fake;
    let (_worker, _gateway) = (slack.worker("w0"), slack.gateway("g0").await);
    fake.faults().next("chat.postMessage", Fault::Error("msg_blocks_too_long"));
    let ts = fake.mention("U0ANA", "C0DEPLOY", "deploy say in a file", None);
    slack.answer("C0DEPLOY", Some(&ts), "The answer is in the file").await;
    let file = fake.record().files.first().cloned().unwrap();
    assert_eq!((file.0.as_str(), file.2.as_str()), ("answer.txt", "C0DEPLOY"));
    assert!(file.1.contains("in a file"), "{}", file.1);
    fake.world().archived.insert("C0GENERAL".to_owned());
    fake.mention("U0ANA", "C0GENERAL", "deploy say elsewhere", None);
    slack.answer("D0ANA", None, "elsewhere").await;
    slack.assert_no_violations();
    slack.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sockets_that_went_deaf_leave_readiness_and_are_replaced() {
    let slack = SlackWorld::new(Duration::ZERO).await;
    let fake = &slack.fake;
    let port = free_port();
    let _worker = slack.worker("w0");
    let mut gateway = slack.adjutant(&["gateway", "slack"]);
    let _gateway = gateway.env("ADJUTANT_HTTP__LISTEN", format!("127.0.0.1:{port}")).spawn().unwrap();
    fake.until("two sockets", SLOW, |fake| (fake.sockets() == 2).then_some(())).await;
    wait_ready(port, 200).await;
    // From now on the old ones say nothing, and new ones are not answered.
    fake.faults().opening = Opening::BlackHole;
    fake.half_open();
    wait_ready(port, 503).await;
    fake.faults().opening = Opening::Good;
    wait_ready(port, 200).await;
    let ts = fake.mention("U0ANA", "C0DEPLOY", "deploy say back", None);
    slack.answer("C0DEPLOY", Some(&ts), "back").await;
    assert_eq!(reqwest::get(format!("http://127.0.0.1:{port}/livez")).await.unwrap().status(), 200);
    slack.stop().await;
}

async fn wait_ready(port: u16, status: u16) {
    let end = tokio::time::Instant::now() + Duration::from_secs(120);
    loop {
        let answer = reqwest::get(format!("http://127.0.0.1:{port}/readyz")).await;
        if answer.is_ok_and(|answer| answer.status() == status) {
            return;
        }
        assert!(tokio::time::Instant::now() < end, "readiness never was {status}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

#[tokio::test(flavor = "multi_thread")]
async fn by_http_everything_is_the_same_and_only_slack_is_believed() {
    let slack = SlackWorld::new(Duration::ZERO).await;
    let fake = &slack.fake;
    let (port, _worker) = (free_port(), slack.worker("w0"));
    let mut gateway = slack.adjutant(&["gateway", "slack"]);
    let _gateway = gateway
        .env("ADJUTANT_HTTP__LISTEN", format!("127.0.0.1:{port}"))
        .env("ADJUTANT_SLACK__INGRESS", "http")
        .env("ADJUTANT_SLACK__SIGNING_SECRET", "test-signing-secret")
        .spawn()
        .unwrap();
    wait_ready(port, 200).await;
    let base = format!("http://127.0.0.1:{port}");
    fake.deliver_by_http(&base);

    let ts = fake.mention("U0ANA", "C0DEPLOY", "deploy say by http", None);
    slack.answer("C0DEPLOY", Some(&ts), "by http").await;
    fake.slash("U0ANA", "C0DEPLOY", "/deploy", "say a slash");
    slack.answer("C0DEPLOY", None, "a slash").await;
    fake.click("U0ANA", "C0DEPLOY", &ts, "adjutant_run_0", "deploy say a click");
    slack.answer("C0DEPLOY", Some(&ts), "a click").await;
    fake.redeliver(&ts, true);

    let events = format!("{base}/slack/events");
    let json = "application/json";
    let body = || json!({ "type": "url_verification", "challenge": "3eZbrw" }).to_string().into_bytes();
    assert_eq!(fake.post_raw(&events, json, body(), None, 0, 0).await, (200, "3eZbrw".to_owned()));
    assert_eq!(fake.post_raw(&events, json, body(), None, 295, 0).await.0, 200);
    for (secret, late) in [(Some("another secret"), 0), (Some(""), 0), (None, 301), (None, -310)] {
        assert_eq!(fake.post_raw(&events, json, body(), secret, late, 0).await.0, 401, "{secret:?} {late}");
    }
    let unsigned = reqwest::Client::new().post(&events).body(body()).send().await.unwrap();
    assert_eq!(unsigned.status(), 401);
    assert_eq!(fake.post_raw(&events, json, vec![b' '; 2 * 1024 * 1024], None, 0, 0).await.0, 413);
    assert_eq!(fake.post_raw(&events, json, b"\xff\xfe{".to_vec(), None, 0, 0).await.0, 200);
    let commands = format!("{base}/slack/commands");
    let form = "application/x-www-form-urlencoded";
    assert_eq!(
        fake.post_raw(&commands, form, b"ssl_check=1".to_vec(), None, 0, 0).await,
        (200, String::new())
    );
    assert_eq!(slack.world.called(), 3);
    slack.assert_no_violations();
    slack.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_tokens_and_missing_scopes_are_named_at_the_start() {
    let slack = SlackWorld::new(Duration::ZERO).await;
    let started = async |name: &str, value: &str| {
        let mut program = slack.adjutant(&["gateway", "slack"]);
        let output = program.env(name, value).stderr(Stdio::piped()).output();
        let output = tokio::time::timeout(SLOW, output).await.unwrap().unwrap();
        assert_eq!(output.status.code(), Some(1));
        String::from_utf8(output.stderr).unwrap()
    };
    let told = started("ADJUTANT_SLACK__BOT_TOKEN", "xoxb-wrong").await;
    assert!(told.contains("bot token") && told.contains("invalid_auth"), "{told}");
    let told = started("ADJUTANT_SLACK__BOT_TOKEN", "xapp-test-0").await;
    assert!(told.contains("does not begin with xoxb-"), "{told}");
    let told = started("ADJUTANT_SLACK__APP_TOKEN", "xapp-wrong").await;
    assert!(told.contains("app-level token") && told.contains("invalid_auth"), "{told}");
    let told = started("ADJUTANT_SLACK__INGRESS", "http").await;
    assert!(told.contains("slack.signing_secret is not set"), "{told}");
    slack.fake.world().scopes.remove("usergroups:read");
    let told = started("ADJUTANT_SLACK__COMMAND", "/adjutant").await;
    assert!(told.contains("usergroups:read"), "{told}");
    assert!(!told.contains("xoxb-test-0") && !told.contains("xapp-test-0"), "{told}");

    let doctor = slack.adjutant(&["doctor", "slack"]).output().await.unwrap();
    let table = String::from_utf8(doctor.stdout).unwrap();
    assert_eq!(doctor.status.code(), Some(1), "{table}");
    assert!(table.contains("FAILS") && table.contains("usergroups:read"), "{table}");
    slack.fake.world().scopes.insert("usergroups:read".to_owned());
    let doctor = slack.adjutant(&["doctor", "slack", "--json"]).output().await.unwrap();
    assert_eq!(doctor.status.code(), Some(0));
    let findings: Vec<serde_json::Value> = serde_json::from_slice(&doctor.stdout).unwrap();
    assert!(findings.iter().all(|finding| finding["ok"] == true), "{findings:#?}");
    slack.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_is_in_any_log_not_even_at_its_finest() {
    let slack = SlackWorld::new(Duration::ZERO).await;
    let _worker = slack.worker("w0");
    let log = slack.world.path().join("trace.log");
    let mut gateway = slack.adjutant(&["gateway", "slack", "--log", "trace"]);
    let _gateway = gateway.stderr(std::fs::File::create(&log).unwrap()).spawn().unwrap();
    let fake = &slack.fake;
    fake.until("two sockets", SLOW, |fake| (fake.sockets() == 2).then_some(())).await;
    let asked = fake.slash("U0ANA", "C0DEPLOY", "/adjutant", "deploy say quietly");
    slack.answer("C0DEPLOY", None, "quietly").await;
    fake.mention("U0PAT", "C0DEPLOY", "deploy mutating", None);
    slack.whisper("U0PAT", "may not").await;
    let text = std::fs::read_to_string(&log).unwrap();
    assert!(text.len() > 1_000);
    for secret in ["xoxb-test-0", "xapp-test-0", "ticket-", &asked.response_url, &asked.trigger] {
        let found = text.lines().find(|line| line.contains(secret));
        assert!(found.is_none(), "{secret} in {found:?}");
    }
    slack.stop().await;
}
