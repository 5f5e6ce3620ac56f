//! Socket Mode's server: tickets that are good once, ten sockets at most, acknowledgements, disconnections of every kind.

use std::{
    collections::{BTreeMap, HashSet},
    time::{Duration, Instant},
};

use axum::{
    extract::{
        RawQuery, State,
        ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade},
    },
    http::StatusCode,
    response::{IntoResponse, Response},
};
use futures::{SinkExt, StreamExt};
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::{FakeSlack, Opening};

/// Sockets per app.
const MOST: usize = 10;
/// Longest acknowledgement that Slack reads.
const LONGEST_ACK: usize = 20 * 1024;

/// How a socket ends after a notice of disconnection.
#[derive(Clone, Copy, Debug)]
pub enum CloseHow {
    /// A close frame with this code, after a while.
    Close(u16, Duration),
    /// Without a close frame, after a while.
    Drop(Duration),
    /// Not at all.
    Never,
}

enum Out {
    Text(String),
    Binary(Vec<u8>),
    Close(u16),
    Drop,
    /// Reads and writes nothing any more, but stays open.
    Mute,
}

#[derive(Default)]
pub(super) struct Sockets {
    open: Mutex<BTreeMap<u64, mpsc::UnboundedSender<Out>>>,
    /// Sockets that have been told to expect their end.
    leaving: Mutex<HashSet<u64>>,
    tickets: Mutex<HashSet<String>>,
}

impl Sockets {
    pub(super) fn count(&self) -> usize {
        self.open.lock().len()
    }

    /// Sends to any one of the sockets; says whether there was one.
    pub(super) fn send(&self, text: String) -> bool {
        let open = self.open.lock();
        let leaving = self.leaving.lock();
        let staying: Vec<&u64> = open.keys().filter(|id| !leaving.contains(id)).collect();
        if staying.is_empty() {
            return false;
        }
        let chosen = staying[rand::random_range(0..staying.len())];
        open[chosen].send(Out::Text(text)).is_ok()
    }
}

pub(super) fn ticket(fake: &FakeSlack) -> Value {
    let ticket = format!("ticket-{}", fake.number());
    fake.shared.sockets.tickets.lock().insert(ticket.clone());
    let address = match fake.faults().opening {
        Opening::Good => fake.shared.address.to_string(),
        // A port of the loopback where a listener accepts and says nothing.
        Opening::BlackHole => black_hole(),
    };
    json!({ "url": format!("ws://{address}/link/?ticket={ticket}&app_id=A0ADJ") })
}

fn black_hole() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    // It lives as long as the test.
    std::thread::spawn(move || {
        let mut kept = Vec::new();
        while let Ok((connection, _)) = listener.accept() {
            kept.push(connection);
        }
    });
    address
}

pub(super) async fn open(
    State(fake): State<FakeSlack>,
    RawQuery(query): RawQuery,
    upgrade: WebSocketUpgrade,
) -> Response {
    let fields: Vec<(String, String)> =
        serde_urlencoded::from_str(&query.unwrap_or_default()).unwrap_or_default();
    let ticket =
        fields.iter().find(|(name, _)| name == "ticket").map(|(_, value)| value.clone()).unwrap_or_default();
    if !fake.shared.sockets.tickets.lock().remove(&ticket) {
        fake.violation("a socket address was used twice, or is none of ours");
        return StatusCode::FORBIDDEN.into_response();
    }
    if fake.sockets() >= MOST {
        fake.violation("an eleventh socket");
        return StatusCode::TOO_MANY_REQUESTS.into_response();
    }
    upgrade.on_upgrade(move |socket| serve(fake, socket))
}

