//! Opening a socket: an address from Slack, which is good once, then the handshake. Each step under a time-out. The address is as
//! good as a password for half a minute, so no error that holds it is passed on.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async_with_config,
    tungstenite::{Error, protocol::WebSocketConfig},
};

use crate::web::{CallError, PATIENT, Web};

/// An open socket.
pub(super) type Stream = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// Time-out of the handshake.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// Most bytes of a message. Slack's largest are some hundred thousand.
const LARGEST: usize = 4 * 1024 * 1024;

/// Opens a socket.
pub(super) async fn open(web: &Web) -> Result<Stream, CallError> {
    let answer = web.post("apps.connections.open", &json!({}), PATIENT).await?;
    let url = answer.get("url").and_then(Value::as_str).unwrap_or_default();
    if !(url.starts_with("wss://") || web.is_plain() && url.starts_with("ws://")) {
        return Err(CallError::Refused { code: "address_without_tls".to_owned(), needed: None });
    }
    let config = WebSocketConfig::default().max_message_size(Some(LARGEST)).max_frame_size(Some(LARGEST));
    match tokio::time::timeout(HANDSHAKE, connect_async_with_config(url, Some(config), true)).await {
        Ok(Ok((stream, _))) => Ok(stream),
        Ok(Err(error)) => Err(CallError::Unknown(told(&error))),
        Err(_) => Err(CallError::Unknown("the handshake was not answered in time".to_owned())),
    }
}

fn told(error: &Error) -> String {
    match error {
        Error::Http(answer) => format!("the handshake was answered with status {}", answer.status().as_u16()),
        Error::Io(fault) => format!("the connection failed: {}", fault.kind()),
        Error::Tls(_) => "TLS failed; are the root certificates installed?".to_owned(),
        _ => "the handshake failed".to_owned(),
    }
}
