//! The Web API's front: token, scope, method, rate limit, faults; then the method itself.

use std::time::Instant;

use axum::{
    Json,
    body::Bytes,
    extract::{Path, RawQuery, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};

use super::{Call, FakeSlack, Fault, chat, people, socket, views};

/// An error of Slack's, by its code.
pub(super) type Answer = Result<Value, String>;

/// Methods, and the scope that each needs; `xapp` stands for the app-level token.
const METHODS: &[(&str, &str)] = &[
    ("auth.test", ""),
    ("apps.connections.open", "xapp"),
    ("usergroups.list", "usergroups:read"),
    ("users.info", "users:read"),
    ("conversations.open", "im:write"),
    ("conversations.history", "channels:history"),
    ("conversations.replies", "channels:history"),
    ("chat.postMessage", "chat:write"),
    ("chat.update", "chat:write"),
    ("chat.postEphemeral", "chat:write"),
    ("views.open", ""),
    ("views.publish", ""),
    ("files.getUploadURLExternal", "files:write"),
    ("files.completeUploadExternal", "files:write"),
];

pub(super) async fn call(
    State(fake): State<FakeSlack>,
    Path(method): Path<String>,
    verb: Method,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let at = Instant::now();
    let parameters = read(&headers, query.as_deref(), &body);
    let latency = fake.faults().latency;
    if !latency.is_zero() {
        tokio::time::sleep(latency).await;
    }
    let fault = {
        let mut faults = fake.faults();
        let limited = method.starts_with("chat.") && rand::random_bool(faults.random_429);
        faults.take(&method).or(limited.then_some(Fault::Limited(1)))
    };
    let checked = check(&fake, &method, &verb, &headers);
    let keeps_limits = fake.faults().limits;
    let limited = match (&checked, keeps_limits) {
        (Ok(()), true) => {
            let channel = parameters.get("channel").and_then(Value::as_str);
            let early = fake.shared.rates.lock().check(&method, channel);
            early.unwrap_or_else(|early| {
                fake.violation(early);
                Some(1)
            })
        }
        _ => None,
    };
    let (team, name) = fake.world().install(token(&headers)).unwrap_or_default();
    let note = |answer: &str| {
        let call = Call {
            method: method.clone(),
            team: team.clone(),
            body: parameters.clone(),
            at,
            answer: answer.to_owned(),
        };
        fake.record().calls.push(call);
    };
    let seconds = match (limited, &fault) {
        (Some(seconds), _) => Some(seconds),
        (None, Some(Fault::Limited(seconds))) => Some(*seconds),
        _ => None,
    };
    if let Some(seconds) = seconds {
        note("ratelimited");
        fake.shared.rates.lock().hold(&method, seconds);
        let mut answer =
            (StatusCode::TOO_MANY_REQUESTS, Json(json!({ "ok": false, "error": "ratelimited" })))
                .into_response();
        answer.headers_mut().insert("retry-after", HeaderValue::from(seconds));
        return answer;
    }
    match &fault {
        Some(Fault::Status(status)) => {
            note("status");
            return StatusCode::from_u16(*status).unwrap().into_response();
        }
        Some(Fault::NotJson) => {
            note("not json");
            return "<html>upstream</html>".into_response();
        }
        Some(Fault::Hang) => {
            note("hang");
            return std::future::pending().await;
        }
        _ => {}
    }
    let answer = match (checked, &fault) {
        (Err(refused), _) => Err(refused),
        (Ok(()), Some(Fault::Error(code))) => Err((*code).to_owned()),
        (Ok(()), _) => dispatch(&fake, &method, &parameters, (&team, &name)),
    };
    note(answer.as_ref().map_or_else(|code| code.as_str(), |_| "ok"));
    if matches!(fault, Some(Fault::DoneThen500)) {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    }
    let scopes = fake.world().scopes.iter().cloned().collect::<Vec<_>>().join(",");
    let mut answer = Json(answer.map_or_else(|code| refusal(&fake, &method, &code), with_ok)).into_response();
    answer.headers_mut().insert("x-oauth-scopes", HeaderValue::try_from(scopes).unwrap());
    answer.headers_mut().insert("date", HeaderValue::try_from(date(fake.faults().clock)).unwrap());
    answer
}

/// The time by Slack's clock, as HTTP writes it.
fn date(ahead: i64) -> String {
    let at = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(ahead);
    jiff::fmt::rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&at).unwrap()
}

