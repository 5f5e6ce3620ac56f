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
    Closed, FakeDiscord, Greeting, Identify, Resume, ResumeUrl,
    faults::Refusal,
    sessions::{Out, Session, Writer, ends_session, refusal},
};

/// Longest frame of a client.
const LONGEST_FRAME: usize = 4_096;
/// Most frames of a client in a minute.
const MOST_FRAMES: usize = 120;
/// Bits that are intents.
const INTENTS: u64 = ((1 << 26) - 1) & !(1 << 17 | 1 << 18 | 1 << 19 | 1 << 22 | 1 << 23);

/// One socket, as its reader sees it.
struct Socket {
    fake: FakeDiscord,
    id: u64,
    path: String,
    writer: Writer,
    /// An IDENTIFY or a RESUME was taken.
    ready: bool,
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
    let mut state = Socket {
        fake: fake.clone(),
        id,
        path,
        writer,
        ready: false,
        frames: VecDeque::new(),
        heartbeat: Instant::now(),
    };
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
        match frame["op"].as_u64() {
            Some(1) => self.beat(&frame["d"]),
            Some(2) if self.ready => self.mistake(4005, "a second IDENTIFY"),
            Some(2) => self.identify(&frame["d"]),
            Some(6) if self.ready => self.mistake(4005, "RESUME on a socket that has a session"),
            Some(6) => self.resume(&frame["d"]),
            Some(3 | 4 | 8) if self.ready => {}
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

    fn identify(&mut self, data: &Value) {
        let shard = match &data["shard"] {
            Value::Null => Some((0, 1)),
            given => given[0].as_u64().zip(given[1].as_u64()),
        };
        let mut entry = Identify {
            at: Instant::now(),
            intents: data["intents"].as_u64().unwrap_or_default(),
            shard: shard.unwrap_or_default(),
            properties: data["properties"].clone(),
            refused: None,
        };
        let fault = self.fake.faults().identify.take();
        let (out, refused) = match fault {
            Some(fault) => {
                self.fake.fault(format!("IDENTIFY: {fault:?}"));
                refusal(&fault)
            }
            None => match self.check_identify(data, &entry, shard.is_some()) {
                Ok(()) => (None, None),
                Err((how, why)) => {
                    self.fake.violation(format!("IDENTIFY with {why}"));
                    refusal(&how)
                }
            },
        };
        entry.refused = refused;
        let (intents, shard) = (entry.intents, entry.shard);
        self.fake.record().identifies.push(entry);
        match (out, refused) {
            (Some(out), _) => drop(self.writer.send(out)),
            (None, Some(_)) => {}
            (None, None) => self.welcome(intents, shard),
        }
    }

    fn check_identify(
        &self,
        data: &Value,
        entry: &Identify,
        shard_fits: bool,
    ) -> Result<(), (Refusal, &'static str)> {
        let close = |code, why| Err((Refusal::Close(code), why));
        let mut world = self.fake.world();
        if token(data) != world.bot_token {
            return close(4004, "a wrong token (4004)");
        }
        if !data["properties"].is_object() {
            return close(4002, "no properties (4002)");
        }
        if data["compress"] == true {
            return close(4002, "compression, which this fake does not have (4002)");
        }
        if data["intents"].as_u64().is_none_or(|intents| intents & !INTENTS != 0) {
            return close(4013, "intents that are none (4013)");
        }
        if entry.intents & world.disallowed_intents != 0 {
            return close(4014, "intents that are not switched on (4014)");
        }
        if !shard_fits || entry.shard.0 >= entry.shard.1 {
            return close(4010, "a bad shard (4010)");
        }
        if entry.shard.1 < world.least_shards {
            return close(4011, "too few shards (4011)");
        }
        if world.start_limit.remaining == 0 {
            // Discord resets the token, and nothing that had it goes on.
            world.bot_token = format!("reset-{}", self.fake.id());
            drop(world);
            self.fake.end_sessions();
            return close(4004, "no IDENTIFYs left for the day (4004)");
        }
        world.start_limit.remaining -= 1;
        let most = world.start_limit.max_concurrency;
        drop(world);
        match self.fake.shared.sessions.lock().may_identify(entry.shard.0, most) {
            true => Ok(()),
            false => Err((Refusal::Invalid(false), "another within five seconds (op 9)")),
        }
    }

    /// READY, and the guilds of the shard.
    fn welcome(&mut self, intents: u64, shard: (u64, u64)) {
        let session_id = format!("session-{}", self.fake.id());
        let resume_url = match self.fake.faults().resume_url.clone() {
            ResumeUrl::Path => Some(format!("ws://{}/gateway/resume", self.fake.shared.address)),
            ResumeUrl::Port => Some(format!("ws://{}", self.fake.shared.resume_address)),
            ResumeUrl::Foreign(url) => Some(url),
            ResumeUrl::Missing => None,
        };
        let (ready, guilds) = {
            let world = self.fake.world();
            let ours = |id: &&String| (id.parse::<u64>().unwrap_or_default() >> 22) % shard.1 == shard.0;
            let ids: Vec<&String> = world.guilds.keys().filter(ours).collect();
            let mut ready = json!({
                "v": 10, "user": world.user_json(&world.bot), "session_id": session_id, "shard": [shard.0, shard.1],
                "guilds": ids.iter().map(|id| json!({ "id": id, "unavailable": true })).collect::<Vec<_>>(),
                "application": { "id": world.application, "flags": 0 }, "session_type": "normal",
                "private_channels": [], "relationships": [], "presences": [], "_trace": ["fake"],
            });
            if let Some(url) = resume_url {
                ready["resume_gateway_url"] = url.into();
            }
            (ready, ids.iter().filter_map(|id| world.guild_json(id, true)).collect::<Vec<_>>())
        };
        let mut session = Session::new(shard, intents, (self.id, self.writer.clone()));
        let mut sessions = self.fake.shared.sessions.lock();
        session.push("READY", &ready);
        if intents & 1 != 0 {
            guilds.iter().for_each(|guild| session.push("GUILD_CREATE", guild));
        }
        sessions.by_id.insert(session_id, session);
        self.ready = true;
    }

    fn resume(&mut self, data: &Value) {
        let mut entry = Resume {
            at: Instant::now(),
            session: data["session_id"].as_str().unwrap_or_default().to_owned(),
            seq: data["seq"].as_u64().unwrap_or_default(),
            path: self.path.clone(),
            refused: None,
            replayed: 0,
        };
        let fault = self.fake.faults().resume.take();
        let taken = match fault {
            Some(fault) => {
                self.fake.fault(format!("RESUME: {fault:?}"));
                Err(fault)
            }
            None => self.take_up(data, &entry),
        };
        match taken {
            Ok(replayed) => {
                entry.replayed = replayed;
                self.ready = true;
            }
            Err(how) => {
                let (out, refused) = refusal(&how);
                entry.refused = refused;
                if let Some(out) = out {
                    let _ = self.writer.send(out);
                }
            }
        }
        self.fake.record().resumes.push(entry);
    }

    /// Gives the session to this socket and replays what it missed.
    fn take_up(&self, data: &Value, entry: &Resume) -> Result<usize, Refusal> {
        if token(data) != self.fake.world().bot_token {
            self.fake.violation("RESUME with a wrong token (4004)");
            return Err(Refusal::Close(4004));
        }
        let mut sessions = self.fake.shared.sessions.lock();
        let session = sessions.by_id.get_mut(&entry.session).ok_or(Refusal::Invalid(false))?;
        if entry.seq > session.seq {
            drop(sessions);
            self.fake.violation("RESUME with a sequence from the future (4007)");
            return Err(Refusal::Close(4007));
        }
        if let Some((_, other)) = session.socket.replace((self.id, self.writer.clone())) {
            let _ = other.send(Out::Close(4000));
        }
        let replayed = session.replay(entry.seq);
        session.push("RESUMED", &json!({ "_trace": ["fake"] }));
        Ok(replayed)
    }
}

fn token(data: &Value) -> &str {
    let token = data["token"].as_str().unwrap_or_default();
    token.strip_prefix("Bot ").unwrap_or(token)
}
