//! Every statement is prepared on the real schema of both databases: a mistake in one is found here, not by a caller. The statements are
//! read from the sources, so that none can be forgotten.

use std::path::Path;

use adjutant_servers::Postgres;
use sqlx::{AssertSqlSafe, Executor, SqlSafeStr};

use super::{Database, Db, open};

/// What a statement begins with.
const VERBS: [&str; 4] = ["SELECT ", "INSERT ", "UPDATE ", "DELETE "];

/// The constants of this folder and those below it that are statements.
fn statements(folder: &Path, found: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            statements(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = std::fs::read_to_string(&path).unwrap();
            let constants = text.split(": &str =").skip(1).filter_map(|rest| literal(rest.trim_start()));
            found.extend(constants.filter(|text| VERBS.iter().any(|verb| text.starts_with(verb))));
        }
    }
}

/// The text of a string literal, where lines are joined by a backslash before their end.
fn literal(source: &str) -> Option<String> {
    let mut text = String::new();
    let mut rest = source.strip_prefix('"')?.chars();
    loop {
        match rest.next()? {
            '"' => return Some(text),
            '\\' => match rest.next()? {
                '\n' => rest = rest.as_str().trim_start().chars(),
                other => text.push(other),
            },
            other => text.push(other),
        }
    }
}

async fn all_are_taken(db: &Db) {
    let mut all = Vec::new();
    statements(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut all);
    assert!(all.len() > 50, "only {} statements were found", all.len());
    for sql in all {
        let text = AssertSqlSafe(sql.clone()).into_sql_str();
        let refused = match db {
            Db::Sqlite { write, .. } => write.prepare(text).await.map(drop).err(),
            Db::Postgres(pool) => pool.prepare(text).await.map(drop).err(),
        };
        assert!(refused.is_none(), "{sql}: {refused:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sqlite_takes_every_statement() {
    let dir = tempfile::tempdir().unwrap();
    all_are_taken(&open(&Database::Sqlite(dir.path().join("test.db"))).await.unwrap()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn postgresql_takes_every_statement() {
    let url = tokio::task::spawn_blocking(|| Postgres::shared().database("prepare")).await.unwrap();
    all_are_taken(&open(&Database::Postgres(url.into())).await.unwrap()).await;
}
