//! What changes between two policies: exact for every combination of groups, and told in lines that people read.

use adjutant_bus::spec::Action;
use adjutant_policies::{Ask, Gate, Kind, diff};
use proptest::prelude::*;

use super::{
    properties::row,
    world::{BASE, World, context, member, vocabulary},
};

fn gate(policy: &str) -> std::sync::Arc<Gate> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(World::new(policy).gate())
}

fn lines(old: &str, new: &str) -> String {
    diff(&gate(old), &gate(new)).lines().join("\n")
}

#[test]
fn who_gains_and_who_loses_is_told_with_the_row_and_what_matters() {
    assert_eq!(lines(BASE, BASE), "");
    assert_eq!(lines(BASE, &format!("# moved\n{BASE}")), "", "where a row stands does not matter");
    let new = BASE.replace("deploy.*, run, *, allow", "deploy.*, run, env=staging, allow")
        + "p, Contractors, slack:T0ACME/C0OPS, help, run, *, allow\n";
    insta::assert_snapshot!(lines(BASE, &new));
    insta::assert_snapshot!(lines(&new, BASE));
    insta::assert_snapshot!(lines(
        BASE,
        "p, Engineering, *, deploy.*, run, *, allow\ng, Temps, Contractors\n"
    ));
    insta::assert_snapshot!(lines(BASE, &format!("{BASE}g, Contractors, Engineering\n")));
}

#[test]
fn a_chat_group_that_comes_to_stand_for_a_name_with_rights_on_production_counts_as_a_gain_there() {
    let lock = super::world::LOCK;
    let more = format!("{lock}slack:T0ACME/S0NEW, Engineering, New\n");
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let (old, new) = (World::new(BASE), World::with(BASE, super::world::MODEL, &more));
    let (old, new) = runtime.block_on(async { (old.gate().await, new.gate().await) });
    let changed = diff(&old, &new);
    assert_eq!((changed.changes.len(), changed.members.len()), (0, 1));
    assert_eq!(changed.production_gains(), changed.lines());
    assert_eq!(diff(&new, &old).members[0].kind, Kind::Lose);
    assert!(diff(&new, &old).production_gains().is_empty());
}

#[test]
fn a_right_that_reaches_production_is_marked_and_one_that_does_not_is_not() {
    let with = |when: &str| format!("{BASE}p, Temps, *, deploy.list, run, {when}, allow\n");
    let gains = |when: &str| diff(&gate(BASE), &gate(&with(when))).production_gains().len();
    assert_eq!((gains("env=staging"), gains("env=production"), gains("*")), (0, 1, 1));
    let mut words = vocabulary();
    words.binds.insert("deploy.list".to_owned(), std::collections::BTreeSet::new());
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let load = |policy: &str| {
        let world = World::new(policy);
        let loaded = runtime.block_on(adjutant_policies::Policy::load(world.options.clone(), words.clone()));
        loaded.gate().unwrap()
    };
    let changed = diff(&load(BASE), &load(&with("*")));
    assert!(
        !changed.is_empty() && changed.production_gains().is_empty(),
        "the command has no environment: {changed:?}"
    );
}

/// Whether two policies say the same to everybody, asked one by one.
fn agree(old: &Gate, new: &Gate) -> bool {
    let sets = ["S0ENG", "S0CON", "S0TMP"];
    (0..8).all(|bits| {
        let groups: Vec<&str> =
            sets.iter().enumerate().filter(|(n, _)| bits & (1 << n) != 0).map(|(_, group)| *group).collect();
        ["deploy.promote", "deploy.list", "deploy.rollback", "help", "deployer.wipe", "deploy"].iter().all(
            |command| {
                [Action::Run, Action::View, Action::Approve].iter().all(|action| {
                    [
                        "slack:T0ACME/C0DEPLOY",
                        "slack:T0ACME/C0OPS",
                        "slack:T0ACME/C1",
                        "discord:9001/1",
                        "slack:T1/C1",
                        "console:a/b",
                    ]
                    .iter()
                    .all(|place| {
                        let contexts = ["none", "staging", "production"].map(context);
                        contexts.iter().chain([&std::collections::BTreeMap::new()]).all(|context| {
                            let said = |gate: &Gate| {
                                let caller = member(gate, &groups);
                                gate.explain(&Ask {
                                    caller: &caller,
                                    place,
                                    command,
                                    action: *action,
                                    context,
                                })
                                .allowed
                            };
                            said(old) == said(new)
                        })
                    })
                })
            },
        )
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn nothing_differs_exactly_if_everybody_is_told_the_same(
        rows in prop::collection::vec(row(), 1..8),
        other in prop::collection::vec(row(), 0..3),
        gone in 0..8usize,
        links in prop::sample::subsequence(vec!["g, Temps, Contractors\n", "g, Engineering, Temps\n"], 0..=2),
    ) {
        let text = |rows: &[(String, bool)], links: &[&str]| {
            let rows: String = rows.iter().map(|(text, _)| text.as_str()).collect();
            format!("p, everyone, *, help, view, *, allow\n{rows}{}", links.concat())
        };
        let mut changed = rows.clone();
        if gone < changed.len() {
            changed.remove(gone);
        }
        changed.extend(other);
        let (old, new) = (gate(&text(&rows, &links)), gate(&text(&changed, &["g, Temps, Contractors\n"])));
        let found = diff(&old, &new);
        // A group that forbids more or less tells something only to who is allowed by another: agreement may hide that.
        if found.is_empty() {
            prop_assert!(agree(&old, &new), "{} / {}", text(&rows, &links), text(&changed, &[]));
        }
        if !agree(&old, &new) {
            prop_assert!(!found.is_empty());
        }
    }
}
