//! Every request ends once, whatever its command does.

use std::{sync::atomic::Ordering, time::Duration};

use adjutant_bus::{
    event::{Fact, Outcome},
    ports::Recorded,
    subject::Origin,
    wire,
};
use jiff::Timestamp;

use super::world::{SOON, World, request};

fn kinds(events: &[Recorded]) -> Vec<String> {
    let kind = |recorded: &Recorded| {
        serde_json::to_value(&recorded.event.fact).unwrap()["type"].as_str().unwrap().to_owned()
    };
    events.iter().map(kind).collect()
}

#[tokio::test]
async fn a_mutating_command_is_claimed_then_started_then_ended() {
    let world = World::new().await;
    let id = world.submit("1", "do work").await;
    let (outcome, _, events) = world.ended(id).await;
    assert_eq!(outcome, Outcome::Succeeded);
    assert_eq!(kinds(&events), ["claimed", "started", "succeeded"]);
    let opening = events[0].event.opening.as_ref().unwrap();
    assert!(opening.authorization.as_ref().unwrap().allowed);
    assert_eq!(opening.authorization.as_ref().unwrap().row.as_deref(), Some("policy.csv:1"));
    assert!(events[1..].iter().all(|recorded| recorded.event.opening.is_none()));
}

#[tokio::test]
async fn a_reading_command_is_started_by_its_claim() {
    let world = World::new().await;
    let id = world.submit("1", "ping hello").await;
    let (_, reply, events) = world.ended(id).await;
    assert_eq!(reply.title, "pong hello");
    assert_eq!(kinds(&events), ["started", "succeeded"]);
}

#[tokio::test]
async fn failures_time_outs_and_panics_are_endings() {
    let world = World::new().await;
    let (outcome, reply) = world.ask("1", "do fail").await;
    assert_eq!(outcome, Outcome::Failed);
    assert!(format!("{reply:?}").contains("disk is **full**"));
    let (outcome, reply) = world.ask("2", "do hang").await;
    assert_eq!(outcome, Outcome::TimedOut);
    assert!(format!("{reply:?}").contains("not known, and it is not run again"), "{reply:?}");
    let id = world.submit("3", "do panic").await;
    let (outcome, reply, events) = world.ended(id).await;
    assert_eq!(outcome, Outcome::Failed);
    let Fact::Failed { incident: Some(incident), .. } = &events.last().unwrap().event.fact else {
        panic!("an incident")
    };
    assert!(format!("{reply:?}").contains(incident) && !format!("{reply:?}").contains("on purpose"));
}

#[tokio::test]
async fn an_answer_too_large_to_carry_still_ends_its_request() {
    let world = World::new().await;
    let (outcome, reply) = world.ask("1", "do much").await;
    assert_eq!(outcome, Outcome::Succeeded);
    assert_eq!(reply.title, "The answer is too large to show");
}

#[tokio::test]
async fn progress_is_coalesced() {
    let world = World::new().await;
    let id = world.submit("1", "do steps").await;
    let (outcome, _, events) = world.ended(id).await;
    let progress = kinds(&events).iter().filter(|kind| *kind == "progress").count();
    assert!(outcome == Outcome::Succeeded && progress < 10, "{progress} of 200");
}

#[tokio::test]
async fn a_running_command_can_be_cancelled() {
    let world = World::new().await;
    let id = world.submit("1", "do wait").await;
    world.until(id, |fact| matches!(fact, Fact::Started)).await;
    let (outcome, reply) = world.ask("2", &format!("cancel {}", id.run())).await;
    assert_eq!(outcome, Outcome::Succeeded, "{reply:?}");
    let (outcome, reply, events) = world.ended(id).await;
    assert_eq!(outcome, Outcome::Cancelled);
    assert_eq!(reply.title, "Cancelled by Ana");
    assert_eq!(kinds(&events), ["claimed", "started", "cancel_requested", "cancelled"]);
    let (_, reply) = world.ask("3", &format!("cancel {}", id.run())).await;
    assert!(reply.title.contains("has ended already: cancelled"));
}

#[tokio::test]
async fn runs_can_be_looked_at_and_repeated() {
    let world = World::new().await;
    let first = world.submit("1", "ping again").await;
    world.ended(first).await;
    let run = first.run();
    let (_, status) = world.ask("2", &format!("status {}", run.to_string().to_lowercase())).await;
    assert_eq!(status.title, format!("Run {run}: succeeded"));
    let again = world.submit("3", &format!("rerun {run}")).await;
    let (_, reply, events) = world.ended(again).await;
    assert_eq!(reply.title, "pong again");
    let opening = events[0].event.opening.as_ref().unwrap();
    assert_eq!(opening.request.text, format!("rerun {run}"));
    assert_eq!(opening.invocation.as_ref().unwrap().canonical, "ping again");
    let (_, history) = world.ask("4", "history").await;
    assert!(format!("{history:?}").contains(&run.to_string()));
    let (outcome, refused) = world.ask("5", "rerun 00000000").await;
    assert_eq!(outcome, Outcome::Refused);
    assert!(refused.title.contains("no run `00000000`"));
}

