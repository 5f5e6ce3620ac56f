//! Putting policies in force: whole or not at all, under load, with services that come and go.

use std::{
    collections::{HashMap, HashSet},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use adjutant_policies::{Files, Gate, Options, Policy};
use tokio_util::sync::CancellationToken;

use super::world::{BASE, World, assert_unchanged, decide, member, vocabulary};

/// The base behind some lines of comment, so that its rows have other numbers in each of the versions.
fn content(n: usize) -> String {
    format!("# {n}\n{}{BASE}", "# more\n".repeat(n % 7))
}

/// The digest of the files with this policy, and the lines of the allow row and the deny row.
fn expected(world: &World, n: usize) -> (String, [String; 2]) {
    let mut files = Files::read(world.path()).unwrap();
    files.policy = content(n).into_bytes();
    let row = |line: usize| format!("policy.csv:{line}");
    (files.digest(), [row(3 + n % 7), row(2 + n % 7)])
}

/// Decides for those who must be allowed and refused, and holds the verdicts against what the gate's version says.
fn assert_one_version(gate: &Gate, known: &HashMap<String, [String; 2]>) {
    assert_unchanged(gate);
    let digest = gate.version().split(['(', ')']).nth(1).unwrap().to_owned();
    let rows = known.get(&digest).unwrap_or_else(|| panic!("{digest} is no version that anybody wrote"));
    for (groups, row) in [(&["S0ENG"][..], &rows[0]), (&["S0ENG", "S0TMP"], &rows[1])] {
        let decided = decide(gate, &member(gate, groups), "deploy.promote").authorization;
        assert_eq!(decided.policy, gate.version());
        assert_eq!(decided.row.as_ref(), Some(row), "{digest}: a row of another version");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn trap_65_a_thousand_reloads_of_three_workers_under_load_never_refuse_or_allow_by_mistake() {
    let world = World::base();
    let known: Arc<HashMap<_, _>> = Arc::new((0..=1_000).map(|n| expected(&world, n)).collect());
    assert_eq!(known.len(), 1_001);
    world.write("policy.csv", content(0));
    let workers = [world.load().await, world.load().await, world.load().await];
    let done = Arc::new(AtomicBool::new(false));
    let readers: Vec<_> = (0..3)
        .map(|n| {
            let (policy, until, known) = (workers[n].clone(), done.clone(), known.clone());
            std::thread::spawn(move || {
                let mut decisions = 0_u64;
                let mut seen = HashSet::new();
                while !until.load(Ordering::Relaxed) {
                    let gate = policy.gate().expect("a spurious refusal: no policy is in force");
                    assert_one_version(&gate, &known);
                    decisions += 1;
                    seen.insert(gate.version().to_owned());
                }
                (decisions, seen.len())
            })
        })
        .collect();
    for n in 1..=1_000 {
        world.write("policy.csv.new", content(n));
        std::fs::rename(world.path().join("policy.csv.new"), world.path().join("policy.csv")).unwrap();
        // A fourth starts in the middle of it now and then.
        if n % 100 == 0 {
            assert_one_version(&*world.gate().await, &known);
        }
        futures::future::join_all(workers.iter().map(|worker| worker.reload())).await;
    }
    done.store(true, Ordering::Relaxed);
    for reader in readers {
        let (decisions, versions) = reader.join().unwrap();
        assert!(
            decisions >= versions as u64 && versions > 10,
            "{decisions} decisions by {versions} versions"
        );
    }
    for worker in workers {
        let status = worker.status();
        assert!(status.version.as_ref().is_some_and(|version| version.starts_with("1001 ")), "{status:?}");
        assert_eq!(status.problem, None);
    }
}

#[tokio::test]
async fn a_folder_that_vanishes_or_is_cut_off_leaves_the_last_good_policy_and_is_told_once() {
    let world = World::new(BASE);
    let policy = world.load().await;
    let version = policy.status().version;
    for broken in ["", "p, Engineering", "p, Engineering, *, deploy.*, run, *, allow"] {
        world.write("policy.csv", broken);
        policy.reload().await;
        assert_eq!(policy.status().version, version);
        assert_unchanged(&policy.gate().unwrap());
    }
    std::fs::remove_file(world.path().join("policy.csv")).unwrap();
    policy.reload().await;
    assert!(policy.status().problem.unwrap().contains("is not there"));
    assert_unchanged(&policy.gate().unwrap());
    world.write("policy.csv", BASE);
    policy.reload().await;
    assert_eq!((policy.status().version, policy.status().problem), (version, None));
}

#[tokio::test]
async fn without_a_good_policy_there_is_no_gate_until_there_is_one() {
    let world = World::new("nonsense\n");
    let policy = world.load().await;
    assert!(policy.gate().is_none() && policy.status().problem.unwrap().contains("row-kind"));
    world.write("policy.csv", BASE);
    policy.reload().await;
    assert_unchanged(&policy.gate().unwrap());
    let nowhere = Policy::load(Options::new(Some("/nowhere/at/all".into())), vocabulary()).await;
    assert!(nowhere.gate().is_none() && nowhere.status().problem.unwrap().contains("is not there"));
}

#[tokio::test]
async fn trap_66_a_policy_outlives_its_services_and_learns_their_commands_when_they_come() {
    let world = World::new(BASE);
    let mut without = vocabulary();
    without.commands.retain(|command| !command.starts_with("deploy"));
    without.context.clear();
    let policy = Policy::load(world.options.clone(), without.clone()).await;
    let gate = policy.gate().expect("a policy does not fall because a service is away");
    assert!(!decide(&gate, &member(&gate, &["S0ENG"]), "deploy.promote").authorization.allowed);
    let version = policy.status().version;
    policy.learn(vocabulary()).await;
    assert_unchanged(&policy.gate().unwrap());
    policy.learn(without).await;
    assert!(policy.gate().is_some());
    assert_eq!(policy.status().version, version, "the files are the same, and so is the version");
}

#[tokio::test]
async fn trap_66_a_command_of_a_service_that_is_away_may_be_like_one_that_is_there() {
    let mut here = vocabulary();
    here.commands.insert("deploy.rollout".to_owned());
    here.commands.remove("deploy.rollback");
    here.context.insert("region".to_owned(), ["none", "us"].map(str::to_owned).to_vec());
    let rows = format!("{BASE}p, Temps, *, deploy.rollback, run, region=eu, deny\n");
    let world = World::new(&rows);
    let policy = Policy::load(world.options.clone(), here.clone()).await;
    assert_unchanged(&policy.gate().expect("a worker may start before the service"));
    let findings = adjutant_policies::check(&world.options, &here).unwrap();
    assert_eq!(findings.errors(), 2, "but who checks is told: {findings}");
}

#[tokio::test]
async fn a_policy_whose_own_tests_fail_is_not_put_in_force() {
    let world = World::new(BASE);
    let policy = world.load().await;
    world.write("policy.test", "allow, Temps, slack:T0ACME/C0DEPLOY, deploy.promote, run, env=staging\n");
    policy.reload().await;
    assert!(policy.status().problem.unwrap().contains("test-failed"));
    assert_unchanged(&policy.gate().unwrap());
}

#[tokio::test]
async fn a_watched_folder_is_followed_through_a_swapped_link() {
    let (old, new) = (World::new(BASE), World::new(format!("# newer\n{BASE}")));
    let link = tempfile::tempdir().unwrap();
    let current = link.path().join("current");
    std::os::unix::fs::symlink(old.path(), &current).unwrap();
    let policy = Policy::load(Options::new(Some(current.clone())), vocabulary()).await;
    let before = policy.status().version;
    let stop = CancellationToken::new();
    let (watched, until) = (policy.clone(), stop.clone());
    let watch = tokio::spawn(async move { watched.watch(Duration::from_millis(20), until).await });
    std::os::unix::fs::symlink(new.path(), link.path().join("next")).unwrap();
    std::fs::rename(link.path().join("next"), &current).unwrap();
    let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
    while policy.status().version == before {
        assert!(tokio::time::Instant::now() < deadline);
        tokio::task::yield_now().await;
    }
    stop.cancel();
    watch.await.unwrap();
}
