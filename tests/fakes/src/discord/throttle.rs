//! Discord's rate limits: a bucket per route and resource, one for all requests, and a note of who comes while told to wait.

use std::{
    collections::{HashMap, VecDeque},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use axum::http::{HeaderMap, HeaderValue};

use super::{
    faults::{Rate, Rates, Scope},
    routes::{Auth, Bucket, Route},
};

/// How long a request may have been on its way when the client was told to wait.
const ON_ITS_WAY: Duration = Duration::from_millis(300);

#[derive(Default)]
pub(super) struct Throttle {
    /// When the window of a bucket began, and what was taken.
    buckets: HashMap<String, (Instant, u64)>,
    /// Since when and until when a bucket is closed; the empty name stands for everything.
    held: HashMap<String, (Instant, Instant)>,
    all: VecDeque<Instant>,
}

/// How a request stands with its bucket.
pub(super) struct Standing {
    pub(super) limit: u64,
    pub(super) remaining: u64,
    pub(super) reset_after: Duration,
    pub(super) bucket: String,
    /// It is too much: of whom, and how long to wait.
    pub(super) over: Option<(Scope, f64)>,
    /// It came although the client had been told to wait.
    pub(super) early: Option<Duration>,
}

/// The bucket of a request: what Discord names in the header, and the resource.
pub(super) fn key(route: &Route, parameters: &[String]) -> (String, String) {
    let name = match route.bucket {
        Bucket::Messages => format!("messages-{}", route.method.to_lowercase()),
        Bucket::Webhooks => "webhooks".to_owned(),
        // Any text that differs by route.
        _ => route
            .name()
            .bytes()
            .fold(17_u64, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte.into()))
            .to_string(),
    };
    let taken = if route.template.starts_with("/webhooks/") { 2 } else { 1 };
    let resource = parameters.iter().take(taken).cloned().collect::<Vec<_>>().join("/");
    (name, resource)
}

impl Throttle {
    pub(super) fn check(&mut self, rates: &Rates, route: &Route, parameters: &[String]) -> Standing {
        let (bucket, resource) = key(route, parameters);
        let rate = match route.bucket {
            Bucket::Messages => rates.messages,
            Bucket::Webhooks => rates.webhooks,
            Bucket::Others | Bucket::None => rates.others,
        };
        let name = format!("{bucket} {resource}");
        let mut standing = Standing {
            limit: rate.0,
            remaining: rate.0,
            reset_after: rate.1,
            bucket,
            over: None,
            early: None,
        };
        if route.bucket == Bucket::None {
            return standing;
        }
        let global = route.auth == Auth::Bot;
        let now = Instant::now();
        for (held, scope) in [(name.as_str(), Scope::User), ("", Scope::Global)] {
            if scope == Scope::Global && !global {
                continue;
            }
            if let Some((since, until)) = self.held.get(held).copied()
                && now < until
            {
                let left = until.duration_since(now);
                standing.over = Some((scope, left.as_secs_f64()));
                // What was on its way when the limit was told is not the client's fault.
                standing.early = (since.elapsed() > ON_ITS_WAY).then_some(left);
                return standing;
            }
        }
        if global && let Some(wait) = self.count_all(rates.global) {
            standing.over = Some((Scope::Global, wait.as_secs_f64()));
            self.held.insert(String::new(), (now, now + wait));
            return standing;
        }
        let window = self.buckets.entry(name.clone()).or_insert((now, 0));
        if window.0.elapsed() >= rate.1 {
            *window = (now, 0);
        }
        standing.reset_after = rate.1.saturating_sub(window.0.elapsed());
        if window.1 >= rate.0 {
            standing.remaining = 0;
            standing.over = Some((Scope::User, standing.reset_after.as_secs_f64()));
            self.held.insert(name, (now, now + standing.reset_after));
            return standing;
        }
        window.1 += 1;
        standing.remaining = rate.0 - window.1;
        standing
    }

    /// How long to wait if this is one request too much.
    fn count_all(&mut self, (most, window): Rate) -> Option<Duration> {
        while self.all.front().is_some_and(|at| at.elapsed() >= window) {
            self.all.pop_front();
        }
        if u64::try_from(self.all.len()).unwrap() >= most {
            return self.all.front().map(|at| window.saturating_sub(at.elapsed()));
        }
        self.all.push_back(Instant::now());
        None
    }

    /// Closes a bucket for so many seconds, or all of them.
    pub(super) fn hold(&mut self, scope: Scope, route: &Route, parameters: &[String], seconds: f64) {
        let (bucket, resource) = key(route, parameters);
        let name = if scope == Scope::Global { String::new() } else { format!("{bucket} {resource}") };
        let now = Instant::now();
        self.held.insert(name, (now, now + Duration::from_secs_f64(seconds)));
    }
}

impl Standing {
    /// The headers that tell of the bucket.
    pub(super) fn tell(&self, headers: &mut HeaderMap) {
        let reset = SystemTime::now().duration_since(UNIX_EPOCH).unwrap() + self.reset_after;
        let told = [
            ("x-ratelimit-limit", self.limit.to_string()),
            ("x-ratelimit-remaining", self.remaining.to_string()),
            ("x-ratelimit-reset", format!("{:.3}", reset.as_secs_f64())),
            ("x-ratelimit-reset-after", format!("{:.3}", self.reset_after.as_secs_f64())),
            ("x-ratelimit-bucket", self.bucket.clone()),
        ];
        for (name, value) in told {
            headers.insert(name, HeaderValue::try_from(value).unwrap());
        }
    }
}
