//! Registration of commands: bulk overwrite, which deletes what is missing, and Discord's limits.

use std::collections::{BTreeMap, HashSet};

use serde_json::{Value, json};

use super::{
    FakeDiscord,
    reply::{Answer, Refused},
    rest::Request,
};

/// Most commands of each type, by type: slash, user, message.
const MOST: [(u64, usize); 3] = [(1, 100), (2, 15), (3, 15)];
/// Most new commands of a day, of a guild or for all.
const NEW: usize = 200;
const OPTIONS: usize = 25;
/// Most characters of a command's names, descriptions and values.
const TEXTS: usize = 8_000;
/// Types of options: a sub-command, and a group of them.
const SUB_COMMAND: u64 = 1;
const GROUP: u64 = 2;

type Checked = Result<(), Refused>;

/// Which guild the path names; the empty one stands for all.
fn place(fake: &FakeDiscord, request: &Request) -> Result<String, Refused> {
    let world = fake.world();
    if request.parameters[0] != world.application {
        return Err(Refused::new(404, 10_002, "Unknown Application"));
    }
    let Some(guild) = request.parameters.get(1) else { return Ok(String::new()) };
    if !world.guilds.contains_key(guild) {
        return Err(Refused::new(403, 50_001, "Missing Access"));
    }
    Ok(guild.clone())
}

pub(super) fn list(fake: &FakeDiscord, request: &Request) -> Answer {
    let place = place(fake, request)?;
    Ok((200, fake.record().commands.get(&place).cloned().unwrap_or_default().into()))
}

pub(super) fn overwrite(fake: &FakeDiscord, request: &Request) -> Answer {
    let place = place(fake, request)?;
    let given = request.body.as_array().cloned().unwrap_or_default();
    check(&given)?;
    let application = fake.world().application.clone();
    let earlier = fake.record().commands.get(&place).cloned().unwrap_or_default();
    let new = given.iter().filter(|command| !earlier.iter().any(|one| same(one, command))).count();
    let created = fake.record().created.get(&place).copied().unwrap_or_default() + new;
    if created > NEW {
        let why = "Max number of daily application command creates has been reached (200)";
        return Err(Refused::new(400, 30_034, why));
    }
    let complete = |command: &Value| {
        let kind = command["type"].as_u64().unwrap_or(1);
        // A command that keeps its name and type keeps its id.
        let kept = earlier.iter().find(|one| same(one, command));
        let mut shown = command.clone();
        shown["id"] = kept.map_or_else(|| fake.id().into(), |one| one["id"].clone());
        shown["type"] = kind.into();
        shown["application_id"] = application.clone().into();
        shown["version"] = fake.id().into();
        let defaults = [
            ("description", json!("")),
            ("default_member_permissions", Value::Null),
            ("nsfw", json!(false)),
            ("integration_types", json!([0])),
            ("contexts", Value::Null),
            ("name_localizations", Value::Null),
            ("description_localizations", Value::Null),
        ];
        for (name, value) in defaults {
            if shown.get(name).is_none() {
                shown[name] = value;
            }
        }
        if !place.is_empty() {
            shown["guild_id"] = place.clone().into();
        }
        shown
    };
    let registered: Vec<Value> = given.iter().map(complete).collect();
    let mut record = fake.record();
    record.created.insert(place.clone(), created);
    record.registrations.push((place.clone(), registered.len()));
    record.commands.insert(place, registered.clone());
    Ok((200, registered.into()))
}

/// Whether a command that is there has this one's name and type.
fn same(there: &Value, command: &Value) -> bool {
    there["name"] == command["name"] && there["type"] == command["type"].as_u64().unwrap_or(1)
}

fn check(commands: &[Value]) -> Checked {
    let mut names = HashSet::new();
    let mut counts = BTreeMap::new();
    for (n, command) in commands.iter().enumerate() {
        let path = n.to_string();
        let kind = command["type"].as_u64().unwrap_or(1);
        let name = command["name"].as_str().unwrap_or_default();
        *counts.entry(kind).or_insert(0) += 1;
        if !names.insert((kind, name)) {
            return Err(Refused::form(&format!("{path}.name"), "Application command names must be unique"));
        }
        if kind != 1 {
            if !(1..=32).contains(&name.chars().count()) {
                return Err(Refused::form(&format!("{path}.name"), "Must be between 1 and 32 in length."));
            }
            let bare = command["description"].as_str().is_none_or(str::is_empty);
            if !bare || !options(command).is_empty() {
                return Err(Refused::form(&path, "Context menu commands have no description and no options"));
            }
            continue;
        }
        check_named(command, &path)?;
        check_options(command, &path, 0)?;
        if texts(command) > TEXTS {
            return Err(Refused::form(&path, "Command exceeds maximum size (8000)"));
        }
        let permissions = &command["default_member_permissions"];
        if !permissions.is_null() && permissions.as_str().is_none_or(|text| text.parse::<u64>().is_err()) {
            return Err(Refused::form(&format!("{path}.default_member_permissions"), "A string of digits"));
        }
    }
    for (kind, most) in MOST {
        if counts.get(&kind).is_some_and(|count| *count > most) {
            return Err(Refused::new(400, 30_032, "Maximum number of application commands reached"));
        }
    }
    Ok(())
}

