//! What stands below an answer.

use adjutant_bus::{event::Outcome, id::RunId};
use jiff::SignedDuration;

/// The parts of it; each platform has its own form.
#[derive(Clone, Debug)]
pub struct Foot {
    /// By which people ask about it.
    pub run: RunId,
    /// How it ended.
    pub outcome: Outcome,
    /// How long it took.
    pub took: SignedDuration,
    /// Who asked, where others cannot see it.
    pub asker: Option<String>,
}

impl Foot {
    /// What follows the run id: ` timed out · 0.3 s`; a success is not said.
    #[must_use]
    pub fn ending(&self) -> String {
        let outcome = match self.outcome {
            Outcome::Succeeded => String::new(),
            other => format!(" {}", other.as_str().replace('_', " ")),
        };
        format!("{outcome} · {:.1} s", self.took.as_secs_f64().max(0.0))
    }
}
