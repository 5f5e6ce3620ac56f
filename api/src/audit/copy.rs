//! The copier: one replica at a time copies the journal into the record, in order, each event once. A batch is tried until it is
//! stored; nothing is taken after it before.

use std::time::Duration;

use adjutant_bus::{
    canary,
    lease::{self, Term},
    mode::{self, Beat},
    ports::{BusError, Follow, Followed},
    subject::Journals,
    wire::Version,
};
use adjutant_metrics::api::Copying;
use jiff::Timestamp;
use tokio::time::{Instant, MissedTickBehavior};
use tokio_stream::StreamExt;
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use super::{
    Entry, Head, append,
    checkpoint::Checkpoints,
    hex,
    journal::{Entries, OURSELVES, number},
    lock, position,
    retention::Retention,
    signing::AuditKey,
};
use crate::{
    app::Shared,
    store::{StoreError, executing},
};

pub(crate) const TOUCH: &str = "INSERT INTO meta (k, v) VALUES ('audit_beat', $1) \
     ON CONFLICT (k) DO UPDATE SET v = excluded.v";

/// The lease of which there is one.
const LEASE: &str = "api.audit";
/// Who gives no sign of life for so long loses the lease.
const HANDOVER: Duration = Duration::from_secs(10);
/// Most events in one transaction.
const MOST: usize = 256;
/// How long the first event of a batch waits for others.
const GATHER: Duration = Duration::from_millis(20);
/// At the latest after this time the database is asked whether it takes writes.
const IDLE: Duration = Duration::from_secs(5);
/// Pauses between tries of a batch: the first, doubled up to the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(3);
/// Pause before the lease is asked for again after a fault.
const AGAIN: Duration = Duration::from_secs(1);
/// How long at a stop what has happened may take to be copied.
const LAST: Duration = Duration::from_secs(3);
/// How long the bus may take to accept a beat.
const BEAT: Duration = Duration::from_secs(2);

/// How the record is kept.
#[derive(Clone)]
pub(crate) struct Keeping {
    /// Signs checkpoints.
    pub(crate) key: AuditKey,
    /// How long entries are kept; none: for ever.
    pub(crate) retention: Option<Duration>,
}

/// Why a term of copying ends.
#[derive(Debug, thiserror::Error)]
enum Ended {
    #[error("the lease is not certain any more")]
    Lost,
    #[error("the service stops")]
    Stopped,
    #[error("the journal is another, or the record was set back")]
    Moved,
    #[error(
        "the journal ends at {newest}, and the record has it up to {position}: an older copy of the bus was restored; see docs/backup.md"
    )]
    Behind { newest: u64, position: i64 },
    #[error("the journal cannot be followed: {0}")]
    Bus(#[from] BusError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Copies until `stop`, whenever this replica holds the lease.
pub(crate) async fn run(app: Shared, keeping: Keeping, stop: CancellationToken) {
    loop {
        let term = lease::acquire(&app.bus, LEASE, &app.config.name, HANDOVER, &stop).await;
        let Some(term) = term else { return };
        match Copier::begin(&app, &keeping, &term, &stop).await {
            Ok(mut copier) => match copier.keep().await {
                Err(Ended::Stopped) => {}
                Err(why) => warn!(%why, "copying into the record is interrupted"),
                Ok(never) => match never {},
            },
            Err(why) => warn!(%why, "copying into the record cannot begin"),
        }
        term.release().await;
        if stop.run_until_cancelled(tokio::time::sleep(AGAIN)).await.is_none() {
            return;
        }
    }
}

struct Copier<'a> {
    app: &'a Shared,
    term: &'a Term,
    stop: &'a CancellationToken,
    journal: String,
    entries: Entries,
    checkpoints: Checkpoints,
    retention: Retention,
    /// The newest sequence that is in the record.
    position: i64,
    told: Copying,
}

impl<'a> Copier<'a> {
    async fn begin(
        app: &'a Shared,
        keeping: &Keeping,
        term: &'a Term,
        stop: &'a CancellationToken,
    ) -> Result<Self, Ended> {
        let journal = app.bus.journal.identity().await?;
        let checkpoints = Checkpoints::load(&app.db, keeping.key.clone()).await?;
        let retention = Retention::new(keeping.retention, keeping.key.clone());
        let mut tx = app.db.begin().await?;
        let mut head = lock(&mut tx).await?;
        let position = match position::read(&mut tx, &journal).await? {
            Some(position) => position,
            None => {
                append(&mut tx, &mut head, &Entry::now("journal.begun", OURSELVES, journal.clone())).await?;
                position::write(&mut tx, &journal, 0).await?;
                0
            }
        };
        tx.commit().await?;
        // What is written next would have numbers that the record has already, and be taken for copied.
        let newest = app.bus.journal.newest().await?;
        if newest < position.unsigned_abs() {
            return Err(Ended::Behind { newest, position });
        }
        info!(journal, position, "the journal is copied into the record here");
        let entries = Entries::of(&journal);
        let told = Copying::begin();
        Ok(Self { app, term, stop, journal, entries, checkpoints, retention, position, told })
    }

