//! Where a policy that is looked at comes from: a folder, what ships, or the bus.

use std::path::{Path, PathBuf};

use adjutant_bus::{
    bundle::{self, Bundle},
    open::Role,
};
use adjutant_policies::{Files, Gate};
use anyhow::{Context, Error, Result};

use crate::{
    config::Config,
    roles::{parts, serve},
};

/// Which policy is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// That of a folder; none: the one that ships.
    Files(Option<PathBuf>),
    /// The newest that is published.
    Live,
    /// A published version.
    Version(u64),
}

/// A policy to look at.
pub(super) struct Looked {
    /// `policies/`, `shipped`, or the version's number.
    pub(super) name: String,
    pub(super) files: Files,
    /// How it was published, if it was.
    pub(super) bundle: Option<Bundle>,
}

impl Source {
    /// The policy that decisions go by, or that of the folder.
    pub(super) fn in_use(config: &Config, folder: Option<PathBuf>) -> Self {
        match folder {
            Some(folder) => Self::Files(Some(folder)),
            None if parts::policy_is_published(config) => Self::Live,
            None => Self::files(config),
        }
    }

    /// The files of this machine, whatever is published.
    pub(super) fn files(config: &Config) -> Self {
        Self::Files(parts::policy(config).folder)
    }

    /// A side of a comparison, as it is typed. A folder whose name is a number is written `./42`.
    pub(super) fn parse(text: &str) -> Self {
        match (text, text.parse()) {
            ("live", _) => Self::Live,
            (_, Ok(version)) => Self::Version(version),
            _ => Self::Files(Some(PathBuf::from(text))),
        }
    }

    /// Reads it.
    pub(super) async fn read(self, config: &Config) -> Result<Looked> {
        let bundle = match self {
            Self::Files(folder) => {
                let name = folder.as_deref().map_or_else(|| "shipped".to_owned(), shown);
                let files = folder.map_or_else(|| Ok(Files::shipped()), |folder| Files::read(&folder));
                return Ok(Looked { name, files: files.map_err(Error::msg)?, bundle: None });
            }
            Self::Live => newest(config).await?,
            Self::Version(version) => at(config, version).await?,
        };
        let files = Files::unpack(&bundle.files).map_err(Error::msg)?;
        Ok(Looked { name: bundle.named.version.to_string(), files, bundle: Some(bundle) })
    }
}

async fn newest(config: &Config) -> Result<Bundle> {
    let opened = serve::shared(&parts::bus(config, false)?, "policy reader").await?;
    let newest = bundle::newest(&opened.role(Role::Console).await?).await?;
    newest.context("no policy has been published; name a folder")
}

async fn at(config: &Config, version: u64) -> Result<Bundle> {
    let opened = serve::shared(&parts::bus(config, false)?, "policy reader").await?;
    let found = bundle::at(&opened.role(Role::Console).await?, version).await?;
    found.with_context(|| {
        format!("there is no version {version}, or it is kept no more; `adjutant policy history` shows which there are")
    })
}

/// A folder, so that it is seen to be one.
fn shown(folder: &Path) -> String {
    format!("{}/", folder.display().to_string().trim_end_matches('/'))
}

impl Looked {
    /// Builds it.
    pub(super) fn gate(&self, config: &Config) -> Result<Gate> {
        let options = parts::policy(config);
        let version = self.bundle.as_ref().map_or(0, |bundle| bundle.named.version);
        let built = adjutant_policies::open(&self.files, &options, &parts::vocabulary(config), version);
        built.map_err(|findings| Error::msg(format!("the policy {} does not load:\n{findings}", self.name)))
    }

    /// `42 (7f3c9a1e)`.
    pub(super) fn shown(&self) -> String {
        format!("{} ({})", self.name, self.files.digest())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_side_is_live_a_version_or_a_folder() {
        assert_eq!(Source::parse("live"), Source::Live);
        assert_eq!(Source::parse("42"), Source::Version(42));
        assert_eq!(Source::parse("./42"), Source::Files(Some("./42".into())));
        assert_eq!(Source::parse("policies/"), Source::Files(Some("policies/".into())));
    }
}
