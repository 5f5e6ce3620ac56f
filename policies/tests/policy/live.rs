//! The published policy: what comes from the bus is checked as anything, followed by every replica, and never half in force.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use adjutant_bus::{
    bundle::{self, Bundle, Named},
    memory::Memory,
    open::Role,
    ports::{Bucket, Bus, Expect, Limits},
    presence::{self, Who},
};
use adjutant_policies::{
    Files, Options, Policy,
    live::{self, Author},
};
use tokio_util::sync::CancellationToken;

use super::world::{BASE, World, assert_unchanged, decide, member, vocabulary};

/// How long a test waits for something that must come.
const SOON: Duration = Duration::from_secs(60);

fn bus() -> Bus {
    Memory::new(&Limits::default()).role(Role::Admin)
}

fn files(policy: &str) -> Files {
    Files::read(World::new(policy).path()).unwrap()
}

fn author(reason: &str) -> Author {
    Author { who: "console:local/pat".to_owned(), reason: reason.to_owned(), request: None }
}

/// The bundle that follows on this one.
fn next(files: &Files, previous: Option<&Bundle>) -> Bundle {
    live::next(files, previous.map(|bundle| &bundle.named), author("test")).unwrap()
}

struct Replica {
    policy: Arc<Policy>,
    stop: CancellationToken,
}

impl Drop for Replica {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl Replica {
    async fn start(bus: &Bus) -> Self {
        let policy = Policy::published(Options::new(None), vocabulary());
        let stop = CancellationToken::new();
        tokio::spawn(live::follow(policy.clone(), bus.clone(), stop.clone()));
        tokio::time::timeout(SOON, policy.settled()).await.unwrap();
        Self { policy, stop }
    }

    fn version(&self) -> Option<u64> {
        self.policy.status().named.map(|named| named.version)
    }

