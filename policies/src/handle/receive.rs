//! What must hold before something may be put in force: a bundle is what it says, and the files are good.

use adjutant_bus::bundle::{Bundle, Named};

use crate::{
    finding::Findings,
    gate::Gate,
    load::{Files, Options, Purpose, draft},
    vocabulary::Vocabulary,
};

/// The files of a bundle, if it is what it says and follows on what is known; none if it is in force already.
pub(super) fn receive(
    bundle: &Bundle,
    in_force: Option<&(u64, String)>,
    known: Option<&Named>,
) -> Result<Option<Files>, String> {
    let Named { version, sha256 } = &bundle.named;
    if let Some((current, its_sha256)) = in_force {
        if version < current {
            return Err(format!("it is older than {current}, which is in force"));
        }
        if version == current {
            let same = sha256 == its_sha256;
            return if same { Ok(None) } else { Err("it is not what was published before".to_owned()) };
        }
    }
    match (known, &bundle.previous) {
        (Some(known), Some(previous)) if known != previous => {
            return Err(format!(
                "it was made to follow version {} ({:.8}), and what is published is {} ({:.8})",
                previous.version, previous.sha256, known.version, known.sha256
            ));
        }
        (_, Some(previous)) if previous.version >= *version => {
            return Err(format!("it says that it follows version {}", previous.version));
        }
        (_, None) if *version > 1 => return Err("it names no version that it follows".to_owned()),
        _ => {}
    }
    let files = Files::unpack(&bundle.files)?;
    let found = files.sha256();
    if found != *sha256 {
        return Err(format!("sha256 differs from the one announced: {found:.8} for {sha256:.8}"));
    }
    Ok(Some(files))
}

/// Builds a gate aside and proves it, tests included.
pub(super) fn build(
    files: &Files,
    options: &Options,
    vocabulary: &Vocabulary,
    version: u64,
) -> Result<(Gate, Findings), String> {
    let (drafted, findings) = draft(files, options, vocabulary, Purpose::Activate);
    let Some(drafted) = drafted else { return Err(findings.to_string()) };
    let gate = Gate::build(drafted, version).map_err(|findings| findings.to_string())?;
    let failed = crate::cases::check(&files.tests, &gate);
    if failed.refuse() { Err(failed.to_string()) } else { Ok((gate, findings)) }
}
