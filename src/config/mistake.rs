//! One mistake in the configuration, as it is shown to the admin. Never holds a value, which may be a secret.

use std::fmt;

/// What is wrong, where it was said, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mistake {
    pub(crate) source: String,
    pub(crate) key: String,
    pub(crate) problem: String,
    pub(crate) hint: String,
}

impl fmt::Display for Mistake {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: {}: {}", self.source, self.key, self.problem)?;
        if self.hint.is_empty() { Ok(()) } else { write!(out, " ({})", self.hint) }
    }
}
