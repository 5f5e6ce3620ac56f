//! Scopes: the ceiling of what a key may do. A scope never gives a right by itself; what a command may do is decided by policy
//! on `svc:<name>` besides.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// What a scope is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Right {
    /// Look at services and keys.
    KeysRead,
    /// Make, change and revoke services and keys.
    KeysWrite,
    /// Ask whether somebody else's key is good.
    KeysIntrospect,
    /// Submit commands.
    RequestsSubmit,
    /// Look at requests.
    RequestsRead,
    /// Cancel requests.
    RequestsCancel,
    /// Decide on held requests.
    RequestsDecide,
    /// Look at the catalogue.
    CommandsRead,
    /// Send notices.
    NotifySend,
    /// Look at destinations.
    DestinationsRead,
    /// Change destinations.
    DestinationsWrite,
    /// Read the record.
    AuditRead,
    /// Look at the policy.
    PolicyRead,
    /// Ask why something is allowed or not.
    PolicyExplain,
    /// Read metrics.
    MetricsRead,
    /// Everything, and freezing execution.
    Admin,
}

impl Right {
    /// Every right, in the order of the documentation.
    pub const ALL: [Self; 16] = [
        Self::KeysRead,
        Self::KeysWrite,
        Self::KeysIntrospect,
        Self::RequestsSubmit,
        Self::RequestsRead,
        Self::RequestsCancel,
        Self::RequestsDecide,
        Self::CommandsRead,
        Self::NotifySend,
        Self::DestinationsRead,
        Self::DestinationsWrite,
        Self::AuditRead,
        Self::PolicyRead,
        Self::PolicyExplain,
        Self::MetricsRead,
        Self::Admin,
    ];

    /// The word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::KeysRead => "keys:read",
            Self::KeysWrite => "keys:write",
            Self::KeysIntrospect => "keys:introspect",
            Self::RequestsSubmit => "requests:submit",
            Self::RequestsRead => "requests:read",
            Self::RequestsCancel => "requests:cancel",
            Self::RequestsDecide => "requests:decide",
            Self::CommandsRead => "commands:read",
            Self::NotifySend => "notify:send",
            Self::DestinationsRead => "destinations:read",
            Self::DestinationsWrite => "destinations:write",
            Self::AuditRead => "audit:read",
            Self::PolicyRead => "policy:read",
            Self::PolicyExplain => "policy:explain",
            Self::MetricsRead => "metrics:read",
            Self::Admin => "admin",
        }
    }

    /// Whether it can be narrowed to some commands or destinations.
    const fn narrows(self) -> bool {
        matches!(self, Self::RequestsSubmit | Self::NotifySend)
    }
}

impl fmt::Display for Right {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A right, perhaps only over what fits a pattern: `notify:send:deploys-*`, `requests:submit:db.*`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Scope {
    right: Right,
    /// Letters as they are; one `*` at the end stands for any.
    pattern: Option<String>,
}

/// Text that is no scope.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no scope")]
pub struct ScopeError(String);

impl Scope {
    /// The whole right.
    #[must_use]
    pub const fn whole(right: Right) -> Self {
        Self { right, pattern: None }
    }

    /// Whether it admits this right over this object (a command's dotted name, a destination).
    fn admits(&self, right: Right, object: Option<&str>) -> bool {
        if self.right == Right::Admin {
            return true;
        }
        self.right == right
            && match (&self.pattern, object) {
                (None, _) => true,
                (Some(pattern), Some(object)) => fits(pattern, object),
                (Some(_), None) => false,
            }
    }

    /// Whether who holds this may give the other away.
    fn covers(&self, other: &Self) -> bool {
        match &other.pattern {
            _ if self.right == Right::Admin => true,
            None => self.right == other.right && self.pattern.is_none(),
            Some(theirs) => {
                let within = |own: &String| match own.strip_suffix('*') {
                    Some(start) => theirs.starts_with(start),
                    None => own == theirs,
                };
                self.right == other.right && self.pattern.as_ref().is_none_or(within)
            }
        }
    }
}

fn fits(pattern: &str, object: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(start) => object.starts_with(start),
        None => pattern == object,
    }
}