#[tokio::test]
async fn a_message_delivered_twice_or_submitted_again_is_run_once() {
    let world = World::new().await;
    let origin =
        Origin::new(adjutant_bus::actor::Platform::Console, &adjutant_bus::actor::Tenant::new("local"));
    let submission = adjutant_bus::request::Submission::Request(request("1", "do work"));
    let payload = wire::encode("request", &submission).unwrap();
    // Under other message ids, as when the queue has forgotten them.
    for id in ["a", "b", "c"] {
        world.bus.commands.submit(&origin, id, payload.clone()).await.unwrap();
    }
    world.ended(submission.id()).await;
    let last = world.submit("2", "ping").await;
    world.ended(last).await;
    assert_eq!(world.calls.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_journal_begun_by_a_worker_that_is_gone_is_brought_to_its_end() {
    for (line, facts, wanted) in [
        ("do work", vec![Fact::Claimed], Outcome::Succeeded),
        ("do work", vec![Fact::Claimed, Fact::Started], Outcome::Interrupted),
        ("ping", vec![Fact::Started], Outcome::Succeeded),
    ] {
        let world = World::new().await;
        let id = world.begun("1", line, facts).await;
        let (outcome, _, events) = world.ended(id).await;
        assert_eq!(outcome, wanted, "{line}: {:?}", kinds(&events));
        if wanted == Outcome::Succeeded {
            assert!(kinds(&events).contains(&"resumed".to_owned()));
        }
    }
}

#[tokio::test]
async fn what_nobody_waits_for_does_not_start() {
    let world = World::new().await;
    let mut late = request("1", "do work");
    late.expires_at = Some(Timestamp::UNIX_EPOCH);
    let id = world.send(late).await;
    let (outcome, _, _) = world.ended(id).await;
    assert_eq!((outcome, world.calls.load(Ordering::SeqCst)), (Outcome::Expired, 0));
}

#[tokio::test]
async fn a_worker_told_to_stop_leaves_what_does_not_end_to_others() {
    let world = World::new().await;
    let id = world.submit("1", "do wait").await;
    world.until(id, |fact| matches!(fact, Fact::Started)).await;
    world.stop.cancel();
    tokio::time::timeout(SOON, world.worker).await.expect("the grace period is bounded").unwrap().unwrap();
    let events = world.bus.journal.read(&adjutant_bus::subject::Journals::All, 0, 100).await.unwrap();
    assert!(events.iter().all(|recorded| recorded.event.fact.end().is_none()), "no ending is invented");
    let taken = world.bus.commands.take(1, Duration::from_secs(5)).await.unwrap();
    assert_eq!(taken[0].attempt, 2, "the message comes again");
}

#[tokio::test]
async fn a_secret_is_in_no_event_and_no_reply() {
    let world = World::new().await;
    let typed = [
        "do deploy staging --token hunter2",
        "do deploy staging --token hunter2 surplus",
        "why do deploy staging --token hunter2",
        "do deploy nowhere token=hunter2",
        "do deploy staging --token \"hunter2",
    ];
    for (n, line) in typed.into_iter().enumerate() {
        let id = world.submit(&n.to_string(), line).await;
        let (outcome, _, events) = world.ended(id).await;
        let mut recorded =
            serde_json::to_string(&events.iter().map(|r| &r.event).collect::<Vec<_>>()).unwrap();
        if outcome == Outcome::Succeeded {
            // The service itself was given the secret, and this one chose to say it.
            recorded = serde_json::to_string(&events[0].event).unwrap();
            assert!(recorded.contains("[redacted]"));
        }
        assert!(!recorded.contains("hunter2"), "{recorded}");
    }
}

#[tokio::test]
async fn a_message_that_was_delivered_too_often_ends_as_failed() {
    let world = World::new().await;
    let last = world.submit("0", "ping").await;
    world.ended(last).await;
    world.stop.cancel();
    tokio::time::timeout(SOON, async {
        while !world.worker.is_finished() {
            tokio::task::yield_now().await
        }
    })
    .await
    .unwrap();
    let id = world.submit("1", "do work").await;
    for attempt in 1..=5 {
        let taken = world.bus.commands.take(1, SOON).await.unwrap();
        assert_eq!(taken[0].attempt, attempt);
        taken[0].handle.release(Duration::ZERO).await.unwrap();
    }
    world.start_another();
    let (outcome, reply, _) = world.ended(id).await;
    assert_eq!((outcome, reply.title.as_str()), (Outcome::Failed, "Given up after several tries"));
    assert_eq!(world.calls.load(Ordering::SeqCst), 0);
    assert!(
        world.bus.commands.take(1, Duration::from_millis(600)).await.unwrap().is_empty(),
        "it never comes again"
    );
}

#[tokio::test]
async fn a_service_that_is_slow_to_answer_a_new_worker_is_no_mistyped_command() {
    let mut world = World::with_late_service().await;
    // The worker has asked once, and nobody has answered, when it takes this.
    let first = world.submit("first", "ping").await;
    world.ended(first).await;
    let early = world.submit("early", "do work").await;
    let events = tokio::time::timeout(std::time::Duration::from_millis(600), world.ended(early)).await;
    assert!(events.is_err(), "it is not refused: {:?}", events.map(|ended| ended.1));
    drop(world.late_service.take());
    assert_eq!(world.ended(early).await.0, Outcome::Succeeded);
}
