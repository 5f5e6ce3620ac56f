//! What the gate is asked, and what it answers.

use std::collections::{BTreeMap, BTreeSet};

use adjutant_bus::{event::Authorization, spec::Action};
use casbin::rhai::Dynamic;

use crate::{engine::groups_map, twin::Denial};

/// What policy makes of an actor: their groups by policy name, closed over the `g` rows.
pub struct Caller {
    pub(super) who: String,
    pub(super) groups: BTreeSet<String>,
    pub(super) map: Dynamic,
}

impl Caller {
    pub(crate) fn new(who: String, groups: BTreeSet<String>) -> Self {
        let map = groups_map(groups.iter().map(String::as_str));
        Self { who, groups, map }
    }

    /// The policy groups, after closure.
    #[must_use]
    pub fn groups(&self) -> Vec<String> {
        self.groups.iter().cloned().collect()
    }
}

/// What is asked of the gate.
pub struct Ask<'a> {
    /// Who.
    pub caller: &'a Caller,
    /// Where: `slack:T0ACME/C0DEPLOY`.
    pub place: &'a str,
    /// What: `deploy.promote`.
    pub command: &'a str,
    /// Which right.
    pub action: Action,
    /// With which arguments, as far as policy knows of them.
    pub context: &'a BTreeMap<String, String>,
}

/// A decision.
pub struct Verdict {
    /// For the record.
    pub authorization: Authorization,
    /// Why not; none when it is allowed.
    pub denial: Option<Denial>,
}
