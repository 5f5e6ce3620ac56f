//! What a collector is told: each request is one trace, from where it came in to where its answer went out, over all processes.

mod tree;

use std::time::Duration;

use adjutant_bus::open::Role;
use adjutant_fakes::{
    collector::{FakeCollector, Spanned},
    discord::FakeDiscord,
};
use adjutant_traces::Name;
use nix::sys::signal::Signal;
use reqwest::{Client, StatusCode};
use serde_json::json;
use tokio::process::Command;

use self::tree::Trace;
use super::{
    discord::world::{ADA, DEPLOYS, DiscordWorld, deploy, free_port},
    slack::world::SlackWorld,
    world::{SOON, Worker, World, write_policy},
};

const TOKEN: &str = "Bearer collector-secret-0";
/// A caller's own place in a trace of its own.
const CALLER: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

/// The same command, which tells the collector what it does.
fn traced<'a>(command: &'a mut Command, collector: &FakeCollector) -> &'a mut Command {
    command
        .env("ADJUTANT_TRACES__ENDPOINT", collector.url())
        .env("ADJUTANT_TRACES__HEADERS", format!("Authorization: {TOKEN}"))
}

fn start(world: &World, name: &str, command: &mut Command) -> Worker {
    let log = std::fs::File::create(world.path().join(format!("{name}.log"))).unwrap();
    Worker(command.env("HOSTNAME", name).stderr(log).spawn().unwrap())
}

/// The program as worker and as service, with what they do told.
async fn behind(
    world: &World,
    collector: &FakeCollector,
    adjutant: impl Fn(&[&str]) -> Command,
) -> [Worker; 2] {
    let (mut worker, mut demo) = (adjutant(&["worker"]), adjutant(&["demo", "deployments"]));
    let worker = traced(&mut worker, collector).env("ADJUTANT_WORKER__NAME", "w0");
    let started = [start(world, "w0", worker), start(world, "demo", traced(&mut demo, collector))];
    let bus = world.opened.role(Role::Worker).await.unwrap();
    let offered = async || {
        let offers = bus.services.list(Duration::from_millis(200)).await.ok()?;
        offers.iter().any(|offer| offer.name == "deployments").then_some(())
    };
    world.eventually(offered).await;
    started
}

