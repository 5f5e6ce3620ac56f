//! Limits of time and size that both buses keep to.

use std::time::Duration;

use super::Bucket;

/// Time and size limits of a bus; tests set shorter ones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// How long a delivery belongs to its taker without being extended (NATS `ack_wait`).
    pub lease: Duration,
    /// For how long the id of a submission is remembered.
    pub duplicate_window: Duration,
    /// Most messages of one origin in a queue.
    pub queue_per_origin: i64,
    /// Time after which one exchange with the server is given up.
    pub exchange: Duration,
    /// After which time an entry in [`Bucket::Presence`] that is not put again disappears.
    pub presence: Duration,
    /// The same for [`Bucket::Leases`].
    pub leases: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            lease: Duration::from_secs(15),
            duplicate_window: Duration::from_secs(600),
            queue_per_origin: 256,
            exchange: Duration::from_secs(2),
            presence: Duration::from_secs(30),
            leases: Duration::from_secs(15),
        }
    }
}

impl Limits {
    /// After which time without a sign of life what a follower or a holder of a lease had goes to another one.
    #[must_use]
    pub fn handover(&self) -> Duration {
        self.lease.min(HANDOVER)
    }

    /// After which time an entry of this bucket that is not put again disappears; none: never by itself.
    #[must_use]
    pub const fn max_age(&self, bucket: Bucket) -> Option<Duration> {
        match bucket {
            Bucket::Policy | Bucket::Locks | Bucket::Mode | Bucket::Destinations => None,
            Bucket::Presence => Some(self.presence),
            Bucket::Leases => Some(self.leases),
            Bucket::Revocations => Some(REVOCATIONS),
            Bucket::Notices => Some(NOTICES),
            Bucket::Sessions => Some(SESSIONS),
        }
    }
}

/// People wait for what is handed over.
const HANDOVER: Duration = Duration::from_secs(5);
/// How long a revocation is kept: longer than any cache of keys.
const REVOCATIONS: Duration = Duration::from_secs(3600);
/// How long a message that was posted can be changed by a later notice of the same matter.
const NOTICES: Duration = Duration::from_secs(30 * 24 * 3600);
/// Longer than any session can be resumed, and than the day for which a platform counts its beginnings.
const SESSIONS: Duration = Duration::from_secs(48 * 3600);
