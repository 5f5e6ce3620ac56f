//! Every sample payload of Slack's own test suites is read into the right request, or ignored for the right reason; then the
//! rules one by one.

use std::{fs, path::Path};

use adjutant_bus::actor::Tenant;
use serde_json::{Value, json};

use super::*;
use crate::payload::{Callback, Interaction, Slash};

fn us(install: &Install) -> Option<Us> {
    Some(Us { user: "U0BOT".to_owned(), app: Some("A0ADJ".to_owned()), team: install.team.clone()? })
}

/// What a payload is read into, whatever the way by which it came.
fn read(payload: &Value) -> Inbound {
    if payload.get("envelope_id").is_some() {
        return read(&payload["payload"]);
    }
    if payload.get("command").is_some() {
        let command: Slash = serde_json::from_value(payload.clone()).unwrap();
        return slash(&command, "/adjutant");
    }
    if payload.get("event").is_some() || payload["type"] == "url_verification" {
        let callback: Callback = serde_json::from_value(payload.clone()).unwrap();
        // In the samples the bot is whoever is mentioned first.
        let text = payload.pointer("/event/text").and_then(Value::as_str).unwrap_or_default();
        let bot = text.split(['@', '>']).nth(1).unwrap_or("U0BOT").to_owned();
        return event(&callback, |install| Some(Us { user: bot, ..us(install)? }));
    }
    let interacted: Interaction = serde_json::from_value(payload.clone()).unwrap();
    interaction(&interacted, |install| install.team.clone())
}

fn told(inbound: &Inbound) -> String {
    match inbound {
        Inbound::Ask(ask) => format!(
            "asks `{}` as {} of {} in {}{}{}, event {}",
            ask.text,
            ask.person.id,
            ask.install.team.as_deref().unwrap_or("-"),
            ask.channel,
            ask.thread.as_ref().map(|thread| format!(" thread {thread}")).unwrap_or_default(),
            if ask.private { ", private" } else { "" },
            ask.event,
        ),
        Inbound::Prefill { ask, .. } => format!("prefills `{}` in {}", ask.text, ask.channel),
        Inbound::Home { person, .. } => format!("home of {}", person.id),
        Inbound::Challenge(challenge) => format!("challenge of {} characters", challenge.len()),
        Inbound::Ignored(why) => format!("ignored: {}", why.as_str()),
        other => format!("{other:?}"),
    }
}

#[test]
fn every_sample_is_read_or_ignored_for_a_reason() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/samples");
    let mut table = Vec::new();
    for folder in ["bolt-python", "events", "java-bolt", "socketmode"] {
        for entry in fs::read_dir(root.join(folder)).unwrap() {
            let path = entry.unwrap().path();
            let name = format!("{folder}/{}", path.file_stem().unwrap().to_string_lossy());
            let payload: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
            table.push(format!("{name}: {}", told(&read(&payload))));
        }
    }
    table.sort();
    insta::assert_snapshot!(table.join("\n"));
}

fn message(fields: Value) -> Inbound {
    let mut event = json!({
        "type": "app_mention", "user": "U0ANA", "text": "<@U0BOT> deploy list", "ts": "1.000100", "channel": "C0DEPLOY",
    });
    for (name, value) in fields.as_object().unwrap() {
        event[name] = value.clone();
    }
    read_event(event)
}

fn read_event(event: Value) -> Inbound {
    let callback = json!({
        "type": "event_callback", "team_id": "T0ACME", "api_app_id": "A0ADJ", "event_id": "Ev1", "event": event,
    });
    super::event(&serde_json::from_value(callback).unwrap(), us)
}

