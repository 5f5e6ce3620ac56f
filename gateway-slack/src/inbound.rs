//! From what Slack sends to what is asked, or to the reason why nothing is. Pure: no clock, no lookup.

mod event;
mod interaction;
mod slash;

use adjutant_bus::{id::RequestId, place::AnswerAddress};

pub(crate) use self::{event::event, interaction::interaction, slash::slash};

/// Prefix of the `action_id` of our buttons.
pub(crate) const RUN: &str = "adjutant_run";
/// `callback_id` of the message shortcut, and of the modal that it opens.
pub(crate) const SHORTCUT: &str = "adjutant_run";
/// `callback_id` of the modal that asks for arguments.
pub(crate) const ARGUMENTS: &str = "adjutant_arguments";

/// Which install something belongs to, as the payload says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Install {
    pub(crate) team: Option<String>,
    pub(crate) enterprise: Option<String>,
}

/// A person as the payload names them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Person {
    pub(crate) id: String,
    /// Display name, a label only.
    pub(crate) label: String,
    /// The payload says that they are of another workspace.
    pub(crate) elsewhere: bool,
}

/// By what a command came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum By {
    /// A message with this `ts`: it can carry a reaction.
    Message(String),
    /// A slash command.
    Slash,
    /// A click in a message with this `ts`.
    Click(String),
    /// A submitted modal.
    View,
}

/// A command that somebody asked for.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Ask {
    pub(crate) install: Install,
    pub(crate) person: Person,
    pub(crate) by: By,
    pub(crate) channel: String,
    pub(crate) thread: Option<String>,
    pub(crate) private: bool,
    pub(crate) answer: Option<AnswerAddress>,
    /// The words that were meant.
    pub(crate) text: String,
    /// The platform's own form of them, where it differs.
    pub(crate) raw: Option<String>,
    /// Opens a modal within 3 seconds.
    pub(crate) trigger: Option<String>,
    /// The platform's id of the event, from which the request's id is derived.
    pub(crate) event: String,
}

impl Ask {
    /// The same event has the same id on every replica and at every delivery.
    pub(crate) fn id(&self, tenant: &adjutant_bus::actor::Tenant) -> RequestId {
        RequestId::derive(adjutant_bus::actor::Platform::Slack, tenant, &self.event)
    }
}

/// What came in.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Inbound {
    /// A command.
    Ask(Box<Ask>),
    /// A message shortcut: open a modal with this text.
    Prefill { ask: Box<Ask>, trigger: String },
    /// Somebody opened the app's home.
    Home { install: Install, person: Person, event: String },
    /// A question for options of this argument that begin with these characters.
    Options { path: String, argument: String, typed: String },
    /// The groups of this install have changed.
    GroupsChanged(Install),
    /// What is known of this user is out of date.
    UserChanged { install: Install, user: String },
    /// The app was removed from this install.
    Removed(Install),
    /// Slack asks whether the address is ours.
    Challenge(String),
    /// Nothing is asked, for this reason.
    Ignored(Ignored),
}

/// Why nothing is asked. Each is counted in the log under its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Ignored {
    /// A bot wrote it.
    Bot,
    /// We wrote it.
    Ourselves,
    /// An edit, a deletion, a join and the like: no new message.
    NotNew,
    /// It does not speak to the bot.
    NotToUs,
    /// It names nobody.
    Nobody,
    /// Something of Slack's that is not used.
    NotUsed,
    /// A button or view that is not ours.
    NotOurs,
    /// Slack tells that it sends too much.
    RateLimited,
    /// Slack tests the certificate.
    CertificateCheck,
    /// Fields that everything needs are missing.
    Unreadable,
    /// A workspace that is not configured.
    UnknownWorkspace,
}

impl Ignored {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Bot => "bot",
            Self::Ourselves => "ourselves",
            Self::NotNew => "not_new",
            Self::NotToUs => "not_to_us",
            Self::Nobody => "nobody",
            Self::NotUsed => "not_used",
            Self::NotOurs => "not_ours",
            Self::RateLimited => "rate_limited",
            Self::CertificateCheck => "certificate_check",
            Self::Unreadable => "unreadable",
            Self::UnknownWorkspace => "unknown_workspace",
        }
    }
}

/// Who we are in a workspace, as far as reading needs it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Us {
    pub(crate) user: String,
    pub(crate) app: Option<String>,
    pub(crate) team: String,
}

/// Direct conversations have ids that begin with `D` (Slack: "Conversations API").
pub(crate) fn is_direct(channel: &str) -> bool {
    channel.starts_with('D')
}

fn raw(words: &str, text: &str) -> Option<String> {
    (words != text).then(|| text.to_owned())
}

#[cfg(test)]
mod tests;
