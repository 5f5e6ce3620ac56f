//! What happened to an entry that does not fit its place: once a link is broken, all entries are looked through for where this one
//! belongs and for the one that belongs here.

use super::{Finding, Wrong};
use crate::{
    audit::{
        chained,
        read::{self, Kept},
    },
    store::{Db, StoreError},
};

/// Entries at a time.
const PAGE: i64 = 200;

/// Where this entry belongs, and which one belongs here.
#[derive(Default)]
struct Belongs {
    there: Option<i64>,
    here: Option<i64>,
}

/// What is wrong with an entry whose place should follow the hash `before`.
pub(super) async fn finding(db: &Db, before: &[u8], kept: &Kept) -> Result<Finding, StoreError> {
    let place = kept.seq;
    let own = chained(&kept.prev_hash, place, &kept.entry) == kept.hash;
    if own {
        let detail = format!("entry {place} does not follow what stands before it");
        return Ok(Finding { seq: place - 1, wrong: Wrong::Altered, detail });
    }
    let belongs = look(db, before, kept).await?;
    let (wrong, detail) = match (belongs.here, belongs.there) {
        (Some(here), _) => (Wrong::Reordered, format!("what belongs here stands at {here}")),
        (None, Some(there)) if there > place => {
            (Wrong::Removed, format!("entry {there} stands in its place"))
        }
        (None, Some(there)) => {
            let detail = format!("entry {there} was moved to {place} to make room");
            return Ok(Finding { seq: there, wrong: Wrong::Inserted, detail });
        }
        (None, None) => (Wrong::Altered, "its hash does not fit what it says".to_owned()),
    };
    Ok(Finding { seq: place, wrong, detail })
}

async fn look(db: &Db, before: &[u8], kept: &Kept) -> Result<Belongs, StoreError> {
    let mut belongs = Belongs::default();
    let mut at = i64::MIN;
    loop {
        let page = read::after(db, at, PAGE).await?;
        let Some(last) = page.last().map(|last| last.seq) else { break };
        for other in page.iter().filter(|other| other.seq != kept.seq) {
            let rightly = chained(before, kept.seq, &other.entry);
            if rightly == kept.hash || rightly == other.hash {
                belongs.here = Some(other.seq);
            }
            let moved = fits(kept, other.seq, &kept.prev_hash, &kept.hash);
            if moved || fits(kept, other.seq, &other.prev_hash, &other.hash) {
                belongs.there = Some(other.seq);
            }
        }
        at = last;
    }
    // The entries after one that is gone may have moved up by one.
    if belongs.there.is_none() && fits(kept, at + 1, &kept.prev_hash, &kept.hash) {
        belongs.there = Some(at + 1);
    }
    Ok(belongs)
}

fn fits(kept: &Kept, place: i64, before: &[u8], hash: &[u8]) -> bool {
    chained(before, place, &kept.entry) == hash
}
