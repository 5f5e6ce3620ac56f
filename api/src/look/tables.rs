//! How the tables of a database stand to this program: by the migrations that are noted in it and those that it brings.

use std::collections::BTreeMap;

use crate::store::{Db, StoreError, answered, migrations, reading};

pub(crate) const APPLIED: &str = "SELECT version, success, checksum FROM _sqlx_migrations ORDER BY version";

/// How the tables stand to this program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tables {
    /// There are none yet.
    None,
    /// They are those of this program; the version.
    Current(i64),
    /// They are those of an older program: version found, version brought.
    Older(i64, i64),
    /// They are those of a newer program: version found, version known.
    Newer(i64, i64),
    /// A change of them was begun and not finished, or is not the one that this program knows; its version.
    Broken(i64),
}

impl Tables {
    /// Whether what this program reads is there.
    pub(super) const fn may_be_read(&self) -> bool {
        matches!(self, Self::Current(_) | Self::Older(..) | Self::Newer(..))
    }
}

pub(super) async fn look(db: &Db) -> Result<Tables, StoreError> {
    let noted: i64 = match db {
        Db::Sqlite { read, .. } => {
            let there = "SELECT COUNT(*) FROM sqlite_master WHERE name = '_sqlx_migrations'";
            sqlx::query_scalar(there).fetch_one(read).await?
        }
        Db::Postgres(pool) => {
            let there = "SELECT COUNT(*) FROM pg_tables WHERE tablename = '_sqlx_migrations' \
                         AND schemaname = ANY(current_schemas(false))";
            answered(sqlx::query_scalar(there).fetch_one(pool)).await?
        }
    };
    if noted == 0 {
        return Ok(Tables::None);
    }
    let applied: Vec<(i64, bool, Vec<u8>)> = reading!(db, at => sqlx::query_as(APPLIED).fetch_all(at))?;
    let known = migrations(db).iter().map(|one| (one.version, one.checksum.to_vec())).collect();
    Ok(judge(&applied, &known))
}

fn judge(applied: &[(i64, bool, Vec<u8>)], known: &BTreeMap<i64, Vec<u8>>) -> Tables {
    let broken = |(version, success, checksum): &&(i64, bool, Vec<u8>)| {
        !success || known.get(version).is_some_and(|known| known != checksum)
    };
    if let Some((version, ..)) = applied.iter().find(broken) {
        return Tables::Broken(*version);
    }
    let newest = known.keys().copied().max().unwrap_or_default();
    match applied.iter().map(|(version, ..)| *version).max() {
        None => Tables::None,
        Some(found) if found > newest => Tables::Newer(found, newest),
        Some(found) if found < newest => Tables::Older(found, newest),
        Some(found) => Tables::Current(found),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_current_older_newer_or_broken() {
        let known: BTreeMap<i64, Vec<u8>> = (1..=3).map(|version| (version, vec![9])).collect();
        let applied = |versions: &[i64]| -> Vec<(i64, bool, Vec<u8>)> {
            versions.iter().map(|version| (*version, true, vec![9])).collect()
        };
        assert_eq!(judge(&[], &known), Tables::None);
        assert_eq!(judge(&applied(&[1, 2, 3]), &known), Tables::Current(3));
        assert_eq!(judge(&applied(&[1, 2]), &known), Tables::Older(2, 3));
        assert_eq!(judge(&applied(&[1, 2, 3, 4]), &known), Tables::Newer(4, 3));
        assert_eq!(judge(&[(1, true, vec![9]), (2, false, vec![9])], &known), Tables::Broken(2));
        assert_eq!(judge(&[(1, true, vec![8])], &known), Tables::Broken(1));
    }
}
