//! What is seen of real databases, and that looking leaves them as they are.

use adjutant_servers::Postgres;

use super::*;
use crate::{key::Pepper, keyring::Keyring, store};

const ADD: &str = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
     VALUES (9999, 'of a newer program', TRUE, $1, 0)";

fn peppers(byte: u8) -> Peppers {
    Peppers::new(&Pepper::new([byte; 32]), None)
}

/// Migrated, with keys under the pepper of ones.
async fn known(database: &Database) -> Db {
    let db = store::open(database).await.unwrap();
    Keyring::open(db.clone(), peppers(1)).await.unwrap();
    db
}

async fn fit_of(database: &Database, ours: Option<&Peppers>) -> PepperFit {
    look(database, ours).await.unwrap().pepper
}

async fn is_seen_as_it_is(database: Database) {
    let db = known(&database).await;
    let seen = look(&database, Some(&peppers(1))).await.unwrap();
    assert!(matches!(seen.tables, Tables::Current(3..)), "{:?}", seen.tables);
    assert_eq!(
        (seen.pepper, seen.unwritable, seen.checkpoint, seen.beat),
        (PepperFit::Fits, None, None, None)
    );
    assert_eq!(seen.clock.is_some(), matches!(database, Database::Postgres(_)));
    assert_eq!(fit_of(&database, Some(&peppers(2))).await, PepperFit::Wrong);
    assert_eq!(fit_of(&database, None).await, PepperFit::None);
    let replaced = Peppers::new(&Pepper::new([2; 32]), Some(&Pepper::new([1; 32])));
    assert_eq!(fit_of(&database, Some(&replaced)).await, PepperFit::Replaces);
    let added = sqlx::query(ADD).bind(vec![0_u8; 8]);
    match &db {
        Db::Sqlite { write, .. } => drop(added.execute(write).await.unwrap()),
        Db::Postgres(pool) => drop(sqlx::query(ADD).bind(vec![0_u8; 8]).execute(pool).await.unwrap()),
    }
    let seen = look(&database, None).await.unwrap();
    assert!(matches!(seen.tables, Tables::Newer(9_999, _)), "{:?}", seen.tables);
    db.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_seen_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    is_seen_as_it_is(Database::Sqlite(dir.path().join("adjutant.db"))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_is_seen_as_it_is() {
    let url = tokio::task::spawn_blocking(|| Postgres::shared().database("look")).await.unwrap();
    is_seen_as_it_is(Database::Postgres(url.into())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_there_is_not_made() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("adjutant.db");
    let unseen = look(&Database::Sqlite(file.clone()), None).await;
    assert!(matches!(unseen, Err(Unseen::NoFile(_))), "{unseen:?}");
    assert!(!file.exists());
    std::fs::write(&file, "").unwrap();
    assert_eq!(look(&Database::Sqlite(file), None).await.unwrap().tables, Tables::None);
}
