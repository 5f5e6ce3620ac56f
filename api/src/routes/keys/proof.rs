//! What somebody does with a key in hand that is not their own: ask whether it is good, or revoke it because it leaked.

use std::{net::IpAddr, sync::Arc};

use axum::{
    Extension, Json,
    body::to_bytes,
    extract::{FromRequest, Request, State},
    http::{HeaderValue, StatusCode, header},
};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::{
    app::Shared,
    auth::{Auth, KeysIntrospect},
    http::{Body, Exchange},
    introspect::{IntrospectionBody, introspect as examine},
    key::ApiKey,
    keyring::By,
    problem::{Code, Problem, Problems},
};

/// Most bytes of a form.
const FORM: usize = 4 * 1024;

/// A key to be examined.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Token {
    /// The key.
    token: String,
    /// What it is; every kind is known by itself (RFC 7662 §2.1).
    #[serde(default)]
    #[expect(dead_code, reason = "it is taken and not needed")]
    token_type_hint: Option<String>,
    /// From where it was presented, to check the networks that it is restricted to.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = "ipv4")]
    ip: Option<IpAddr>,
}

impl FromRequest<Shared> for Token {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &Shared) -> Result<Self, Problem> {
        let form = HeaderValue::from_static("application/x-www-form-urlencoded");
        if request.headers().get(header::CONTENT_TYPE) != Some(&form) {
            return Body::<Self>::from_request(request, app).await.map(|Body(token)| token);
        }
        let told = |_| Problem::new(Code::TooLarge, "A form of at most 4 KiB.");
        let bytes = to_bytes(request.into_body(), FORM).await.map_err(told)?;
        serde_urlencoded::from_bytes(&bytes).map_err(|_| Problem::invalid("/token", "the key, once"))
    }
}

/// Whether a key is good, and whose it is (RFC 7662).
#[utoipa::path(
    post,
    path = "/keys/introspect",
    tag = "keys",
    operation_id = "introspect_key",
    request_body(content((Token = "application/json"), (Token = "application/x-www-form-urlencoded"))),
    responses((status = 200, description = "Whether it is good.", body = IntrospectionBody), Problems)
)]
pub(super) async fn introspect(
    _caller: Auth<KeysIntrospect>,
    State(app): State<Shared>,
    token: Token,
) -> Result<Json<IntrospectionBody>, Problem> {
    let found = examine(&app, &token.token, token.ip).await?;
    Ok(Json(found.into()))
}

/// A key that leaked.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Leaked {
    /// The key.
    key: String,
}

/// Revokes a key that leaked: whoever holds it may. The answer is always the same.
#[utoipa::path(
    post,
    path = "/keys/revoke-leaked",
    tag = "keys",
    operation_id = "revoke_leaked_key",
    security(()),
    request_body = Leaked,
    responses((status = 204, description = "If it was a key of this service, it is revoked."), Problems)
)]
pub(super) async fn revoke_leaked(
    State(app): State<Shared>,
    Extension(exchange): Extension<Arc<Exchange>>,
    Body(leaked): Body<Leaked>,
) -> Result<StatusCode, Problem> {
    app.keys.limits.failed(exchange.address)?;
    if let Ok(key) = ApiKey::parse(&leaked.key) {
        let by = By { actor: "holder".to_owned(), key_id: None, ip: exchange.ip() };
        app.keyring.revoke_leaked(&by, &key).await.map_err(Problem::from)?;
    }
    Ok(StatusCode::NO_CONTENT)
}
