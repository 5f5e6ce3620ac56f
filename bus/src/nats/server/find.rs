//! Finding a `nats-server` that will do.

use std::path::{Path, PathBuf};

use semver::Version;
use tokio::process::Command;

use super::{
    super::version::{OLDEST, WHERE},
    ServerError,
};

/// The given binary, else the one on `PATH`, if it is new enough.
///
/// # Errors
/// What was found and what is wanted.
pub async fn find_binary(given: Option<&Path>) -> Result<PathBuf, ServerError> {
    let path = match given {
        Some(path) => path.to_owned(),
        None => on_path().ok_or_else(|| {
            ServerError::Binary(format!(
                "there is no nats-server on PATH; {OLDEST} or newer is needed; {WHERE}"
            ))
        })?,
    };
    let shown = path.display();
    let output = Command::new(&path).arg("--version").output().await;
    let output = output.map_err(|error| ServerError::Binary(format!("{shown} cannot be run: {error}")))?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let version = text.split_whitespace().find_map(|word| Version::parse(word.trim_start_matches('v')).ok());
    match version {
        Some(version) if version >= OLDEST => Ok(path),
        Some(version) => Err(ServerError::Binary(format!(
            "{shown} is version {version}; {OLDEST} or newer is needed; {WHERE}"
        ))),
        None => Err(ServerError::Binary(format!("{shown} does not say its version; is it a nats-server?"))),
    }
}

fn on_path() -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join("nats-server")).find(|file| file.is_file())
}
