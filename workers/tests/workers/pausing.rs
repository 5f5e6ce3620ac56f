//! While nothing but reading runs.

use adjutant_bus::{
    event::{Fact, Outcome},
    mode::{self, Beat, Pause},
    refusal::RefusalCode,
    wire::Version,
};
use jiff::Timestamp;

use super::world::{SOON, World};

fn pause() -> Pause {
    let since = "2026-03-01T10:20:30Z".parse().unwrap();
    Pause { v: Version, by: "Ana".to_owned(), reason: "incident 7".to_owned(), since }
}

/// Asks the same until it ends so: the worker learns of the mode a moment after it was written.
async fn until(world: &World, line: &str, wanted: Outcome) -> Vec<adjutant_bus::ports::Recorded> {
    let deadline = tokio::time::Instant::now() + SOON;
    for n in 0.. {
        let id = world.submit(&format!("{line}-{wanted:?}-{n}"), line).await;
        let (outcome, _, events) = world.ended(id).await;
        if outcome == wanted {
            return events;
        }
        assert!(
            tokio::time::Instant::now() < deadline,
            "{line} must end as {wanted:?}, and not as {outcome:?}"
        );
    }
    unreachable!()
}

fn shown(events: &[adjutant_bus::ports::Recorded]) -> String {
    let Fact::Refused { refusal, .. } = &events[0].event.fact else { panic!("refused at once") };
    assert_eq!(refusal.code, RefusalCode::Paused);
    let opening = events[0].event.opening.as_ref().unwrap();
    assert!(opening.authorization.as_ref().unwrap().allowed, "it is recorded that they may");
    format!("{}\n{}\n", refusal.what, refusal.next)
}

#[tokio::test]
async fn while_paused_only_reading_and_cancel_run() {
    let world = World::new().await;
    let waiting = world.submit("waiting", "do wait").await;
    world.until(waiting, |fact| matches!(fact, Fact::Started)).await;
    mode::pause(&world.bus, &pause()).await.unwrap();
    let calls = || world.calls.load(std::sync::atomic::Ordering::SeqCst);
    insta::assert_snapshot!("paused", shown(&until(&world, "do work", Outcome::Refused).await));
    let before = calls();
    for (line, outcome) in [
        ("do work", Outcome::Refused),
        ("notify somewhere hello", Outcome::Refused),
        ("ping", Outcome::Succeeded),
        ("help", Outcome::Succeeded),
    ] {
        assert_eq!(world.ask(&format!("paused-{line}"), line).await.0, outcome, "{line}");
    }
    assert_eq!(calls(), before, "nothing was run");
    let run = waiting.run();
    assert_eq!(world.ask("stop", &format!("cancel {run}")).await.0, Outcome::Succeeded);
    assert_eq!(world.ended(waiting).await.0, Outcome::Cancelled);
    mode::resume(&world.bus).await.unwrap();
    until(&world, "do work", Outcome::Succeeded).await;
}

#[tokio::test]
async fn what_another_run_did_is_not_done_again_while_paused() {
    let world = World::new().await;
    let id = world.submit("done", "do work").await;
    world.ended(id).await;
    mode::pause(&world.bus, &pause()).await.unwrap();
    until(&world, "do work", Outcome::Refused).await;
    assert_eq!(world.ask("again", &format!("rerun {}", id.run())).await.0, Outcome::Refused);
}

#[tokio::test]
async fn without_a_sign_of_life_from_the_audit_copy_only_reading_runs() {
    let world = World::new().await;
    let beat = |at| Beat { v: Version, at, sequence: 1, head: "00".to_owned() };
    assert_eq!(world.ask("before", "do work").await.0, Outcome::Succeeded, "there is no audit copy yet");
    let long_ago = "2026-03-01T10:20:30Z".parse().unwrap();
    mode::beat(&world.bus, &beat(long_ago)).await.unwrap();
    insta::assert_snapshot!("unrecorded", shown(&until(&world, "do work", Outcome::Refused).await));
    assert_eq!(world.ask("read", "ping").await.0, Outcome::Succeeded);
    mode::beat(&world.bus, &beat(Timestamp::now())).await.unwrap();
    until(&world, "do work", Outcome::Succeeded).await;
}

#[tokio::test]
async fn a_worker_that_starts_while_paused_knows_it_before_it_takes_anything() {
    let world = World::paused(&pause()).await;
    assert_eq!(world.ask("first", "do work").await.0, Outcome::Refused);
}

#[tokio::test]
async fn what_another_worker_had_claimed_does_not_start_while_paused_and_what_it_had_started_goes_on() {
    for (line, facts, wanted) in [
        ("do work", vec![Fact::Claimed], Outcome::Refused),
        ("do again", vec![Fact::Claimed], Outcome::Refused),
        ("do again", vec![Fact::Claimed, Fact::Started], Outcome::Succeeded),
        ("do work", vec![Fact::Claimed, Fact::Started], Outcome::Interrupted),
        ("ping", vec![Fact::Started], Outcome::Succeeded),
    ] {
        let world = World::paused(&pause()).await;
        let id = world.begun("1", line, facts).await;
        assert_eq!(world.ended(id).await.0, wanted, "{line}");
    }
}

#[tokio::test]
async fn a_worker_that_cannot_confirm_its_policy_runs_nothing_on_production() {
    let world = World::with_stale_after(std::time::Duration::ZERO).await;
    assert_eq!(world.ask("staging", "do deploy staging").await.0, Outcome::Succeeded);
    let (outcome, reply) = world.ask("production", "do deploy production").await;
    assert_eq!(outcome, Outcome::Refused);
    assert!(reply.title.contains("whether its policy is the current one"), "{reply:?}");
    let confirmed = World::new().await;
    assert_eq!(confirmed.ask("production", "do deploy production").await.0, Outcome::Succeeded);
}
