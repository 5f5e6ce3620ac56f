//! Traps 45–57: what casbin's own functions and meanings do to those who do not expect it, shown on casbin as it is, and that
//! none of it can be reached through the gate.

use std::collections::BTreeMap;

use adjutant_bus::spec::Action;
use adjutant_policies::{Ask, Dimension, Options, Policy};
use casbin::rhai::{Dynamic, Map};

use super::{
    raw::{Raw, text},
    world::{BASE, MODEL, PLACE, World, assert_unchanged, context, decide, member, vocabulary},
};

fn rows(rows: &[&str]) -> Vec<Vec<String>> {
    rows.iter().map(|row| row.split(", ").map(str::to_owned).collect()).collect()
}

/// A small model with this matcher.
fn model(matcher: &str) -> String {
    format!(
        "[request_definition]\nr = a, b\n[policy_definition]\np = a, b\n[role_definition]\ng = _, _\ng2 = _, _\n\
         [policy_effect]\ne = some(where (p.eft == allow))\n[matchers]\nm = {matcher}\n"
    )
}

fn verdict(matcher: &str, policy: &[&str], a: Dynamic, b: Dynamic) -> Result<bool, String> {
    Raw::new(&model(matcher), &rows(policy)).enforce(vec![a, b])
}

#[test]
fn traps_45_to_48_casbin_s_own_functions_panic_or_open() {
    for (trap, matcher, pattern, asked) in [
        ("45", "keyMatch(r.a, p.a)", "deploy.*", "deploy😀x"),
        ("45", "keyMatch(r.a, p.a)", "d*", "é"),
        ("47", "regexMatch(r.a, p.a)", "[", "deploy"),
        ("47", "regexMatch(r.a, p.a)", "((a{1000}){1000})", "deploy"),
    ] {
        let verdict = verdict(matcher, &[&format!("p, {pattern}, x")], text(asked), text("x"));
        assert_eq!(verdict, Err("panic".to_owned()), "{trap}: {pattern}");
    }
    // It is not even there without one of casbin's features, which we do not build.
    assert!(
        verdict("ipMatch(r.a, p.a)", &["p, 10.0.0.0/99, x"], text("no address"), text("x")).is_err(),
        "46"
    );
    for asked in ["deployXprod", "xdeployXprodx"] {
        assert_eq!(
            verdict("regexMatch(r.a, p.a)", &["p, deploy.prod, x"], text(asked), text("x")),
            Ok(true),
            "48"
        );
    }
}

#[tokio::test]
async fn traps_45_to_49_patterns_are_no_regexes_here_and_no_request_makes_the_gate_fail() {
    let policy = "p, Engineering, slack:T0ACME/*, deploy.*, run, env=staging, allow\n";
    let gate = World::new(policy).gate().await;
    let alice = member(&gate, &["S0ENG"]);
    let words = [
        "deploy😀x",
        "é",
        "deployXpromote",
        "xdeploy.promotex",
        "[",
        "(",
        "*",
        "10.0.0.0/99",
        "1800000000000",
        "\u{0}",
        "deploy.promote",
        "",
    ];
    let long = "x".repeat(100_000);
    for odd in words.into_iter().chain([long.as_str()]) {
        for (place, command, env) in
            [(odd, "deploy.promote", "staging"), (PLACE, odd, "staging"), (PLACE, "deploy.promote", odd)]
        {
            let context =
                BTreeMap::from([("env".to_owned(), env.to_owned()), (odd.to_owned(), odd.to_owned())]);
            let ask = Ask { caller: &alice, place, command, action: Action::Run, context: &context };
            let verdict = gate.decide(&ask);
            let same = (place, command, env) == (PLACE, "deploy.promote", "staging");
            assert_eq!(verdict.authorization.allowed, same, "{odd}");
            assert!(verdict.denial.is_none_or(|denial| denial.dimension != Dimension::Engine), "{odd}");
        }
    }
    assert!(decide(&gate, &alice, "deploy.promote").authorization.allowed);
}

#[test]
fn trap_49_a_number_beyond_32_bits_is_an_error_in_casbin_which_no_request_of_ours_can_bring() {
    assert!(casbin::EnforceArgs::try_into_vec(("alice", 1_800_000_000_000_i64)).is_err());
    // The context of a request is text, whatever it looks like.
    let context: &BTreeMap<String, String> = &context("1800000000000");
    assert_eq!(context["env"], "1800000000000");
}

