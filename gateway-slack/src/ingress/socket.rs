//! Socket Mode: raw frames on slack-morphism's connection manager, and a watchdog that replaces it when sockets are missing.
//! A frame is acknowledged only after the bus has accepted what is in it.

use std::{
    collections::HashSet,
    sync::{Arc, OnceLock, Weak},
    time::Duration,
};

use async_trait::async_trait;
use parking_lot::Mutex;
use serde_json::{Value, json};
use slack_morphism::{
    SlackApiToken, SlackClientSocketModeConfig, SlackSocketModeClientListener, SlackSocketModeWssClientId,
    clients_manager::{SlackSocketModeClientsManager, SlackSocketModeClientsManagerFactory},
    listener::SlackClientEventsListenerEnvironment,
};
use tokio::{sync::watch, time::Instant};
use tokio_util::sync::CancellationToken;
use tracing::{debug, error, info, warn};

use crate::{
    accept::{Accept, Answer},
    payload::Slash,
    web::Client,
};

/// Sockets of this replica. Slack allows ten per app over all replicas (Slack: "Using Socket Mode").
pub(crate) const SOCKETS: usize = 2;
/// Longest that one frame may take; Slack gives up after three seconds.
const LONGEST: Duration = Duration::from_millis(2_800);
/// After a notice of disconnection Slack closes the socket; if it does not, we do.
const NOTICE: Duration = Duration::from_secs(15);
/// How often sockets are counted.
const LOOK: Duration = Duration::from_millis(500);
/// Longest acknowledgement that Slack reads.
const LONGEST_ACK: usize = 20 * 1024;

type Manager = dyn SlackSocketModeClientsManager + Send + Sync;

/// How the sockets are kept up; tests make it quicker.
#[derive(Clone, Debug)]
pub struct SocketTiming {
    /// Interval of our own pings, whole seconds. A socket is dead after two without an answer.
    pub ping: Duration,
    /// For how long sockets may be missing before all are opened anew.
    pub missing: Duration,
}

impl Default for SocketTiming {
    fn default() -> Self {
        Self { ping: Duration::from_secs(10), missing: Duration::from_secs(30) }
    }
}

/// Keeps sockets open until `stop`. `live` follows how many there are.
pub(crate) async fn run(
    client: Arc<Client>,
    token: SlackApiToken,
    accept: Arc<Accept>,
    timing: SocketTiming,
    live: watch::Sender<usize>,
    stop: CancellationToken,
) {
    while !stop.is_cancelled() {
        let listener = Arc::new(Listener {
            manager: OnceLock::new(),
            accept: accept.clone(),
            open: Mutex::default(),
            live: live.clone(),
        });
        let config = SlackClientSocketModeConfig::new()
            .with_max_connections_count(u32::try_from(SOCKETS).unwrap_or(2))
            .with_initial_backoff_in_seconds(1)
            .with_reconnect_timeout_in_seconds(5)
            .with_ping_interval_in_seconds(timing.ping.as_secs().max(1))
            .with_ping_failure_threshold_times(2);
        let environment = Arc::new(SlackClientEventsListenerEnvironment::new(client.clone()));
        let manager = client.http_api.connector.new_clients_manager(environment);
        listener.manager.set(Arc::downgrade(&manager)).ok();
        if manager.register_new_token(&config, token.clone(), listener.clone()).await.is_err() {
            error!("the sockets cannot be set up");
        }
        // Opening can hang for ever: the library has no time-outs.
        let opening = tokio::spawn({
            let manager = manager.clone();
            async move { manager.start().await }
        });
        watch(&listener, &timing, &stop).await;
        opening.abort();
        if tokio::time::timeout(Duration::from_secs(2), manager.shutdown()).await.is_err() {
            warn!("the sockets did not close in time");
        }
        listener.open.lock().clear();
        live.send_replace(0);
    }
}

/// Returns when sockets have been missing for too long, or at `stop`.
async fn watch(listener: &Listener, timing: &SocketTiming, stop: &CancellationToken) {
    let mut complete = Instant::now();
    loop {
        if stop.run_until_cancelled(tokio::time::sleep(LOOK)).await.is_none() {
            return;
        }
        let open = listener.open.lock().len();
        if open >= SOCKETS {
            complete = Instant::now();
        } else if complete.elapsed() > timing.missing {
            return warn!(open, wanted = SOCKETS, "sockets to Slack are missing; opening all anew");
        }
    }
}

struct Listener {
    manager: OnceLock<Weak<Manager>>,
    accept: Arc<Accept>,
    open: Mutex<HashSet<SlackSocketModeWssClientId>>,
    live: watch::Sender<usize>,
}

impl Listener {
    /// A socket is live from its first frame.
    fn is_live(&self, id: &SlackSocketModeWssClientId) {
        let mut open = self.open.lock();
        if open.insert(id.clone()) {
            info!(sockets = open.len(), "a socket to Slack is open");
            self.live.send_replace(open.len());
        }
    }

