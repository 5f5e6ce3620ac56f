//! The REST API's front: path, token, user agent, faults, rate limits, body; then the route itself.

use std::{collections::BTreeMap, time::Instant};

use axum::{
    body::Bytes,
    extract::State,
    http::{HeaderMap, Method, Uri},
    response::{IntoResponse, Response},
};
use serde_json::Value;

use super::{
    Call, FakeDiscord, RestFault, callbacks, commands, lookups, messages,
    multipart::{self, Part},
    reply::{Answer, Arrived, Refused},
    routes::{self, Auth, Route},
    schema, threads, webhooks,
};

/// A request that has a route.
pub(super) struct Request {
    pub(super) parameters: Vec<String>,
    pub(super) query: Vec<(String, String)>,
    pub(super) body: Value,
    pub(super) files: Vec<Part>,
}

const NOTED: &[&str] = &["authorization", "user-agent", "content-type", "x-audit-log-reason"];

pub(super) async fn call(
    State(fake): State<FakeDiscord>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let path = uri.path().strip_prefix("/api/v10").unwrap_or_default().to_owned();
    let found = routes::find(method.as_str(), &path);
    let noted = NOTED.iter().map(|name| ((*name).to_owned(), header(name).to_owned()));
    let read = read_body(header("content-type"), &body);
    let call = Call {
        method: method.to_string(),
        path: path.clone(),
        route: found.as_ref().map(|(route, _)| route.name()).unwrap_or_default(),
        body: read.as_ref().map(|(body, _)| body.clone()).unwrap_or_default(),
        headers: noted.filter(|(_, value)| !value.is_empty()).collect::<BTreeMap<_, _>>(),
        at: Instant::now(),
        status: 0,
        code: 0,
        scope: String::new(),
        took: std::time::Duration::ZERO,
    };
    let arrived = Arrived { fake: fake.clone(), call };
    let latency = fake.faults().latency;
    if !latency.is_zero() {
        tokio::time::sleep(latency).await;
    }
    let Some((route, parameters)) = found else {
        fake.violation(format!("a request for {method} {}, which this fake does not have", uri.path()));
        return arrived.answer(404, &Refused::new(404, 0, "404: Not Found").body(), None);
    };
    if !header("user-agent").starts_with("DiscordBot (") {
        fake.violation(format!("a request without the user agent that Discord demands: {}", route.name()));
        return arrived.answer(403, &Refused::new(403, 40_333, "internal network error").body(), None);
    }
    if route.auth == Auth::Bot && header("authorization") != format!("Bot {}", fake.world().bot_token) {
        fake.violation(format!("a request without the bot's token: {}", route.name()));
        return arrived.answer(401, &Refused::new(401, 0, "401: Unauthorized").body(), None);
    }
    let rates = fake.faults().rates.clone();
    let standing = fake.shared.throttle.lock().check(&rates, route, &parameters);
    if let Some(left) = standing.early {
        fake.violation(format!("{} came {left:?} before it may", route.name()));
    }
    if let Some((scope, seconds)) = standing.over {
        return arrived.limited(scope, seconds, Some(&standing));
    }
    // Not before: what a limit refuses does not use up a fault.
    let fault = fake.faults().take(&route.name());
    if let Some(fault) = &fault {
        fake.fault(format!("{}: {fault:?}", route.name()));
    }
    let done_then = match &fault {
        None => None,
        Some(RestFault::Limited { scope, retry_after }) => {
            fake.shared.throttle.lock().hold(*scope, route, &parameters, *retry_after);
            return arrived.limited(*scope, *retry_after, Some(&standing));
        }
        Some(RestFault::Error { status, code, message }) => {
            let body = Refused::new(*status, *code, message).body();
            return arrived.answer(*status, &body, Some(&standing));
        }
        Some(RestFault::Status(status)) => return arrived.answer(*status, &Value::Null, Some(&standing)),
        Some(RestFault::NotJson) => {
            arrived.note();
            return "<html>upstream</html>".into_response();
        }
        Some(RestFault::Slow(time)) => {
            tokio::time::sleep(*time).await;
            None
        }
        Some(RestFault::Hang) => {
            arrived.note();
            return std::future::pending().await;
        }
        Some(RestFault::Drop) => {
            arrived.note();
            hang_up();
        }
        Some(done) => Some(done),
    };
    let query = serde_urlencoded::from_str(uri.query().unwrap_or_default()).unwrap_or_default();
    let answer = match read {
        Ok((body, files)) => {
            let request = Request { parameters, query, body, files };
            match schema::check(route, &request.body) {
                Ok(()) => dispatch(&fake, route, &request),
                Err(refused) => Err(refused),
            }
        }
        Err(why) => {
            fake.violation(format!("{}: {why}", route.name()));
            Err(Refused::new(400, 50_109, "The request body contains invalid JSON."))
        }
    };
    if let Err(refused) = &answer
        && refused.code == 50_035
    {
        fake.violation(format!("{} with a body that Discord refuses: {}", route.name(), refused.errors));
    }
    let (status, mut body) = answer.unwrap_or_else(|refused| (refused.status, refused.body()));
    match done_then {
        None => {}
        Some(RestFault::DoneThenHang) => {
            arrived.note();
            return std::future::pending().await;
        }
        Some(RestFault::DoneThenDrop) => {
            arrived.note();
            hang_up();
        }
        Some(RestFault::DoneThen500) => return arrived.answer(500, &Value::Null, Some(&standing)),
        Some(_) => make_odd(&mut body),
    }
    arrived.answer(status, &body, Some(&standing))
}

