//! What goes to the app: events, which come again until they are acknowledged, and slash commands and clicks, which do not.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tokio::sync::oneshot;

use super::{Ack, FakeSlack};

/// How long Slack waits for an acknowledgement.
pub(super) const PATIENCE: Duration = Duration::from_secs(3);

/// What was sent and waits for its acknowledgement.
#[derive(Default)]
pub(super) struct Pending {
    waiting: HashMap<String, (String, bool, Instant, oneshot::Sender<Value>)>,
    done: HashMap<String, ()>,
    /// Events by their `ts` or id, to be delivered again.
    events: HashMap<String, Value>,
}

/// A slash command or a click, with what the client can use of it.
#[derive(Clone, Debug)]
pub struct Asked {
    pub trigger: String,
    pub response_url: String,
}

impl FakeSlack {
    /// Somebody mentions the bot in a channel. Returns the message's `ts`.
    pub fn mention(&self, user: &str, channel: &str, text: &str, thread: Option<&str>) -> String {
        let (bot, ts) = (self.world().bot.clone(), self.ts());
        let mut event = json!({
            "type": "app_mention", "user": user, "text": format!("<@{bot}> {text}"), "ts": ts, "channel": channel,
            "event_ts": ts, "team": self.world().team,
        });
        if let Some(thread) = thread {
            event["thread_ts"] = thread.into();
        }
        let (duplicates, twins) = {
            let faults = self.faults();
            (faults.duplicates, faults.twins)
        };
        self.event(event.clone());
        if rand::random_bool(twins) {
            let mut twin = event.clone();
            twin["type"] = "message".into();
            twin["channel_type"] = "channel".into();
            self.event(twin);
        }
        if rand::random_bool(duplicates) {
            self.event(event);
        }
        ts
    }

    /// Somebody writes to the bot directly. Returns the message's `ts`.
    pub fn direct(&self, user: &str, text: &str) -> String {
        let ts = self.ts();
        self.event(json!({
            "type": "message", "channel_type": "im", "user": user, "text": text, "ts": ts,
            "channel": super::world::direct(user), "event_ts": ts,
        }));
        ts
    }

    /// Delivers any inner event. Returns its event id.
    pub fn event(&self, event: Value) -> String {
        let team = self.world().team.clone();
        self.event_of(&team, event)
    }

    /// Delivers an inner event of another workspace.
    pub fn event_of(&self, team: &str, event: Value) -> String {
        let id = format!("Ev{}", self.number());
        let world = self.world().clone();
        let payload = json!({
            "token": "legacy", "team_id": team, "api_app_id": world.app, "type": "event_callback", "event_id": id,
            "event_time": jiff::Timestamp::now().as_second(), "event": event,
            "authorizations": [{
                "enterprise_id": null, "team_id": team, "user_id": world.bot, "is_bot": true,
                "is_enterprise_install": false,
            }],
        });
        {
            let mut pending = self.shared.pending.lock();
            pending.events.insert(id.clone(), payload.clone());
            if let Some(ts) = event["ts"].as_str() {
                pending.events.insert(ts.to_owned(), payload.clone());
            }
        }
        self.deliver("events_api", payload, 0, false);
        id
    }

    /// Delivers an event again, found by its `ts` or its id, with or without a mark that it is a retry.
    pub fn redeliver(&self, which: &str, marked: bool) {
        let payload = self.shared.pending.lock().events[which].clone();
        self.deliver("events_api", payload, usize::from(marked), false);
    }

    /// Somebody types a slash command.
    pub fn slash(&self, user: &str, channel: &str, command: &str, text: &str) -> Asked {
        let asked = Asked { trigger: self.trigger(), response_url: self.answer_address(channel, user) };
        let world = self.world().clone();
        let payload = json!({
            "token": "legacy", "team_id": world.team, "team_domain": "acme", "channel_id": channel,
            "channel_name": "some-channel", "user_id": user, "user_name": user.to_lowercase(), "command": command,
            "text": text, "api_app_id": world.app, "is_enterprise_install": "false",
            "response_url": asked.response_url, "trigger_id": asked.trigger,
        });
        self.deliver("slash_commands", payload, 0, true);
        asked
    }

