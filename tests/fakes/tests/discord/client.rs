//! Plain clients, which do what a test says and nothing by themselves.

use std::time::Duration;

use adjutant_fakes::discord::FakeDiscord;
use futures::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, tungstenite::Message};

pub(crate) const WAIT: Duration = Duration::from_secs(10);
/// Guilds, guild messages, direct messages.
pub(crate) const PLAIN: u64 = 1 | 1 << 9 | 1 << 12;
pub(crate) const WITH_CONTENT: u64 = PLAIN | 1 << 15;

/// A body that Discord takes, with mentions switched off.
pub(crate) fn text(content: &str) -> Value {
    json!({ "content": content, "allowed_mentions": { "parse": [] } })
}

/// Sends a request as the bot; returns status and body.
pub(crate) async fn rest(fake: &FakeDiscord, method: &str, path: &str, body: Value) -> (u16, Value) {
    let token = fake.world().bot_token.clone();
    let mut request = reqwest::Client::new()
        .request(method.parse().unwrap(), format!("{}/v10{path}", fake.api_url()))
        .header("user-agent", "DiscordBot (https://example.org, 1)")
        .header("authorization", format!("Bot {token}"));
    if !body.is_null() {
        request = request.json(&body);
    }
    match request.send().await {
        Ok(answer) => {
            let status = answer.status().as_u16();
            (status, answer.json().await.unwrap_or_default())
        }
        Err(_) => (0, Value::Null),
    }
}

/// What a socket says next.
#[derive(Debug, PartialEq)]
pub(crate) enum Said {
    Frame(Value),
    Closed(Option<u16>),
}

pub(crate) struct Socket(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Socket {
    pub(crate) async fn open(url: &str) -> Self {
        let (socket, _) =
            tokio_tungstenite::connect_async(format!("{url}/?v=10&encoding=json")).await.unwrap();
        Self(socket)
    }

    /// Opened, and greeted by HELLO.
    pub(crate) async fn greeted(url: &str) -> Self {
        let mut socket = Self::open(url).await;
        let hello = socket.frame().await;
        assert_eq!(hello["op"], 10);
        assert!(hello["d"]["heartbeat_interval"].is_u64());
        socket
    }

    pub(crate) async fn send(&mut self, frame: Value) {
        self.0.send(Message::Text(frame.to_string().into())).await.unwrap();
    }

    pub(crate) async fn next(&mut self) -> Said {
        loop {
            match tokio::time::timeout(WAIT, self.0.next()).await.expect("something from the socket") {
                Some(Ok(Message::Text(text))) => return Said::Frame(serde_json::from_str(&text).unwrap()),
                Some(Ok(Message::Close(frame))) => return Said::Closed(frame.map(|frame| frame.code.into())),
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return Said::Closed(None),
            }
        }
    }

    pub(crate) async fn frame(&mut self) -> Value {
        match self.next().await {
            Said::Frame(frame) => frame,
            closed @ Said::Closed(_) => panic!("{closed:?}"),
        }
    }

    /// The next event of this name; others are passed over.
    pub(crate) async fn event(&mut self, name: &str) -> Value {
        loop {
            let frame = self.frame().await;
            if frame["t"] == name {
                return frame;
            }
        }
    }

    /// The code that it is closed with.
    pub(crate) async fn code(&mut self) -> Option<u16> {
        loop {
            if let Said::Closed(code) = self.next().await {
                return code;
            }
        }
    }

    pub(crate) async fn close(mut self, code: u16) {
        let frame =
            tokio_tungstenite::tungstenite::protocol::CloseFrame { code: code.into(), reason: "".into() };
        self.0.close(Some(frame)).await.unwrap();
    }
}

pub(crate) fn identify(fake: &FakeDiscord, intents: u64) -> Value {
    let token = fake.world().bot_token.clone();
    json!({ "op": 2, "d": { "token": format!("Bot {token}"), "intents": intents, "shard": [0, 1],
        "properties": { "os": "linux", "browser": "test", "device": "test" } } })
}

pub(crate) fn resume(fake: &FakeDiscord, session: &str, seq: u64) -> Value {
    json!({ "op": 6, "d": { "token": fake.world().bot_token, "session_id": session, "seq": seq } })
}

/// A socket with a session, and its READY.
pub(crate) async fn ready(fake: &FakeDiscord, intents: u64) -> (Socket, Value) {
    let mut socket = Socket::greeted(&fake.gateway_url()).await;
    socket.send(identify(fake, intents)).await;
    let ready = socket.event("READY").await;
    socket.event("GUILD_CREATE").await;
    (socket, ready["d"].clone())
}