    async fn until(&self, what: &str, holds: impl Fn(&Policy) -> bool) {
        let wait = async {
            while !holds(&self.policy) {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        let waited = tokio::time::timeout(SOON, wait).await;
        assert!(waited.is_ok(), "{what}: {:?}", self.policy.status());
    }

    async fn at(&self, version: u64) {
        self.until(&format!("version {version}"), |policy| {
            policy.status().named.is_some_and(|named| named.version == version)
        })
        .await;
    }
}

#[tokio::test]
async fn what_is_published_comes_into_force_in_every_replica_under_its_own_version() {
    let bus = bus();
    let (early, files) = (Replica::start(&bus).await, files(BASE));
    assert!(early.policy.gate().is_none(), "nothing was published");
    assert!(early.policy.status().problem.unwrap().contains("adjutant policy publish"));
    let first = next(&files, None);
    bundle::publish(&bus, &first).await.unwrap();
    early.at(1).await;
    let late = Replica::start(&bus).await;
    for replica in [&early, &late] {
        let status = replica.policy.status();
        assert_eq!((status.named.as_ref(), status.problem), (Some(&first.named), None));
        assert_eq!(status.version.unwrap(), format!("1 ({:.8})", first.named.sha256));
        assert_eq!(status.published.unwrap().author, "console:local/pat");
        assert_unchanged(&replica.policy.gate().unwrap());
    }
}

#[tokio::test]
async fn trap_64_a_bundle_that_is_damaged_or_out_of_order_is_refused_and_the_last_good_one_stays() {
    let bus = bus();
    let replica = Replica::start(&bus).await;
    let good = next(&files(BASE), None);
    bundle::publish(&bus, &good).await.unwrap();
    replica.at(1).await;
    let open = files("p, everyone, *, *, *, *, allow\n");
    let damaged =
        Bundle { named: Named { version: 2, sha256: good.named.sha256.clone() }, ..next(&open, Some(&good)) };
    let foreign =
        Bundle { previous: Some(Named { version: 1, sha256: "0".repeat(64) }), ..next(&open, Some(&good)) };
    let orphan = Bundle { previous: None, ..next(&open, Some(&good)) };
    let later =
        Bundle { previous: Some(Named { version: 9, sha256: "0".repeat(64) }), ..next(&open, Some(&good)) };
    for (bundle, why) in [
        (damaged, "sha256 differs from the one announced"),
        (foreign, "it was made to follow version 1"),
        (orphan, "it names no version that it follows"),
        (later, "it was made to follow version 9"),
    ] {
        let known = good.named.clone();
        let refused = replica.policy.offer(&bundle, Some(&known)).await.unwrap_err();
        assert!(refused.contains(why), "{refused}");
        assert!(replica.policy.status().problem.unwrap().contains(why));
        assert_eq!(replica.version(), Some(1), "the version does not move");
        assert_unchanged(&replica.policy.gate().unwrap());
    }
    let other = Bundle { named: Named { version: 1, sha256: open.sha256() }, ..next(&open, None) };
    let refused = replica.policy.offer(&other, None).await.unwrap_err();
    assert!(refused.contains("not what was published before"), "{refused}");
    // The same through the bus: what cannot be read, then what is damaged, then a good one that follows on what was announced.
    bus.store.put(Bucket::Policy, "bundle.2", "not JSON".into(), Expect::Anything).await.unwrap();
    replica
        .until("unreadable", |policy| {
            policy.status().problem.is_some_and(|why| why.contains("cannot be read"))
        })
        .await;
    let damaged = Bundle { named: Named { version: 3, sha256: "1".repeat(64) }, ..next(&open, Some(&good)) };
    bundle::publish(&bus, &damaged).await.unwrap();
    replica
        .until("damaged", |policy| policy.status().problem.is_some_and(|why| why.contains("sha256 differs")))
        .await;
    assert_unchanged(&replica.policy.gate().unwrap());
    assert_eq!(replica.version(), Some(1));
    bundle::publish(&bus, &next(&files(&format!("# later\n{BASE}")), Some(&damaged))).await.unwrap();
    replica.at(4).await;
    assert_eq!(replica.policy.status().problem, None);
    let refused = replica.policy.offer(&good, None).await.unwrap_err();
    assert!(refused.contains("older than 4, which is in force"), "{refused}");
    assert_unchanged(&replica.policy.gate().unwrap());
}

#[tokio::test]
async fn a_bundle_whose_own_tests_fail_never_goes_live() {
    let bus = bus();
    let replica = Replica::start(&bus).await;
    let good = next(&files(BASE), None);
    bundle::publish(&bus, &good).await.unwrap();
    replica.at(1).await;
    let world = World::new("p, everyone, *, *, *, *, allow\n");
    world.write("policy.test", "deny, everyone, slack:T0ACME/C0DEPLOY, deploy.promote, run, env=staging\n");
    let failing = Files::read(world.path()).unwrap();
    let findings = replica.policy.candidate(failing.clone(), 2).await.err().unwrap();
    assert!(findings.contains("test-failed"), "{findings}");
    bundle::publish(&bus, &next(&failing, Some(&good))).await.unwrap();
    replica
        .until("refused", |policy| policy.status().problem.is_some_and(|why| why.contains("test-failed")))
        .await;
    assert_eq!(replica.version(), Some(1));
    assert_unchanged(&replica.policy.gate().unwrap());
}

#[tokio::test(start_paused = true)]
async fn a_policy_that_nobody_confirms_for_five_minutes_is_stale_until_somebody_does() {
    let bus = bus();
    let replica = Replica::start(&bus).await;
    assert!(replica.policy.is_stale(), "there is none yet");
    bundle::publish(&bus, &next(&files(BASE), None)).await.unwrap();
    replica.at(1).await;
    tokio::time::sleep(Duration::from_secs(3_600)).await;
    assert!(!replica.policy.is_stale(), "it is confirmed again and again");
    replica.stop.cancel();
    tokio::time::sleep(Duration::from_secs(299)).await;
    assert!(!replica.policy.is_stale());
    tokio::time::sleep(Duration::from_secs(40)).await;
    assert!(replica.policy.is_stale());
    assert_unchanged(&replica.policy.gate().unwrap());
}

#[tokio::test(start_paused = true)]
async fn a_replica_that_stays_behind_what_is_announced_becomes_stale() {
    let bus = bus();
    let replica = Replica::start(&bus).await;
    let good = next(&files(BASE), None);
    bundle::publish(&bus, &good).await.unwrap();
    replica.at(1).await;
    let bad =
        Bundle { named: Named { version: 2, sha256: "1".repeat(64) }, ..next(&files(BASE), Some(&good)) };
    bundle::publish(&bus, &bad).await.unwrap();
    replica.until("refused", |policy| policy.status().problem.is_some()).await;
    assert!(!replica.policy.is_stale());
    tokio::time::sleep(Duration::from_secs(400)).await;
    assert!(replica.policy.is_stale(), "version 2 is the current one, and it is not in force here");
}

#[tokio::test]
async fn what_each_replica_decides_by_is_told_until_it_goes() {
    let bus = bus();
    let replica = Replica::start(&bus).await;
    let stop = CancellationToken::new();
    let who = Who {
        role: Role::Worker,
        name: "a/b".to_owned(),
        program: "1".to_owned(),
        since: jiff::Timestamp::now(),
        detail: Arc::new(|| "2 slots".to_owned()),
    };
    let (policy, source) = (replica.policy.clone(), "bus".to_owned());
    let reporting = tokio::spawn(live::report(policy, bus.clone(), who, source, stop.clone()));
    let first = next(&files(BASE), None);
    bundle::publish(&bus, &first).await.unwrap();
    let switched = live::switched(&bus, 1, SOON).await;
    assert!(switched.all() && switched.workers == 1, "{switched:?}");
    let told = presence::all(&bus).await.unwrap();
    assert_eq!((told[0].name.as_str(), told[0].policy.as_ref().unwrap().version), ("a/b", Some(1)));
    assert_eq!(live::trouble(&told[0], Some(&first.named)), None);
    let newer = Named { version: 2, sha256: String::new() };
    assert!(live::trouble(&told[0], Some(&newer)).unwrap().contains("behind"));
    let late = live::switched(&bus, 2, Duration::from_millis(20)).await;
    assert!(!late.all() && late.workers == 1, "{late:?}");
    stop.cancel();
    reporting.await.unwrap();
    assert_eq!(presence::all(&bus).await.unwrap(), []);
}

/// Publications that three replicas follow while decisions are asked of each.
const PUBLICATIONS: u64 = 1_000;

#[tokio::test(flavor = "multi_thread")]
async fn many_publications_under_load_refuse_nobody_wrongly_and_no_decision_is_by_a_half_loaded_policy() {
    let bus = bus();
    let first = next(&files(&policy(1)), None);
    bundle::publish(&bus, &first).await.unwrap();
    let replicas = [Replica::start(&bus).await, Replica::start(&bus).await, Replica::start(&bus).await];
    let (over, decisions) = (CancellationToken::new(), Arc::new(AtomicU64::new(0)));
    let asking: Vec<_> = replicas
        .iter()
        .map(|replica| {
            let (policy, over, decisions) = (replica.policy.clone(), over.clone(), decisions.clone());
            tokio::task::spawn_blocking(move || {
                while !over.is_cancelled() {
                    let gate = policy.gate().unwrap();
                    assert_unchanged(&gate);
                    // Each version has the deciding row in a line of its own: version and row must belong together.
                    let verdict = decide(&gate, &member(&gate, &["S0ENG"]), "deploy.promote").authorization;
                    let version: u64 = verdict.policy.split(' ').next().unwrap().parse().unwrap();
                    assert_eq!(verdict.row.unwrap(), format!("policy.csv:{}", version % 7 + 2));
                    decisions.fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .collect();
    let mut last = first;
    for version in 2..=PUBLICATIONS {
        let bundle = next(&files(&policy(version)), Some(&last));
        bundle::publish(&bus, &bundle).await.unwrap();
        last = bundle;
    }
    for replica in &replicas {
        replica.at(PUBLICATIONS).await;
        assert_eq!(replica.policy.status().problem, None);
    }
    over.cancel();
    for asked in asking {
        asked.await.unwrap();
    }
    assert!(decisions.load(Ordering::Relaxed) > 100);
    assert!(bundle::all(&bus).await.unwrap().len() <= 50, "old ones are thinned out");
}

/// The base with its allow row in line `version % 7 + 2`.
fn policy(version: u64) -> String {
    let comments = "#\n".repeat(usize::try_from(version % 7).unwrap());
    format!("{comments}{BASE}# {version}\n")
}
