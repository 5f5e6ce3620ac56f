//! Files that somebody wants to try: checked and tested as if they were to be published, and put in force nowhere.

use super::Policy;
use crate::{
    cases::{self, TestReport},
    finding::Findings,
    gate::Gate,
    load::{Files, Options, Purpose, draft},
    vocabulary::Vocabulary,
};

/// What came of trying files.
#[derive(Debug, Default)]
pub struct Tried {
    /// What is wrong with them, and what deserves a look.
    pub findings: Findings,
    /// How the tests went, if the files could be loaded and the tests read.
    pub report: Option<TestReport>,
}

impl Tried {
    /// Whether they could be put in force.
    #[must_use]
    pub fn good(&self) -> bool {
        !self.findings.refuse() && self.report.as_ref().is_some_and(|report| report.failed() == 0)
    }
}

impl Policy {
    /// The files in force.
    pub async fn files(&self) -> Option<Files> {
        self.aside.lock().await.in_force.as_ref().map(|offer| offer.files.clone())
    }

    /// Checks and tests files against the commands that are known here.
    ///
    /// # Errors
    /// A fault of the checks themselves.
    pub async fn tried(&self, files: Files) -> Result<Tried, String> {
        let (options, vocabulary) = (self.options.clone(), self.aside.lock().await.vocabulary.clone());
        let tried = tokio::task::spawn_blocking(move || tried(&files, &options, &vocabulary));
        tried.await.map_err(|fault| fault.to_string())
    }
}

fn tried(files: &Files, options: &Options, vocabulary: &Vocabulary) -> Tried {
    let (drafted, mut findings) = draft(files, options, vocabulary, Purpose::Check);
    let Some(drafted) = drafted else { return Tried { findings, report: None } };
    let report = match Gate::build(drafted, 0).and_then(|gate| cases::run(&files.tests, &gate)) {
        Ok(report) => Some(report),
        Err(more) => {
            findings.findings.extend(more.findings);
            None
        }
    };
    Tried { findings: findings.sorted(), report }
}
