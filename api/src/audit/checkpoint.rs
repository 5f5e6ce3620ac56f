//! Checkpoints: now and then the newest entry's place and hash are signed, so that a chain that somebody computes anew does not fit
//! them. Each is logged, too: whoever keeps the log elsewhere can prove that nothing was cut off.

use std::time::Duration;

use jiff::Timestamp;
use tracing::{info, warn};

use super::{
    Head, hex,
    signing::{AuditKey, PublicKey},
};
use crate::store::{Db, StoreError, Tx, executing, reading};

pub(crate) const INSERT: &str = "INSERT INTO audit_checkpoints (seq, hash, at, kind, public_key, signature) \
     VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (seq, kind) DO NOTHING";
pub(crate) const NEWEST: &str = "SELECT seq, hash, at, kind, public_key, signature FROM audit_checkpoints \
     ORDER BY seq DESC, kind LIMIT 1";
pub(crate) const WITHIN: &str = "SELECT seq, hash, at, kind, public_key, signature FROM audit_checkpoints \
     WHERE seq >= $1 AND seq <= $2 ORDER BY seq, kind LIMIT 2000";
pub(crate) const BEYOND: &str = "SELECT seq, hash, at, kind, public_key, signature FROM audit_checkpoints \
     WHERE seq > $1 ORDER BY seq, kind LIMIT 1";
pub(crate) const RETENTION: &str = "SELECT seq, hash, at, kind, public_key, signature FROM audit_checkpoints \
     WHERE kind = 'retention' ORDER BY seq DESC LIMIT 1";

/// At the latest after so many entries.
const EVERY: i64 = 1_000;
/// At the latest after this time, if there are new entries.
const HOURLY: Duration = Duration::from_secs(3_600);

/// What a checkpoint is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Now and then.
    Periodic,
    /// Everything up to it was removed, or may be.
    Retention,
}

impl Kind {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Periodic => "periodic",
            Self::Retention => "retention",
        }
    }
}

/// A checkpoint as it is kept.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Checkpoint {
    /// The entry's place.
    pub seq: i64,
    /// Its hash.
    pub hash: Vec<u8>,
    /// When it was signed, in Unix milliseconds.
    pub at: i64,
    /// `periodic` or `retention`.
    pub kind: String,
    /// With which key.
    pub public_key: Vec<u8>,
    /// Ed25519 over the canonical text.
    pub signature: Vec<u8>,
}

impl Checkpoint {
    /// Signs this place now.
    pub(super) fn sign(key: &AuditKey, head: &Head, kind: Kind) -> Self {
        let mut checkpoint = Self {
            seq: head.seq,
            hash: head.hash.clone(),
            at: Timestamp::now().as_millisecond(),
            kind: kind.as_str().to_owned(),
            public_key: key.public().bytes().to_vec(),
            signature: Vec::new(),
        };
        checkpoint.signature = key.sign(&checkpoint.canonical());
        checkpoint
    }

    /// What is signed. The first line keeps the signature from being taken for one of anything else.
    fn canonical(&self) -> Vec<u8> {
        let (hash, at) = (hex(&self.hash), self.at);
        format!("adjutant audit checkpoint v1\n{}\n{}\n{hash}\n{at}\n", self.kind, self.seq).into_bytes()
    }

    /// By whom it was signed, if the signature is good.
    pub(super) fn signer(&self) -> Option<PublicKey> {
        PublicKey::new(&self.public_key).filter(|key| key.signed(&self.canonical(), &self.signature))
    }

    pub(super) async fn keep(&self, tx: &mut Tx) -> Result<(), StoreError> {
        executing!(
            tx,
            sqlx::query(INSERT)
                .bind(self.seq)
                .bind(&self.hash)
                .bind(self.at)
                .bind(&self.kind)
                .bind(&self.public_key)
                .bind(&self.signature)
        )
        .map(drop)
    }

    pub(super) fn tell(&self) {
        let (hash, signature, at) = (hex(&self.hash), hex(&self.signature), self.at);
        info!(seq = self.seq, hash, kind = self.kind, at, signature, "a checkpoint of the record is signed");
    }
}

/// Signs when it is time.
pub(super) struct Checkpoints {
    key: AuditKey,
    /// The newest.
    seq: i64,
    at: Timestamp,
}

impl Checkpoints {
    /// Goes on after the newest one that is there.
    pub(super) async fn load(db: &Db, key: AuditKey) -> Result<Self, StoreError> {
        let newest = newest(db).await?;
        let at = newest.as_ref().and_then(|newest| Timestamp::from_millisecond(newest.at).ok());
        let at = at.unwrap_or_else(Timestamp::now);
        Ok(Self { key, seq: newest.map_or(0, |newest| newest.seq), at })
    }

    /// Signs this head if it is time.
    pub(super) async fn pass(&mut self, db: &Db, head: &Head) {
        let old = Timestamp::now().duration_since(self.at).unsigned_abs() >= HOURLY;
        if head.seq - self.seq >= EVERY || (old && head.seq > self.seq) {
            self.sign(db, head).await;
        }
    }

    /// Signs this head unless it is signed.
    pub(super) async fn sign(&mut self, db: &Db, head: &Head) {
        if head.seq <= self.seq {
            return;
        }
        let checkpoint = Checkpoint::sign(&self.key, head, Kind::Periodic);
        match keep(db, &checkpoint).await {
            Ok(()) => {
                checkpoint.tell();
                (self.seq, self.at) = (head.seq, Timestamp::now());
            }
            Err(error) => {
                warn!(%error, "a checkpoint of the record could not be kept; it will be signed later")
            }
        }
    }
}

/// The newest one that is there.
pub(crate) async fn newest(db: &Db) -> Result<Option<Checkpoint>, StoreError> {
    reading!(db, at => sqlx::query_as::<_, Checkpoint>(NEWEST).fetch_optional(at))
}

async fn keep(db: &Db, checkpoint: &Checkpoint) -> Result<(), StoreError> {
    let mut tx = db.begin().await?;
    checkpoint.keep(&mut tx).await?;
    tx.commit().await
}
