//! From text to an invocation.

use std::collections::BTreeMap;

use adjutant_bus::spec::{ArgKind, ArgSpec, CommandSpec};
use adjutant_workers::{
    catalogue::{Catalogue, CatalogueProblem, Entry, Source},
    parse::{Parsed, parse},
    usage,
};
use proptest::prelude::*;
use serde_json::{Value, json};

fn promote() -> CommandSpec {
    let environment = |name: &str| {
        let choices = ["preview", "staging", "production"].map(str::to_owned).to_vec();
        ArgSpec::positional(name, ArgKind::Choice { choices }, "an environment")
    };
    CommandSpec {
        args: vec![
            ArgSpec::positional("app", ArgKind::String, "the app"),
            environment("from"),
            environment("to"),
            ArgSpec::flag("reason", ArgKind::String, "why"),
            ArgSpec::flag("force", ArgKind::Boolean, "even so"),
            ArgSpec::flag("after", ArgKind::Duration, "when").default_value(60),
            ArgSpec::flag("batch", ArgKind::Integer { min: Some(1), max: Some(50) }, "how many"),
            ArgSpec::flag("share", ArgKind::Number, "how much"),
            ArgSpec::flag("notify", ArgKind::User, "whom"),
            ArgSpec::flag("in", ArgKind::Channel, "where"),
        ],
        aliases: vec!["ship".parse().unwrap()],
        examples: vec!["deploy promote web staging production".to_owned()],
        details: "More about it.".to_owned(),
        ..CommandSpec::new("deploy promote".parse().unwrap(), "Promote a build")
    }
}

fn say() -> CommandSpec {
    CommandSpec {
        args: vec![
            ArgSpec::positional("to", ArgKind::String, "whom"),
            ArgSpec::positional("text", ArgKind::Rest, "what").optional(),
            ArgSpec::flag("loud", ArgKind::Boolean, "loudly"),
        ],
        ..CommandSpec::new("say".parse().unwrap(), "Say something")
    }
}

pub fn catalogue() -> Catalogue {
    let own = adjutant_workers::built_in().into_iter().map(|spec| Entry::new(spec, Source::BuiltIn));
    let (catalogue, problems) =
        Catalogue::new(own.chain([promote(), say()].map(|spec| Entry::new(spec, Source::BuiltIn))));
    assert_eq!(problems, []);
    catalogue
}

fn parsed(line: &str) -> Parsed {
    parse(&catalogue(), line, &|_| true).unwrap_or_else(|refusal| panic!("{line}: {refusal:?}"))
}

fn arguments(line: &str) -> Value {
    serde_json::to_value(parsed(line).arguments).unwrap()
}

#[test]
fn arguments_are_typed_and_complete() {
    let least = json!({ "app": "web", "from": "staging", "to": "production", "after": 60 });
    for line in [
        "deploy promote web staging production",
        "DEPLOY Promote web Staging PRODUCTION",
        "ship web staging production",
        "deploy promote to=production from=staging app=web",
        "deploy promote --to production web staging",
        "deploy promote web -- staging production",
        "deploy  promote “web” 'staging' production",
    ] {
        assert_eq!(arguments(line), least, "{line}");
    }
    let all = "deploy promote web staging production --reason \"it's due\" --force --after 2h30m batch=7 --share=0.5 --notify @U1 --in '#ops'";
    let wanted = json!({ "app": "web", "from": "staging", "to": "production", "reason": "it's due", "force": true,
        "after": 9000, "batch": 7, "share": 0.5, "notify": "U1", "in": "ops" });
    assert_eq!(arguments(all), wanted);
    assert_eq!(arguments("deploy promote a=b staging production")["app"], "a=b");
    assert_eq!(arguments("deploy promote \"--x\" staging production")["app"], "--x");
    assert_eq!(arguments("deploy promote web staging production force=no")["force"], false);
}

