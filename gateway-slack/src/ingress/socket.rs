//! Socket Mode: sockets of our own, each replaced before it ends and as soon as it goes deaf. Frames of a socket are handled side
//! by side, so that one that waits for the bus does not keep the next one from its three seconds. A frame is acknowledged only
//! after the bus has accepted what is in it.

mod connect;
mod frame;

use std::{sync::Arc, time::Duration};

use futures::{SinkExt, StreamExt, stream::FuturesUnordered};
use serde_json::Value;
use tokio::{
    sync::{mpsc, oneshot, watch},
    task::JoinSet,
    time::Instant,
};
use tokio_tungstenite::tungstenite::Message;
use tokio_util::sync::CancellationToken;
use tracing::{debug, error, info, warn};

use self::{
    connect::Stream,
    frame::{Envelope, Frame, acknowledgement},
};
use crate::{
    accept::{Accept, Answer},
    payload::Slash,
    web::{CallError, Web},
};

/// Sockets of this replica. Slack allows ten per app over all replicas (Slack: "Using Socket Mode").
pub(crate) const SOCKETS: usize = 2;
/// Frames of one socket that are handled at once.
const AT_ONCE: usize = 64;
/// Longest that one frame may take; Slack gives up after three seconds.
const LONGEST: Duration = Duration::from_millis(2_800);
/// After a notice of disconnection Slack closes the socket; if it does not, we do.
const NOTICE: Duration = Duration::from_secs(15);
/// Time-out of writing one frame.
const WRITE: Duration = Duration::from_secs(5);
/// Pauses between tries to open a socket: doubling with jitter, from the first to the longest.
const PAUSES: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(30));
/// A socket that lived this long was a good one.
const GOOD: Duration = Duration::from_secs(10);

/// How the sockets are kept up; tests make it quicker.
#[derive(Clone, Debug)]
pub struct SocketTiming {
    /// Interval of our own pings. A socket from which nothing came during two of them is dead.
    pub ping: Duration,
}

impl Default for SocketTiming {
    fn default() -> Self {
        Self { ping: Duration::from_secs(10) }
    }
}

/// What the sockets of a replica share.
struct Shared {
    web: Web,
    accept: Arc<Accept>,
    timing: SocketTiming,
    live: watch::Sender<usize>,
    stop: CancellationToken,
}

impl Shared {
    /// Counts the open sockets anew. What is measured changes with it: sockets open and end side by side.
    fn count(&self, change: impl FnOnce(usize) -> usize) -> usize {
        let mut open = 0;
        self.live.send_modify(|count| {
            *count = change(*count);
            open = *count;
            self.accept.ear.sockets(open, SOCKETS);
        });
        open
    }
}

/// Keeps sockets open until `stop`. `live` follows how many there are.
pub(crate) async fn run(
    web: Web,
    accept: Arc<Accept>,
    timing: SocketTiming,
    live: watch::Sender<usize>,
    stop: CancellationToken,
) {
    accept.ear.sockets(0, SOCKETS);
    let shared = Arc::new(Shared { web, accept, timing, live, stop });
    let mut keepers: FuturesUnordered<_> = (0..SOCKETS).map(|_| keep(shared.clone())).collect();
    while keepers.next().await.is_some() {}
}

/// Keeps one socket open: when it is about to end, the next one is opened beside it.
async fn keep(shared: Arc<Shared>) {
    let mut serving = JoinSet::new();
    let mut pause = PAUSES.0;
    while !shared.stop.is_cancelled() {
        let Some(opened) = shared.stop.run_until_cancelled(Box::pin(connect::open(&shared.web))).await else {
            break;
        };
        let wait = match opened {
            Ok(stream) => {
                let begun = Instant::now();
                let (leaving, left) = oneshot::channel();
                serving.spawn(serve(shared.clone(), stream, leaving));
                // It is told when the socket is about to end, and dropped when it has.
                let _ = left.await;
                while serving.try_join_next().is_some() {}
                if begun.elapsed() >= GOOD {
                    pause = PAUSES.0;
                    continue;
                }
                pause
            }
            Err(CallError::Limited(rest)) => rest.max(pause),
            Err(error) => {
                warn!(%error, "a socket to Slack cannot be opened yet");
                pause
            }
        };
        pause = (pause * 2).min(PAUSES.1);
        let wait = wait.mul_f64(rand::random_range(1.0..1.5));
        shared.stop.run_until_cancelled(tokio::time::sleep(wait)).await;
    }
    while serving.join_next().await.is_some() {}
}

/// Counts a socket as long as it lives.
struct Live<'a>(&'a Shared);

impl<'a> Live<'a> {
    fn begin(shared: &'a Shared) -> Self {
        let open = shared.count(|count| count + 1);
        info!(sockets = open, "a socket to Slack is open");
        Self(shared)
    }
}

