//! The published policy on the bus, and who is up.

use std::{collections::BTreeMap, time::Duration};

use adjutant_bus::{
    bundle::{self, Bundle, Draft, Named, News, Packed, Unpublished},
    ports::{Bucket, BusError, Expect},
    presence::{self, PolicyReport, Replica},
    wire::Version,
};
use futures::StreamExt;
use jiff::{SignedDuration, Timestamp};

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
        policy: PolicyReport { source: "bus".to_owned(), version: Some(1), ..PolicyReport::default() },
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
