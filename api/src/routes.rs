//! What can be called: one file for each noun under `routes/`, one line each here. The document at `/openapi.json` is made of the
//! same lines.

mod audit;
mod commands;
mod destinations;
mod hooks;
mod keys;
mod mode;
mod notices;
mod operations;
mod policy;
mod requests;
mod services;

use std::time::Duration;

use axum::{
    Router,
    extract::{DefaultBodyLimit, Request},
    http::{StatusCode, header},
    middleware::{Next, from_fn, from_fn_with_state},
    response::{IntoResponse, Response},
};
use tower_http::{
    catch_panic::CatchPanicLayer, sensitive_headers::SetSensitiveRequestHeadersLayer, timeout::TimeoutLayer,
};
use utoipa::{
    Modify, OpenApi,
    openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
};
use utoipa_axum::router::OpenApiRouter;
use utoipa_swagger_ui::SwaggerUi;

use crate::{
    app::Shared,
    auth::X_API_KEY,
    http,
    problem::{Code, Misfit, Problem},
};

/// Most bytes of a body. Hooks may send more.
pub(crate) const BODY: usize = 256 * 1024;
/// Longer than the longest wait that a caller may ask for.
const TIME: Duration = Duration::from_secs(40);

/// The document's frame; its paths come from the routes.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Adjutant",
        description = "Commands, notices and the record of a ChatOps gateway. Every call needs a key; problems are RFC 9457.",
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
    ),
    servers((url = "/", description = "this service")),
    security(("key" = [])),
    components(schemas(Misfit)),
    modifiers(&Schemes),
)]
struct Document;

struct Schemes;

impl Modify for Schemes {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let bearer = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .bearer_format("adk_…")
            .description(Some(
                "An API key. Senders that cannot set it may send `X-API-Key: <key>` instead, not both.",
            ))
            .build();
        let components = document.components.get_or_insert_default();
        components.add_security_scheme("key", SecurityScheme::Http(bearer));
    }
}

/// Every route with its description.
fn described() -> OpenApiRouter<Shared> {
    OpenApiRouter::with_openapi(Document::openapi())
        .merge(operations::routes())
        .nest("/v1", keys::routes())
        .nest("/v1", services::routes())
        .nest("/v1", requests::routes())
        .nest("/v1", commands::routes())
        .nest("/v1", policy::routes())
        .nest("/v1", mode::routes())
        .nest("/v1", notices::routes())
        .nest("/v1", hooks::routes())
        // Their paths stand whole in their files.
        .merge(destinations::routes())
        .merge(audit::routes())
}

/// The OpenAPI document (3.1).
#[must_use]
pub fn document() -> utoipa::openapi::OpenApi {
    described().into_openapi()
}

/// The service.
pub(crate) fn router(app: Shared) -> Router {
    let (routes, document) = described().split_for_parts();
    let guarded = [axum::http::header::AUTHORIZATION, X_API_KEY];
    routes
        .merge(SwaggerUi::new("/docs").url("/openapi.json", document))
        .fallback(async || Problem::new(Code::NotFound, "There is nothing at this address; see /docs."))
        .method_not_allowed_fallback(async || Problem::new(Code::MethodNotAllowed, "See /docs."))
        .layer(DefaultBodyLimit::max(BODY))
        .layer(CatchPanicLayer::custom(|_| Problem::fault(&"a handler panicked").into_response()))
        .layer(TimeoutLayer::with_status_code(StatusCode::GATEWAY_TIMEOUT, TIME))
        .layer(from_fn(late))
        .layer(SetSensitiveRequestHeadersLayer::new(guarded))
        .layer(from_fn_with_state(app.clone(), http::layer))
        .with_state(app)
}

/// A call that took too long is told as a problem.
async fn late(request: Request, next: Next) -> Response {
    let response = next.run(request).await;
    if response.status() == StatusCode::GATEWAY_TIMEOUT
        && !response.headers().contains_key(header::CONTENT_TYPE)
    {
        return Problem::unavailable("It took too long; what was asked may have been done.").into_response();
    }
    response
}
