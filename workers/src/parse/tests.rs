//! Tests of the way from a line to an invocation.

use adjutant_bus::spec::{ArgKind, ArgSpec};
use serde_json::json;

use super::*;
use crate::catalogue::Source;

mod properties;

fn spec(path: &str, args: Vec<ArgSpec>) -> CommandSpec {
    CommandSpec { args, ..CommandSpec::new(path.parse().unwrap(), "Does it") }
}

fn text(name: &str) -> ArgSpec {
    ArgSpec::positional(name, ArgKind::String, "a word")
}

fn choice(words: &[&str]) -> ArgKind {
    ArgKind::Choice { choices: words.iter().map(|word| (*word).to_owned()).collect() }
}

fn catalogue() -> Catalogue {
    let to = ArgSpec::positional("to", choice(&["staging", "Production"]), "where to");
    let secret = |arg: ArgSpec| ArgSpec { secret: true, ..arg };
    let specs = [
        spec("help", vec![ArgSpec::positional("command", ArgKind::Rest, "which").optional()]),
        spec("deploy list", vec![]),
        CommandSpec {
            aliases: vec!["promote".parse().unwrap()],
            ..spec(
                "deploy promote",
                vec![
                    text("app"),
                    text("from"),
                    to,
                    ArgSpec::flag("reason", ArgKind::String, "why"),
                    ArgSpec::flag("force", ArgKind::Boolean, "no questions"),
                    ArgSpec::flag("wait", ArgKind::Duration, "how long").default_value(90),
                ],
            )
        },
        spec("deploy wipe", vec![text("app")]),
        spec("say", vec![text("app"), ArgSpec::positional("words", ArgKind::Rest, "what")]),
        spec(
            "login",
            vec![
                text("user"),
                secret(text("password")),
                secret(ArgSpec::flag("pin", ArgKind::Integer { min: Some(1000), max: Some(9999) }, "a pin")),
            ],
        ),
        spec(
            "kinds",
            vec![
                text("word").optional(),
                ArgSpec::positional("whole", ArgKind::Integer { min: Some(-5), max: Some(50) }, "n")
                    .optional(),
                ArgSpec::positional("rest", ArgKind::Rest, "all").optional(),
                ArgSpec::flag("number", ArgKind::Number, "n"),
                ArgSpec::flag("yes", ArgKind::Boolean, "b"),
                ArgSpec::flag("env", choice(&["staging", "Production", "two words"]), "e"),
                ArgSpec::flag("for", ArgKind::Duration, "d"),
                ArgSpec::flag("who", ArgKind::User, "u"),
                ArgSpec::flag("where", ArgKind::Channel, "c"),
                ArgSpec::flag("note", ArgKind::String, "t"),
            ],
        ),
    ];
    let (catalogue, problems) =
        Catalogue::new(specs.into_iter().map(|spec| Entry::new(spec, Source::BuiltIn)));
    assert_eq!(problems, []);
    catalogue
}

/// Everything but `deploy wipe`.
fn may(spec: &CommandSpec) -> bool {
    spec.path.dotted() != "deploy.wipe"
}

fn understood(line: &str) -> Value {
    let parsed = parse(&catalogue(), line, &may).unwrap_or_else(|refusal| panic!("{line}: {refusal:?}"));
    json!(parsed.arguments)
}

fn refused(line: &str) -> Refusal {
    parse(&catalogue(), line, &may).expect_err(line)
}

#[test]
fn every_way_of_giving_an_argument_means_the_same() {
    let wanted = json!({"app": "web", "from": "staging", "to": "Production", "reason": "it is due", "force": true, "wait": 120});
    for line in [
        "deploy promote web staging production --reason \"it is due\" --force --wait 2m",
        "Deploy PROMOTE --force --wait=120s web staging PRODUCTION --reason=\"it is due\"",
        "promote to=production from=staging app=web reason='it is due' force=true wait=2m",
        "deploy promote web to=Production staging —force –wait 2m —reason “it is due”",
        "deploy promote --wait=2m --force=yes --reason=\"it is due\" -- web staging production",
    ] {
        assert_eq!(understood(line), wanted, "{line}");
    }
}

#[test]
fn after_two_dashes_nothing_is_a_flag_or_a_name() {
    assert_eq!(understood("deploy promote -- --web from=x staging")["from"], "from=x");
    assert_eq!(understood("say -- web app=x")["words"], "app=x");
}

#[test]
fn words_within_a_rest_or_a_flags_value_name_no_argument() {
    assert_eq!(
        understood("say web please set app=api now"),
        json!({"app": "web", "words": "please set app=api now"})
    );
    assert_eq!(understood("deploy promote web a staging --reason app=x")["app"], "web");
}

#[test]
fn the_rest_keeps_its_blanks_and_its_quotes() {
    assert_eq!(understood("say web it's  \"so\"   --loud")["words"], "it's  \"so\"   --loud");
}

#[test]
fn a_flag_may_be_given_a_negative_number() {
    assert_eq!(understood("kinds --number -2.5")["number"], -2.5);
    assert_eq!(understood("kinds w -3")["whole"], -3);
}

