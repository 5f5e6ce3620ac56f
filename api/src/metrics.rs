//! What is counted, by name, and how it is shown to Prometheus. The recorder is the process's own: the first service installs it.

use std::{sync::OnceLock, time::Duration};

use axum::{
    Router,
    http::{StatusCode, header},
    response::IntoResponse,
    routing::get,
};
use metrics::{counter, histogram};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};

/// Calls by method, route and status.
const CALLS: &str = "adjutant_api_requests_total";
/// Seconds until the answer's head was ready, by method and route.
const SECONDS: &str = "adjutant_api_request_duration_seconds";
/// Bounds of the histogram, in seconds.
const BOUNDS: [f64; 10] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.5, 2.5, 30.0];

static HANDLE: OnceLock<Option<PrometheusHandle>> = OnceLock::new();

/// Installs the recorder, unless there is one.
pub(crate) fn install() {
    HANDLE.get_or_init(|| {
        let builder = PrometheusBuilder::new().set_buckets(&BOUNDS).ok()?;
        let recorder = builder.build_recorder();
        let handle = recorder.handle();
        metrics::set_global_recorder(recorder).ok().map(|()| handle)
    });
}

/// Counts a call.
pub(crate) fn call(method: &str, route: &str, status: StatusCode, took: Duration) {
    let (method, route) = (method.to_owned(), route.to_owned());
    counter!(CALLS, "method" => method.clone(), "route" => route.clone(), "status" => status.as_u16().to_string())
        .increment(1);
    histogram!(SECONDS, "method" => method, "route" => route).record(took.as_secs_f64());
}

/// All figures in Prometheus' text form (version 0.0.4).
pub(crate) fn text() -> impl IntoResponse {
    let text = HANDLE.get().and_then(Option::as_ref).map(|handle| {
        handle.run_upkeep();
        handle.render()
    });
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text.unwrap_or_default())
}

/// The listener of its own: metrics and nothing else, without a key.
pub(crate) fn router() -> Router {
    Router::new().route("/metrics", get(async || text()))
}

/// Keys and secrets of hooks that are still kept under another pepper than the one in use: at zero the one before can go.
pub(crate) fn on_old_pepper(count: i64) {
    // Beyond 2^53 it would not be exact.
    let count = u32::try_from(count).unwrap_or(u32::MAX);
    ::metrics::gauge!("adjutant_api_keys_on_old_pepper").set(count);
}

/// A call with a key that another replaces: who has not switched yet.
pub(crate) fn superseded() {
    ::metrics::counter!("adjutant_api_superseded_key_calls_total").increment(1);
}
