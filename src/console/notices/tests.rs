//! What comes of notices, on the in-memory bus.

use adjutant_bus::{memory::Memory, open::Role, place::Place, ports::Limits, reply::Reply, wire::Version};
use jiff::Timestamp;

use super::*;

fn notice(id: &str, tenant: &str, channel: &str) -> Notice {
    Notice {
        v: Version,
        id: id.to_owned(),
        from: "svc:ci".to_owned(),
        to: Place {
            platform: Platform::Console,
            tenant: Tenant::new(tenant),
            channel: channel.to_owned(),
            thread: None,
            private: false,
            answer: None,
        },
        reply: Reply::info("hello"),
        matter: None,
        sent_at: Timestamp::UNIX_EPOCH,
    }
}

/// Puts it on the bus; `under` is what the bus knows it by.
async fn send(memory: &Memory, under: &str, notice: &Notice) {
    let origin = Origin::new(Platform::Console, &notice.to.tenant);
    let payload = wire::encode("notice", notice).unwrap();
    memory.role(Role::Api).outbox.submit(&origin, under, payload).await.unwrap();
}

fn follower(out: mpsc::Sender<Notice>) -> Follower {
    let origin = Origin::new(Platform::Console, &Tenant::new("local"));
    Follower { origin, reader: Reader::Terminal(out), shown: Shown::default() }
}

#[tokio::test]
async fn a_terminal_shows_its_own_notices_once() {
    let memory = Memory::new(&Limits::default());
    let (out, mut shown) = mpsc::channel(8);
    let stop = CancellationToken::new();
    let bus = memory.role(Role::Console);
    let following = tokio::spawn(follow(bus, Tenant::new("local"), Reader::Terminal(out), stop.clone()));
    send(&memory, "1", &notice("1", "local", "terminal")).await;
    send(&memory, "1 again", &notice("1", "local", "terminal")).await;
    send(&memory, "other", &notice("other", "elsewhere", "terminal")).await;
    send(&memory, "2", &notice("2", "local", "terminal")).await;
    assert_eq!(shown.recv().await.unwrap().id, "1");
    assert_eq!(shown.recv().await.unwrap().id, "2");
    stop.cancel();
    following.await.unwrap();
    assert!(shown.recv().await.is_none());
    let left = memory.role(Role::Console).outbox.take(8, Duration::ZERO).await.unwrap();
    assert!(left.is_empty(), "the other console's is put off");
    assert_eq!(memory.dead_letters(), []);
}

#[tokio::test]
async fn a_notice_to_a_console_that_is_not_there_is_kept_among_the_dead_letters() {
    let memory = Memory::new(&Limits::default());
    let (out, _shown) = mpsc::channel(8);
    for other in [notice("1", "elsewhere", "terminal"), notice("2", "local", "another")] {
        send(&memory, &other.id, &other).await;
    }
    for mut delivery in memory.role(Role::Console).outbox.take(8, Duration::ZERO).await.unwrap() {
        delivery.attempt = MOST_DELIVERIES;
        follower(out.clone()).settle(&delivery).await.unwrap();
    }
    let reasons: Vec<String> = memory.dead_letters().into_iter().map(|letter| letter.reason).collect();
    assert_eq!(
        reasons,
        [
            "no console has taken it for console:elsewhere/terminal",
            "no console has taken it for console:local/another"
        ]
    );
}

#[tokio::test]
async fn a_log_takes_nothing_while_there_is_a_terminal() {
    let memory = Memory::new(&Limits::default());
    let bus = memory.role(Role::Console);
    let key = "console.local.prompt";
    bus.store.put(Bucket::Leases, key, "here".into(), Expect::Anything).await.unwrap();
    send(&memory, "1", &notice("1", "local", "terminal")).await;
    let (out, mut shown) = mpsc::channel(8);
    let mut log = Follower { reader: Reader::Log, ..follower(out.clone()) };
    log.take(&bus, key).await.unwrap();
    follower(out).take(&bus, key).await.unwrap();
    assert_eq!(shown.recv().await.unwrap().id, "1");
    bus.store.remove(Bucket::Leases, key, None).await.unwrap();
    send(&memory, "2", &notice("2", "local", "terminal")).await;
    log.take(&bus, key).await.unwrap();
    assert!(bus.outbox.take(8, Duration::ZERO).await.unwrap().is_empty());
    assert!(log.shown.ids.contains("2"));
}
