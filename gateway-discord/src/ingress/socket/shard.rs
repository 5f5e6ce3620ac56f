//! One connection after another of a shard. The library reconnects and resumes; this adds what it does not do: a watch over silence,
//! pauses between connections that bring nothing, a new session where resuming is refused for good, and a look at where a session
//! would be moved to. Source of the codes: Discord, "Gateway Close Event Codes".

use std::time::Duration;

use futures::StreamExt;
use secrecy::ExposeSecret;
use tokio::time::{Instant, timeout};
use tracing::{info, warn};
use twilight_gateway::{CloseFrame, ConfigBuilder, Message, Session, Shard, ShardId, ShardState};

use super::{INTENTS, Kept, Socket, events::Events, hold::Hold, identify::Identify, session::Sessions};
use crate::payload::{Frame, Ready};

/// Connections that bring nothing before a session is given up.
const FRUITLESS: u32 = 3;
/// Longest pause between two of them.
const LONGEST: Duration = Duration::from_secs(60);
/// How long the socket may take to close.
const CLOSING: Duration = Duration::from_secs(1);

/// Why a shard is not polled any more.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum End {
    /// For good, for this reason.
    Fatal(String),
    /// The session is over: begin a new one.
    New,
    /// The session may live; the connection does not.
    Same,
    /// We were told to stop, or the lease is lost.
    Stop,
}

/// A shard that will begin a session, or resume this one.
pub(super) fn open(socket: &Socket, id: ShardId, kept: Option<Kept>, queue: Identify) -> Shard<Identify> {
    let mut config = ConfigBuilder::new(socket.token.expose_secret().to_owned(), INTENTS)
        .proxy_url(socket.url.clone())
        .queue(queue);
    if let Some(kept) = kept {
        info!(shard = id.number(), sequence = kept.sequence, "resuming a session with Discord");
        config = config.session(Session::new(kept.sequence, kept.id)).resume_url(kept.url);
    }
    Shard::with_config(id, config.build())
}

/// Counts a shard as receiving for as long as it does.
struct Open<'a>(&'a Socket, bool);

impl Open<'_> {
    fn set(&mut self, open: bool) {
        if self.1 != open {
            self.1 = open;
            self.0.change(|live| {
                live.open = if open { live.open + 1 } else { live.open.saturating_sub(1) };
            });
        }
    }
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.set(false);
    }
}

/// Polls until the session is over, or something else ends it.
pub(super) async fn run(
    socket: &Socket,
    shard: &mut Shard<Identify>,
    events: &Events,
    sessions: &Sessions,
    hold: &mut Hold<'_>,
) -> End {
    hold.connected = false;
    let (mut fruitless, mut code) = (0_u32, None);
    let mut live = Open(socket, false);
    loop {
        let patience = if hold.connected { socket.timing.silence } else { socket.timing.hello };
        let next = tokio::select! {
            biased;
            () = hold.over() => return End::Stop,
            next = timeout(patience, shard.next()) => next,
        };
        let item = match next {
            // The library waits for its turn, or between its own tries.
            Err(_) if matches!(shard.state(), ShardState::Disconnected { .. }) => continue,
            Err(_) if waits_to_identify(shard, hold.connected) => continue,
            Err(_) => {
                warn!("the gateway went silent");
                return End::Same;
            }
            // Polling once more would panic.
            Ok(None) => return End::Fatal(reason(code)),
            Ok(Some(item)) => item,
        };
        match item {
            Ok(Message::Text(text)) => {
                socket.accept.ear.heard();
                let frame: Frame = serde_json::from_str(&text).unwrap_or_default();
                if frame.op == Some(10) {
                    (hold.connected, code) = (true, None);
                    if !hold.unless_over(events.connected()).await {
                        return End::Stop;
                    }
                }
                // Before the next poll, which would connect to it.
                if shard.resume_url().is_some_and(|url| !socket.hosts.is_ours(url)) {
                    return End::Fatal(
                        "the gateway names a foreign host to resume at; nothing is sent there".to_owned(),
                    );
                }
                if let (Some(0), Some(kind), Some(sequence)) = (frame.op, frame.t.as_deref(), frame.s) {
                    match kind {
                        "READY" => {
                            let ready: Ready = serde_json::from_value(frame.d.clone()).unwrap_or_default();
                            let (Some(id), Some(url)) = (ready.session_id, ready.resume_gateway_url) else {
                                warn!("the gateway begins a session without saying which");
                                return End::New;
                            };
                            sessions.begin(id, url);
                            info!(guilds = ready.guilds.len(), "a session with Discord has begun");
                        }
                        "RESUMED" => info!("a session with Discord goes on"),
                        _ => {}
                    }
                    if matches!(kind, "READY" | "RESUMED") {
                        fruitless = 0;
                        live.set(true);
                    }
                    let ticket = sessions.received(sequence);
                    if !hold.unless_over(events.take(ticket, frame)).await {
                        return End::Stop;
                    }
                }
            }
            Ok(Message::Close(close)) => code = close.map(|close| close.code),
            // A `READY` that cannot be read: no session would ever come of it. The error's own text holds the whole frame.
            Err(_) if waits_to_identify(shard, hold.connected) => {
                warn!("the beginning of a session cannot be read");
                return End::New;
            }
            Err(_) => {}
        }
        if hold.connected && matches!(shard.state(), ShardState::Disconnected { .. }) {
            live.set(false);
            (hold.connected, fruitless) = (false, fruitless + 1);
            info!(code, "the connection to the gateway has ended");
            if !hold.may_connect() {
                return End::Stop;
            }
            if matches!(code, Some(4007 | 4009)) || fruitless > FRUITLESS {
                return End::New;
            }
            if let Some(code) = code.filter(|code| is_fatal(*code)) {
                return End::Fatal(reason(Some(code)));
            }
            if fruitless > 1 {
                let rest = Duration::from_secs(1 << fruitless.min(6)).min(LONGEST);
                let rest = rest.mul_f64(rand::random_range(0.75..1.25));
                hold.pause(rest).await;
            }
        }
    }
}

