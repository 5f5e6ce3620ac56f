//! `policy resolve`: which groups the names stand for, and the lock that says so. Exit status 0 nothing to do or written,
//! 1 something to approve or to put right, 2 could not run.

use std::{
    collections::BTreeSet,
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::Path,
    process::ExitCode,
};

use adjutant_policies::resolve::{Resolution, State, Told, resolve as work_out};
use anyhow::Result;
use serde_json::json;

use super::{directory::Directory, files};
use crate::{
    cli::Resolve,
    config::Config,
    output,
    roles::{
        admin::{could_not_run, status},
        many, parts,
    },
};

const LOCK: &str = "policy.lock";

pub(super) async fn resolve(config: &Config, how: &Resolve) -> Result<ExitCode> {
    let (options, vocabulary) = (parts::policy(config), parts::vocabulary(config));
    let files = match files(&options) {
        Ok(files) => files,
        Err(why) => return Ok(could_not_run(&why)),
    };
    if how.write && options.folder.is_none() {
        let why =
            "the policy that ships with the program cannot be written; make a folder ./policies of your own";
        return Ok(could_not_run(why));
    }
    let told = Directory::open(config).await.ask(&BTreeSet::new()).await;
    let approved = how.approve.iter().cloned().collect();
    let found = match work_out(&files, &vocabulary, &told, &approved) {
        Ok(found) => found,
        Err(findings) => {
            return Ok(could_not_run(&format!("the files must be put right first:\n{findings}")));
        }
    };
    let mut written = false;
    if let (true, Some(folder), Some(lock)) = (how.write, &options.folder, &found.lock) {
        if let Err(why) = replace(&folder.join(LOCK), &files.lock, lock) {
            return Ok(could_not_run(&why));
        }
        written = true;
    }
    if how.json {
        let all = json!({ "names": found.names, "problems": found.problems, "unasked": told.unasked,
            "to_write": found.lock.is_some() && !written, "written": written });
        output::say(&all.to_string());
    } else {
        output::say(&format!("{found}{}{}", asked(&told), last(&found, written)));
    }
    if told.listings.is_empty() && !told.unasked.is_empty() {
        return Ok(ExitCode::from(2));
    }
    Ok(status(told.unasked.is_empty() && !found.needs_somebody() && (written || found.lock.is_none())))
}

/// Trusted homes that did not answer.
fn asked(told: &Told) -> String {
    told.unasked.iter().map(|(home, why)| format!("ERROR: {home} could not be asked: {why}\n")).collect()
}

/// What was done, or what to do.
fn last(found: &Resolution, written: bool) -> String {
    let mut parts = Vec::new();
    for (states, what) in [(State::New, "new"), (State::Approved, "approved"), (State::Renamed, "renamed")] {
        match found.count(&[states]) {
            0 => {}
            n => parts.push(format!("{n} {what}")),
        }
    }
    let parts = parts.join(", ");
    let changed: Vec<String> = found
        .names
        .iter()
        .filter(|name| name.ids.iter().any(|step| step.state == State::Changed))
        .map(|name| format!("--approve '{}'", name.name))
        .collect();
    let mut told = match (&found.lock, written) {
        (Some(_), true) => format!("{LOCK} is written: {parts}."),
        (Some(_), false) => format!("Nothing is written. `adjutant policy resolve --write` writes: {parts}."),
        (None, _) if found.needs_somebody() => "Nothing is written.".to_owned(),
        (None, _) => format!("Nothing to do: {}.", many(found.names.len(), "name")),
    };
    if !changed.is_empty() {
        told += &format!("\nTo approve: adjutant policy resolve --write {}", changed.join(" "));
    }
    told
}

/// Puts another file in the place of the one that was read, whole or not at all.
fn replace(path: &Path, read: &[u8], text: &str) -> Result<(), String> {
    let shown = path.display();
    let told = |error: io::Error| format!("{shown} cannot be written: {error}");
    // What a link points to is replaced, not the link.
    let path = fs::canonicalize(path).map_err(told)?;
    let aside = path.with_extension(format!("lock.{}", std::process::id()));
    let done = write_aside(&path, &aside, text).map_err(told).and_then(|()| {
        if fs::read(&path).map_err(told)? != read {
            return Err(format!("{shown} was changed meanwhile; resolve again"));
        }
        fs::rename(&aside, &path).map_err(told)
    });
    if done.is_err() {
        let _ = fs::remove_file(&aside);
        return done;
    }
    if let Some(folder) = path.parent() {
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(told)?;
    }
    done
}

fn write_aside(path: &Path, aside: &Path, text: &str) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).open(aside)?;
    file.set_permissions(fs::metadata(path)?.permissions())?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}
