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

    /// It was not looked at, and that is as it should be.
    #[must_use]
    pub fn unseen(what: &str, why: impl std::fmt::Display) -> Self {
        Self::good(what, format!("{}: {why}", Self::UNSEEN))
    }

    /// Whether there was nothing to look at, or nothing was looked at.
    #[must_use]
    pub fn is_absent(&self) -> bool {
        self.ok && [Self::ABSENT, Self::UNSEEN].iter().any(|beginning| self.found.starts_with(beginning))
    }

    /// What is found of that which nobody wants.
    const ABSENT: &str = "not configured";
    /// What is found of that which was left alone.
    const UNSEEN: &str = "not looked at";

    /// Not as it should be.
    #[must_use]
    pub fn bad(what: &str, fatal: bool, found: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { what: what.to_owned(), ok: false, fatal, found: found.into(), fix: fix.into() }
    }
}
