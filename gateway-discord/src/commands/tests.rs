//! Tests of a small, real catalogue: what is registered, what an invocation asks for, what is offered on the way.

mod any;
mod current;
mod data;
mod layout;

use adjutant_bus::spec::{ArgKind, ArgSpec, CommandSpec};
use serde_json::{Value, json};

use super::*;

fn spec(path: &str, summary: &str, args: Vec<ArgSpec>) -> CommandSpec {
    CommandSpec { args, ..CommandSpec::new(path.parse().unwrap(), summary) }
}

fn choice(choices: &[&str]) -> ArgKind {
    ArgKind::Choice { choices: choices.iter().map(|choice| (*choice).to_owned()).collect() }
}

fn text(name: &str) -> ArgSpec {
    ArgSpec::positional(name, ArgKind::String, "a text")
}

fn rest(name: &str) -> ArgSpec {
    ArgSpec::positional(name, ArgKind::Rest, "the rest")
}

fn secret(name: &str) -> ArgSpec {
    ArgSpec { secret: true, ..text(name) }
}

fn catalogue() -> Vec<CommandSpec> {
    let environments = || choice(&["staging", "production"]);
    let apps: Vec<String> = (0..40).map(|n| format!("app-{n}")).collect();
    let apps: Vec<&str> = apps.iter().map(String::as_str).collect();
    let mut rollback = spec(
        "deploy rollback",
        "Put the build before back",
        vec![
            ArgSpec::positional("app", choice(&apps), "which app"),
            ArgSpec::positional("to", environments(), "where"),
            ArgSpec::flag("builds", ArgKind::Integer { min: Some(1), max: Some(9) }, "how many builds back"),
            ArgSpec::flag("share", ArgKind::Number, "for this share of the requests"),
            ArgSpec::flag("force", ArgKind::Boolean, "even over a failed check"),
        ],
    );
    rollback.aliases.push("undo deploy".parse().unwrap());
    vec![
        spec("whoami", "Show who you are to Adjutant", vec![]),
        spec(
            "status",
            "Show how a run stands",
            vec![ArgSpec::positional("run", ArgKind::String, "the run id")],
        ),
        spec("help", "List what you may run, or explain one command", vec![rest("command").optional()]),
        spec("help search", "Find commands by words", vec![rest("words")]),
        spec("deploy list", "List what is deployed", vec![text("env").optional()]),
        spec(
            "deploy promote",
            "Promote a build",
            vec![
                ArgSpec::flag("after", ArgKind::Duration, "how long to wait first"),
                ArgSpec::positional("app", ArgKind::String, ""),
                ArgSpec::positional("to", environments(), "where to"),
                ArgSpec { required: false, ..secret("token") },
            ],
        ),
        rollback,
        spec(
            "excuse",
            "Excuse somebody",
            vec![
                ArgSpec::positional("who", ArgKind::User, "whom"),
                ArgSpec::positional("where", ArgKind::Channel, "in which channel"),
                rest("why"),
            ],
        ),
    ]
}

fn command(data: Value) -> Data {
    Data::read(&data)
}

