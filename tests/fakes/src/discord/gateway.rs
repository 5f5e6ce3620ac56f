//! The gateway socket: HELLO, heartbeats, IDENTIFY, RESUME, and every reason to close one.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use axum::{
    extract::{
        RawQuery, State,
        ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade},
    },
    http::{StatusCode, Uri},
    response::{IntoResponse, Response},
};
use futures::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::{
    Closed, FakeDiscord, Greeting,
    sessions::{Out, Writer, ends_session},
};

/// Longest frame of a client.
const LONGEST_FRAME: usize = 4_096;
/// Most frames of a client in a minute.
const MOST_FRAMES: usize = 120;

/// One socket, as its reader sees it.
pub(super) struct Socket {
    pub(super) fake: FakeDiscord,
    pub(super) id: u64,
    pub(super) path: String,
    pub(super) writer: Writer,
    frames: VecDeque<Instant>,
    heartbeat: Instant,
}

pub(super) async fn open(
    State(fake): State<FakeDiscord>,
    uri: Uri,
    RawQuery(query): RawQuery,
    upgrade: WebSocketUpgrade,
) -> Response {
    let path = uri.path().to_owned();
    fake.record().connections.push((Instant::now(), path.clone()));
    let greeting = fake.faults().greeting.take();
    match greeting {
        Some(Greeting::Refused(status)) => {
            fake.fault(format!("handshake refused with {status}"));
            return StatusCode::from_u16(status).unwrap().into_response();
        }
        Some(Greeting::Dropped) => {
            fake.fault("handshake dropped");
            // Ends the connection's task, without a message.
            std::panic::resume_unwind(Box::new("dropped"));
        }
        _ => {}
    }
    let fields: Vec<(String, String)> =
        serde_urlencoded::from_str(&query.unwrap_or_default()).unwrap_or_default();
    let has = |name: &str, value: &str| fields.iter().any(|(n, v)| n == name && v == value);
    let good = has("v", "10") && has("encoding", "json");
    if !good {
        fake.violation("a socket without v=10&encoding=json");
    }
    if fields.iter().any(|(name, _)| name == "compress") {
        fake.violation("a socket with compression, which this fake does not have");
    }
    upgrade.on_upgrade(move |socket| serve(fake, socket, path, good, greeting))
}

async fn serve(fake: FakeDiscord, socket: WebSocket, path: String, good: bool, greeting: Option<Greeting>) {
    let id = fake.id().parse().unwrap();
    let (writer, mut out) = mpsc::unbounded_channel();
    fake.shared.sessions.lock().open.insert(id, writer.clone());
    let interval = fake.faults().heartbeat_interval;
    greet(&fake, &writer, good, greeting, interval);
    let mut state =
        Socket { fake: fake.clone(), id, path, writer, frames: VecDeque::new(), heartbeat: Instant::now() };
    let (mut write, mut read) = socket.split();
    let mut check = tokio::time::interval((interval / 2).max(Duration::from_millis(20)));
    let (by_client, code) = loop {
        tokio::select! {
            next = out.recv() => match next {
                Some(Out::Text(text)) => if write.send(Message::Text(text.into())).await.is_err() { break (true, None) },
                Some(Out::Close(code)) => {
                    let frame = CloseFrame { code, reason: "".into() };
                    let _ = write.send(Message::Close(Some(frame))).await;
                    break (false, Some(code));
                }
                Some(Out::Bye) => {
                    let _ = write.send(Message::Close(None)).await;
                    break (false, None);
                }
                Some(Out::Mute) => {
                    // For the client it is open; the session waits for a RESUME.
                    fake.shared.sessions.lock().leave(id);
                    tokio::time::sleep(Duration::from_secs(300)).await;
                    break (false, None);
                }
                Some(Out::Drop) | None => break (false, None),
            },
            message = read.next() => match message {
                Some(Ok(Message::Text(text))) => state.frame(&text),
                Some(Ok(Message::Binary(bytes))) => match std::str::from_utf8(&bytes) {
                    Ok(text) => state.frame(text),
                    Err(_) => state.close(4002),
                },
                Some(Ok(Message::Close(frame))) => {
                    let code = frame.map(|frame| frame.code);
                    if matches!(code, Some(1000 | 1001)) {
                        fake.shared.sessions.lock().end(id);
                    }
                    break (true, code);
                }
                Some(Err(_)) | None => break (true, None),
                Some(Ok(_)) => {}
            },
            _ = check.tick() => if state.heartbeat.elapsed() > interval * 3 / 2 + Duration::from_secs(1) {
                state.close(4000);
                state.heartbeat = Instant::now();
            },
        }
    };
    if !by_client
        && let Some(code) = code
        && ends_session(code)
    {
        fake.shared.sessions.lock().end(id);
    }
    fake.shared.sessions.lock().leave(id);
    fake.record().closes.push(Closed { socket: id, at: Instant::now(), by_client, code });
}

fn greet(fake: &FakeDiscord, writer: &Writer, good: bool, greeting: Option<Greeting>, interval: Duration) {
    if !good {
        let _ = writer.send(Out::Close(4012));
        return;
    }
    let interval = u64::try_from(interval.as_millis()).unwrap();
    let hello =
        json!({ "op": 10, "d": { "heartbeat_interval": interval }, "s": null, "t": null }).to_string();
    match greeting {
        Some(Greeting::Never) => fake.fault("no HELLO"),
        Some(Greeting::Late(after)) => {
            fake.fault("a late HELLO");
            let writer = writer.clone();
            tokio::spawn(async move {
                tokio::time::sleep(after).await;
                let _ = writer.send(Out::Text(hello));
            });
        }
        _ => drop(writer.send(Out::Text(hello))),
    }
}

impl Socket {
    fn close(&self, code: u16) {
        let _ = self.writer.send(Out::Close(code));
    }

    /// Closes for a mistake of the client's.
    fn mistake(&self, code: u16, what: &str) {
        self.fake.violation(format!("{what} ({code})"));
        self.close(code);
    }

    fn frame(&mut self, text: &str) {
        if text.len() > LONGEST_FRAME {
            return self.mistake(4002, "a frame of more than 4,096 bytes");
        }
        self.frames.push_back(Instant::now());
        while self.frames.front().is_some_and(|at| at.elapsed() > Duration::from_secs(60)) {
            self.frames.pop_front();
        }
        if self.frames.len() > MOST_FRAMES {
            return self.mistake(4008, "more than 120 frames in a minute");
        }
        let Ok(frame) = serde_json::from_str::<Value>(text) else {
            return self.mistake(4002, "a frame that is no JSON");
        };
        let ready = self.fake.shared.sessions.lock().has(self.id);
        match frame["op"].as_u64() {
            Some(1) => self.beat(&frame["d"]),
            Some(2) if ready => self.mistake(4005, "a second IDENTIFY"),
            Some(2) => self.identify(&frame["d"]),
            Some(6) if ready => self.mistake(4005, "RESUME on a socket that has a session"),
            Some(6) => self.resume(&frame["d"]),
            Some(3 | 4 | 8) if ready => {}
            Some(3 | 4 | 8) => self.mistake(4003, "a frame before IDENTIFY"),
            _ => self.mistake(4001, "an unknown op"),
        }
    }

    fn beat(&mut self, seq: &Value) {
        self.heartbeat = Instant::now();
        self.fake.record().heartbeats.push((Instant::now(), self.id, seq.as_u64()));
        if self.fake.faults().acks {
            let _ = self.writer.send(Out::Text(r#"{"op":11,"d":null,"s":null,"t":null}"#.to_owned()));
        }
    }
}
