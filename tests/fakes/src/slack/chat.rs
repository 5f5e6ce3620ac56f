//! Methods that post, edit and list messages.

use std::time::Instant;

use serde_json::{Value, json};

use super::{FakeSlack, Posted, Via, api::Answer, blocks};

/// Longest text of an edit or an ephemeral message.
const LONGEST_TEXT: usize = 4_000;

fn text(parameters: &Value, name: &str) -> Option<String> {
    parameters[name].as_str().map(str::to_owned)
}

/// What every body with text must keep to.
fn check(fake: &FakeSlack, parameters: &Value) -> Result<(), String> {
    let said = parameters["text"].as_str().unwrap_or_default();
    let no_blocks = parameters["blocks"].as_array().is_none_or(Vec::is_empty);
    if said.is_empty() && no_blocks {
        return Err("no_text".to_owned());
    }
    if said.chars().count() > LONGEST_TEXT {
        return Err("msg_too_long".to_owned());
    }
    if parameters["parse"] != "none" || parameters["link_names"] != false {
        fake.violation(format!("a body that does not switch parsing off: {parameters}"));
    }
    blocks::check(&parameters["blocks"], 50)
}

fn place(fake: &FakeSlack, parameters: &Value) -> Result<String, String> {
    let channel = text(parameters, "channel").ok_or("channel_not_found")?;
    let world = fake.world();
    if !world.channels.contains_key(&channel) {
        return Err("channel_not_found".to_owned());
    }
    if world.archived.contains(&channel) {
        return Err("is_archived".to_owned());
    }
    if !world.is_member(&channel, &world.bot) {
        return Err(if channel.starts_with('D') { "channel_not_found" } else { "not_in_channel" }.to_owned());
    }
    Ok(channel)
}

pub(super) fn post(fake: &FakeSlack, parameters: &Value) -> Answer {
    let channel = place(fake, parameters)?;
    check(fake, parameters)?;
    if parameters["unfurl_links"] != false || parameters["unfurl_media"] != false {
        fake.violation("a message that does not switch unfurling off");
    }
    flat(fake, &parameters["metadata"]);
    let ts = fake.ts();
    fake.record().posted.push(posted(fake, parameters, &channel, &ts, Via::Post, None));
    Ok(json!({ "channel": channel, "ts": ts, "message": { "text": parameters["text"], "ts": ts } }))
}

/// `event_payload` is a flat map of strings.
fn flat(fake: &FakeSlack, metadata: &Value) {
    let payload = metadata["event_payload"].as_object();
    if payload.is_some_and(|payload| payload.values().any(|value| !value.is_string())) {
        fake.violation("metadata that is no flat map of strings");
    }
}

pub(super) fn posted(
    _fake: &FakeSlack,
    parameters: &Value,
    channel: &str,
    ts: &str,
    via: Via,
    only_for: Option<String>,
) -> Posted {
    Posted {
        ts: ts.to_owned(),
        channel: channel.to_owned(),
        thread: text(parameters, "thread_ts"),
        text: text(parameters, "text").unwrap_or_default(),
        blocks: parameters["blocks"].clone(),
        metadata: parameters["metadata"].clone(),
        only_for,
        via,
        edits: 0,
        at: Instant::now(),
    }
}

pub(super) fn update(fake: &FakeSlack, parameters: &Value) -> Answer {
    let channel = place(fake, parameters)?;
    check(fake, parameters)?;
    flat(fake, &parameters["metadata"]);
    let ts = text(parameters, "ts").unwrap_or_default();
    let mut record = fake.record();
    let found =
        record.posted.iter_mut().find(|one| one.channel == channel && one.ts == ts && one.via == Via::Post);
    let message = found.ok_or("message_not_found")?;
    message.text = text(parameters, "text").unwrap_or_default();
    message.blocks = parameters["blocks"].clone();
    if !parameters["metadata"].is_null() {
        message.metadata = parameters["metadata"].clone();
    }
    message.edits += 1;
    Ok(json!({ "channel": channel, "ts": ts, "text": message.text }))
}

pub(super) fn ephemeral(fake: &FakeSlack, parameters: &Value) -> Answer {
    let channel = place(fake, parameters)?;
    check(fake, parameters)?;
    let user = text(parameters, "user").unwrap_or_default();
    if !fake.world().is_member(&channel, &user) {
        return Err("user_not_in_channel".to_owned());
    }
    let ts = fake.ts();
    fake.record().posted.push(posted(fake, parameters, &channel, &ts, Via::Ephemeral, Some(user)));
    Ok(json!({ "message_ts": ts }))
}

/// Messages newest first, or a thread's oldest first, as Slack has it.
pub(super) fn history(fake: &FakeSlack, parameters: &Value, thread: Option<&str>) -> Answer {
    let channel = place(fake, parameters)?;
    let oldest: f64 = parameters["oldest"].as_str().and_then(|text| text.parse().ok()).unwrap_or(0.0);
    let limit: usize = parameters["limit"].as_str().and_then(|text| text.parse().ok()).unwrap_or(100);
    let from: usize = parameters["cursor"].as_str().and_then(|text| text.parse().ok()).unwrap_or(0);
    let metadata = parameters["include_all_metadata"] == "true";
    let record = fake.record();
    let mut found: Vec<&Posted> = record
        .posted
        .iter()
        .filter(|one| one.channel == channel && one.via == Via::Post)
        .filter(|one| match thread {
            Some(thread) => one.thread.as_deref() == Some(thread) || one.ts == thread,
            None => one.thread.is_none(),
        })
        .filter(|one| one.ts.parse::<f64>().unwrap() > oldest)
        .collect();
    if thread.is_none() {
        found.reverse();
    }
    let shown: Vec<Value> = found
        .iter()
        .skip(from)
        .take(limit)
        .map(|one| {
            let mut shown =
                json!({ "type": "message", "ts": one.ts, "text": one.text, "thread_ts": one.thread });
            if metadata {
                shown["metadata"] = one.metadata.clone();
            }
            shown
        })
        .collect();
    let more = from + limit < found.len();
    let cursor = if more { (from + limit).to_string() } else { String::new() };
    Ok(json!({ "messages": shown, "has_more": more, "response_metadata": { "next_cursor": cursor } }))
}