impl FromStr for Scope {
    type Err = ScopeError;
    fn from_str(text: &str) -> Result<Self, ScopeError> {
        let error = || ScopeError(text.chars().take(64).collect());
        let right = Right::ALL
            .into_iter()
            .filter(|right| {
                text.strip_prefix(right.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with(':'))
            })
            .max_by_key(|right| right.as_str().len())
            .ok_or_else(error)?;
        let pattern = match text.strip_prefix(right.as_str()).unwrap_or_default().strip_prefix(':') {
            None => None,
            Some(pattern) => {
                let letters = pattern.strip_suffix('*').unwrap_or(pattern);
                let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '.';
                let good = pattern.len() <= 128 && !pattern.is_empty() && letters.chars().all(plain);
                if !right.narrows() || !good {
                    return Err(error());
                }
                Some(pattern.to_owned())
            }
        };
        Ok(Self { right, pattern })
    }
}

impl TryFrom<String> for Scope {
    type Error = ScopeError;
    fn try_from(text: String) -> Result<Self, ScopeError> {
        text.parse()
    }
}

impl From<Scope> for String {
    fn from(scope: Scope) -> Self {
        scope.to_string()
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.pattern {
            None => write!(f, "{}", self.right),
            Some(pattern) => write!(f, "{}:{pattern}", self.right),
        }
    }
}

/// All scopes of a key.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Scopes(Vec<Scope>);

impl Scopes {
    /// These scopes.
    #[must_use]
    pub const fn new(scopes: Vec<Scope>) -> Self {
        Self(scopes)
    }

    /// Whether they admit a right, over this object if it is about one.
    #[must_use]
    pub fn admit(&self, right: Right, object: Option<&str>) -> bool {
        self.0.iter().any(|scope| scope.admits(right, object))
    }

    /// Whether they admit a right over something at least.
    #[must_use]
    pub fn admit_some(&self, right: Right) -> bool {
        self.0.iter().any(|scope| scope.right == right || scope.right == Right::Admin)
    }

    /// The first of the others that who holds these may not give away.
    #[must_use]
    pub fn lacking<'a>(&self, others: &'a Self) -> Option<&'a Scope> {
        others.0.iter().find(|other| !self.0.iter().any(|own| own.covers(other)))
    }

    /// One by one.
    pub fn iter(&self) -> impl Iterator<Item = &Scope> {
        self.0.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scopes(texts: &[&str]) -> Scopes {
        Scopes::new(texts.iter().map(|text| text.parse().unwrap()).collect())
    }

    #[test]
    fn scopes_are_read_and_written_alike_and_others_refused() {
        for right in Right::ALL {
            assert_eq!(right.as_str().parse::<Scope>().unwrap().to_string(), right.as_str());
        }
        assert_eq!("notify:send:deploys-*".parse::<Scope>().unwrap().to_string(), "notify:send:deploys-*");
        for text in [
            "",
            "keys",
            "keys:read:x",
            "notify:send:",
            "notify:send:a*b",
            "admin:x",
            "KEYS:READ",
            "notify:sender",
        ] {
            assert!(text.parse::<Scope>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_narrowed_scope_admits_only_what_fits() {
        let held = scopes(&["requests:submit:db.*", "notify:send:deploys"]);
        assert!(held.admit(Right::RequestsSubmit, Some("db.migrate")));
        assert!(!held.admit(Right::RequestsSubmit, Some("deploy.list")));
        assert!(!held.admit(Right::RequestsSubmit, None));
        assert!(
            held.admit(Right::NotifySend, Some("deploys"))
                && !held.admit(Right::NotifySend, Some("deploys2"))
        );
        assert!(!held.admit(Right::KeysRead, None));
    }

    #[test]
    fn nobody_gives_away_what_they_do_not_hold() {
        let held = scopes(&["keys:write", "notify:send:deploys-*", "requests:submit"]);
        for fine in
            ["notify:send:deploys-web", "notify:send:deploys-w*", "requests:submit:db.*", "requests:submit"]
        {
            assert_eq!(held.lacking(&scopes(&[fine])), None, "{fine}");
        }
        for more in ["notify:send", "notify:send:deploys", "notify:send:*", "admin", "keys:read"] {
            assert!(held.lacking(&scopes(&[more])).is_some(), "{more}");
        }
        assert_eq!(scopes(&["admin"]).lacking(&scopes(&["admin", "keys:read"])), None);
    }
}
