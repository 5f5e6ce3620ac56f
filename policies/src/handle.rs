//! The handle on the policy in force. A new one is read, checked, built and proved aside, then swapped in whole; if anything
//! is wrong with it, the last good one stays.

use std::{sync::Arc, time::Duration};

use arc_swap::ArcSwapOption;
use jiff::Timestamp;
use serde::Serialize;
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use crate::{
    finding::Findings,
    gate::Gate,
    load::{Files, Options, Purpose, draft},
    vocabulary::Vocabulary,
};

/// How the policy stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Status {
    /// The version in force, `3 (7f3c9a1e)`; none when everything is refused.
    pub version: Option<String>,
    /// Since when (RFC 3339, UTC).
    pub loaded_at: Option<Timestamp>,
    /// Why the files as they are now are not in force.
    pub problem: Option<String>,
}

/// What reloading goes by.
struct Aside {
    vocabulary: Vocabulary,
    /// The files in force.
    files: Option<Files>,
    /// The files that were refused last, so that they are reported once.
    refused: Option<Result<Files, String>>,
    version: u64,
}

/// The policy in force.
pub struct Policy {
    options: Options,
    gate: ArcSwapOption<Gate>,
    aside: Mutex<Aside>,
    status: std::sync::RwLock<Status>,
}

impl Policy {
    /// Loads a policy. One that cannot be loaded leaves a handle without a gate: everything is refused until it can.
    pub async fn load(options: Options, vocabulary: Vocabulary) -> Arc<Self> {
        let policy = Arc::new(Self {
            options,
            gate: ArcSwapOption::empty(),
            aside: Mutex::new(Aside { vocabulary, files: None, refused: None, version: 0 }),
            status: std::sync::RwLock::new(Status { version: None, loaded_at: None, problem: None }),
        });
        policy.reload().await;
        policy
    }

    /// The gate in force; none: refuse everything.
    #[must_use]
    pub fn gate(&self) -> Option<Arc<Gate>> {
        self.gate.load_full()
    }

    /// How it stands.
    #[must_use]
    pub fn status(&self) -> Status {
        self.status.read().unwrap_or_else(std::sync::PoisonError::into_inner).clone()
    }

    /// Looks at the files, and puts them in force if they have changed and are good.
    pub async fn reload(&self) {
        let mut aside = self.aside.lock().await;
        let options = self.options.clone();
        let read = tokio::task::spawn_blocking(move || Files::take(&options)).await;
        let read = read.unwrap_or_else(|fault| Err(fault.to_string()));
        if aside.files.as_ref().is_some_and(|files| read.as_ref() == Ok(files)) {
            aside.refused = None;
            return self.note(|status| status.problem = None);
        }
        if aside.refused.as_ref() == Some(&read) {
            return;
        }
        match &read {
            Ok(files) => self.put_in_force(&mut aside, files.clone()).await,
            Err(why) => self.refuse(&mut aside, read.clone(), why),
        }
    }

    /// Takes in commands that have come: builds aside for them and swaps. The version stays, for the files are the same.
    pub async fn learn(&self, vocabulary: Vocabulary) {
        let mut aside = self.aside.lock().await;
        aside.vocabulary = vocabulary;
        aside.refused = None;
        if let Some(files) = aside.files.clone() {
            self.put_in_force(&mut aside, files).await;
        } else {
            drop(aside);
            self.reload().await;
        }
    }

    async fn put_in_force(&self, aside: &mut Aside, files: Files) {
        let version = if aside.files.as_ref() == Some(&files) { aside.version } else { aside.version + 1 };
        let (options, vocabulary, content) = (self.options.clone(), aside.vocabulary.clone(), files.clone());
        let built =
            tokio::task::spawn_blocking(move || build(&content, &options, &vocabulary, version)).await;
        match built.unwrap_or_else(|fault| Err(fault.to_string())) {
            Ok((gate, findings)) => {
                findings.findings.iter().for_each(|finding| warn!(%finding, "policy"));
                info!(version = gate.version(), digest = gate.digest(), "policy is in force");
                self.note(|status| {
                    *status = Status {
                        version: Some(gate.version().to_owned()),
                        loaded_at: Some(Timestamp::now()),
                        problem: None,
                    };
                });
                self.gate.store(Some(Arc::new(gate)));
                *aside = Aside {
                    vocabulary: aside.vocabulary.clone(),
                    files: Some(files),
                    refused: None,
                    version,
                };
            }
            Err(why) => self.refuse(aside, Ok(files), &why),
        }
    }

    fn refuse(&self, aside: &mut Aside, what: Result<Files, String>, why: &str) {
        let stays = self.status().version.unwrap_or_else(|| "none; everything is refused".to_owned());
        error!(why, in_force = %stays, "the policy files are not put in force");
        aside.refused = Some(what);
        self.note(|status| status.problem = Some(why.to_owned()));
    }

    fn note(&self, change: impl FnOnce(&mut Status)) {
        change(&mut self.status.write().unwrap_or_else(std::sync::PoisonError::into_inner));
    }

    /// Looks at the files again and again, until told to stop.
    pub async fn watch(&self, every: Duration, stop: CancellationToken) {
        while stop.run_until_cancelled(tokio::time::sleep(every)).await.is_some() {
            self.reload().await;
        }
    }
}

fn build(
    files: &Files,
    options: &Options,
    vocabulary: &Vocabulary,
    version: u64,
) -> Result<(Gate, Findings), String> {
    let (drafted, findings) = draft(files, options, vocabulary, Purpose::Activate);
    let Some(drafted) = drafted else { return Err(findings.to_string()) };
    let gate = Gate::build(drafted, vocabulary, version).map_err(|findings| findings.to_string())?;
    let failed = crate::cases::check(&files.tests, &gate, vocabulary);
    if failed.refuse() { Err(failed.to_string()) } else { Ok((gate, findings)) }
}
