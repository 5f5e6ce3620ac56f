//! What a check of an installation found.

use serde::Serialize;

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What was looked at.
    pub what: String,
    /// Whether it is as it should be.
    pub ok: bool,
    /// Whether the gateway cannot run without it.
    pub fatal: bool,
    /// What was found.
    pub found: String,
    /// What to do; empty if nothing.
    pub fix: String,
}

impl Finding {
    /// As it should be.
    #[must_use]
    pub fn good(what: &str, found: impl Into<String>) -> Self {
        Self { what: what.to_owned(), ok: true, fatal: false, found: found.into(), fix: String::new() }
    }

    /// There is nothing to look at, because nobody wants it.
    #[must_use]
    pub fn absent(what: &str) -> Self {
        Self::good(what, Self::ABSENT)
    }

    /// Whether there was nothing to look at.
    #[must_use]
    pub fn is_absent(&self) -> bool {
        self.ok && self.found.starts_with(Self::ABSENT)
    }

    /// What is found of that which nobody wants.
    const ABSENT: &str = "not configured";

    /// Not as it should be.
    #[must_use]
    pub fn bad(what: &str, fatal: bool, found: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { what: what.to_owned(), ok: false, fatal, found: found.into(), fix: fix.into() }
    }
}
