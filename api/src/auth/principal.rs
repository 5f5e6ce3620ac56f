//! The caller: a key of a service. What it asks for is asked by `svc:<name>`, whatever a body says.

use adjutant_bus::{
    actor::{Actor, Platform, Standing, Tenant},
    place::Place,
};

use super::lacking;
use crate::{
    audit::Entry,
    http::Exchange,
    key::Kind,
    problem::Problem,
    scope::{Right, Scopes},
};

/// A key that is valid now.
#[derive(Clone, Debug)]
pub(crate) struct Principal {
    pub(crate) key_id: String,
    pub(crate) key_name: String,
    pub(crate) kind: Kind,
    pub(crate) service_id: String,
    /// Name of the service.
    pub(crate) service: String,
    pub(crate) scopes: Scopes,
    pub(crate) created_at: i64,
    pub(crate) expires_at: Option<i64>,
}

impl Principal {
    /// Whether the scopes admit a right over an object: a command's dotted name, a destination.
    pub(crate) fn needs(&self, right: Right, object: &str) -> Result<(), Problem> {
        if self.scopes.admit(right, Some(object)) { Ok(()) } else { Err(lacking(right)) }
    }

    /// `svc:<name>`.
    pub(crate) fn who(&self) -> String {
        format!("svc:{}", self.service)
    }

    /// The tenant is the key, so that a leaked one can be told from the others in every record.
    pub(crate) fn actor(&self) -> Actor {
        Actor {
            platform: Platform::Api,
            tenant: Tenant::new(self.key_id.clone()),
            user: self.service.clone(),
            label: self.key_name.clone(),
            standing: Standing::Service,
        }
    }

    /// Where it asks: nowhere that others read.
    pub(crate) fn place(&self) -> Place {
        Place {
            platform: Platform::Api,
            tenant: Tenant::new(self.key_id.clone()),
            channel: "-".to_owned(),
            thread: None,
            private: true,
            answer: None,
        }
    }

    /// An entry of the record about something that this caller does.
    pub(crate) fn entry(&self, kind: &str, target: impl Into<String>, exchange: &Exchange) -> Entry {
        Entry { key_id: Some(self.key_id.clone()), ip: exchange.ip(), ..Entry::now(kind, self.who(), target) }
    }
}
