//! Property tests: whatever the catalogue, its registration keeps to Discord's limits, and whatever is invoked through it
//! comes back as exactly that.

use std::collections::{BTreeMap, BTreeSet};

use adjutant_bus::words;
use proptest::prelude::*;

use super::*;

/// Few words, so that names meet, and some of the longest.
fn word() -> impl Strategy<Value = String> {
    let few = ["a", "b", "run", "deploy", ROOT, "w0123456789012345678901234567890"];
    prop_oneof![
        3 => prop::sample::select(few.to_vec()).prop_map(str::to_owned),
        1 => "[a-z][a-z0-9-]{0,31}",
    ]
}

fn kind() -> impl Strategy<Value = ArgKind> {
    let choices = prop::collection::vec("\\PC{0,12}|[a-z]{1,8}|[a-z]{98,102}|[a-z]{2} [a-z]{2}", 0..4);
    let many = (0..60_usize).prop_map(|n| (0..n).map(|n| format!("choice {n}")).collect());
    let long = (1..26_usize).prop_map(|n| (0..n).map(|n| format!("{n:0100}")).collect());
    prop_oneof![
        Just(ArgKind::String),
        (any::<Option<i64>>(), any::<Option<i64>>()).prop_map(|(min, max)| ArgKind::Integer { min, max }),
        Just(ArgKind::Number),
        Just(ArgKind::Boolean),
        prop_oneof![choices, many, long].prop_map(|choices| ArgKind::Choice { choices }),
        Just(ArgKind::Duration),
        Just(ArgKind::User),
        Just(ArgKind::Channel),
        Just(ArgKind::Rest),
    ]
}

fn arg() -> impl Strategy<Value = ArgSpec> {
    let odd = prop_oneof![30 => Just(None), 1 => "[A-Zä ]{0,3}|[a-z]{33}".prop_map(Some)];
    (kind(), summary(), any::<bool>(), any::<bool>(), prop::bool::weighted(0.05), odd).prop_map(
        |(kind, summary, flag, required, secret, odd)| {
            let name = odd.unwrap_or_default();
            ArgSpec { flag, required, secret, ..ArgSpec::positional(&name, kind, &summary) }
        },
    )
}

fn summary() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z ]{0,20}", "\\PC{0,150}", "🙂{40,60}[\\n\\t ]x", "[a-z]{99,102}"]
}

fn command_spec() -> impl Strategy<Value = CommandSpec> {
    let few = prop::collection::vec(arg(), 0..4);
    let args = prop_oneof![6 => few, 1 => prop::collection::vec(arg(), 0..41)];
    (prop::collection::vec(word(), 1..6), summary(), args).prop_map(|(words, summary, mut args)| {
        for (n, arg) in args.iter_mut().enumerate().filter(|(_, arg)| arg.name.is_empty()) {
            arg.name = format!("arg{n}");
        }
        spec(&words.join(" "), &summary, args)
    })
}

fn any_catalogue() -> impl Strategy<Value = Vec<CommandSpec>> {
    let many_roots = prop::collection::vec(command_spec(), 200).prop_map(|mut specs| {
        for (n, spec) in specs.iter_mut().enumerate() {
            spec.path = format!("root{n}").parse().unwrap();
        }
        specs
    });
    let one_root = prop::collection::vec(command_spec(), 60).prop_map(|mut specs| {
        for spec in &mut specs {
            let path = format!("deploy {}", spec.path);
            spec.path = path.parse().unwrap_or_else(|_| spec.path.clone());
        }
        specs
    });
    prop_oneof![4 => prop::collection::vec(command_spec(), 0..60), 1 => many_roots, 1 => one_root]
}

/// Every limit of Discord's, counted without the code under test.
fn keeps_to_limits(commands: &[Value]) {
    let names = |kind: u64| commands.iter().filter(move |command| command["type"] == kind).map(name_of);
    for (kind, most) in [(1, 100), (2, 15), (3, 15)] {
        let all: BTreeSet<&str> = names(kind).collect();
        assert!(all.len() <= most && all.len() == names(kind).count());
    }
    for command in commands {
        assert!(whole(command) <= 8_000, "{}", name_of(command));
        assert_eq!((&command["integration_types"], &command["contexts"]), (&json!([0]), &json!([0, 1])));
        if command["type"] == 3 {
            assert!(command.get("description").is_none() && command.get("options").is_none());
        } else {
            level(command, &[1, 2, 3, 4, 5, 6, 7, 10]);
        }
    }
}

