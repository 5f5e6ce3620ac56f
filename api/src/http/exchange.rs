//! One call and its answer: the id by which logs know it, the address it came from, and what the answer's headers tell of the
//! key's rate and age.

use std::{
    net::{IpAddr, SocketAddr},
    sync::{Arc, OnceLock},
    time::Instant,
};

use adjutant_bus::TraceContext;
use adjutant_metrics::api as metrics;
use adjutant_traces::{Attribute, Span};
use axum::{
    extract::{ConnectInfo, MatchedPath, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method},
    middleware::Next,
    response::Response,
};
use ipnet::IpNet;
use uuid::Uuid;

use crate::{app::Shared, key::ApiKey, problem::Code};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const FORWARDED: HeaderName = HeaderName::from_static("x-forwarded-for");
const LIMIT: HeaderName = HeaderName::from_static("ratelimit");
const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const SUPERSEDED: HeaderName = HeaderName::from_static("key-superseded");
/// What the paths begin with whose calls are in traces.
const TRACED: &str = "/v1/";
/// Longest id that is taken over from the caller.
const LONGEST_ID: usize = 128;

/// How a key's rate stands (IETF draft-ietf-httpapi-ratelimit-headers).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rate {
    pub(crate) per_second: u32,
    pub(crate) left: u32,
}

/// One call.
pub(crate) struct Exchange {
    /// By what logs know it.
    pub(crate) id: String,
    /// Where it came from; none where the listener does not know.
    pub(crate) address: Option<IpAddr>,
    pub(crate) rate: OnceLock<Rate>,
    /// Who called, and by which key, once that is known.
    pub(crate) caller: OnceLock<(String, String)>,
    /// The key itself, for calls that go on after they were let in.
    pub(crate) key: OnceLock<ApiKey>,
    /// When a superseded key ends (RFC 3339).
    pub(crate) superseded: OnceLock<String>,
}

impl Exchange {
    /// The address as text, for the record.
    pub(crate) fn ip(&self) -> Option<String> {
        self.address.map(|address| address.to_string())
    }
}

/// Gives a call its exchange, and its answer the headers.
pub(crate) async fn layer(State(app): State<Shared>, mut request: Request, next: Next) -> Response {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(peer)| peer.ip());
    let exchange = Arc::new(Exchange {
        id: request_id(request.headers()),
        address: peer.map(|peer| address(peer, request.headers(), &app.config.trusted_proxies)),
        rate: OnceLock::new(),
        caller: OnceLock::new(),
        key: OnceLock::new(),
        superseded: OnceLock::new(),
    });
    let begun = Instant::now();
    let (method, route) = (known(request.method()), request.extensions().get::<MatchedPath>().cloned());
    request.extensions_mut().insert(exchange.clone());
    let span = traced(request.headers(), &method, route.as_ref());
    let mut response = match &span {
        Some(span) => span.run(next.run(request)).await,
        None => next.run(request).await,
    };
    if let Some(span) = &span {
        span.set(Attribute::HttpStatus(response.status().as_u16()));
    }
    let route = route.as_ref().map_or("none", MatchedPath::as_str);
    metrics::call(&method, route, response.status().as_str(), begun.elapsed());
    if let Some(code) = response.extensions().get::<Code>() {
        app.keys.refusals.note(&exchange, *code);
    }
    let headers = response.headers_mut();
    let mut tell = |name: HeaderName, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(name, value);
        }
    };
    tell(REQUEST_ID, &exchange.id);
    if let Some(rate) = exchange.rate.get() {
        tell(POLICY, &format!("\"key\";q={};w=1", rate.per_second));
        tell(LIMIT, &format!("\"key\";r={};t=1", rate.left));
    }
    if let Some(until) = exchange.superseded.get() {
        tell(SUPERSEDED, &format!("?1; expires=\"{until}\""));
    }
    response
}

/// The span of a call under `/v1`, in the trace that its caller names. What probes and browsers ask for has none.
fn traced(headers: &HeaderMap, method: &str, route: Option<&MatchedPath>) -> Option<Span> {
    let route = route.map(MatchedPath::as_str).filter(|route| route.starts_with(TRACED))?;
    let header = |name| {
        let mut values = headers.get_all(name).iter();
        let first = values.next()?.to_str().ok();
        // Two of them name none.
        first.filter(|_| values.next().is_none())
    };
    Some(Span::answer(method, route, TraceContext::from_headers(header).as_ref()))
}

/// The method if it is one of HTTP's own, else `other`: whoever calls may make up any.
fn known(method: &Method) -> String {
    if method.is_safe() || method.is_idempotent() || *method == Method::POST || *method == Method::PATCH {
        method.as_str().to_owned()
    } else {
        "other".to_owned()
    }
}

/// The caller's own id if it is one that can be logged, else a new one.
fn request_id(headers: &HeaderMap) -> String {
    let plain = |text: &&str| {
        (1..=LONGEST_ID).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
    };
    let given = headers.get(REQUEST_ID).and_then(|value| value.to_str().ok()).filter(plain);
    given.map_or_else(|| Uuid::now_v7().to_string(), str::to_owned)
}

/// The address of the caller. `X-Forwarded-For` is believed only from trusted proxies, and only as far back as they vouch.
fn address(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> IpAddr {
    let trusts = |address: &IpAddr| trusted.iter().any(|net| net.contains(&address.to_canonical()));
    let mut address = peer.to_canonical();
    let forwarded: Vec<&str> = headers
        .get_all(FORWARDED)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .collect();
    for hop in forwarded.into_iter().rev() {
        if !trusts(&address) {
            break;
        }
        match hop.trim().parse::<IpAddr>() {
            Ok(before) => address = before.to_canonical(),
            Err(_) => break,
        }
    }
    address
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_forwarded_address_is_believed_only_from_a_trusted_proxy() {
        let mut headers = HeaderMap::new();
        headers.insert(FORWARDED, HeaderValue::from_static("6.6.6.6, 198.51.100.7, 10.0.0.2"));
        let (near, far): (IpAddr, IpAddr) = ("10.0.0.1".parse().unwrap(), "203.0.113.9".parse().unwrap());
        let trusted = ["10.0.0.0/8".parse().unwrap()];
        assert_eq!(address(near, &headers, &trusted).to_string(), "198.51.100.7");
        assert_eq!(address(far, &headers, &trusted), far);
        assert_eq!(address(near, &headers, &[]), near);
    }
}
