//! Who and what there is in the fake: one guild by default.

use std::collections::BTreeMap;

use ed25519_dalek::SigningKey;
use serde_json::{Value, json};

/// Intents that need a switch in Discord's portal: members, presences, message content.
pub const GUILD_MEMBERS: u64 = 1 << 1;
pub const GUILD_PRESENCES: u64 = 1 << 8;
pub const MESSAGE_CONTENT: u64 = 1 << 15;

/// A role of a guild.
#[derive(Clone, Debug)]
pub struct Role {
    pub id: String,
    pub name: String,
    /// Fields over and above, such as `position`, `permissions`, `managed` and `tags`.
    pub more: Value,
}

/// A guild.
#[derive(Clone, Debug)]
pub struct Guild {
    pub id: String,
    pub name: String,
    /// User id of the owner.
    pub owner: String,
    pub roles: Vec<Role>,
}

/// A user, and what they are in each guild.
#[derive(Clone, Debug, Default)]
pub struct User {
    pub id: String,
    pub name: String,
    pub global_name: Option<String>,
    pub bot: bool,
    /// Has not passed the guild's screening yet.
    pub pending: bool,
    /// Takes no direct messages of the bot.
    pub closed: bool,
    /// Roles by guild; who is missing here is not a member.
    pub roles: BTreeMap<String, Vec<String>>,
}

/// What the bot may do in a channel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Access {
    #[default]
    Full,
    /// It sees the channel and may not write (50013).
    ReadOnly,
    /// It does not see the channel (50001).
    None,
}

/// A channel, a thread, or a direct conversation.
#[derive(Clone, Debug, Default)]
pub struct Channel {
    pub id: String,
    pub name: String,
    /// The guild; none for a direct conversation.
    pub guild: Option<String>,
    /// The channel that this is a thread of.
    pub parent: Option<String>,
    /// With whom the direct conversation is.
    pub recipient: Option<String>,
    pub access: Access,
}

/// What `GET /gateway/bot` says of IDENTIFYs, and what is kept to.
#[derive(Clone, Debug)]
pub struct StartLimit {
    pub total: u64,
    pub remaining: u64,
    /// Milliseconds.
    pub reset_after: u64,
    pub max_concurrency: u64,
}

/// Everything there is.
#[derive(Clone, Debug)]
pub struct World {
    pub bot_token: String,
    pub application: String,
    /// The bot's user id.
    pub bot: String,
    /// Hex of the public half of `key`.
    pub public_key: String,
    /// What interactions over HTTP are signed with.
    pub key: SigningKey,
    pub guilds: BTreeMap<String, Guild>,
    pub users: BTreeMap<String, User>,
    pub channels: BTreeMap<String, Channel>,
    /// Intents that are not switched on in the portal: IDENTIFY with one of them is closed with 4014.
    pub disallowed_intents: u64,
    /// Fewest shards that IDENTIFY may name (4011).
    pub least_shards: u64,
    /// Shards that `GET /gateway/bot` recommends.
    pub shards: u64,
    pub start_limit: StartLimit,
}

impl Default for World {
    /// Acme with Ada of Engineering, Ben of Product, Cal of neither, and a bot of somebody else's.
    fn default() -> Self {
        let key = SigningKey::from_bytes(&rand::random());
        let guild = "9001".to_owned();
        let role = |id: &str, name: &str| Role { id: id.to_owned(), name: name.to_owned(), more: json!({}) };
        let roles = vec![role(&guild, "@everyone"), role("7001", "Engineering"), role("7002", "Product")];
        let user = |id: &str, name: &str, bot: bool, roles: &[&str]| {
            let roles = roles.iter().map(|role| (*role).to_owned()).collect();
            let user = User {
                id: id.to_owned(),
                name: name.to_lowercase(),
                global_name: (!bot).then(|| name.to_owned()),
                bot,
                roles: BTreeMap::from([(guild.clone(), roles)]),
                ..User::default()
            };
            (id.to_owned(), user)
        };
        let channel = |id: &str, name: &str| {
            let channel = Channel {
                id: id.to_owned(),
                name: name.to_owned(),
                guild: Some(guild.clone()),
                ..Channel::default()
            };
            (id.to_owned(), channel)
        };
        Self {
            bot_token: "ODAwMg.test.discord-bot-token".to_owned(),
            application: "8001".to_owned(),
            bot: "8002".to_owned(),
            public_key: hex(key.verifying_key().as_bytes()),
            key,
            users: BTreeMap::from([
                user("4001", "Ada", false, &["7001"]),
                user("4002", "Ben", false, &["7002"]),
                user("4003", "Cal", false, &[]),
                user("4004", "Robot", true, &["7001"]),
                user("8002", "Adjutant", true, &[]),
            ]),
            channels: BTreeMap::from([channel("5001", "deploys"), channel("5002", "random")]),
            guilds: BTreeMap::from([(
                guild.clone(),
                Guild { id: guild, name: "Acme".to_owned(), owner: "4001".to_owned(), roles },
            )]),
            disallowed_intents: GUILD_MEMBERS | GUILD_PRESENCES,
            least_shards: 1,
            shards: 1,
            start_limit: StartLimit {
                total: 1_000,
                remaining: 1_000,
                reset_after: 86_400_000,
                max_concurrency: 1,
            },
        }
    }
}

