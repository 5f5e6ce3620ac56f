//! Keys as they are shown: never the key itself, but once.

use ipnet::IpNet;
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use super::{body::KeyRate, time};
use crate::keyring::{KeyRow, KeyringError};

/// A key as it is shown: never the key itself.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Key)]
pub(crate) struct KeyBody {
    /// Its id.
    #[schema(format = Uuid)]
    pub(crate) id: String,
    /// The service that owns it.
    service: String,
    /// `service` or `admin`.
    kind: String,
    /// By what people know it.
    name: String,
    /// Its last three characters.
    hint: String,
    /// What it may do at most.
    scopes: Vec<String>,
    /// From which networks it may be used; absent: from anywhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<String>>)]
    allowed_cidrs: Option<Vec<IpNet>>,
    /// How often it may call; absent: as by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    rate: Option<KeyRate>,
    /// `active`, `disabled`, `revoked` or `expired`.
    state: String,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    created_at: Option<Timestamp>,
    /// Who made it.
    created_by: String,
    /// When it ends; absent: never.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_at: Option<Timestamp>,
    /// When it was revoked.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    revoked_at: Option<Timestamp>,
    /// Who revoked it.
    #[serde(skip_serializing_if = "Option::is_none")]
    revoked_by: Option<String>,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    revoke_reason: Option<String>,
    /// The key that it replaces.
    #[serde(skip_serializing_if = "Option::is_none")]
    rotated_from: Option<String>,
    /// The key that replaces it.
    #[serde(skip_serializing_if = "Option::is_none")]
    superseded_by: Option<String>,
    /// When it was used last, to the minute.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    last_used_at: Option<Timestamp>,
    /// From where.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_used_ip: Option<String>,
    /// Rises with each change; the ETag.
    version: i64,
    #[serde(skip)]
    pub(super) made: i64,
}

impl TryFrom<KeyRow> for KeyBody {
    type Error = KeyringError;
    fn try_from(row: KeyRow) -> Result<Self, KeyringError> {
        Ok(Self {
            scopes: row.scopes()?.iter().map(ToString::to_string).collect(),
            allowed_cidrs: row.networks()?,
            rate: row.rate_per_s.map(|per_second| KeyRate { per_second, burst: row.rate_burst }),
            state: row.state_now().to_owned(),
            id: row.id,
            service: row.service,
            kind: row.kind,
            name: row.name,
            hint: row.hint,
            created_at: time(row.created_at),
            created_by: row.created_by,
            expires_at: row.expires_at.and_then(time),
            revoked_at: row.revoked_at.and_then(time),
            revoked_by: row.revoked_by,
            revoke_reason: row.revoke_reason,
            rotated_from: row.rotated_from,
            superseded_by: row.superseded_by,
            last_used_at: row.last_used_at.and_then(time),
            last_used_ip: row.last_used_ip,
            version: row.version,
            made: row.created_at,
        })
    }
}

/// A key that was just made. The key itself is shown here and never again.
#[derive(Serialize, ToSchema)]
pub(crate) struct MadeKey {
    /// The key.
    #[schema(pattern = "^ad[ka]_[0-9A-Za-z]{28}$")]
    pub(crate) key: String,
    #[serde(flatten)]
    pub(crate) about: KeyBody,
}
