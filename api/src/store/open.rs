//! Opening the database: where it is, how its connections are set up, and bringing its tables up to date.

use std::{os::unix::fs::OpenOptionsExt, path::PathBuf, str::FromStr, time::Duration};

use secrecy::{ExposeSecret, SecretString};
use sqlx::{
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
/// How often SQLite's tables are tried to be brought up to date, and the pause between.
const TRIES: u32 = 20;
const PAUSE: Duration = Duration::from_millis(50);
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
    let write = SqlitePoolOptions::new().max_connections(1).acquire_timeout(BUSY + WAIT);
    let write = write.connect_with(options.clone()).await.map_err(|error| failed(&error))?;
    // SQLite has no lock for this: of several that begin at once one goes through, and the others see it the next time.
    let mut tries = 1;
    while let Err(error) = SQLITE.run(&write).await {
        if tries == TRIES {
            return Err(OpenError::Migrate(name, error.to_string()));
        }
        tries += 1;
        tokio::time::sleep(PAUSE).await;
    }
    let read = SqlitePoolOptions::new().max_connections(READERS).acquire_timeout(WAIT);
    let read = read.connect_with(options.read_only(true)).await.map_err(|error| failed(&error))?;
    Ok(Db::Sqlite { write, read })
}

async fn postgres(url: &SecretString) -> Result<Db, OpenError> {
    let options = PgConnectOptions::from_str(url.expose_secret()).map_err(|_| OpenError::Address)?;
    let name = format!("PostgreSQL at {}", options.get_host());
    let options = options.application_name("adjutant").options([
        ("statement_timeout", STATEMENT),
        ("lock_timeout", STATEMENT),
        ("idle_in_transaction_session_timeout", "30000"),
    ]);
    let pool = PgPoolOptions::new().max_connections(CONNECTIONS).acquire_timeout(WAIT);
    let pool =
        pool.connect_with(options).await.map_err(|error| OpenError::Open(name.clone(), error.to_string()))?;
    POSTGRES.run(&pool).await.map_err(|error| OpenError::Migrate(name, error.to_string()))?;
    Ok(Db::Postgres(pool))
}
