//! What comes on a socket, handled beside one another: messages until the bus has them, interactions within their three seconds. An
//! event counts as read when it is handled.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use adjutant_bus::place::AnswerAddress;
use jiff::SignedDuration;
use serde_json::Value;
use tokio::{
    sync::mpsc,
    task::{JoinHandle, JoinSet},
    time::Instant,
};
use tokio_util::sync::CancellationToken;
use tracing::{debug, error, warn};

use super::{Socket, session::Sessions};
use crate::{
    accept::{Accept, Taken},
    inbound::is_token,
    payload::{Frame, Interaction},
};

/// Events handled at once. Beyond that they wait, then the socket is not polled, and Discord keeps them until it is resumed.
const AT_ONCE: usize = 128;
/// Events that wait.
const AHEAD: usize = 256;
/// An interaction older than this may be too late to be answered.
const LATE: SignedDuration = SignedDuration::from_millis(2_000);
/// How long what was begun may take at a stop.
const FINISH: std::time::Duration = std::time::Duration::from_secs(5);

enum Told {
    /// A connection has begun.
    Connected,
    Event(u64, Frame),
    Finish(tokio::sync::oneshot::Sender<()>),
}

/// The way to the task that handles events.
pub(super) struct Events {
    send: mpsc::Sender<Told>,
    stopping: Arc<AtomicBool>,
}

impl Events {
    /// Starts the task.
    pub(super) fn start(
        socket: Arc<Socket>,
        sessions: Arc<Sessions>,
        lost: CancellationToken,
    ) -> (Self, JoinHandle<()>) {
        let (send, inbox) = mpsc::channel(AHEAD);
        let stopping = Arc::new(AtomicBool::new(false));
        let handler = Handler { accept: socket.accept.clone(), sessions, stopping: stopping.clone() };
        let every = socket.timing.save;
        let task = tokio::spawn(async move { handler.run(inbox, every, lost).await });
        (Self { send, stopping }, task)
    }

    /// Hands an event over; false when nobody takes it any more.
    pub(super) async fn take(&self, sequence: u64, frame: Frame) -> bool {
        self.send.send(Told::Event(sequence, frame)).await.is_ok()
    }

    /// A connection has begun: what comes before its first word about the session was delivered before.
    pub(super) async fn connected(&self) -> bool {
        self.send.send(Told::Connected).await.is_ok()
    }

    /// Waits until what was begun is done. With `stopping`, a message that the bus does not take is left for whoever resumes.
    pub(super) async fn finish(&self, stopping: bool) {
        self.stopping.store(stopping, Ordering::Relaxed);
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
    async fn run(self, mut inbox: mpsc::Receiver<Told>, every: std::time::Duration, lost: CancellationToken) {
        let mut working: JoinSet<()> = JoinSet::new();
        let mut saves = tokio::time::interval(every);
        saves.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut replayed = true;
        loop {
            let full = working.len() >= AT_ONCE;
            tokio::select! {
                biased;
                Some(done) = working.join_next(), if !working.is_empty() => {
                    if let Err(fault) = done {
                        error!(%fault, "an event could not be handled");
                    }
                }
                _ = saves.tick() => {
                    if !self.sessions.save().await {
                        lost.cancel();
                        return;
                    }
                }
                told = inbox.recv(), if !full => match told {
                    Some(Told::Event(sequence, frame)) => match frame.t.as_deref() {
                        Some("READY" | "RESUMED") => {
                            replayed = false;
                            self.sessions.handled(sequence);
                        }
                        Some("MESSAGE_CREATE") => {
                            working.spawn(self.message(sequence, frame.d));
                        }
                        Some("INTERACTION_CREATE") => {
                            working.spawn(self.interaction(sequence, frame.d, replayed));
                        }
                        _ => self.sessions.handled(sequence),
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

    fn message(&self, sequence: u64, payload: Value) -> impl Future<Output = ()> + use<> {
        let (accept, sessions, stopping) =
            (self.accept.clone(), self.sessions.clone(), self.stopping.clone());
        async move {
            let taken = accept.message(payload, || stopping.load(Ordering::Relaxed)).await;
            if taken == Taken::Done {
                sessions.handled(sequence);
            }
        }
    }

    fn interaction(&self, sequence: u64, payload: Value, replayed: bool) -> impl Future<Output = ()> + use<> {
        let (accept, sessions) = (self.accept.clone(), self.sessions.clone());
        async move {
            answer(&accept, payload, replayed).await;
            // It is not worth another try: it would be too late.
            sessions.handled(sequence);
        }
    }
}

async fn answer(accept: &Accept, payload: Value, replayed: bool) {
    let arrived = Instant::now();
    let head: Interaction = serde_json::from_value(payload.clone()).unwrap_or_default();
    let (Some(id), Some(token)) = (head.id, head.token.filter(|token| is_token(token))) else {
        return warn!("an interaction without an id or a token cannot be answered");
    };
    if replayed || id.age() > LATE {
        return accept.late(payload).await;
    }
    let answer = accept.interaction(payload).await;
    accept.send(id, &AnswerAddress::new(token), answer, arrived).await;
}
