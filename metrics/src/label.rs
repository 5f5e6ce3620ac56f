//! The labels and their values. Every label is bounded: by a list that stands here, or by what is configured. What comes in
//! from outside never makes a series: a value that is not known is `other`.

/// The value that stands for all that are not known.
pub const OTHER: &str = "other";
/// Most values of a label whose values are configured. Those beyond it are [`OTHER`].
pub const MOST_VALUES: usize = 200;

/// What bounds the values of a label.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Values {
    /// These, and [`OTHER`].
    Fixed(&'static [&'static str]),
    /// What is told here; at most [`MOST_VALUES`], and [`OTHER`].
    Configured(&'static str),
}

/// A label.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Label {
    /// The path of a command.
    Command,
    /// How a request ended.
    Outcome,
    /// Why one was refused.
    Code,
    /// A platform.
    Platform,
    /// What policy said.
    Verdict,
    /// What became of a message whose journal had begun.
    Adoption,
    /// What became of an announcement or a notice.
    Result,
    /// What the bus said to a request.
    Accepted,
    /// Why an answer was not delivered.
    Failure,
    /// A connection to the bus.
    Connection,
    /// What the server complained of.
    Error,
    /// A queue of the bus.
    Queue,
    /// By which net a duplicate was caught.
    Net,
    /// What only one replica may do at a time.
    Lease,
    /// Where something went wrong on our side.
    Where,
    /// What a process was started as.
    Role,
    /// The program's version.
    Version,
    /// The method of a call.
    Method,
    /// The route of a call.
    Route,
    /// The status of an answer.
    Status,
    /// How far a canary came.
    Stage,
}

impl Label {
    /// Every label, in the order of the documentation.
    pub const ALL: [Self; 21] = [
        Self::Command,
        Self::Outcome,
        Self::Code,
        Self::Platform,
        Self::Verdict,
        Self::Adoption,
        Self::Result,
        Self::Accepted,
        Self::Failure,
        Self::Connection,
        Self::Error,
        Self::Queue,
        Self::Net,
        Self::Lease,
        Self::Where,
        Self::Role,
        Self::Version,
        Self::Method,
        Self::Route,
        Self::Status,
        Self::Stage,
    ];

    /// Its name in a series.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Command => "command",
            Self::Outcome => "outcome",
            Self::Code => "code",
            Self::Platform => "platform",
            Self::Verdict => "verdict",
            Self::Adoption => "adoption",
            Self::Result => "result",
            Self::Accepted => "accepted",
            Self::Failure => "failure",
            Self::Connection => "connection",
            Self::Error => "error",
            Self::Queue => "queue",
            Self::Net => "net",
            Self::Lease => "lease",
            Self::Where => "where",
            Self::Role => "role",
            Self::Version => "version",
            Self::Method => "method",
            Self::Route => "route",
            Self::Status => "status",
            Self::Stage => "stage",
        }
    }

    /// What it may be.
    #[must_use]
    pub const fn values(self) -> Values {
        match self {
            Self::Command => Values::Configured(
                "commands of the catalogue, as `deploy.promote`; `unknown` for what is none",
            ),
            Self::Outcome => Values::Fixed(&[
                "refused",
                "rejected",
                "succeeded",
                "failed",
                "timed_out",
                "cancelled",
                "expired",
                "interrupted",
            ]),
            Self::Code => Values::Fixed(&[
                "unknown_command",
                "bad_arguments",
                "not_allowed",
                "wrong_place",
                "locked",
                "busy",
                "no_service",
                "unidentified",
                "paused",
            ]),
            Self::Platform => Values::Fixed(&["slack", "discord", "console", "api", "service"]),
            Self::Verdict => Values::Fixed(&["allowed", "denied"]),
            Self::Adoption => Values::Fixed(&["settled", "wait", "resumed", "cancelled", "interrupted"]),
            Self::Result => Values::Fixed(&["done", "later", "never"]),
            Self::Accepted => Values::Fixed(&["yes", "no", "never", "uncertain"]),
            Self::Failure => Values::Fixed(&["wait", "uncertain", "form", "final", "bus"]),
            Self::Connection => Values::Fixed(&[
                "worker",
                "gateway-slack",
                "gateway-discord",
                "gateway-console",
                "api",
                "admin",
                "svc-deployments",
            ]),
            Self::Error => Values::Fixed(&["permission_violation", "slow_consumer"]),
            Self::Queue => Values::Fixed(&["commands", "outbox"]),
            Self::Net => Values::Fixed(&["bus", "journal"]),
            Self::Lease => Values::Fixed(&[
                "slack.sender",
                "discord.sender",
                "discord.shard",
                "discord.identify",
                "api.audit",
            ]),
            Self::Where => Values::Fixed(&["command", "policy", "worker", "role", "panic"]),
            Self::Role => Values::Fixed(&["up", "worker", "gateway-slack", "gateway-discord", "api"]),
            Self::Version => Values::Configured("the version of this program"),
            Self::Method => {
                Values::Fixed(&["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"])
            }
            Self::Route => {
                Values::Configured("routes of the API, as `/v1/requests/{id}`; `none` for what is none")
            }
            Self::Status => Values::Configured("statuses that the API answers with"),
            Self::Stage => Values::Fixed(&[
                "returned",
                "not_accepted",
                "not_taken",
                "not_ended",
                "not_succeeded",
                "not_seen",
                "not_read",
            ]),
        }
    }
}
