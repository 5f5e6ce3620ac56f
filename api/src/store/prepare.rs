//! Every statement is prepared on the real schema: a mistake in one is found here, not by a caller.

use super::{Database, Db, open};
use crate::{auth, expiry, keyring, relay};

#[tokio::test]
async fn every_statement_of_keys_is_one_that_the_database_takes() {
    let dir = tempfile::tempdir().expect("a folder");
    let db = open(&Database::Sqlite(dir.path().join("test.db"))).await.expect("a database");
    let Db::Sqlite { write, .. } = &db else { panic!("SQLite") };
    let all = keyring::statements().into_iter().chain(auth::statements());
    for sql in all.chain([expiry::ALL, relay::ALL]).flatten() {
        let prepared = sqlx::Executor::prepare(write, sqlx::SqlStr::from_static(sql)).await;
        assert!(prepared.is_ok(), "{sql}: {:?}", prepared.err());
    }
}
