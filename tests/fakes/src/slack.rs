//! A strict fake Slack: Web API, Socket Mode, signed requests, `response_url`s. Sources: Slack's documentation of each method,
//! "Using Socket Mode", "Events API", "Rate limits", and what real Slack has been seen to do.

mod api;
mod blocks;
mod chat;
mod deliver;
mod faults;
mod http;
mod people;
mod rates;
mod record;
mod socket;
mod views;
mod world;

use std::{
    net::SocketAddr,
    sync::{Arc, atomic::AtomicU64},
    time::{Duration, Instant},
};

use axum::{
    Router,
    routing::{any, get, post},
};
use parking_lot::{Mutex, MutexGuard};

pub use self::{
    deliver::Asked,
    faults::{Fault, Faults, Opening},
    record::{Ack, Call, Posted, Record, Via},
    socket::CloseHow,
    world::{Group, User, World},
};
use self::{deliver::Pending, rates::Rates, socket::Sockets, views::Addresses};

/// The fake. Cheap to clone; ends with the runtime.
#[derive(Clone)]
pub struct FakeSlack {
    shared: Arc<Shared>,
}

struct Shared {
    address: SocketAddr,
    world: Mutex<World>,
    record: Mutex<Record>,
    faults: Mutex<Faults>,
    sockets: Sockets,
    pending: Mutex<Pending>,
    rates: Mutex<Rates>,
    addresses: Mutex<Addresses>,
    http: Mutex<Option<String>>,
    next: AtomicU64,
}

impl FakeSlack {
    /// Starts on a free port of the loopback.
    pub async fn start(world: World) -> Self {
        // Clients of the tests speak TLS to nobody, but cannot be made without a provider.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let shared = Arc::new(Shared {
            address: listener.local_addr().unwrap(),
            world: Mutex::new(world),
            record: Mutex::default(),
            faults: Mutex::default(),
            sockets: Sockets::default(),
            pending: Mutex::default(),
            rates: Mutex::default(),
            addresses: Mutex::default(),
            http: Mutex::default(),
            next: AtomicU64::new(1),
        });
        let fake = Self { shared };
        let routes = Router::new()
            .route("/api/{method}", any(api::call))
            .route("/link/", get(socket::open))
            .route("/respond/{address}", post(views::respond))
            .route("/upload/{file}", post(views::upload))
            .with_state(fake.clone());
        tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
        fake
    }

    /// Base URL of the Web API.
    #[must_use]
    pub fn api_url(&self) -> String {
        format!("http://{}/api", self.shared.address)
    }

    /// The users, groups, channels and tokens.
    pub fn world(&self) -> MutexGuard<'_, World> {
        self.shared.world.lock()
    }

    /// Everything that happened.
    pub fn record(&self) -> MutexGuard<'_, Record> {
        self.shared.record.lock()
    }

    /// What goes wrong from now on.
    pub fn faults(&self) -> MutexGuard<'_, Faults> {
        self.shared.faults.lock()
    }

    /// How many sockets are open.
    #[must_use]
    pub fn sockets(&self) -> usize {
        self.shared.sockets.count()
    }

    /// What the client did that real Slack would not take or that breaks its rules.
    #[must_use]
    pub fn violations(&self) -> Vec<String> {
        self.record().violations.clone()
    }

    /// Messages of a channel that are there for everybody, oldest first.
    #[must_use]
    pub fn messages(&self, channel: &str) -> Vec<Posted> {
        self.record()
            .posted
            .iter()
            .filter(|one| one.channel == channel && one.only_for.is_none())
            .cloned()
            .collect()
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
                let methods: Vec<&str> = record.calls.iter().map(|call| call.method.as_str()).collect();
                panic!(
                    "not seen in {wait:?}: {what}\nviolations: {:#?}\nposted: {:#?}\nlast calls: {:?}",
                    record.violations,
                    record.posted.iter().rev().take(5).collect::<Vec<_>>(),
                    methods.iter().rev().take(40).collect::<Vec<_>>()
                );
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    fn number(&self) -> u64 {
        self.shared.next.fetch_add(1, std::sync::atomic::Ordering::Relaxed)
    }

    /// A new `ts`: the time, and a number that makes it unique.
    fn ts(&self) -> String {
        let now = jiff::Timestamp::now();
        format!("{}.{:06}", now.as_second(), self.number() % 1_000_000)
    }

    fn violation(&self, what: impl Into<String>) {
        self.record().violations.push(what.into());
    }
}
