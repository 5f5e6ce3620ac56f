//! The floor: a client that answers each interaction with a fixed text. It keeps nothing, checks nothing, and forgets what it had
//! in hand when it dies.

use std::time::Duration;

use anyhow::{Context, Result};
use futures::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use super::let_go;

/// What Discord demands.
const AGENT: &str = "DiscordBot (https://localhost, 0)";

/// Runs until whoever started this lets go.
pub(crate) async fn run() -> Result<()> {
    // TLS is spoken to nobody, but no client can be made without a provider. There may be one already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let_go().run_until_cancelled(Box::pin(serve())).await.unwrap_or(Ok(()))
}

async fn serve() -> Result<()> {
    let (api, token) = (std::env::var("DISCORD_API")?, std::env::var("DISCORD_TOKEN")?);
    let http = reqwest::Client::builder().user_agent(AGENT).build()?;
    let url = format!("{}/?v=10&encoding=json", std::env::var("DISCORD_GATEWAY")?);
    let (mut socket, _) = tokio_tungstenite::connect_async(url).await?;
    let identify = json!({ "op": 2, "d": {
        "token": token, "intents": 0, "properties": { "os": "linux", "browser": "echo", "device": "echo" },
    } });
    socket.send(Message::text(identify.to_string())).await?;
    let mut beats = tokio::time::interval(Duration::from_secs(20));
    let mut sequence = Value::Null;
    loop {
        let message = tokio::select! {
            message = socket.next() => message.context("the socket ended")??,
            _ = beats.tick() => {
                socket.send(Message::text(json!({ "op": 1, "d": sequence }).to_string())).await?;
                continue;
            }
        };
        let Message::Text(text) = message else { continue };
        let frame: Value = serde_json::from_str(&text)?;
        let field = |path: &str| frame.pointer(path).and_then(Value::as_str).unwrap_or_default();
        match field("/t") {
            "READY" => {
                let commands = json!([{ "name": "ping", "type": 1, "description": "Answer `pong`" }]);
                let to = format!("{api}/v10/applications/{}/commands", field("/d/application/id"));
                let auth = format!("Bot {token}");
                http.put(to)
                    .header("authorization", auth)
                    .json(&commands)
                    .send()
                    .await?
                    .error_for_status()?;
            }
            "INTERACTION_CREATE" => {
                let to = format!("{api}/v10/interactions/{}/{}/callback", field("/d/id"), field("/d/token"));
                let data = json!({ "content": "pong", "allowed_mentions": { "parse": [] } });
                tokio::spawn(http.post(to).json(&json!({ "type": 4, "data": data })).send());
            }
            _ => {}
        }
        if let Some(next) = frame.get("s").filter(|next| !next.is_null()) {
            sequence = next.clone();
        }
    }
}
