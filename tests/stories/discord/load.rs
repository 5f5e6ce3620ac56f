//! Two gateways and two workers under load, with all that Discord does on a bad day.

use std::time::Duration;

use adjutant_fakes::discord::{Asked, FakeDiscord, Rates, RestFault, Scope};
use nix::sys::signal::Signal;

use super::world::{ADA, DiscordWorld, deploy, free_port, wait_ready};

/// Channels in which the commands of these stories are asked.
fn channel(n: usize) -> String {
    format!("53{:02}", n % 40)
}

fn add_channels(discord: &DiscordWorld) {
    let mut world = discord.fake.world();
    let template = world.channels["5001"].clone();
    for n in 0..40 {
        let one = adjutant_fakes::discord::Channel { id: channel(n), ..template.clone() };
        world.channels.insert(one.id.clone(), one);
    }
}

/// How often a command was answered with its result.
fn answers(asked: &Asked, word: &str) -> usize {
    let is_result = |text: &str| text.contains(word) && !text.contains("Working on");
    asked.answers().iter().filter(|one| is_result(&one.texts())).count()
}

fn word(n: usize) -> String {
    format!("word-{n}-")
}

fn ask(fake: &FakeDiscord, n: usize) -> Asked {
    match n % 2 {
        0 => fake.say(ADA, &channel(n), &format!("<@8002> deploy say {}", word(n))),
        _ => fake.command(ADA, &channel(n), deploy("say", Some(&word(n)))),
    }
}

