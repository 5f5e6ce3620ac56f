//! Who may begin a session, and when: so many at once as Discord allows over all replicas, and none when few are left of the day's
//! budget, because beyond it Discord ends all sessions and takes the token away. Discord itself counts, so it is asked each time.

use std::{sync::Arc, time::Duration};

use adjutant_bus::lease;
use serde_json::Value;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};
use twilight_gateway::queue::Queue;

use super::Socket;

/// Least time between two sessions that begin in one turn (Discord: "Session Start Limit Object").
const TURN: Duration = Duration::from_secs(5);
/// Sessions of the day's budget that are left alone, but not more than this part of it.
const RESERVE: (u64, u64) = (50, 10);
/// Pause before Discord is asked again.
const PAUSE: Duration = Duration::from_secs(5);
/// Longest wait for a new budget before Discord is asked again.
const LONGEST: Duration = Duration::from_secs(600);

/// The queue of those that want to begin.
#[derive(Clone)]
pub(super) struct Identify {
    socket: Arc<Socket>,
    /// Ends what waits when the shard ends.
    alive: Arc<Alive>,
}

struct Alive(CancellationToken);

impl Drop for Alive {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

impl Identify {
    pub(super) fn new(socket: &Arc<Socket>) -> Self {
        Self { socket: socket.clone(), alive: Arc::new(Alive(CancellationToken::new())) }
    }
}

impl Queue for Identify {
    fn enqueue(&self, id: u32) -> oneshot::Receiver<()> {
        let (go, may_go) = oneshot::channel();
        let (socket, ended) = (self.socket.clone(), self.alive.0.clone());
        tokio::spawn(async move { ended.run_until_cancelled(allow(&socket, id, &ended, go)).await });
        may_go
    }
}

/// Waits for a turn and for the budget, and says go.
async fn allow(socket: &Socket, id: u32, ended: &CancellationToken, go: oneshot::Sender<()>) {
    let key = format!("discord.identify.{}.{}", socket.application, id % socket.concurrency.max(1));
    let Some(term) = lease::acquire(&socket.bus, &key, &socket.name, TURN, ended).await else { return };
    loop {
        match socket.web.gateway().await.map(|answer| budget(&answer)) {
            Ok(Some((remaining, total, _))) if remaining > reserve(total) => {
                info!(shard = id, remaining, total, "beginning a session with Discord");
                let _ = go.send(());
                break;
            }
            Ok(Some((remaining, total, reset))) => {
                error!(
                    remaining,
                    total,
                    reset_seconds = reset.as_secs(),
                    "too few sessions are left of the day's budget; none is begun until it is renewed. Something begins sessions again and again"
                );
                tokio::time::sleep(reset.clamp(PAUSE, LONGEST)).await;
            }
            Ok(None) => {
                warn!("Discord does not say how many sessions may be begun");
                tokio::time::sleep(PAUSE).await;
            }
            Err(error) => {
                warn!(%error, "Discord cannot be asked whether a session may be begun");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
    tokio::time::sleep(TURN).await;
    term.release().await;
}

fn reserve(total: u64) -> u64 {
    RESERVE.0.min(total / RESERVE.1)
}

/// What is left, of how many, and when it is renewed.
fn budget(answer: &Value) -> Option<(u64, u64, Duration)> {
    let number = |name: &str| answer.pointer(&format!("/session_start_limit/{name}")).and_then(Value::as_u64);
    let reset = Duration::from_millis(number("reset_after").unwrap_or_default());
    Some((number("remaining")?, number("total")?, reset))
}
