//! Slack's rate limits: one message per second and channel with some burst, and tiers per method and minute. A call while
//! Slack has said "not before" is against the rules.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

/// Messages that a channel takes at once.
const BURST: f64 = 5.0;
/// How long a call may have been on its way.
const ON_ITS_WAY: Duration = Duration::from_millis(300);
/// Tiers of methods: calls per minute, with as many at once as real Slack tolerates.
const TIERS: &[(&str, f64)] = &[
    ("chat.update", 60.0),
    ("chat.postEphemeral", 110.0),
    ("users.info", 110.0),
    ("usergroups.list", 25.0),
    ("conversations.history", 60.0),
    ("conversations.replies", 60.0),
    ("apps.connections.open", 60.0),
];

#[derive(Default)]
pub(super) struct Rates {
    buckets: HashMap<String, (f64, Instant)>,
    /// Since when and until when a method may not be called.
    held: HashMap<String, (Instant, Instant)>,
}

impl Rates {
    /// For how long the method is held; an `Err` is a call that came in spite of that.
    pub(super) fn check(&mut self, method: &str, channel: Option<&str>) -> Result<Option<u64>, String> {
        if let Some((since, until)) = self.held.get(method).copied()
            && Instant::now() < until
        {
            // A call that was on its way when the limit was told is not the client's fault.
            let knew = since.elapsed() > ON_ITS_WAY;
            let early =
                || format!("{method} was called {:?} before it may be", until.duration_since(Instant::now()));
            return if knew { Err(early()) } else { Ok(Some(1)) };
        }
        let bucket = match (method, channel) {
            ("chat.postMessage", Some(channel)) => Some((format!("channel {channel}"), 1.0, BURST)),
            _ => TIERS
                .iter()
                .find(|(name, _)| *name == method)
                .map(|(name, per_minute)| ((*name).to_owned(), per_minute / 60.0, *per_minute)),
        };
        let Some((key, per_second, most)) = bucket else { return Ok(None) };
        let now = Instant::now();
        let (left, at) = self.buckets.get(&key).copied().unwrap_or((most, now));
        let left = (left + now.duration_since(at).as_secs_f64() * per_second).min(most);
        let taken = if left >= 1.0 { left - 1.0 } else { left };
        self.buckets.insert(key, (taken, now));
        Ok((left < 1.0).then_some(1))
    }

    /// The method may not be called for so many seconds.
    pub(super) fn hold(&mut self, method: &str, seconds: u64) {
        let now = Instant::now();
        self.held.insert(method.to_owned(), (now, now + Duration::from_secs(seconds)));
    }
}