    async fn keep(&mut self) -> Result<std::convert::Infallible, Ended> {
        let from = Follow::After(self.position.unsigned_abs());
        let followed = self.app.bus.journal.follow(Journals::All, from).await?;
        let batches = followed.chunks_timeout(MOST, GATHER);
        tokio::pin!(batches);
        let mut idle = tokio::time::interval(IDLE);
        idle.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut until: Option<Instant> = None;
        loop {
            let last = async {
                match until {
                    Some(until) => tokio::time::sleep_until(until).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                () = self.term.lost().cancelled() => return Err(Ended::Lost),
                () = self.stop.cancelled(), if until.is_none() => until = Some(Instant::now() + LAST),
                () = last => return self.finish().await,
                batch = batches.next() => match batch {
                    Some(batch) => self.store(&batch).await?,
                    None => return self.finish().await,
                },
                _ = idle.tick(), if until.is_none() => self.touch().await?,
            }
            if until.is_some() && self.complete().await {
                return self.finish().await;
            }
        }
    }

    /// Whether all that has happened is in the record.
    async fn complete(&self) -> bool {
        let newest = self.app.bus.journal.newest().await;
        newest.is_ok_and(|newest| newest <= self.position.unsigned_abs())
    }

    /// Signs what is there, at a stop.
    async fn finish(&mut self) -> Result<std::convert::Infallible, Ended> {
        let mut tx = self.app.db.begin().await?;
        let head = lock(&mut tx).await?;
        drop(tx);
        self.checkpoints.sign(&self.app.db, &head).await;
        Err(Ended::Stopped)
    }

    /// Stores a batch, however long it takes.
    async fn store(&mut self, batch: &[Followed]) -> Result<(), Ended> {
        let mut pause = FIRST_PAUSE;
        loop {
            if !self.term.good().is_good() {
                return Err(Ended::Lost);
            }
            let at = Timestamp::now();
            match self.append(batch).await {
                Ok(head) => {
                    self.beat(at, &head).await;
                    self.checkpoints.pass(&self.app.db, &head).await;
                    return Ok(());
                }
                Err(Ended::Store(error)) => {
                    error!(%error, events = batch.len(), "the record cannot be kept; trying again");
                    self.measure().await;
                }
                Err(other) => return Err(other),
            }
            if self.stop.is_cancelled() {
                return Err(Ended::Stopped);
            }
            tokio::select! {
                () = self.term.lost().cancelled() => return Err(Ended::Lost),
                () = tokio::time::sleep(pause) => pause = (pause * 2).min(LONGEST_PAUSE),
            }
        }
    }

    /// Stores a batch, or nothing of it. What another copier has stored meanwhile is passed over.
    async fn append(&mut self, batch: &[Followed]) -> Result<Head, Ended> {
        let mut tx = self.app.db.begin().await?;
        let mut head = lock(&mut tx).await?;
        let stored = position::read(&mut tx, &self.journal).await?.unwrap_or_default();
        if stored < self.position {
            return Err(Ended::Moved);
        }
        let mut newest = stored;
        for Followed { recorded, .. } in batch {
            let sequence = number(recorded.sequence)?;
            if sequence <= newest {
                continue;
            }
            if sequence > newest + 1 {
                warn!(from = newest + 1, to = sequence - 1, "events of the journal are missing");
                append(&mut tx, &mut head, &self.entries.gap(newest + 1, sequence - 1)).await?;
            }
            newest = sequence;
            // Nobody asked for these: they say that the way was good, and are no deeds.
            if canary::is_origin(&recorded.key.origin) {
                continue;
            }
            let entry = self.entries.entry(&mut tx, recorded).await?;
            append(&mut tx, &mut head, &entry).await?;
            crate::requests::view::view(&mut tx, recorded).await?;
        }
        if newest > stored {
            position::write(&mut tx, &self.journal, newest).await?;
        }
        tx.commit().await?;
        self.position = newest;
        Ok(head)
    }

    /// Finds out by writing whether the database takes writes, and tells.
    async fn touch(&mut self) -> Result<(), Ended> {
        let identity = tokio::time::timeout(BEAT, self.app.bus.journal.identity()).await;
        if matches!(&identity, Ok(Ok(identity)) if *identity != self.journal) {
            return Err(Ended::Moved);
        }
        self.measure().await;
        let at = Timestamp::now();
        match self.write(at).await {
            Ok(head) => {
                self.beat(at, &head).await;
                self.checkpoints.pass(&self.app.db, &head).await;
                self.retention.pass(&self.app.db).await;
            }
            Err(error) => error!(%error, "the record cannot be kept"),
        }
        Ok(())
    }

    /// Measures how far the record is behind the journal.
    async fn measure(&self) {
        if let Ok(Ok(newest)) = tokio::time::timeout(BEAT, self.app.bus.journal.newest()).await {
            self.told.behind(newest.saturating_sub(self.position.unsigned_abs()));
        }
    }

    async fn write(&self, at: Timestamp) -> Result<Head, StoreError> {
        let mut tx = self.app.db.begin().await?;
        let head = lock(&mut tx).await?;
        executing!(&mut tx, sqlx::query(TOUCH).bind(at.to_string()))?;
        tx.commit().await?;
        Ok(head)
    }

    /// Tells the workers that the record is kept.
    async fn beat(&self, at: Timestamp, head: &Head) {
        self.told.kept();
        let sequence = self.position.unsigned_abs();
        let beat = Beat { v: Version, at, sequence, head: hex(&head.hash) };
        match tokio::time::timeout(BEAT, mode::beat(&self.app.bus, &beat)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => warn!(%error, "the bus does not take the beat of the record"),
            Err(_) => warn!("the bus does not take the beat of the record in time"),
        }
    }
}
