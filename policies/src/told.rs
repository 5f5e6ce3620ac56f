//! Rows in words, as terminal and chat say them: what would have to be different for one to allow, and what one forbids.

use serde::Serialize;

use crate::{
    rows::Row,
    twin::{Dimension, Miss},
};

/// What a deny row is about, as far as it is not about everything.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Forbidding {
    /// Which of the caller's groups.
    pub group: String,
    /// Where.
    pub place: String,
    /// With which arguments.
    pub when: String,
}

impl From<&Row> for Forbidding {
    fn from(row: &Row) -> Self {
        Self { group: row.group.clone(), place: row.place.clone(), when: row.when.clone() }
    }
}

impl Forbidding {
    /// The widest first, whatever the order of the rows.
    pub(crate) fn narrowness(&self) -> (bool, bool, String, String, String) {
        let Self { group, place, when } = self.clone();
        (place != "*", when != "*", group, place, when)
    }

    /// `to Contractors, with env=production`, or `to everyone`.
    #[must_use]
    pub fn told(&self) -> String {
        let place = (self.place != "*").then(|| format!("in {}", self.place));
        let when = (self.when != "*").then(|| format!("with {}", condition(&self.when)));
        let parts: Vec<String> =
            [Some(format!("to {}", self.group)), place, when].into_iter().flatten().collect();
        parts.join(", ")
    }
}

impl Miss {
    /// `only in slack:T1/C1 with env=staging or env=preview`: what would have to be different for the row to allow it.
    #[must_use]
    pub fn told(&self) -> String {
        let part = |part: &Dimension| match part {
            Dimension::Group => Some(format!("for {}", self.group)),
            Dimension::Action => Some(format!("to {}", self.action)),
            Dimension::Place => Some(format!("in {}", self.place)),
            Dimension::When => Some(format!("with {}", condition(&self.when))),
            Dimension::Command | Dimension::DenyRow | Dimension::Engine => None,
        };
        let parts: Vec<String> = self.missed.iter().filter_map(part).collect();
        format!("only {}", parts.join(" "))
    }
}

/// `env=staging|preview;hours=office` becomes `env=staging or env=preview, and hours=office`.
#[must_use]
pub fn condition(when: &str) -> String {
    let part = |part: &str| match part.split_once('=') {
        Some((key, values)) => {
            let each: Vec<String> = values.split('|').map(|value| format!("{key}={value}")).collect();
            each.join(" or ")
        }
        None => part.to_owned(),
    };
    when.split(';').map(part).collect::<Vec<_>>().join(", and ")
}
