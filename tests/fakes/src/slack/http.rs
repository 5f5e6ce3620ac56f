//! The other way: requests that Slack signs.

use std::time::Instant;

use hmac::{Hmac, KeyInit, Mac};
use serde_json::Value;
use sha2::Sha256;

use super::{Ack, FakeSlack, deliver::PATIENCE};

/// Slack's signature of a body.
#[must_use]
pub(super) fn sign(secret: &str, timestamp: i64, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(format!("v0:{timestamp}:").as_bytes());
    mac.update(body);
    let tag = mac.finalize().into_bytes();
    tag.iter().fold("v0=".to_owned(), |text, byte| format!("{text}{byte:02x}"))
}

impl FakeSlack {
    /// From now on everything goes to this base address instead of sockets.
    pub fn deliver_by_http(&self, base: &str) {
        *self.shared.http.lock() = Some(base.to_owned());
    }

    /// Posts a body with a signature made `late` seconds ago with this secret (none: the right one). Returns status and body.
    ///
    /// # Panics
    /// When nobody listens there.
    pub async fn post_raw(
        &self,
        url: &str,
        kind: &str,
        body: Vec<u8>,
        secret: Option<&str>,
        late: i64,
        retry: usize,
    ) -> (u16, String) {
        let secret = secret.map_or_else(|| self.world().signing_secret.clone(), str::to_owned);
        let timestamp = jiff::Timestamp::now().as_second() - late;
        let signature = sign(&secret, timestamp, &body);
        let mut request = reqwest::Client::new()
            .post(url)
            .header("content-type", kind)
            .header("x-slack-request-timestamp", timestamp.to_string())
            .header("x-slack-signature", signature)
            .body(body);
        if retry > 0 {
            request = request
                .header("x-slack-retry-num", retry.to_string())
                .header("x-slack-retry-reason", "http_timeout");
        }
        match request.send().await {
            Ok(answer) => (answer.status().as_u16(), answer.text().await.unwrap_or_default()),
            Err(_) => (0, String::new()),
        }
    }

    pub(super) async fn post_signed(&self, base: &str, kind: &str, payload: &Value, attempt: usize) -> bool {
        let json = "application/json";
        let form = "application/x-www-form-urlencoded";
        let (path, content, body) = match kind {
            "events_api" => ("events", json, payload.to_string()),
            "slash_commands" => {
                let fields: Vec<(&String, &str)> = payload
                    .as_object()
                    .unwrap()
                    .iter()
                    .map(|(name, value)| (name, value.as_str().unwrap_or_default()))
                    .collect();
                ("commands", form, serde_urlencoded::to_string(fields).unwrap())
            }
            _ => {
                let fields = [("payload", payload.to_string())];
                ("interactivity", form, serde_urlencoded::to_string(fields).unwrap())
            }
        };
        let at = Instant::now();
        let url = format!("{base}/slack/{path}");
        let sent = self.post_raw(&url, content, body.into_bytes(), None, 0, attempt);
        let Ok((status, said)) = tokio::time::timeout(PATIENCE, sent).await else { return false };
        if status == 200 {
            let payload = serde_json::from_str(&said).unwrap_or_default();
            let ack = Ack { envelope: String::new(), kind: kind.to_owned(), latency: at.elapsed(), payload };
            self.record().acks.push(ack);
        }
        status == 200
    }
}
