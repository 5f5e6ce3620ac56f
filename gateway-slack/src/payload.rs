//! What Slack sends, read leniently: every field may be missing or of another type, unknown ones are ignored. What a
//! field of a wrong type holds counts as missing, so that one odd field never costs a whole event.

use serde::{Deserialize, Deserializer, de::DeserializeOwned};
use serde_json::Value;

fn lenient<'de, D: Deserializer<'de>, T: DeserializeOwned + Default>(from: D) -> Result<T, D::Error> {
    Ok(T::deserialize(Value::deserialize(from)?).unwrap_or_default())
}

/// A list of which the unreadable members are left out.
fn list<'de, D: Deserializer<'de>, T: DeserializeOwned>(from: D) -> Result<Vec<T>, D::Error> {
    let all = Value::deserialize(from)?;
    let members = all.as_array().cloned().unwrap_or_default();
    Ok(members.into_iter().filter_map(|one| T::deserialize(one).ok()).collect())
}

macro_rules! lenient {
    ($(#[$about:meta])* $name:ident { $($field:ident: $kind:ty,)* }) => {
        $(#[$about])*
        #[derive(Clone, Debug, Default, Deserialize)]
        pub(crate) struct $name {
            $(#[serde(default, deserialize_with = "lenient")] pub(crate) $field: $kind,)*
        }
    };
}

type Text = Option<String>;

/// The outer part of an Events API delivery (Slack: "Events API", callback field overview).
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct Callback {
    #[serde(default, rename = "type", deserialize_with = "lenient")]
    pub(crate) kind: Text,
    #[serde(default, deserialize_with = "lenient")]
    pub(crate) team_id: Text,
    #[serde(default, deserialize_with = "lenient")]
    pub(crate) enterprise_id: Text,
    #[serde(default, deserialize_with = "lenient")]
    pub(crate) api_app_id: Text,
    #[serde(default, deserialize_with = "list")]
    pub(crate) authorizations: Vec<Install>,
    #[serde(default, deserialize_with = "lenient")]
    pub(crate) event: Event,
    #[serde(default, deserialize_with = "lenient")]
    pub(crate) challenge: Text,
}

lenient! {
    /// For which install an event is.
    Install {
        team_id: Text,
        enterprise_id: Text,
    }
}

/// The event itself.
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct Event {
    #[serde(default, rename = "type", deserialize_with = "lenient")]
    pub(crate) kind: Text,
    #[serde(default, deserialize_with = "lenient")]
    pub(crate) subtype: Text,
    #[serde(default, deserialize_with = "lenient")]
    pub(crate) hidden: bool,
    /// A user id in messages, a whole user in `user_change`.
    #[serde(default)]
    pub(crate) user: Value,
    #[serde(default, deserialize_with = "lenient")]
    pub(crate) bot_id: Text,
    #[serde(default, deserialize_with = "lenient")]
    pub(crate) app_id: Text,
    #[serde(default, deserialize_with = "lenient")]
    pub(crate) bot_profile: BotProfile,
    #[serde(default, deserialize_with = "lenient")]
    pub(crate) text: Text,
    #[serde(default, deserialize_with = "lenient")]
    pub(crate) ts: Text,
    #[serde(default, deserialize_with = "lenient")]
    pub(crate) thread_ts: Text,
    #[serde(default, deserialize_with = "lenient")]
    pub(crate) channel: Text,
    #[serde(default, deserialize_with = "lenient")]
    pub(crate) channel_type: Text,
    #[serde(default, deserialize_with = "lenient")]
    pub(crate) user_team: Text,
    #[serde(default, deserialize_with = "lenient")]
    pub(crate) source_team: Text,
    #[serde(default)]
    pub(crate) edited: Value,
    #[serde(default, deserialize_with = "lenient")]
    pub(crate) tab: Text,
}

impl Event {
    pub(crate) fn user(&self) -> Option<&str> {
        self.user.as_str().or_else(|| self.user.get("id").and_then(Value::as_str))
    }
}

lenient! {
    /// The app behind a bot's message.
    BotProfile {
        app_id: Text,
    }
}

lenient! {
    /// A slash command (Slack: "Enabling interactivity with slash commands").
    Slash {
        command: Text,
        text: Text,
        user_id: Text,
        user_name: Text,
        team_id: Text,
        enterprise_id: Text,
        channel_id: Text,
        trigger_id: Text,
        response_url: Text,
        ssl_check: Text,
    }
}

/// A click, a submitted or closed view, a shortcut, a question for options (Slack: "Interaction payloads").
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct Interaction {
    #[serde(default, rename = "type", deserialize_with = "lenient")]
    pub(crate) kind: Text,
    #[serde(default, deserialize_with = "lenient")]
    pub(crate) user: Person,
    #[serde(default, deserialize_with = "lenient")]
    pub(crate) team: Named,
    #[serde(default, deserialize_with = "lenient")]
    pub(crate) enterprise: Named,
    #[serde(default, deserialize_with = "lenient")]
    pub(crate) channel: Named,
    #[serde(default, deserialize_with = "lenient")]
    pub(crate) container: Container,
    #[serde(default, deserialize_with = "lenient")]
    pub(crate) message: Message,
    #[serde(default, deserialize_with = "lenient")]
    pub(crate) trigger_id: Text,
    #[serde(default, deserialize_with = "lenient")]
    pub(crate) response_url: Text,
    #[serde(default, deserialize_with = "list")]
    pub(crate) actions: Vec<Action>,
    #[serde(default, deserialize_with = "lenient")]
    pub(crate) view: View,
    #[serde(default, deserialize_with = "lenient")]
    pub(crate) callback_id: Text,
    #[serde(default, deserialize_with = "lenient")]
    pub(crate) action_id: Text,
    #[serde(default, deserialize_with = "lenient")]
    pub(crate) value: Text,
}

lenient! {
    /// A user in an interaction.
    Person {
        id: Text,
        team_id: Text,
        username: Text,
        name: Text,
    }
}

lenient! {
    /// Something with an id.
    Named {
        id: Text,
    }
}

lenient! {
    /// Where a click happened.
    Container {
        message_ts: Text,
        channel_id: Text,
        thread_ts: Text,
        is_ephemeral: bool,
    }
}

lenient! {
    /// The message that was clicked or chosen.
    Message {
        ts: Text,
        thread_ts: Text,
        text: Text,
    }
}

lenient! {
    /// What was clicked.
    Action {
        action_id: Text,
        value: Text,
        action_ts: Text,
    }
}

lenient! {
    /// A modal or a home tab.
    View {
        id: Text,
        callback_id: Text,
        private_metadata: Text,
        hash: Text,
        state: Value,
    }
}
