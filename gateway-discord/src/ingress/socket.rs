//! The gateway's socket: each shard is a lease, so that one replica at a time holds its session, and another one resumes it when that
//! one dies. One task polls the socket and does nothing else, because heartbeats leave only while it is polled; events are handled
//! beside one another.

mod events;
mod hold;
mod identify;
mod session;
mod shard;

use std::{sync::Arc, time::Duration};

use adjutant_bus::{
    lease::{self, Term},
    ports::Bus,
};
use tokio::{sync::watch, task::JoinSet};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};
use twilight_gateway::{Intents, ShardId};

use self::{
    events::Events,
    hold::Hold,
    identify::Identify,
    session::{Kept, Sessions},
    shard::End,
};
use crate::{accept::Accept, snowflake::Snowflake, web::Web};

/// What is received: messages, of which only those that mention the bot first have words without a further right, and direct
/// messages. Interactions come without any (Discord: "Gateway Intents").
pub(crate) const INTENTS: Intents = Intents::GUILD_MESSAGES.union(Intents::DIRECT_MESSAGES);
/// Pauses before a new session is begun: Discord asks for one to five seconds.
const PAUSES: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(120));

/// How a socket is kept up; tests make it quicker.
#[derive(Clone, Debug)]
pub struct SocketTiming {
    /// How long the first word of the gateway may take.
    pub hello: Duration,
    /// After which silence a socket counts as dead.
    pub silence: Duration,
    /// How often the position in a session is written down.
    pub save: Duration,
}

impl Default for SocketTiming {
    fn default() -> Self {
        Self {
            hello: Duration::from_secs(15),
            silence: Duration::from_secs(90),
            save: Duration::from_secs(1),
        }
    }
}

/// How the sockets of this replica are.
#[derive(Clone, Debug, Default)]
pub(crate) struct Live {
    /// Shards that are this replica's.
    pub(crate) held: usize,
    /// Those of them that receive.
    pub(crate) open: usize,
    /// Why nothing is received any more, if that is for good.
    pub(crate) fatal: Option<String>,
}

/// What all shards need.
pub(crate) struct Socket {
    pub(crate) bus: Bus,
    pub(crate) web: Arc<Web>,
    pub(crate) accept: Arc<Accept>,
    pub(crate) token: secrecy::SecretString,
    pub(crate) application: Snowflake,
    /// Address of the gateway, without a slash at its end.
    pub(crate) url: String,
    /// Hosts to which a session may be moved.
    pub(crate) hosts: Hosts,
    pub(crate) shards: u32,
    /// Sessions that may be begun at once.
    pub(crate) concurrency: u32,
    pub(crate) timing: SocketTiming,
    pub(crate) live: watch::Sender<Live>,
    /// Name of this replica.
    pub(crate) name: String,
    pub(crate) handover: Duration,
}

impl Socket {
    /// Changes how the sockets are. What is measured changes with it: shards open and end side by side.
    fn change(&self, change: impl FnOnce(&mut Live)) {
        self.live.send_modify(|live| {
            change(live);
            self.accept.ear.sockets(live.open, live.held);
        });
    }
}

/// Hosts of the gateway.
#[derive(Clone, Debug)]
pub(crate) struct Hosts {
    /// The host of the configured API.
    pub(crate) api: String,
    pub(crate) plain: bool,
}

impl Hosts {
    /// Whether a socket may be opened to this address: at Discord only to Discord's own hosts, elsewhere only to the configured one.
    pub(crate) fn is_ours(&self, url: &str) -> bool {
        let Ok(url) = reqwest::Url::parse(url) else { return false };
        let Some(host) = url.host_str() else { return false };
        let secure = url.scheme() == "wss" || self.plain && url.scheme() == "ws";
        let discord = self.api == "discord.com" && (host == "discord.gg" || host.ends_with(".discord.gg"));
        secure && (host == self.api || discord)
    }
}

/// Holds what shards it gets until `stop`.
pub(crate) async fn run(socket: Arc<Socket>, stop: CancellationToken) {
    let mut keepers = JoinSet::new();
    for number in 0..socket.shards {
        keepers.spawn(keep(socket.clone(), number, stop.clone()));
    }
    while keepers.join_next().await.is_some() {}
}

/// Waits for the lease of one shard, serves while holding it, and so on.
async fn keep(socket: Arc<Socket>, number: u32, stop: CancellationToken) {
    let key = format!("discord.shard.{}.{number}-{}", socket.application, socket.shards);
    while !stop.is_cancelled() {
        let Some(term) = lease::acquire(&socket.bus, &key, &socket.name, socket.handover, &stop).await else {
            return;
        };
        info!(shard = number, of = socket.shards, "this replica holds a session with Discord now");
        socket.change(|live| live.held += 1);
        let fatal = serve(&socket, number, &term, &stop).await;
        socket.change(|live| live.held = live.held.saturating_sub(1));
        term.release().await;
        if let Some(why) = fatal {
            error!(shard = number, why, "Discord ends this for good; the rest of this process goes on");
            socket.change(|live| live.fatal = Some(why));
            return;
        }
    }
}

/// One shard while its lease is ours; why it ended, if that was for good.
async fn serve(socket: &Arc<Socket>, number: u32, term: &Term, stop: &CancellationToken) -> Option<String> {
    let sessions = match Sessions::open(socket, number).await {
        Ok(sessions) => Arc::new(sessions),
        Err(error) => {
            warn!(%error, "how far a session was read cannot be looked up yet");
            stop.run_until_cancelled(tokio::time::sleep(PAUSES.0)).await;
            return None;
        }
    };
    // Each by itself: while the bus is away a position takes long to be written, and people wait for what comes in. They end with this.
    let mut beside = JoinSet::new();
    let (events, handling) = Events::new(socket.accept.clone(), sessions.clone());
    beside.spawn(handling);
    let (keeping, every, lost) = (sessions.clone(), socket.timing.save, term.lost().clone());
    beside.spawn(async move {
        keeping.keep(every).await;
        lost.cancel();
    });
    let identify = Identify::new(socket);
    let mut kept = sessions.known();
    let mut pause = PAUSES.0;
    let id = ShardId::new_checked(number, socket.shards)?;
    let mut hold = Hold::new(&socket.bus, term, stop);
    let fatal = loop {
        if !hold.may_connect() {
            break None;
        }
        let resumes = kept.is_some();
        let mut shard = shard::open(socket, id, kept.take(), identify.clone());
        let end = shard::run(socket, &mut shard, &events, &sessions, &mut hold).await;
        match end {
            End::Fatal(why) => break Some(why),
            End::Stop => {
                // Whoever has the lease by now has the session, too: ours is dropped at once, and without a word.
                if !term.lost().is_cancelled() {
                    events.finish().await;
                    sessions.save().await;
                    shard::hand_over(&mut shard).await;
                }
                break None;
            }
            End::Same => {
                kept = sessions.polled();
                hold.pause(PAUSES.0).await;
            }
            End::New => {
                warn!(
                    resumes,
                    "a session with Discord could not be resumed: what happened meanwhile may be missed"
                );
                sessions.forget().await;
                let rest = pause.mul_f64(rand::random_range(1.0..2.0));
                hold.pause(rest).await;
                pause = (pause * 2).min(PAUSES.1);
            }
        }
        if sessions.polled().is_some() {
            pause = PAUSES.0;
        }
    };
    beside.shutdown().await;
    fatal
}
