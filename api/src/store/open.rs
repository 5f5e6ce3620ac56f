//! Opening the database: where it is, how its connections are set up, and bringing its tables up to date.

use std::{
    fs::File,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    str::FromStr,
    time::Duration,
};

use secrecy::{ExposeSecret, SecretString};
use sqlx::{
    Connection, PgConnection, SqliteConnection,
    migrate::Migrator,
    postgres::{PgConnectOptions, PgPoolOptions},
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

use super::Db;

static SQLITE: Migrator = sqlx::migrate!("migrations/sqlite");
static POSTGRES: Migrator = sqlx::migrate!("migrations/postgres");

/// How long a request waits for a connection.
const WAIT: Duration = Duration::from_secs(2);
/// How long SQLite waits for another process that writes.
const BUSY: Duration = Duration::from_secs(5);
/// After this time the server gives up a statement, in milliseconds.
const STATEMENT: &str = "5000";
/// Connections that read an SQLite file.
const READERS: u32 = 4;
/// Connections to a server.
const CONNECTIONS: u32 = 16;

/// Where the database is.
#[derive(Clone, Debug)]
pub enum Database {
    /// A file.
    Sqlite(PathBuf),
    /// The address of a server, with its password: `postgres://user:password@host/name`.
    Postgres(SecretString),
}

/// Why the database cannot be opened, in one line.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The address cannot be read.
    #[error("api.database is no address: use postgres://user:password@host:5432/name")]
    Address,
    /// It cannot be reached or opened.
    #[error("{0} cannot be opened: {1}")]
    Open(String, String),
    /// Its tables cannot be brought up to date.
    #[error("the tables of {0} cannot be brought up to date: {1}")]
    Migrate(String, String),
}

/// Opens the database and brings its tables up to date. Several processes may do so at once.
///
/// # Errors
/// One line that says what is wrong.
pub async fn open(database: &Database) -> Result<Db, OpenError> {
    match database {
        Database::Sqlite(file) => sqlite(file.clone()).await,
        Database::Postgres(url) => postgres(url).await,
    }
}

/// Opens a database that is there already, to read only: nothing is made, brought up to date or changed.
///
/// # Errors
/// One line that says what is wrong.
pub async fn open_to_read(database: &Database) -> Result<Db, OpenError> {
    match database {
        Database::Sqlite(file) => {
            let options = SqliteConnectOptions::new().filename(file).read_only(true).busy_timeout(BUSY);
            let write = SqlitePoolOptions::new().max_connections(1).connect_lazy_with(options.clone());
            let read = SqlitePoolOptions::new().max_connections(READERS).acquire_timeout(WAIT);
            let read = read.connect_with(options).await;
            let failed = |error: sqlx::Error| OpenError::Open(file.display().to_string(), error.to_string());
            Ok(Db::Sqlite { write, read: read.map_err(failed)? })
        }
        Database::Postgres(url) => {
            let (name, options) = server(url)?;
            let options = options.options([("default_transaction_read_only", "on")]);
            let pool = PgPoolOptions::new().max_connections(READERS).acquire_timeout(WAIT);
            let failed = |error: sqlx::Error| OpenError::Open(name, error.to_string());
            Ok(Db::Postgres(pool.connect_with(options).await.map_err(failed)?))
        }
    }
}

/// The migrations that this program brings for a database of this kind.
pub(crate) const fn migrations(db: &Db) -> &'static Migrator {
    match db {
        Db::Sqlite { .. } => &SQLITE,
        Db::Postgres(_) => &POSTGRES,
    }
}

async fn sqlite(file: PathBuf) -> Result<Db, OpenError> {
    let name = file.display().to_string();
    let failed = |error: &dyn std::fmt::Display| OpenError::Open(name.clone(), error.to_string());
    if let Some(folder) = file.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder).map_err(|error| failed(&error))?;
    }
    // Only its owner may read it. A file that is there stays as it is.
    let made = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&file);
    if let Err(error) = made
        && error.kind() != std::io::ErrorKind::AlreadyExists
    {
        return Err(failed(&error));
    }
    let options = SqliteConnectOptions::new()
        .filename(&file)
        .create_if_missing(true)
        .foreign_keys(true)
        .journal_mode(SqliteJournalMode::Wal)
        // Full: the record of what was done must survive a power cut.
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(BUSY);
    // Before the first connection: turning a new file to WAL does not wait for others that do the same.
    let lock = migrating(&file).await.map_err(|error| OpenError::Migrate(name.clone(), error.to_string()))?;
    let write = SqlitePoolOptions::new().max_connections(1).acquire_timeout(BUSY + WAIT);
    let write = write.after_release(|connection, _| Box::pin(rolled_back(connection)));
    let write = write.connect_with(options.clone()).await.map_err(|error| failed(&error))?;
    SQLITE.run(&write).await.map_err(|error| OpenError::Migrate(name.clone(), error.to_string()))?;
    drop(lock);
    let read = SqlitePoolOptions::new().max_connections(READERS).acquire_timeout(WAIT);
    let read = read.connect_with(options.read_only(true)).await.map_err(|error| failed(&error))?;
    Ok(Db::Sqlite { write, read })
}

/// Whether a connection can be used again. When the disk is full SQLite ends a transaction by itself, so that rolling it back fails,
/// and sqlx would take it to be open for ever: then another connection is opened.
async fn rolled_back(connection: &mut SqliteConnection) -> Result<bool, sqlx::Error> {
    // Answered after the roll-back that a dropped transaction leaves.
    connection.ping().await?;
    Ok(!connection.is_in_transaction())
}