#[tokio::test]
async fn trap_51_an_empty_policy_allows_an_empty_request_in_casbin_and_here_nothing_is_allowed() {
    assert_eq!(verdict("r.a == p.a", &[], text(""), text("")), Ok(true));
    for empty in ["", "# nothing\n", "g, Temps, Contractors\n"] {
        assert!(World::new(empty).load().await.gate().is_none());
    }
    let gate = World::new(BASE).gate().await;
    let nobody = gate.caller_in("", []);
    for (caller, place, command) in
        [(&nobody, "", ""), (&nobody, PLACE, "deploy.promote"), (&member(&gate, &["S0ENG"]), "", "")]
    {
        let nothing = BTreeMap::new();
        let ask = Ask { caller, place, command, action: Action::Run, context: &nothing };
        assert!(!gate.decide(&ask).authorization.allowed && !gate.explain(&ask).allowed);
    }
    let unnamed = gate.caller_in("", ["Engineering".to_owned()]);
    assert!(!decide(&gate, &unnamed, "deploy.promote").authorization.allowed);
}

#[test]
fn trap_52_casbin_takes_deny_rows_of_a_second_kind_for_allow_rows() {
    let two = "[request_definition]\nr = a, b\n[policy_definition]\np = a, b\np2 = a, b, eft\n[policy_effect]\n\
               e = some(where (p.eft == allow)) && !some(where (p.eft == deny))\n[matchers]\nm = r.a == p.a\n";
    // The second kind is not looked at at all: its deny row denies nothing. Here such rows and such models do not load.
    let raw = Raw::new(two, &rows(&["p, x, y", "p2, x, y, deny"]));
    assert_eq!(raw.enforce(vec![text("x"), text("y")]), Ok(true));
}

#[test]
fn trap_53_casbin_mixes_the_links_of_g_and_g2() {
    let verdict = verdict("g(r.a, p.a)", &["p, admin, x", "g2, mallory, admin"], text("mallory"), text("x"));
    assert_eq!(verdict, Ok(true), "a resource link made a role");
}

#[test]
fn trap_54_casbin_runs_the_text_of_a_row() {
    let verdict = verdict(
        "eval(p.a)",
        &["p, let n = 0; while n < 1000 { n += 1; } n == 1000, x"],
        text("a"),
        text("x"),
    );
    assert_eq!(verdict, Ok(true), "a loop ran inside of a decision");
}

#[test]
fn traps_55_and_56_values_of_another_type_are_unequal_and_a_list_of_groups_must_be_a_map() {
    assert_eq!(verdict("r.a != p.a", &["p, 5, x"], Dynamic::from(5_i32), text("x")), Ok(true));
    let raw = Raw::new(MODEL, &rows(&["p, Engineering, *, deploy.promote, run, *, allow"]));
    let ask = |groups: Dynamic| {
        raw.enforce(vec![
            text("w"),
            groups,
            text(PLACE),
            text("deploy.promote"),
            text("run"),
            Dynamic::from_map(Map::new()),
        ])
    };
    assert!(ask(text("Engineering")).is_err(), "groups as one text");
    assert_eq!(ask(Dynamic::from_map(Map::from([("Engineering".into(), Dynamic::from(true))]))), Ok(true));
}

#[tokio::test]
async fn trap_57_patterns_and_words_that_nobody_registered_are_no_commands() {
    let raw = Raw::new(MODEL, &rows(&["p, Engineering, *, deploy.*, run, *, allow"]));
    let engineering = ["Engineering".to_owned()];
    assert!(
        raw.ask(&engineering, PLACE, "deploy.*", "run", &BTreeMap::new()),
        "casbin: the pattern equals itself"
    );
    let gate = World::new(format!("{BASE}p, Engineering, *, *, *, *, allow\n")).gate().await;
    let alice = member(&gate, &["S0ENG"]);
    for command in [
        "*",
        "deploy.*",
        "Deploy.Promote",
        "",
        "unregistered",
        "deploy.unregistered",
        "deploy.",
        ".",
        "deploy.promote ",
        "deploy promote",
    ] {
        for action in [Action::Run, Action::View, Action::Approve] {
            let context = context("staging");
            let ask = Ask { caller: &alice, place: PLACE, command, action, context: &context };
            let verdict = gate.decide(&ask);
            assert!(!verdict.authorization.allowed && verdict.denial.is_some(), "{command}");
            assert!(!gate.explain(&ask).allowed && !gate.could(&alice, PLACE, command, action), "{command}");
        }
    }
    assert_unchanged(&gate);
    // An action is one of three: there is no text that becomes another.
    let world = World::base();
    for action in ["*", "Run", "", "execute"] {
        world.write(
            "policy.test",
            format!("allow, Engineering, {PLACE}, deploy.promote, {action}, env=staging\n"),
        );
        assert!(world.check().findings.iter().any(|found| found.code == "test-form"), "{action}");
    }
    assert!(Policy::load(Options::new(Some(world.path().to_owned())), vocabulary()).await.gate().is_none());
}