fn options(value: &Value) -> &[Value] {
    value["options"].as_array().map(Vec::as_slice).unwrap_or_default()
}

/// Name and description of a slash command or of an option.
fn check_named(value: &Value, path: &str) -> Checked {
    let name = value["name"].as_str().unwrap_or_default();
    // Letters and digits, and all of Devanagari and Thai.
    let fits = |letter: char| {
        letter.is_alphanumeric()
            || matches!(letter, '-' | '_' | '\'' | '\u{900}'..='\u{97f}' | '\u{e00}'..='\u{e7f}')
    };
    if !(1..=32).contains(&name.chars().count()) || !name.chars().all(fits) || name != name.to_lowercase() {
        return Err(Refused::form(&format!("{path}.name"), "Command name is invalid"));
    }
    let description = value["description"].as_str().unwrap_or_default().chars().count();
    if !(1..=100).contains(&description) {
        return Err(Refused::form(&format!("{path}.description"), "Must be between 1 and 100 in length."));
    }
    Ok(())
}

fn check_options(value: &Value, path: &str, depth: usize) -> Checked {
    let all = options(value);
    if all.len() > OPTIONS {
        return Err(Refused::form(&format!("{path}.options"), "Must be 25 or fewer in length."));
    }
    let nested = |option: &Value| matches!(option["type"].as_u64(), Some(SUB_COMMAND | GROUP));
    if all.iter().any(nested) && !all.iter().all(nested) {
        return Err(Refused::form(
            &format!("{path}.options"),
            "Sub-command and option types are mutually exclusive",
        ));
    }
    let (mut names, mut optional) = (HashSet::new(), false);
    for (n, option) in all.iter().enumerate() {
        let path = format!("{path}.options.{n}");
        check_named(option, &path)?;
        if !names.insert(option["name"].as_str()) {
            return Err(Refused::form(&path, "Option names must be unique"));
        }
        match option["type"].as_u64() {
            Some(GROUP) if depth > 0 => return Err(Refused::form(&path, "A group within a group")),
            Some(SUB_COMMAND) if depth > 1 => return Err(Refused::form(&path, "Nesting is too deep")),
            Some(kind @ (SUB_COMMAND | GROUP)) => {
                let inner = options(option);
                if kind == GROUP && (inner.is_empty() || inner.iter().any(|one| one["type"] != SUB_COMMAND)) {
                    return Err(Refused::form(&path, "A group holds sub-commands"));
                }
                check_options(option, &path, if kind == GROUP { 1 } else { 2 })?;
                continue;
            }
            _ if depth == 1 => return Err(Refused::form(&path, "A group holds sub-commands")),
            _ => {}
        }
        check_value(option, &path)?;
        let required = option["required"] == true;
        if required && optional {
            return Err(Refused::form(&path, "Required options must be placed before non-required options"));
        }
        optional |= !required;
    }
    Ok(())
}

fn check_value(option: &Value, path: &str) -> Checked {
    let choices = option["choices"].as_array().map(Vec::as_slice).unwrap_or_default();
    if choices.len() > OPTIONS {
        return Err(Refused::form(&format!("{path}.choices"), "Must be 25 or fewer in length."));
    }
    if option["autocomplete"] == true && !choices.is_empty() {
        return Err(Refused::form(path, "Autocomplete excludes choices"));
    }
    for (n, choice) in choices.iter().enumerate() {
        let length = choice["name"].as_str().unwrap_or_default().chars().count();
        let value = choice["value"].as_str().unwrap_or_default().chars().count();
        if !(1..=100).contains(&length) || value > 100 {
            return Err(Refused::form(
                &format!("{path}.choices.{n}"),
                "Must be between 1 and 100 in length.",
            ));
        }
    }
    let safe = 2_f64.powi(53);
    for name in ["min_value", "max_value"] {
        if option[name].as_f64().is_some_and(|value| value.abs() >= safe) {
            return Err(Refused::form(&format!("{path}.{name}"), "Must be within 2^53 - 1"));
        }
    }
    for name in ["min_length", "max_length"] {
        if option[name].as_u64().is_some_and(|value| value > 6_000) {
            return Err(Refused::form(&format!("{path}.{name}"), "Must be 6000 or less"));
        }
    }
    Ok(())
}

/// Characters of all names, descriptions and values.
fn texts(value: &Value) -> usize {
    let own = ["name", "description", "value"].iter().filter_map(|name| value[*name].as_str());
    let own: usize = own.map(|text| text.chars().count()).sum();
    let choices = value["choices"].as_array().into_iter().flatten().map(texts).sum::<usize>();
    own + choices + options(value).iter().map(texts).sum::<usize>()
}