#[test]
fn asking_for_help_anywhere_is_the_command_help() {
    for line in [
        "deploy promote --help",
        "promote -h",
        "deploy promote web --help",
        "deploy promote web --reason x -h",
        "deploy promote —help",
    ] {
        let parsed = parse(&catalogue(), line, &may).unwrap_or_else(|refusal| panic!("{line}: {refusal:?}"));
        assert_eq!(parsed.entry.spec.path.dotted(), "help", "{line}");
        assert_eq!(json!(parsed.arguments), json!({"command": "deploy promote"}), "{line}");
    }
    assert_eq!(understood("say web -- --help")["words"], "--help");
    assert_eq!(understood("say web read the --help")["words"], "read the --help");
    assert_eq!(understood("deploy promote \"--help\" a staging")["app"], "--help");
}

#[test]
fn a_secret_is_in_the_arguments_and_nowhere_else() {
    let parsed = parse(&catalogue(), "login ana hunter2 --pin 1234", &may).unwrap();
    assert_eq!(parsed.arguments["password"], "hunter2");
    let shown = format!("{:?} {}", parsed.invocation, parsed.redacted_text);
    assert!(!shown.contains("hunter2") && !shown.contains("1234"), "{shown}");
    for line in [
        "login ana hunter2 hunter2",
        "login ana correct hunter2",
        "login ana hunter2 --pin hunter2",
        "login --pin=hunter2 ana x",
        "login ana x --hunter2",
        "login ana --pasword hunter2",
        "login ana --pasword=hunter2",
        "login ana --pin 1234 --pin hunter2",
        "login ana --password",
    ] {
        let told = format!("{:?}", refused(line));
        assert!(!told.contains("hunter2"), "{line}: {told}");
    }
}

#[test]
fn a_line_that_cannot_be_split_does_not_show_a_secret_either() {
    for line in [
        "login ana \"hunter2",
        "Login\u{a0}ana 'hunter2",
        "“login” ana 'hunter2",
        "'login ana hunter2",
        "login ana hunter2\u{7}",
    ] {
        let told = format!("{:?}", refused(line));
        assert!(!told.contains("hunter2"), "{line}: {told}");
        assert!(takes_secret(&catalogue(), line), "{line}");
    }
    assert!(!refused("say web \"hello").shown.is_empty());
}

#[test]
fn a_value_that_reads_like_a_longer_command_stays_a_value() {
    let specs = [
        spec("help", vec![ArgSpec::positional("command", ArgKind::Rest, "which").optional()]),
        spec("help search", vec![]),
    ];
    let (catalogue, _) = Catalogue::new(specs.into_iter().map(|spec| Entry::new(spec, Source::BuiltIn)));
    let parsed = parse(&catalogue, "help -- search", &may).unwrap();
    assert_eq!(parsed.invocation.canonical, "help --command=search");
    assert_eq!(parse(&catalogue, &parsed.invocation.canonical, &may).unwrap().invocation, parsed.invocation);
}

#[test]
fn what_the_asker_may_not_run_is_found_but_never_suggested() {
    assert!(parse(&catalogue(), "deploy wipe web", &may).is_ok());
    for line in
        ["deploy", "deploy wip", "deploy wipee", "wipe", "deploy promote a b staging wipe", "deploy x"]
    {
        let told = format!("{:?}", refused(line));
        assert!(!told.replace(line, "").contains("deploy wipe"), "{line}: {told}");
    }
}

#[test]
fn the_refusals_are_as_recorded() {
    let lines = [
        "",
        "deploy",
        "deploy promte web",
        "deploi list",
        "frobnicate",
        "deploy zzz",
        "say \"web",
        "deploy promote",
        "deploy promote web",
        "deploy promote web a prodction",
        "deploy promote web a staging b c",
        "deploy promote web a staging --raeson x",
        "deploy promote web a staging --reason",
        "deploy promote web a staging --wait soon --force=perhaps",
        "deploy promote web --forze prodction --wait x",
        "deploy promote app=a app=b c staging",
        "deploy promote a b staging --force --force",
        "kinds w 99",
        "kinds w x",
        "kinds --number nan --who \"\" --where \"a b\"",
        "login ana x --pin 12",
        "ping\u{7}",
    ];
    let told: Vec<String> = lines
        .iter()
        .map(|line| {
            let Refusal { code, what, next, shown } = refused(line);
            let shown: String = shown.iter().map(|line| format!("    | {line}\n")).collect();
            format!("> {line:?}\n  {}\n  {what}\n{shown}  {next}\n", code.as_str())
        })
        .collect();
    insta::assert_snapshot!(told.join("\n"));
}

#[test]
fn the_usage_lines_and_the_help_are_as_recorded() {
    let catalogue = catalogue();
    let lines: Vec<String> = catalogue.iter().map(|entry| usage::usage(&entry.spec)).collect();
    insta::assert_snapshot!("usage", lines.join("\n"));
    let path: CommandPath = "deploy promote".parse().unwrap();
    insta::assert_json_snapshot!("help", usage::help(&catalogue.get(&path).unwrap().spec));
}
