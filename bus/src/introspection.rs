//! Whether a key is good, asked under `adjutant.v1.adm.keys.introspect`: how a service checks the key of its own caller without HTTP.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::wire::Version;

/// The question.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Introspect {
    /// Wire version.
    pub v: Version,
    /// The key.
    pub key: String,
    /// From which address it was presented, to check the networks that it is restricted to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ip: Option<String>,
}

impl std::fmt::Debug for Introspect {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Introspect").field("ip", &self.ip).finish_non_exhaustive()
    }
}

/// The answer (after RFC 7662). Of a key that is not good it says nothing else.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Introspection {
    /// Wire version.
    pub v: Version,
    /// Whether it is good now.
    pub active: bool,
    /// Whose it is: `svc:<name>`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sub: Option<String>,
    /// Name of the service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    /// Its scopes, separated by spaces.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    /// When it was made, in Unix seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub iat: Option<i64>,
    /// When it ends, in Unix seconds; absent: never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exp: Option<i64>,
    /// Id of the key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jti: Option<String>,
    /// Why it could not be found out: `active` means nothing then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}
