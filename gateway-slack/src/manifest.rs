//! The app's manifest, made from the catalogue: what an admin gives to Slack to create the app. Source: Slack, "App manifest
//! reference", and its JSON schema.

use adjutant_bus::spec::CommandSpec;
use serde_json::{Map, Value, json};

use crate::{inbound::SHORTCUT, render::cut};

/// Scopes of the bot. What each is for stands in the documentation.
pub const SCOPES: &[&str] = &[
    "app_mentions:read",
    "channels:history",
    "chat:write",
    "commands",
    "files:write",
    "groups:history",
    "im:history",
    "im:write",
    "mpim:history",
    "usergroups:read",
    "users:read",
];

/// Events that the app subscribes to.
const EVENTS: &[&str] = &[
    "app_home_opened",
    "app_mention",
    "app_uninstalled",
    "message.im",
    "subteam_members_changed",
    "subteam_updated",
    "tokens_revoked",
    "user_change",
];

/// Most slash commands of an app, and the lengths of their parts.
const COMMANDS: usize = 50;
const NAME: usize = 32;
const DESCRIPTION: usize = 2_000;
const HINT: usize = 1_000;

/// Names that Slack has itself (Slack: "Use shortcuts and slash commands"), and words too general to take from other apps.
const TAKEN: &[&str] = &[
    "active",
    "apps",
    "archive",
    "away",
    "call",
    "cancel",
    "collapse",
    "commands",
    "dm",
    "dnd",
    "expand",
    "feed",
    "feedback",
    "help",
    "history",
    "home",
    "invite",
    "invite_people",
    "join",
    "keys",
    "kick",
    "leave",
    "me",
    "msg",
    "mute",
    "open",
    "part",
    "ping",
    "prefs",
    "remind",
    "remove",
    "rename",
    "rerun",
    "search",
    "shortcuts",
    "shrug",
    "star",
    "status",
    "topic",
    "version",
    "who",
    "whoami",
    "why",
];

/// What a manifest is made from.
#[derive(Clone, Copy, Debug)]
pub struct Manifest<'a> {
    /// The app's name, at most 35 characters.
    pub name: &'a str,
    /// The slash command that takes any words, such as `/adjutant`.
    pub command: &'a str,
    /// Base address that Slack can reach, such as `https://adjutant.example`; none: sockets.
    pub request_url: Option<&'a str>,
    /// The catalogue.
    pub commands: &'a [CommandSpec],
}

/// The manifest.
#[must_use]
pub fn manifest(options: &Manifest<'_>) -> Value {
    let address =
        |path: &str| options.request_url.map(|base| format!("{}/slack/{path}", base.trim_end_matches('/')));
    let with = |mut value: Value, name: &str, url: Option<String>| {
        if let (Some(object), Some(url)) = (value.as_object_mut(), url) {
            object.insert(name.to_owned(), url.into());
        }
        value
    };
    let slash = slash_commands(options).into_iter().map(|command| with(command, "url", address("commands")));
    let interactivity = with(json!({ "is_enabled": true }), "request_url", address("interactivity"));
    json!({
        "display_information": {
            "name": cut(options.name, 35),
            "description": "Commands from chat: authorized, recorded, run once and answered",
        },
        "features": {
            "app_home": {
                "home_tab_enabled": true,
                "messages_tab_enabled": true,
                "messages_tab_read_only_enabled": false,
            },
            "bot_user": { "display_name": cut(options.name, 35), "always_online": true },
            "shortcuts": [{
                "name": "Run as a command",
                "type": "message",
                "callback_id": SHORTCUT,
                "description": "Shows the message as a command, to be changed and run",
            }],
            "slash_commands": slash.collect::<Vec<_>>(),
        },
        "oauth_config": { "scopes": { "bot": SCOPES } },
        "settings": {
            "event_subscriptions": with(json!({ "bot_events": EVENTS }), "request_url", address("events")),
            "interactivity": with(interactivity, "message_menu_options_url", address("interactivity")),
            "org_deploy_enabled": false,
            "socket_mode_enabled": options.request_url.is_none(),
            "token_rotation_enabled": false,
        },
    })
}

fn slash_commands(options: &Manifest<'_>) -> Vec<Value> {
    let entry = |name: &str, description: &str, hint: &str| {
        let mut entry =
            json!({ "command": name, "description": cut(description, DESCRIPTION), "should_escape": true });
        if let (false, Some(object)) = (hint.is_empty(), entry.as_object_mut()) {
            object.insert("usage_hint".to_owned(), cut(hint, HINT).into());
        }
        entry
    };
    let mut commands = vec![entry(options.command, "Run a command, or say help", "help")];
    let mut roots: Vec<&str> = Vec::new();
    for spec in options.commands {
        let Some(root) = spec.path.words().first() else { continue };
        let taken =
            TAKEN.contains(&root.as_str()) || root.len() >= NAME || *options.command == format!("/{root}");
        if taken || roots.contains(&root.as_str()) || commands.len() >= COMMANDS {
            continue;
        }
        roots.push(root);
        let family: Vec<&CommandSpec> =
            options.commands.iter().filter(|other| other.path.words().first() == Some(root)).collect();
        let rest: Vec<String> =
            family.iter().map(|spec| spec.path.words().get(1..).unwrap_or_default().join(" ")).collect();
        let hint = rest.into_iter().filter(|rest| !rest.is_empty()).collect::<Vec<_>>().join(" | ");
        let summaries: Vec<&str> = family.iter().map(|spec| spec.summary.as_str()).collect();
        commands.push(entry(&format!("/{root}"), &summaries.join("; "), &hint));
    }
    commands
}

/// The manifest as YAML, keys in order, every text in JSON's quotes, which YAML reads as they are.
#[must_use]
pub fn yaml(manifest: &Value) -> String {
    let mut out =
        "# Slack app manifest. Made by `adjutant commands slack-manifest`; give it to Slack under Create New App.\n".to_owned();
    if let Value::Object(fields) = manifest {
        object(fields, 0, &mut out);
    }
    out
}

fn object(fields: &Map<String, Value>, indent: usize, out: &mut String) {
    for (name, value) in fields {
        out.push_str(&format!("{}{name}:", " ".repeat(indent)));
        below(value, indent, out);
    }
}

/// What stands after a key.
fn below(value: &Value, indent: usize, out: &mut String) {
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            out.push('\n');
            object(fields, indent + 2, out);
        }
        Value::Array(all) if !all.is_empty() => {
            out.push('\n');
            for one in all {
                let mut item = String::new();
                match one {
                    Value::Object(fields) => object(fields, indent + 4, &mut item),
                    other => item = format!("{}{other}\n", " ".repeat(indent + 4)),
                }
                out.push_str(&format!("{}- {}", " ".repeat(indent + 2), item.trim_start()));
            }
        }
        scalar => out.push_str(&format!(" {scalar}\n")),
    }
}
