//! How often a key may call, and an address may fail. Counted in each replica: with N of them, N times as often.

use std::{
    net::{IpAddr, Ipv6Addr},
    num::NonZeroU32,
    sync::Arc,
};

use axum::http::header;
use governor::{
    DefaultDirectRateLimiter, DefaultKeyedRateLimiter, Quota, RateLimiter,
    clock::{Clock, DefaultClock},
    middleware::StateInformationMiddleware,
    state::{InMemoryState, NotKeyed},
};
use quick_cache::sync::Cache;

use crate::{
    http::Rate,
    problem::{Code, Problem},
};

/// Calls a second of a key when nothing else is said; at once twice as many.
pub(crate) const PER_SECOND: u32 = 100;
/// Failed authentications of one address: a second, and at once.
const FAILURES: (u32, u32) = (5, 60);
/// Addresses remembered; beyond it those that have rested are forgotten.
const ADDRESSES: usize = 10_000;
/// Keys whose rate is remembered.
const KEYS: usize = 50_000;

type KeyLimiter = RateLimiter<NotKeyed, InMemoryState, DefaultClock, StateInformationMiddleware>;

/// The rate of one key.
pub(crate) struct KeyRate {
    per_second: u32,
    burst: u32,
    limiter: KeyLimiter,
}

impl KeyRate {
    /// Counts a call.
    pub(crate) fn call(&self) -> Result<Rate, Problem> {
        let rate = |left| Rate { per_second: self.per_second, left };
        match self.limiter.check() {
            Ok(state) => Ok(rate(state.remaining_burst_capacity())),
            Err(until) => {
                let seconds = until.wait_time_from(DefaultClock::default().now()).as_secs() + 1;
                Err(quota(seconds, "key"))
            }
        }
    }
}

/// All rates of this replica.
pub(crate) struct Limits {
    keys: Cache<String, Arc<KeyRate>>,
    failures: DefaultKeyedRateLimiter<IpAddr>,
    unplaced: DefaultDirectRateLimiter,
}

impl Limits {
    pub(super) fn new() -> Self {
        let quota = quota_of(FAILURES.0, FAILURES.1);
        Self {
            keys: Cache::new(KEYS),
            failures: RateLimiter::keyed(quota),
            unplaced: RateLimiter::direct(quota),
        }
    }

    /// The rate of this key, which survives that its row is read again.
    pub(crate) fn of(&self, key_id: &str, per_second: Option<i64>, burst: Option<i64>) -> Arc<KeyRate> {
        let number =
            |given: Option<i64>, otherwise| given.and_then(|n| u32::try_from(n).ok()).unwrap_or(otherwise);
        let per_second = number(per_second, PER_SECOND);
        let burst = number(burst, per_second.saturating_mul(2).max(1));
        if let Some(known) = self.keys.get(key_id)
            && (known.per_second, known.burst) == (per_second, burst)
        {
            return known;
        }
        let limiter = RateLimiter::direct(quota_of(per_second, burst)).with_middleware();
        let made = Arc::new(KeyRate { per_second, burst, limiter });
        self.keys.insert(key_id.to_owned(), made.clone());
        made
    }

    /// Counts a failed authentication; 429 when an address fails too often.
    pub(crate) fn failed(&self, address: Option<IpAddr>) -> Result<(), Problem> {
        let until = match address {
            Some(address) => {
                if self.failures.len() > ADDRESSES {
                    self.failures.retain_recent();
                }
                self.failures.check_key(&network(address)).map(drop)
            }
            None => self.unplaced.check().map(drop),
        };
        until.map_err(|until| {
            quota(until.wait_time_from(DefaultClock::default().now()).as_secs() + 1, "address")
        })
    }
}

/// Whoever has one IPv6 address has its /64.
pub(super) fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64))),
    }
}

fn quota_of(per_second: u32, burst: u32) -> Quota {
    let at_least_one = |n: u32| NonZeroU32::new(n).unwrap_or(NonZeroU32::MIN);
    Quota::per_second(at_least_one(per_second)).allow_burst(at_least_one(burst))
}

fn quota(seconds: u64, policy: &str) -> Problem {
    Problem::new(Code::QuotaExceeded, "Wait, then go on more slowly.")
        .with("violated-policies", vec![policy])
        .header(header::RETRY_AFTER, &seconds.to_string())
}
