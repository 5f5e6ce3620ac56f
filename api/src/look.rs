//! The database as it is, for checks from outside: nothing is made, brought up to date or changed.

mod tables;

use adjutant_bus::look::Clock;
use jiff::Timestamp;

pub use self::tables::Tables;
use crate::{
    audit::{PublicKey, newest_checkpoint},
    key::Peppers,
    keyring::peppers,
    store::{Database, Db, OpenError, StoreError, answered, open_to_read, reading},
};

pub(crate) const BEAT: &str = "SELECT v FROM meta WHERE k = 'audit_beat'";

/// What was found.
#[derive(Clone, Debug)]
pub struct Look {
    /// How its tables stand to this program.
    pub tables: Tables,
    /// What its clock says; none: it is a file.
    pub clock: Option<Clock>,
    /// Why a server takes no writes of this user, if so.
    pub unwritable: Option<String>,
    /// How the pepper fits.
    pub pepper: PepperFit,
    /// The newest signed place of the record.
    pub checkpoint: Option<Signed>,
    /// When the copier of the record last found that the database takes writes.
    pub beat: Option<Timestamp>,
}

/// A signed place of the record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signed {
    /// The entry's place.
    pub seq: i64,
    /// When.
    pub at: Timestamp,
    /// By which key.
    pub by: Option<PublicKey>,
}

/// How a pepper fits the keys of a database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PepperFit {
    /// There are no keys yet, or no tables.
    Unused,
    /// It is the one.
    Fits,
    /// The one before is the one: this one replaces it at the next start.
    Replaces,
    /// There are keys, and they were made with another one.
    Wrong,
    /// There are keys, and there is no pepper.
    None,
}

/// Why there is nothing to see.
#[derive(Debug, thiserror::Error)]
pub enum Unseen {
    /// The file is not there.
    #[error("{0} is not there")]
    NoFile(String),
    /// It cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// It does not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Looks at a database, and how this pepper fits it.
///
/// # Errors
/// Why there is nothing to see.
pub async fn look(database: &Database, ours: Option<&Peppers>) -> Result<Look, Unseen> {
    if let Database::Sqlite(file) = database
        && !file.exists()
    {
        return Err(Unseen::NoFile(file.display().to_string()));
    }
    let db = open_to_read(database).await?;
    let looked = look_at(&db, ours).await;
    db.close().await;
    Ok(looked?)
}

async fn look_at(db: &Db, ours: Option<&Peppers>) -> Result<Look, StoreError> {
    let tables = tables::look(db).await?;
    let clock = clock(db).await?;
    if !tables.may_be_read() {
        let pepper = PepperFit::Unused;
        return Ok(Look { tables, clock, unwritable: None, pepper, checkpoint: None, beat: None });
    }
    let known = peppers::known(db).await?;
    let checkpoint = newest_checkpoint(db).await?.and_then(|newest| {
        let at = Timestamp::from_millisecond(newest.at).ok()?;
        Some(Signed { seq: newest.seq, at, by: PublicKey::new(&newest.public_key) })
    });
    let beat: Option<String> = reading!(db, at => sqlx::query_scalar(BEAT).fetch_optional(at))?;
    Ok(Look {
        tables,
        clock,
        unwritable: unwritable(db).await?,
        pepper: fit(&known, ours),
        checkpoint,
        beat: beat.and_then(|text| text.parse().ok()),
    })
}

fn fit(known: &[(i64, Vec<u8>)], ours: Option<&Peppers>) -> PepperFit {
    let is_known = |value: &[u8]| known.iter().any(|(_, check)| check == value);
    match ours {
        _ if known.is_empty() => PepperFit::Unused,
        None => PepperFit::None,
        Some(ours) if is_known(&ours.check_value()) => PepperFit::Fits,
        Some(ours) if ours.previous_check_value().is_some_and(|value| is_known(&value)) => {
            PepperFit::Replaces
        }
        Some(_) => PepperFit::Wrong,
    }
}

async fn clock(db: &Db) -> Result<Option<Clock>, StoreError> {
    let Db::Postgres(pool) = db else { return Ok(None) };
    // The first question may open a connection, which takes longer.
    db.ping().await?;
    let asked = Timestamp::now();
    let told: i64 = answered(
        sqlx::query_scalar("SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)")
            .fetch_one(pool),
    )
    .await?;
    let told = Timestamp::from_millisecond(told);
    Ok(told.ok().map(|told| Clock { asked, told, answered: Timestamp::now() }))
}

async fn unwritable(db: &Db) -> Result<Option<String>, StoreError> {
    let Db::Postgres(pool) = db else { return Ok(None) };
    let asked = "SELECT pg_is_in_recovery(), has_table_privilege('audit_entries', 'INSERT')";
    let (follows, may): (bool, bool) = answered(sqlx::query_as(asked).fetch_one(pool)).await?;
    Ok(match (follows, may) {
        (true, _) => Some("this server is a standby, which takes no writes".to_owned()),
        (false, false) => Some("this user may not write to the tables".to_owned()),
        (false, true) => None,
    })
}

#[cfg(test)]
mod tests;
