//! What goes to the app: messages of people, and anything once more.

use std::time::Instant;

use serde_json::{Value, json};

use super::{Asked, FakeDiscord, Posted, Via, messages};

impl FakeDiscord {
    /// A message of a person in a guild's channel.
    ///
    /// # Panics
    /// When the user or the channel is none of the world's.
    pub fn say(&self, user: &str, channel: &str, text: &str) -> Asked {
        self.say_with(user, channel, text, json!({}))
    }

    /// A direct message of a person to the bot.
    ///
    /// # Panics
    /// When the user is none of the world's.
    pub fn say_direct(&self, user: &str, text: &str) -> Asked {
        let channel = self.world().direct(user);
        self.say(user, &channel, text)
    }

    /// A message with fields of its own, which replace or add to those of the event: `type`, `webhook_id`, `author`, …
    ///
    /// # Panics
    /// When the user or the channel is none of the world's.
    pub fn say_with(&self, user: &str, channel: &str, text: &str, more: Value) -> Asked {
        let posted = Posted {
            id: self.id(),
            channel: channel.to_owned(),
            author: user.to_owned(),
            content: text.to_owned(),
            embeds: json!([]),
            components: json!([]),
            flags: 0,
            only_for: None,
            files: Vec::new(),
            edited: 0,
            reference: more["message_reference"]["message_id"].as_str().map(str::to_owned),
            nonce: None,
            interaction: None,
            via: Via::Person,
            reactions: Vec::new(),
            body: json!({ "content": text }),
            at: Instant::now(),
        };
        let mut data = {
            let world = self.world();
            assert!(world.channels.contains_key(channel), "no channel {channel}");
            messages::show(&world, &posted, true)
        };
        for (name, value) in more.as_object().into_iter().flatten() {
            data[name] = value.clone();
        }
        self.record().said.push(posted.clone());
        let asked = self.asked("MESSAGE_CREATE", posted.id, String::new(), (user, channel), data);
        self.dispatch(asked.event, asked.data.clone());
        asked
    }

    /// A person changes an earlier message.
    ///
    /// # Panics
    /// When there is no such message.
    pub fn edit(&self, message: &Asked, text: &str) {
        let changed = {
            let mut record = self.record();
            let found = record.message_mut(&message.id).expect("a message that was said");
            found.content = text.to_owned();
            found.edited += 1;
            found.clone()
        };
        let data = messages::show(&self.world(), &changed, true);
        self.dispatch("MESSAGE_UPDATE", data);
    }

    /// Delivers the very same event once more.
    pub fn again(&self, asked: &Asked) {
        self.send(asked.clone());
    }

    pub(super) fn asked(
        &self,
        event: &'static str,
        id: String,
        token: String,
        (user, channel): (&str, &str),
        data: Value,
    ) -> Asked {
        let (fake, user, channel) = (self.clone(), user.to_owned(), channel.to_owned());
        Asked { fake, id, token, user, channel, event, data, at: Instant::now() }
    }

    pub(super) fn send(&self, asked: Asked) {
        let by_http = self.shared.http.lock().clone();
        match by_http {
            Some(url) if asked.event == "INTERACTION_CREATE" => self.post_interaction(url, asked),
            _ => self.dispatch(asked.event, asked.data),
        }
    }
}
