//! Tests of comparing what Discord has with what we want.

use super::*;

/// A list as Discord returns it: ids, versions, nulls and defaults, in another order.
fn returned(commands: &[Value]) -> Vec<Value> {
    let mut returned: Vec<Value> =
        commands.iter().enumerate().map(|(n, command)| with_defaults(command, n)).collect();
    returned.reverse();
    returned
}

fn with_defaults(command: &Value, n: usize) -> Value {
    let mut command = command.clone();
    for (field, value) in [
        ("id", json!(format!("86681819503329285{n}"))),
        ("application_id", json!("775799577604522054")),
        ("version", json!(format!("84719495038278053{n}"))),
        ("default_member_permissions", json!(null)),
        ("dm_permission", json!(true)),
        ("nsfw", json!(false)),
        ("contexts", json!([1, 0])),
        ("new_field", json!({ "of": "tomorrow" })),
    ] {
        command[field] = value;
    }
    for field in ["name_localizations", "description_localizations"] {
        command[field] = json!(null);
    }
    if command["type"] == 3 {
        command["description"] = json!("");
    }
    option_defaults(&mut command);
    command
}

fn option_defaults(of: &mut Value) {
    for option in of.get_mut("options").and_then(Value::as_array_mut).into_iter().flatten() {
        option["name_localizations"] = json!(null);
        if option.get("required").is_none() {
            option["required"] = json!(false);
        }
        if let Some(bound) = option.get("min_value").and_then(Value::as_f64) {
            option["min_value"] = json!(bound);
        }
        if option.get("options") == Some(&json!([])) {
            option.as_object_mut().unwrap().remove("options");
        }
        option_defaults(option);
    }
}

fn wanted() -> Vec<Value> {
    registration(&catalogue()).commands
}

#[test]
fn what_discord_adds_makes_no_difference() {
    assert!(is_current(&wanted(), &wanted()));
    assert!(is_current(&wanted(), &returned(&wanted())));
    let mut of_guild = returned(&wanted());
    for command in &mut of_guild {
        command["guild_id"] = json!("290926798626357999");
        command["contexts"] = json!(null);
        command.as_object_mut().unwrap().remove("integration_types");
    }
    assert!(is_current(&wanted(), &of_guild));
}

#[test]
fn what_people_would_notice_does() {
    let changes: [fn(&mut Vec<Value>); 12] = [
        |list| drop(list.pop()),
        |list| list.push(json!({ "id": "1", "type": 2, "name": "View Stats" })),
        |list| list[1]["name"] = json!("other"),
        |list| of(list, "deploy")["description"] = json!("changed"),
        |list| of(list, "deploy")["description_localizations"] = json!({ "de": "geändert" }),
        |list| of(list, "deploy")["default_member_permissions"] = json!("0"),
        |list| of(list, "deploy")["contexts"] = json!([0]),
        |list| of(list, "deploy")["contexts"] = json!(null),
        |list| of(list, "deploy")["options"][2]["options"][0]["autocomplete"] = json!(false),
        |list| of(list, "deploy")["options"][2]["options"][2]["max_value"] = json!(10),
        |list| of(list, "deploy")["options"][2]["options"][1]["choices"][0]["value"] = json!("test"),
        |list| of(list, "status")["options"][0]["required"] = json!(false),
    ];
    for (n, change) in changes.iter().enumerate() {
        let mut list = returned(&wanted());
        change(&mut list);
        assert!(!is_current(&wanted(), &list), "change {n}");
    }
    let mut twice = returned(&wanted());
    twice[0] = twice[1].clone();
    assert!(!is_current(&wanted(), &twice));
}

fn of<'a>(list: &'a mut [Value], name: &str) -> &'a mut Value {
    list.iter_mut().find(|command| command["name"] == name).unwrap()
}
