//! Tests of where commands stand, and of what Discord's limits leave to the root command.

use super::*;

fn named(paths: &[&str]) -> Vec<CommandSpec> {
    paths.iter().map(|path| spec(path, "Does it", vec![])).collect()
}

/// The names of all that can be invoked, as people type them, without what every catalogue has.
fn shown(specs: &[CommandSpec]) -> Vec<String> {
    let commands = registration(specs).commands;
    let own = commands.iter().filter(|command| command["type"] == 1 && command["name"] != ROOT);
    own.flat_map(|command| names(command, "")).collect()
}

fn names(of: &Value, above: &str) -> Vec<String> {
    let name = format!("{above}/{}", text_at(of, "name"));
    let below = of["options"].as_array().unwrap();
    let branches = below.iter().filter(|option| option["type"].as_u64().unwrap() <= 2);
    let below: Vec<String> = branches.flat_map(|option| names(option, &name)).collect();
    if below.is_empty() { vec![name] } else { below }
}

fn carried(specs: &[CommandSpec]) -> Vec<String> {
    registration(specs).carried.iter().map(ToString::to_string).collect()
}

#[test]
fn words_become_commands_groups_and_sub_commands() {
    let specs = named(&["db", "db user", "db user add", "db user drop", "db copy", "ping"]);
    assert_eq!(
        shown(&specs),
        ["/db/copy", "/db/run", "/db/user/add", "/db/user/drop", "/db/user/run", "/ping"]
    );
    assert_eq!(carried(&specs), Vec::<String>::new());
}

#[test]
fn what_has_no_place_is_carried() {
    let specs =
        named(&["db", "db run", "db a b", "db a b run", "db a b c", "adjutant say", "x y z", "x y z deep"]);
    assert_eq!(shown(&specs), ["/db/a/b", "/db/run", "/x/y/z"]);
    assert_eq!(carried(&specs), ["adjutant say", "db", "db a b c", "db a b run", "x y z deep"]);
    let data = command(json!({ "name": "db", "options": [{ "type": 1, "name": "run" }] }));
    assert_eq!(invoked(&data, &specs), Invoked::Line("db run".to_owned()));
}

#[test]
fn levels_and_roots_are_full_at_discords_limits() {
    let full = |root: &str, n: usize| -> Vec<CommandSpec> {
        (0..n).map(|n| spec(&format!("{root}{n:03}"), "Does it", vec![])).collect()
    };
    assert_eq!(carried(&full("db s", 27)), ["db s025", "db s026"]);
    assert_eq!(carried(&full("db group s", 26)), ["db group s025"]);
    let roots = full("root", 101);
    assert_eq!(carried(&roots), ["root099", "root100"]);
    assert_eq!(registration(&roots).commands.len(), 101);
}

#[test]
fn what_is_too_much_for_one_command_is_carried() {
    let texts = |n: usize| (0..n).map(|n| text(&format!("arg{n}"))).collect::<Vec<_>>();
    assert_eq!(carried(&[spec("many", "", texts(26))]), ["many"]);
    assert_eq!(carried(&[spec("many", "", texts(25))]), Vec::<String>::new());
    let long: Vec<String> = (0..25).map(|n| format!("{n:0100}")).collect();
    let long: Vec<&str> = long.iter().map(String::as_str).collect();
    let picks = |n: usize| {
        (0..n).map(|n| ArgSpec::flag(&format!("pick{n}"), choice(&long), "one")).collect::<Vec<_>>()
    };
    assert_eq!(carried(&[spec("long", "", picks(2))]), ["long"]);
    let both = [spec("long a", "", picks(1)), spec("long b", "", picks(1)), spec("long c", "", vec![])];
    assert_eq!(carried(&both), ["long b"]);
    assert_eq!(shown(&both), ["/long/a", "/long/c"]);
}

#[test]
fn a_choice_that_discord_cannot_show_is_typed() {
    let kind = |choices: &[&str]| {
        let registration =
            registration(&[spec("pick", "", vec![ArgSpec::flag("one", choice(choices), "one")])]);
        let option = registration.commands[0]["options"][0].clone();
        (option.get("choices").is_some(), option.get("autocomplete").is_some())
    };
    let many: Vec<String> = (0..26).map(|n| n.to_string()).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    assert_eq!(kind(&many), (false, true));
    assert_eq!(kind(&many[..25]), (true, false));
    let long = "x".repeat(101);
    for odd in [&[long.as_str()][..], &[], &[""], &[" a"], &["a", "a"]] {
        assert_eq!(kind(odd), (false, false), "{odd:?}");
    }
}
