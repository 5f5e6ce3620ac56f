//! From what Discord sends to what is asked, or to the reason why nothing is. Pure: no clock, no lookup.

mod interaction;
mod message;

use adjutant_bus::{actor::Platform, id::RequestId, place::AnswerAddress};
use serde_json::Value;

pub(crate) use self::{
    interaction::{interaction, is_token},
    message::message,
};
use crate::{
    people::{Home, Identity, Trusted},
    snowflake::Snowflake,
};

/// Who we are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Us {
    pub(crate) bot: Snowflake,
    pub(crate) application: Snowflake,
}

/// By what a command came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum By {
    /// This message.
    Message(Snowflake),
    /// An interaction of this id, and the token that answers it. `modal`: it may be answered by one.
    Interaction { id: Snowflake, token: AnswerAddress, modal: bool },
}

/// A command that somebody asked for.
#[derive(Clone, Debug)]
pub(crate) struct Ask {
    pub(crate) home: Home,
    pub(crate) who: Identity,
    pub(crate) by: By,
    /// Where it was asked; of a thread, the channel that it belongs to, where that is known.
    pub(crate) channel: Snowflake,
    pub(crate) thread: Option<Snowflake>,
    pub(crate) private: bool,
    /// The words that were meant.
    pub(crate) text: String,
    /// The platform's own form of them. What came by a button or a modal has none: nobody sees who asked.
    pub(crate) raw: Option<String>,
}

impl Ask {
    /// The same event has the same id on every replica and at every delivery.
    pub(crate) fn id(&self) -> RequestId {
        let event = match &self.by {
            By::Message(id) => format!("message:{id}"),
            By::Interaction { id, .. } => format!("interaction:{id}"),
        };
        RequestId::derive(Platform::Discord, &self.home.tenant(), &event)
    }
}

/// What came in.
#[derive(Clone, Debug)]
pub(crate) enum Inbound {
    /// A command.
    Ask(Box<Ask>),
    /// A question for choices.
    Autocomplete(Vec<Value>),
    /// A message that is to be shown as a command before it is asked.
    Prefill(String),
    /// Discord asks whether the address is ours.
    Ping,
    /// Nothing is asked, for this reason.
    Ignored(Ignored),
}

/// Why nothing is asked. Each is counted in the log under its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Ignored {
    /// A bot or a webhook wrote it.
    Bot,
    /// We wrote it.
    Ourselves,
    /// A join, a pin, an echo of a command and the like: no words of a person.
    NotWords,
    /// It does not speak to the bot.
    NotToUs,
    /// It names nobody.
    Nobody,
    /// Something of Discord's that is not used.
    NotUsed,
    /// A command, button or modal that is not ours, or no longer.
    NotOurs,
    /// Fields that everything needs are missing.
    Unreadable,
}

impl Ignored {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Bot => "bot",
            Self::Ourselves => "ourselves",
            Self::NotWords => "not_words",
            Self::NotToUs => "not_to_us",
            Self::Nobody => "nobody",
            Self::NotUsed => "not_used",
            Self::NotOurs => "not_ours",
            Self::Unreadable => "unreadable",
        }
    }
}

fn raw(words: &str, text: &str) -> Option<String> {
    (words != text).then(|| text.to_owned())
}

/// Whoever only calls the bot is told what it can do.
fn or_help(words: String) -> String {
    if words.is_empty() { "help".to_owned() } else { words }
}

fn by_whom(
    user: &crate::payload::User,
    member: Option<&crate::payload::Member>,
    home: Home,
    trusted: &Trusted,
) -> Result<Identity, Ignored> {
    crate::people::identify(user, member, home, trusted).ok_or(Ignored::Nobody)
}

#[cfg(test)]
mod tests;
