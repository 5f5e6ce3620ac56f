//! The kinds of span, as OpenTelemetry has them.

use opentelemetry::trace::SpanKind;

/// What a span is to whoever is before or behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Something came in, and somebody waits for what is said to it.
    Server,
    /// Somebody is asked, and waited for.
    Client,
    /// A message is put where somebody will take it.
    Producer,
    /// A message is taken.
    Consumer,
    /// Work within the process.
    Internal,
}

impl Kind {
    /// As the table of the documentation has it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Server => "server",
            Self::Client => "client",
            Self::Producer => "producer",
            Self::Consumer => "consumer",
            Self::Internal => "internal",
        }
    }
}

impl From<Kind> for SpanKind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Server => Self::Server,
            Kind::Client => Self::Client,
            Kind::Producer => Self::Producer,
            Kind::Consumer => Self::Consumer,
            Kind::Internal => Self::Internal,
        }
    }
}