    async fn restart(&self, id: &SlackSocketModeWssClientId) {
        {
            let mut open = self.open.lock();
            open.remove(id);
            self.live.send_replace(open.len());
        }
        if let Some(manager) = self.manager.get().and_then(Weak::upgrade) {
            manager.restart_client(id).await;
        }
    }

    fn disconnect(&self, id: &SlackSocketModeWssClientId, reason: &str) {
        if reason == "link_disabled" {
            error!(
                "Socket Mode was switched off for this app; switch it on, or use slack.ingress = \"http\""
            );
        } else {
            info!(reason, "Slack is about to close a socket");
        }
        // The old socket is served until Slack closes it; the timer is for the case that it does not.
        let (manager, id) = (self.manager.get().cloned(), id.clone());
        tokio::spawn(async move {
            tokio::time::sleep(NOTICE).await;
            if let Some(manager) = manager.and_then(|manager| manager.upgrade()) {
                manager.restart_client(&id).await;
            }
        });
    }
}

#[async_trait]
impl SlackSocketModeClientListener for Listener {
    async fn on_message(&self, id: &SlackSocketModeWssClientId, body: String) -> Option<String> {
        self.is_live(id);
        let Ok(mut frame) = serde_json::from_str::<Value>(&body) else {
            warn!(bytes = body.len(), "a frame that is no JSON");
            return None;
        };
        let kind = frame.get("type").and_then(Value::as_str).unwrap_or_default().to_owned();
        if kind == "disconnect" {
            let reason = frame.get("reason").and_then(Value::as_str).unwrap_or_default();
            self.disconnect(id, reason);
            return None;
        }
        let envelope = frame.get("envelope_id")?.as_str()?.to_owned();
        let payload = frame.get_mut("payload").map(Value::take).unwrap_or_default();
        let takes_payload = frame.get("accepts_response_payload").and_then(Value::as_bool).unwrap_or(false);
        let accept = self.accept.clone();
        // In a task of its own, so that a fault in it does not make the socket deaf.
        let working = tokio::spawn(async move { answer(&accept, &kind, payload).await });
        let answered = match tokio::time::timeout(LONGEST, working).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(fault)) => {
                error!(%fault, "a frame could not be handled");
                Answer::Leave
            }
            Err(_) => {
                error!("a frame took too long");
                Answer::Leave
            }
        };
        acknowledgement(&envelope, answered, takes_payload)
    }

    async fn on_error(&self, _: Box<dyn std::error::Error + Send + Sync>) {
        // Its text holds whole bodies.
        debug!("the client of Socket Mode reports an error");
    }

    async fn on_disconnect(&self, id: &SlackSocketModeWssClientId) {
        info!("a socket to Slack was closed");
        self.restart(id).await;
    }
}

async fn answer(accept: &Accept, kind: &str, payload: Value) -> Answer {
    match kind {
        "events_api" => accept.event(payload).await,
        "slash_commands" => accept.slash(serde_json::from_value::<Slash>(payload).unwrap_or_default()).await,
        "interactive" => accept.interaction(payload).await,
        other => {
            debug!(kind = other, "an envelope of a kind that is not used");
            Answer::Acknowledge
        }
    }
}

/// The acknowledgement of an envelope; none, so that Slack delivers it again.
fn acknowledgement(envelope: &str, answer: Answer, takes_payload: bool) -> Option<String> {
    let payload = match answer {
        Answer::Leave => return None,
        Answer::Acknowledge | Answer::Challenge(_) => None,
        Answer::Say(text) => Some(json!({ "response_type": "ephemeral", "text": text })),
        Answer::Clear => Some(json!({ "response_action": "clear" })),
        Answer::Errors { block, text } => {
            Some(json!({ "response_action": "errors", "errors": { block: text } }))
        }
        Answer::Options(options) => Some(json!({ "options": options })),
    };
    let bare = json!({ "envelope_id": envelope }).to_string();
    let Some(payload) = payload.filter(|_| takes_payload) else { return Some(bare) };
    let whole = json!({ "envelope_id": envelope, "payload": payload }).to_string();
    // Slack would not read a longer one at all.
    Some(if whole.len() < LONGEST_ACK { whole } else { bare })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn acknowledgements_are_small_and_carry_a_payload_only_where_one_is_taken() {
        let ack = |answer, takes| acknowledgement("e1", answer, takes);
        assert_eq!(ack(Answer::Leave, true), None);
        assert_eq!(ack(Answer::Acknowledge, true).unwrap(), r#"{"envelope_id":"e1"}"#);
        assert_eq!(ack(Answer::Say("no".to_owned()), false).unwrap(), r#"{"envelope_id":"e1"}"#);
        assert!(ack(Answer::Say("no".to_owned()), true).unwrap().contains("ephemeral"));
        assert_eq!(
            ack(Answer::Clear, true).unwrap(),
            r#"{"envelope_id":"e1","payload":{"response_action":"clear"}}"#
        );
        let many = vec![json!({ "value": "x".repeat(150) }); 200];
        assert_eq!(ack(Answer::Options(many), true).unwrap(), r#"{"envelope_id":"e1"}"#);
    }
}
