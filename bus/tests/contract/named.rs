//! What is kept in the store under names of its own: destinations, the mode, leases.

use std::time::Duration;

use adjutant_bus::{
    actor::{Platform, Tenant},
    destination::{self, Destination, Target, is_name},
    lease,
    mode::{self, Beat, Freeze, Mode, Pause},
    ports::{Bucket, BusError, Expect, StoreError},
    wire::Version,
};
use futures::StreamExt;
use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use super::world::{World, soon};

fn target(channel: &str) -> Target {
    Target { platform: Platform::Slack, tenant: Tenant::new("T0ACME"), channel: channel.to_owned() }
}

fn named(name: &str, targets: Vec<Target>) -> Destination {
    Destination { v: Version, name: name.to_owned(), targets }
}

pub async fn a_destination_is_stored_loaded_listed_and_removed(world: World) {
    let deploys = named("deploys-web", vec![target("C0DEPLOY"), target("C0OPS")]);
    let alerts = named("alerts", vec![target("C0OPS")]);
    assert_eq!(destination::load(&world.bus, "deploys-web").await.unwrap(), None);
    for one in [&deploys, &alerts] {
        destination::store(&world.api, one).await.unwrap();
    }
    assert_eq!(destination::load(&world.bus, "deploys-web").await.unwrap(), Some(deploys.clone()));
    assert_eq!(destination::all(&world.bus).await.unwrap(), [alerts.clone(), deploys.clone()]);
    destination::remove(&world.api, "deploys-web").await.unwrap();
    destination::remove(&world.api, "deploys-web").await.unwrap();
    assert_eq!(destination::load(&world.bus, "deploys-web").await.unwrap(), None);
    assert_eq!(destination::all(&world.bus).await.unwrap(), [alerts]);
    let place = deploys.targets[0].place();
    assert_eq!((place.to_string().as_str(), place.private), ("slack:T0ACME/C0DEPLOY", false));
}

pub async fn what_cannot_be_a_destination_is_refused(world: World) {
    let long = "a".repeat(64);
    for name in ["", "Deploys", "1st", "-a", "a b", "a.b", &long] {
        assert!(!is_name(name), "{name}");
        let stored = destination::store(&world.api, &named(name, vec![target("C")])).await;
        assert!(matches!(stored, Err(BusError::Refused(_))), "{name}: {stored:?}");
    }
    let many = named("many", vec![target("C"); destination::MOST_TARGETS + 1]);
    assert!(matches!(destination::store(&world.api, &many).await, Err(BusError::Refused(_))));
    world.api.store.put(Bucket::Destinations, "broken", "{}".into(), Expect::Anything).await.unwrap();
    let broken = destination::load(&world.bus, "broken").await;
    assert!(matches!(broken, Err(BusError::Wire(_))), "{broken:?}");
}

pub async fn a_pause_and_a_beat_are_seen_by_a_watcher(world: World) {
    let pause = Pause {
        v: Version,
        by: "ana".to_owned(),
        reason: "incident 7".to_owned(),
        since: Timestamp::UNIX_EPOCH,
    };
    let beat = Beat { v: Version, at: Timestamp::UNIX_EPOCH, sequence: 7, head: "00ff".to_owned() };
    let mut modes = mode::watch(&world.bus).await.unwrap();
    assert_eq!(soon(modes.next()).await.unwrap(), Mode::default());
    mode::pause(&world.api, &pause).await.unwrap();
    let paused = Mode { pause: Some(pause.clone()), ..Mode::default() };
    assert_eq!(soon(modes.next()).await.unwrap(), paused);
    mode::beat(&world.api, &beat).await.unwrap();
    let both = Mode { pause: Some(pause), audit: Some(beat.clone()), ..Mode::default() };
    assert_eq!(soon(modes.next()).await.unwrap(), both);
    assert_eq!(mode::load(&world.bus).await.unwrap(), both);
    let mut late = mode::watch(&world.bus).await.unwrap();
    assert_eq!(soon(late.next()).await.unwrap(), both, "nothing is told before all of it is known");
    world.api.store.put(Bucket::Mode, "pause", "not JSON".into(), Expect::Anything).await.unwrap();
    mode::resume(&world.api).await.unwrap();
    let resumed = Mode { audit: Some(beat), ..Mode::default() };
    assert_eq!(soon(modes.next()).await.unwrap(), resumed, "what cannot be read is passed over");
}