impl Drop for Live<'_> {
    fn drop(&mut self) {
        let open = self.0.count(|count| count.saturating_sub(1));
        info!(sockets = open, "a socket to Slack has ended");
    }
}

/// Serves a socket until it ends. `leaving` is told when a successor should be opened.
async fn serve(shared: Arc<Shared>, stream: Stream, leaving: oneshot::Sender<()>) {
    let (mut write, mut read) = stream.split();
    let (send, mut acknowledgements) = mpsc::channel(AT_ONCE);
    let mut working = JoinSet::new();
    let mut leaving = Some(leaving);
    let mut live = None;
    let mut end: Option<Instant> = None;
    let mut heard = Instant::now();
    let mut pings = tokio::time::interval(shared.timing.ping);
    loop {
        let full = working.len() >= AT_ONCE;
        let stopping = shared.stop.is_cancelled();
        if stopping && working.is_empty() && acknowledgements.is_empty() {
            break;
        }
        let over = end.unwrap_or_else(|| Instant::now() + NOTICE);
        tokio::select! {
            biased;
            Some(acknowledgement) = acknowledgements.recv() => {
                let written = write.send(Message::text::<String>(acknowledgement));
                if !matches!(tokio::time::timeout(WRITE, written).await, Ok(Ok(()))) {
                    break;
                }
            }
            Some(done) = working.join_next(), if !working.is_empty() => {
                if let Err(fault) = done {
                    error!(%fault, "a frame could not be handled");
                }
            }
            next = read.next(), if !full && !stopping => match next {
                Some(Ok(Message::Text(text))) => {
                    heard = Instant::now();
                    shared.accept.ear.heard();
                    match Frame::read(&text) {
                        Frame::Hello => live = live.or_else(|| Some(Live::begin(&shared))),
                        Frame::Disconnect(reason) => {
                            told(&reason);
                            end = Some(Instant::now() + NOTICE);
                            leaving.take();
                        }
                        Frame::Envelope(envelope) => {
                            working.spawn(handle(shared.accept.clone(), *envelope, send.clone()));
                        }
                        Frame::Other => {}
                    }
                }
                Some(Ok(Message::Close(_)) | Err(_)) | None => break,
                Some(Ok(_)) => {
                    heard = Instant::now();
                    shared.accept.ear.heard();
                }
            },
            _ = pings.tick() => {
                if heard.elapsed() > 2 * shared.timing.ping {
                    warn!("a socket to Slack went deaf");
                    break;
                }
                if !matches!(tokio::time::timeout(WRITE, write.send(Message::Ping(Vec::new().into()))).await, Ok(Ok(()))) {
                    break;
                }
            }
            () = tokio::time::sleep_until(over), if end.is_some() => break,
            () = shared.stop.cancelled(), if !stopping => {}
        }
    }
    drop(live);
    drop(leaving);
    // What was begun is finished, though it can be acknowledged no more: Slack delivers it again, and it is known then.
    let closed = async {
        let _ = write.close().await;
        while working.join_next().await.is_some() {}
    };
    if tokio::time::timeout(LONGEST, closed).await.is_err() {
        debug!("a socket did not close in time");
    }
}

fn told(reason: &str) {
    if reason == "link_disabled" {
        error!("Socket Mode was switched off for this app; switch it on, or use slack.ingress = \"http\"");
    } else {
        info!(reason, "Slack is about to close a socket");
    }
}

/// Handles an envelope, and sends its acknowledgement, if there is one.
async fn handle(accept: Arc<Accept>, envelope: Envelope, send: mpsc::Sender<String>) {
    let Envelope { id, kind, payload, takes_payload } = envelope;
    // In a task of its own: what was begun is finished even where it comes too late to be acknowledged.
    let working = tokio::spawn(async move { answer(&accept, &kind, payload).await });
    let answered = match tokio::time::timeout(LONGEST, working).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(fault)) => {
            error!(%fault, "a frame could not be handled");
            Answer::Leave
        }
        Err(_) => {
            error!("a frame took too long");
            Answer::Leave
        }
    };
    if let Some(acknowledgement) = acknowledgement(&id, answered, takes_payload) {
        // The socket may have ended meanwhile.
        let _ = send.send(acknowledgement).await;
    }
}

async fn answer(accept: &Accept, kind: &str, payload: Value) -> Answer {
    match kind {
        "events_api" => accept.event(payload).await,
        "slash_commands" => accept.slash(serde_json::from_value::<Slash>(payload).unwrap_or_default()).await,
        "interactive" => accept.interaction(payload).await,
        other => {
            debug!(kind = other, "an envelope of a kind that is not used");
            Answer::Acknowledge
        }
    }
}
