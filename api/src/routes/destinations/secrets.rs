//! Secrets of hooks over HTTP: made and shown once, listed by their last characters, revoked.

use std::{str::FromStr, sync::Arc};

use axum::{
    Extension, Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use jiff::Timestamp;
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use super::{named, target, time};
use crate::{
    app::Shared,
    auth::{Auth, DestinationsRead, DestinationsWrite, Principal},
    destinations,
    hooks::Hook,
    http::{Exchange, Posted, Segments},
    idempotency::Once,
    notices::secrets::{self, Listed},
    problem::{Problem, Problems},
    routes::keys::secret,
    scope::Right,
};

pub(super) fn routes() -> OpenApiRouter<Shared> {
    OpenApiRouter::new().routes(routes!(list, create)).routes(routes!(revoke))
}

/// Which hook.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(in crate::routes) enum HookName {
    Alertmanager,
    Grafana,
    PagerDuty,
    GitHub,
    CloudEvents,
    Slack,
}

impl From<HookName> for Hook {
    fn from(name: HookName) -> Self {
        match name {
            HookName::Alertmanager => Self::Alertmanager,
            HookName::Grafana => Self::Grafana,
            HookName::PagerDuty => Self::PagerDuty,
            HookName::GitHub => Self::GitHub,
            HookName::CloudEvents => Self::CloudEvents,
            HookName::Slack => Self::Slack,
        }
    }
}

/// A secret to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewHookSecret {
    /// The hook that it is for.
    hook: HookName,
}

/// A secret as it is listed.
#[derive(Debug, Serialize, ToSchema)]
struct HookSecret {
    /// Its id.
    id: String,
    /// The hook that it is for.
    hook: String,
    /// The service as which it speaks.
    service: String,
    /// Its last characters.
    hint: String,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// Who made it.
    created_by: String,
    /// When it was used last, to the minute.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    last_used_at: Option<Timestamp>,
    /// From where.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_used_ip: Option<String>,
}

/// A secret just made.
#[derive(Serialize, ToSchema)]
struct MadeHookSecret {
    #[serde(flatten)]
    listed: HookSecret,
    /// The secret. It is shown this once.
    secret: String,
    /// The path to send to.
    path: String,
}

/// All secrets of a destination's hooks.
#[derive(Debug, Serialize, ToSchema)]
struct HookSecrets {
    /// Oldest first.
    items: Vec<HookSecret>,
}

impl HookSecret {
    fn of(listed: Listed) -> Self {
        Self {
            id: listed.id,
            hook: listed.hook,
            service: listed.service,
            hint: listed.hint,
            created_at: time(listed.created_at),
            created_by: listed.created_by,
            last_used_at: listed.last_used_at.map(time),
            last_used_ip: listed.last_used_ip,
        }
    }
}

/// The secrets of a destination's hooks, by their last characters.
#[utoipa::path(
    get, path = "/v1/destinations/{name}/hooks", tag = "destinations", operation_id = "list_hook_secrets",
    params(("name" = String, Path, description = "Name of the destination.")),
    responses((status = 200, description = "All of them.", body = HookSecrets), Problems)
)]
async fn list(
    _caller: Auth<DestinationsRead>,
    State(app): State<Shared>,
    Segments(name): Segments<String>,
) -> Result<Json<HookSecrets>, Problem> {
    destinations::one(&app.db, &name).await?.ok_or_else(|| Problem::not_found("destination"))?;
    let items = secrets::list(&app.db, &name).await?.into_iter().map(HookSecret::of).collect();
    Ok(Json(HookSecrets { items }))
}

/// Make a secret for a sender that cannot set headers. It speaks as the caller's service, which needs `notify:send` there.
#[utoipa::path(
    post, path = "/v1/destinations/{name}/hooks", tag = "destinations", operation_id = "create_hook_secret",
    request_body = NewHookSecret,
    params(
        ("name" = String, Path, description = "Name of the destination."),
        ("Idempotency-Key" = Option<String>, Header, min_length = 1, max_length = 255, pattern = "^[!#-~]+$", description = "The same call with the same key is done once."),
    ),
    responses((status = 201, description = "The secret, shown this once.", body = MadeHookSecret), Problems)
)]
async fn create(
    caller: Auth<DestinationsWrite>,
    State(app): State<Shared>,
    Extension(exchange): Extension<Arc<Exchange>>,
    Segments(name): Segments<String>,
    once: Once,
    Posted(new, bytes): Posted<NewHookSecret>,
) -> Response {
    let (principal, maker) = (Principal::clone(&caller), app.clone());
    let handle = Box::pin(async move {
        let (name, hook) = (named(name)?, Hook::from(new.hook));
        // Nobody gives away what they do not hold.
        principal.needs(Right::NotifySend, &name)?;
        let entry = principal.entry("hook_secret.created", target(&name), &exchange);
        let (listed, made) = secrets::create(&maker, &principal, &name, hook, entry).await?;
        let text = made.expose_secret().to_owned();
        let path = format!("/v1/hooks/{}/{name}/{text}", hook.as_str());
        let made = MadeHookSecret { listed: HookSecret::of(listed), secret: text, path };
        Ok(secret((StatusCode::CREATED, Json(made)).into_response()))
    });
    once.guard(&app, &caller, &bytes, handle).await
}

/// Revoke a secret.
#[utoipa::path(
    delete, path = "/v1/destinations/{name}/hooks/{id}", tag = "destinations", operation_id = "revoke_hook_secret",
    params(
        ("name" = String, Path, description = "Name of the destination."),
        ("id" = String, Path, description = "Id of the secret."),
    ),
    responses((status = 204, description = "It opens nothing any more."), Problems)
)]
async fn revoke(
    caller: Auth<DestinationsWrite>,
    State(app): State<Shared>,
    Extension(exchange): Extension<Arc<Exchange>>,
    Segments((name, id)): Segments<(String, String)>,
) -> Result<StatusCode, Problem> {
    let (name, id) = (named(name)?, Uuid::from_str(&id).map_err(|_| Problem::not_found("hook secret"))?);
    let entry = caller.entry("hook_secret.revoked", target(&name), &exchange);
    secrets::delete(&app.db, &name, &id.to_string(), entry).await?;
    Ok(StatusCode::NO_CONTENT)
}
