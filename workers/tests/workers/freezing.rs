//! A freeze: put on by one command, seen by policy with every other, ended by another command or by itself.

use adjutant_bus::{
    event::{Fact, Outcome},
    mode::{self, Freeze},
    ports::{Bucket, Expect},
    wire::Version,
};
use jiff::{SignedDuration, Timestamp};

use super::world::World;

/// Everything for everybody, but not `do work` while there is a freeze.
const FROZEN: &str = "p, everyone, *, *, *, *, allow\np, everyone, *, do.work, run, freeze=on, deny\n";

/// Asks again and again until it ends so; what was answered then.
async fn until(world: &World, name: &str, line: &str, wanted: Outcome) -> String {
    let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(30);
    for n in 0.. {
        let (outcome, reply) = world.ask(&format!("{name}-{n}"), line).await;
        if outcome == wanted {
            return format!("{reply:?}");
        }
        assert!(tokio::time::Instant::now() < deadline, "{line}: {outcome:?} {reply:?}");
    }
    unreachable!()
}

#[tokio::test]
async fn a_freeze_stops_what_policy_says_until_it_is_off_and_says_who_put_it_on_and_why() {
    let world = World::with_policy(FROZEN).await;
    assert_eq!(world.ask("before", "do work").await.0, Outcome::Succeeded);
    let on = world.ask("on", "freeze on --reason \"Black Friday\" --for 4h").await;
    assert_eq!(on.0, Outcome::Succeeded, "{on:?}");
    let told = until(&world, "frozen", "do work", Outcome::Refused).await;
    for part in ["is frozen", "Black Friday", ", until "] {
        assert!(told.contains(part), "{part}: {told}");
    }
    assert_eq!(world.ask("other", "ping").await.0, Outcome::Succeeded, "no row stops it");
    let again = format!("{:?}", world.ask("again", "freeze on --reason \"longer\" --for 8h").await);
    assert!(again.contains("in place of") && again.contains("Black Friday"), "{again}");
    let status = format!("{:?}", world.ask("status", "freeze status").await);
    assert!(status.contains("A freeze is on") && status.contains("longer"), "{status}");
    assert_eq!(world.ask("off", "freeze off --reason over").await.0, Outcome::Succeeded);
    until(&world, "thawed", "do work", Outcome::Succeeded).await;
}

#[tokio::test]
async fn a_freeze_ends_by_itself() {
    let world = World::with_policy(FROZEN).await;
    let now = Timestamp::now();
    let until_then = |until| Freeze {
        v: Version,
        by: "Ana".to_owned(),
        reason: "incident 7".to_owned(),
        since: now,
        until: Some(until),
    };
    let seen = mode::see(&world.bus).await.unwrap();
    mode::freeze(&world.bus, &until_then(now + SignedDuration::from_hours(1)), &seen).await.unwrap();
    until(&world, "frozen", "do work", Outcome::Refused).await;
    // The same freeze, of which the time is over: nobody has to end it.
    let seen = mode::see(&world.bus).await.unwrap();
    mode::freeze(&world.bus, &until_then(now), &seen).await.unwrap();
    until(&world, "over", "do work", Outcome::Succeeded).await;
}

#[tokio::test]
async fn a_freeze_that_cannot_be_read_stops_what_a_freeze_would_and_can_be_ended() {
    let world = World::with_policy(FROZEN).await;
    world.bus.store.put(Bucket::Mode, "freeze", "not JSON".into(), Expect::Anything).await.unwrap();
    let told = until(&world, "unknown", "do work", Outcome::Refused).await;
    assert!(told.contains("whether there is a freeze is not known"), "{told}");
    assert_eq!(world.ask("off", "freeze off --reason damaged").await.0, Outcome::Succeeded);
    until(&world, "thawed", "do work", Outcome::Succeeded).await;
}

#[tokio::test]
async fn a_freeze_needs_a_reason_and_a_time_that_makes_sense() {
    let world = World::new().await;
    for line in [
        "freeze on",
        "freeze on --reason \" \"",
        "freeze on --reason x --for 1s",
        "freeze on --reason x --for 30000h",
    ] {
        let (outcome, reply) = world.ask(line, line).await;
        assert!(matches!(outcome, Outcome::Refused | Outcome::Failed), "{line}: {reply:?}");
    }
    assert!(mode::load(&world.bus).await.unwrap().freeze.is_none());
}

#[tokio::test]
async fn a_freeze_whose_worker_died_is_not_put_on_again_after_somebody_ended_it() {
    let world = World::with_policy(FROZEN).await;
    let line = "freeze on --reason \"Black Friday\"";
    let id = world.begun("died", line, vec![Fact::Claimed, Fact::Started]).await;
    let (outcome, reply, _) = world.ended(id).await;
    assert_eq!(outcome, Outcome::Interrupted, "{reply:?}");
    assert_eq!(mode::see(&world.bus).await.unwrap(), mode::Seen::default());
}
