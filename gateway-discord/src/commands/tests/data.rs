//! Tests of reading what Discord sends: documented shapes and odd ones.

use proptest::prelude::*;

use super::*;

#[test]
fn a_typed_command_is_read_with_its_options() {
    let data = command(json!({
        "id": 771825006014889984_u64,
        "name": "deploy",
        "guild_id": "290926798626357999",
        "version": "1",
        "options": [{ "type": 2, "name": "group", "options": [{ "type": 1, "name": "sub", "options": [
            { "type": 3, "name": "variant", "value": "data a user is typ", "focused": true },
            { "type": 99, "name": "new", "value": null, "focused": null },
        ] }] }],
    }));
    assert_eq!(data.kind, CHAT_INPUT);
    let (route, options) = data.route();
    assert_eq!(route, ["deploy", "group", "sub"]);
    assert!(options[0].focused && options[0].text().unwrap() == "data a user is typ");
    assert!(!options[1].focused && options[1].text().is_none() && options[1].kind == 99);
}

#[test]
fn what_is_missing_or_odd_is_empty() {
    let nulls = json!({ "id": null, "name": null, "type": null, "options": null, "resolved": null, "target_id": null });
    for odd in [nulls, json!({}), json!(null), json!([1]), json!("x"), json!({ "options": { "a": 1 } })] {
        let data = command(odd);
        assert!(data.name.is_empty() && data.options.is_empty());
        assert_eq!(invoked(&data, &catalogue()), Invoked::Unknown);
        assert_eq!(autocomplete(&data, &catalogue()), Vec::<Value>::new());
    }
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        prop::sample::select(vec!["deploy", "promote", ROOT, MENU, "command", "app"]).prop_map(Value::from),
        (0..12_u64).prop_map(Value::from),
    ];
    let field = prop::sample::select(vec![
        "id",
        "name",
        "type",
        "options",
        "resolved",
        "target_id",
        "value",
        "focused",
        "messages",
        "content",
    ]);
    leaf.prop_recursive(6, 64, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
            prop::collection::btree_map(field.clone().prop_map(str::to_owned), inner, 0..8)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn nothing_that_is_sent_panics(data in any_json()) {
        let data = command(data);
        let _ = invoked(&data, &catalogue());
        let offered = autocomplete(&data, &catalogue());
        prop_assert!(offered.len() <= 25);
    }

    #[test]
    fn a_line_of_the_root_command_never_panics(typed in "\\PC{0,120}") {
        for offer in offered_for_line(&typed, &catalogue()) {
            let (name, value) = offer.rsplit_once(" | ").unwrap();
            prop_assert!(!name.is_empty() && name.chars().count() <= 100 && value.chars().count() <= 100);
        }
    }
}
