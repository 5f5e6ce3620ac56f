//! Who and what there is in the fake: one workspace by default.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

/// A user, as `users.info` tells.
#[derive(Clone, Debug)]
pub struct User {
    pub id: String,
    pub name: String,
    /// Fields over and above `id`, `name`, `team_id` and `profile`.
    pub more: Value,
}

/// A user group.
#[derive(Clone, Debug)]
pub struct Group {
    pub id: String,
    pub handle: String,
    pub users: Vec<String>,
    /// When it was disabled; 0 if it is not.
    pub date_delete: i64,
    /// Fields over and above.
    pub more: Value,
}

/// Everything there is.
#[derive(Clone, Debug)]
pub struct World {
    pub team: String,
    pub name: String,
    pub app: String,
    pub bot: String,
    pub bot_token: String,
    /// Other workspaces with the app: token, team, name. Everything else is the same there.
    pub others: Vec<(String, String, String)>,
    pub app_token: String,
    pub signing_secret: String,
    pub scopes: BTreeSet<String>,
    pub users: BTreeMap<String, User>,
    pub groups: Vec<Group>,
    /// The plan has no user groups.
    pub no_groups: bool,
    /// Channels, with their members; direct conversations begin with `D`.
    pub channels: BTreeMap<String, BTreeSet<String>>,
    pub archived: BTreeSet<String>,
}

impl World {
    /// A workspace with Ana of Engineering, Pat of Product, Sam of no group, a guest, a stranger, a bot and somebody who left.
    #[must_use]
    pub fn standard() -> Self {
        let user = |id: &str, name: &str, more: Value| {
            (id.to_owned(), User { id: id.to_owned(), name: name.to_owned(), more })
        };
        let users = BTreeMap::from([
            user("U0BOT", "adjutant", json!({ "is_bot": true })),
            user("U0ANA", "ana", json!({})),
            user("U0PAT", "pat", json!({})),
            user("U0SAM", "sam", json!({})),
            user("U0GST", "gus", json!({ "is_restricted": true })),
            user("U0EXT", "eve", json!({ "is_stranger": true, "team_id": "T0OTHER" })),
            user("U0ROB", "robot", json!({ "is_bot": true })),
            user("U0DEL", "del", json!({ "deleted": true })),
        ]);
        let group = |id: &str, handle: &str, users: &[&str], date_delete| Group {
            id: id.to_owned(),
            handle: handle.to_owned(),
            users: users.iter().map(|user| (*user).to_owned()).collect(),
            date_delete,
            more: json!({}),
        };
        let everybody: BTreeSet<String> = users.keys().cloned().collect();
        let mut channels: BTreeMap<String, BTreeSet<String>> =
            (0..40).map(|n| (format!("C{n:04}"), everybody.clone())).collect();
        channels.insert("C0DEPLOY".to_owned(), everybody.clone());
        channels.insert("C0GENERAL".to_owned(), everybody.clone());
        let without_bot = everybody.iter().filter(|user| *user != "U0BOT").cloned().collect();
        channels.insert("C0ALONE".to_owned(), without_bot);
        for user in everybody.iter().filter(|user| *user != "U0BOT") {
            channels.insert(direct(user), BTreeSet::from([user.clone(), "U0BOT".to_owned()]));
        }
        Self {
            team: "T0ACME".to_owned(),
            name: "Acme".to_owned(),
            app: "A0ADJ".to_owned(),
            bot: "U0BOT".to_owned(),
            bot_token: "xoxb-test-0".to_owned(),
            others: Vec::new(),
            app_token: "xapp-test-0".to_owned(),
            signing_secret: "test-signing-secret".to_owned(),
            scopes: SCOPES.iter().map(|scope| (*scope).to_owned()).collect(),
            users,
            groups: vec![
                group("S0ENG", "engineering", &["U0ANA", "U0GST"], 0),
                group("S0PRD", "product", &["U0PAT"], 0),
                group("S0OLD", "old", &["U0SAM"], 1_700_000_000),
            ],
            no_groups: false,
            channels,
            archived: BTreeSet::new(),
        }
    }

    /// One more user group, with fields over and above.
    pub fn add_group(&mut self, id: &str, name: &str, users: &[&str], more: Value) {
        let group = Group {
            id: id.to_owned(),
            handle: name.to_lowercase().replace(' ', "-"),
            users: users.iter().map(|user| (*user).to_owned()).collect(),
            date_delete: more["date_delete"].as_i64().unwrap_or_default(),
            more,
        };
        self.groups.push(group);
        self.rename_group(id, name);
    }

    /// A group gets another name; its id stays.
    ///
    /// # Panics
    /// When there is no such group.
    pub fn rename_group(&mut self, id: &str, name: &str) {
        let group = self.groups.iter_mut().find(|group| group.id == id).expect("a group of the world");
        group.more["name"] = name.into();
    }

    /// Team and name of the workspace that a bot token is for.
    pub(super) fn install(&self, token: &str) -> Option<(String, String)> {
        if token == self.bot_token {
            return Some((self.team.clone(), self.name.clone()));
        }
        self.others.iter().find(|other| other.0 == token).map(|other| (other.1.clone(), other.2.clone()))
    }

    pub(super) fn user(&self, id: &str) -> Option<Value> {
        let user = self.users.get(id)?;
        let mut shown = json!({
            "id": user.id, "name": user.name, "team_id": self.team, "deleted": false, "is_bot": false,
            "real_name": user.name, "profile": { "display_name": user.name },
        });
        for (name, value) in user.more.as_object().unwrap() {
            shown[name] = value.clone();
        }
        Some(shown)
    }

    pub(super) fn is_member(&self, channel: &str, user: &str) -> bool {
        self.channels.get(channel).is_some_and(|members| members.contains(user))
    }
}

/// The direct conversation of a user with the bot.
#[must_use]
pub(super) fn direct(user: &str) -> String {
    format!("D{}", user.trim_start_matches('U'))
}

/// The scopes of a complete installation.
const SCOPES: &[&str] = &[
    "app_mentions:read",
    "channels:history",
    "chat:write",
    "commands",
    "files:write",
    "groups:history",
    "im:history",
    "im:write",
    "mpim:history",
    "reactions:write",
    "usergroups:read",
    "users:read",
    "users:read.email",
];