fn line_of(data: Value) -> String {
    match invoked(&command(data), &catalogue()) {
        Invoked::Line(line) => line,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_catalogue_as_discord_gets_it() {
    let registration = registration(&catalogue());
    assert_eq!(registration.carried, []);
    insta::assert_json_snapshot!(registration.commands);
    let reversed: Vec<CommandSpec> = catalogue().into_iter().rev().collect();
    assert_eq!(super::registration(&reversed).commands, registration.commands);
}

#[test]
fn what_is_filled_in_comes_back_as_one_line() {
    let promote = json!({ "name": "deploy", "type": 1, "options": [{ "type": 1, "name": "promote", "options": [
        { "type": 3, "name": "to", "value": "production" },
        { "type": 3, "name": "app", "value": "my \"shop\" --force" },
        { "type": 3, "name": "after", "value": "15m" },
    ] }] });
    assert_eq!(line_of(promote), r#"deploy promote --after=15m --app="my \"shop\" --force" --to=production"#);
    let rollback = json!({ "name": "deploy", "type": 1, "options": [{ "type": 1, "name": "rollback", "options": [
        { "type": 3, "name": "app", "value": "app-3" },
        { "type": 4, "name": "builds", "value": 3.0 },
        { "type": 10, "name": "share", "value": -0.5 },
        { "type": 5, "name": "force", "value": false },
    ] }] });
    assert_eq!(line_of(rollback), r#"deploy rollback --app=app-3 --builds=3 --share="-0.5" --force=false"#);
    let excuse = json!({ "name": "excuse", "options": [
        { "type": 6, "name": "who", "value": "53908232506183680" },
        { "type": 7, "name": "where", "value": 645027906669510667_u64 },
        { "type": 3, "name": "why", "value": "the “dog” ate it" },
    ] });
    let excuse = line_of(excuse);
    assert_eq!(excuse, r#"excuse --who=53908232506183680 --where=645027906669510667 "the \"dog\" ate it""#);
}

#[test]
fn a_text_that_reads_like_the_rest_of_a_name_is_given_by_name() {
    let help = |about: &str| {
        let options = json!([{ "type": 3, "name": "command", "value": about }]);
        line_of(json!({ "name": "help", "options": [{ "type": 1, "name": "run", "options": options }] }))
    };
    assert_eq!(help("deploy promote"), "help \"deploy promote\"");
    assert_eq!(help("search"), "help --command=search");
    assert_eq!(help("--limit"), "help \"--limit\"");
    assert_eq!(line_of(json!({ "name": "help", "options": [{ "type": 1, "name": "run" }] })), "help");
}

#[test]
fn the_root_command_takes_a_line_and_the_menu_a_message() {
    let root =
        json!({ "name": ROOT, "options": [{ "type": 3, "name": "command", "value": " status 1234 " }] });
    assert_eq!(line_of(root), "status 1234");
    let menu = |id: &str, target: &str| {
        let messages = json!({ id: { "id": id, "content": "whoami" } });
        let resolved = json!({ "messages": messages });
        let menu = json!({ "name": MENU, "type": 3, "target_id": target, "resolved": resolved });
        invoked(&command(menu), &catalogue())
    };
    assert_eq!(menu("7", "7"), Invoked::Menu { text: "whoami".to_owned() });
    assert_eq!(menu("7", "8"), Invoked::Unknown);
}

#[test]
fn what_is_not_ours_is_unknown_and_nothing_given_is_left_out() {
    let unknown = [
        json!({ "name": "airhorn" }),
        json!({ "name": "deploy" }),
        json!({ "name": "deploy", "options": [{ "type": 1, "name": "run" }] }),
        json!({ "name": "whoami", "type": 2 }),
        json!({ "name": "whoami", "type": "odd" }),
        json!({ "name": "whoami", "options": [7] }),
        json!({ "name": "status", "options": [{ "type": 3, "name": "run", "value": ["x"] }] }),
        json!({ "name": "deploy", "options": [{ "type": 1, "name": "promote", "options": [
            { "type": 3, "name": "token", "value": "hush" },
        ] }] }),
    ];
    for data in unknown {
        assert_eq!(invoked(&command(data.clone()), &catalogue()), Invoked::Unknown, "{data}");
    }
    let stale = json!({ "name": "status", "options": [{ "type": 3, "name": "env", "value": "a b" }] });
    assert_eq!(line_of(stale), "status --env=\"a b\"");
    // `help` had nothing below it when it was registered.
    assert_eq!(line_of(json!({ "name": "help" })), "help");
}

#[test]
fn a_secret_is_neither_asked_for_nor_offered() {
    let specs = [
        spec("login", "Log in", vec![secret("password")]),
        spec("pay", "Pay", vec![text("to"), ArgSpec { required: false, ..secret("pin") }]),
    ];
    let registration = registration(&specs);
    let names: Vec<&Value> = registration.commands.iter().map(|command| &command["name"]).collect();
    assert_eq!(names, ["pay", ROOT, MENU]);
    assert_eq!(registration.commands[0]["options"].as_array().unwrap().len(), 1);
    assert_eq!(registration.carried, []);
    assert_eq!(offered_for_line("log", &specs), Vec::<String>::new());
    assert_eq!(offered_for_line("pay you 1234", &specs), Vec::<String>::new());
}

#[test]
fn the_command_of_a_line_is_the_one_that_will_run() {
    let specs = catalogue();
    let path = |line: &str| spec_of(line, &specs).map(|spec| spec.path.to_string());
    assert_eq!(path("Deploy  ROLLBACK app-1").unwrap(), "deploy rollback");
    assert_eq!(path("undo deploy app-1").unwrap(), "deploy rollback");
    assert_eq!(path("help search x").unwrap(), "help search");
    assert_eq!(path("help deploy").unwrap(), "help");
    assert_eq!(path("status \"unmatched").unwrap(), "status");
    assert_eq!(path("status --help").unwrap(), "help");
    assert_eq!(path("status -- --help").unwrap(), "status");
    assert_eq!(path("excuse 1 2 please --help"), None);
    assert_eq!(path("deploy"), None);
    assert_eq!(path(""), None);
}

fn offered_for_line(typed: &str, specs: &[CommandSpec]) -> Vec<String> {
    let option = json!({ "type": 3, "name": "command", "value": typed, "focused": true });
    let data = command(json!({ "name": ROOT, "type": 1, "options": [option] }));
    let offered = autocomplete(&data, specs);
    offered
        .iter()
        .map(|choice| format!("{} | {}", text_at(choice, "name"), text_at(choice, "value")))
        .collect()
}

fn text_at<'a>(value: &'a Value, field: &str) -> &'a str {
    value[field].as_str().unwrap()
}

#[test]
fn whole_lines_are_offered_word_by_word() {
    let specs = catalogue();
    assert_eq!(offered_for_line("", &specs).len(), 8);
    insta::assert_json_snapshot!(
        [
            "Deploy",
            "search",
            "deploy promote",
            "deploy promote web ",
            "deploy promote web pr",
            "deploy rollback 39",
            "status ",
            "nothing",
            "deploy \"",
            "deploy promote token=x web"
        ]
        .map(|typed| (typed, offered_for_line(typed, &specs)))
    );
}

#[test]
fn choices_that_begin_with_what_was_typed_come_first_and_are_bounded() {
    let offered = |typed: &str| -> Vec<String> {
        let app = json!({ "type": 3, "name": "app", "value": typed, "focused": true });
        let rollback = json!({ "type": 1, "name": "rollback", "options": [app] });
        let data = command(json!({ "name": "deploy", "type": 1, "options": [rollback] }));
        let offered = autocomplete(&data, &catalogue());
        offered.iter().map(|choice| text_at(choice, "value").to_owned()).collect()
    };
    assert_eq!(offered("").len(), 25);
    assert_eq!(offered("APP-3").first().unwrap(), "app-3");
    assert_eq!(offered("9"), ["app-9", "app-19", "app-29", "app-39"]);
    assert_eq!(offered("zebra"), Vec::<String>::new());
}
