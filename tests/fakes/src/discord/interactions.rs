//! Interactions that people begin: commands, clicks, choices, modals, and the event that each becomes.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{
    Asked, Callback, FakeDiscord,
    callbacks::{AUTOCOMPLETE, COMMAND, COMPONENT, Interaction, MODAL},
    messages,
};

impl FakeDiscord {
    /// A slash command with this `data`; what is missing of `id`, `type` and `guild_id` is filled in.
    pub fn command(&self, user: &str, channel: &str, data: Value) -> Asked {
        let data = self.complete(channel, data);
        self.interact(COMMAND, user, channel, data, None)
    }

    /// A request for suggestions.
    pub fn autocomplete(&self, user: &str, channel: &str, data: Value) -> Asked {
        let data = self.complete(channel, data);
        self.interact(AUTOCOMPLETE, user, channel, data, None)
    }

    /// A command of a message's menu.
    ///
    /// # Panics
    /// When there is no such message.
    pub fn message_command(&self, user: &str, channel: &str, message_id: &str, name: &str) -> Asked {
        let message = self.shown(message_id);
        let data = json!({
            "name": name, "type": 3, "target_id": message_id, "resolved": { "messages": { message_id: message } },
        });
        let data = self.complete(channel, data);
        self.interact(COMMAND, user, channel, data, None)
    }

    /// A click on a button.
    ///
    /// # Panics
    /// When there is no such message, or this user does not see it.
    pub fn click(&self, user: &str, message_id: &str, custom_id: &str) -> Asked {
        self.component(user, message_id, json!({ "component_type": 2, "custom_id": custom_id }))
    }

    /// A choice from a menu of a message.
    ///
    /// # Panics
    /// When there is no such message, or this user does not see it.
    pub fn select(&self, user: &str, message_id: &str, custom_id: &str, values: &[&str]) -> Asked {
        self.component(
            user,
            message_id,
            json!({ "component_type": 3, "custom_id": custom_id, "values": values }),
        )
    }

    fn component(&self, user: &str, message_id: &str, data: Value) -> Asked {
        let message = self.record().message(message_id).cloned().expect("a message with components");
        let seen = message.only_for.as_deref().is_none_or(|only| only == user);
        assert!(seen, "{user} does not see the message {message_id}");
        self.interact(COMPONENT, user, &message.channel, data, Some(message.id))
    }

    /// A modal that was filled in.
    pub fn submit(&self, user: &str, channel: &str, custom_id: &str, values: &[(&str, &str)]) -> Asked {
        let (labels, source) = self.opened(user, custom_id);
        let input = |(name, value): &(&str, &str)| {
            let input = json!({ "type": 4, "id": 2, "custom_id": name, "value": value });
            match labels {
                true => json!({ "type": 18, "id": 1, "component": input }),
                false => json!({ "type": 1, "id": 1, "components": [input] }),
            }
        };
        let components: Vec<Value> = values.iter().map(input).collect();
        let data = json!({ "custom_id": custom_id, "components": components });
        self.interact(MODAL, user, channel, data, source)
    }

    /// Of the modal that was last opened: whether it is made of labels, and which message it belongs to.
    fn opened(&self, user: &str, custom_id: &str) -> (bool, Option<String>) {
        let found = {
            let record = self.record();
            let opened = |one: &&Callback| {
                one.kind == 9 && one.refused.is_none() && one.data["custom_id"] == custom_id
            };
            record.callbacks.iter().rev().find(opened).cloned()
        };
        let Some(found) = found else { return (false, None) };
        let interactions = self.shared.interactions.lock();
        let opener =
            interactions.by_token.values().find(|one| one.id == found.interaction && one.user == user);
        let labels = found.data["components"][0]["type"] == 18;
        (labels, opener.and_then(|opener| opener.source.clone()))
    }

