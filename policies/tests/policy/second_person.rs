//! What gives rights on production without looking like it: none of it slips past the second person.

use std::{collections::BTreeMap, sync::Arc};

use adjutant_bus::spec::Action;
use adjutant_policies::{Ask, Change, Diff, Dimension, Gate, Kind, Policy, Vocabulary, diff};
use proptest::prelude::*;

use super::{
    properties::row,
    world::{BASE, LOCK, MODEL, World, vocabulary},
};

fn load(world: &World, words: Vocabulary) -> Arc<Gate> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let policy = runtime.block_on(Policy::load(world.options.clone(), words));
    policy.gate().unwrap_or_else(|| panic!("{:?}", policy.status()))
}

fn from_base(new: &str) -> Diff {
    diff(&load(&World::new(BASE), vocabulary()), &load(&World::new(new), vocabulary()))
}

#[test]
fn no_channel_stands_for_the_others_whatever_its_id_is() {
    let new = format!(
        "{BASE}p, Temps, slack:T0ACME/*, help, run, *, allow\np, Temps, slack:T0ACME/~, help, run, *, deny\n"
    );
    let changed = from_base(&new);
    let gains: Vec<&Change> = changed.changes.iter().filter(|change| change.kind == Kind::Gain).collect();
    assert_eq!(gains.len(), 1, "{changed:?}");
    assert!(gains[0].production && gains[0].places == ["slack:T0ACME/*"], "{gains:?}");
}

#[test]
fn a_value_that_looks_like_one_that_is_not_known_is_a_value() {
    let mut words = vocabulary();
    words.context.insert("destination".to_owned(), Vec::new());
    let new = format!("{BASE}p, Temps, *, help, run, destination=?, allow\n");
    let changed = diff(&load(&World::new(BASE), words.clone()), &load(&World::new(new), words));
    assert_eq!(changed.changes.len(), 1, "{changed:?}");
    assert_eq!(
        changed.changes[0].context,
        BTreeMap::from([("destination".to_owned(), vec!["?".to_owned()])])
    );
}

#[test]
fn a_right_to_a_command_whose_service_is_away_counts_before_it_comes() {
    let gains = |row: &str| from_base(&format!("{BASE}{row}\n")).production_gains();
    assert_eq!(gains("p, Temps, *, billing.charge, run, env=production, allow").len(), 1);
    assert_eq!(gains("p, Temps, *, billing.*, run, *, allow").len(), 1);
    assert!(gains("p, Temps, *, billing.charge, run, env=staging, allow").is_empty());
    // Every command that is known is forbidden; those that come are not.
    let forbidden: Vec<String> = ["deploy.promote", "deploy.list", "deploy.rollback"]
        .iter()
        .map(|command| format!("p, Temps, *, {command}, run, *, deny\n"))
        .collect();
    assert_eq!(gains(&format!("{}p, Temps, *, deploy.*, run, *, allow", forbidden.concat())).len(), 1);
}

#[test]
fn what_commands_may_come_is_not_told_twice() {
    let lines = from_base(&format!("{BASE}p, Temps, *, deployer.*, run, *, allow\n")).lines();
    assert_eq!(
        lines,
        ["gain  Temps  deployer.wipe  run  policy.csv:4  <- production: a second person must approve"]
    );
}

#[test]
fn who_leaves_a_name_that_is_forbidden_things_on_production_may_gain_there() {
    let new = LOCK.replace("slack:T0ACME/S0CON,", "slack:T0ACME/S0NEW,");
    let (old, new) = (World::new(BASE), World::with(BASE, MODEL, &new));
    let changed = diff(&load(&old, vocabulary()), &load(&new, vocabulary()));
    assert_eq!(changed.members.len(), 2, "{changed:?}");
    let gains = changed.production_gains();
    assert!(gains.len() == 1 && gains[0].contains("S0CON as Contractors"), "{gains:?}");
}

/// From the base with a row for office hours, under one `policy.toml`, to the same under another.
fn from_settings(old: &str, new: &str) -> Diff {
    let gate = |settings: &str| {
        let row = "p, Temps, *, help, run, env=production;hours=office, allow";
        let world = World::new(format!("{BASE}{row}\n"));
        world.write("policy.toml", settings);
        load(&world, vocabulary())
    };
    diff(&gate(old), &gate(new))
}

#[test]
fn a_window_made_longer_gives_what_rows_allow_within_it() {
    let (short, long) = ("office = [\"Mon-Fri 09:00-17:00\"]\n", "office = [\"Mon-Fri 09:00-18:00\"]\n");
    let (short, long) = (format!("[windows]\n{short}"), format!("[windows]\n{long}"));
    insta::assert_snapshot!(from_settings(&short, &long).lines().join("\n"));
    assert_eq!(from_settings(&short, &long).production_gains().len(), 1);
    assert!(from_settings(&long, &short).production_gains().is_empty());
    assert!(!from_settings(&long, &short).is_empty(), "who may longer loses it");
    let elsewhere = format!("timezone = \"Asia/Tokyo\"\n{short}");
    assert_eq!(from_settings(&short, &elsewhere).production_gains().len(), 1);
    assert!(from_settings(&short, &format!("# moved\n{short}")).lines().is_empty());
}

