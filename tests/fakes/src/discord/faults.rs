//! What goes wrong, set by tests.

use std::{
    collections::{HashMap, VecDeque},
    time::Duration,
};

use rand::{RngExt, SeedableRng, rngs::StdRng};

/// Something that can be set for the next times, one by one, and for always.
#[derive(Clone, Debug)]
pub struct Switch<T> {
    next: VecDeque<T>,
    always: Option<T>,
}

impl<T> Default for Switch<T> {
    fn default() -> Self {
        Self { next: VecDeque::new(), always: None }
    }
}

impl<T: Clone> Switch<T> {
    /// Once more, after what was set before.
    pub fn next(&mut self, value: T) {
        self.next.push_back(value);
    }

    /// Each time; none: no more.
    pub fn always(&mut self, value: Option<T>) {
        self.always = value;
    }

    pub(super) fn take(&mut self) -> Option<T> {
        self.next.pop_front().or_else(|| self.always.clone())
    }
}

/// Of whom there were too many requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    User,
    Global,
    /// Everybody's together: not the client's fault.
    Shared,
}

/// What one request gets instead of working.
#[derive(Clone, Debug)]
pub enum RestFault {
    /// 429 with `Retry-After` in seconds.
    Limited { scope: Scope, retry_after: f64 },
    /// An error of Discord's.
    Error { status: u16, code: u64, message: &'static str },
    /// A status without a body of Discord's.
    Status(u16),
    /// It works, after a while.
    Slow(Duration),
    /// Nothing is done, and the connection stays silent.
    Hang,
    /// Nothing is done, and the connection ends.
    Drop,
    /// It is done, and the connection stays silent.
    DoneThenHang,
    /// It is done, and the connection ends.
    DoneThenDrop,
    /// It is done, and then 500.
    DoneThen500,
    /// It is done, and the answer has unusual types: ids as numbers, null for booleans.
    DoneThenOdd,
    /// 200 with a body that is no JSON; nothing is done.
    NotJson,
}

impl RestFault {
    /// 401.
    pub const UNAUTHORIZED: Self = Self::Error { status: 401, code: 0, message: "401: Unauthorized" };
    /// 403, as for a channel where the bot may not write.
    pub const FORBIDDEN: Self = Self::Error { status: 403, code: 50_013, message: "Missing Permissions" };
}

/// How a new socket is greeted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Greeting {
    /// HELLO comes after this time.
    Late(Duration),
    /// HELLO never comes.
    Never,
    /// The handshake is refused with this status.
    Refused(u16),
    /// The connection ends before an answer.
    Dropped,
}

/// How an IDENTIFY or a RESUME is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Op 9 with this `d`.
    Invalid(bool),
    Close(u16),
    /// The connection ends without a word.
    Drop,
    /// Nothing happens.
    Silence,
}

/// What `GET /gateway` and `GET /gateway/bot` answer; to let them hang, set a [`RestFault`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GatewayUrl {
    /// This address instead of the fake's own.
    Foreign(String),
    Status(u16),
}

/// What READY names for resuming.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ResumeUrl {
    /// Another path of the fake.
    #[default]
    Path,
    /// Another port of the fake.
    Port,
    Foreign(String),
    Missing,
}

/// A bucket's size: so many requests in such a time.
pub type Rate = (u64, Duration);

/// Which rates are kept to.
#[derive(Clone, Debug)]
pub struct Rates {
    /// Messages of a channel.
    pub messages: Rate,
    /// Answers of an interaction.
    pub webhooks: Rate,
    /// Every other route and resource.
    pub others: Rate,
    /// All requests of the bot.
    pub global: Rate,
}

impl Default for Rates {
    fn default() -> Self {
        Self {
            messages: (5, Duration::from_secs(5)),
            webhooks: (5, Duration::from_secs(2)),
            others: (50, Duration::from_secs(1)),
            global: (50, Duration::from_secs(1)),
        }
    }
}

impl Rates {
    /// So much that nothing is ever limited.
    #[must_use]
    pub fn generous() -> Self {
        let much = (1_000_000, Duration::from_secs(1));
        Self { messages: much, webhooks: much, others: much, global: much }
    }
}

/// Everything that goes wrong.
#[derive(Debug)]
pub struct Faults {
    /// How long each request takes.
    pub latency: Duration,
    /// Requests by route, as in `POST /channels/{channel_id}/messages`; `*` stands for every one.
    pub rest: HashMap<String, Switch<RestFault>>,
    pub rates: Rates,
    pub greeting: Switch<Greeting>,
    pub heartbeat_interval: Duration,
    /// Heartbeats are acknowledged.
    pub acks: bool,
    pub identify: Switch<Refusal>,
    pub resume: Switch<Refusal>,
    pub resume_url: ResumeUrl,
    pub gateway_url: Switch<GatewayUrl>,
    /// Each event is dispatched twice with this probability.
    pub duplicates: f64,
    /// Each event changes places with the next with this probability.
    pub reorders: f64,
    pub(super) dice: StdRng,
    /// How long an interaction waits for its first answer.
    pub patience: Duration,
    /// How long an interaction's token is good.
    pub token_life: Duration,
}

impl Default for Faults {
    fn default() -> Self {
        Self {
            latency: Duration::ZERO,
            rest: HashMap::new(),
            rates: Rates::default(),
            greeting: Switch::default(),
            heartbeat_interval: Duration::from_millis(41_250),
            acks: true,
            identify: Switch::default(),
            resume: Switch::default(),
            resume_url: ResumeUrl::Path,
            gateway_url: Switch::default(),
            duplicates: 0.0,
            reorders: 0.0,
            dice: StdRng::seed_from_u64(1),
            patience: Duration::from_secs(3),
            token_life: Duration::from_secs(15 * 60),
        }
    }
}

impl Faults {
    /// What follows from probabilities follows from this number.
    pub fn seed(&mut self, seed: u64) {
        self.dice = StdRng::seed_from_u64(seed);
    }

    pub(super) fn duplicated(&mut self) -> bool {
        self.dice.random_bool(self.duplicates)
    }

    pub(super) fn reordered(&mut self) -> bool {
        self.dice.random_bool(self.reorders)
    }

    /// The next request of this route fails so.
    pub fn next(&mut self, route: &str, fault: RestFault) {
        self.rest.entry(route.to_owned()).or_default().next(fault);
    }

    /// Every request of this route fails so; none: it works again.
    pub fn always(&mut self, route: &str, fault: Option<RestFault>) {
        self.rest.entry(route.to_owned()).or_default().always(fault);
    }

    pub(super) fn take(&mut self, route: &str) -> Option<RestFault> {
        let own = self.rest.get_mut(route).and_then(Switch::take);
        own.or_else(|| self.rest.get_mut("*").and_then(Switch::take))
    }
}