#[test]
fn the_rest_of_a_line_is_taken_as_typed() {
    assert_eq!(
        arguments("say ana   it is   --loud a=b"),
        json!({ "to": "ana", "text": "it is   --loud a=b" })
    );
    assert_eq!(arguments("say --loud ana hi"), json!({ "to": "ana", "text": "hi", "loud": true }));
    assert_eq!(arguments("say ana \"quoted  whole\""), json!({ "to": "ana", "text": "quoted  whole" }));
    assert_eq!(arguments("say ana"), json!({ "to": "ana" }));
}

#[test]
fn a_flag_for_help_asks_for_help() {
    let help = parsed("deploy promote --help");
    assert_eq!(
        (help.entry.spec.path.to_string().as_str(), help.invocation.canonical.as_str()),
        ("help", "help \"deploy promote\"")
    );
}

#[test]
fn usage_and_help_look_as_recorded() {
    insta::assert_snapshot!(usage::usage(&promote()));
    insta::assert_json_snapshot!(usage::help(&promote()));
}

#[test]
fn what_contradicts_itself_is_left_out_of_the_catalogue() {
    let bad = |edit: fn(&mut CommandSpec)| {
        let mut spec = say();
        edit(&mut spec);
        let (catalogue, problems) = Catalogue::new([Entry::new(spec, Source::BuiltIn)]);
        assert_eq!(catalogue.iter().count(), 0);
        assert!(matches!(problems.as_slice(), [CatalogueProblem::BadSpec { .. }]), "{problems:?}");
    };
    bad(|spec| spec.args.reverse());
    bad(|spec| {
        spec.args[0].required = false;
        spec.args[1].required = true;
    });
    bad(|spec| spec.args[0].name = "To".to_owned());
    bad(|spec| spec.args[0].name = "text".to_owned());
    bad(|spec| spec.args[2].default = Some(json!("yes")));
    bad(|spec| spec.args[0].kind = ArgKind::Choice { choices: vec![] });
    bad(|spec| spec.timeout_seconds = 0);
    let service = Entry::new(say(), Source::Service { name: "late".to_owned() });
    let (catalogue, problems) = Catalogue::new([Entry::new(say(), Source::BuiltIn), service]);
    assert_eq!(catalogue.iter().next().unwrap().source, Source::BuiltIn);
    assert!(matches!(problems.as_slice(), [CatalogueProblem::Taken { .. }]));
}

proptest! {
    #[test]
    fn no_line_makes_it_panic(text in any::<String>(), tail in "[ -~“”‘—]{0,60}") {
        let _ = parse(&catalogue(), &text, &|_| true);
        let _ = parse(&catalogue(), &format!("deploy promote {tail}"), &|_| true);
        let _ = parse(&catalogue(), &format!("say {tail}"), &|_| true);
    }

    #[test]
    fn the_canonical_line_asks_for_the_same_again(
        app in "[^\\p{Cc}\\p{Cf}\\s—–―“”„‟«»＂‘’‚‛＇]{1,12}",
        reason in "[a-zA-Z0-9 '\"\\\\=-]{0,20}[a-z]",
        text in "[a-zA-Z0-9'\"\\\\=-][a-zA-Z0-9 '\"\\\\=-]{0,30}[a-z]",
        force in any::<Option<bool>>(),
        after in 1_u64..100_000,
    ) {
        let quote = adjutant_workers::words::quote;
        let force = force.map_or_else(String::new, |force| format!(" --force={force}"));
        let line = format!("deploy promote {} staging production --reason {} --after {after}s{force}", quote(&app), quote(&reason));
        for line in [line, format!("say {} {}", quote(&app), quote(&text))] {
            let once = parsed(&line);
            let again = parsed(&once.invocation.canonical);
            prop_assert_eq!(&again.arguments, &once.arguments, "{} -> {}", line, once.invocation.canonical);
            prop_assert_eq!(&again.invocation.canonical, &once.invocation.canonical);
            prop_assert_ne!(&once.arguments, &BTreeMap::new());
        }
    }
}