#[test]
fn what_counts_as_production_no_longer_is_a_gain_by_itself() {
    let office = "[windows]\noffice = [\"Mon-Fri 09:00-17:00\"]\n";
    let with = |values: &str| format!("{office}[production]\nenv = [{values}]\n");
    let less = from_settings(&with("\"production\", \"staging\""), &with("\"production\""));
    assert_eq!(
        (less.settings.as_slice(), less.unguarded.as_slice()),
        (&["production.env".to_owned()][..], &["env=staging".to_owned()][..])
    );
    assert_eq!(less.production_gains().len(), 1);
    assert!(
        from_settings(&with("\"production\""), &with("\"production\", \"staging\""))
            .production_gains()
            .is_empty()
    );
    assert_eq!(from_settings(office, &with("\"prod\"")).production_gains().len(), 1);
}

#[test]
fn nothing_is_believed_of_a_model_of_ones_own() {
    let load_own = |policy: &str| {
        let mut world = World::new(policy);
        world.options.own_model = true;
        load(&world, vocabulary())
    };
    let (old, new) = (load_own(BASE), load_own(&format!("# moved\n{BASE}")));
    assert_eq!(diff(&old, &new).production_gains().len(), 1);
    assert!(diff(&old, &old).is_empty());
}

#[test]
fn a_policy_that_is_too_much_to_compare_is_given_up_soon_and_counts_as_a_gain() {
    let keys: Vec<String> = (0..70).map(|n| format!("undeclared{n}=a")).collect();
    let wide = format!("{BASE}p, Temps, *, help, run, {}, allow\n", keys.join(";"));
    let changed = from_base(&wide);
    assert!(
        changed.cut && !changed.is_empty() && changed.production_gains().len() == 1,
        "{:?}",
        changed.lines()
    );
}

#[test]
fn many_rows_in_many_places_are_compared_in_full() {
    const ROWS: usize = 3_000;
    let commands: Vec<String> = (0..ROWS / 30).map(|n| format!("service{n}.deed")).collect();
    let words = Vocabulary { commands: commands.iter().cloned().collect(), ..vocabulary() };
    let rows = |wider: usize| -> String {
        let row = |n: usize| {
            let env = if n == wider { "*" } else { "env=staging" };
            let (group, command) = (["Engineering", "Contractors", "Temps"][n % 3], &commands[n / 30]);
            format!("p, {group}, slack:T0ACME/C{n}, {command}, run, {env}, allow\n")
        };
        (0..ROWS).map(row).collect()
    };
    let gate = |wider| load(&World::new(rows(wider)), words.clone());
    let changed = diff(&gate(ROWS), &gate(7));
    assert!(!changed.cut && changed.changes.len() == 1, "{:?}", changed.lines());
}

/// Asks the gates about one request of a line.
fn confirmed(
    change: &Change,
    old: &Gate,
    new: &Gate,
    place: &str,
    context: &BTreeMap<String, String>,
) -> bool {
    let action = match change.action {
        "run" => Action::Run,
        "view" => Action::View,
        _ => Action::Approve,
    };
    // Allowed, forbidden by a row, or neither.
    let stand = |gate: &Gate| {
        let caller = gate.caller_in("console:test/case", [change.group.clone()]);
        let command = change.command.as_str();
        let verdict = gate.decide(&Ask { caller: &caller, place, command, action, context });
        let by_row = verdict.denial.is_some_and(|denial| denial.dimension == Dimension::DenyRow);
        if verdict.authorization.allowed { 2 } else { 1 - i32::from(by_row) }
    };
    match change.kind {
        Kind::Gain => stand(old) < stand(new),
        Kind::Lose => stand(old) > stand(new),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn each_line_is_confirmed_by_the_gates(
        before in prop::collection::vec(row(), 1..8),
        after in prop::collection::vec(row(), 1..8),
        link in any::<bool>(),
    ) {
        let text = |rows: &[(String, bool)], link: bool| {
            let rows: String = rows.iter().map(|(text, _)| text.as_str()).collect();
            format!("{rows}{}", if link { "g, Temps, Contractors\n" } else { "" })
        };
        let gate = |text: String| load(&World::new(text), vocabulary());
        let (old, new) = (gate(text(&before, link)), gate(text(&after, false)));
        let found = diff(&old, &new);
        prop_assert!(!found.cut);
        for change in found.changes.iter().filter(|change| !change.command.contains('*')) {
            let envs = change.context.get("env").cloned().unwrap_or_else(|| vec!["none".to_owned()]);
            for (place, env) in change.places.iter().flat_map(|place| envs.iter().map(move |env| (place, env))) {
                let place = if place == "all other places" { "console:x/y".to_owned() } else { place.replace('*', "x/y") };
                let place = if place == "x/y" { "console:x/y".to_owned() } else { place };
                let value = match env.as_str() {
                    "(not known)" => None,
                    "(any other)" => Some("none"),
                    env => Some(env),
                };
                let context = value.map(|env| ("env".to_owned(), env.to_owned())).into_iter().collect();
                prop_assert!(confirmed(change, &old, &new, &place, &context), "{change} {place} {env}");
            }
        }
    }
}
