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

pub(super) fn groups(fake: &FakeSlack, team: &str) -> Answer {
    let world = fake.world();
    if world.no_groups {
        return Err("plan_upgrade_required".to_owned());
    }
    let shown: Vec<Value> = world
        .groups
        .iter()
        .map(|group| {
            let mut shown = json!({
                "id": group.id, "team_id": team, "handle": group.handle, "name": group.handle,
                "date_delete": group.date_delete, "users": group.users, "user_count": group.users.len(),
            });
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
