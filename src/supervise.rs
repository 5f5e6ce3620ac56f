//! Roles as tasks with names. A role that fails is started again after a pause; one that cannot even start ends the process.

use std::{future::Future, time::Duration};

use adjutant_metrics::program::{self, Where};
use anyhow::{Result, anyhow};
use tokio::{task::JoinSet, time::Instant};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

/// First pause before a role is started again; doubles each time it fails soon.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
/// Longest such pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// A role that ran this long has started well.
const WELL: Duration = Duration::from_secs(5);
/// What is added to the roles' own grace before the process ends all the same.
const MARGIN: Duration = Duration::from_secs(5);

/// The roles of this process.
pub(crate) struct Supervisor {
    tasks: JoinSet<(&'static str, Result<()>)>,
    stop: CancellationToken,
}

impl Supervisor {
    /// No roles yet; `stop` asks all of them to stop.
    pub(crate) fn new(stop: CancellationToken) -> Self {
        Self { tasks: JoinSet::new(), stop }
    }

    /// Starts a role. `make` makes its future anew whenever it has to be started again.
    pub(crate) fn start<F>(&mut self, name: &'static str, make: impl Fn() -> F + Send + 'static)
    where
        F: Future<Output = Result<()>> + Send + 'static,
    {
        let stop = self.stop.clone();
        self.tasks.spawn(async move { (name, keep(name, make, stop).await) });
    }

    /// Starts a role whose end is the end of the process.
    pub(crate) fn lead<F>(&mut self, name: &'static str, role: F)
    where
        F: Future<Output = Result<()>> + Send + 'static,
    {
        let stop = self.stop.clone();
        self.tasks.spawn(async move {
            let ended = role.await;
            stop.cancel();
            (name, ended)
        });
    }

    /// Waits until all have ended. Whoever cannot go on ends the others too.
    ///
    /// # Errors
    /// What the first role that could not go on says.
    pub(crate) async fn run(mut self, grace: Duration) -> Result<()> {
        let mut first = Ok(());
        loop {
            let ended = tokio::select! {
                ended = self.tasks.join_next() => ended,
                () = self.stop.cancelled() => break,
            };
            let Some(ended) = ended else { return first };
            note(ended, &mut first);
            if first.is_err() {
                self.stop.cancel();
            }
        }
        let all = async {
            while let Some(ended) = self.tasks.join_next().await {
                note(ended, &mut first);
            }
        };
        if tokio::time::timeout(grace + MARGIN, all).await.is_err() {
            warn!("some roles did not stop in time");
        }
        first
    }
}

type Joined = Result<(&'static str, Result<()>), tokio::task::JoinError>;

fn note(ended: Joined, first: &mut Result<()>) {
    let failure = match ended {
        Ok((name, Ok(()))) => {
            info!(role = name, "a role has ended");
            return;
        }
        Ok((name, Err(error))) => error.context(format!("the {name} cannot go on")),
        Err(fault) => anyhow!("a role ended abnormally: {fault}"),
    };
    if first.is_ok() {
        *first = Err(failure);
    }
}

async fn keep<F>(name: &'static str, make: impl Fn() -> F, stop: CancellationToken) -> Result<()>
where
    F: Future<Output = Result<()>> + Send + 'static,
{
    let mut pause = FIRST_PAUSE;
    let mut well = false;
    loop {
        let begun = Instant::now();
        let ended =
            tokio::spawn(make()).await.unwrap_or_else(|fault| Err(anyhow!("it ended abnormally: {fault}")));
        let Err(failure) = ended else { return Ok(()) };
        if stop.is_cancelled() {
            return Err(failure);
        }
        well |= begun.elapsed() >= WELL;
        if !well {
            return Err(failure);
        }
        pause = if begun.elapsed() >= LONGEST_PAUSE { FIRST_PAUSE } else { (pause * 2).min(LONGEST_PAUSE) };
        program::fault(Where::Role);
        error!(role = name, error = format!("{failure:#}"), again_in = ?pause, "a role failed; starting it again");
        if stop.run_until_cancelled(tokio::time::sleep(pause)).await.is_none() {
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    };

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_role_that_cannot_start_ends_the_process_and_the_others() {
        let stop = CancellationToken::new();
        let mut supervisor = Supervisor::new(stop.clone());
        supervisor.start("worker", || async { Err(anyhow!("no bus")) });
        let waits = stop.clone();
        supervisor.start("demo", move || {
            let waits = waits.clone();
            async move {
                waits.cancelled().await;
                Ok(())
            }
        });
        let error = supervisor.run(Duration::from_secs(1)).await.unwrap_err();
        assert_eq!(format!("{error:#}"), "the worker cannot go on: no bus");
    }

    #[tokio::test(start_paused = true)]
    async fn a_role_that_failed_after_a_good_start_is_started_again() {
        let stop = CancellationToken::new();
        let mut supervisor = Supervisor::new(stop.clone());
        let starts = Arc::new(AtomicU32::new(0));
        let counted = starts.clone();
        supervisor.start("worker", move || {
            let (counted, stop) = (counted.clone(), stop.clone());
            async move {
                if counted.fetch_add(1, Ordering::SeqCst) == 2 {
                    stop.cancel();
                    return Ok(());
                }
                tokio::time::sleep(WELL).await;
                Err(anyhow!("fell"))
            }
        });
        supervisor.run(Duration::from_secs(1)).await.unwrap();
        assert_eq!(starts.load(Ordering::SeqCst), 3);
    }

    #[tokio::test(start_paused = true)]
    async fn a_role_that_panics_does_not_take_the_process_along() {
        let mut supervisor = Supervisor::new(CancellationToken::new());
        supervisor.start("worker", || async { panic!("on purpose") });
        let error = supervisor.run(Duration::from_secs(1)).await.unwrap_err();
        assert!(format!("{error:#}").contains("abnormally"), "{error:#}");
    }
}