fn name_of(value: &Value) -> &str {
    text_at(value, "name")
}

fn whole(of: &Value) -> usize {
    match of {
        Value::Object(fields) => fields
            .iter()
            .map(|(name, value)| match value {
                Value::String(text) if matches!(name.as_str(), "name" | "description" | "value") => {
                    text.encode_utf16().count()
                }
                other => whole(other),
            })
            .sum(),
        Value::Array(values) => values.iter().map(whole).sum(),
        _ => 0,
    }
}

fn level(of: &Value, kinds: &[u64]) {
    let (name, description) = (name_of(of), text_at(of, "description"));
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_".contains(c);
    assert!((1..=32).contains(&name.len()) && name.chars().all(plain), "{name}");
    assert!((1..=100).contains(&description.encode_utf16().count()) && !description.trim().is_empty());
    let options = of.get("options").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let names: BTreeSet<&str> = options.iter().map(name_of).collect();
    assert!(options.len() <= 25 && names.len() == options.len(), "{name}");
    let branches = options.iter().filter(|option| option["type"].as_u64().unwrap() <= 2).count();
    assert!(branches == 0 || branches == options.len(), "{name}");
    assert!(options.is_sorted_by_key(|option| option.get("required") != Some(&json!(true))), "{name}");
    for option in options {
        let kind = option["type"].as_u64().unwrap();
        assert!(kinds.contains(&kind));
        level(option, if kind == 2 { &[1] } else { &[3, 4, 5, 6, 7, 10] });
        assert!(kind != 2 || option["options"].as_array().is_some_and(|below| !below.is_empty()));
        leaf(option);
    }
}

fn leaf(option: &Value) {
    if let Some(choices) = option.get("choices").and_then(Value::as_array) {
        let fits = |text: &str| (1..=100).contains(&text.encode_utf16().count()) && text.trim() == text;
        assert!((1..=25).contains(&choices.len()) && option.get("autocomplete").is_none());
        assert!(choices.iter().all(|choice| fits(name_of(choice)) && fits(text_at(choice, "value"))));
    }
    let bound = |name: &str| option.get(name).map(|bound| bound.as_i64().unwrap());
    let most = (1 << 53) - 1;
    assert!(["min_value", "max_value"].into_iter().filter_map(bound).all(|n| (-most..=most).contains(&n)));
    assert!(bound("min_value").zip(bound("max_value")).is_none_or(|(min, max)| min <= max));
}

/// All that can be invoked: the names from the root down, and the options there.
fn invocable(of: &Value) -> Vec<(Vec<&str>, &[Value])> {
    let options = of.get("options").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    if options.first().is_none_or(|option| option["type"].as_u64().unwrap() > 2) {
        return vec![(vec![name_of(of)], options)];
    }
    let below = options.iter().flat_map(invocable);
    below.map(|(route, options)| ([vec![name_of(of)], route].concat(), options)).collect()
}

/// What Discord would send for these names and values.
fn invocation(route: &[&str], values: &[Value]) -> Data {
    let mut options = Value::from(values.to_vec());
    for (n, name) in route.iter().enumerate().skip(1).rev() {
        let kind = if n + 1 == route.len() { 1 } else { 2 };
        options = json!([{ "type": kind, "name": name, "options": options }]);
    }
    command(json!({ "name": route[0], "type": 1, "options": options }))
}

