//! The first start: an administrator's key, of which there is exactly one however many replicas start at once. The file with it
//! is there, under another name, before the key is good; whoever loses it makes another with `adjutant keys bootstrap`.

use std::path::{Path, PathBuf};

use secrecy::{ExposeSecret, SecretString};
use tracing::{info, warn};

use crate::{
    key::{ApiKey, Kind, write_new},
    keyring::{By, Keyring, KeyringError},
};

/// Name of the file.
const FILE: &str = "bootstrap-admin-key";

/// Why there is no first key.
#[derive(Debug, thiserror::Error)]
pub enum BootstrapError {
    /// What was given is none.
    #[error("api.bootstrap_admin_key is no administrator's key (ada_ and 28 characters that check out)")]
    Key,
    /// It cannot be written.
    #[error("the first administrator's key cannot be written to {0}: {1}")]
    File(PathBuf, std::io::Error),
    /// The database.
    #[error("the first administrator's key cannot be kept: {0}")]
    Keyring(#[from] KeyringError),
}

/// Makes, or takes in, the first key if there was none.
pub(crate) async fn begin(
    keyring: &Keyring,
    folder: &Path,
    given: Option<&SecretString>,
) -> Result<(), BootstrapError> {
    let by = By { actor: "adjutant".to_owned(), key_id: None, ip: None };
    let given = match given {
        None => None,
        Some(text) => match ApiKey::parse(text.expose_secret()) {
            Ok(key) if key.kind() == Kind::Admin => Some(key),
            _ => return Err(BootstrapError::Key),
        },
    };
    if keyring.is_bootstrapped().await.map_err(KeyringError::from)? {
        return Ok(());
    }
    if let Some(key) = given {
        if keyring.bootstrap(&by, &key).await? {
            info!("the administrator's key from the configuration is good for seven days");
        }
        return Ok(());
    }
    let key = ApiKey::generate(Kind::Admin);
    let file = folder.join(FILE);
    let aside = folder.join(format!("{FILE}.{:016x}", rand::random::<u64>()));
    write_new(&aside, &format!("{}\n", key.expose()))
        .map_err(|error| BootstrapError::File(file.clone(), error))?;
    match keyring.bootstrap(&by, &key).await {
        Ok(true) => {
            let place = match std::fs::rename(&aside, &file) {
                Ok(()) => file,
                Err(error) => {
                    warn!(%error, "the file with the first administrator's key keeps its first name");
                    aside
                }
            };
            info!(file = %place.display(), "the first administrator's key is in this file, good for seven days");
            Ok(())
        }
        // Somebody else was first, or nobody is.
        other => {
            let _ = std::fs::remove_file(&aside);
            Ok(other.map(drop)?)
        }
    }
}
