//! What is asked by each kind of event, and what is not.

use adjutant_bus::{
    actor::Standing,
    spec::{ArgKind, ArgSpec, CommandSpec},
};
use serde_json::{Value, json};

use super::*;
use crate::{
    payload::{Interaction, Message},
    people::Trusted,
};

const US: Us = Us { bot: Snowflake(6001), application: Snowflake(6000) };

fn trusted() -> Trusted {
    Trusted([Snowflake(9001)].into())
}

fn specs() -> Vec<CommandSpec> {
    let mut spec = CommandSpec::new("deploy list".parse().unwrap(), "Lists");
    spec.args = vec![ArgSpec::positional("app", ArgKind::String, "Which").optional()];
    vec![spec, CommandSpec::new("help".parse().unwrap(), "Helps")]
}

fn said(change: impl FnOnce(&mut Value)) -> Inbound {
    let mut payload = json!({
        "id": "11", "channel_id": "5001", "guild_id": "9001", "type": 0, "content": "<@6001> deploy list",
        "author": { "id": "4001", "username": "ada" }, "member": { "roles": ["7001"] },
    });
    change(&mut payload);
    message(&serde_json::from_value::<Message>(payload).unwrap(), US, &trusted())
}

fn interacted(change: impl FnOnce(&mut Value)) -> Inbound {
    let mut payload = json!({
        "id": "12", "application_id": "6000", "type": 2, "token": "aW50.x-_y", "guild_id": "9001", "channel_id": "5001",
        "channel": { "id": "5001", "type": 0 }, "authorizing_integration_owners": { "0": "9001" },
        "member": { "user": { "id": "4001", "username": "ada" }, "roles": ["7001"] },
        "data": { "id": "1", "name": "deploy", "type": 1, "options": [
            { "name": "list", "type": 1, "options": [{ "name": "app", "type": 3, "value": "shop" }] }] },
    });
    change(&mut payload);
    let payload: Interaction = serde_json::from_value(payload).unwrap();
    interaction(&payload, &trusted(), &specs())
}

fn ask(inbound: Inbound) -> Ask {
    match inbound {
        Inbound::Ask(ask) => *ask,
        other => panic!("{other:?}"),
    }
}

fn why(inbound: Inbound) -> Ignored {
    match inbound {
        Inbound::Ignored(why) => why,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_mention_and_a_direct_message_ask() {
    let asked = ask(said(|_| {}));
    assert_eq!(
        (asked.text.as_str(), asked.private, asked.who.standing),
        ("deploy list", false, Standing::Member)
    );
    assert_eq!(asked.id(), ask(said(|message| message["content"] = json!("<@6001> help"))).id());
    let direct = ask(said(|message| {
        message["guild_id"] = Value::Null;
        message["member"] = Value::Null;
        message["content"] = json!("help");
    }));
    assert_eq!(
        (direct.home.tenant().as_str(), direct.private, direct.who.standing),
        ("dm", true, Standing::External)
    );
}

#[test]
fn what_nobody_said_to_us_asks_nothing() {
    type Change = fn(&mut Value);
    let cases: [(Change, Ignored); 9] = [
        (|m| m["author"]["bot"] = json!(true), Ignored::Bot),
        (|m| m["webhook_id"] = json!("3"), Ignored::Bot),
        (|m| m["author"]["id"] = json!("6001"), Ignored::Ourselves),
        (|m| m["application_id"] = json!("6000"), Ignored::Ourselves),
        (|m| m["type"] = json!(20), Ignored::NotWords),
        (|m| m["type"] = json!(7), Ignored::NotWords),
        (|m| m["content"] = json!("ask <@6001>"), Ignored::NotToUs),
        (|m| m["id"] = json!("12/../13"), Ignored::Unreadable),
        (|m| m["author"] = Value::Null, Ignored::Nobody),
    ];
    for (number, (change, wanted)) in cases.into_iter().enumerate() {
        assert_eq!(why(said(change)), wanted, "case {number}");
    }
}

#[test]
fn commands_clicks_and_modals_ask() {
    let command = ask(interacted(|_| {}));
    assert_eq!(command.text, "deploy list --app=shop");
    assert!(
        matches!(&command.by, By::Interaction { id: Snowflake(12), token, modal: true } if token.expose() == "aW50.x-_y")
    );
    let click = ask(interacted(|it| {
        it["type"] = json!(3);
        it["data"] = json!({ "custom_id": "run:deploy list", "component_type": 2 });
    }));
    assert_eq!((click.text.as_str(), &click.raw), ("deploy list", &None));
    let whole = ask(interacted(|it| {
        it["data"] = json!({ "name": "adjutant", "type": 1, "options": [
            { "name": "command", "type": 3, "value": "ask <@4002>" }] });
    }));
    assert_eq!(whole.text, "ask 4002");
}

#[test]
fn a_thread_counts_as_its_channel_and_a_foreign_installation_as_nobodys() {
    let asked = ask(interacted(|it| {
        it["channel_id"] = json!("5100");
        it["channel"] = json!({ "id": "5100", "type": 11, "parent_id": "5001" });
    }));
    assert_eq!((asked.channel, asked.thread), (Snowflake(5001), Some(Snowflake(5100))));
    for owners in [json!({ "1": "4001" }), json!({ "0": "9002" }), json!({}), Value::Null] {
        let asked = ask(interacted(|it| it["authorizing_integration_owners"] = owners));
        assert_eq!(asked.who.standing, Standing::External);
    }
}

#[test]
fn what_cannot_be_answered_is_not_asked() {
    for token in [json!("../../x"), json!(""), json!("a b"), json!("..")] {
        assert_eq!(why(interacted(|it| it["token"] = token)), Ignored::Unreadable);
    }
    assert_eq!(why(interacted(|it| it["data"]["name"] = json!("gone"))), Ignored::NotOurs);
    assert_eq!(why(interacted(|it| it["type"] = json!(99))), Ignored::NotUsed);
    assert_eq!(why(interacted(|it| it["member"] = Value::Null)), Ignored::Nobody);
    assert!(matches!(interacted(|it| it["type"] = json!(1)), Inbound::Ping));
}
