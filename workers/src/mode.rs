//! What holds for all commands at once: a freeze, which policy sees; and when nothing but reading runs, because somebody has
//! paused it, or the audit copy gives no sign of life, so that the record could
//! not be kept.

use std::time::Duration;

use adjutant_bus::{
    mode::{self, Freeze, Mode, Pause},
    ports::{Bus, BusError},
    spec::{CommandSpec, Effect},
};
use futures::StreamExt;
use jiff::{SignedDuration, Timestamp};
use parking_lot::RwLock;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

/// Commands that run all the same, though they change something: a pause is no reason to let something go on that somebody
/// wants stopped.
const EXEMPT: [&str; 3] = ["cancel", "freeze.on", "freeze.off"];
/// Pause before the mode is asked for again.
const AGAIN: Duration = Duration::from_secs(1);

/// Why nothing but reading runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Paused {
    /// Somebody wants it so.
    ByHand(Pause),
    /// The audit copy was last known to be complete at this time.
    Unrecorded(Timestamp),
}

/// The last known mode; it counts while the bus is away.
pub(crate) struct Modes {
    mode: RwLock<Mode>,
    /// How old the audit's beat may be; zero: any age.
    grace: Duration,
    known: watch::Sender<bool>,
}

impl Modes {
    pub(crate) fn new(grace: Duration) -> Self {
        Self { mode: RwLock::default(), grace, known: watch::Sender::new(false) }
    }

    /// Follows the mode until `stop`.
    pub(crate) async fn follow(&self, bus: &Bus, stop: &CancellationToken) {
        loop {
            match stop.run_until_cancelled(self.follow_once(bus)).await {
                None => return,
                Some(Ok(())) => {
                    warn!("the mode cannot be followed any more; trying again, the last one known counts")
                }
                Some(Err(error)) => warn!(%error, "whether commands may run cannot be learnt; trying again"),
            }
            let _ = stop.run_until_cancelled(tokio::time::sleep(AGAIN)).await;
        }
    }

    async fn follow_once(&self, bus: &Bus) -> Result<(), BusError> {
        let mut modes = mode::watch(bus).await?;
        while let Some(mode) = modes.next().await {
            let before = std::mem::replace(&mut *self.mode.write(), mode.clone());
            match (&before.pause, &mode.pause) {
                (None, Some(pause)) => info!(by = pause.by, reason = pause.reason, "paused"),
                (Some(_), None) => info!("the pause is over"),
                _ => {}
            }
            match (&before.freeze, &mode.freeze) {
                (before, Some(freeze)) if before.as_ref() != Some(freeze) => {
                    info!(by = freeze.by, reason = freeze.reason, until = ?freeze.until, "a freeze is on");
                }
                (Some(_), None) => info!("the freeze is off"),
                _ => {}
            }
            self.known.send_replace(true);
        }
        Ok(())
    }

    /// Waits until the mode was learnt for the first time: before, nothing may run.
    pub(crate) async fn known(&self) {
        // The sender lives as long as this.
        let _ = self.known.subscribe().wait_for(|known| *known).await;
    }

    /// The freeze that holds now.
    pub(crate) fn freeze(&self) -> Option<Freeze> {
        self.mode.read().frozen(Timestamp::now()).cloned()
    }

    /// Whether there is a freeze now; none while that was never learnt.
    pub(crate) fn frozen(&self) -> Option<bool> {
        let known = *self.known.borrow();
        known.then(|| self.mode.read().is_frozen(Timestamp::now())).flatten()
    }

    /// Why this command does not run now, if it does not.
    pub(crate) fn stops(&self, spec: &CommandSpec) -> Option<Paused> {
        let exempt = spec.effect == Effect::Read || EXEMPT.contains(&spec.path.dotted().as_str());
        if exempt { None } else { paused(&self.mode.read(), self.grace, Timestamp::now()) }
    }
}

fn paused(mode: &Mode, grace: Duration, now: Timestamp) -> Option<Paused> {
    if let Some(pause) = &mode.pause {
        return Some(Paused::ByHand(pause.clone()));
    }
    let beat = mode.audit.as_ref().filter(|_| !grace.is_zero())?;
    let grace = SignedDuration::try_from(grace).unwrap_or(SignedDuration::MAX);
    (now.duration_since(beat.at) > grace).then_some(Paused::Unrecorded(beat.at))
}

#[cfg(test)]
mod tests {
    use adjutant_bus::{mode::Beat, wire::Version};

    use super::*;

    #[test]
    fn a_beat_that_is_too_old_stops_commands_unless_any_age_will_do() {
        let at = Timestamp::UNIX_EPOCH;
        let beat = Beat { v: Version, at, sequence: 1, head: String::new() };
        let beaten = Mode { audit: Some(beat), ..Mode::default() };
        let seconds = |n| at + SignedDuration::from_secs(n);
        let grace = Duration::from_secs(300);
        assert_eq!(paused(&beaten, grace, seconds(300)), None);
        assert_eq!(paused(&beaten, grace, seconds(301)), Some(Paused::Unrecorded(at)));
        assert_eq!(paused(&beaten, grace, seconds(-10)), None, "clocks differ");
        assert_eq!(paused(&beaten, Duration::ZERO, seconds(301)), None);
        assert_eq!(paused(&Mode::default(), grace, seconds(301)), None, "no audit copy was ever made");
    }
}
