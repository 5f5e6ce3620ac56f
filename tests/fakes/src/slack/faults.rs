//! What goes wrong, set by tests.

use std::{collections::HashMap, collections::VecDeque, time::Duration};

/// What one call of a method does instead of working.
#[derive(Clone, Debug)]
pub enum Fault {
    /// 429 with `Retry-After` in seconds.
    Limited(u64),
    /// A status without a body of Slack's.
    Status(u16),
    /// 200 with a body that is no JSON.
    NotJson,
    /// No answer at all.
    Hang,
    /// `ok: false` with this error.
    Error(&'static str),
    /// It is done, and then 500.
    DoneThen500,
}

/// How `apps.connections.open` behaves.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Opening {
    #[default]
    Good,
    /// It answers with an address where nobody answers the handshake.
    BlackHole,
}

/// Everything that goes wrong.
#[derive(Debug)]
pub struct Faults {
    /// How long each call of the Web API takes.
    pub latency: Duration,
    /// The next calls of a method.
    pub script: HashMap<String, VecDeque<Fault>>,
    /// Every call of these methods.
    pub always: HashMap<String, Fault>,
    pub opening: Opening,
    /// Each event is delivered again with this probability, without a mark, to any socket.
    pub duplicates: f64,
    /// Each event also comes as a `message` twin with another event id, with this probability.
    pub twins: f64,
    /// How long after a missing acknowledgement an event comes again.
    pub retries: Vec<Duration>,
    /// Whether rate limits are kept.
    pub limits: bool,
    /// A 429 on each call of the methods that post, with this probability.
    pub random_429: f64,
    /// How many seconds Slack's clock, as its answers tell it, is ahead.
    pub clock: i64,
}

impl Default for Faults {
    fn default() -> Self {
        Self {
            latency: Duration::ZERO,
            script: HashMap::new(),
            always: HashMap::new(),
            opening: Opening::Good,
            duplicates: 0.0,
            twins: 0.0,
            retries: vec![Duration::from_millis(100), Duration::from_secs(1), Duration::from_secs(3)],
            limits: true,
            random_429: 0.0,
            clock: 0,
        }
    }
}

impl Faults {
    /// The next call of this method fails so.
    pub fn next(&mut self, method: &str, fault: Fault) {
        self.script.entry(method.to_owned()).or_default().push_back(fault);
    }

    /// Every call of this method fails so; none: it works again.
    pub fn always(&mut self, method: &str, fault: Option<Fault>) {
        match fault {
            Some(fault) => self.always.insert(method.to_owned(), fault),
            None => self.always.remove(method),
        };
    }

    pub(super) fn take(&mut self, method: &str) -> Option<Fault> {
        let scripted = self.script.get_mut(method).and_then(VecDeque::pop_front);
        scripted.or_else(|| self.always.get(method).cloned())
    }
}
