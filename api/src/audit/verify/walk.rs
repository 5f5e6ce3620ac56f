//! The walk along the chain. Holds one page of entries at a time.

use super::{Finding, Known, Report, Wrong, blame};
use crate::{
    audit::{
        Head, chained,
        checkpoint::{BEYOND, Checkpoint, RETENTION, WITHIN},
        hex,
        read::{self, Kept},
    },
    store::{Db, StoreError, reading},
};

pub(crate) const HEAD: &str = "SELECT v FROM meta WHERE k = 'audit_head'";

/// Entries at a time.
const PAGE: i64 = 200;
/// Most keys that a report names.
const MOST_KEYS: usize = 100;
/// How often a walk begins anew because older entries were removed meanwhile.
const TRIES: usize = 3;

/// Walks the whole chain, and tells from time to time up to which entry of how many.
///
/// # Errors
/// The database.
pub async fn verify(
    db: &Db,
    known: &Known,
    mut progress: impl FnMut(i64, i64),
) -> Result<Report, StoreError> {
    let mut tries = 0;
    loop {
        let begin = Begin::load(db).await?;
        let mut walk = Walk::new(db, known, &begin);
        let finding = walk.through(&begin, &mut progress).await?;
        tries += 1;
        // What retention removes during the walk is no finding.
        if finding.is_some() && tries < TRIES && Begin::load(db).await? != begin {
            continue;
        }
        walk.report.whole = finding.is_none();
        walk.report.finding = finding;
        return Ok(walk.report);
    }
}

async fn head(db: &Db) -> Result<Option<Head>, StoreError> {
    let text: Option<String> = reading!(db, at => sqlx::query_scalar(HEAD).fetch_optional(at))?;
    Ok(text.as_deref().and_then(Head::parse))
}

async fn within(db: &Db, first: i64, last: i64) -> Result<Vec<Checkpoint>, StoreError> {
    reading!(db, at => sqlx::query_as::<_, Checkpoint>(WITHIN).bind(first).bind(last).fetch_all(at))
}

/// Where the chain begins: at its first entry, or after what retention has removed.
#[derive(PartialEq, Eq)]
struct Begin {
    removed: Option<Checkpoint>,
    first: Option<i64>,
}

impl Begin {
    async fn load(db: &Db) -> Result<Self, StoreError> {
        let removed = reading!(db, at => sqlx::query_as::<_, Checkpoint>(RETENTION).fetch_optional(at))?;
        Ok(Self { removed, first: read::first(db).await? })
    }

    fn boundary(&self) -> i64 {
        self.removed.as_ref().map_or(0, |checkpoint| checkpoint.seq)
    }

    /// The place before the first entry that must be there. Retention works in steps: older entries may still be there, and are
    /// then part of the chain that leads to the boundary.
    fn before(&self) -> i64 {
        match self.first {
            Some(first) if self.removed.is_some() => (first - 1).min(self.boundary()),
            Some(first) if first < 1 => first - 1,
            _ => self.boundary(),
        }
    }
}

struct Walk<'a> {
    db: &'a Db,
    known: &'a Known,
    report: Report,
    /// Place and hash of the entry that was looked at last; no hash: not known.
    at: i64,
    hash: Option<Vec<u8>>,
    /// The newest place that a checkpoint vouches for.
    vouched: i64,
}

impl<'a> Walk<'a> {
    fn new(db: &'a Db, known: &'a Known, begin: &Begin) -> Self {
        let (before, boundary) = (begin.before(), begin.boundary());
        let hash = match &begin.removed {
            Some(removed) if before == boundary => Some(removed.hash.clone()),
            Some(_) => None,
            None => Some(Vec::new()),
        };
        let report = Report { first: before + 1, last: before, ..Report::default() };
        Self { db, known, report, at: before, hash, vouched: before }
    }

    async fn through(
        &mut self,
        begin: &Begin,
        progress: &mut impl FnMut(i64, i64),
    ) -> Result<Option<Finding>, StoreError> {
        if let Some(removed) = begin.removed.as_ref().filter(|removed| removed.seq == self.at)
            && let Some(finding) = self.checkpoint(removed)
        {
            return Ok(Some(finding));
        }
        if begin.first.is_some_and(|first| first < 1) {
            let seq = begin.first.unwrap_or_default();
            return Ok(Some(found(seq, Wrong::Inserted, "the first entry has the place 1".to_owned())));
        }
        loop {
            // Read before the entries: what is appended meanwhile is then beyond it, not missing.
            let head = head(self.db).await?;
            let page = read::after(self.db, self.at, PAGE).await?;
            let Some((first, last)) = page.first().zip(page.last()) else {
                return self.end(head).await;
            };
            let checkpoints = within(self.db, first.seq, last.seq).await?;
            for kept in &page {
                if let Some(finding) = self.entry(kept).await? {
                    return Ok(Some(finding));
                }
                for checkpoint in checkpoints.iter().filter(|checkpoint| checkpoint.seq == kept.seq) {
                    if let Some(finding) = self.checkpoint(checkpoint) {
                        return Ok(Some(finding));
                    }
                }
                if let Some(finding) = self.elsewhere() {
                    return Ok(Some(finding));
                }
            }
            progress(self.at, head.map_or(self.at, |head| head.seq).max(self.at));
        }
    }

