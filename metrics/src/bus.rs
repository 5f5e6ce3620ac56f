//! What is told of the bus: connections, queues, leases, followers, the journal's size.

use std::time::Duration;

use prometheus::{Counter, Gauge, Histogram};

use crate::{
    kind::Part,
    label::Label,
    name::Name,
    registry::{begin, count, counter, gauge, histogram, remove, set},
};

/// A connection to the bus, by the role that it is for.
pub fn connection(role: &str) {
    begin(Part::Bus, &[(Label::Connection, &[role])]);
    set(Name::BusConnected, &[role], 1.0);
}

/// It is lost.
pub fn disconnected(role: &str) {
    set(Name::BusConnected, &[role], 0.0);
}

/// It is back.
pub fn reconnected(role: &str) {
    set(Name::BusConnected, &[role], 1.0);
    count(Name::BusReconnects, &[role]);
}

/// The server complained, in these words.
pub fn complaint(role: &str, told: &str) {
    let violation = told.to_ascii_lowercase().contains("permissions violation");
    count(Name::BusErrors, &[role, if violation { "permission_violation" } else { crate::OTHER }]);
}

/// Messages were dropped because they were not taken fast enough.
pub fn slow_consumer(role: &str) {
    count(Name::BusErrors, &[role, "slow_consumer"]);
}

/// One of the queues.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Queue {
    /// Requests and decisions.
    Commands,
    /// Notices and announcements.
    Outbox,
}

/// What is told of one queue, its series found once.
#[derive(Clone, Debug)]
pub struct QueueMeter {
    seconds: Option<Histogram>,
    waiting: Option<Gauge>,
    redeliveries: Option<Counter>,
    duplicates: Option<Counter>,
    dead: Option<Counter>,
}

impl QueueMeter {
    /// For this queue.
    #[must_use]
    pub fn new(queue: Queue) -> Self {
        let queue = match queue {
            Queue::Commands => "commands",
            Queue::Outbox => "outbox",
        };
        Self {
            seconds: histogram(Name::QueueSeconds, &[queue]),
            waiting: gauge(Name::QueueWaiting, &[queue]),
            redeliveries: counter(Name::Redeliveries, &[queue]),
            duplicates: counter(Name::Duplicates, &["bus"]),
            dead: counter(Name::DeadLetters, &[queue]),
        }
    }

    /// A message was taken, so long after it was accepted; 1 is the first delivery.
    pub fn taken(&self, attempt: u64, waited: Duration) {
        if attempt > 1 {
            self.redeliveries.as_ref().inspect(|counter| counter.inc());
        } else {
            self.seconds.as_ref().inspect(|seconds| seconds.observe(waited.as_secs_f64()));
        }
    }

    /// So many messages wait behind it.
    pub fn waiting(&self, messages: u64) {
        self.waiting.as_ref().inspect(|gauge| gauge.set(to_float(messages)));
    }

    /// What was submitted was there already.
    pub fn duplicate(&self) {
        self.duplicates.as_ref().inspect(|counter| counter.inc());
    }

    /// A message was put among the dead letters.
    pub fn buried(&self) {
        self.dead.as_ref().inspect(|counter| counter.inc());
    }
}

/// A lease that this replica holds, for as long as this lives.
#[derive(Debug)]
pub struct Held(&'static str);

impl Held {
    /// It is ours now.
    #[must_use]
    pub fn begin(key: &str) -> Self {
        let lease = lease(key);
        gauge(Name::LeasesHeld, &[lease]).inspect(Gauge::inc);
        Self(lease)
    }

    /// It was lost, and not given back.
    pub fn lost(&self) {
        count(Name::LeasesLost, &[self.0]);
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        gauge(Name::LeasesHeld, &[self.0]).inspect(Gauge::dec);
    }
}

/// Which lease a key is for: what comes after its second token are ids.
fn lease(key: &str) -> &'static str {
    let crate::Values::Fixed(leases) = Label::Lease.values() else { return crate::OTHER };
    let is = |lease: &&&str| {
        key.strip_prefix(**lease).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    leases.iter().find(is).copied().unwrap_or(crate::OTHER)
}

/// How far the sender of a platform is behind, told for as long as this lives.
#[derive(Debug)]
pub struct Lag(String);

impl Lag {
    /// Of this platform's sender.
    #[must_use]
    pub fn of(platform: &str) -> Self {
        Self(platform.to_owned())
    }

    /// So many events of the journal are not confirmed.
    pub fn is(&self, events: u64) {
        set(Name::FollowerLag, &[&self.0], to_float(events));
    }
}

impl Drop for Lag {
    fn drop(&mut self) {
        remove(Name::FollowerLag, &[&self.0]);
    }
}

/// How large the journal is, and how large it may be; 0: as large as it likes.
pub fn journal_size(bytes: u64, limit: u64) {
    set(Name::JournalBytes, &[], to_float(bytes));
    set(Name::JournalLimit, &[], to_float(limit));
}

/// Beyond 2^53 it is not exact.
#[expect(clippy::cast_precision_loss, reason = "what is measured may be rounded")]
pub(crate) const fn to_float(number: u64) -> f64 {
    number as f64
}
