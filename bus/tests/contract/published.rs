//! The published policy on the bus, and who is up.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use adjutant_bus::{
    bundle::{self, Bundle, Draft, Named, News, Packed, Unpublished},
    open::Role,
    ports::{Bucket, BusError, Expect},
    presence::{self, PolicyReport, Replica, Who},
    wire::{self, Version},
};
use futures::StreamExt;
use jiff::{SignedDuration, Timestamp};
use tokio_util::sync::CancellationToken;

use super::world::{World, soon};

fn packed(text: &str) -> Packed {
    Packed::pack(&BTreeMap::from([("policy.csv".to_owned(), text.to_owned())])).unwrap()
}

fn named(version: u64) -> Named {
    Named { version, sha256: format!("{version:064x}") }
}

fn bundle(version: u64, reason: &str) -> Bundle {
    Bundle {
        v: Version,
        named: named(version),
        previous: (version > 1).then(|| named(version - 1)),
        author: "console:local/pat".to_owned(),
        at: Timestamp::UNIX_EPOCH,
        reason: reason.to_owned(),
        request: None,
        files: packed(reason),
    }
}

pub async fn of_two_who_publish_the_same_version_one_wins(world: World) {
    assert_eq!(bundle::newest(&world.bus).await.unwrap(), None);
    let (one, two) = (bundle(1, "one"), bundle(1, "two"));
    let both = tokio::join!(bundle::publish(&world.bus, &one), bundle::publish(&world.bus, &two));
    let (won, lost) = match both {
        (Ok(()), Err(lost)) => (one, lost),
        (Err(lost), Ok(())) => (two, lost),
        other => panic!("{other:?}"),
    };
    assert!(matches!(lost, Unpublished::Meanwhile(1)), "{lost}");
    assert_eq!(bundle::at(&world.bus, 1).await.unwrap(), Some(won.clone()));
    assert_eq!(bundle::newest(&world.bus).await.unwrap(), Some(won));
    assert_eq!(bundle::at(&world.bus, 2).await.unwrap(), None);
}

pub async fn what_is_published_is_watched_and_the_oldest_are_thinned_out(world: World) {
    let mut before = bundle::watch(&world.api).await.unwrap();
    assert_eq!(soon(before.next()).await, Some(News::Current));
    for version in 1..=53 {
        bundle::publish(&world.bus, &bundle(version, "x")).await.unwrap();
        let news = soon(before.next()).await.unwrap();
        assert!(matches!(news, News::Published(seen) if seen.named.version == version));
    }
    let kept: Vec<u64> =
        bundle::all(&world.bus).await.unwrap().iter().map(|kept| kept.named.version).collect();
    assert_eq!(kept, (4..=53).collect::<Vec<_>>());
    world.bus.store.put(Bucket::Policy, "bundle.54", "{}".into(), Expect::Anything).await.unwrap();
    let news = soon(before.next()).await.unwrap();
    assert!(matches!(news, News::Unreadable { version: 54, .. }), "{news:?}");
    assert!(matches!(bundle::at(&world.bus, 54).await, Err(BusError::Refused(_))));
    assert_eq!(bundle::newest(&world.bus).await.unwrap().unwrap().named.version, 53);
}

pub async fn a_draft_is_uploaded_found_and_removed_when_it_is_done_or_old(world: World) {
    let now = Timestamp::now();
    let draft = |sha256: &str, at| Draft { v: Version, sha256: sha256.to_owned(), at, files: packed("x") };
    let (done, fresh) = (draft("ab", now), draft("cd", now));
    let old = draft("ef", now - SignedDuration::from_hours(2));
    for one in [&done, &fresh, &old] {
        bundle::upload(&world.console, one).await.unwrap();
    }
    assert_eq!(bundle::draft(&world.bus, "ab").await.unwrap().as_ref(), Some(&done));
    for none in ["", "zz", "ab.>", "12"] {
        assert_eq!(bundle::draft(&world.bus, none).await.unwrap(), None, "{none}");
    }
    bundle::discard(&world.bus, "ab", now).await.unwrap();
    for (sha256, there) in [("ab", false), ("cd", true), ("ef", false)] {
        assert_eq!(bundle::draft(&world.bus, sha256).await.unwrap().is_some(), there, "{sha256}");
    }
}

