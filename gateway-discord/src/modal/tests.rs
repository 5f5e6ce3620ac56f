//! What a modal looks like, and that what is filled in comes back as one line that means exactly that.

use proptest::prelude::*;

use super::*;

fn spec() -> CommandSpec {
    let choice = ArgKind::Choice { choices: vec!["staging".to_owned(), "production".to_owned()] };
    let args = [
        ArgSpec::positional("app", ArgKind::String, "Which app"),
        ArgSpec::positional("note", ArgKind::Rest, "").optional(),
        ArgSpec::flag("force", ArgKind::Boolean, "Even if it is locked"),
        ArgSpec::positional("to", choice, "Where to"),
        ArgSpec::positional("owner", ArgKind::User, "Who answers for it"),
        ArgSpec::flag("in", ArgKind::Channel, "Where to tell"),
    ];
    CommandSpec {
        args: args.to_vec(),
        ..CommandSpec::new("deploy promote".parse().unwrap(), "Promote a build")
    }
}

/// What Discord sends back: each label with its filled input.
fn filled(values: &[(&str, Value)]) -> Value {
    values.iter().map(|(id, value)| {
        let key = if value.is_array() { "values" } else { "value" };
        json!({ "type": LABEL, "id": 1, "component": { "type": TEXT_INPUT, "id": 2, "custom_id": id, key: value } })
    }).collect()
}

#[test]
fn only_a_bare_command_with_required_arguments_opens_a_modal() {
    let specs = [spec()];
    assert!(incomplete("deploy  Promote", &specs).is_some());
    assert!(incomplete("deploy promote shop", &specs).is_none());
    assert!(incomplete("deploy", &specs).is_none());
    let mut secret = spec();
    secret.args.first_mut().unwrap().secret = true;
    assert!(incomplete("deploy promote", &[secret]).is_none());
}

#[test]
fn modals_look_as_recorded() {
    insta::assert_json_snapshot!([
        arguments(&spec()).unwrap(),
        prefilled("deploy promote shop"),
        prefilled("")
    ]);
}

#[test]
fn a_modal_asks_for_required_arguments_first_and_for_five_at_most() {
    let modal = arguments(&spec()).unwrap();
    let asked: Vec<&str> =
        modal["components"].as_array().unwrap().iter().map(|c| c["label"].as_str().unwrap()).collect();
    assert_eq!(asked, ["app", "to", "owner", "note", "force"]);
    let arg = |n: usize| ArgSpec::positional(&format!("arg{n}"), ArgKind::String, "");
    let many = CommandSpec { args: (0..6).map(arg).collect(), ..spec() };
    assert!(arguments(&many).is_none());
    assert!(arguments(&CommandSpec { args: Vec::new(), ..spec() }).is_none());
    let long = ["a".repeat(32), "b".repeat(32), "c".repeat(32)].join(" ");
    assert!(arguments(&CommandSpec { path: long.parse().unwrap(), ..spec() }).is_none());
}

#[test]
fn a_menu_is_offered_only_for_choices_that_fit_one() {
    let modal = |choices: Vec<String>| {
        let args = vec![ArgSpec::positional("app", ArgKind::Choice { choices }, &"s".repeat(300))];
        arguments(&CommandSpec { args, ..spec() }).unwrap()
    };
    let kind = |modal: &Value| modal["components"][0]["component"]["type"].clone();
    let choices = |count: usize| (0..count).map(|n| format!("app-{n}")).collect::<Vec<_>>();
    assert_eq!(kind(&modal(choices(25))), STRING_SELECT);
    assert_eq!(kind(&modal(choices(26))), TEXT_INPUT);
    assert_eq!(kind(&modal(vec!["x".repeat(101)])), TEXT_INPUT);
    let described = modal(choices(1))["components"][0]["description"].as_str().unwrap().to_owned();
    assert_eq!(described.chars().count(), DESCRIPTION);
    assert!(described.ends_with('…'));
}

#[test]
fn what_is_filled_in_comes_back_as_one_line() {
    let specs = [spec()];
    let given = filled(&[
        ("note", json!("at last\n--force")),
        ("app", json!("my “big” \"shop\" \\")),
        ("to", json!(["production"])),
        ("owner", json!(["42"])),
        ("force", json!([])),
        ("surplus", json!("x")),
    ]);
    let line = line("args:deploy promote", &given, &specs).unwrap();
    assert_eq!(
        line,
        "deploy promote --app=\"my \\\"big\\\" \\\"shop\\\" \\\\\" --to=production --owner=42 --note=\"at last\n--force\""
    );
    let words: Vec<String> = words::split(&line).unwrap().words.into_iter().map(|word| word.text).collect();
    assert_eq!(
        words,
        [
            "deploy",
            "promote",
            "--app=my \"big\" \"shop\" \\",
            "--to=production",
            "--owner=42",
            "--note=at last --force"
        ]
    );
}

#[test]
fn a_whole_line_comes_back_from_any_nesting_and_nothing_from_anything_else() {
    let input = json!({ "type": TEXT_INPUT, "custom_id": LINE, "value": " help me " });
    for components in [
        json!([{ "type": 1, "components": [input] }]),
        json!([{ "type": LABEL, "component": input }]),
        json!([input]),
        json!([{ "type": 99, "components": [{ "type": 98, "component": input }] }]),
    ] {
        assert_eq!(line(LINE, &components, &[]).as_deref(), Some("help me"), "{components}");
    }
    for components in
        [Value::Null, json!([]), json!("x"), json!([{ "custom_id": LINE, "value": 7 }]), json!([7, null])]
    {
        assert_eq!(line(LINE, &components, &[]), None, "{components}");
    }
    assert_eq!(line("args:gone", &filled(&[]), &[spec()]), None);
    assert_eq!(line("else", &filled(&[]), &[spec()]), None);
    assert_eq!(line("args:deploy promote", &filled(&[]), &[spec()]).as_deref(), Some("deploy promote"));
}

proptest! {
    /// Whatever somebody types into an input stays in that argument: one word, named, quoted where it needs to be.
    #[test]
    fn a_value_is_one_word_whatever_it_contains(value in "[a-z\"'“”„«»‘’＂\\\\=\\- ]{1,40}") {
        prop_assume!(!value.trim().is_empty());
        let line = line("args:deploy promote", &filled(&[("app", json!(value))]), &[spec()]).unwrap();
        let words = words::split(&line).unwrap().words;
        prop_assert_eq!(words.len(), 3, "{}", line);
        let plain = |c| match c {
            '“' | '”' | '„' | '«' | '»' | '＂' => '"',
            '‘' | '’' => '\'',
            c => c,
        };
        let plain: String = value.trim().chars().map(plain).collect();
        prop_assert_eq!(&words.last().unwrap().text, &format!("--app={plain}"));
    }
}
