//! The other way: interactions as signed POSTs.

use ed25519_dalek::{Signer, SigningKey};
use serde_json::{Value, json};

use super::{Asked, FakeDiscord, callbacks, rest::Request, world::hex};

/// How a POST is signed.
#[derive(Clone, Debug, Default)]
pub struct Signing {
    /// The timestamp is so many seconds old.
    pub late: i64,
    /// With a key that is not the app's.
    pub wrong_key: bool,
    /// Without the headers of the signature.
    pub missing: bool,
    /// With this text instead of a signature.
    pub garbage: Option<String>,
}

impl FakeDiscord {
    /// From now on interactions go to this URL instead of sockets.
    pub fn interactions_to(&self, url: &str) {
        *self.shared.http.lock() = Some(url.to_owned());
    }

    /// Posts a body as Discord does, or almost; returns status and body, 0 if there was no answer.
    pub async fn post_signed(&self, url: &str, body: &[u8], how: &Signing) -> (u16, String) {
        let timestamp = (jiff::Timestamp::now().as_second() - how.late).to_string();
        let key = match how.wrong_key {
            true => SigningKey::from_bytes(&rand::random()),
            false => self.world().key.clone(),
        };
        let signature = hex(&key.sign(&[timestamp.as_bytes(), body].concat()).to_bytes());
        let mut request = reqwest::Client::new()
            .post(url)
            .header("content-type", "application/json")
            .header("user-agent", "Discord-Interactions/1.0 (+https://discord.com)");
        if !how.missing {
            let signature = how.garbage.clone().unwrap_or(signature);
            request =
                request.header("x-signature-ed25519", signature).header("x-signature-timestamp", timestamp);
        }
        match request.body(body.to_vec()).send().await {
            Ok(answer) => (answer.status().as_u16(), answer.text().await.unwrap_or_default()),
            Err(_) => (0, String::new()),
        }
    }

    /// A PING, signed in this way; returns status and body.
    pub async fn ping(&self, url: &str, how: &Signing) -> (u16, Value) {
        let ping = json!({ "id": self.id(), "application_id": self.world().application, "type": callbacks::PING,
            "token": "ping", "version": 1, "entitlements": [] });
        let (status, body) = self.post_signed(url, ping.to_string().as_bytes(), how).await;
        (status, serde_json::from_str(&body).unwrap_or_default())
    }

    /// Posts an interaction that was delivered once more, signed in this way; what is answered does not count.
    pub async fn post_again(&self, url: &str, asked: &Asked, how: &Signing) -> (u16, String) {
        self.post_signed(url, asked.data.to_string().as_bytes(), how).await
    }

    /// What Discord does before it takes a URL: a PING, which must be answered, and bad signatures, which must be refused.
    ///
    /// # Errors
    /// What the endpoint did otherwise.
    pub async fn probe(&self, url: &str) -> Result<(), String> {
        let (status, body) = self.ping(url, &Signing::default()).await;
        if status != 200 || body["type"] != 1 {
            return Err(format!("a PING was answered with {status} {body}"));
        }
        let bad = [
            Signing { wrong_key: true, ..Signing::default() },
            Signing { missing: true, ..Signing::default() },
            Signing { garbage: Some("00".repeat(64)), ..Signing::default() },
        ];
        for how in bad {
            let (status, _) = self.ping(url, &how).await;
            if status != 401 {
                return Err(format!("{how:?} was answered with {status}"));
            }
        }
        Ok(())
    }

    /// Posts an interaction; the answer in the response counts as its callback.
    pub(super) fn post_interaction(&self, url: String, asked: Asked) {
        let fake = self.clone();
        tokio::spawn(async move {
            let body = asked.data.to_string();
            let patience = fake.faults().patience;
            let signing = Signing::default();
            let sent = fake.post_signed(&url, body.as_bytes(), &signing);
            let Ok((status, said)) = tokio::time::timeout(patience, sent).await else { return };
            // 202: the callback comes by itself.
            if status == 202 {
                return;
            }
            let Ok(body) = serde_json::from_str::<Value>(&said) else {
                return fake
                    .violation(format!("an interaction was answered with {status} and no JSON: {said}"));
            };
            if status != 200 {
                return fake.violation(format!("an interaction was answered with {status}"));
            }
            fake.answered_by_http(&asked, body);
        });
    }

    fn answered_by_http(&self, asked: &Asked, body: Value) {
        let request = Request { parameters: Vec::new(), query: Vec::new(), body, files: Vec::new() };
        let checked = callbacks::check_schema(&request.body);
        let taken = checked.and_then(|()| callbacks::accept(self, &asked.id, &asked.token, &request, true));
        if let Err(refused) = taken {
            self.violation(format!("an interaction's answer that Discord refuses: {refused:?}"));
        }
    }
}
