//! What a platform says of the groups of one home: for people who review policy. Never on the wire, and never asked for a
//! decision; decisions meet only the ids of a lock.

use serde::Serialize;

use crate::actor::{GroupId, Platform, Standing, Tenant};

/// The groups of one home.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Listing {
    /// Which platform.
    pub platform: Platform,
    /// Which part of it.
    pub tenant: Tenant,
    /// The home's name, a label.
    pub name: String,
    /// Every group, also those on which policy may not rest.
    pub groups: Vec<Listed>,
    /// What the platform does not tell of this home, and what to do about it.
    pub untold: Vec<String>,
}

impl Listing {
    /// `slack:T0ACME`.
    #[must_use]
    pub fn home(&self) -> String {
        format!("{}:{}", self.platform, self.tenant)
    }
}

/// A group as its platform lists it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Listed {
    /// Its id, which is what policy rests on.
    pub id: GroupId,
    /// Its name, which anybody may take who may name groups.
    pub name: String,
    /// Why policy may not rest on it, such as "it is disabled"; none: it may.
    pub problem: Option<String>,
    /// Who is in it; none: not known, or not asked for.
    pub members: Option<Vec<Person>>,
    /// Who can put people into it; none: not asked for.
    pub keepers: Option<Keepers>,
}

/// Somebody in a group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Person {
    /// The platform's id.
    pub id: String,
    /// Display name, a label only.
    pub label: String,
    /// What the platform says of them; none: it could not be found out.
    pub standing: Option<Standing>,
}

impl Person {
    /// The label if there is one, else the id.
    #[must_use]
    pub fn shown(&self) -> &str {
        if self.label.is_empty() { &self.id } else { &self.label }
    }
}

/// Who can put people into a group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Keepers {
    /// Every member of the home.
    Everyone,
    /// Whom the home's settings let, owners and administrators at the least: the platform does not tell more.
    Administrators,
    /// The identity provider alone.
    Provider,
    /// The owner of the home, and these people.
    People {
        /// Without the owner.
        people: Vec<Person>,
    },
    /// The owner of the home, and whoever has one of these groups and stands high enough: the platform does not list people.
    Holders {
        /// Names of groups.
        groups: Vec<String>,
    },
    /// The platform does not say.
    Untold,
}
