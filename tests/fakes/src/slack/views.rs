//! Views, answer addresses and files.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use axum::{
    Json,
    body::Bytes,
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};

use super::{FakeSlack, Via, api::Answer, blocks, chat};

/// Uses of an answer address, and for how long it is good.
const USES: usize = 5;
const GOOD_FOR: Duration = Duration::from_secs(30 * 60);
/// For how long a trigger is good.
const TRIGGER: Duration = Duration::from_secs(3);

#[derive(Default)]
pub(super) struct Addresses {
    /// Channel, user, since when, uses.
    answers: HashMap<String, (String, String, Instant, usize)>,
    triggers: HashMap<String, (Instant, bool)>,
    files: HashMap<String, (String, Option<Vec<u8>>)>,
}

impl FakeSlack {
    /// An address for answers to this user in this channel.
    pub(super) fn answer_address(&self, channel: &str, user: &str) -> String {
        let id = format!("R{}", self.number());
        let entry = (channel.to_owned(), user.to_owned(), Instant::now(), 0);
        self.shared.addresses.lock().answers.insert(id.clone(), entry);
        format!("http://{}/respond/{id}", self.shared.address)
    }

    pub(super) fn trigger(&self) -> String {
        let id = format!("{}.{}.trigger", self.number(), self.number());
        self.shared.addresses.lock().triggers.insert(id.clone(), (Instant::now(), false));
        id
    }
}

pub(super) async fn respond(
    State(fake): State<FakeSlack>,
    Path(id): Path<String>,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> Response {
    if headers.contains_key("authorization") {
        fake.violation("a token was sent to an answer address");
    }
    let latency = fake.faults().latency;
    tokio::time::sleep(latency).await;
    let found = {
        let mut addresses = fake.shared.addresses.lock();
        addresses.answers.get_mut(&id).map(|entry| {
            entry.3 += 1;
            entry.clone()
        })
    };
    let Some((channel, user, since, uses)) = found else { return StatusCode::NOT_FOUND.into_response() };
    if since.elapsed() > GOOD_FOR || uses > USES {
        return (StatusCode::NOT_FOUND, "used_url").into_response();
    }
    if let Err(code) = blocks::check(&body["blocks"], 50) {
        return (StatusCode::BAD_REQUEST, code).into_response();
    }
    let only_for = (body["response_type"] != "in_channel").then_some(user);
    let ts = fake.ts();
    let posted = chat::posted(&fake, &body, &channel, &ts, Via::ResponseUrl, only_for);
    fake.record().posted.push(posted);
    ([("content-type", "text/html")], "ok").into_response()
}

pub(super) fn view(fake: &FakeSlack, parameters: &Value) -> Answer {
    let trigger = parameters["trigger_id"].as_str().unwrap_or_default();
    {
        let mut addresses = fake.shared.addresses.lock();
        let entry = addresses.triggers.get_mut(trigger).ok_or("invalid_trigger_id")?;
        if entry.0.elapsed() > TRIGGER {
            return Err("expired_trigger_id".to_owned());
        }
        if std::mem::replace(&mut entry.1, true) {
            return Err("exchanged_trigger_id".to_owned());
        }
    }
    let view = &parameters["view"];
    check(view, 24)?;
    let mut view = view.clone();
    view["id"] = format!("V{}", fake.number()).into();
    fake.record().views.push(view.clone());
    Ok(json!({ "view": view }))
}

fn check(view: &Value, title: usize) -> Result<(), String> {
    let long = |pointer: &str, most: usize| {
        view.pointer(pointer).and_then(Value::as_str).is_some_and(|text| text.chars().count() > most)
    };
    if long("/title/text", title) || long("/private_metadata", 3_000) || long("/callback_id", 255) {
        return Err("invalid_arguments".to_owned());
    }
    blocks::check(&view["blocks"], 100)
}

pub(super) fn publish(fake: &FakeSlack, parameters: &Value) -> Answer {
    let user = parameters["user_id"].as_str().unwrap_or_default();
    if fake.world().user(user).is_none() || parameters["view"]["type"] != "home" {
        return Err("invalid_arguments".to_owned());
    }
    check(&parameters["view"], 24)?;
    fake.record().homes.push((user.to_owned(), parameters["view"].clone()));
    Ok(json!({ "view": parameters["view"] }))
}

pub(super) fn upload_url(fake: &FakeSlack, parameters: &Value) -> Answer {
    let name = parameters["filename"].as_str().ok_or("invalid_arguments")?;
    let length: usize =
        parameters["length"].as_str().and_then(|text| text.parse().ok()).ok_or("invalid_arguments")?;
    if length == 0 {
        return Err("invalid_arguments".to_owned());
    }
    let id = format!("F{}", fake.number());
    fake.shared.addresses.lock().files.insert(id.clone(), (name.to_owned(), None));
    Ok(json!({ "upload_url": format!("http://{}/upload/{id}", fake.shared.address), "file_id": id }))
}

pub(super) async fn upload(
    State(fake): State<FakeSlack>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    if headers.contains_key("authorization") {
        fake.violation("a token was sent to an upload address");
    }
    match fake.shared.addresses.lock().files.get_mut(&id) {
        Some(entry) => {
            entry.1 = Some(body.to_vec());
            format!("OK - {}", body.len()).into_response()
        }
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

pub(super) fn complete(fake: &FakeSlack, parameters: &Value) -> Answer {
    let id = parameters["files"][0]["id"].as_str().unwrap_or_default();
    let channel = parameters["channel_id"].as_str().unwrap_or_default();
    let file = fake.shared.addresses.lock().files.remove(id).ok_or("file_not_found")?;
    let content = String::from_utf8(file.1.ok_or("file_not_found")?).unwrap();
    fake.record().files.push((file.0, content, channel.to_owned()));
    Ok(json!({ "files": [{ "id": id }] }))
}
