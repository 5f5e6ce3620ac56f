//! The words that policy files may use. A closed vocabulary is what turns a typing mistake into an error.

use std::collections::{BTreeMap, BTreeSet};

use adjutant_bus::actor::Platform;

/// The groups that nobody creates: they follow from what the platform says of a user.
pub(crate) const RESERVED: [&str; 3] = ["everyone", "guests", "external"];

/// The keys that have a value whatever the command is.
const ALWAYS: [&str; 2] = [FREEZE, HOURS];

/// The key that tells of a freeze.
pub(crate) const FREEZE: &str = "freeze";
/// The key that tells of the time.
pub(crate) const HOURS: &str = "hours";
/// What both are when nothing is on.
pub(crate) const OFF: &str = "off";
/// The value of a key that a command does not bind.
pub(crate) const NONE: &str = "none";

/// Reserved so that nobody creates it; no row may name it.
pub(crate) const NOBODY: &str = "anyone";

/// The words that policy files may use.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Vocabulary {
    /// Every command, with dots: `deploy.promote`.
    pub commands: BTreeSet<String>,
    /// Every context key with the values it can have; none when they are not known beforehand.
    pub context: BTreeMap<String, Vec<String>>,
    /// The keys that each command binds: of the others it never says anything. One that is not here may bind any.
    pub binds: BTreeMap<String, BTreeSet<String>>,
    /// Homes whose members are trusted: `slack:T0ACME`, `console:local`.
    pub trusted_homes: Vec<String>,
}

impl Vocabulary {
    /// Whether members of this home may be `everyone`, and its groups may be in the lock.
    pub(crate) fn trusts(&self, home: &str) -> bool {
        self.trusted_homes.iter().any(|trusted| trusted == home)
    }

    /// What a key is when nothing else is said: no freeze, within the first window, not bound.
    pub(crate) fn usual(&self, key: &str) -> &str {
        match key {
            FREEZE => OFF,
            HOURS => self.context.get(key).and_then(|windows| windows.first()).map_or(OFF, String::as_str),
            _ => NONE,
        }
    }

    /// Every key with what it is when nothing else is said.
    pub(crate) fn usually(&self) -> BTreeMap<String, String> {
        self.context.keys().map(|key| (key.clone(), self.usual(key).to_owned())).collect()
    }

    /// Whether a command can give this key a value.
    pub(crate) fn binds(&self, command: &str, key: &str) -> bool {
        ALWAYS.contains(&key) || self.binds.get(command).is_none_or(|keys| keys.contains(key))
    }

    /// Whether a pattern can match any command that is known.
    pub(crate) fn knows_command(&self, pattern: &str) -> bool {
        self.commands.iter().any(|command| crate::matching::cmd_match(command, pattern))
    }
}

/// Whether this is a platform's name, as places and homes begin with.
pub(crate) fn is_platform(name: &str) -> bool {
    name.parse::<Platform>().is_ok()
}