/// Every one of these was answered once, called once, and acknowledged in time.
async fn assert_all_answered(discord: &DiscordWorld, asked: &[(usize, Asked)], wait: Duration) {
    let end = tokio::time::Instant::now() + wait;
    loop {
        let missing: Vec<usize> =
            asked.iter().filter(|(n, one)| answers(one, &word(*n)) == 0).map(|(n, _)| *n).collect();
        if missing.is_empty() {
            break;
        }
        let violations = discord.fake.violations();
        let late = discord.fake.record().unanswered.clone();
        assert!(
            tokio::time::Instant::now() < end,
            "unanswered: {missing:?}; too late: {late:?}; {violations:?}; instead: {:?}; logs: {}",
            asked.iter().filter(|(n, _)| missing.contains(n)).map(|(_, one)| one.answers()).next(),
            discord.logs()
        );
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    // What comes twice comes soon after.
    tokio::time::sleep(Duration::from_secs(3)).await;
    let twice: Vec<usize> =
        asked.iter().filter(|(n, one)| answers(one, &word(*n)) != 1).map(|(n, _)| *n).collect();
    assert!(twice.is_empty(), "answered more than once: {twice:?}; logs in {}", discord.logs());
    let calls = discord.world.calls.lock();
    assert!(calls.values().all(|fences| fences.len() == 1), "{calls:?}");
}

fn assert_acknowledged_in_time(discord: &DiscordWorld) {
    let record = discord.fake.record();
    assert!(record.unanswered.is_empty(), "{:?}", record.unanswered);
    let slowest =
        record.callbacks.iter().filter(|one| one.refused.is_none()).map(|one| one.after).max().unwrap();
    assert!(slowest < Duration::from_secs(3), "{slowest:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn five_hundred_commands_on_a_bad_day_are_each_answered_once() {
    let discord = DiscordWorld::new(Duration::from_millis(20)).await;
    add_channels(&discord);
    let fake = &discord.fake;
    {
        let mut faults = fake.faults();
        faults.latency = Duration::from_millis(30);
        faults.duplicates = 0.2;
        faults.reorders = 0.2;
        faults.heartbeat_interval = Duration::from_secs(2);
        // The limits over everything are real; those of one channel are met by forty of them.
        faults.rates = Rates { messages: (20, Duration::from_secs(5)), ..Rates::default() };
    }
    let _workers = [discord.worker("w0"), discord.worker("w1")];
    let _gateways = [discord.gateway("g0").await, discord.start_gateway("g1")];
    let mut asked = Vec::new();
    for n in 0..500 {
        asked.push((n, ask(fake, n)));
        match n {
            100 => fake.reconnect(),
            170 => fake.faults().next("*", RestFault::Limited { scope: Scope::Global, retry_after: 0.7 }),
            200 => fake.invalid_session(true),
            240 => fake.faults().next("*", RestFault::Limited { scope: Scope::Shared, retry_after: 0.5 }),
            300 => fake.close(Some(4000)),
            350 => fake.faults().next("*", RestFault::Limited { scope: Scope::User, retry_after: 0.5 }),
            400 => fake.drop_sockets(),
            _ => {}
        }
        tokio::time::sleep(Duration::from_millis(12)).await;
    }
    assert_all_answered(&discord, &asked, Duration::from_secs(120)).await;
    assert_eq!(discord.world.called(), asked.len());
    assert_acknowledged_in_time(&discord);
    assert_eq!(fake.record().identifies.len(), 1, "every session was resumed");
    assert_eq!(fake.record().registrations.len(), 1, "one replica registers the commands");
    discord.assert_no_violations();
    discord.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn holders_of_the_session_killed_under_load_lose_no_message_and_answer_once() {
    let discord = DiscordWorld::new(Duration::from_millis(20)).await;
    add_channels(&discord);
    let fake = &discord.fake;
    {
        let mut faults = fake.faults();
        faults.latency = Duration::from_millis(20);
        faults.heartbeat_interval = Duration::from_secs(5);
        faults.rates = Rates::generous();
    }
    let _worker = discord.worker("w0");
    let mut first = discord.gateway("g0").await;
    let mut second = discord.start_gateway("g1");
    let mut asked = Vec::new();
    for n in 0..240 {
        asked.push((n, fake.say(ADA, &channel(n), &format!("<@8002> deploy say {}", word(n)))));
        match n {
            40 | 140 => {
                first.signal(Signal::SIGKILL);
                first = discord.start_gateway(&format!("g0-{n}"));
            }
            90 | 190 => {
                second.signal(Signal::SIGKILL);
                second = discord.start_gateway(&format!("g1-{n}"));
            }
            _ => {}
        }
        tokio::time::sleep(Duration::from_millis(40)).await;
    }
    assert_all_answered(&discord, &asked, Duration::from_secs(120)).await;
    // Whoever holds the session by now dies, and it is gone on with once more.
    for gateway in [&first, &second] {
        gateway.signal(Signal::SIGKILL);
    }
    let resumes = || fake.record().resumes.iter().filter(|one| one.refused.is_none()).count();
    let before = resumes();
    let _third = [discord.start_gateway("g0-last"), discord.start_gateway("g1-last")];
    asked.push((240, fake.say(ADA, &channel(240), &format!("<@8002> deploy say {}", word(240)))));
    assert_all_answered(&discord, &asked, Duration::from_secs(60)).await;
    assert_eq!(discord.world.called(), asked.len());
    assert!(before >= 1 && resumes() > before, "{before}, then {}", resumes());
    assert_eq!(fake.record().identifies.len(), 1, "every session was resumed");
    discord.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rolling_restart_begins_no_session_and_loses_nothing() {
    let discord = DiscordWorld::new(Duration::from_millis(20)).await;
    add_channels(&discord);
    let fake = &discord.fake;
    fake.faults().rates = Rates::generous();
    let _worker = discord.worker("w0");
    let (mut first, mut second) = (discord.gateway("g0").await, discord.start_gateway("g1"));
    let mut asked = Vec::new();
    for n in 0..120 {
        asked.push((n, fake.say(ADA, &channel(n), &format!("<@8002> deploy say {}", word(n)))));
        match n {
            30 => {
                let next = discord.start_gateway("g2");
                std::mem::replace(&mut first, next).stop().await;
            }
            70 => {
                let next = discord.start_gateway("g3");
                std::mem::replace(&mut second, next).stop().await;
            }
            _ => {}
        }
        tokio::time::sleep(Duration::from_millis(40)).await;
    }
    assert_all_answered(&discord, &asked, Duration::from_secs(90)).await;
    assert_eq!(fake.record().identifies.len(), 1, "every session was handed over");
    // Handed over: closed so that the session lives.
    let closes = fake.record().closes.clone();
    assert!(closes.iter().any(|one| one.by_client && one.code == Some(4000)), "{closes:?}");
    assert!(closes.iter().all(|one| !matches!(one.code, Some(1000 | 1001))), "{closes:?}");
    discord.assert_no_violations();
    discord.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn by_http_any_replica_answers_and_only_discord_is_believed() {
    let discord = DiscordWorld::new(Duration::from_millis(5)).await;
    add_channels(&discord);
    let fake = &discord.fake;
    fake.faults().rates = Rates::generous();
    let _workers = [discord.worker("w0"), discord.worker("w1")];
    let (mut ports, mut gateways) = (Vec::new(), Vec::new());
    let key = fake.world().public_key.clone();
    for name in ["g0", "g1"] {
        let port = free_port();
        let listen = format!("127.0.0.1:{port}");
        gateways.push(discord.start(
            name,
            &[
                ("ADJUTANT_HTTP__LISTEN", &listen),
                ("ADJUTANT_DISCORD__INGRESS", "http"),
                ("ADJUTANT_DISCORD__PUBLIC_KEY", &key),
            ],
        ));
        wait_ready(port, 200, "signed interactions").await;
        ports.push(format!("http://{listen}/discord/interactions"));
    }
    for url in &ports {
        fake.probe(url).await.unwrap();
        let old = adjutant_fakes::discord::Signing { late: 301, ..Default::default() };
        assert_eq!(fake.ping(url, &old).await.0, 401);
    }
    let mut asked = Vec::new();
    for n in 0..200 {
        fake.interactions_to(&ports[n % 2]);
        let one = fake.command(ADA, &channel(n), deploy("say", Some(&word(n))));
        if n % 5 == 0 {
            // The very same to the other replica: it runs once.
            let other = ports[(n + 1) % 2].clone();
            let (fake, one) = (fake.clone(), one.clone());
            tokio::spawn(async move { fake.post_again(&other, &one, &Default::default()).await });
        }
        asked.push((n, one));
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_all_answered(&discord, &asked, Duration::from_secs(90)).await;
    assert_eq!(discord.world.called(), asked.len());
    assert_acknowledged_in_time(&discord);
    let body = vec![b' '; 2 * 1024 * 1024];
    assert_eq!(fake.post_signed(&ports[0], &body, &Default::default()).await.0, 413);
    assert_eq!(fake.post_signed(&ports[0], b"\xff\xfe{", &Default::default()).await.0, 400);
    assert!(fake.record().identifies.is_empty());
    discord.assert_no_violations();
    discord.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_promised_answer_survives_the_gateway_that_promised_it() {
    let discord = DiscordWorld::new(Duration::ZERO).await;
    let _worker = discord.worker("w0");
    let gateway = discord.gateway("g0").await;
    let asked = discord.fake.command(ADA, "5001", deploy("wait", Some("at last")));
    assert_eq!(asked.acknowledged().await.kind, 5);
    let called = async || (discord.world.called() == 1).then_some(());
    discord.world.eventually(called).await;
    gateway.signal(Signal::SIGKILL);
    drop(gateway);
    // The result is there before anybody is who could tell it.
    discord.world.gate.add_permits(1);
    let ended = async || {
        let journals = discord.world.journals().await;
        journals.values().all(|events| events.last().unwrap().event.fact.end().is_some()).then_some(())
    };
    discord.world.eventually(ended).await;
    let _gateway = discord.start_gateway("g1");
    let answer = discord.answer(&asked, "said").await;
    assert!(answer.texts().contains("at last"), "{}", answer.texts());
    assert_eq!(asked.answers().len(), 1);
    discord.assert_no_violations();
    discord.stop().await;
}
