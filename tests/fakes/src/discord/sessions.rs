//! Sessions of the gateway: their sequences, what they keep for a RESUME, and to whom an event goes.

use std::{
    collections::{BTreeMap, VecDeque},
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::{FakeDiscord, MESSAGE_CONTENT, faults::Refusal};

/// Most events that a session keeps.
const KEPT: usize = 50_000;
/// In which time `max_concurrency` IDENTIFYs are taken.
const IDENTIFY_WINDOW: Duration = Duration::from_secs(5);
/// How long an event that changes places waits for the next.
const SWAP_WAIT: Duration = Duration::from_millis(50);

/// What goes to a socket's writer.
pub(super) enum Out {
    Text(String),
    Close(u16),
    /// A close frame without a code.
    Bye,
    Drop,
    /// Reads and writes nothing any more, but stays open.
    Mute,
}

pub(super) type Writer = mpsc::UnboundedSender<Out>;

pub(super) struct Session {
    pub(super) shard: (u64, u64),
    pub(super) intents: u64,
    pub(super) seq: u64,
    kept: VecDeque<(u64, String)>,
    pub(super) socket: Option<(u64, Writer)>,
}

#[derive(Default)]
pub(super) struct Sessions {
    pub(super) open: BTreeMap<u64, Writer>,
    pub(super) by_id: BTreeMap<String, Session>,
    identified: Vec<(u64, Instant)>,
    /// An event that lets the next one pass.
    waiting: Option<(String, Value)>,
}

impl Session {
    pub(super) fn new(shard: (u64, u64), intents: u64, socket: (u64, Writer)) -> Self {
        Self { shard, intents, seq: 0, kept: VecDeque::new(), socket: Some(socket) }
    }

    /// Gives an event its number, keeps it, and sends it if there is a socket.
    pub(super) fn push(&mut self, name: &str, data: &Value) {
        self.seq += 1;
        let frame = json!({ "op": 0, "t": name, "s": self.seq, "d": data }).to_string();
        if let Some((_, writer)) = &self.socket {
            let _ = writer.send(Out::Text(frame.clone()));
        }
        // A RESUMED belongs to its socket alone.
        if name != "RESUMED" {
            self.kept.push_back((self.seq, frame));
        }
        if self.kept.len() > KEPT {
            self.kept.pop_front();
        }
    }

    /// Sends everything after `seq` once more; says how much that was.
    pub(super) fn replay(&self, seq: u64) -> usize {
        let Some((_, writer)) = &self.socket else { return 0 };
        let missed = self.kept.iter().filter(|(kept, _)| *kept > seq);
        missed.filter(|(_, frame)| writer.send(Out::Text(frame.clone())).is_ok()).count()
    }

    fn wants(&self, name: &str, data: &Value) -> bool {
        let guild = data["guild_id"].as_str().or_else(|| match name.starts_with("GUILD_") {
            true => data["id"].as_str(),
            false => None,
        });
        let shard =
            guild.and_then(|guild| guild.parse::<u64>().ok()).map_or(0, |guild| (guild >> 22) % self.shard.1);
        shard == self.shard.0 && intent(name, guild.is_some()).is_none_or(|bit| self.intents & bit != 0)
    }

    /// What this session may see of an event.
    fn view(&self, name: &str, data: &Value, bot: &str) -> Value {
        let mut data = data.clone();
        let is_message = matches!(name, "MESSAGE_CREATE" | "MESSAGE_UPDATE");
        let named = data["mentions"].as_array().is_some_and(|all| all.iter().any(|one| one["id"] == bot));
        let open = data["guild_id"].is_null() || data["author"]["id"] == bot || named;
        if is_message && !open && self.intents & MESSAGE_CONTENT == 0 {
            data["content"] = "".into();
            for name in ["embeds", "attachments", "components"] {
                data[name] = json!([]);
            }
        }
        data
    }
}

/// The intent that an event needs, if any.
fn intent(name: &str, in_guild: bool) -> Option<u64> {
    let message = |guild: u64, direct: u64| Some(if in_guild { 1 << guild } else { 1 << direct });
    match name {
        "GUILD_MEMBER_ADD" | "GUILD_MEMBER_UPDATE" | "GUILD_MEMBER_REMOVE" => Some(1 << 1),
        "PRESENCE_UPDATE" => Some(1 << 8),
        _ if name.starts_with("MESSAGE_REACTION_") => message(10, 13),
        _ if name.starts_with("MESSAGE_") => message(9, 12),
        "TYPING_START" => message(11, 14),
        _ if ["GUILD_", "CHANNEL_", "THREAD_"].iter().any(|start| name.starts_with(start)) => Some(1),
        _ => None,
    }
}

impl Sessions {
    pub(super) fn sockets(&self) -> usize {
        self.open.len()
    }

    /// Whether one more IDENTIFY may come now for this shard.
    pub(super) fn may_identify(&mut self, shard: u64, max_concurrency: u64) -> bool {
        self.identified.retain(|(_, at)| at.elapsed() < IDENTIFY_WINDOW);
        let key = shard % max_concurrency.max(1);
        let free = !self.identified.iter().any(|(one, _)| *one == key);
        if free {
            self.identified.push((key, Instant::now()));
        }
        free
    }

    /// Whether a socket has a session.
    pub(super) fn has(&self, socket: u64) -> bool {
        self.by_id.values().any(|session| session.socket.as_ref().is_some_and(|(id, _)| *id == socket))
    }

    /// Forgets a socket; its session stays.
    pub(super) fn leave(&mut self, socket: u64) {
        self.open.remove(&socket);
        for session in self.by_id.values_mut() {
            if session.socket.as_ref().is_some_and(|(id, _)| *id == socket) {
                session.socket = None;
            }
        }
    }

    /// Ends the session of a socket.
    pub(super) fn end(&mut self, socket: u64) {
        self.by_id.retain(|_, session| session.socket.as_ref().is_none_or(|(id, _)| *id != socket));
    }

    fn dispatch(&mut self, name: &str, data: &Value, bot: &str) -> usize {
        let mut reached = 0;
        for session in self.by_id.values_mut().filter(|session| session.wants(name, data)) {
            let data = session.view(name, data, bot);
            session.push(name, &data);
            reached += 1;
        }
        reached
    }
}

impl FakeDiscord {
    /// Dispatches an event to every session that it is for.
    pub fn dispatch(&self, name: &str, data: serde_json::Value) {
        let (twice, later) = {
            let mut faults = self.faults();
            (faults.duplicated(), faults.reordered())
        };
        let bot = self.world().bot.clone();
        let mut sessions = self.shared.sessions.lock();
        if later && sessions.waiting.is_none() {
            sessions.waiting = Some((name.to_owned(), data));
            drop(sessions);
            self.fault(format!("{name} lets the next event pass"));
            let fake = self.clone();
            tokio::spawn(async move {
                tokio::time::sleep(SWAP_WAIT).await;
                fake.dispatch_waiting();
            });
            return;
        }
        sessions.dispatch(name, &data, &bot);
        if twice {
            sessions.dispatch(name, &data, &bot);
        }
        drop(sessions);
        if twice {
            self.fault(format!("{name} came twice"));
        }
        self.dispatch_waiting();
    }

    fn dispatch_waiting(&self) {
        let bot = self.world().bot.clone();
        let mut sessions = self.shared.sessions.lock();
        if let Some((name, data)) = sessions.waiting.take() {
            sessions.dispatch(&name, &data, &bot);
        }
    }

    /// Sessions that could be resumed or are in use.
    #[must_use]
    pub fn sessions(&self) -> Vec<String> {
        self.shared.sessions.lock().by_id.keys().cloned().collect()
    }

    /// Ends all sessions, so that no RESUME finds one.
    pub fn end_sessions(&self) {
        self.shared.sessions.lock().by_id.clear();
    }

    fn to_all(&self, what: &str, make: impl Fn() -> Out) {
        self.fault(what);
        for socket in self.shared.sessions.lock().open.values() {
            let _ = socket.send(make());
        }
    }

    /// Op 7 on every socket.
    pub fn reconnect(&self) {
        self.to_all("op 7", || Out::Text(r#"{"op":7,"d":null,"s":null,"t":null}"#.to_owned()));
    }

    /// Op 9 on every socket, which may then identify or resume again; without `resumable` the sessions end.
    pub fn invalid_session(&self, resumable: bool) {
        match resumable {
            true => self.shared.sessions.lock().by_id.values_mut().for_each(|session| session.socket = None),
            false => self.end_sessions(),
        }
        self.to_all("op 9", || Out::Text(invalid(resumable)));
    }

    /// Op 1: the server asks for a heartbeat.
    pub fn ask_heartbeat(&self) {
        self.to_all("op 1", || Out::Text(r#"{"op":1,"d":null,"s":null,"t":null}"#.to_owned()));
    }

    /// Closes every socket with a code, or without one.
    pub fn close(&self, code: Option<u16>) {
        if code.is_some_and(ends_session) {
            self.end_sessions();
        }
        self.to_all(&format!("close {code:?}"), || code.map_or(Out::Bye, Out::Close));
    }

    /// Ends every connection without a close frame.
    pub fn drop_sockets(&self) {
        self.to_all("connections dropped", || Out::Drop);
    }

    /// All sockets go silent without being closed.
    pub fn half_open(&self) {
        self.to_all("half-open", || Out::Mute);
    }

    /// Sends a raw frame on every socket.
    pub fn frame(&self, text: &str) {
        self.to_all("a raw frame", || Out::Text(text.to_owned()));
    }
}

pub(super) fn invalid(resumable: bool) -> String {
    json!({ "op": 9, "d": resumable, "s": null, "t": null }).to_string()
}

/// Whether a close of the server's with this code leaves nothing to resume.
pub(super) fn ends_session(code: u16) -> bool {
    matches!(code, 4004 | 4007 | 4009 | 4010..=4014)
}

/// What a refusal means on the wire.
pub(super) fn refusal(how: &Refusal) -> (Option<Out>, Option<u16>) {
    match how {
        Refusal::Invalid(resumable) => (Some(Out::Text(invalid(*resumable))), Some(9)),
        Refusal::Close(code) => (Some(Out::Close(*code)), Some(*code)),
        Refusal::Drop => (Some(Out::Drop), Some(0)),
        Refusal::Silence => (None, Some(0)),
    }
}