/// Waits until no other process brings the tables of this file up to date: SQLite's migrations take no lock by themselves, as those
/// of PostgreSQL do. The lock ends with what is returned.
async fn migrating(file: &Path) -> std::io::Result<File> {
    let beside = file.with_extension("lock");
    let taken = tokio::task::spawn_blocking(move || {
        let lock = File::options().create(true).truncate(false).write(true).mode(0o600).open(beside)?;
        lock.lock()?;
        Ok(lock)
    });
    taken.await.map_err(std::io::Error::other)?
}

async fn postgres(url: &SecretString) -> Result<Db, OpenError> {
    let (name, options) = server(url)?;
    let pool = PgPoolOptions::new().max_connections(CONNECTIONS).acquire_timeout(WAIT);
    let pool = pool.after_release(|connection, _| Box::pin(whole(connection)));
    let pool =
        pool.connect_with(options).await.map_err(|error| OpenError::Open(name.clone(), error.to_string()))?;
    POSTGRES.run(&pool).await.map_err(|error| OpenError::Migrate(name, error.to_string()))?;
    Ok(Db::Postgres(pool))
}

/// Whether a connection can be used again. What was given up on it may still wait for an answer, and would hold its place for ever.
async fn whole(connection: &mut PgConnection) -> Result<bool, sqlx::Error> {
    tokio::time::timeout(WAIT, connection.ping()).await.map_err(|_| sqlx::Error::PoolTimedOut)?.map(|()| true)
}

/// The server's name for people, and how each connection is set up.
fn server(url: &SecretString) -> Result<(String, PgConnectOptions), OpenError> {
    let options = PgConnectOptions::from_str(url.expose_secret()).map_err(|_| OpenError::Address)?;
    let name = format!("PostgreSQL at {}", options.get_host());
    let options = options.application_name("adjutant").options([
        ("statement_timeout", STATEMENT),
        ("lock_timeout", STATEMENT),
        ("idle_in_transaction_session_timeout", "30000"),
    ]);
    Ok((name, options))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{StoreError, executing};

    const GROW: &str = "INSERT INTO meta (k, v) VALUES ($1, $2)";

    async fn database() -> (tempfile::TempDir, Db) {
        let dir = tempfile::tempdir().unwrap();
        let db = open(&Database::Sqlite(dir.path().join("adjutant.db"))).await.unwrap();
        (dir, db)
    }

    async fn pragma(db: &Db, text: &'static str) {
        let Db::Sqlite { write, .. } = db else { panic!("a file") };
        sqlx::query(text).execute(write).await.unwrap();
    }

    async fn grow(db: &Db, key: String) -> Result<(), StoreError> {
        let mut tx = db.begin().await?;
        executing!(&mut tx, sqlx::query(GROW).bind(key).bind("x".repeat(4_000)))?;
        tx.commit().await
    }

    /// SQLite answers a file that may not grow as it answers a full disk.
    #[tokio::test]
    async fn a_full_file_is_unwritable_and_can_still_be_read() {
        let (_dir, db) = database().await;
        pragma(&db, "PRAGMA max_page_count = 64").await;
        let mut refused = None;
        for number in 0..100 {
            if let Err(error) = grow(&db, number.to_string()).await {
                refused = Some(error);
                break;
            }
        }
        assert!(matches!(refused, Some(StoreError::Unwritable(_))), "{refused:?}");
        db.ping().await.unwrap();
    }

    /// A program does not start on tables that a newer one has changed: what it would write might not fit.
    #[tokio::test]
    async fn tables_of_a_newer_program_are_refused_and_left_as_they_are() {
        let (dir, db) = database().await;
        let newer = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) VALUES (9999, 'newer', 1, x'00', 0)";
        let Db::Sqlite { write, .. } = &db else { panic!("a file") };
        sqlx::query(newer).execute(write).await.unwrap();
        grow(&db, "one that runs goes on".to_owned()).await.unwrap();
        db.close().await;
        let refused = open(&Database::Sqlite(dir.path().join("adjutant.db"))).await;
        let Err(refused) = refused else { panic!("it must be refused") };
        assert!(
            refused.to_string().contains("migration 9999 was previously applied but is missing"),
            "{refused}"
        );
    }

    #[tokio::test]
    async fn a_read_only_file_is_unwritable() {
        let (_dir, db) = database().await;
        pragma(&db, "PRAGMA query_only = 1").await;
        let refused = grow(&db, "one".to_owned()).await;
        assert!(matches!(refused, Err(StoreError::Unwritable(_))), "{refused:?}");
    }

    /// What the program does with its tables is the same on both databases.
    #[tokio::test(flavor = "multi_thread")]
    async fn opening_again_changes_nothing_and_a_second_of_a_kind_is_told() {
        let server = tokio::task::spawn_blocking(|| adjutant_servers::Postgres::shared().database("store"));
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("adjutant.db");
        for database in [Database::Sqlite(file), Database::Postgres(server.await.unwrap().into())] {
            let first = open(&database).await.unwrap();
            grow(&first, "one".to_owned()).await.unwrap();
            first.close().await;
            let again = open(&database).await.unwrap();
            again.ping().await.unwrap();
            let refused = grow(&again, "one".to_owned()).await;
            assert!(matches!(refused, Err(StoreError::Exists)), "{refused:?}");
            grow(&again, "two".to_owned()).await.unwrap();
            again.close().await;
        }
    }

    #[tokio::test]
    async fn the_file_is_its_owners_only() {
        use std::os::unix::fs::PermissionsExt;
        let (dir, _db) = database().await;
        let mode = std::fs::metadata(dir.path().join("adjutant.db")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}
