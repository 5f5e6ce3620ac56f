//! Workers killed, paused and stopped, and the server killed, under load.

use std::time::Duration;

use adjutant_bus::{
    event::{Fact, Outcome},
    id::RequestId,
    spec::Effect,
};
use nix::sys::signal::Signal;

use super::world::{World, assert_whole};

/// Commands in flight at once.
const LOAD: usize = 200;
/// How long each takes.
const TAKES: Duration = Duration::from_millis(150);

async fn submit_all(world: &World, line: &str) -> Vec<RequestId> {
    let submit = |n: usize| async move { world.submit(&format!("{line}{n}"), line).await };
    futures::future::join_all((0..LOAD).map(submit)).await
}

/// Two workers, one killed in the middle of it.
async fn a_worker_is_killed(effect: Effect, line: &str) {
    let world = World::new(TAKES).await;
    let (first, second) = (world.worker("first"), world.worker("second"));
    let requests = submit_all(&world, line).await;
    world.eventually(async || (world.called() >= LOAD / 4).then_some(())).await;
    first.signal(Signal::SIGKILL);
    let ends = world.ended(&requests).await;
    second.stop().await;
    assert_whole(&world.journals().await, &requests, &world.calls);
    let calls = world.calls.lock().clone();
    for id in &requests {
        let times = calls.get(id).map_or(0, Vec::len);
        match (effect, ends[id]) {
            (_, Outcome::Succeeded) => assert!(times >= 1, "{id} succeeded without being run"),
            (Effect::Mutating, Outcome::Interrupted) => {}
            other => panic!("{id}: {other:?}"),
        }
        if effect == Effect::Mutating {
            assert!(times <= 1, "{id} was run {times} times");
        }
    }
    drop(first);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_worker_s_reading_commands_are_run_by_another() {
    a_worker_is_killed(Effect::Read, "deploy read").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_worker_s_idempotent_commands_are_run_by_another() {
    a_worker_is_killed(Effect::Idempotent, "deploy idempotent").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_worker_s_mutating_commands_are_never_run_twice() {
    a_worker_is_killed(Effect::Mutating, "deploy mutating").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_killed_and_restarted_under_load_loses_nothing_and_doubles_nothing() {
    let world = World::new(TAKES).await;
    let (first, second) = (world.worker("first"), world.worker("second"));
    let requests = submit_all(&world, "deploy mutating").await;
    world.eventually(async || (world.called() >= LOAD / 4).then_some(())).await;
    let server = world.opened.server().unwrap();
    server.fell().await;
    server.raise().await;
    let ends = world.ended(&requests).await;
    first.stop().await;
    second.stop().await;
    assert_whole(&world.journals().await, &requests, &world.calls);
    let known = [Outcome::Succeeded, Outcome::Interrupted, Outcome::TimedOut, Outcome::Failed];
    assert!(
        requests.iter().all(|id| known.contains(&ends[id])),
        "each is told how it ended, or that it is not known"
    );
    assert!(world.calls.lock().values().all(|fences| fences.len() == 1), "nothing mutating was run twice");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_paused_past_its_lease_cannot_overwrite_its_successor() {
    let world = World::new(Duration::ZERO).await;
    let paused = world.worker("paused");
    let id = world.submit("1", "deploy gated").await;
    world.eventually(async || (world.called() == 1).then_some(())).await;
    paused.signal(Signal::SIGSTOP);
    let successor = world.worker("successor");
    assert_eq!(world.ended(&[id]).await[&id], Outcome::Interrupted);
    // The paused worker's answer is there now, and it wakes up to write it down.
    world.gate.add_permits(1);
    paused.signal(Signal::SIGCONT);
    successor.stop().await;
    // It is alive and serves, so it has had its chance.
    let next = world.submit("2", "ping after").await;
    assert_eq!(world.ended(&[next]).await[&next], Outcome::Succeeded);
    paused.stop().await;
    let journals = world.journals().await;
    assert_whole(&journals, &[id, next], &world.calls);
    assert!(matches!(journals[&id].last().unwrap().event.fact, Fact::Interrupted { .. }));
    assert_eq!(world.calls.lock()[&id].len(), 1);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_told_to_stop_finishes_what_runs_and_leaves_the_rest_to_others() {
    let world = World::new(TAKES).await;
    let first = world.worker("first");
    let requests = submit_all(&world, "deploy mutating").await;
    world.eventually(async || (world.called() >= 20).then_some(())).await;
    first.stop().await;
    let second = world.worker("second");
    let ends = world.ended(&requests).await;
    assert!(
        requests.iter().all(|id| ends[id] == Outcome::Succeeded),
        "a graceful stop interrupts nothing: {ends:?}"
    );
    second.stop().await;
    assert_whole(&world.journals().await, &requests, &world.calls);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_command_is_cancelled_by_its_run_id_from_another_worker() {
    let world = World::new(Duration::ZERO).await;
    let (first, second) = (world.worker("first"), world.worker("second"));
    let id = world.submit("1", "deploy gated").await;
    world.eventually(async || (world.called() == 1).then_some(())).await;
    let cancel = world.submit("2", &format!("cancel {}", id.run())).await;
    let ends = world.ended(&[id, cancel]).await;
    assert_eq!((ends[&id], ends[&cancel]), (Outcome::Cancelled, Outcome::Succeeded));
    first.stop().await;
    second.stop().await;
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_delivered_again_and_again_is_one_request() {
    let world = World::new(Duration::ZERO).await;
    let (first, second) = (world.worker("first"), world.worker("second"));
    let mut ids = Vec::new();
    for _ in 0..10 {
        ids.push(world.submit("same", "deploy mutating").await);
    }
    ids.dedup();
    assert_eq!(ids.len(), 1);
    world.ended(&ids).await;
    // Beyond the memory of the queue, too: a restarted server has forgotten every id that was acknowledged.
    let server = world.opened.server().unwrap();
    server.fell().await;
    server.raise().await;
    world.submit("same", "deploy mutating").await;
    let last = world.submit("other", "deploy read").await;
    world.ended(&[last]).await;
    first.stop().await;
    second.stop().await;
    assert_whole(&world.journals().await, &[ids[0], last], &world.calls);
    assert_eq!(world.calls.lock()[&ids[0]].len(), 1);
    world.stop().await;
}
