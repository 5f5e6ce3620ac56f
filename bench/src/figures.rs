//! Latencies and the time they took together.

use std::time::Duration;

/// What was measured.
#[derive(Clone, Debug, Default)]
pub(crate) struct Figures {
    latencies: Vec<Duration>,
    took: Duration,
}

impl Figures {
    pub(crate) const fn new(latencies: Vec<Duration>, took: Duration) -> Self {
        Self { latencies, took }
    }

    pub(crate) fn extend(&mut self, other: Self) {
        self.latencies.extend(other.latencies);
        self.took += other.took;
    }

    fn quantile(&self, q: f64) -> f64 {
        let mut sorted = self.latencies.clone();
        sorted.sort();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "an index within the list"
        )]
        let index = ((sorted.len().saturating_sub(1)) as f64 * q) as usize;
        sorted.get(index).map_or(0.0, |latency| latency.as_secs_f64() * 1e6)
    }

    /// The median in microseconds.
    pub(crate) fn p50(&self) -> f64 {
        self.quantile(0.5)
    }

    /// How many a second.
    #[expect(clippy::cast_precision_loss, reason = "a count far below 2^52")]
    pub(crate) fn rate(&self) -> f64 {
        self.latencies.len() as f64 / self.took.as_secs_f64().max(1e-9)
    }

    pub(crate) fn line(&self, name: &str) -> String {
        format!(
            "  {name:<20} p50 {:>10.1} µs   p99 {:>10.1} µs   max {:>10.1} µs   {:>10.0} /s   ({} measured)",
            self.p50(),
            self.quantile(0.99),
            self.quantile(1.0),
            self.rate(),
            self.latencies.len()
        )
    }
}
