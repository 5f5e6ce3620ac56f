//! Requests made to confuse the engine: refused before, or by, the gate; never a panic.

use std::collections::BTreeMap;

use adjutant_bus::{
    actor::{Membership, Platform, Standing},
    spec::Action,
};
use adjutant_policies::{Ask, Dimension};

use super::world::{BASE, PLACE, World, actor, assert_unchanged, context, decide, member};

#[tokio::test]
async fn odd_commands_are_refused_and_the_gate_goes_on() {
    let gate = World::new(BASE).gate().await;
    let alice = member(&gate, &["S0ENG"]);
    for command in [
        "*",
        "deploy.*",
        "Deploy.Promote",
        "",
        "deploy😀x",
        "é",
        "deployXpromote",
        "deploy",
        "deployer.wipe",
        "[",
        "(",
        "deploy.promote ",
    ] {
        let verdict = decide(&gate, &alice, command);
        assert!(!verdict.authorization.allowed && verdict.denial.is_some(), "{command}");
    }
    assert_unchanged(&gate);
}

#[tokio::test]
async fn odd_places_and_contexts_are_refused_or_do_not_matter() {
    let policy = "p, Engineering, slack:T0ACME/*, deploy.promote, run, env=staging, allow\n";
    let gate = World::new(policy).gate().await;
    let alice = member(&gate, &["S0ENG"]);
    let allowed = |place: &str, context: &BTreeMap<String, String>| {
        gate.decide(&Ask { caller: &alice, place, command: "deploy.promote", action: Action::Run, context })
            .authorization
            .allowed
    };
    assert!(allowed(PLACE, &context("staging")));
    for place in [
        "",
        "*",
        "slack:T0ACME",
        "slack:T0ACME/",
        "slack:T0ACMEX/C1",
        "discord:T0ACME/C1",
        "é",
        "slack:T0ACM\u{200b}E/C1",
    ] {
        assert!(!allowed(place, &context("staging")), "{place}");
    }
    for env in ["production", "Staging", "staging ", "", "*", "1800000000000", "staging|production"] {
        assert!(!allowed(PLACE, &context(env)), "{env}");
    }
    assert!(!allowed(PLACE, &BTreeMap::new()), "a key that is missing does not open an allow row");
}

#[tokio::test]
async fn a_missing_key_closes_a_deny_row_that_asks_for_it() {
    let policy = "p, Engineering, *, deploy.promote, run, *, allow\np, Engineering, *, deploy.promote, run, env=production, deny\n";
    let gate = World::new(policy).gate().await;
    let alice = member(&gate, &["S0ENG"]);
    let decide = |context: &BTreeMap<String, String>| {
        gate.decide(&Ask {
            caller: &alice,
            place: PLACE,
            command: "deploy.promote",
            action: Action::Run,
            context,
        })
    };
    assert!(decide(&context("staging")).authorization.allowed);
    assert!(!decide(&context("production")).authorization.allowed);
    let unknown = decide(&BTreeMap::new());
    assert_eq!(unknown.denial.unwrap().dimension, Dimension::DenyRow);
}

#[tokio::test]
async fn nobody_and_nothing_is_refused() {
    let gate = World::new(BASE).gate().await;
    let nobody =
        gate.caller(&actor(Platform::Slack, "T0ACME", "B1", Standing::Bot), &Membership::known(vec![]));
    assert_eq!(nobody.groups(), [""; 0]);
    assert!(!decide(&gate, &nobody, "deploy.promote").authorization.allowed);
    assert!(!decide(&gate, &nobody, "").authorization.allowed);
    let no_rows = decide(&gate, &member(&gate, &["S0ENG"]), "help");
    assert_eq!(no_rows.denial.unwrap().dimension, Dimension::Command);
}

#[tokio::test]
async fn a_refusal_names_the_dimension_and_whom_to_ask() {
    let policy = "p, Engineering, slack:T0ACME/C0DEPLOY, deploy.promote, run, *, allow\n\
                  p, Temps, *, deploy.promote, run, env=staging, allow\n\
                  p, Temps, *, deploy.list, view, *, allow\n";
    let lock = "slack:T0ACME/S0ENG, Engineering, E\nslack:T0ACME/S0TMP, Temps, T\n";
    let gate = World::with(policy, super::world::MODEL, lock).gate().await;
    let ask = |groups: &[&str], place: &str, command: &str, env: &str| {
        let caller = member(&gate, groups);
        gate.decide(&Ask { caller: &caller, place, command, action: Action::Run, context: &context(env) })
            .denial
            .unwrap()
    };
    let elsewhere = ask(&["S0ENG"], "slack:T0ACME/C0OPS", "deploy.promote", "production");
    assert_eq!(
        (elsewhere.dimension, elsewhere.places.as_slice()),
        (Dimension::Place, [PLACE.to_owned()].as_slice())
    );
    let production = ask(&["S0TMP"], PLACE, "deploy.promote", "production");
    assert_eq!(
        (production.dimension, production.conditions.as_slice()),
        (Dimension::When, ["env=staging".to_owned()].as_slice())
    );
    assert_eq!(production.who_may, ["Engineering"]);
    assert_eq!(ask(&[], PLACE, "deploy.promote", "staging").dimension, Dimension::Group);
    assert_eq!(ask(&["S0TMP"], PLACE, "deploy.list", "none").dimension, Dimension::Action);
}

#[test]
fn a_panic_of_the_engine_can_be_caught() {
    let caught = std::panic::catch_unwind(|| panic!("on purpose"));
    assert!(caught.is_err(), "panic must be `unwind`, or the gate cannot catch the engine's");
    let manifest = include_str!("../../../Cargo.toml");
    assert!(manifest.contains("panic = \"unwind\"") && !manifest.contains("panic = \"abort\""));
}

#[tokio::test]
async fn a_context_is_completed_with_what_is_usual_for_every_key_that_it_lacks() {
    let gate = World::new(BASE).gate().await;
    let given = BTreeMap::from([("env".to_owned(), "staging".to_owned())]);
    let complete = gate.complete(&given, jiff::Timestamp::UNIX_EPOCH, Some(false));
    assert_eq!(complete.get("env").map(String::as_str), Some("staging"));
    let empty = gate.complete(&BTreeMap::new(), jiff::Timestamp::UNIX_EPOCH, Some(false));
    let usual = [("env", "none"), ("freeze", "off"), ("hours", "off")];
    assert_eq!(empty, usual.map(|(key, value)| (key.to_owned(), value.to_owned())).into());
    assert!(complete.keys().eq(empty.keys()));
}