async fn serve(fake: FakeSlack, socket: WebSocket) {
    let id = fake.number();
    let (send, mut out) = mpsc::unbounded_channel();
    let count = {
        let mut open = fake.shared.sockets.open.lock();
        open.insert(id, send);
        open.len()
    };
    {
        let mut record = fake.record();
        record.most_sockets = record.most_sockets.max(count);
    }
    let (mut write, mut read) = socket.split();
    let hello = json!({
        "type": "hello", "num_connections": count, "debug_info": { "host": "fake", "approximate_connection_time": 18060 },
        "connection_info": { "app_id": "A0ADJ" },
    });
    let _ = write.send(Message::Text(hello.to_string().into())).await;
    let mut pings = tokio::time::interval(Duration::from_secs(5));
    let mut pong = Instant::now();
    loop {
        tokio::select! {
            next = out.recv() => match next {
                Some(Out::Text(text)) => if write.send(Message::Text(text.into())).await.is_err() { break },
                Some(Out::Binary(bytes)) => { let _ = write.send(Message::Binary(bytes.into())).await; }
                Some(Out::Close(code)) => {
                    let frame = CloseFrame { code, reason: "".into() };
                    let _ = write.send(Message::Close(Some(frame))).await;
                    break;
                }
                Some(Out::Mute) => {
                    // It counts as open, and for a while Slack believes that somebody is there.
                    tokio::time::sleep(Duration::from_secs(3)).await;
                    fake.shared.sockets.leaving.lock().insert(id);
                    tokio::time::sleep(Duration::from_secs(120)).await;
                    break;
                }
                Some(Out::Drop) | None => break,
            },
            message = read.next() => match message {
                Some(Ok(Message::Text(text))) => fake.acknowledged(&text),
                Some(Ok(Message::Pong(_))) => pong = Instant::now(),
                Some(Ok(Message::Close(_)) | Err(_)) | None => break,
                Some(Ok(_)) => {}
            },
            _ = pings.tick() => {
                if pong.elapsed() > Duration::from_secs(30) {
                    fake.violation("pings were not answered");
                }
                let _ = write.send(Message::Ping(Vec::new().into())).await;
            }
        }
    }
    fake.shared.sockets.open.lock().remove(&id);
    fake.shared.sockets.leaving.lock().remove(&id);
}

impl FakeSlack {
    fn acknowledged(&self, text: &str) {
        // Slack does not read longer ones.
        if text.len() >= LONGEST_ACK {
            return self.violation("an acknowledgement of 20 KiB or more");
        }
        let Ok(frame) = serde_json::from_str::<Value>(text) else {
            return self.violation(format!("an acknowledgement that is no JSON: {text}"));
        };
        let envelope = frame["envelope_id"].as_str().unwrap_or_default();
        self.acknowledge(envelope, frame["payload"].clone());
    }

    /// Tells one socket that it is about to be closed; frames sent to it until then arrive after the notice.
    pub fn disconnect(&self, reason: &str, how: CloseHow) {
        let sockets = &self.shared.sockets;
        let open = sockets.open.lock();
        let leaving: Vec<u64> = sockets.leaving.lock().iter().copied().collect();
        let Some((id, socket)) = open.iter().find(|(id, _)| !leaving.contains(id)) else { return };
        let notice = json!({ "type": "disconnect", "reason": reason, "debug_info": { "host": "fake" } });
        let _ = socket.send(Out::Text(notice.to_string()));
        // What Slack had in its hands already still goes to this socket.
        let (id, socket, fake) = (*id, socket.clone(), self.clone());
        tokio::spawn(async move {
            let (end, after) = match how {
                CloseHow::Close(code, after) => (Out::Close(code), after),
                CloseHow::Drop(after) => (Out::Drop, after),
                CloseHow::Never => return,
            };
            tokio::time::sleep(after / 2).await;
            fake.shared.sockets.leaving.lock().insert(id);
            tokio::time::sleep(after / 2).await;
            let _ = socket.send(end);
        });
    }

    /// All sockets go silent without being closed.
    pub fn half_open(&self) {
        for socket in self.shared.sockets.open.lock().values() {
            let _ = socket.send(Out::Mute);
        }
    }

    /// Sends a raw frame on every socket.
    pub fn frame(&self, text: &str) {
        for socket in self.shared.sockets.open.lock().values() {
            let _ = socket.send(Out::Text(text.to_owned()));
        }
    }

    /// Sends a binary frame on every socket.
    pub fn binary(&self, bytes: &[u8]) {
        for socket in self.shared.sockets.open.lock().values() {
            let _ = socket.send(Out::Binary(bytes.to_vec()));
        }
    }
}