    /// An interaction of this type with this `data`, on this message if it has one.
    ///
    /// # Panics
    /// When the user or the channel is none of the world's.
    pub fn interact(
        &self,
        kind: u64,
        user: &str,
        channel: &str,
        data: Value,
        source: Option<String>,
    ) -> Asked {
        self.interact_with(kind, user, channel, data, source, |_| {})
    }

    /// The same, with an event that the test changes before it is delivered.
    ///
    /// # Panics
    /// When the user or the channel is none of the world's.
    pub fn interact_with(
        &self,
        kind: u64,
        user: &str,
        channel: &str,
        data: Value,
        source: Option<String>,
        change: impl FnOnce(&mut Value),
    ) -> Asked {
        let id = self.id();
        let token = format!("token-{id}-{:032x}", rand::random::<u128>());
        let mut event = {
            let world = self.world();
            let guild = world.guild_of(channel);
            let mut event = json!({
                "id": id, "application_id": world.application, "type": kind, "token": token, "version": 1,
                "channel_id": channel, "channel": world.channel_json(channel).expect("a channel of the world"),
                "locale": "en-US", "app_permissions": "2248473465835073", "entitlements": [], "data": data,
                "attachment_size_limit": 10_485_760, "context": if guild.is_some() { 0 } else { 1 },
                "authorizing_integration_owners": { "0": guild.clone().unwrap_or_else(|| "0".to_owned()) },
            });
            match guild {
                Some(guild) => {
                    let mut member =
                        world.member_json(user, &guild).unwrap_or_else(|| panic!("no member {user}"));
                    member["user"] = world.user_json(user);
                    member["permissions"] = "2248473465835073".into();
                    event["member"] = member;
                    event["guild_locale"] = "en-US".into();
                    event["guild"] = json!({ "id": guild, "locale": "en-US", "features": [] });
                    event["guild_id"] = guild.into();
                }
                None => event["user"] = world.user_json(user),
            }
            event
        };
        if let Some(source) = &source {
            event["message"] = self.shown(source);
        }
        change(&mut event);
        let interaction = Interaction {
            id: id.clone(),
            kind,
            user: user.to_owned(),
            channel: channel.to_owned(),
            source,
            at: Instant::now(),
            aged: Duration::ZERO,
            answer: None,
            deferred: None,
            original: None,
        };
        self.shared.interactions.lock().by_token.insert(token.clone(), interaction);
        let asked = self.asked("INTERACTION_CREATE", id, token, (user, channel), event);
        self.send(asked.clone());
        self.watch(&asked);
        asked
    }

    fn shown(&self, message_id: &str) -> Value {
        let message = self.record().message(message_id).cloned().expect("a message");
        messages::show(&self.world(), &message, false)
    }

    /// Fills in what the test did not say of a command.
    fn complete(&self, channel: &str, mut data: Value) -> Value {
        let guild = self.world().guild_of(channel);
        let kind = data["type"].as_u64().unwrap_or(1);
        data["type"] = kind.into();
        let found = {
            let record = self.record();
            let places = [guild.clone().unwrap_or_default(), String::new()];
            let mut all = places.iter().filter_map(|place| record.commands.get(place)).flatten();
            all.find(|one| one["name"] == data["name"] && one["type"] == kind).cloned()
        };
        if data["id"].is_null() {
            data["id"] = found.as_ref().map_or_else(|| self.id().into(), |one| one["id"].clone());
        }
        if let Some(guild) = found.and_then(|found| found.get("guild_id").cloned()) {
            data["guild_id"] = guild;
        }
        data
    }

    /// Notes an interaction that nobody answers in time.
    fn watch(&self, asked: &Asked) {
        let (fake, token, id) = (self.clone(), asked.token.clone(), asked.id.clone());
        let patience = self.faults().patience;
        tokio::spawn(async move {
            tokio::time::sleep(patience).await;
            let answered =
                fake.shared.interactions.lock().by_token.get(&token).is_some_and(|one| one.answer.is_some());
            if !answered {
                fake.record().unanswered.push(id);
            }
        });
    }
}
