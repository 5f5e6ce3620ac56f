//! The floor: a client that acknowledges what comes and posts a fixed reply. It keeps nothing, checks nothing, and forgets what
//! it had in hand when it dies.

use anyhow::{Context, Result};
use futures::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

/// Runs until it is aborted.
pub(super) async fn run(api: String) -> Result<()> {
    let http = reqwest::Client::new();
    let opened: Value = http
        .post(format!("{api}/apps.connections.open"))
        .bearer_auth("xapp-test-0")
        .send()
        .await?
        .json()
        .await?;
    let url = opened.get("url").and_then(Value::as_str).context("no address")?;
    let (mut socket, _) = tokio_tungstenite::connect_async(url).await?;
    while let Some(message) = socket.next().await {
        let Message::Text(text) = message? else { continue };
        let frame: Value = serde_json::from_str(&text)?;
        let Some(envelope) = frame.get("envelope_id") else { continue };
        socket.send(Message::text(json!({ "envelope_id": envelope }).to_string())).await?;
        let channel = frame.pointer("/payload/event/channel").cloned().unwrap_or_default();
        let body = json!({
            "channel": channel, "text": "pong", "parse": "none", "link_names": false, "unfurl_links": false,
            "unfurl_media": false,
        });
        let post = http.post(format!("{api}/chat.postMessage")).bearer_auth("xoxb-test-0").json(&body);
        tokio::spawn(post.send());
    }
    Ok(())
}
