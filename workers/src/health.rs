//! Whether a worker takes work, by what its pulls say: a connection that is open proves nothing.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use parking_lot::Mutex;
use tokio::time::Instant;

/// After this time without the end of a pull, although slots are free, something hangs. A pull waits five seconds for work.
const SILENT: Duration = Duration::from_secs(20);

/// What is known of a worker's pulls. Clones tell of the same worker.
#[derive(Clone, Debug, Default)]
pub struct Health(Arc<State>);

#[derive(Debug, Default)]
struct State {
    /// The last pull: when it ended, and why it failed if it did; none before the first.
    last: Mutex<Option<(Instant, Option<String>)>>,
    slots: AtomicUsize,
    used: AtomicUsize,
}

impl Health {
    /// Whether work is taken, and what is known about it.
    #[must_use]
    pub fn ready(&self) -> (bool, String) {
        let (slots, used) = (self.0.slots.load(Ordering::Relaxed), self.0.used.load(Ordering::Relaxed));
        match &*self.0.last.lock() {
            None => (
                false,
                "it starts: it does not know its policy yet, or whether commands are paused".to_owned(),
            ),
            Some((_, Some(why))) => (false, format!("no work can be taken: {why}")),
            Some((at, None)) if used < slots && at.elapsed() > SILENT => {
                (false, format!("no pull has ended for {} s", at.elapsed().as_secs()))
            }
            Some((_, None)) => (true, format!("{used} of {slots} slots in use")),
        }
    }

    /// The worker begins to pull.
    pub(crate) fn begins(&self, slots: usize) {
        self.0.slots.store(slots, Ordering::Relaxed);
        self.pulled(slots);
    }

    /// A pull has ended, or is not needed: so many slots are free.
    pub(crate) fn pulled(&self, free: usize) {
        let used = self.0.slots.load(Ordering::Relaxed).saturating_sub(free);
        self.0.used.store(used, Ordering::Relaxed);
        *self.0.last.lock() = Some((Instant::now(), None));
    }

    /// A pull has failed.
    pub(crate) fn failed(&self, why: String) {
        *self.0.last.lock() = Some((Instant::now(), Some(why)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn pulls_that_fail_or_hang_are_told_and_full_slots_are_no_fault() {
        let health = Health::default();
        assert!(!health.ready().0, "nothing was pulled yet");
        health.begins(2);
        assert_eq!(health.ready(), (true, "0 of 2 slots in use".to_owned()));
        health.failed("no leader".to_owned());
        assert_eq!(health.ready(), (false, "no work can be taken: no leader".to_owned()));
        health.pulled(1);
        tokio::time::advance(SILENT + Duration::from_secs(5)).await;
        assert_eq!(health.ready(), (false, "no pull has ended for 25 s".to_owned()));
        health.pulled(0);
        tokio::time::advance(SILENT * 9).await;
        assert_eq!(health.ready(), (true, "2 of 2 slots in use".to_owned()), "long commands");
    }
}
