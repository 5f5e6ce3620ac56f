//! What the store promises.

use std::{collections::HashSet, time::Duration};

use adjutant_bus::ports::{BoxStream, Bucket, Change, Expect, StoreError};
use futures::StreamExt;

use super::world::{World, soon};

const ABSENT: Expect = Expect::Absent { ttl: None };

async fn until_current(changes: &mut BoxStream<Change>) -> Vec<Change> {
    let mut seen = Vec::new();
    loop {
        match soon(changes.next()).await.unwrap() {
            Change::Current => return seen,
            change => seen.push(change),
        }
    }
}

pub async fn of_two_conditional_writes_one_wins(world: World) {
    let store = &world.bus.store;
    let writes = (0..8).map(|n| store.put(Bucket::Policy, "bundle", format!("{n}").into(), ABSENT));
    let outcomes = futures::future::join_all(writes).await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
    let entry = store.get(Bucket::Policy, "bundle").await.unwrap().unwrap();
    let newer =
        store.put(Bucket::Policy, "bundle", "x".into(), Expect::Revision(entry.revision)).await.unwrap();
    assert!(newer > entry.revision);
    let stale = store.put(Bucket::Policy, "bundle", "y".into(), Expect::Revision(entry.revision)).await;
    assert!(matches!(stale, Err(StoreError::Conflict)), "{stale:?}");
    store.put(Bucket::Policy, "bundle", "z".into(), Expect::Anything).await.unwrap();
    assert_eq!(store.get(Bucket::Policy, "bundle").await.unwrap().unwrap().value, "z");
    assert_eq!(store.get(Bucket::Policy, "other").await.unwrap(), None);
}

pub async fn an_expired_entry_is_seen_to_go(world: World) {
    let store = &world.bus.store;
    let mut changes = store.watch(Bucket::Presence, "worker").await.unwrap();
    assert_eq!(until_current(&mut changes).await, []);
    store.put(Bucket::Presence, "worker.a", "up".into(), Expect::Anything).await.unwrap();
    store.put(Bucket::Presence, "console.b", "up".into(), Expect::Anything).await.unwrap();
    assert!(matches!(soon(changes.next()).await, Some(Change::Put(entry)) if entry.key == "worker.a"));
    assert!(matches!(soon(changes.next()).await, Some(Change::Gone { key, .. }) if key == "worker.a"));
    assert_eq!(store.get(Bucket::Presence, "worker.a").await.unwrap(), None);
}

pub async fn a_lease_is_renewed_lost_and_taken_over_with_a_higher_revision(world: World) {
    let store = &world.bus.store;
    let taken = store.put(Bucket::Leases, "console.local", "a".into(), ABSENT).await.unwrap();
    let other = store.put(Bucket::Leases, "console.local", "b".into(), ABSENT).await;
    assert!(matches!(other, Err(StoreError::Conflict)), "{other:?}");
    let renewed =
        store.put(Bucket::Leases, "console.local", "a".into(), Expect::Revision(taken)).await.unwrap();
    assert!(renewed > taken);
    let mut changes = store.watch(Bucket::Leases, "console").await.unwrap();
    while !matches!(soon(changes.next()).await, Some(Change::Gone { .. })) {}
    let over = store.put(Bucket::Leases, "console.local", "b".into(), ABSENT).await.unwrap();
    assert!(over > renewed, "the fencing token rises");
    let late = store.put(Bucket::Leases, "console.local", "a".into(), Expect::Revision(renewed)).await;
    assert!(matches!(late, Err(StoreError::Conflict)), "{late:?}");
}

pub async fn a_lock_is_released_and_taken_again(world: World) {
    let store = &world.bus.store;
    let with_ttl = Expect::Absent { ttl: Some(Duration::from_secs(1)) };
    let taken = store.put(Bucket::Locks, "production", "ana".into(), ABSENT).await.unwrap();
    let stale = store.remove(Bucket::Locks, "production", Some(taken + 100)).await;
    assert!(matches!(stale, Err(StoreError::Conflict)), "{stale:?}");
    store.remove(Bucket::Locks, "production", Some(taken)).await.unwrap();
    store.put(Bucket::Locks, "production", "pat".into(), with_ttl).await.unwrap();
    let mut changes = store.watch(Bucket::Locks, "").await.unwrap();
    let expired = |change: &Change| matches!(change, Change::Gone { key, .. } if key == "production");
    while !expired(&soon(changes.next()).await.unwrap()) {}
    store.put(Bucket::Locks, "production", "sam".into(), ABSENT).await.unwrap();
}

pub async fn a_watch_shows_all_of_three_thousand_keys(world: World) {
    let store = world.bus.store.clone();
    let put = |n: usize| {
        let store = store.clone();
        async move {
            store
                .put(Bucket::Policy, &format!("many.k{n}"), vec![b'x'; 512].into(), Expect::Anything)
                .await
                .unwrap()
        }
    };
    futures::stream::iter(0..3_000).map(put).buffer_unordered(64).collect::<Vec<u64>>().await;
    let mut changes = store.watch(Bucket::Policy, "many").await.unwrap();
    let there = until_current(&mut changes).await;
    let keys: HashSet<&str> = there
        .iter()
        .filter_map(|c| if let Change::Put(e) = c { Some(e.key.as_str()) } else { None })
        .collect();
    assert_eq!(keys.len(), 3_000);
    store.put(Bucket::Policy, "many.k7", "new".into(), Expect::Anything).await.unwrap();
    assert!(matches!(soon(changes.next()).await, Some(Change::Put(entry)) if entry.value == "new"));
}

pub async fn a_watch_of_an_empty_bucket_is_current_at_once(world: World) {
    let mut changes = world.bus.store.watch(Bucket::Policy, "").await.unwrap();
    assert_eq!(until_current(&mut changes).await, []);
    world.bus.store.put(Bucket::Policy, "a", "1".into(), Expect::Anything).await.unwrap();
    assert!(matches!(soon(changes.next()).await, Some(Change::Put(_))));
}
