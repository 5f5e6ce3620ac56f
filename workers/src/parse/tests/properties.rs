//! What holds for every line: no panic, and a canonical line that means the same again.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

/// Words as they come out of cleaning, since no others reach an argument.
fn value() -> impl Strategy<Value = String> {
    word()
        .prop_filter_map("no line", |word| {
            words::split(&words::quote(&word)).ok()?.words.first().map(|word| word.text.clone())
        })
        .prop_filter("empty", |word| !word.is_empty())
}

fn word() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z]{1,6}",
        "[ -~]{1,12}",
        "\\PC{1,12}",
        Just("--".to_owned()),
        Just("app=x".to_owned()),
        Just("--help".to_owned()),
        Just("“a” — b".to_owned())
    ]
}

fn arguments() -> impl Strategy<Value = BTreeMap<String, Value>> {
    let maybe = |values: BoxedStrategy<Value>| proptest::option::of(values);
    let id = "[A-Z0-9@#]{1,8}".prop_map(|id| json!(format!("U{id}")));
    (
        (
            maybe(value().prop_map(Value::from).boxed()),
            maybe((-5i64..=50).prop_map(Value::from).boxed()),
            maybe(value().prop_map(Value::from).boxed()),
        ),
        (
            maybe((-1e300f64..1e300).prop_map(Value::from).boxed()),
            maybe(any::<bool>().prop_map(Value::from).boxed()),
            maybe(
                prop_oneof![Just("staging"), Just("Production"), Just("two words")]
                    .prop_map(Value::from)
                    .boxed(),
            ),
            maybe((1u64..=366 * 24 * 3600).prop_map(Value::from).boxed()),
            maybe(id.clone().boxed()),
            maybe(id.boxed()),
            maybe(value().prop_map(Value::from).boxed()),
        ),
    )
        .prop_map(|((w, n, r), (x, y, e, f, u, c, t))| {
            let all = [
                ("word", w),
                ("whole", n),
                ("rest", r),
                ("number", x),
                ("yes", y),
                ("env", e),
                ("for", f),
                ("who", u),
                ("where", c),
                ("note", t),
            ];
            all.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
        })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn no_text_makes_it_panic(start in prop_oneof![Just(""), Just("deploy promote "), Just("kinds "), Just("login "), Just("say ")], text in any::<String>()) {
        let _ = parse(&catalogue(), &format!("{start}{text}"), &may);
    }

    #[test]
    fn no_words_make_it_panic(words in proptest::collection::vec(word(), 0..8)) {
        let _ = parse(&catalogue(), &format!("kinds {}", words.join(" ")), &may);
    }

    #[test]
    fn the_canonical_line_means_the_same_invocation(arguments in arguments()) {
        let catalogue = catalogue();
        let path: CommandPath = "kinds".parse().unwrap();
        let line = usage::canonical(&catalogue.get(&path).unwrap().spec, &arguments);
        match parse(&catalogue, &line, &may) {
            Ok(parsed) => {
                prop_assert_eq!(&parsed.arguments, &arguments, "{}", line);
                prop_assert_eq!(parsed.invocation.canonical, line);
            }
            Err(refusal) => prop_assert!(false, "{}: {:?}", line, refusal),
        }
    }

    #[test]
    fn a_line_that_was_understood_is_understood_again_from_its_canonical_form(words in proptest::collection::vec(word(), 0..6)) {
        let catalogue = catalogue();
        if let Ok(parsed) = parse(&catalogue, &format!("kinds {}", words.join(" ")), &may) {
            let again = parse(&catalogue, &parsed.invocation.canonical, &may);
            prop_assert!(again.is_ok(), "{}: {:?}", parsed.invocation.canonical, again);
            prop_assert_eq!(again.unwrap().invocation, parsed.invocation);
        }
    }
}