fn asked(inbound: Inbound) -> Ask {
    match inbound {
        Inbound::Ask(ask) => *ask,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_mention_and_the_message_of_the_same_text_are_one_request() {
    let tenant = Tenant::new("T0ACME");
    let mention = asked(message(json!({})));
    let twin = asked(message(json!({ "type": "message" })));
    let other = asked(message(json!({ "ts": "1.000200" })));
    assert_eq!(mention.id(&tenant), twin.id(&tenant));
    assert_ne!(mention.id(&tenant), other.id(&tenant));
    assert_eq!((mention.text.as_str(), mention.thread.as_deref()), ("deploy list", Some("1.000100")));
    assert_eq!(mention.raw.as_deref(), Some("<@U0BOT> deploy list"));
}

#[test]
fn what_is_no_new_message_of_a_person_asks_nothing() {
    let table = [
        (json!({ "subtype": "message_changed" }), Ignored::NotNew),
        (json!({ "subtype": "message_deleted" }), Ignored::NotNew),
        (json!({ "subtype": "channel_join" }), Ignored::NotNew),
        (json!({ "hidden": true }), Ignored::NotNew),
        (json!({ "edited": { "user": "U0ANA", "ts": "2.0" } }), Ignored::NotNew),
        (json!({ "bot_id": "B1" }), Ignored::Bot),
        (json!({ "bot_id": "B1", "user": null }), Ignored::Bot),
        (json!({ "subtype": "bot_message", "user": null }), Ignored::Bot),
        (json!({ "user": "U0BOT" }), Ignored::Ourselves),
        (json!({ "app_id": "A0ADJ" }), Ignored::Ourselves),
        (json!({ "bot_id": "B1", "bot_profile": { "app_id": "A0ADJ" } }), Ignored::Ourselves),
        (json!({ "user": null }), Ignored::Nobody),
        (json!({ "ts": null }), Ignored::Unreadable),
        (json!({ "text": 7 }), Ignored::Unreadable),
        (json!({ "text": "no mention" }), Ignored::NotToUs),
        (json!({ "type": "reaction_added" }), Ignored::NotUsed),
    ];
    for (fields, why) in table {
        assert_eq!(message(fields.clone()), Inbound::Ignored(why), "{fields}");
    }
    for fields in
        [json!({ "subtype": "file_share" }), json!({ "subtype": "thread_broadcast", "thread_ts": "0.5" })]
    {
        asked(message(fields));
    }
}

#[test]
fn direct_messages_and_threads_are_answered_where_they_are() {
    let direct = asked(message(json!({ "type": "message", "channel": "D0ANA", "text": "deploy list" })));
    assert_eq!((direct.private, direct.thread), (true, None));
    let thread = asked(message(json!({ "thread_ts": "0.000900" })));
    assert_eq!(thread.thread.as_deref(), Some("0.000900"));
    let bare = asked(message(json!({ "text": "<@U0BOT>" })));
    assert_eq!(bare.text, "help");
}

#[test]
fn people_of_other_workspaces_are_told_apart_by_the_payload() {
    assert!(!asked(message(json!({ "user_team": "T0ACME" }))).person.elsewhere);
    assert!(asked(message(json!({ "user_team": "T0OTHER" }))).person.elsewhere);
    assert!(asked(message(json!({ "source_team": "T0OTHER" }))).person.elsewhere);
}

#[test]
fn an_organizations_events_name_the_install_in_their_authorizations() {
    let callback = json!({
        "type": "event_callback", "team_id": null, "enterprise_id": "E0ACME",
        "authorizations": [{ "team_id": "T0ACME", "enterprise_id": "E0ACME", "is_enterprise_install": true }],
        "event": { "type": "app_mention", "user": "W1", "text": "<@U0BOT> ping", "ts": "1.1", "channel": "C1" },
    });
    let ask = asked(super::event(&serde_json::from_value(callback).unwrap(), us));
    assert_eq!(ask.install.team.as_deref(), Some("T0ACME"));
    assert_eq!(ask.person.id, "W1");
}

#[test]
fn what_changes_people_is_noticed() {
    let install = Install { team: Some("T0ACME".to_owned()), enterprise: None };
    for kind in ["subteam_members_changed", "subteam_updated"] {
        assert_eq!(read_event(json!({ "type": kind })), Inbound::GroupsChanged(install.clone()));
    }
    let changed = read_event(json!({ "type": "user_change", "user": { "id": "U0ANA", "deleted": true } }));
    assert_eq!(changed, Inbound::UserChanged { install: install.clone(), user: "U0ANA".to_owned() });
    for kind in ["app_uninstalled", "tokens_revoked"] {
        assert_eq!(read_event(json!({ "type": kind })), Inbound::Removed(install.clone()));
    }
}

#[test]
fn slash_commands_say_their_words_or_name_a_command_themselves() {
    let command = |command: &str, text: &str| {
        let payload = json!({
            "command": command, "text": text, "user_id": "U0ANA", "user_name": "ana", "team_id": "T0ACME",
            "channel_id": "C0DEPLOY", "trigger_id": "1.2.3", "response_url": "https://hooks.slack.com/commands/1",
        });
        asked(slash(&serde_json::from_value(payload).unwrap(), "/adjutant"))
    };
    assert_eq!(command("/adjutant", "deploy list").text, "deploy list");
    assert_eq!(command("/adjutant", "").text, "help");
    assert_eq!(command("/deploy", "list").text, "deploy list");
    assert_eq!(command("/ping", "").text, "ping");
    assert_eq!(command("/adjutant", "page <@U0PAT|pat>").text, "page U0PAT");
    assert!(command("/adjutant", "x").answer.is_some());
    let check: Slash = serde_json::from_value(json!({ "ssl_check": "1" })).unwrap();
    assert_eq!(slash(&check, "/adjutant"), Inbound::Ignored(Ignored::CertificateCheck));
}

#[test]
fn only_our_own_buttons_and_views_ask() {
    let click = |action: &str| {
        read(&json!({
            "type": "block_actions", "team": { "id": "T0ACME" }, "user": { "id": "U0PAT", "team_id": "T0ACME" },
            "channel": { "id": "C0DEPLOY" }, "container": { "message_ts": "5.0", "thread_ts": "4.0" },
            "actions": [{ "action_id": action, "value": "cancel 7Q3K9M2A", "action_ts": "6.0" }],
        }))
    };
    let ask = asked(click("adjutant_run_0"));
    assert_eq!((ask.text.as_str(), ask.person.id.as_str()), ("cancel 7Q3K9M2A", "U0PAT"));
    assert_eq!(ask.thread.as_deref(), Some("4.0"));
    assert_eq!(click("somebody_elses"), Inbound::Ignored(Ignored::NotOurs));
    let view = read(&json!({
        "type": "view_submission", "team": { "id": "T0ACME" }, "user": { "id": "U0PAT" },
        "view": {
            "id": "V1", "hash": "1.x", "callback_id": SHORTCUT,
            "private_metadata": "{\"channel\":\"C0DEPLOY\",\"thread\":\"4.0\"}",
            "state": { "values": { "line": { "line": { "type": "plain_text_input", "value": " deploy list " } } } },
        },
    }));
    let ask = asked(view);
    assert_eq!((ask.text.as_str(), ask.channel.as_str()), ("deploy list", "C0DEPLOY"));
}