/// Connected, and the budget or the turn to begin a session is not there yet: nothing comes then but heartbeats.
fn waits_to_identify(shard: &Shard<Identify>, connected: bool) -> bool {
    connected && matches!(shard.state(), ShardState::Identifying)
}

/// Closes the socket so that the session lives on for whoever resumes it.
pub(super) async fn hand_over(shard: &mut Shard<Identify>) {
    shard.close(CloseFrame::RESUME);
    let until = Instant::now() + CLOSING;
    while let Ok(Some(item)) = tokio::time::timeout_at(until, shard.next()).await {
        let reconnected =
            |text: &str| serde_json::from_str::<Frame>(text).is_ok_and(|frame| frame.op == Some(10));
        match item {
            Ok(Message::Close(_)) => return,
            Ok(Message::Text(text)) if reconnected(&text) => return,
            Ok(Message::Text(_)) | Err(_) => {}
        }
    }
}

/// Codes after which connecting again would meet the same. 4003 is among them: it says that we spoke before we were known, and
/// trying again would use up the day's budget.
const fn is_fatal(code: u16) -> bool {
    matches!(code, 4003 | 4004 | 4010..=4014)
}

fn reason(code: Option<u16>) -> String {
    let told = match code {
        Some(4003) => "the session was not authenticated; this is a fault of Adjutant's",
        Some(4004) => {
            "the bot token is wrong or was reset: copy it again from the app's Bot page into discord.bot_token"
        }
        Some(4010) => "the shard is none of this bot's; this is a fault of Adjutant's",
        Some(4011) => {
            "the bot is in too many guilds for the shards it has; restart, so that Discord is asked how many it needs"
        }
        Some(4012) => "this version of the gateway is not served any more: a newer Adjutant is needed",
        Some(4013) => "the intents are not valid; this is a fault of Adjutant's",
        Some(4014) => {
            "the intents are not allowed for this app: look at Privileged Gateway Intents on the app's Bot page"
        }
        _ => "the gateway ended the session without saying why",
    };
    let code = code.map(|code| format!(" (close code {code})")).unwrap_or_default();
    format!("{told}{code}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fatal_code_says_what_to_do() {
        for code in [4003, 4004, 4010, 4011, 4012, 4013, 4014] {
            assert!(is_fatal(code) && !reason(Some(code)).contains("without saying why"), "{code}");
        }
        for code in [1000, 1001, 1006, 4000, 4001, 4002, 4005, 4007, 4008, 4009] {
            assert!(!is_fatal(code), "{code}");
        }
    }
}
