//! Methods about people: users, groups, direct conversations.

use serde_json::{Value, json};

use super::{FakeSlack, api::Answer, world::direct};

pub(super) fn info(fake: &FakeSlack, parameters: &Value, team: &str) -> Answer {
    let user = parameters["user"].as_str().unwrap_or_default();
    let mut shown = fake.world().user(user).ok_or("user_not_found")?;
    if shown["team_id"] == fake.world().team.as_str() {
        shown["team_id"] = team.into();
    }
    Ok(json!({ "user": shown }))
}

/// As Slack does it: disabled groups, members and their number only for those who ask for them.
pub(super) fn groups(fake: &FakeSlack, parameters: &Value, team: &str) -> Answer {
    let wants = |name: &str| -> Result<bool, String> {
        match &parameters[name] {
            Value::Null => Ok(false),
            Value::Bool(wanted) => Ok(*wanted),
            Value::String(text) if ["true", "1"].contains(&text.as_str()) => Ok(true),
            Value::String(text) if ["false", "0"].contains(&text.as_str()) => Ok(false),
            _ => Err("invalid_arguments".to_owned()),
        }
    };
    let (disabled, users, count) =
        (wants("include_disabled")?, wants("include_users")?, wants("include_count")?);
    let world = fake.world();
    if world.no_groups {
        return Err("plan_upgrade_required".to_owned());
    }
    let shown: Vec<Value> = world
        .groups
        .iter()
        .filter(|group| disabled || group.date_delete == 0)
        .map(|group| {
            let mut shown = json!({
                "id": group.id, "team_id": team, "handle": group.handle, "name": group.handle, "is_external": false,
                "date_delete": group.date_delete,
            });
            if users {
                shown["users"] = json!(group.users);
            }
            if count {
                shown["user_count"] = group.users.len().into();
            }
            for (name, value) in group.more.as_object().unwrap() {
                shown[name] = value.clone();
            }
            shown
        })
        .collect();
    Ok(json!({ "usergroups": shown }))
}

pub(super) fn open(fake: &FakeSlack, parameters: &Value) -> Answer {
    let user = parameters["users"].as_str().unwrap_or_default();
    let world = fake.world();
    if world.user(user).is_none() {
        return Err("user_not_found".to_owned());
    }
    Ok(json!({ "channel": { "id": direct(user) } }))
}
