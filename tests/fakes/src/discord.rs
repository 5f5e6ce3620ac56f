//! A strict fake Discord: REST API v10, the gateway socket, interactions by both ways. Sources: Discord's documentation, its
//! OpenAPI, and what real Discord has been seen to do.

mod asked;
mod callbacks;
mod commands;
mod deliver;
mod faults;
mod gateway;
mod handshake;
mod http;
mod interactions;
mod limits;
mod lookups;
mod messages;
mod multipart;
mod record;
mod reply;
mod rest;
mod routes;
mod schema;
mod sessions;
mod threads;
mod throttle;
mod webhooks;
mod world;

use std::{
    net::SocketAddr,
    sync::{Arc, atomic::AtomicU64, atomic::Ordering},
    time::{Duration, Instant},
};

use axum::{Router, extract::DefaultBodyLimit, routing::any, serve::ListenerExt};
use parking_lot::{Mutex, MutexGuard};

pub use self::{
    asked::Asked,
    faults::{Faults, GatewayUrl, Greeting, Rate, Rates, Refusal, RestFault, ResumeUrl, Scope, Switch},
    http::Signing,
    record::{Call, Callback, Closed, File, Identify, Posted, Record, Resume, Via},
    world::{
        Access, Channel, GUILD_MEMBERS, GUILD_PRESENCES, Guild, MESSAGE_CONTENT, Role, StartLimit, User,
        World,
    },
};
use self::{callbacks::Interactions, sessions::Sessions, throttle::Throttle};

/// Largest body that is read.
const LARGEST_BODY: usize = 26 * 1024 * 1024;
/// Discord's year zero, in milliseconds.
const EPOCH: u64 = 1_420_070_400_000;

/// The fake. Cheap to clone; ends with the runtime.
#[derive(Clone)]
pub struct FakeDiscord {
    shared: Arc<Shared>,
}

struct Shared {
    address: SocketAddr,
    /// A second port, for sockets that resume.
    resume_address: SocketAddr,
    world: Mutex<World>,
    record: Mutex<Record>,
    faults: Mutex<Faults>,
    sessions: Mutex<Sessions>,
    interactions: Mutex<Interactions>,
    throttle: Mutex<Throttle>,
    /// Where interactions go instead of sockets.
    http: Mutex<Option<String>>,
    last_id: AtomicU64,
}

impl FakeDiscord {
    /// Starts on two free ports of the loopback.
    ///
    /// # Panics
    /// When there is no free port.
    pub async fn start(world: World) -> Self {
        // Clients of the tests speak TLS to nobody, but cannot be made without a provider.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let resumes = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let shared = Arc::new(Shared {
            address: listener.local_addr().unwrap(),
            resume_address: resumes.local_addr().unwrap(),
            world: Mutex::new(world),
            record: Mutex::default(),
            faults: Mutex::default(),
            sessions: Mutex::default(),
            interactions: Mutex::default(),
            throttle: Mutex::default(),
            http: Mutex::default(),
            last_id: AtomicU64::new(0),
        });
        let fake = Self { shared };
        let sockets = Router::new()
            .route("/gateway", any(gateway::open))
            .route("/gateway/", any(gateway::open))
            .route("/gateway/resume", any(gateway::open))
            .route("/gateway/resume/", any(gateway::open));
        let routes = sockets
            .clone()
            .fallback(rest::call)
            .layer(DefaultBodyLimit::max(LARGEST_BODY))
            .with_state(fake.clone());
        let resume_routes = sockets.route("/", any(gateway::open)).with_state(fake.clone());
        // As Discord does: without it events that follow one another wait for the client's delayed acknowledgements.
        let at_once = |stream: &mut tokio::net::TcpStream| {
            let _ = stream.set_nodelay(true);
        };
        let (listener, resumes) = (listener.tap_io(at_once), resumes.tap_io(at_once));
        tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
        tokio::spawn(async move { axum::serve(resumes, resume_routes).await.unwrap() });
        fake
    }

    /// Base URL of the REST API, without its version.
    #[must_use]
    pub fn api_url(&self) -> String {
        format!("http://{}/api", self.shared.address)
    }

    /// Address of the gateway socket, as `GET /gateway/bot` names it.
    #[must_use]
    pub fn gateway_url(&self) -> String {
        format!("ws://{}/gateway", self.shared.address)
    }

    /// The users, guilds, channels and the token.
    pub fn world(&self) -> MutexGuard<'_, World> {
        held(&self.shared.world)
    }

    /// Everything that happened.
    pub fn record(&self) -> MutexGuard<'_, Record> {
        held(&self.shared.record)
    }

    /// What goes wrong from now on.
    pub fn faults(&self) -> MutexGuard<'_, Faults> {
        held(&self.shared.faults)
    }

    /// How many sockets are open.
    #[must_use]
    pub fn sockets(&self) -> usize {
        self.shared.sessions.lock().sockets()
    }

    /// What the client did that real Discord would not take or that breaks its rules.
    #[must_use]
    pub fn violations(&self) -> Vec<String> {
        self.record().violations.clone()
    }

    /// The bot's messages in a channel that are there for everybody, oldest first.
    #[must_use]
    pub fn messages(&self, channel: &str) -> Vec<Posted> {
        let record = self.record();
        record.posted.iter().filter(|one| one.channel == channel && one.only_for.is_none()).cloned().collect()
    }

    /// Ephemeral messages for a user, oldest first.
    #[must_use]
    pub fn ephemerals(&self, user: &str) -> Vec<Posted> {
        self.record().posted.iter().filter(|one| one.only_for.as_deref() == Some(user)).cloned().collect()
    }

    /// Waits until `found` finds something.
    ///
    /// # Panics
    /// When it does not in time, with what was recorded.
    pub async fn until<T>(&self, what: &str, wait: Duration, mut found: impl FnMut(&Self) -> Option<T>) -> T {
        let end = Instant::now() + wait;
        loop {
            if let Some(found) = found(self) {
                return found;
            }
            if Instant::now() > end {
                let record = self.record();
                let calls = record.calls.iter().rev().take(40);
                let calls: Vec<_> =
                    calls.map(|call| format!("{} {} {}", call.method, call.path, call.status)).collect();
                panic!(
                    "not seen in {wait:?}: {what}\nviolations: {:#?}\nposted: {:#?}\ncallbacks: {:#?}\nidentifies: {}, \
                     resumes: {}, closes: {:?}\nlast calls: {calls:#?}",
                    record.violations,
                    record.posted.iter().rev().take(5).collect::<Vec<_>>(),
                    record.callbacks.iter().rev().take(5).collect::<Vec<_>>(),
                    record.identifies.len(),
                    record.resumes.len(),
                    record.closes.iter().rev().take(5).collect::<Vec<_>>(),
                );
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// A new snowflake: the time, and a number that makes it unique.
    fn id(&self) -> String {
        let now = u64::try_from(jiff::Timestamp::now().as_millisecond()).unwrap();
        let now = now.saturating_sub(EPOCH) << 22;
        let next = |last: u64| Some(now.max(last + 1));
        let last = self.shared.last_id.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next).unwrap();
        now.max(last + 1).to_string()
    }

    fn violation(&self, what: impl Into<String>) {
        self.record().violations.push(what.into());
    }

    fn fault(&self, what: impl Into<String>) {
        self.record().faults.push(what.into());
    }
}

/// Locks, and tells of a test that looks at the same thing twice in one expression.
fn held<T>(what: &Mutex<T>) -> MutexGuard<'_, T> {
    what.try_lock_for(Duration::from_secs(20)).expect("a guard is held: take what you need out of it first")
}
