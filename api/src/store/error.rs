//! What can go wrong with the database, by what the caller does about it.

/// What can go wrong with the database.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Not now: it cannot be reached, is busy, or did not answer in time. Worth another try.
    #[error("the database does not answer: {0}")]
    Unavailable(String),
    /// It went away while it was asked to make a change last: the change is made, or is not.
    #[error("the database has not confirmed it: {0}")]
    Unconfirmed(String),
    /// It can be read but not written: the disk is full, or the file or server is read-only.
    #[error("the database cannot be written: {0}")]
    Unwritable(String),
    /// A row with this key is there already.
    #[error("it is there already")]
    Exists,
    /// Everything else: a fault of ours or of the schema.
    #[error("the database failed: {0}")]
    Fault(String),
}

/// SQLite's primary result codes (sqlite.org/rescode.html) in the lowest byte of the extended code.
const SQLITE_BUSY: u32 = 5;
const SQLITE_LOCKED: u32 = 6;
const SQLITE_READONLY: u32 = 8;
const SQLITE_IOERR: u32 = 10;
const SQLITE_FULL: u32 = 13;
const SQLITE_CANTOPEN: u32 = 14;

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        let told = error.to_string();
        match &error {
            sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed
            | sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::Protocol(_) => Self::Unavailable(told),
            sqlx::Error::Database(database) if database.is_unique_violation() => Self::Exists,
            sqlx::Error::Database(database) => match database.code() {
                Some(code) => by_code(&code, told),
                None => Self::Fault(told),
            },
            _ => Self::Fault(told),
        }
    }
}

/// SQLite gives a number, PostgreSQL an SQLSTATE of five characters (appendix A of its documentation).
fn by_code(code: &str, told: String) -> StoreError {
    if code.len() != 5 {
        let primary = code.parse::<u32>().unwrap_or_default() & 0xff;
        return match primary {
            SQLITE_BUSY | SQLITE_LOCKED | SQLITE_CANTOPEN => StoreError::Unavailable(told),
            SQLITE_READONLY | SQLITE_FULL | SQLITE_IOERR => StoreError::Unwritable(told),
            _ => StoreError::Fault(told),
        };
    }
    match code.get(..2) {
        // Connection, resources, operator's intervention, system, serialization.
        Some("08" | "57" | "58" | "40") => StoreError::Unavailable(told),
        Some("53") if code == "53100" => StoreError::Unwritable(told),
        Some("53") => StoreError::Unavailable(told),
        _ if code == "25006" => StoreError::Unwritable(told),
        // A lock was not had in time.
        _ if code == "55P03" => StoreError::Unavailable(told),
        _ => StoreError::Fault(told),
    }
}
