//! The database: SQLite (one writer, WAL) or PostgreSQL. One SQL text with `$1…` for both; `reading!`, `fetching!` and
//! `executing!` run it on whichever is there. Every statement is a constant, so that a test can prepare all of them on both.

mod error;
mod open;
#[cfg(test)]
mod prepare;

use std::time::Duration;

use sqlx::{PgPool, Postgres, Sqlite, SqlitePool, Transaction};

pub use self::{
    error::StoreError,
    open::{Database, OpenError, open, open_to_read},
};

/// How long a server may take to answer: longer than it gives a statement itself, so that its own word comes first. One that has
/// gone silent says nothing, and a connection does not notice.
const ANSWER: Duration = Duration::from_secs(6);

/// A database that is there, with its tables.
#[derive(Clone, Debug)]
pub enum Db {
    /// A file. Writes go one after another; reads side by side.
    Sqlite {
        /// One connection.
        write: SqlitePool,
        /// Several.
        read: SqlitePool,
    },
    /// A server.
    Postgres(PgPool),
}

/// A transaction that may write. Dropped without `commit` it leaves nothing.
pub(crate) enum Tx {
    Sqlite(Transaction<'static, Sqlite>),
    Postgres(Transaction<'static, Postgres>),
}

/// Reads outside of a transaction: `reading!(db, at => sqlx::query_as::<_, Row>(SQL).bind(id).fetch_optional(at))`.
macro_rules! reading {
    ($db:expr, $at:ident => $run:expr) => {
        match $db {
            $crate::store::Db::Sqlite { read: $at, .. } => {
                $run.await.map_err($crate::store::StoreError::from)
            }
            $crate::store::Db::Postgres($at) => $crate::store::answered($run).await,
        }
    };
}

/// Runs a statement in a transaction and gives its rows: `fetching!(tx, at => sqlx::query_as::<_, Row>(SQL).fetch_one(at))`.
macro_rules! fetching {
    ($tx:expr, $at:ident => $run:expr) => {
        match $tx {
            $crate::store::Tx::Sqlite(tx) => {
                let $at = &mut **tx;
                $run.await.map_err($crate::store::StoreError::from)
            }
            $crate::store::Tx::Postgres(tx) => {
                let $at = &mut **tx;
                $crate::store::answered($run).await
            }
        }
    };
}

/// Runs a statement in a transaction and gives how many rows it touched: `executing!(tx, sqlx::query(SQL).bind(id))`.
macro_rules! executing {
    ($tx:expr, $query:expr) => {
        match $tx {
            $crate::store::Tx::Sqlite(tx) => {
                let done = $query.execute(&mut **tx).await;
                done.map(|done| done.rows_affected()).map_err($crate::store::StoreError::from)
            }
            $crate::store::Tx::Postgres(tx) => {
                let done = $crate::store::answered($query.execute(&mut **tx)).await;
                done.map(|done| done.rows_affected())
            }
        }
    };
}

pub(crate) use {executing, fetching, reading};

pub(crate) use self::open::migrations;

/// What a server answers, if it does so in time.
pub(crate) async fn answered<T>(run: impl Future<Output = Result<T, sqlx::Error>>) -> Result<T, StoreError> {
    match tokio::time::timeout(ANSWER, run).await {
        Ok(answer) => answer.map_err(StoreError::from),
        Err(_) => Err(StoreError::Unavailable("it is silent".to_owned())),
    }
}

impl Db {
    /// Begins a transaction that may write; on SQLite it waits for its turn.
    pub(crate) async fn begin(&self) -> Result<Tx, StoreError> {
        Ok(match self {
            // Immediate: a transaction that begins by reading would otherwise fail when it comes to write.
            Self::Sqlite { write, .. } => Tx::Sqlite(write.begin_with("BEGIN IMMEDIATE").await?),
            Self::Postgres(pool) => Tx::Postgres(answered(pool.begin()).await?),
        })
    }

    /// Asks the database for nothing but an answer.
    ///
    /// # Errors
    /// Why there is none.
    pub async fn ping(&self) -> Result<(), StoreError> {
        reading!(self, at => sqlx::query_scalar::<_, i64>("SELECT CAST(1 AS BIGINT)").fetch_one(at)).map(drop)
    }

    /// Closes every connection; on SQLite this folds the write-ahead log into the file.
    pub async fn close(&self) {
        match self {
            Self::Sqlite { write, read } => {
                read.close().await;
                write.close().await;
            }
            Self::Postgres(pool) => pool.close().await,
        }
    }
}

impl Tx {
    /// Makes it last. Who asked a server, and got no answer, does not know whether it does.
    pub(crate) async fn commit(self) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(tx) => Ok(tx.commit().await?),
            Self::Postgres(tx) => answered(tx.commit()).await.map_err(|error| match error {
                StoreError::Unavailable(why) => StoreError::Unconfirmed(why),
                told => told,
            }),
        }
    }
}
