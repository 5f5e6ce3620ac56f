//! What a work queue promises.

use std::{collections::HashSet, time::Duration};

use adjutant_bus::{
    actor::{Platform, Tenant},
    ports::{Accepted, BusError, Delivery, Queue},
    subject::Origin,
    wire,
};
use bytes::Bytes;

use super::world::{SOON, World, figure, origin, soon};

pub async fn one(queue: &dyn Queue) -> Delivery {
    let deadline = tokio::time::Instant::now() + SOON;
    while tokio::time::Instant::now() < deadline {
        if let Some(delivery) = queue.take(1, Duration::from_secs(2)).await.unwrap().pop() {
            return delivery;
        }
    }
    panic!("no delivery came");
}

async fn submit(world: &World, tenant: &str, id: &str) -> Accepted {
    world.console.commands.submit(&origin(tenant), id, Bytes::from(id.to_owned())).await.unwrap()
}

pub async fn a_duplicate_is_told_inside_the_window(world: World) {
    let counted = || figure("adjutant_duplicates_total{net=\"bus\"}");
    let before = counted();
    assert_eq!(submit(&world, "t", "a").await, Accepted::New);
    assert_eq!(submit(&world, "t", "a").await, Accepted::Duplicate);
    assert!(counted() > before, "it is counted");
    assert_eq!(submit(&world, "t", "b").await, Accepted::New);
    let taken: Vec<Bytes> =
        [one(&*world.bus.commands).await, one(&*world.bus.commands).await].map(|d| d.payload).into();
    assert_eq!(taken, ["a", "b"]);
}

pub async fn a_message_comes_again_when_its_taker_stops_extending(world: World) {
    let counted = || {
        let taken = figure("adjutant_queue_seconds_count{queue=\"commands\"}");
        (taken, figure("adjutant_redeliveries_total{queue=\"commands\"}"))
    };
    let before = counted();
    submit(&world, "t", "a").await;
    let first = one(&*world.bus.commands).await;
    let second = one(&*world.bus.commands).await;
    assert!(counted().0 > before.0 && counted().1 > before.1, "it is counted");
    assert_eq!((first.sequence, first.attempt), (second.sequence, 1));
    assert_eq!(second.attempt, 2);
    assert_eq!(second.payload, "a");
    assert_eq!(second.origin, origin("t"));
}

pub async fn extending_keeps_a_message(world: World) {
    submit(&world, "t", "a").await;
    let held = one(&*world.bus.commands).await;
    for _ in 0..4 {
        let others = world.bus.commands.take(1, Duration::from_millis(500)).await.unwrap();
        assert!(others.is_empty(), "an extended message must not be delivered to others");
        held.handle.extend().await.unwrap();
    }
    held.handle.acknowledge().await.unwrap();
    assert!(world.bus.commands.take(1, Duration::from_millis(1_500)).await.unwrap().is_empty());
}

pub async fn a_released_message_comes_again_after_its_delay(world: World) {
    submit(&world, "t", "a").await;
    one(&*world.bus.commands).await.handle.release(Duration::from_millis(600)).await.unwrap();
    assert!(world.bus.commands.take(1, Duration::from_millis(200)).await.unwrap().is_empty());
    let again = one(&*world.bus.commands).await;
    assert_eq!(again.attempt, 2);
    again.handle.release(Duration::ZERO).await.unwrap();
    assert_eq!(one(&*world.bus.commands).await.attempt, 3);
}

pub async fn an_acknowledged_message_is_gone(world: World) {
    submit(&world, "t", "a").await;
    one(&*world.bus.commands).await.handle.acknowledge().await.unwrap();
    assert!(world.bus.commands.take(1, Duration::from_millis(1_500)).await.unwrap().is_empty());
}

pub async fn a_full_share_is_refused_and_others_are_served(world: World) {
    for n in 0..20 {
        submit(&world, "greedy", &format!("g{n}")).await;
    }
    let refused = world.console.commands.submit(&origin("greedy"), "g20", Bytes::new()).await;
    assert!(matches!(refused, Err(BusError::Full(_))), "{refused:?}");
    assert_eq!(submit(&world, "modest", "m0").await, Accepted::New);
    one(&*world.bus.commands).await.handle.acknowledge().await.unwrap();
    assert_eq!(submit(&world, "greedy", "g21").await, Accepted::New);
}

pub async fn a_buried_message_is_kept_whole_with_its_reason(world: World) {
    let counted = || figure("adjutant_dead_letters_total{queue=\"commands\"}");
    let before = counted();
    submit(&world, "t", "not json {").await;
    one(&*world.bus.commands).await.handle.bury("cannot be read").await.unwrap();
    assert!(world.bus.commands.take(1, Duration::from_millis(1_500)).await.unwrap().is_empty());
    assert_eq!(world.dead_letters().await, [(b"not json {".to_vec(), "cannot be read".to_owned())]);
    assert!(counted() > before, "it is counted");
}

pub async fn a_message_over_the_limit_is_refused(world: World) {
    let large = Bytes::from(vec![b'x'; wire::MAX_MESSAGE + 1]);
    let refused = world.console.commands.submit(&origin("t"), "large", large).await;
    assert!(matches!(refused, Err(BusError::Wire(wire::WireError::TooLarge { .. }))), "{refused:?}");
    assert_eq!(submit(&world, "t", "small").await, Accepted::New);
}

pub async fn two_takers_never_hold_the_same_message(world: World) {
    for n in 0..20 {
        submit(&world, "t", &format!("m{n}")).await;
    }
    let taker = |world: World| async move {
        let mut mine = Vec::new();
        while let Some(delivery) = world.bus.commands.take(3, Duration::from_millis(400)).await.unwrap().pop()
        {
            delivery.handle.acknowledge().await.unwrap();
            mine.push(delivery.payload);
        }
        mine
    };
    let (a, b) = soon(async { tokio::join!(taker(world.clone()), taker(world.clone())) }).await;
    let all: HashSet<&Bytes> = a.iter().chain(&b).collect();
    assert_eq!(all.len(), a.len() + b.len(), "no message may be held by both");
}

pub async fn each_takes_its_own_notices_only(world: World) {
    let service = Origin::new(Platform::Service, &Tenant::new("deployments"));
    world.api.outbox.submit(&origin("t"), "a", "to the console".into()).await.unwrap();
    world.demo.outbox.submit(&service, "b", "from a service".into()).await.unwrap();
    for (bus, wanted) in [(&world.bus, "from a service"), (&world.console, "to the console")] {
        let taken = bus.outbox.take(10, Duration::from_secs(5)).await.unwrap();
        assert_eq!(taken.iter().map(|d| d.payload.clone()).collect::<Vec<_>>(), [wanted]);
        taken[0].handle.acknowledge().await.unwrap();
        assert!(bus.outbox.take(10, Duration::from_millis(200)).await.unwrap().is_empty());
    }
}
