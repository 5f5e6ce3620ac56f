//! What comes on a socket, handled beside one another: messages until the bus has them, interactions within their three seconds. An
//! event counts as read when it is handled.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use adjutant_bus::place::AnswerAddress;
use jiff::SignedDuration;
use serde_json::Value;
use tokio::{
    sync::mpsc,
    task::{Id, JoinError, JoinSet},
    time::Instant,
};
use tracing::{debug, error, warn};

use super::session::{Sessions, Ticket};
use crate::{
    accept::{Accept, Callback, Taken},
    inbound::is_token,
    payload::{Frame, Interaction},
};

/// Events handled at once. Beyond that they wait, then the socket is not polled, and Discord keeps them until it is resumed.
const AT_ONCE: usize = 128;
/// Events that wait.
const AHEAD: usize = 256;
/// An interaction older than this may be too late to be answered.
const LATE: SignedDuration = SignedDuration::from_millis(2_000);
/// From the arrival of an interaction to the last moment at which an answer can come in time.
const ANSWERED_BY: Duration = Duration::from_millis(2_800);
/// How long what was begun may take at a stop.
const FINISH: Duration = Duration::from_secs(5);

enum Told {
    /// A connection has begun.
    Connected,
    Event(Ticket, Frame),
    Finish(tokio::sync::oneshot::Sender<()>),
}

/// The way to what handles events.
pub(super) struct Events {
    send: mpsc::Sender<Told>,
    stopping: Arc<AtomicBool>,
}

impl Events {
    /// The way, and what handles events as long as it is polled.
    pub(super) fn new(accept: Arc<Accept>, sessions: Arc<Sessions>) -> (Self, impl Future<Output = ()>) {
        let (send, inbox) = mpsc::channel(AHEAD);
        let stopping = Arc::new(AtomicBool::new(false));
        let handler = Handler { accept, sessions, stopping: stopping.clone() };
        (Self { send, stopping }, handler.run(inbox))
    }

    /// Hands an event over; false when nobody takes it any more.
    pub(super) async fn take(&self, ticket: Ticket, frame: Frame) -> bool {
        self.send.send(Told::Event(ticket, frame)).await.is_ok()
    }

    /// A connection has begun: what comes before its first word about the session was delivered before.
    pub(super) async fn connected(&self) -> bool {
        self.send.send(Told::Connected).await.is_ok()
    }

    /// Waits until what was begun is done. A message that the bus does not take is left for whoever resumes.
    pub(super) async fn finish(&self) {
        self.stopping.store(true, Ordering::Relaxed);
        let (done, finished) = tokio::sync::oneshot::channel();
        let asked = async {
            if self.send.send(Told::Finish(done)).await.is_ok() {
                let _ = finished.await;
            }
        };
        if tokio::time::timeout(FINISH, asked).await.is_err() {
            debug!("some events are not handled yet; whoever resumes the session receives them again");
        }
    }
}

struct Handler {
    accept: Arc<Accept>,
    sessions: Arc<Sessions>,
    stopping: Arc<AtomicBool>,
}

impl Handler {
    async fn run(self, mut inbox: mpsc::Receiver<Told>) {
        let mut working: JoinSet<()> = JoinSet::new();
        let mut tickets: HashMap<Id, Ticket> = HashMap::new();
        let mut replayed = true;
        loop {
            let full = working.len() >= AT_ONCE;
            tokio::select! {
                biased;
                Some(done) = working.join_next_with_id(), if !working.is_empty() => {
                    let id = done.as_ref().map_or_else(JoinError::id, |(id, ())| *id);
                    let ticket = tickets.remove(&id);
                    if let (Err(fault), Some(ticket)) = (done, ticket) {
                        // It would be the same each time that it came again.
                        error!(%fault, "an event could not be handled");
                        self.sessions.handled(ticket);
                    }
                }
                told = inbox.recv(), if !full => match told {
                    Some(Told::Event(ticket, frame)) => match frame.t.as_deref() {
                        Some("READY" | "RESUMED") => {
                            replayed = false;
                            self.sessions.handled(ticket);
                        }
                        Some("MESSAGE_CREATE") => {
                            tickets.insert(working.spawn(self.message(ticket, frame.d)).id(), ticket);
                        }
                        Some("INTERACTION_CREATE") => {
                            let answering = self.interaction(ticket, frame.d, replayed);
                            tickets.insert(working.spawn(answering).id(), ticket);
                        }
                        _ => self.sessions.handled(ticket),
                    },
                    Some(Told::Connected) => replayed = true,
                    Some(Told::Finish(done)) => {
                        while working.join_next().await.is_some() {}
                        let _ = done.send(());
                    }
                    None => return,
                },
            }
        }
    }

    fn message(&self, ticket: Ticket, payload: Value) -> impl Future<Output = ()> + use<> {
        let (accept, sessions, stopping) =
            (self.accept.clone(), self.sessions.clone(), self.stopping.clone());
        async move {
            let taken = accept.message(payload, || stopping.load(Ordering::Relaxed)).await;
            if taken == Taken::Done {
                sessions.handled(ticket);
            }
        }
    }

    fn interaction(
        &self,
        ticket: Ticket,
        payload: Value,
        replayed: bool,
    ) -> impl Future<Output = ()> + use<> {
        let (accept, sessions) = (self.accept.clone(), self.sessions.clone());
        async move {
            answer(&accept, payload, replayed).await;
            // It is not worth another try: it would be too late.
            sessions.handled(ticket);
        }
    }
}

async fn answer(accept: &Accept, payload: Value, replayed: bool) {
    let arrived = Instant::now();
    let interaction: Interaction = serde_json::from_value(payload).unwrap_or_default();
    let token = interaction.token.as_ref().filter(|token| is_token(token)).map(AnswerAddress::new);
    let (Some(id), Some(token)) = (interaction.id, token) else {
        return warn!("an interaction without an id or a token cannot be answered");
    };
    let callback = Callback { id, token, until: arrived + ANSWERED_BY };
    let answer = if replayed || id.age() > LATE {
        accept.late(&interaction, &callback).await
    } else {
        Some(accept.interaction(&interaction).await)
    };
    if let Some(answer) = answer {
        accept.send(&callback, answer).await;
    }
}