/// Ends the connection's task, without a message, and so the connection.
fn hang_up() -> ! {
    std::panic::resume_unwind(Box::new("hung up"))
}

fn read_body(kind: &str, body: &[u8]) -> Result<(Value, Vec<Part>), String> {
    if body.is_empty() {
        return Ok((Value::Null, Vec::new()));
    }
    if kind.starts_with("multipart/form-data") {
        return multipart::read(kind, body);
    }
    if kind.starts_with("application/json") {
        let json =
            serde_json::from_slice(body).map_err(|error| format!("a body that is no JSON: {error}"))?;
        return Ok((json, Vec::new()));
    }
    Err(format!("a body of the type {kind:?}"))
}

/// Ids become numbers, and `false` becomes null.
fn make_odd(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                let number = value.as_str().and_then(|text| text.parse::<u64>().ok());
                match number {
                    Some(number) if name == "id" || name.ends_with("_id") => *value = number.into(),
                    _ => make_odd(value),
                }
            }
        }
        Value::Array(all) => all.iter_mut().for_each(make_odd),
        Value::Bool(false) => *value = Value::Null,
        _ => {}
    }
}

fn dispatch(fake: &FakeDiscord, route: &Route, request: &Request) -> Answer {
    match (route.method, route.template) {
        ("GET", "/gateway" | "/gateway/bot") => lookups::gateway(fake, route.template == "/gateway/bot"),
        ("GET", "/users/@me") => lookups::me(fake),
        ("GET", "/users/@me/guilds") => lookups::guilds(fake),
        ("POST", "/users/@me/channels") => lookups::direct(fake, request),
        ("GET", "/applications/@me") => lookups::application(fake),
        ("GET", "/guilds/{guild_id}") => lookups::guild(fake, request),
        ("GET", "/guilds/{guild_id}/members") => lookups::members(fake, request),
        ("GET", "/guilds/{guild_id}/members/{user_id}") => lookups::member(fake, request),
        ("GET", "/channels/{channel_id}") => lookups::channel(fake, request),
        ("GET", "/channels/{channel_id}/messages") => messages::list(fake, request),
        ("POST", "/channels/{channel_id}/messages") => messages::post(fake, request),
        ("GET", "/channels/{channel_id}/messages/{message_id}") => messages::get(fake, request),
        ("PATCH", "/channels/{channel_id}/messages/{message_id}") => messages::edit(fake, request),
        ("DELETE", "/channels/{channel_id}/messages/{message_id}") => messages::delete(fake, request),
        (method, template) if template.ends_with("/reactions/{emoji_name}/@me") => {
            threads::react(fake, request, method == "PUT")
        }
        (
            "POST",
            "/channels/{channel_id}/messages/{message_id}/threads" | "/channels/{channel_id}/threads",
        ) => threads::open(fake, request),
        ("POST", "/channels/{channel_id}/typing") => threads::typing(fake, request),
        ("GET", template) if template.ends_with("/commands") => commands::list(fake, request),
        ("PUT", template) if template.ends_with("/commands") => commands::overwrite(fake, request),
        ("POST", template) if template.ends_with("/callback") => callbacks::respond(fake, request),
        ("POST", "/webhooks/{webhook_id}/{webhook_token}") => webhooks::follow_up(fake, request),
        ("GET", _) => webhooks::get(fake, request),
        ("PATCH", _) => webhooks::edit(fake, request),
        ("DELETE", _) => webhooks::delete(fake, request),
        (method, template) => panic!("{method} {template} is in the table and not here"),
    }
}