    async fn entry(&mut self, kept: &Kept) -> Result<Option<Finding>, StoreError> {
        let place = self.at + 1;
        if kept.seq != place {
            let last = kept.seq - 1;
            let which =
                if last == place { "It is".to_owned() } else { format!("The entries up to {last} are") };
            return Ok(Some(found(
                place,
                Wrong::Removed,
                format!("{which} not there; the next one is {}", kept.seq),
            )));
        }
        let before = self.hash.as_ref().unwrap_or(&kept.prev_hash);
        if kept.prev_hash != *before || chained(before, place, &kept.entry) != kept.hash {
            return blame::finding(self.db, before, kept).await.map(Some);
        }
        self.at = place;
        self.hash = Some(kept.hash.clone());
        self.report.entries += 1;
        self.report.last = place;
        self.report.head = hex(&kept.hash);
        Ok(None)
    }

    /// A checkpoint of the place that was looked at last.
    fn checkpoint(&mut self, checkpoint: &Checkpoint) -> Option<Finding> {
        let seq = checkpoint.seq;
        let Some(key) = checkpoint.signer() else {
            return Some(found(seq, Wrong::Forged, format!("the signature of checkpoint {seq} is not good")));
        };
        if !self.known.keys.is_empty() && !self.known.keys.contains(&key) {
            let detail = format!("checkpoint {seq} is signed by {key}, which is none of the keys given");
            return Some(found(seq, Wrong::Forged, detail));
        }
        if self.hash.as_ref() != Some(&checkpoint.hash) {
            return Some(self.rewritten(seq, "checkpoint"));
        }
        let name = key.to_string();
        if self.report.keys.len() < MOST_KEYS && !self.report.keys.contains(&name) {
            self.report.keys.push(name);
        }
        self.report.checkpoints += 1;
        self.vouched = seq;
        None
    }

    /// What was kept elsewhere of the place that was looked at last.
    fn elsewhere(&self) -> Option<Finding> {
        let mut kept = self.known.kept.iter().filter(|(seq, _)| *seq == self.at);
        kept.any(|(_, hash)| self.hash.as_ref() != Some(hash))
            .then(|| self.rewritten(self.at, "what was kept elsewhere of entry"))
    }

    fn rewritten(&self, seq: i64, what: &str) -> Finding {
        let first = (self.vouched + 1).min(seq);
        let detail = format!(
            "the entries {first} to {seq} were written anew: their chain does not lead to the hash of {what} {seq}"
        );
        found(first, Wrong::Rewritten, detail)
    }

    /// Whether something should follow the last entry.
    async fn end(&self, head: Option<Head>) -> Result<Option<Finding>, StoreError> {
        let next = self.at + 1;
        let Some(head) = head else {
            return Ok(Some(found(
                self.at,
                Wrong::Altered,
                "the head of the chain cannot be read".to_owned(),
            )));
        };
        let beyond = reading!(self.db, at => sqlx::query_as::<_, Checkpoint>(BEYOND).bind(self.at).fetch_optional(at))?;
        let kept = self.known.kept.iter().map(|(seq, _)| *seq).filter(|seq| *seq > self.at).max();
        let seen = match (head.seq > self.at, beyond, kept) {
            (true, _, _) => Some(format!("the head of the chain is {}", head.seq)),
            (_, Some(beyond), _) => Some(format!("there is a checkpoint of entry {}", beyond.seq)),
            (_, _, Some(kept)) => Some(format!("entry {kept} was kept elsewhere")),
            (false, None, None) => None,
        };
        if let Some(seen) = seen {
            return Ok(Some(found(
                next,
                Wrong::CutOff,
                format!("the last entry is {}, but {seen}", self.at),
            )));
        }
        let known = self.hash.as_deref().unwrap_or_default();
        if head.seq < self.at {
            let detail = format!("the head of the chain is {} only", head.seq);
            return Ok(Some(found(head.seq + 1, Wrong::Inserted, detail)));
        }
        let detail = "the head of the chain has another hash".to_owned();
        Ok((head.hash != known).then(|| found(self.at, Wrong::Altered, detail)))
    }
}

fn found(seq: i64, wrong: Wrong, detail: String) -> Finding {
    Finding { seq, wrong, detail }
}
