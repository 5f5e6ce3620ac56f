//! Discord's rate limits: a bucket for each route and channel, guild or webhook, as its headers say; fifty calls in a second over
//! everything; and a stop long before so many calls are refused that Discord shuts out the address. Calls of one bucket leave in
//! the order in which they came. Source: Discord, "Rate Limits".

use std::{
    collections::VecDeque,
    num::NonZeroU32,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use adjutant_metrics::gateway as told;
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use moka::sync::Cache;
use parking_lot::Mutex;
use reqwest::{Method, StatusCode, header::HeaderMap};
use serde_json::Value;
use tokio::{
    sync::{Mutex as Turns, OwnedMutexGuard},
    time::Instant,
};
use tracing::{error, warn};

use super::{Call, CallError};

/// Calls in a second over everything.
const GLOBAL: NonZeroU32 = match NonZeroU32::new(45) {
    Some(calls) => calls,
    None => NonZeroU32::MIN,
};
/// Refused calls within ten minutes after which nothing is sent for a while. Discord's own number is 10,000.
const INVALID: usize = 500;
const INVALID_WINDOW: Duration = Duration::from_secs(600);
/// How long a place that refuses something is not asked for the same again.
const FORBIDDEN: Duration = Duration::from_secs(60);
/// Buckets remembered, and for how long without use.
const BUCKETS: u64 = 50_000;
const REMEMBERED: Duration = Duration::from_secs(3_600);
/// If Discord asks to wait without saying how long.
const REST: Duration = Duration::from_secs(1);
/// Longest that Discord may ask for.
const LONGEST: Duration = Duration::from_secs(3_600);

/// What one bucket allows.
#[derive(Debug, Default)]
struct State {
    /// Calls left until `reset`; none: not known yet.
    left: Option<u32>,
    limit: u32,
    reset: Option<Instant>,
    /// Nothing leaves before this.
    held: Option<Instant>,
}

impl State {
    /// Takes one call out of what is left, or says until when there is none.
    fn take(&mut self, held: Option<Instant>) -> Result<Known, Instant> {
        let now = Instant::now();
        if let Some(until) = [self.held, held].into_iter().flatten().filter(|until| *until > now).max() {
            return Err(until);
        }
        if self.reset.is_some_and(|reset| reset <= now) {
            self.left = self.left.map(|_| self.limit);
            self.reset = None;
        }
        match (self.left, self.reset) {
            (Some(0), Some(reset)) => Err(reset),
            (Some(left), _) => {
                self.left = Some(left.saturating_sub(1));
                Ok(Known::Yes)
            }
            (None, _) => Ok(Known::No),
        }
    }
}

/// Whether it is known what a bucket allows.
#[derive(PartialEq, Eq)]
enum Known {
    Yes,
    No,
}

#[derive(Debug, Default)]
struct Bucket {
    /// Held by the call whose turn it is: its order is that of the calls.
    turn: Arc<Turns<()>>,
    state: Mutex<State>,
}

/// A method and a path with placeholders.
type Route = (Method, &'static str);

/// The right to make one call.
pub(super) struct Turn {
    /// The first call of a bucket leaves alone: only its answer tells what is allowed.
    _alone: Option<OwnedMutexGuard<()>>,
}

/// The limits of one bot.
pub(super) struct Limits {
    all: DefaultDirectRateLimiter,
    held: Mutex<Option<Instant>>,
    /// Discord's name of a route's bucket.
    names: Cache<Route, String>,
    buckets: Cache<(String, String), Arc<Bucket>>,
    invalid: Mutex<VecDeque<Instant>>,
    unauthorized: AtomicBool,
    forbidden: Cache<(Route, String), u64>,
}

impl Limits {
    pub(super) fn new() -> Self {
        Self {
            all: RateLimiter::direct(Quota::per_second(GLOBAL)),
            held: Mutex::default(),
            names: Cache::new(1_000),
            buckets: Cache::builder().max_capacity(BUCKETS).time_to_idle(REMEMBERED).build(),
            invalid: Mutex::default(),
            unauthorized: AtomicBool::new(false),
            forbidden: Cache::builder().max_capacity(BUCKETS).time_to_live(FORBIDDEN).build(),
        }
    }

    pub(super) fn is_unauthorized(&self) -> bool {
        self.unauthorized.load(Ordering::Relaxed)
    }

    /// Waits until the call may leave.
    pub(super) async fn turn(&self, call: &Call<'_>) -> Result<Turn, CallError> {
        self.may_ask(call)?;
        if call.exempt {
            return Ok(Turn { _alone: None });
        }
        let bucket = self.bucket(call);
        let begun = Instant::now();
        let turn = bucket.turn.clone().lock_owned().await;
        let known = loop {
            let held = *self.held.lock();
            let taken = bucket.state.lock().take(held);
            match taken {
                Ok(known) => break known,
                Err(until) => tokio::time::sleep_until(until).await,
            }
        };
        self.all.until_ready().await;
        told::waited("discord", begun.elapsed());
        Ok(Turn { _alone: (known == Known::No).then_some(turn) })
    }

    /// Whether it makes sense to ask at all.
    fn may_ask(&self, call: &Call<'_>) -> Result<(), CallError> {
        if call.bot && self.is_unauthorized() {
            let what = "the token was refused before".to_owned();
            return Err(CallError::Refused { status: 401, code: 0, what });
        }
        if let Some(code) = self.forbidden.get(&(call.route(), call.major.clone())) {
            let what = "the same was refused here a moment ago".to_owned();
            return Err(CallError::Refused { status: 403, code, what });
        }
        let mut invalid = self.invalid.lock();
        while invalid.front().is_some_and(|at| at.elapsed() > INVALID_WINDOW) {
            invalid.pop_front();
        }
        match invalid.front() {
            Some(first) if invalid.len() >= INVALID && !call.exempt => {
                Err(CallError::Limited(INVALID_WINDOW.saturating_sub(first.elapsed()).max(REST)))
            }
            _ => Ok(()),
        }
    }

    fn bucket(&self, call: &Call<'_>) -> Arc<Bucket> {
        let name = self.names.get(&call.route()).unwrap_or_else(|| format!("{} {}", call.method, call.route));
        self.buckets.get_with((name, call.major.clone()), Arc::default)
    }

    /// Takes in what an answer says of the limits.
    pub(super) fn learn(&self, call: &Call<'_>, status: StatusCode, headers: &HeaderMap, body: &Value) {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let scope = text("x-ratelimit-scope").unwrap_or_default();
        self.count(call, status, scope, body);
        if let Some(name) = text("x-ratelimit-bucket")
            && self.names.get(&call.route()).as_deref() != Some(name)
        {
            self.names.insert(call.route(), name.to_owned());
        }
        let bucket = self.bucket(call);
        if status == StatusCode::TOO_MANY_REQUESTS {
            let rest = retry_after(headers, body);
            let until = Instant::now() + rest;
            told::limited("discord");
            warn!(route = call.route, scope, ?rest, "Discord asks to wait");
            if scope == "global" || body.get("global").and_then(Value::as_bool) == Some(true) {
                *self.held.lock() = Some(until);
            } else {
                bucket.state.lock().held = Some(until);
            }
            return;
        }
        let number = |name: &str| text(name).and_then(|number| number.parse::<u32>().ok());
        let (Some(left), Some(limit)) = (number("x-ratelimit-remaining"), number("x-ratelimit-limit")) else {
            return;
        };
        let reset = text("x-ratelimit-reset-after").and_then(seconds).map(|rest| Instant::now() + rest);
        let mut state = bucket.state.lock();
        // Answers of calls that left side by side come in any order: within one window the least that is left counts.
        let same = state.reset.is_some_and(|known| reset.is_some_and(|reset| reset <= known + REST / 2));
        state.left = Some(state.left.filter(|_| same).map_or(left, |known| known.min(left)));
        state.limit = limit;
        state.reset = reset;
    }

    fn count(&self, call: &Call<'_>, status: StatusCode, scope: &str, body: &Value) {
        match status.as_u16() {
            401 if call.bot && !self.unauthorized.swap(true, Ordering::Relaxed) => {
                error!(
                    "Discord refuses the bot token; nothing is sent any more until a restart with a good one"
                );
            }
            403 => {
                let code = body.get("code").and_then(Value::as_u64).unwrap_or_default();
                // Without a place it is about what was asked, such as a conversation with this one user.
                if !call.major.is_empty() {
                    self.forbidden.insert((call.route(), call.major.clone()), code);
                }
            }
            401 => {}
            429 if scope != "shared" => {}
            _ => return,
        }
        let mut invalid = self.invalid.lock();
        invalid.push_back(Instant::now());
        if invalid.len() == INVALID {
            error!(
                refused = INVALID,
                "too many calls to Discord were refused; it is left alone for some minutes"
            );
        }
    }
}

/// How long Discord asks to wait.
pub(super) fn retry_after(headers: &HeaderMap, body: &Value) -> Duration {
    let header = headers.get("retry-after").and_then(|value| value.to_str().ok()).and_then(seconds);
    let told = body.get("retry_after").and_then(Value::as_f64).and_then(from_seconds);
    told.or(header).unwrap_or(REST).max(Duration::from_millis(50))
}

fn seconds(text: &str) -> Option<Duration> {
    text.parse().ok().and_then(from_seconds)
}

fn from_seconds(seconds: f64) -> Option<Duration> {
    Duration::try_from_secs_f64(seconds).ok().map(|rest| rest.min(LONGEST))
}

#[cfg(test)]
mod tests;
