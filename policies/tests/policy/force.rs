//! Putting policies in force: whole or not at all, under load, with services that come and go.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use adjutant_policies::{Options, Policy};
use tokio_util::sync::CancellationToken;

use super::world::{BASE, World, assert_unchanged, decide, member, vocabulary};

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_reloads_under_load_never_refuse_or_allow_by_mistake() {
    let world = World::new(BASE);
    let policy = world.load().await;
    let done = Arc::new(AtomicBool::new(false));
    let (asked, until) = (policy.clone(), done.clone());
    let load = tokio::task::spawn_blocking(move || {
        let mut decisions = 0;
        while !until.load(Ordering::Relaxed) {
            let gate = asked.gate().unwrap();
            assert_unchanged(&gate);
            let verdict = decide(&gate, &member(&gate, &["S0ENG"]), "deploy.promote");
            assert_eq!(verdict.authorization.policy, gate.version());
            decisions += 1;
        }
        decisions
    });
    for n in 0..1_000 {
        world.write("policy.csv.new", format!("# {n}\n{BASE}"));
        std::fs::rename(world.path().join("policy.csv.new"), world.path().join("policy.csv")).unwrap();
        policy.reload().await;
    }
    done.store(true, Ordering::Relaxed);
    assert!(load.await.unwrap() > 0);
    assert!(policy.status().version.unwrap().starts_with("1001 "), "{:?}", policy.status());
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
async fn a_policy_outlives_its_services_and_learns_their_commands_when_they_come() {
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