    /// Somebody presses a button of a message.
    pub fn click(&self, user: &str, channel: &str, message_ts: &str, action: &str, value: &str) -> Asked {
        let asked = Asked { trigger: self.trigger(), response_url: self.answer_address(channel, user) };
        let world = self.world().clone();
        let payload = json!({
            "type": "block_actions", "user": { "id": user, "username": user.to_lowercase(), "team_id": world.team },
            "api_app_id": world.app, "team": { "id": world.team, "domain": "acme" }, "enterprise": null,
            "channel": { "id": channel, "name": "some-channel" }, "trigger_id": asked.trigger,
            "container": { "type": "message", "message_ts": message_ts, "channel_id": channel, "is_ephemeral": false },
            "message": { "ts": message_ts }, "response_url": asked.response_url,
            "actions": [{ "type": "button", "action_id": action, "block_id": "b", "value": value, "action_ts": self.ts() }],
        });
        self.deliver("interactive", payload, 0, false);
        asked
    }

    /// Delivers any interaction.
    pub fn interactive(&self, payload: Value, takes_payload: bool) {
        self.deliver("interactive", payload, 0, takes_payload);
    }

    /// A trigger for interactions made up by a test.
    #[must_use]
    pub fn new_trigger(&self) -> String {
        self.trigger()
    }

    /// Sends, and if nobody acknowledges it, again if it is an event.
    fn deliver(&self, kind: &str, payload: Value, attempt: usize, takes_payload: bool) {
        self.record().deliveries += 1;
        let (fake, kind) = (self.clone(), kind.to_owned());
        let by_http = self.shared.http.lock().clone();
        tokio::spawn(async move {
            let mut attempt = attempt;
            loop {
                let done = match &by_http {
                    Some(base) => fake.post_signed(base, &kind, &payload, attempt).await,
                    None => fake.send(&kind, &payload, attempt, takes_payload).await,
                };
                if done {
                    return;
                }
                if kind != "events_api" {
                    fake.record().user_errors.push(kind);
                    return;
                }
                let pause = fake.faults().retries.get(attempt).copied();
                let Some(pause) = pause else {
                    let id = payload["event_id"].as_str().unwrap_or_default().to_owned();
                    fake.record().given_up.push(id);
                    return;
                };
                tokio::time::sleep(pause).await;
                attempt += 1;
            }
        });
    }

    /// Sends an envelope on a socket, and waits for its acknowledgement.
    async fn send(&self, kind: &str, payload: &Value, attempt: usize, takes_payload: bool) -> bool {
        let envelope = format!("envelope-{}", self.number());
        let mut frame = json!({
            "envelope_id": envelope, "type": kind, "payload": payload, "accepts_response_payload": takes_payload,
        });
        if kind == "events_api" {
            frame["retry_attempt"] = attempt.into();
            frame["retry_reason"] = if attempt > 0 { "timeout" } else { "" }.into();
        }
        let (acknowledge, acknowledged) = oneshot::channel();
        let entry = (kind.to_owned(), takes_payload, Instant::now(), acknowledge);
        self.shared.pending.lock().waiting.insert(envelope.clone(), entry);
        let sent = self.shared.sockets.send(frame.to_string());
        let done = sent && tokio::time::timeout(PATIENCE, acknowledged).await.is_ok_and(|ack| ack.is_ok());
        let mut pending = self.shared.pending.lock();
        pending.waiting.remove(&envelope);
        pending.done.insert(envelope, ());
        done
    }

    pub(super) fn acknowledge(&self, envelope: &str, payload: Value) {
        let found = self.shared.pending.lock().waiting.remove(envelope);
        let Some((kind, takes_payload, at, acknowledge)) = found else {
            let late = self.shared.pending.lock().done.contains_key(envelope);
            let what = if late { "late or second" } else { "unknown" };
            return self.violation(format!("an acknowledgement of a {what} envelope, {envelope}"));
        };
        if !payload.is_null() && !takes_payload {
            self.violation(format!("a payload in an acknowledgement that takes none: {payload}"));
        }
        let ack =
            Ack { envelope: envelope.to_owned(), kind, latency: at.elapsed(), payload: payload.clone() };
        self.record().acks.push(ack);
        self.shared.pending.lock().done.insert(envelope.to_owned(), ());
        let _ = acknowledge.send(payload);
    }
}
