//! Every metric that there is, in one table.

use crate::{
    kind::{CALL, DECISION, Kind, LONG, Part, SHORT},
    label::Label,
};

/// What a metric is.
#[derive(Clone, Copy, Debug)]
pub struct Described {
    /// Its name: base units, `_total` on counters.
    pub name: &'static str,
    /// How it behaves.
    pub kind: Kind,
    /// Who tells it.
    pub part: Part,
    /// Its labels, in this order.
    pub labels: &'static [Label],
    /// What it tells.
    pub help: &'static str,
}

/// One line for each metric.
macro_rules! names {
    ($($variant:ident: $part:ident $kind:expr, $name:literal [$($label:ident),*] $help:literal;)*) => {
        /// The name of a metric.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Name {
            $(#[doc = $help] $variant,)*
        }

        impl Name {
            /// Every metric, in the order of the documentation.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// What it is.
            #[must_use]
            pub const fn describe(self) -> Described {
                match self {
                    $(Self::$variant => Described {
                        name: $name,
                        kind: $kind,
                        part: Part::$part,
                        labels: &[$(Label::$label),*],
                        help: $help,
                    },)*
                }
            }
        }
    };
}

names! {
    BuildInfo: Program Kind::Gauge, "adjutant_build_info" [Version, Role]
        "1, with what runs here in its labels";
    StartTime: Program Kind::Gauge, "adjutant_start_time_seconds" []
        "When this process was started, in seconds since 1970";
    Faults: Program Kind::Counter, "adjutant_faults_total" [Where]
        "What went wrong on our side: faults behind a command or in the policy engine, executions and roles that fell, panics";
    SpansExported: Program Kind::Counter, "adjutant_spans_exported_total" []
        "Spans of traces that the collector took";
    SpansLost: Program Kind::Counter, "adjutant_spans_lost_total" []
        "Spans of traces that the collector did not take";

    BusConnected: Bus Kind::Gauge, "adjutant_bus_connected" [Connection]
        "Whether the connection to the bus is up: 1 or 0";
    BusReconnects: Bus Kind::Counter, "adjutant_bus_reconnects_total" [Connection]
        "Connections to the bus that were lost and came back";
    BusErrors: Bus Kind::Counter, "adjutant_bus_errors_total" [Connection, Error]
        "What the server complained of; `permission_violation`: this user may not do what was tried";
    QueueSeconds: Bus SHORT, "adjutant_queue_seconds" [Queue]
        "From when the bus accepted a message until it was first taken, in seconds";
    QueueWaiting: Bus Kind::Gauge, "adjutant_queue_waiting_messages" [Queue]
        "Messages that waited behind the last one that was taken here";
    Redeliveries: Bus Kind::Counter, "adjutant_redeliveries_total" [Queue]
        "Messages that were taken here and had been delivered before";
    Duplicates: Bus Kind::Counter, "adjutant_duplicates_total" [Net]
        "Duplicates that were dropped: by the bus, which knew the id, or by the journal, which had begun or ended already";
    DeadLetters: Bus Kind::Counter, "adjutant_dead_letters_total" [Queue]
        "Messages that were put among the dead letters here";
    LeasesHeld: Bus Kind::Gauge, "adjutant_leases_held" [Lease]
        "Leases that this replica holds: to send, a shard, to begin a session, to copy into the record";
    LeasesLost: Bus Kind::Counter, "adjutant_leases_lost_total" [Lease]
        "Leases that could not be renewed in time, or that another replica took";
    FollowerLag: Bus Kind::Gauge, "adjutant_follower_lag_events" [Platform]
        "Events of the journal that the sender of a platform has not confirmed, told by the replica that sends";
    JournalBytes: Bus Kind::Gauge, "adjutant_journal_bytes" []
        "Size of the journal in bytes, as last seen by the API";
    JournalLimit: Bus Kind::Gauge, "adjutant_journal_limit_bytes" []
        "Size in bytes at which the journal is full and nothing runs any more; 0: no limit";

    PolicyVersion: Policy Kind::Gauge, "adjutant_policy_version" []
        "The version in force here; 0: none, and everything is refused";
    PolicyDigest: Policy Kind::Gauge, "adjutant_policy_digest" []
        "The first 32 bits of the digest of the policy in force here, as a number: replicas that differ decide differently";
    PolicyAge: Policy Kind::Gauge, "adjutant_policy_confirmed_age_seconds" []
        "Seconds since the policy in force here was last known to be the current one";
    PolicyLoads: Policy Kind::Counter, "adjutant_policy_loads_total" []
        "Policies that were put in force here; the same one again where commands have come";
    PolicyLoadFailures: Policy Kind::Counter, "adjutant_policy_load_failures_total" []
        "Policies that were not put in force here; the last good one stays";

    Commands: Worker Kind::Counter, "adjutant_commands_total" [Command, Outcome]
        "Requests that ended here";
    Refusals: Worker Kind::Counter, "adjutant_refusals_total" [Platform, Code]
        "Requests that were refused here, by where they came from and why";
    DecisionSeconds: Worker DECISION, "adjutant_decision_seconds" [Verdict]
        "How long policy took to decide on a command, in seconds";
    RunSeconds: Worker LONG, "adjutant_run_seconds" [Command]
        "How long a command ran, in seconds";
    Slots: Worker Kind::Gauge, "adjutant_worker_slots" []
        "Commands that this worker runs at once";
    SlotsUsed: Worker Kind::Gauge, "adjutant_worker_slots_used" []
        "Commands that this worker runs now";
    Adoptions: Worker Kind::Counter, "adjutant_adoptions_total" [Adoption]
        "Messages whose journal had begun already, by what became of them";
    Announcements: Worker Kind::Counter, "adjutant_announcements_total" [Result]
        "Announcements of services: forwarded, put back, or put among the dead letters";

    GatewayRequests: Gateway Kind::Counter, "adjutant_gateway_requests_total" [Platform, Accepted]
        "Requests that came in, by what the bus said to them";
    AcceptSeconds: Gateway SHORT, "adjutant_gateway_accept_seconds" [Platform]
        "How long the bus took to accept a request, in seconds";
    SocketsOpen: Gateway Kind::Gauge, "adjutant_gateway_sockets_open" [Platform]
        "Sockets to the platform on which this replica receives";
    SocketsWanted: Gateway Kind::Gauge, "adjutant_gateway_sockets_wanted" [Platform]
        "Sockets that this replica should have open: at Discord, of the shards that it holds";
    Frames: Gateway Kind::Counter, "adjutant_gateway_frames_total" [Platform]
        "What the platform sent: frames of sockets, or posts whose signature fits";
    FrameAge: Gateway Kind::Gauge, "adjutant_gateway_last_frame_age_seconds" [Platform]
        "Seconds since the platform last sent anything here";
    DeliverySeconds: Gateway SHORT, "adjutant_delivery_seconds" [Platform]
        "From when a request ended until its answer was posted, in seconds";
    DeliveryFailures: Gateway Kind::Counter, "adjutant_delivery_failures_total" [Platform, Failure]
        "Tries to post an answer that failed; after `final` it is not tried again";
    Notices: Gateway Kind::Counter, "adjutant_notices_total" [Platform, Result]
        "Notices: posted, put back, or put among the dead letters";
    RateWaits: Gateway Kind::Counter, "adjutant_rate_limit_waits_total" [Platform]
        "Calls of the platform that had to wait for the rate that it allows";
    RateWaitSeconds: Gateway Kind::Counter, "adjutant_rate_limit_wait_seconds_total" [Platform]
        "Seconds that calls of the platform waited for the rate that it allows";
    RateLimited: Gateway Kind::Counter, "adjutant_rate_limited_total" [Platform]
        "Calls that the platform refused because there were too many";

    ApiRequests: Api Kind::Counter, "adjutant_api_requests_total" [Method, Route, Status]
        "Calls of the API that were answered";
    ApiSeconds: Api CALL, "adjutant_api_request_duration_seconds" [Method, Route]
        "How long it took until the head of the answer was ready, in seconds";
    OldPepper: Api Kind::Gauge, "adjutant_api_keys_on_old_pepper" []
        "Keys and secrets of hooks that are kept under another pepper than the one in use: at 0 the one before can go";
    SupersededCalls: Api Kind::Counter, "adjutant_api_superseded_key_calls_total" []
        "Calls with a key that another one replaces: who has not switched yet";
    AuditLag: Api Kind::Gauge, "adjutant_audit_lag_events" []
        "Events of the journal that are not in the record, told by the replica that copies";
    AuditAge: Api Kind::Gauge, "adjutant_audit_confirmed_age_seconds" []
        "Seconds since the record was last known to be kept, told by the replica that copies";

    Canaries: Canary Kind::Counter, "adjutant_canaries_total" [Platform, Stage]
        "Canaries that came back, or how far they came";
    CanarySeconds: Canary SHORT, "adjutant_canary_seconds" [Platform]
        "How long a canary was under way, in seconds";
    CanaryAge: Canary Kind::Gauge, "adjutant_canary_last_return_age_seconds" [Platform]
        "Seconds since a canary came back, or since the first was sent";
}