/// From the answer's delivery back to where the request came in.
fn assert_through(trace: &Trace, came_in: &Spanned) {
    let (publish, process) = (trace.one(Name::PublishCommand), trace.one(Name::ProcessCommand));
    let (run, call) = (trace.one(Name::Run), trace.one(Name::Call));
    trace.assert_chain(&[trace.one(Name::Serve), call, run, process, publish, came_in]);
    trace.assert_chain(&[trace.one(Name::Decide), process]);
    trace.assert_chain(&[trace.event("started"), process]);
    trace.assert_chain(&[trace.event("succeeded"), process]);
    assert_eq!(process.attributes["adjutant.attempt"], "1");
    assert_eq!(run.attributes["adjutant.command"], "deploy.list");
    assert_eq!(run.attributes["adjutant.outcome"], "succeeded");
    let decide = &trace.one(Name::Decide).attributes;
    assert_eq!(decide["adjutant.allowed"], "true");
    assert!(decide["adjutant.policy"].starts_with('1'), "{decide:?}");
    assert_eq!(process.instance, "w0");
    trace.assert_in_the_table();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_from_slack_is_one_trace_that_holds_nothing_of_a_person() {
    let slack = SlackWorld::new(Duration::ZERO).await;
    let collector = FakeCollector::start(Some(TOKEN)).await;
    let _behind = behind(&slack.world, &collector, |args| slack.adjutant(args)).await;
    let mut gateway = slack.adjutant(&["gateway", "slack"]);
    let gateway = start(&slack.world, "g0", traced(&mut gateway, &collector));
    slack.fake.until("sockets", SOON, |fake| (fake.sockets() >= 2).then_some(())).await;
    let asked = slack.fake.mention("U0ANA", "C0DEPLOY", "deploy list --env staging", None);
    slack.answer("C0DEPLOY", Some(&asked), "staging").await;

    let trace = Trace::whole(&collector, &[Name::DeliverAnswer, Name::Serve, Name::CallPlatform]).await;
    let receive = trace.one(Name::Receive);
    assert_eq!(receive.parent, "", "a trace begins where a request comes in");
    assert_through(&trace, receive);
    trace.assert_chain(&[trace.one(Name::Identify), receive]);
    let deliver = trace.one(Name::DeliverAnswer);
    trace.assert_chain(&[deliver, trace.event("succeeded")]);
    let posts = trace.calls("chat.postMessage");
    assert_eq!(posts.len(), 1, "{posts:#?}");
    trace.assert_chain(&[posts[0], deliver]);
    assert_eq!(posts[0].attributes["adjutant.outcome"], "ok");
    assert_eq!(
        trace.services(),
        ["adjutant-demo-deployments", "adjutant-gateway-slack", "adjutant-worker"].into()
    );
    let run = trace.request();
    assert!(
        receive.attributes["adjutant.run"].len() == 8 && receive.attributes["adjutant.request_id"] == run
    );

    // What was asked of the platform in the background is in no trace.
    let others: Vec<Spanned> =
        collector.spans().into_iter().filter(|span| span.trace != receive.trace).collect();
    assert!(others.iter().all(|span| span.name != Name::CallPlatform.as_str()), "{others:#?}");

    // A process that stops sends what it has.
    let asked = slack.fake.mention("U0ANA", "C0DEPLOY", "whoami --no-such", None);
    slack.whisper("U0ANA", "no-such").await;
    gateway.stop().await;
    collector
        .until("the last spans", Duration::from_secs(10), |spans| {
            spans.iter().filter(|span| span.name == Name::DeliverAnswer.as_str()).count() == 2
        })
        .await;
    for secret in ["U0ANA", "C0DEPLOY", "T0ACME", "staging", "no-such", "xoxb-", "xapp-", TOKEN, &asked] {
        assert!(!collector.has_seen(secret), "{secret}");
    }
    assert_eq!(collector.violations(), Vec::<String>::new());
    slack.assert_no_violations();
    slack.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interaction_of_discord_is_one_trace_with_its_first_answer_in_it() {
    let discord = DiscordWorld::new(Duration::ZERO).await;
    let collector = FakeCollector::start(Some(TOKEN)).await;
    let [_worker, _demo] = behind(&discord.world, &collector, |args| discord.adjutant(args)).await;
    let mut gateway = discord.adjutant(&["gateway", "discord"]);
    let _gateway = start(&discord.world, "g0", traced(&mut gateway, &collector));
    discord.receives().await;
    let registered =
        |fake: &FakeDiscord| format!("{:?}", fake.record().commands).contains("\"promote\"").then_some(());
    discord.fake.until("the commands of the demo", SOON, registered).await;
    let asked = discord.fake.command(ADA, DEPLOYS, deploy("list", None));
    discord.answer(&asked, "staging").await;

    let trace = Trace::whole(&collector, &[Name::DeliverAnswer, Name::Serve, Name::CallPlatform]).await;
    let receive = trace.one(Name::Receive);
    assert_through(&trace, receive);
    trace.assert_chain(&[trace.one(Name::DeliverAnswer), trace.event("succeeded")]);
    let first = trace.calls("/interactions/{id}/{token}/callback");
    assert_eq!(first.len(), 1, "{:#?}", trace.0);
    trace.assert_chain(&[first[0], receive]);
    for secret in [ADA, DEPLOYS, "9001", &discord.fake.world().bot_token] {
        assert!(!collector.has_seen(secret), "{secret}");
    }
    assert_eq!(collector.violations(), Vec::<String>::new());
    discord.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_of_the_api_finds_its_request_in_its_own_trace_and_does_not_decide_what_is_recorded() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let world = World::new(Duration::ZERO).await;
    write_policy(&world.path().join("policies"), "p, svc:ci, *, *, *, *, allow\n", "svc:ci, svc:ci, ci\n");
    let collector = FakeCollector::start(Some(TOKEN)).await;
    let [_worker, _demo] = behind(&world, &collector, |args| world.adjutant(args)).await;
    let said = async |args: &[&str]| {
        let output = world.adjutant(args).output().await.unwrap();
        assert!(output.status.success(), "{args:?}");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    };
    let client = Client::builder().no_proxy().build().unwrap();
    let submit = async |base: &str, key: &str, event: &str| {
        let call =
            client.post(format!("{base}/v1/requests")).bearer_auth(key).header("Idempotency-Key", event);
        let call = call.header("traceparent", CALLER).header("tracestate", "vendor=1");
        let answer =
            call.header("Prefer", "wait=20").json(&json!({ "text": "deploy list" })).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK, "{}", answer.text().await.unwrap());
    };
    let api = async |percent: &str| {
        let port = free_port();
        let mut api = world.adjutant(&["api"]);
        let api = traced(&mut api, &collector).env("ADJUTANT_API__LISTEN", format!("127.0.0.1:{port}"));
        let api = start(&world, "api", api.env("ADJUTANT_TRACES__SAMPLE_PERCENT", percent));
        let base = format!("http://127.0.0.1:{port}");
        let ready = async || {
            let answer = client.get(format!("{base}/readyz")).send().await.ok()?;
            answer.status().is_success().then_some(())
        };
        world.eventually(ready).await;
        (api, base)
    };

    // None are recorded there: whoever asks for it is not heard, and neither is the worker behind.
    let (quiet, base) = api("0").await;
    said(&["keys", "service-add", "ci"]).await;
    let key = said(&["keys", "issue", "ci", "--scope", "requests:submit,requests:read", "--quiet"]).await;
    submit(&base, &key, "unheard").await;
    quiet.stop().await;
    let (_api, base) = api("100").await;
    submit(&base, &key, "heard").await;
    let trace =
        Trace::whole(&collector, &[Name::Run, Name::Serve, Name::PublishCommand, Name::ProcessCommand]).await;
    let answer = trace.named("POST /v1/requests");
    assert_eq!(answer.len(), 1, "{:#?}", trace.0);
    assert!(CALLER.contains(&answer[0].trace) && CALLER.contains(&answer[0].parent), "{answer:#?}");
    assert_eq!(answer[0].attributes["http.response.status_code"], "200");
    assert_through(&trace, answer[0]);
    assert_eq!(trace.services(), ["adjutant-api", "adjutant-demo-deployments", "adjutant-worker"].into());
    assert_eq!(
        collector.spans().iter().filter(|span| span.name == Name::Run.as_str()).count(),
        1,
        "one was heard"
    );
    assert!(!collector.spans().iter().any(|span| span.name.contains("readyz")), "probes are in no trace");
    assert!(!collector.has_seen(&key));
    assert_eq!(collector.violations(), Vec::<String>::new());
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_another_worker_takes_over_stays_in_its_trace() {
    let slack = SlackWorld::new(Duration::ZERO).await;
    let collector = FakeCollector::start(Some(TOKEN)).await;
    let worker = |name: &str| {
        let mut worker = slack.adjutant(&["worker"]);
        start(&slack.world, name, traced(&mut worker, &collector).env("ADJUTANT_WORKER__NAME", name))
    };
    let first = worker("w0");
    let mut gateway = slack.adjutant(&["gateway", "slack"]);
    let _gateway = start(&slack.world, "g0", traced(&mut gateway, &collector));
    slack.fake.until("sockets", SOON, |fake| (fake.sockets() >= 2).then_some(())).await;
    let asked = slack.fake.mention("U0ANA", "C0DEPLOY", "deploy steps", None);
    slack.world.eventually(async || (slack.world.called() == 1).then_some(())).await;
    first.signal(Signal::SIGKILL);
    let _second = worker("w1");
    slack.answer("C0DEPLOY", Some(&asked), "done").await;
    let trace = Trace::whole(&collector, &[Name::DeliverAnswer]).await;
    let process = trace.one(Name::ProcessCommand);
    assert_eq!((process.instance.as_str(), process.attributes["adjutant.attempt"].as_str()), ("w1", "2"));
    trace.assert_chain(&[
        trace.event("resumed"),
        process,
        trace.one(Name::PublishCommand),
        trace.one(Name::Receive),
    ]);
    assert_eq!(collector.violations(), Vec::<String>::new());
    slack.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_is_away_costs_spans_and_nothing_else() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let world = World::new(Duration::ZERO).await;
    let collector = FakeCollector::start(Some(TOKEN)).await;
    collector.down(true);
    let port = free_port();
    let mut worker = world.adjutant(&["worker"]);
    let worker = traced(&mut worker, &collector).env("ADJUTANT_METRICS__LISTEN", format!("127.0.0.1:{port}"));
    let worker = start(&world, "w0", worker);
    let counted = async |series: &str| {
        let text = reqwest::get(format!("http://127.0.0.1:{port}/metrics")).await.ok()?.text().await.ok()?;
        let line =
            text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' ')?.parse::<f64>().ok());
        line.filter(|count| *count > 0.0)
    };
    let requests = [world.submit("1", "ping").await, world.submit("2", "deploy mutating").await];
    world.ended(&requests).await;
    world.eventually(async || counted("adjutant_spans_lost_total").await).await;
    collector.down(false);
    let again = [world.submit("3", "ping").await];
    world.ended(&again).await;
    world.eventually(async || counted("adjutant_spans_exported_total").await).await;
    let log = std::fs::read_to_string(world.path().join("w0.log")).unwrap();
    let told = |text: &str| log.lines().filter(|line| line.contains(text)).count();
    assert_eq!(told("the collector does not take traces"), 1, "it is said once: {log}");
    assert_eq!(told("the collector takes traces again"), 1, "{log}");
    assert!(!log.contains("collector-secret"), "{log}");

    // Nor does it hold up the end.
    collector.down(true);
    world.ended(&[world.submit("4", "ping").await]).await;
    let begun = std::time::Instant::now();
    worker.stop().await;
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_that_cannot_be_are_told_at_the_start() {
    let world = World::new(Duration::ZERO).await;
    for (key, value, told) in [
        ("ADJUTANT_TRACES__ENDPOINT", "collector:4318", "no address of a collector"),
        ("ADJUTANT_TRACES__HEADERS", "secret-0", "traces.headers: line 1 is no header"),
    ] {
        let mut command = world.adjutant(&["worker"]);
        command.env("ADJUTANT_TRACES__ENDPOINT", "http://127.0.0.1:1").env(key, value);
        let output = command.stderr(std::process::Stdio::piped()).output().await.unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && said.contains(told) && !said.contains("secret-0"), "{said}");
    }
    world.stop().await;
}
