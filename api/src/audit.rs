//! The record: an append-only table in which each entry carries the hash of the one before. This file appends; every change of
//! keys, destinations and modes appends in the transaction that makes it, so that neither is there without the other.

mod checkpoint;
pub(crate) mod circumstances;
pub(crate) mod copy;
mod entry;
mod export;
mod journal;
mod position;
mod read;
pub(crate) mod redact;
mod retention;
mod shown;
mod signing;
mod verify;

use sha2::{Digest, Sha256};

pub(crate) use self::checkpoint::newest as newest_checkpoint;
pub use self::{
    checkpoint::Checkpoint,
    circumstances::configuration,
    entry::Entry,
    export::{Format, export},
    read::{Filter, Kept, Order, checkpoints, find, one},
    shown::{Shown, ShownCheckpoint},
    signing::{AuditKey, AuditKeyError, NoPublicKey, PublicKey},
    verify::{Finding, Known, Report, Wrong, verify},
};
use crate::store::{StoreError, Tx, executing, fetching};

/// The head of the chain, as kept in `meta`: sequence and hash of the newest entry. Touching it takes the lock on it, so that
/// entries of all replicas join one chain.
pub(crate) const LOCK_HEAD: &str = "UPDATE meta SET v = v WHERE k = 'audit_head' RETURNING v";
pub(crate) const MOVE_HEAD: &str = "UPDATE meta SET v = $1 WHERE k = 'audit_head'";
pub(crate) const INSERT: &str = "INSERT INTO audit_entries (seq, journal, journal_seq, at, kind, actor, key_id, target, outcome, \
     request_id, ip, body, prev_hash, hash) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)";

/// Bytes of a hash.
const HASH: usize = 32;

/// Sequence and hash of the newest entry; 0 and no hash when there is none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) seq: i64,
    pub(crate) hash: Vec<u8>,
}

/// Locks the head until the transaction ends.
pub(crate) async fn lock(tx: &mut Tx) -> Result<Head, StoreError> {
    let text: String = fetching!(tx, at => sqlx::query_scalar(LOCK_HEAD).fetch_one(at))?;
    Head::parse(&text)
        .ok_or_else(|| StoreError::Fault("the head of the audit chain cannot be read".to_owned()))
}

/// Appends after the head and moves it.
pub(crate) async fn append(tx: &mut Tx, head: &mut Head, entry: &Entry) -> Result<(), StoreError> {
    let seq = head.seq + 1;
    let entry = entry.clean();
    let entry = entry.as_ref();
    let hash = chained(&head.hash, seq, entry);
    executing!(
        tx,
        sqlx::query(INSERT)
            .bind(seq)
            .bind(&entry.journal)
            .bind(entry.journal_seq)
            .bind(entry.at)
            .bind(&entry.kind)
            .bind(&entry.actor)
            .bind(&entry.key_id)
            .bind(&entry.target)
            .bind(&entry.outcome)
            .bind(&entry.request_id)
            .bind(&entry.ip)
            .bind(&entry.body)
            .bind(&head.hash)
            .bind(&hash)
    )?;
    *head = Head { seq, hash };
    executing!(tx, sqlx::query(MOVE_HEAD).bind(head.text())).map(drop)
}

/// Appends one entry: locks, appends.
pub(crate) async fn record(tx: &mut Tx, entry: &Entry) -> Result<(), StoreError> {
    let mut head = lock(tx).await?;
    append(tx, &mut head, entry).await
}

/// The hash of an entry: SHA-256 over the hash before and the entry's canonical form with its place in the chain.
pub(crate) fn chained(before: &[u8], seq: i64, entry: &Entry) -> Vec<u8> {
    let mut hash = Sha256::new();
    hash.update(before);
    hash.update(entry.canonical(seq));
    hash.finalize().to_vec()
}

impl Head {
    fn parse(text: &str) -> Option<Self> {
        let (seq, hash) = text.split_once(':')?;
        let hash = unhex(hash)?;
        (hash.is_empty() || hash.len() == HASH).then_some(())?;
        Some(Self { seq: seq.parse().ok()?, hash })
    }

    fn text(&self) -> String {
        format!("{}:{}", self.seq, hex(&self.hash))
    }
}

/// A place and its hash, written as `seq:hash`.
#[must_use]
pub fn kept(text: &str) -> Option<(i64, Vec<u8>)> {
    let head = Head::parse(text.trim())?;
    (head.seq > 0 && !head.hash.is_empty()).then_some((head.seq, head.hash))
}

/// Lower-case hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |text, byte| format!("{text}{byte:02x}"))
}

/// The bytes of hexadecimal digits.
pub(crate) fn unhex(text: &str) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2) || !text.is_ascii() {
        return None;
    }
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(text.get(at..at + 2)?, 16).ok()).collect()
}
