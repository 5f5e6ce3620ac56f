//! What goes wrong: the bus, Discord, sockets, sessions, tokens.

use std::{process::Stdio, time::Duration};

use adjutant_bus::ports::Recorded;
use adjutant_fakes::discord::{FakeDiscord, GatewayUrl, RestFault, Scope};
use serde_json::Value;

use super::world::{ADA, BEN, DEPLOYS, DiscordWorld, SLOW, deploy, free_port, line, wait_ready};

/// For what takes a round of patience.
pub const LONG: Duration = Duration::from_secs(90);
const MESSAGES: &str = "POST /channels/{channel_id}/messages";

/// A command typed as a message is answered.
pub async fn works(discord: &DiscordWorld, word: &str) {
    let asked = discord.fake.say(ADA, DEPLOYS, &format!("<@8002> deploy say {word}"));
    discord.answer(&asked, word).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_bus_is_away_people_are_told_that_nothing_was_done_and_messages_wait() {
    let discord = DiscordWorld::new(Duration::ZERO).await;
    let fake = &discord.fake;
    fake.faults().heartbeat_interval = Duration::from_millis(500);
    let (_worker, _gateway) = (discord.worker("w0"), discord.gateway("g0").await);
    works(&discord, "before").await;
    discord.world.opened.server().unwrap().fell().await;
    let waiting = fake.say(ADA, DEPLOYS, "<@8002> ping");
    let command = fake.command(ADA, DEPLOYS, deploy("say", Some("never")));
    let told = command.acknowledged().await;
    assert!(told.after < Duration::from_secs(3), "{told:?}");
    let said = told.data.to_string();
    // Either that nothing was done or, where the bus fell in the middle of it, that this is not certain.
    assert!(said.contains("Nothing was done") || said.contains("not certain"), "{said}");
    assert_eq!(told.data["flags"], 64);
    // The message waits, and the session lives on meanwhile: so many heartbeats are five seconds.
    let before = fake.record().heartbeats.len();
    let beats = |fake: &FakeDiscord| (fake.record().heartbeats.len() >= before + 10).then_some(());
    fake.until("heartbeats while the bus is away", SLOW, beats).await;
    // Whoever asks now is told so, too, though no lease can be renewed any more.
    let told = fake.command(ADA, DEPLOYS, deploy("say", Some("never either"))).acknowledged().await;
    assert!(told.data.to_string().contains("Nothing was done"), "{told:?}");
    discord.world.opened.server().unwrap().raise().await;
    discord.answer(&waiting, "direct message").await;
    let direct = fake.world().direct(ADA);
    discord.message(&direct, "pong").await;
    let calls = discord.world.calls.lock().clone();
    assert!(calls.values().all(|fences| fences.len() == 1), "{calls:?}");
    discord.assert_no_violations();
    discord.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_discord_took_without_saying_so_is_not_posted_again() {
    let discord = DiscordWorld::new(Duration::ZERO).await;
    let fake = &discord.fake;
    let (_worker, _gateway) = (discord.worker("w0"), discord.gateway("g0").await);
    for fault in [RestFault::DoneThen500, RestFault::DoneThenDrop, RestFault::DoneThenOdd] {
        fake.faults().next(MESSAGES, fault);
        works(&discord, "once").await;
    }
    // Discord fails in every other way before it takes the next.
    let limited = |scope| RestFault::Limited { scope, retry_after: 0.4 };
    for fault in [
        RestFault::Status(503),
        RestFault::NotJson,
        limited(Scope::User),
        limited(Scope::Shared),
        limited(Scope::Global),
        RestFault::Drop,
    ] {
        fake.faults().next(MESSAGES, fault);
    }
    works(&discord, "at last").await;
    // What was to come twice would have come before this one.
    works(&discord, "the last").await;
    assert_eq!(fake.messages(DEPLOYS).len(), 5, "{:#?}", fake.messages(DEPLOYS));

    // The same for interactions, whose first answer is looked up when it is not certain.
    let callback = "POST /interactions/{interaction_id}/{interaction_token}/callback";
    fake.faults().next(callback, RestFault::DoneThenDrop);
    let asked = fake.command(ADA, DEPLOYS, deploy("say", Some("not certain")));
    discord.answer(&asked, "not certain").await;
    // Never taken: the person saw that nothing answered, and gets the answer by a message that says who asked.
    fake.faults().always(callback, Some(RestFault::Drop));
    fake.command(ADA, DEPLOYS, deploy("say", Some("by a message")));
    let answer = discord.message(DEPLOYS, "by a message").await;
    assert!(answer.texts().contains("<@4001>"), "{}", answer.texts());
    fake.command(BEN, DEPLOYS, line("deploy mutating"));
    let direct = fake.world().direct(BEN);
    discord.message(&direct, "may not").await;
    assert_eq!(asked.answers().len(), 1);
    discord.assert_no_violations();
    discord.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_that_discord_refuses_becomes_a_file_and_a_place_that_is_closed_a_direct_message() {
    let discord = DiscordWorld::new(Duration::ZERO).await;
    let fake = &discord.fake;
    let (_worker, _gateway) = (discord.worker("w0"), discord.gateway("g0").await);
    let refused = RestFault::Error { status: 400, code: 50_035, message: "Invalid Form Body" };
    fake.faults().next(MESSAGES, refused);
    let asked = fake.say(ADA, DEPLOYS, "<@8002> deploy say in a file");
    let answer = discord.answer(&asked, "The answer is in the file").await;
    assert_eq!(answer.files[0].name, "answer.txt");
    assert!(String::from_utf8_lossy(&answer.files[0].content).contains("in a file"));
    let closed = RestFault::FORBIDDEN;
    fake.faults().always(MESSAGES, None);
    fake.faults().next(MESSAGES, closed);
    fake.say(ADA, DEPLOYS, "<@8002> deploy say elsewhere");
    let direct = fake.world().direct(ADA);
    discord.message(&direct, "elsewhere").await;
    discord.assert_no_violations();
    discord.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_result_that_comes_after_the_token_has_ended_comes_by_a_message() {
    let discord = DiscordWorld::new(Duration::ZERO).await;
    let fake = &discord.fake;
    let (_worker, _gateway) = (discord.worker("w0"), discord.gateway("g0").await);
    let public = fake.command(ADA, DEPLOYS, deploy("wait", Some("for everybody")));
    let private = fake.command(BEN, DEPLOYS, deploy("gated", None));
    for asked in [&public, &private] {
        assert_eq!(asked.acknowledged().await.kind, 5);
        asked.age(Duration::from_secs(16 * 60));
    }
    discord.world.gate.add_permits(2);
    let answer = discord.message(DEPLOYS, "said").await;
    assert!(answer.texts().contains("<@4001>"), "{}", answer.texts());
    let direct = fake.world().direct(BEN);
    discord.message(&direct, "done").await;
    assert!(
        fake.messages(DEPLOYS).iter().all(|one| !one.texts().contains("done ")),
        "nothing private in public"
    );
    discord.assert_no_violations();
    discord.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_settings_are_named_at_the_start() {
    let discord = DiscordWorld::new(Duration::ZERO).await;
    let started = async |name: &str, value: &str| {
        let mut program = discord.adjutant(&["gateway", "discord"]);
        let output = program.env(name, value).stderr(Stdio::piped()).output();
        let output = tokio::time::timeout(LONG, output).await.unwrap().unwrap();
        assert_eq!(output.status.code(), Some(1));
        String::from_utf8(output.stderr).unwrap()
    };
    let told = started("ADJUTANT_DISCORD__BOT_TOKEN", "MTIz.wrong.token").await;
    assert!(told.contains("Discord refuses the token"), "{told}");
    let told = started("ADJUTANT_DISCORD__BOT_TOKEN", "Bot MTIz.wrong.token").await;
    assert!(told.contains("not the form of a bot token"), "{told}");
    let told = started("ADJUTANT_DISCORD__APPLICATION_ID", "1234").await;
    assert!(told.contains("(8001)") && told.contains("1234"), "{told}");
    let told = started("ADJUTANT_DISCORD__INGRESS", "http").await;
    assert!(told.contains("discord.public_key is not set"), "{told}");
    let told = started("ADJUTANT_DISCORD__API_URL", "http://discord.example/api").await;
    assert!(told.contains("must begin with https://"), "{told}");
    discord.fake.faults().next("GET /gateway/bot", RestFault::Status(500));
    let told = started("ADJUTANT_DISCORD__APPLICATION_ID", "8001").await;
    assert!(told.contains("gateway") && told.contains("status 500"), "{told}");
    let foreign = GatewayUrl::Foreign("wss://gateway.example".to_owned());
    discord.fake.faults().gateway_url.next(foreign);
    let told = started("ADJUTANT_DISCORD__APPLICATION_ID", "8001").await;
    assert!(told.contains("foreign host"), "{told}");
    let token = discord.fake.world().bot_token.clone();
    assert!(!told.contains(&token), "{told}");

    let doctor = discord.adjutant(&["doctor", "discord", "--json"]).output().await.unwrap();
    assert_eq!(doctor.status.code(), Some(0));
    let findings: Vec<Value> = serde_json::from_slice(&doctor.stdout).unwrap();
    assert!(findings.iter().all(|finding| finding["ok"] == true), "{findings:#?}");
    let mut untrusting = discord.adjutant(&["doctor", "discord"]);
    let doctor = untrusting.env("ADJUTANT_DISCORD__TRUSTED_GUILDS", "9002").output().await.unwrap();
    let table = String::from_utf8(doctor.stdout).unwrap();
    assert!(table.contains("partly") && table.contains("Acme (9001)"), "{table}");
    let invite = discord.adjutant(&["commands", "discord-invite"]).output().await.unwrap();
    assert!(String::from_utf8(invite.stdout).unwrap().contains("client_id=8001"));
    discord.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_is_refused_while_running_stops_the_calls() {
    let discord = DiscordWorld::new(Duration::ZERO).await;
    let fake = &discord.fake;
    let port = free_port();
    let listen = format!("127.0.0.1:{port}");
    let _worker = discord.worker("w0");
    let _gateway = discord.start("g0", &[("ADJUTANT_HTTP__LISTEN", &listen)]);
    discord.receives().await;
    wait_ready(port, 200, "1 of 1").await;
    fake.faults().always("*", Some(RestFault::UNAUTHORIZED));
    for n in 0..20 {
        fake.say(ADA, DEPLOYS, &format!("<@8002> deploy say {n}"));
    }
    wait_ready(port, 503, "refuses the bot token").await;
    let ended =
        |events: &Vec<_>| events.last().is_some_and(|last: &Recorded| last.event.fact.end().is_some());
    let all = async || {
        (discord.world.journals().await.values().filter(|one| ended(one)).count() == 20).then_some(())
    };
    discord.world.eventually(all).await;
    assert!(fake.record().invalid() <= 5, "{}", fake.record().invalid());
    discord.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_is_in_any_log_not_even_at_its_finest() {
    let discord = DiscordWorld::new(Duration::ZERO).await;
    let _worker = discord.worker("w0");
    let log = discord.world.path().join("trace.log");
    let mut gateway = discord.adjutant(&["gateway", "discord", "--log", "trace"]);
    let _gateway = gateway.stderr(std::fs::File::create(&log).unwrap()).spawn().unwrap();
    discord.receives().await;
    let fake = &discord.fake;
    works(&discord, "quietly").await;
    let asked = fake.command(ADA, DEPLOYS, deploy("steps", None));
    discord.answer(&asked, "done").await;
    fake.reconnect();
    works(&discord, "after op 7").await;
    fake.faults()
        .next("PATCH /webhooks/{webhook_id}/{webhook_token}/messages/@original", RestFault::Status(500));
    let asked = fake.command(ADA, DEPLOYS, deploy("steps", None));
    discord.answer(&asked, "done").await;
    let text = std::fs::read_to_string(&log).unwrap();
    assert!(text.len() > 1_000);
    let (token, interaction) = (fake.world().bot_token.clone(), asked.token.clone());
    for secret in [token.as_str(), interaction.as_str(), "discord-bot-token"] {
        let found = text.lines().find(|line| line.contains(secret));
        assert!(found.is_none(), "{secret} in {found:?}");
    }
    discord.stop().await;
}
