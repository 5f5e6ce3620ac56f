//! The database of keys and of the record: reachable, with the tables of this program, writable, and its pepper at hand.

use std::path::Path;

use adjutant_api::{
    look::{Look, PepperFit, Tables, Unseen},
    store::{Database, OpenError, StoreError},
};
use adjutant_gateway::Finding;
use nix::unistd::{AccessFlags, access};
use secrecy::ExposeSecret;

use super::site::{Site, Unlooked};
use crate::{config::Config, roles::parts};

const WHAT: &str = "database";

pub(super) async fn examine(site: &Site) -> Vec<Finding> {
    let file = match parts::database(site.config()) {
        Ok(Database::Sqlite(file)) => Some(file),
        _ => None,
    };
    match site.database().await {
        Ok(look) => {
            let mut findings = judge(look);
            findings.extend(file.as_deref().map(writable));
            findings
        }
        Err(unlooked) => vec![unseen(site.config(), unlooked)],
    }
}

/// Whether anybody wants a database here.
pub(super) fn is_wanted(config: &Config) -> bool {
    config.api.enabled || !config.api.database.expose_secret().is_empty()
}

fn unseen(config: &Config, unlooked: &Unlooked) -> Finding {
    match unlooked {
        Unlooked::Settings(why) => Finding::bad(WHAT, true, why.clone(), "Correct it in the configuration."),
        Unlooked::Unseen(Unseen::NoFile(_)) if !is_wanted(config) => Finding::absent(WHAT),
        Unlooked::Unseen(Unseen::NoFile(file)) => {
            Finding::good(WHAT, format!("{file} is not there yet; the API makes it at its first start"))
        }
        Unlooked::Unseen(unseen @ Unseen::Open(OpenError::Address)) => {
            Finding::bad(WHAT, true, unseen.to_string(), "Correct api.database.")
        }
        Unlooked::Unseen(unseen @ Unseen::Store(StoreError::Fault(_))) => {
            Finding::bad(WHAT, true, unseen.to_string(), "Restore it from a backup if it is damaged.")
        }
        Unlooked::Unseen(unseen) => {
            let fix = "Start the server, or correct api.database (or api.database_file); look at the rights of the file.";
            Finding::bad(WHAT, true, unseen.to_string(), fix)
        }
    }
}

fn judge(look: &Look) -> Vec<Finding> {
    let mut findings = vec![Finding::good(WHAT, "it answers"), tables(&look.tables), pepper(look.pepper)];
    if let Some(why) = &look.unwritable {
        let fix = "Name the primary server in api.database, and a user that owns the tables.";
        findings.push(Finding::bad("writes", true, why.clone(), fix));
    }
    findings
}

fn tables(tables: &Tables) -> Finding {
    const TABLES: &str = "tables";
    match tables {
        Tables::None => Finding::good(TABLES, "none yet; the API makes them at its first start"),
        Tables::Current(version) => {
            Finding::good(TABLES, format!("version {version}, as this program has them"))
        }
        Tables::Older(found, wanted) => {
            let told = format!("version {found}; this program brings {wanted}");
            let fix = "Start the API of this version: it brings them up to date. Make a backup before.";
            Finding::bad(TABLES, false, told, fix)
        }
        Tables::Newer(found, known) => {
            let told = format!("version {found}, of a newer program; this one knows {known}");
            Finding::bad(
                TABLES,
                true,
                told,
                "Run the newer program, or restore the backup from before the update.",
            )
        }
        Tables::Broken(version) => {
            let told =
                format!("the change to version {version} is not finished, or not the one of this program");
            Finding::bad(TABLES, true, told, "Restore the backup from before the update.")
        }
    }
}

fn pepper(fit: PepperFit) -> Finding {
    const PEPPER: &str = "pepper";
    const BACK: &str =
        "Put back the one that the keys were made with: api.pepper, or the file `pepper` in data_dir.";
    match fit {
        PepperFit::Unused => Finding::good(PEPPER, "not used yet"),
        PepperFit::Fits => Finding::good(PEPPER, "the one that the keys were made with"),
        PepperFit::Replaces => {
            Finding::good(PEPPER, "a new one, that replaces the one before at the next start")
        }
        PepperFit::Wrong => {
            Finding::bad(PEPPER, true, "not the one that the keys were made with: none is known again", BACK)
        }
        PepperFit::None => Finding::bad(PEPPER, true, "there are keys, and no pepper", BACK),
    }
}

/// Whether this user may write the file, and beside it, where SQLite keeps its log.
fn writable(file: &Path) -> Finding {
    const WRITES: &str = "writes";
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let may =
        access(file, AccessFlags::W_OK).and_then(|()| access(folder, AccessFlags::W_OK | AccessFlags::X_OK));
    match may {
        Ok(()) => Finding::good(WRITES, "this user may write the file"),
        Err(error) => {
            let told = format!("this user may not write {} and beside it: {}", file.display(), error.desc());
            Finding::bad(
                WRITES,
                true,
                told,
                "Give it to the user that the API runs as; run doctor as that user.",
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look(tables: Tables, pepper: PepperFit) -> Look {
        Look { tables, clock: None, unwritable: None, pepper, checkpoint: None, beat: None }
    }

    #[test]
    fn current_tables_and_the_right_pepper_are_good() {
        assert!(judge(&look(Tables::Current(3), PepperFit::Fits)).iter().all(|one| one.ok));
        assert!(judge(&look(Tables::None, PepperFit::Unused)).iter().all(|one| one.ok));
    }

    #[test]
    fn tables_of_a_newer_program_fail_and_older_ones_are_brought_up_to_date() {
        let newer = tables(&Tables::Newer(4, 3));
        assert!(newer.fatal && newer.found.contains("version 4, of a newer program"), "{newer:?}");
        let older = tables(&Tables::Older(2, 3));
        assert!(!older.ok && !older.fatal && older.fix.contains("backup"), "{older:?}");
        assert!(tables(&Tables::Broken(2)).fatal);
    }

    #[test]
    fn another_pepper_or_none_fails_with_where_it_belongs() {
        for fit in [PepperFit::Wrong, PepperFit::None] {
            let found = pepper(fit);
            assert!(found.fatal && found.fix.contains("api.pepper"), "{found:?}");
        }
    }

    #[test]
    fn a_server_that_takes_no_writes_fails() {
        let standby =
            Look { unwritable: Some("a standby".to_owned()), ..look(Tables::Current(3), PepperFit::Fits) };
        assert!(judge(&standby).iter().any(|one| one.fatal && one.what == "writes"));
    }
}