/// A line read by its words alone: the name, and each value under the name of its argument.
fn read<'a>(line: &str, specs: &'a [CommandSpec]) -> (&'a CommandSpec, BTreeMap<String, String>) {
    let words = words::split(line).unwrap().words;
    let (spec, taken) = super::super::line::found(&words, specs).unwrap();
    let mut values = BTreeMap::new();
    for (n, word) in words.iter().enumerate().skip(taken) {
        let named = word.text.strip_prefix("--").filter(|_| word.starts_plain("--"));
        let (name, value) = match named.and_then(|named| named.split_once('=')) {
            Some((name, value)) => (name.to_owned(), value.to_owned()),
            None => {
                assert_eq!(n + 1, words.len(), "only the rest has no name: {line}");
                let rest = spec
                    .args
                    .iter()
                    .find(|arg| !arg.flag && arg.kind == ArgKind::Rest && !values.contains_key(&arg.name));
                (rest.unwrap().name.clone(), word.text.clone())
            }
        };
        assert!(values.insert(name, value).is_none(), "{line}");
    }
    (spec, values)
}

fn value(option: &Value, text: &str, n: i64) -> Value {
    let value = match option["type"].as_u64().unwrap() {
        4 => json!(n),
        5 => json!(n % 2 == 0),
        6 | 7 => json!(n.unsigned_abs().to_string()),
        10 => json!(n as f64 / 8.0),
        _ => match option.get("choices").and_then(|choices| choices.get(0)) {
            Some(choice) => choice["value"].clone(),
            None => json!(text),
        },
    };
    json!({ "type": option["type"], "name": option["name"], "value": value })
}

fn typed(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn every_registration_keeps_to_the_limits_and_leads_back(
        specs in any_catalogue(),
        text in "[ -~äß漢🙂]{1,40}|search|run|--help|=|\"|\\\\",
        n in -(1_i64 << 53)..(1_i64 << 53),
    ) {
        let registration = registration(&specs);
        keeps_to_limits(&registration.commands);
        let mut reached: Vec<String> = registration.carried.iter().map(ToString::to_string).collect();
        let ours = registration.commands.iter().filter(|command| command["type"] == 1 && command["name"] != ROOT);
        for (route, options) in ours.flat_map(invocable) {
            let given: Vec<Value> = options.iter().map(|option| value(option, &text, n)).collect();
            let invoked = invoked(&invocation(&route, &given), &specs);
            let Invoked::Line(line) = invoked else { panic!("{route:?} is unknown") };
            if line.chars().count() > words::MOST_CHARACTERS {
                reached.push(route.join(" "));
                continue;
            }
            let (spec, values) = read(&line, &specs);
            let expected = given.iter().map(|option| (name_of(option).to_owned(), typed(&option["value"])));
            prop_assert_eq!(values, expected.collect::<BTreeMap<_, _>>(), "{}", line);
            let path = spec.path.to_string();
            let shown = route.join(" ");
            prop_assert!(shown == path || shown.strip_suffix(" run") == Some(path.as_str()));
            reached.push(path);
        }
        let hidden = |spec: &&CommandSpec| spec.args.iter().any(|arg| arg.secret && arg.required);
        let firsts: BTreeMap<String, &CommandSpec> =
            specs.iter().rev().map(|spec| (spec.path.to_string(), spec)).collect();
        let expected = firsts.iter().filter(|(_, spec)| !hidden(spec)).map(|(path, _)| path.clone());
        reached.sort();
        prop_assert_eq!(reached, expected.collect::<Vec<_>>());
    }

    #[test]
    fn typography_in_a_value_breaks_nothing(text in "[ -~“”„‘’«»—–é\u{200d}\u{200b}\u{ad}\u{a0}\n]{1,30}") {
        let specs = [spec("say", "Say it", vec![self::text("to"), rest("what")])];
        let say = |text: &str| {
            let options = ["to", "what"].map(|name| json!({ "type": 3, "name": name, "value": text }));
            let Invoked::Line(line) = invoked(&invocation(&["say"], &options), &specs) else { panic!() };
            line
        };
        let line = say(&text);
        let (_, values) = read(&line, &specs);
        prop_assert_eq!(values.len(), 2);
        prop_assert_eq!(&values["to"], &values["what"]);
        prop_assert_eq!(say(&values["to"]), line);
        let letters = |text: &str| text.chars().filter(char::is_ascii_alphanumeric).collect::<String>();
        prop_assert_eq!(letters(&values["to"]), letters(&text));
    }
}
