//! The versions of the policy that were published and are kept.

use adjutant_bus::bundle::{self, Bundle};
use axum::{Json, extract::State};
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    app::Shared,
    auth::{Auth, PolicyRead},
    problem::{Problem, Problems},
};

/// One published version.
#[derive(Serialize, ToSchema)]
pub(super) struct Version {
    /// Its number; numbers only rise.
    version: u64,
    /// SHA-256 of its files, hexadecimal.
    sha256: String,
    /// The number of the version that it replaced.
    #[serde(skip_serializing_if = "Option::is_none")]
    previous: Option<u64>,
    /// Who published it: `console:local/pat`, `svc:ci`, or `operator`.
    author: String,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    /// Why.
    reason: String,
    /// The request that asked for it, if it was published by a command.
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<String>,
}

impl From<Bundle> for Version {
    fn from(bundle: Bundle) -> Self {
        Self {
            version: bundle.named.version,
            sha256: bundle.named.sha256,
            previous: bundle.previous.map(|previous| previous.version),
            author: bundle.author,
            at: bundle.at,
            reason: bundle.reason,
            request_id: bundle.request.map(|id| id.to_string()),
        }
    }
}

/// The versions that are kept.
#[derive(Serialize, ToSchema)]
pub(super) struct Versions {
    /// The newest first, at most 50.
    items: Vec<Version>,
}

/// The versions of the policy that were published, newest first.
#[utoipa::path(
    get,
    path = "/policy/versions",
    tag = "policy",
    operation_id = "list_policy_versions",
    responses((status = 200, description = "Those that are kept.", body = Versions), Problems)
)]
pub(super) async fn list(
    State(app): State<Shared>,
    _caller: Auth<PolicyRead>,
) -> Result<Json<Versions>, Problem> {
    let known = bundle::all(&app.bus).await?;
    Ok(Json(Versions { items: known.into_iter().rev().map(Version::from).collect() }))
}
