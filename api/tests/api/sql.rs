//! The database as its owner sees it, whichever it is.

use adjutant_api::store::Db;
use sqlx::{FromRow, postgres::PgRow, sqlite::SqliteRow};

/// The rows of a statement.
pub async fn rows<T>(db: &Db, sql: &'static str) -> Vec<T>
where
    T: Send + Unpin + for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow>,
{
    match db {
        Db::Sqlite { read, .. } => sqlx::query_as(sql).fetch_all(read).await.unwrap(),
        Db::Postgres(pool) => sqlx::query_as(sql).fetch_all(pool).await.unwrap(),
    }
}

/// Runs statements.
pub async fn execute(db: &Db, sql: &'static str) {
    match db {
        Db::Sqlite { write, .. } => sqlx::raw_sql(sql).execute(write).await.map(drop).unwrap(),
        Db::Postgres(pool) => sqlx::raw_sql(sql).execute(pool).await.map(drop).unwrap(),
    }
}