pub async fn files_too_large_for_a_message_are_told_and_not_sent(world: World) {
    // Digits of hashes do not become smaller by packing.
    let noise: String =
        (0..20_000u32).map(|n| format!("{:x}", n.wrapping_mul(2_654_435_761) ^ (n << 13))).collect();
    let noise: String =
        (0..8).map(|n| noise.chars().rev().skip(n).step_by(n + 1).collect::<String>() + &noise).collect();
    let large = Draft { v: Version, sha256: "ab".to_owned(), at: Timestamp::now(), files: packed(&noise) };
    let uploaded = bundle::upload(&world.console, &large).await;
    assert!(matches!(uploaded, Err(Unpublished::TooLarge(_))), "{uploaded:?}");
    assert_eq!(bundle::draft(&world.bus, "ab").await.unwrap(), None);
}

pub async fn who_is_up_is_told_and_who_stops_disappears(world: World) {
    let replica = |name: &str| Replica {
        v: Version,
        role: "worker".to_owned(),
        name: name.to_owned(),
        program: "1".to_owned(),
        since: None,
        detail: None,
        policy: Some(PolicyReport { source: "bus".to_owned(), version: Some(1), ..PolicyReport::default() }),
    };
    let (a, b) = (replica("host.a/1"), replica("b"));
    let mut seen = presence::watch(&world.console).await.unwrap();
    assert_eq!(soon(seen.next()).await, Some(Vec::new()));
    presence::report(&world.bus, &a).await.unwrap();
    assert_eq!(soon(seen.next()).await, Some(vec![a.clone()]));
    presence::report(&world.bus, &b).await.unwrap();
    presence::leave(&world.bus, &a).await.unwrap();
    let only_b = async { while seen.next().await.unwrap() != [b.clone()] {} };
    soon(only_b).await;
    // Without another report its entry expires.
    let none = async { while !seen.next().await.unwrap().is_empty() {} };
    soon(none).await;
    tokio::time::timeout(Duration::from_secs(5), presence::all(&world.bus)).await.unwrap().unwrap();
}

pub async fn each_role_tells_that_it_is_up_and_how_it_stands_until_it_stops(world: World) {
    const ROLES: [Role; 5] = [Role::Api, Role::Console, Role::Discord, Role::Slack, Role::Worker];
    let mut seen = presence::watch(&world.console).await.unwrap();
    let (stop, since) = (CancellationToken::new(), Timestamp::now());
    let open = Arc::new(AtomicUsize::new(0));
    let mut roles = Vec::new();
    for role in ROLES {
        let open = open.clone();
        let detail = move || format!("{} sockets{}", open.load(Ordering::Relaxed), "!".repeat(500));
        let (name, program) = ("a.b/1".to_owned(), "1".to_owned());
        let who = Who { role, name, program, since, detail: Arc::new(detail) };
        let news = |_| std::future::pending::<()>();
        roles.push(tokio::spawn(presence::keep(world.role(role).await, who, || None, news, stop.clone())));
    }
    // An entry lives for a second here, so all of them are not always there at once: each is seen, and again when it stands
    // otherwise.
    for sockets in ["0 sockets!", "2 sockets!"] {
        let mut met = BTreeSet::new();
        let all = async {
            while met.len() < ROLES.len() {
                let up = seen.next().await.unwrap();
                let so = |one: &&Replica| one.detail.as_ref().unwrap().starts_with(sockets);
                for one in up.iter().filter(so) {
                    assert_eq!((one.since, &one.policy, one.name.as_str()), (Some(since), &None, "a.b/1"));
                    assert!(one.detail.as_ref().unwrap().len() <= 200, "{one:?}");
                    met.insert(one.role.clone());
                }
            }
        };
        soon(all).await;
        assert_eq!(met, ROLES.map(|role| role.as_str().to_owned()).into());
        open.store(2, Ordering::Relaxed);
    }
    stop.cancel();
    for role in roles {
        soon(role).await.unwrap();
    }
    let none = async { while !seen.next().await.unwrap().is_empty() {} };
    soon(none).await;
}

pub async fn who_says_to_be_something_else_than_its_key_is_not_listed(world: World) {
    let replica = |role: &str, name: &str| Replica {
        v: Version,
        role: role.to_owned(),
        name: name.to_owned(),
        program: "1".to_owned(),
        since: None,
        detail: None,
        policy: None,
    };
    let mut seen = presence::watch(&world.console).await.unwrap();
    assert_eq!(soon(seen.next()).await, Some(Vec::new()));
    let slack = world.role(Role::Slack).await;
    let forged = wire::encode("presence", &replica("worker", "a")).unwrap();
    slack.store.put(Bucket::Presence, "gateway-slack.a", forged, Expect::Anything).await.unwrap();
    let honest = replica("gateway-slack", "b");
    presence::report(&slack, &honest).await.unwrap();
    let listed = async {
        loop {
            let up = seen.next().await.unwrap();
            if !up.is_empty() {
                return up;
            }
        }
    };
    assert_eq!(soon(listed).await, vec![honest]);
}