impl World {
    /// One more guild, with roles by id and name, and a channel.
    pub fn add_guild(&mut self, id: &str, name: &str, roles: &[(&str, &str)], channel: &str) {
        let role = |(id, name): &(&str, &str)| Role {
            id: (*id).to_owned(),
            name: (*name).to_owned(),
            more: json!({}),
        };
        let roles = roles.iter().map(role).collect();
        let (id_, name_, owner) = (id.to_owned(), name.to_owned(), "4001".to_owned());
        self.guilds.insert(id.to_owned(), Guild { id: id_, name: name_, owner, roles });
        let (guild, name) = (Some(id.to_owned()), format!("{name}-channel"));
        let channel = Channel { id: channel.to_owned(), name, guild, ..Channel::default() };
        self.channels.insert(channel.id.clone(), channel);
    }

    /// One more role of a guild, or another form of one that is there.
    ///
    /// # Panics
    /// When there is no such guild.
    pub fn add_role(&mut self, guild: &str, id: &str, name: &str, more: Value) {
        let guild = self.guilds.get_mut(guild).expect("a guild of the world");
        guild.roles.retain(|role| role.id != id);
        guild.roles.push(Role { id: id.to_owned(), name: name.to_owned(), more });
    }

    /// A user becomes a member of a guild, or gets other roles there.
    ///
    /// # Panics
    /// When there is no such user.
    pub fn join(&mut self, user: &str, guild: &str, roles: &[&str]) {
        let roles = roles.iter().map(|role| (*role).to_owned()).collect();
        self.users.get_mut(user).expect("a user of the world").roles.insert(guild.to_owned(), roles);
    }

    /// The direct conversation of a user with the bot; made when it is not there yet.
    pub fn direct(&mut self, user: &str) -> String {
        let found = self.channels.values().find(|one| one.recipient.as_deref() == Some(user));
        if let Some(found) = found {
            return found.id.clone();
        }
        let id = format!("6{user:0>6}");
        let channel = Channel { id: id.clone(), recipient: Some(user.to_owned()), ..Channel::default() };
        self.channels.insert(id.clone(), channel);
        id
    }

    /// The guild of a channel.
    #[must_use]
    pub fn guild_of(&self, channel: &str) -> Option<String> {
        self.channels.get(channel)?.guild.clone()
    }

    /// A user object.
    ///
    /// # Panics
    /// When there is no such user.
    #[must_use]
    pub fn user_json(&self, id: &str) -> Value {
        let user = self.users.get(id).unwrap_or_else(|| panic!("no user {id}"));
        json!({
            "id": user.id, "username": user.name, "global_name": user.global_name, "bot": user.bot,
            "discriminator": "0", "avatar": null, "public_flags": 0,
        })
    }

    /// A member object without its user; `None` if the user is no member.
    #[must_use]
    pub fn member_json(&self, user: &str, guild: &str) -> Option<Value> {
        let found = self.users.get(user)?;
        let roles = found.roles.get(guild)?;
        Some(json!({
            "roles": roles, "nick": null, "avatar": null, "joined_at": "2024-01-01T00:00:00+00:00",
            "deaf": false, "mute": false, "flags": 0, "pending": found.pending, "premium_since": null,
        }))
    }

    /// A member object with its user.
    #[must_use]
    pub fn whole_member_json(&self, user: &str, guild: &str) -> Option<Value> {
        let mut member = self.member_json(user, guild)?;
        member["user"] = self.user_json(user);
        Some(member)
    }

    /// A channel object.
    #[must_use]
    pub fn channel_json(&self, id: &str) -> Option<Value> {
        let channel = self.channels.get(id)?;
        Some(match (&channel.guild, &channel.recipient) {
            (Some(guild), _) => json!({
                "id": id, "type": if channel.parent.is_some() { 11 } else { 0 }, "guild_id": guild,
                "name": channel.name, "parent_id": channel.parent, "permissions": "2248473465835073",
            }),
            (None, recipient) => json!({
                "id": id, "type": 1, "last_message_id": null,
                "recipients": recipient.iter().map(|user| self.user_json(user)).collect::<Vec<_>>(),
            }),
        })
    }

    /// A guild object; `whole`, as in `GUILD_CREATE`, with its channels.
    #[must_use]
    pub fn guild_json(&self, id: &str, whole: bool) -> Option<Value> {
        let guild = self.guilds.get(id)?;
        let role = |role: &Role| {
            let mut shown = json!({ "id": role.id, "name": role.name, "color": 0, "hoist": false, "position": 1,
                "permissions": "0", "managed": false, "mentionable": false, "flags": 0 });
            for (name, value) in role.more.as_object().unwrap() {
                shown[name] = value.clone();
            }
            shown
        };
        let mut shown = json!({
            "id": id, "name": guild.name, "owner_id": guild.owner, "icon": null, "features": [],
            "roles": guild.roles.iter().map(role).collect::<Vec<_>>(),
        });
        if whole {
            let channels = self.channels.values().filter(|one| one.guild.as_deref() == Some(id));
            let (threads, channels): (Vec<_>, Vec<_>) = channels.partition(|one| one.parent.is_some());
            let json = |all: Vec<&Channel>| -> Vec<Value> {
                all.iter().filter_map(|one| self.channel_json(&one.id)).collect()
            };
            shown["channels"] = json(channels).into();
            shown["threads"] = json(threads).into();
            shown["large"] = false.into();
            shown["unavailable"] = false.into();
            shown["joined_at"] = "2024-01-01T00:00:00+00:00".into();
            shown["member_count"] = self.users.len().into();
        }
        Some(shown)
    }
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
}
