//! Properties over random policies: denies never widen, casbin and its twin agree, no file makes the loader panic.

use adjutant_bus::spec::Action;
use adjutant_policies::Ask;
use proptest::prelude::*;

use super::world::{PLACE, World, context, member};

pub fn row() -> impl Strategy<Value = (String, bool)> {
    let pick = |values: &'static [&'static str]| prop::sample::select(values);
    (
        pick(&["everyone", "Engineering", "Contractors", "Temps"]),
        pick(&["*", "slack:T0ACME/*", "slack:T0ACME/C0DEPLOY", "slack:T0ACME/C0OPS", "discord:*"]),
        pick(&["*", "deploy.*", "deploy.promote", "deploy.list", "help"]),
        pick(&["run", "view", "*"]),
        pick(&["*", "env=staging", "env=staging|production", "env=production"]),
        any::<bool>(),
    )
        .prop_map(|(group, place, command, action, when, allow)| {
            let effect = if allow { "allow" } else { "deny" };
            (format!("p, {group}, {place}, {command}, {action}, {when}, {effect}\n"), allow)
        })
}

/// The verdict on each of many requests; a disagreement of casbin and its twin counts as a failure.
fn verdicts(policy: &str) -> Vec<bool> {
    let world = World::new(policy);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let gate = runtime.block_on(world.gate());
    let mut verdicts = Vec::new();
    for groups in [&[][..], &["S0ENG"], &["S0TMP"], &["S0ENG", "S0CON"]] {
        let caller = member(&gate, groups);
        for command in ["deploy.promote", "deploy.list", "help", "deployer.wipe"] {
            for action in [Action::Run, Action::View] {
                for env in ["none", "staging", "production"] {
                    let ask = Ask { caller: &caller, place: PLACE, command, action, context: &context(env) };
                    let verdict = gate.decide(&ask);
                    let engine = verdict
                        .denial
                        .as_ref()
                        .is_some_and(|d| d.dimension == adjutant_policies::Dimension::Engine);
                    assert!(
                        !engine,
                        "casbin and its twin disagree: {policy} {groups:?} {command} {action:?} {env}"
                    );
                    assert_eq!(gate.explain(&ask).allowed, verdict.authorization.allowed);
                    verdicts.push(verdict.authorization.allowed);
                }
            }
        }
    }
    verdicts
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    #[test]
    fn a_deny_row_added_never_widens_access(rows in prop::collection::vec(row(), 1..12), added in row()) {
        let policy: String = rows.iter().map(|(text, _)| text.as_str()).chain(["g, Temps, Contractors\n"]).collect();
        let denying = added.0.replace(", allow\n", ", deny\n");
        let before = verdicts(&policy);
        let after = verdicts(&format!("{denying}{policy}"));
        for (before, after) in before.iter().zip(&after) {
            prop_assert!(*before || !*after, "{policy} + {denying}");
        }
    }
}

proptest! {
    #[test]
    fn no_file_makes_the_loader_panic(bytes in prop::collection::vec(any::<u8>(), 0..300), text in "[pg, *a-zA-Z.=|;:/#\"\\n-]{0,200}") {
        for policy in [bytes.as_slice(), text.as_bytes()] {
            let world = World::new(policy);
            let _ = world.check().to_string();
            world.write("policy.lock", policy);
            world.write("model.conf", policy);
            let mut own = World::with(super::world::BASE, &text, super::world::LOCK);
            own.options.own_model = true;
            let _ = (world.check(), own.check());
        }
    }
}
