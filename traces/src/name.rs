//! The spans that there are. A name says what was done and never to whom or with what, so that a tracing system can group by it.

use crate::Kind;

/// Which span.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Name {
    /// The API answers a call.
    Answer,
    /// Something that asks for a command came in at a gateway.
    Receive,
    /// Who asks, and in which groups they are.
    Identify,
    /// A command is put on the bus.
    PublishCommand,
    /// A worker has a command, from delivery to acknowledgement.
    ProcessCommand,
    /// What is asked is understood, and policy decides.
    Decide,
    /// An event is written to the journal.
    Append,
    /// What the command does.
    Run,
    /// A service is called for it.
    Call,
    /// A service answers a call.
    Serve,
    /// A gateway brings the answer into the conversation.
    DeliverAnswer,
    /// A notice is put on the bus.
    PublishNotice,
    /// What a service announces is checked, and becomes notices.
    ForwardNotice,
    /// A gateway brings a notice into its channel.
    DeliverNotice,
    /// The chat platform's own API is called.
    CallPlatform,
}

impl Name {
    /// All of them, in the order in which they come in the life of a command.
    pub const ALL: [Self; 15] = [
        Self::Answer,
        Self::Receive,
        Self::Identify,
        Self::PublishCommand,
        Self::ProcessCommand,
        Self::Decide,
        Self::Append,
        Self::Run,
        Self::Call,
        Self::Serve,
        Self::DeliverAnswer,
        Self::PublishNotice,
        Self::ForwardNotice,
        Self::DeliverNotice,
        Self::CallPlatform,
    ];

    /// The name as it is exported; [`Self::Answer`] is called by the method and the route instead: `POST /v1/requests`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Answer => "METHOD /v1/…",
            Self::Receive => "receive",
            Self::Identify => "identify",
            Self::PublishCommand => "publish command",
            Self::ProcessCommand => "process command",
            Self::Decide => "decide",
            Self::Append => "append event",
            Self::Run => "run command",
            Self::Call => "call service",
            Self::Serve => "serve call",
            Self::DeliverAnswer => "deliver answer",
            Self::PublishNotice => "publish notice",
            Self::ForwardNotice => "forward notice",
            Self::DeliverNotice => "deliver notice",
            Self::CallPlatform => "call platform",
        }
    }

    /// What takes the time that it shows.
    #[must_use]
    pub const fn tells(self) -> &'static str {
        match self {
            Self::Answer => "the API answers a call",
            Self::Receive => "something that asks for a command came in at a gateway, until the bus has it",
            Self::Identify => "the platform is asked who that is, and in which groups",
            Self::PublishCommand => "the command is put on the bus, until it is stored",
            Self::ProcessCommand => "a worker has the command, until it is settled",
            Self::Decide => "the words are understood, and policy decides",
            Self::Append => "an event is written to the journal, until it is stored",
            Self::Run => "what the command does",
            Self::Call => "a service is called for it, until its last frame",
            Self::Serve => "the service works; only services of this program tell it by themselves",
            Self::DeliverAnswer => {
                "a gateway brings the answer into the conversation, tries and waits included"
            }
            Self::PublishNotice => "a notice is put on the bus, until it is stored",
            Self::ForwardNotice => "a worker checks what a service announces, and makes notices of it",
            Self::DeliverNotice => "a gateway brings a notice into its channel",
            Self::CallPlatform => "a call of the platform's API, with the wait for its turn where it has one",
        }
    }

    /// Its kind.
    #[must_use]
    pub const fn kind(self) -> Kind {
        match self {
            Self::Answer | Self::Receive | Self::Serve => Kind::Server,
            Self::Call | Self::CallPlatform => Kind::Client,
            Self::PublishCommand | Self::Append | Self::PublishNotice => Kind::Producer,
            Self::ProcessCommand | Self::DeliverAnswer | Self::ForwardNotice | Self::DeliverNotice => {
                Kind::Consumer
            }
            Self::Identify | Self::Decide | Self::Run => Kind::Internal,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_spans_have_one_name() {
        let mut names: Vec<&str> = Name::ALL.iter().map(|name| name.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Name::ALL.len());
    }
}
