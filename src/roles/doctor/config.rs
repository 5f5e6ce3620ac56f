//! The configuration: every mistake in it, and who may read the secrets.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use adjutant_gateway::Finding;

use crate::{
    cli::DoctorPart,
    config::{Loaded, Mistake},
    roles::many,
};

/// Files with secrets that the program makes in the data folder.
const MADE: [&str; 4] = ["pepper", "audit-key", "bootstrap-admin-key", "nats.json"];
/// The bits of a mode that let everybody of this machine read.
const EVERYBODY: u32 = 0o004;

/// All that is said of a configuration that cannot be used: nothing else can be looked at.
pub(super) fn mistaken(mistakes: &[Mistake]) -> Vec<(DoctorPart, Finding)> {
    let one = |mistake: &Mistake| {
        let fix = if mistake.hint.is_empty() { "Correct it.".to_owned() } else { sentence(&mistake.hint) };
        let what = format!("{} in {}", mistake.key, mistake.source);
        (DoctorPart::Config, Finding::bad(&what, true, mistake.problem.clone(), fix))
    };
    let told = "not looked at: the configuration cannot be used";
    let rest = Finding::bad("everything else", false, told, "Correct the configuration first.");
    mistakes.iter().map(one).chain([(DoctorPart::Config, rest)]).collect()
}

/// `did you mean x?` as a sentence.
fn sentence(hint: &str) -> String {
    let mut rest = hint.chars();
    let first: String = rest.next().into_iter().flat_map(char::to_uppercase).collect();
    let end = if hint.ends_with(['?', '.']) { "" } else { "." };
    format!("{first}{}{end}", rest.as_str())
}

pub(super) fn examine(loaded: &Loaded) -> Vec<Finding> {
    let said = loaded.shown.iter().filter(|(_, _, source)| source != "default").count();
    let mut findings = vec![Finding::good("settings", format!("no mistakes; {} set", many(said, "value")))];
    let files = secret_files(loaded);
    let open: Vec<Finding> = files.iter().filter_map(|(what, file)| readable_by_all(what, file)).collect();
    if open.is_empty() {
        let told = match files.len() {
            0 => "none".to_owned(),
            files => format!("{}, which not everybody may read", many(files, "file")),
        };
        findings.push(Finding::good("files with secrets", told));
    }
    findings.extend(open);
    findings
}

/// The files that hold secrets: those that are named, those that the program makes, and what the configuration has inline.
fn secret_files(loaded: &Loaded) -> Vec<(String, PathBuf)> {
    let named = loaded.secret_files().into_iter();
    let made = MADE.map(|name| (name.to_owned(), loaded.config.data_dir.join(name))).into_iter();
    let inline = loaded.files_with_secrets().into_iter().map(|file| (file.display().to_string(), file));
    named.chain(made).chain(inline).filter(|(_, file)| file.is_file()).collect()
}

fn readable_by_all(what: &str, file: &Path) -> Option<Finding> {
    let mode = fs::metadata(file).ok()?.permissions().mode();
    (mode & EVERYBODY != 0).then(|| {
        let found =
            format!("everybody on this machine may read {} (mode {:o})", file.display(), mode & 0o777);
        Finding::bad(what, false, found, format!("chmod o-rwx {}", file.display()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_mistake_is_a_finding_and_the_rest_is_not_looked_at() {
        let mistake = Mistake {
            source: "ADJUTANT_BUS__URRL".to_owned(),
            key: "bus.urrl".to_owned(),
            problem: "is not a key".to_owned(),
            hint: "did you mean bus.url?".to_owned(),
        };
        let found = mistaken(&[mistake]);
        assert_eq!(found.len(), 2);
        let (_, first) = &found[0];
        assert!(first.fatal && first.what == "bus.urrl in ADJUTANT_BUS__URRL", "{first:?}");
        assert_eq!(first.fix, "Did you mean bus.url?");
        assert!(!found[1].1.fatal && !found[1].1.ok);
    }

    #[test]
    fn a_secret_that_everybody_may_read_is_a_warning() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("pepper");
        fs::write(&file, "secret").unwrap();
        let with = |mode| {
            fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
            readable_by_all("pepper", &file)
        };
        assert_eq!(with(0o600), None);
        assert_eq!(with(0o640), None, "a group may be the program's own");
        let open = with(0o644).unwrap();
        assert!(!open.fatal && open.found.contains("mode 644") && open.fix.starts_with("chmod"), "{open:?}");
    }
}