pub async fn a_freeze_is_seen_by_a_watcher_and_one_that_cannot_be_read_is_no_knowledge(world: World) {
    let at = Timestamp::UNIX_EPOCH;
    let freeze = Freeze {
        v: Version,
        by: "Ana".to_owned(),
        reason: "incident 7".to_owned(),
        since: at,
        until: Some(at + jiff::SignedDuration::from_secs(60)),
    };
    let mut modes = mode::watch(&world.bus).await.unwrap();
    assert_eq!(soon(modes.next()).await.unwrap().is_frozen(at), Some(false));
    let nothing = mode::see(&world.bus).await.unwrap();
    mode::freeze(&world.bus, &freeze, &nothing).await.unwrap();
    let seen = soon(modes.next()).await.unwrap();
    assert_eq!((seen.freeze.as_ref(), seen.is_frozen(at)), (Some(&freeze), Some(true)));
    assert_eq!(seen.is_frozen(freeze.until.unwrap()), Some(false), "it ends by itself");
    assert_eq!(mode::load(&world.bus).await.unwrap().freeze.as_ref(), Some(&freeze));
    let late = mode::freeze(&world.bus, &Freeze { by: "Bob".to_owned(), ..freeze.clone() }, &nothing).await;
    assert!(matches!(late, Err(StoreError::Conflict)), "he has not seen hers: {late:?}");
    let hers = mode::see(&world.bus).await.unwrap();
    assert_eq!((hers.freeze.as_ref(), hers.unreadable), (Some(&freeze), false));
    let longer = Freeze { until: None, ..freeze.clone() };
    mode::freeze(&world.bus, &longer, &hers).await.unwrap();
    assert_eq!(soon(modes.next()).await.unwrap().freeze, Some(longer));
    let late = mode::thaw(&world.bus, &hers).await;
    assert!(matches!(late, Err(StoreError::Conflict)), "what was seen is not what is ended: {late:?}");
    world.bus.store.put(Bucket::Mode, "freeze", "not JSON".into(), Expect::Anything).await.unwrap();
    assert_eq!(soon(modes.next()).await.unwrap().is_frozen(at), None);
    assert!(matches!(mode::load(&world.bus).await, Err(BusError::Wire(_))));
    let unreadable = mode::see(&world.bus).await.unwrap();
    assert!(unreadable.unreadable && unreadable.freeze.is_none());
    mode::thaw(&world.bus, &unreadable).await.unwrap();
    assert_eq!(soon(modes.next()).await.unwrap(), Mode::default());
}

pub async fn a_lease_goes_to_the_next_when_it_is_given_back_or_lost(world: World) {
    let handover = Duration::from_secs(2);
    let stop = CancellationToken::new();
    let key = "api.audit";
    let first = soon(lease::acquire(&world.api, key, "one", handover, &stop)).await.unwrap();
    assert!(first.good().is_good());
    let waiting = tokio::spawn({
        let (bus, stop) = (world.api.clone(), stop.clone());
        async move { lease::acquire(&bus, key, "two", handover, &stop).await }
    });
    first.release().await;
    let second = soon(waiting).await.unwrap().unwrap();
    assert!(second.good().is_good());
    // Somebody writes over it: the holder learns that it is not its own any more.
    world.api.store.put(Bucket::Leases, key, "three".into(), Expect::Anything).await.unwrap();
    soon(second.lost().cancelled()).await;
    stop.cancel();
    assert!(lease::acquire(&world.api, key, "four", handover, &stop).await.is_none());
}
