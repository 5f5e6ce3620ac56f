//! What bad input gets: refused or kept aside with a reason, never a crash, never wider access.

use std::time::Duration;

use adjutant_bus::{
    actor::{Platform, Tenant},
    event::{Fact, Outcome},
    refusal::RefusalCode,
    request::{Request, Submission},
    subject::Origin,
};
use serde_json::Value;

use super::world::{World, request};

async fn publish(world: &World, id: &str, payload: Vec<u8>) {
    let origin = Origin::new(Platform::Console, &Tenant::new("local"));
    world.console.commands.submit(&origin, id, payload.into()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_goes_to_the_dead_letters_whole() {
    let world = World::new(Duration::ZERO).await;
    let worker = world.worker("worker");
    let mut later: Value = serde_json::to_value(Submission::Request(request("1", "ping"))).unwrap();
    later["v"] = 2.into();
    publish(&world, "a", b"{\"kind\": \"requ".to_vec()).await;
    publish(&world, "b", later.to_string().into_bytes()).await;
    publish(&world, "c", vec![0xff, 0x00]).await;
    let letters = world
        .eventually(async || world.opened.dead_letters(10).await.ok().filter(|letters| letters.len() == 3))
        .await;
    let told = |needle: &str| letters.iter().any(|(_, reason)| reason.contains(needle));
    assert!(told("not a valid request") && told("wire version 2 is not supported"), "{letters:?}");
    assert!(letters.iter().any(|(payload, _)| payload == &b"{\"kind\": \"requ"[..]));
    let next = world.submit("2", "ping").await;
    assert_eq!(world.ended(&[next]).await[&next], Outcome::Succeeded, "the worker goes on");
    worker.stop().await;
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payload_that_names_another_than_its_subject_is_refused_and_recorded() {
    let world = World::new(Duration::ZERO).await;
    let worker = world.worker("worker");
    let mut forged: Request = request("1", "deploy mutating");
    forged.actor.tenant = Tenant::new("elsewhere");
    let id = forged.id;
    publish(&world, "forged", serde_json::to_vec(&Submission::Request(forged)).unwrap()).await;
    assert_eq!(world.ended(&[id]).await[&id], Outcome::Refused);
    let journals = world.journals().await;
    let Fact::Refused { refusal, .. } = &journals[&id][0].event.fact else { panic!("refused") };
    assert_eq!(refusal.code, RefusalCode::Unidentified);
    assert_eq!(world.called(), 0);
    worker.stop().await;
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn odd_lines_are_refused_with_a_reason_and_nothing_hangs() {
    let world = World::new(Duration::ZERO).await;
    let worker = world.worker("worker");
    let long = "x".repeat(200_000);
    let lines = [
        ("", RefusalCode::UnknownCommand),
        ("no such command", RefusalCode::UnknownCommand),
        ("deplyo read", RefusalCode::UnknownCommand),
        ("deploy read surplus", RefusalCode::BadArguments),
        ("deploy read \"unmatched", RefusalCode::BadArguments),
        ("status", RefusalCode::BadArguments),
        ("history --limit many", RefusalCode::BadArguments),
        ("ping \u{7}", RefusalCode::BadArguments),
        ("👩‍🚀", RefusalCode::UnknownCommand),
        ("שלום עולם", RefusalCode::UnknownCommand),
        (long.as_str(), RefusalCode::BadArguments),
    ];
    let mut requests = Vec::new();
    for (n, (line, _)) in lines.iter().enumerate() {
        requests.push(world.submit(&n.to_string(), line).await);
    }
    world.ended(&requests).await;
    let journals = world.journals().await;
    for (id, (line, code)) in requests.iter().zip(lines) {
        let shown: String = line.chars().take(40).collect();
        let Fact::Refused { refusal, .. } = &journals[id][0].event.fact else {
            panic!("{shown}: {:?}", journals[id])
        };
        assert_eq!(refusal.code, code, "{shown}: {refusal:?}");
        assert!(!refusal.what.is_empty() && !refusal.next.is_empty(), "{shown}");
    }
    worker.stop().await;
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_that_is_broken_or_gone_leaves_the_last_good_one_in_force() {
    let world = World::new(Duration::ZERO).await;
    let worker = world.worker("worker");
    let first = world.submit("1", "version").await;
    world.ended(&[first]).await;
    let folder = world.path().join("policies");
    std::fs::write(folder.join("policy.csv"), "P, everyone, *, *, *, *, allow\n").unwrap();
    let log = world.path().join("worker.log");
    let logged = async |needle: &str| {
        world
            .eventually(async || std::fs::read_to_string(&log).unwrap().contains(needle).then_some(()))
            .await;
    };
    logged("row-kind").await;
    std::fs::rename(&folder, world.path().join("gone")).unwrap();
    logged("is not there").await;
    let second = world.submit("2", "version").await;
    assert_eq!(world.ended(&[second]).await[&second], Outcome::Succeeded);
    let journals = world.journals().await;
    let policy =
        |id| journals[id][0].event.opening.as_ref().unwrap().authorization.as_ref().unwrap().policy.clone();
    assert_eq!(policy(&first), policy(&second), "the version does not move");
    worker.stop().await;
    world.stop().await;
}
