//! What goes wrong with sockets and sessions: closed, dropped, silent, refused, begun too often.

use std::time::Duration;

use adjutant_fakes::discord::{FakeDiscord, Greeting, Refusal, ResumeUrl};

use super::{
    faults::{LONG, works},
    world::{ADA, DEPLOYS, DiscordWorld, SLOW, free_port, wait_ready},
};

fn connections(discord: &DiscordWorld) -> usize {
    discord.fake.record().connections.len()
}

#[tokio::test(flavor = "multi_thread")]
async fn codes_after_which_nothing_can_work_stop_with_a_reason_and_leave_the_process_alone() {
    let discord = DiscordWorld::new(Duration::ZERO).await;
    let fake = &discord.fake;
    let reasons = [
        (4003, "fault of Adjutant"),
        (4004, "bot token"),
        (4010, "shard"),
        (4011, "too many guilds"),
        (4013, "intents"),
        (4014, "Privileged Gateway Intents"),
    ];
    for (code, reason) in reasons {
        let (port, before) = (free_port(), fake.record().identifies.len());
        fake.faults().identify.always(Some(Refusal::Close(code)));
        let listen = format!("127.0.0.1:{port}");
        let gateway = discord.start(&format!("g{code}"), &[("ADJUTANT_HTTP__LISTEN", &listen)]);
        let told = wait_ready(port, 503, reason).await;
        assert!(told.contains(&format!("close code {code}")), "{told}");
        // The rest lives on, and nothing is tried again.
        assert_eq!(reqwest::get(format!("http://{listen}/livez")).await.unwrap().status(), 200);
        assert_eq!(fake.record().identifies.len(), before + 1, "{code}");
        gateway.stop().await;
    }
    assert!(fake.record().identifies.iter().all(|one| one.refused.is_some()));
    discord.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_happens_to_a_socket_the_session_goes_on() {
    let discord = DiscordWorld::new(Duration::ZERO).await;
    let fake = &discord.fake;
    fake.faults().heartbeat_interval = Duration::from_millis(500);
    fake.faults().resume_url = ResumeUrl::Port;
    let (_worker, _gateway) = (discord.worker("w0"), discord.gateway("g0").await);
    let resumed = async |count: usize| {
        let found = |fake: &FakeDiscord| {
            (fake.record().resumes.iter().filter(|one| one.refused.is_none()).count() >= count).then_some(())
        };
        fake.until(&format!("{count} resumes; logs: {}", discord.logs()), LONG, found).await;
    };
    works(&discord, "at first").await;
    fake.reconnect();
    resumed(1).await;
    works(&discord, "after op 7").await;
    fake.close(Some(4000));
    resumed(2).await;
    works(&discord, "after a close").await;
    fake.drop_sockets();
    resumed(3).await;
    works(&discord, "after a drop").await;
    // What is said while nobody listens comes at the resume.
    fake.half_open();
    let missed = fake.say(ADA, DEPLOYS, "<@8002> deploy say into silence");
    resumed(4).await;
    discord.answer(&missed, "into silence").await;
    // A socket that never greets is left.
    fake.faults().greeting.next(Greeting::Never);
    fake.close(Some(4000));
    let missed = fake.say(ADA, DEPLOYS, "<@8002> deploy say unheard");
    resumed(5).await;
    discord.answer(&missed, "unheard").await;
    assert_eq!(fake.record().identifies.len(), 1, "every session was resumed");
    // A session that is over is begun anew.
    fake.invalid_session(false);
    let begun = |fake: &FakeDiscord| (fake.record().identifies.len() == 2).then_some(());
    fake.until("a new session", LONG, begun).await;
    works(&discord, "in a new session").await;
    // Frames that mean nothing change nothing.
    for frame in ["this is no JSON", r#"{"op":99,"d":{}}"#, r#"{"op":0,"t":"SOMETHING_NEW","s":null,"d":7}"#]
    {
        fake.frame(frame);
    }
    works(&discord, "at last").await;
    assert_eq!(fake.record().identifies.len(), 2);
    discord.assert_no_violations();
    discord.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_is_never_resumed_is_given_up_after_few_tries() {
    let discord = DiscordWorld::new(Duration::ZERO).await;
    let fake = &discord.fake;
    let (_worker, _gateway) = (discord.worker("w0"), discord.gateway("g0").await);
    for refusal in [Refusal::Close(4000), Refusal::Close(4007), Refusal::Invalid(true)] {
        let (before, sessions) = (connections(&discord), fake.record().identifies.len());
        fake.faults().resume.always(Some(refusal.clone()));
        fake.close(Some(4000));
        let begun = |fake: &FakeDiscord| (fake.record().identifies.len() > sessions).then_some(());
        fake.until(&format!("a new session; logs: {}", discord.logs()), LONG, begun).await;
        assert!(connections(&discord) - before <= 6, "{refusal:?}: {}", connections(&discord) - before);
        fake.faults().resume.always(None);
        works(&discord, "again").await;
    }
    discord.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_whose_beginning_cannot_be_read_is_begun_anew() {
    let discord = DiscordWorld::new(Duration::ZERO).await;
    let fake = &discord.fake;
    fake.faults().resume_url = ResumeUrl::Missing;
    let (_worker, _gateway) = (discord.worker("w0"), discord.start_gateway("g0"));
    let tried = |fake: &FakeDiscord| (!fake.record().identifies.is_empty()).then_some(());
    fake.until("a first session", LONG, tried).await;
    fake.faults().resume_url = ResumeUrl::Path;
    let begun = |fake: &FakeDiscord| (fake.record().identifies.len() == 2).then_some(());
    fake.until(&format!("a second session; logs: {}", discord.logs()), LONG, begun).await;
    works(&discord, "after all").await;
    discord.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_is_not_begun_when_few_are_left_nor_resumed_at_a_foreign_host() {
    let discord = DiscordWorld::new(Duration::ZERO).await;
    let fake = &discord.fake;
    fake.world().start_limit.remaining = 20;
    let port = free_port();
    let listen = format!("127.0.0.1:{port}");
    let gateway = discord.start("g0", &[("ADJUTANT_HTTP__LISTEN", &listen)]);
    wait_ready(port, 503, "0 of 1").await;
    let asked = |fake: &FakeDiscord| (fake.record().calls_of("GET /gateway/bot").len() >= 2).then_some(());
    fake.until("a look at the budget", SLOW, asked).await;
    assert!(fake.record().identifies.is_empty());
    gateway.stop().await;

    fake.world().start_limit.remaining = 1_000;
    fake.faults().resume_url = ResumeUrl::Foreign("wss://gateway.example".to_owned());
    let port = free_port();
    let listen = format!("127.0.0.1:{port}");
    let _gateway = discord.start("g1", &[("ADJUTANT_HTTP__LISTEN", &listen)]);
    wait_ready(port, 503, "foreign host").await;
    assert_eq!(fake.record().identifies.len(), 1);
    discord.stop().await;
}
