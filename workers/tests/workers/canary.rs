//! What a worker lets a canary do: come back, and nothing else.

use adjutant_bus::{
    actor::{Platform, Tenant},
    canary,
    event::Outcome,
    ports::Recorded,
    request::{Request, Submission},
    subject::{JournalKey, Journals, Origin},
};
use jiff::{SignedDuration, Timestamp};

use super::world::{SOON, World, request};

fn sent(line: &str) -> Request {
    let until = Timestamp::now() + SignedDuration::from_secs(20);
    Request { text: line.to_owned(), ..canary::request(Platform::Slack, "g0", until) }
}

/// How it ended, and its events.
async fn ended(world: &World, request: Request) -> (Outcome, Vec<Recorded>) {
    let key = JournalKey { origin: Origin::of(&request.actor), request: request.id };
    world.bus.submit(&Submission::Request(request)).await.unwrap();
    let deadline = tokio::time::Instant::now() + SOON;
    loop {
        let events = world.bus.journal.read(&Journals::Request(key.clone()), 0, 100).await.unwrap();
        if let Some((outcome, _)) = events.last().and_then(|recorded| recorded.event.fact.end()) {
            return (outcome, events);
        }
        assert!(tokio::time::Instant::now() < deadline, "it must end: {events:#?}");
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_canary_comes_back_by_the_way_of_every_command_and_needs_no_row() {
    let world = World::with_policy("p, everyone, *, *, *, *, deny\n").await;
    let (outcome, events) = ended(&world, sent("ping")).await;
    assert_eq!(outcome, Outcome::Succeeded);
    let facts: Vec<&str> = events.iter().map(|recorded| recorded.event.fact.name()).collect();
    assert_eq!(facts, ["started", "succeeded"]);
    // Somebody's own `ping` is decided upon as ever.
    assert_eq!(world.ask("1", "ping").await.0, Outcome::Refused);
}

#[tokio::test]
async fn a_canary_may_ask_for_nothing_else() {
    let world = World::new().await;
    for line in ["whoami", "do work", "freeze on", "ping you", " ping", "help", "policy rollback 1"] {
        let (outcome, events) = ended(&world, sent(line)).await;
        assert_eq!((outcome, events.len()), (Outcome::Refused, 1), "{line}");
    }
    assert_eq!(world.calls.load(std::sync::atomic::Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_canary_that_comes_by_another_way_is_forged_and_one_that_is_late_is_not_run() {
    let world = World::new().await;
    // By the terminal's subject, as its gateway could send it.
    let forged = sent("ping");
    let id = forged.id;
    let origin = Origin::new(Platform::Console, &Tenant::new("local"));
    let payload = adjutant_bus::wire::encode("request", &Submission::Request(forged)).unwrap();
    world.bus.commands.submit(&origin, &id.to_string(), payload).await.unwrap();
    let (outcome, reply, _) = world.ended(id).await;
    assert_eq!(outcome, Outcome::Refused);
    assert!(reply.title.contains("not certain who asks"), "{reply:?}");
    let late = canary::request(Platform::Slack, "g0", Timestamp::UNIX_EPOCH);
    assert_eq!(ended(&world, late).await.0, Outcome::Expired);
}

#[tokio::test]
async fn history_looks_further_back_when_much_has_happened_meanwhile() {
    let world = World::new().await;
    let (_, mine) = world.ask("mine", "ping once upon a time").await;
    assert!(mine.title.contains("once upon a time"), "{mine:?}");
    for n in 0..2_200 {
        let mut other = request(&format!("other-{n}"), "ping");
        other.actor.user = "sam".to_owned();
        world.send(other).await;
        if n % 100 == 99 {
            // The share of one tenant in the queue is bounded.
            let last = adjutant_bus::id::RequestId::derive(
                Platform::Console,
                &Tenant::new("local"),
                &format!("other-{n}"),
            );
            world.ended(last).await;
        }
    }
    let (_, history) = world.ask("then", "history").await;
    assert!(format!("{history:?}").contains("once upon a time"), "{history:?}");
}
