//! What a span says besides its name. The list is closed, so that nothing gets into a trace which is a person's, a secret, or
//! typed: ids that Adjutant made, names from the catalogue and from lists in the source, and numbers.

use opentelemetry::{KeyValue, Value};

/// Every key that there is, with what stands under it.
pub const KEYS: [(&str, &str); 13] = [
    ("adjutant.request_id", "id of the request, as in the record"),
    ("adjutant.run", "the eight characters that people see and type"),
    ("adjutant.platform", "`slack`, `discord`, `console`, `svc`"),
    ("adjutant.command", "policy name of the command, from the catalogue: `deploy.promote`"),
    ("adjutant.outcome", "how a request ended, or whether a platform took a message"),
    ("adjutant.event", "type of the event: `claimed`, `started`, `succeeded`, …"),
    ("adjutant.attempt", "how often the message was delivered, this time counted"),
    ("adjutant.allowed", "what policy said"),
    ("adjutant.policy", "the version of the policy that said it"),
    ("adjutant.method", "method or route of the chat platform's API"),
    ("http.request.method", "method of a call of the API"),
    ("http.route", "route of it, with placeholders"),
    ("http.response.status_code", "status of its answer"),
];

/// One of them, with its value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Attribute<'a> {
    /// Id of the request.
    Request(&'a str),
    /// What people call the request.
    Run(&'a str),
    /// The platform that it is on.
    Platform(&'a str),
    /// The command, by its name in the catalogue.
    Command(&'a str),
    /// How it ended.
    Outcome(&'static str),
    /// Type of an event.
    Event(&'static str),
    /// Which delivery.
    Attempt(u64),
    /// What policy said.
    Allowed(bool),
    /// Which policy.
    Policy(&'a str),
    /// Method of a chat platform.
    Method(&'static str),
    /// Method of a call of the API.
    HttpMethod(&'a str),
    /// Its route.
    HttpRoute(&'a str),
    /// The status of the answer.
    HttpStatus(u16),
}

impl Attribute<'_> {
    /// The key that it stands under.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::Request(_) => "adjutant.request_id",
            Self::Run(_) => "adjutant.run",
            Self::Platform(_) => "adjutant.platform",
            Self::Command(_) => "adjutant.command",
            Self::Outcome(_) => "adjutant.outcome",
            Self::Event(_) => "adjutant.event",
            Self::Attempt(_) => "adjutant.attempt",
            Self::Allowed(_) => "adjutant.allowed",
            Self::Policy(_) => "adjutant.policy",
            Self::Method(_) => "adjutant.method",
            Self::HttpMethod(_) => "http.request.method",
            Self::HttpRoute(_) => "http.route",
            Self::HttpStatus(_) => "http.response.status_code",
        }
    }

    fn value(self) -> Value {
        match self {
            Self::Request(text)
            | Self::Run(text)
            | Self::Platform(text)
            | Self::Command(text)
            | Self::Policy(text)
            | Self::HttpMethod(text)
            | Self::HttpRoute(text) => text.to_owned().into(),
            Self::Outcome(text) | Self::Event(text) | Self::Method(text) => text.into(),
            Self::Attempt(number) => i64::try_from(number).unwrap_or(i64::MAX).into(),
            Self::Allowed(allowed) => allowed.into(),
            Self::HttpStatus(status) => i64::from(status).into(),
        }
    }
}

impl From<Attribute<'_>> for KeyValue {
    fn from(attribute: Attribute<'_>) -> Self {
        Self::new(attribute.key(), attribute.value())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_attribute_is_in_the_table_and_nothing_else_is() {
        let all = [
            Attribute::Request(""),
            Attribute::Run(""),
            Attribute::Platform(""),
            Attribute::Command(""),
            Attribute::Outcome(""),
            Attribute::Event(""),
            Attribute::Attempt(1),
            Attribute::Allowed(true),
            Attribute::Policy(""),
            Attribute::Method(""),
            Attribute::HttpMethod(""),
            Attribute::HttpRoute(""),
            Attribute::HttpStatus(200),
        ];
        let told: Vec<&str> = all.iter().map(|attribute| attribute.key()).collect();
        assert_eq!(told, KEYS.map(|(key, _)| key));
    }
}