fn with_ok(mut answer: Value) -> Value {
    answer["ok"] = true.into();
    answer
}

fn refusal(fake: &FakeSlack, method: &str, code: &str) -> Value {
    let mut answer = json!({ "ok": false, "error": code });
    if code == "missing_scope" {
        let needed = METHODS.iter().find(|(name, _)| *name == method).map(|(_, scope)| *scope);
        answer["needed"] = needed.unwrap_or_default().into();
        answer["provided"] = fake.world().scopes.iter().cloned().collect::<Vec<_>>().join(",").into();
    }
    answer
}

fn check(fake: &FakeSlack, method: &str, verb: &Method, headers: &HeaderMap) -> Result<(), String> {
    let Some((_, scope)) = METHODS.iter().find(|(name, _)| *name == method) else {
        return Err("unknown_method".to_owned());
    };
    let token = token(headers);
    if token.is_empty() {
        return Err("not_authed".to_owned());
    }
    let world = fake.world();
    let (bot, app) = (world.install(token).is_some(), token == world.app_token);
    if !bot && !app {
        return Err("invalid_auth".to_owned());
    }
    if (*scope == "xapp") != app {
        return Err("not_allowed_token_type".to_owned());
    }
    if *scope == "xapp" && verb != Method::POST {
        return Err("insecure_request".to_owned());
    }
    if !scope.is_empty() && *scope != "xapp" && !world.scopes.contains(*scope) {
        return Err("missing_scope".to_owned());
    }
    Ok(())
}

fn token(headers: &HeaderMap) -> &str {
    let header = headers.get("authorization").and_then(|value| value.to_str().ok()).unwrap_or_default();
    header.strip_prefix("Bearer ").unwrap_or_default()
}

/// Parameters come as a query, a form or JSON.
fn read(headers: &HeaderMap, query: Option<&str>, body: &[u8]) -> Value {
    let kind = headers.get("content-type").and_then(|value| value.to_str().ok()).unwrap_or_default();
    if kind.starts_with("application/json") {
        return serde_json::from_slice(body).unwrap_or_default();
    }
    let form = if kind.starts_with("application/x-www-form-urlencoded") { body } else { b"" };
    let text = query.map(str::as_bytes).unwrap_or(form);
    let fields: Vec<(String, String)> = serde_urlencoded::from_bytes(text).unwrap_or_default();
    fields
        .into_iter()
        .map(|(name, value)| (name, Value::from(value)))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

fn dispatch(fake: &FakeSlack, method: &str, parameters: &Value, (team, name): (&str, &str)) -> Answer {
    match method {
        "auth.test" => {
            let world = fake.world();
            Ok(json!({
                "url": "https://acme.slack.com/", "team": name, "user": "adjutant", "team_id": team,
                "user_id": world.bot, "bot_id": "B0BOT", "is_enterprise_install": false,
            }))
        }
        "apps.connections.open" => Ok(socket::ticket(fake)),
        "usergroups.list" => people::groups(fake, parameters, team),
        "users.info" => people::info(fake, parameters, team),
        "conversations.open" => people::open(fake, parameters),
        "conversations.history" => chat::history(fake, parameters, None),
        "conversations.replies" => {
            let thread = parameters["ts"].as_str().ok_or("invalid_arguments")?.to_owned();
            chat::history(fake, parameters, Some(&thread))
        }
        "chat.postMessage" => chat::post(fake, parameters),
        "chat.update" => chat::update(fake, parameters),
        "chat.postEphemeral" => chat::ephemeral(fake, parameters),
        "views.open" => views::view(fake, parameters),
        "views.publish" => views::publish(fake, parameters),
        "files.getUploadURLExternal" => views::upload_url(fake, parameters),
        "files.completeUploadExternal" => views::complete(fake, parameters),
        _ => Err("unknown_method".to_owned()),
    }
}
