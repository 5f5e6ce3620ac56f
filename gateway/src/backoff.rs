//! Pauses between tries.

use std::time::{Duration, Instant};

/// Pauses before a call is tried again: doubling, with jitter, half a minute at most.
pub(crate) struct Backoff {
    tries: u32,
    begun: Instant,
}

impl Default for Backoff {
    fn default() -> Self {
        Self { tries: 0, begun: Instant::now() }
    }
}

impl Backoff {
    /// The next pause; none when it has been tried for `longest`.
    pub(crate) fn next(&mut self, longest: Duration) -> Option<Duration> {
        if self.begun.elapsed() > longest {
            return None;
        }
        let base =
            Duration::from_millis(250).saturating_mul(1 << self.tries.min(7)).min(Duration::from_secs(30));
        self.tries += 1;
        Some(base.mul_f64(rand::random_range(0.5..1.0)))
    }
}
