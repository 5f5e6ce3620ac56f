//! What is deployed where, kept in a file that is replaced whole, so that a crash leaves the old state or the new one.

use std::{
    collections::{BTreeMap, VecDeque},
    fs::{self, File, TryLockError},
    io::Write,
    path::{Path, PathBuf},
};

use adjutant_bus::{id::RequestId, reply::Reply};
use anyhow::{Context, Result, bail};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Most answers that are remembered for requests that come again.
const MOST_ANSWERS: usize = 10_000;
/// Most deployments that are remembered per app.
const MOST_HISTORY: usize = 100;

/// The environments, in the order of promotion.
pub(super) const ENVIRONMENTS: [&str; 3] = ["preview", "staging", "production"];

/// A version in an environment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Deployed {
    pub(super) environment: String,
    pub(super) version: String,
    pub(super) at: Timestamp,
    pub(super) by: String,
    pub(super) reason: Option<String>,
}

/// What is known of one request.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Answered {
    pub(super) request: RequestId,
    /// The highest fence seen for it.
    pub(super) fence: u64,
    /// Its answer, once there is one.
    pub(super) reply: Option<Reply>,
}

/// All of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct State {
    /// For each app every deployment, oldest first.
    pub(super) apps: BTreeMap<String, Vec<Deployed>>,
    pub(super) answered: VecDeque<Answered>,
}

impl State {
    /// What a new demo begins with.
    pub(super) fn first() -> Self {
        let versions = [
            ("web", ["1.9.0", "1.8.2", "1.8.1"]),
            ("api", ["2.4.0", "2.4.0", "2.3.7"]),
            ("worker", ["0.9.1", "0.9.0", "0.9.0"]),
        ];
        let deployed = |(environment, version): (&str, &str)| Deployed {
            environment: environment.to_owned(),
            version: version.to_owned(),
            at: Timestamp::now(),
            by: "the demo".to_owned(),
            reason: None,
        };
        let app = |(name, versions): (&str, [&str; 3])| {
            (name.to_owned(), ENVIRONMENTS.into_iter().zip(versions).map(deployed).collect())
        };
        Self { apps: versions.into_iter().map(app).collect(), answered: VecDeque::new() }
    }

    /// What is in an environment now.
    pub(super) fn current(&self, app: &str, environment: &str) -> Option<&Deployed> {
        self.apps.get(app)?.iter().rev().find(|deployed| deployed.environment == environment)
    }

    /// What was in an environment before the version that is there now.
    pub(super) fn previous(&self, app: &str, environment: &str) -> Option<&Deployed> {
        let current = self.current(app, environment)?;
        let here =
            |deployed: &&Deployed| deployed.environment == environment && deployed.version != current.version;
        self.apps.get(app)?.iter().rev().find(here)
    }

    /// Puts a version into an environment. What is forgotten is never one that is there, or one to go back to.
    pub(super) fn deploy(&mut self, app: &str, deployed: Deployed) {
        let history = self.apps.entry(app.to_owned()).or_default();
        history.push(deployed);
        if history.len() > MOST_HISTORY {
            let here =
                |old: &Deployed| history.iter().filter(|one| one.environment == old.environment).count();
            if let Some(spare) = history.iter().position(|old| here(old) > 2) {
                history.remove(spare);
            }
        }
    }

    /// What is known of a request.
    fn answered(&self, request: RequestId) -> Option<&Answered> {
        self.answered.iter().rev().find(|answered| answered.request == request)
    }

    /// Notes that a caller has come for a request.
    ///
    /// # Errors
    /// One with a higher fence has come before.
    pub(super) fn arrive(&mut self, request: RequestId, fence: u64) -> Result<(), String> {
        let reply = self.arrived(request, fence)?;
        self.note(request, fence, reply);
        Ok(())
    }

    /// The answer to a request, if there is one, for a caller that has come for it.
    ///
    /// # Errors
    /// One with a higher fence has come before.
    pub(super) fn arrived(&self, request: RequestId, fence: u64) -> Result<Option<Reply>, String> {
        match self.answered(request) {
            Some(known) if fence < known.fence => {
                Err("Another worker has taken this request over; nothing was done for this one.".to_owned())
            }
            known => Ok(known.and_then(|known| known.reply.clone())),
        }
    }

    /// Notes the fence, and the answer if there is one.
    pub(super) fn note(&mut self, request: RequestId, fence: u64, reply: Option<Reply>) {
        self.answered.retain(|answered| answered.request != request);
        self.answered.push_back(Answered { request, fence, reply });
        if self.answered.len() > MOST_ANSWERS {
            self.answered.pop_front();
        }
    }
}

/// The file, held by this process alone.
pub(super) struct Keeper {
    path: PathBuf,
    _held: File,
}

impl Keeper {
    /// Takes the file for this process, and reads it; a new one begins with the first state.
    pub(super) fn open(path: &Path) -> Result<(Self, State)> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).with_context(|| format!("{} cannot be created", folder.display()))?;
        }
        let lock = path.with_extension("lock");
        let opened = File::options().write(true).create(true).truncate(false).open(&lock);
        let held = opened.with_context(|| format!("{} cannot be opened", lock.display()))?;
        match held.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                bail!(
                    "{} is in use by another deployments service; stop that one, or set demo.state_file",
                    path.display()
                )
            }
            Err(TryLockError::Error(error)) => bail!("{} cannot be locked: {error}", lock.display()),
        }
        let state = match fs::read(path) {
            Ok(bytes) => serde_json::from_slice(&bytes).with_context(|| {
                format!("{} cannot be read as the demo's state; move it away to begin anew", path.display())
            })?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => State::first(),
            Err(error) => bail!("{} cannot be read: {error}", path.display()),
        };
        Ok((Self { path: path.to_owned(), _held: held }, state))
    }

    /// Replaces the file whole.
    pub(super) fn write(&self, state: &State) -> Result<()> {
        let new = self.path.with_extension("new");
        let write = || -> std::io::Result<()> {
            let mut file = File::create(&new)?;
            file.write_all(&serde_json::to_vec_pretty(state)?)?;
            file.sync_all()?;
            fs::rename(&new, &self.path)?;
            // The new name is in the folder, and survives a loss of power only when that is on disk too.
            let folder = self.path.parent().filter(|folder| !folder.as_os_str().is_empty());
            File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
        };
        write().with_context(|| format!("{} cannot be written", self.path.display()))
    }
}
