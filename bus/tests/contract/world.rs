//! A bus to test: in memory, or on a server of its own with a folder of its own.

use std::{path::PathBuf, sync::Arc, time::Duration};

use adjutant_bus::{
    actor::{Actor, Membership, Platform, Standing, Tenant},
    event::{Event, Fact, Invocation, Opening},
    id::{RequestId, Token},
    memory::Memory,
    open::{BusConfig, BusUrl, Opened, Role, Tls, open},
    place::Place,
    ports::{Bus, Limits},
    request::Request,
    spec::Effect,
    subject::{JournalKey, Origin},
    wire::Version,
};
use jiff::Timestamp;
use tempfile::TempDir;

/// How long a test waits for something that must come.
pub const SOON: Duration = Duration::from_secs(20);

/// A bus to test.
#[derive(Clone)]
pub struct World {
    pub bus: Bus,
    /// For what a worker of ours would do besides.
    pub console: Bus,
    pub demo: Bus,
    pub api: Bus,
    memory: Option<Memory>,
    server: Option<Arc<(Opened, TempDir)>>,
}

/// Limits that a test can wait for.
pub fn limits() -> Limits {
    Limits {
        lease: Duration::from_secs(1),
        duplicate_window: Duration::from_secs(120),
        queue_per_origin: 20,
        exchange: Duration::from_secs(2),
        presence: Duration::from_secs(1),
        leases: Duration::from_secs(1),
    }
}

/// What is measured under this name and these labels, as written. Tests of one process share it: it can only be told whether it rises.
pub fn figure(series: &str) -> f64 {
    let text = adjutant_metrics::text();
    let found = text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' ')?.parse().ok());
    found.unwrap_or_default()
}

/// The server that tests start: the one on `PATH`, else the one that the set-up put beside the sources.
pub fn binary() -> Option<PathBuf> {
    let tools = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../.tools/nats-server");
    tools.is_file().then_some(tools)
}

pub async fn memory() -> World {
    let memory = Memory::new(&limits());
    World {
        bus: memory.role(Role::Worker),
        console: memory.role(Role::Console),
        demo: memory.role(Role::Demo),
        api: memory.role(Role::Api),
        memory: Some(memory),
        server: None,
    }
}

pub fn config(dir: &TempDir) -> BusConfig {
    BusConfig {
        url: BusUrl::Child,
        data_dir: dir.path().to_owned(),
        nats_server: binary(),
        user: None,
        password: None,
        credentials_file: None,
        nkey_file: None,
        tls: Tls::default(),
        replicas: 1,
        limits: limits(),
        start_child: true,
    }
}

pub async fn nats() -> World {
    let dir = tempfile::tempdir().unwrap();
    let opened = open(&config(&dir)).await.expect("a nats-server: run ./dev setup");
    let bus = opened.role(Role::Worker).await.unwrap();
    let admin = opened.role(Role::Admin).await.unwrap();
    let demo = opened.role(Role::Demo).await.unwrap();
    let api = opened.role(Role::Api).await.unwrap();
    // What a gateway does and what a worker does, each with its own rights: a bus put together of both.
    let console = opened.role(Role::Console).await.unwrap();
    let bus = Bus { store: admin.store.clone(), ..bus };
    World { bus, console, demo, api, memory: None, server: Some(Arc::new((opened, dir))) }
}

impl World {
    /// Each dead letter's payload and reason.
    pub async fn dead_letters(&self) -> Vec<(Vec<u8>, String)> {
        if let Some(memory) = &self.memory {
            return memory.dead_letters().into_iter().map(|d| (d.payload.to_vec(), d.reason)).collect();
        }
        let (opened, _) = &**self.server.as_ref().unwrap();
        opened.dead_letters(100).await.unwrap().into_iter().map(|(p, r)| (p.to_vec(), r)).collect()
    }

    /// The bus as a role has it, with its rights.
    pub async fn role(&self, role: Role) -> Bus {
        match &self.memory {
            Some(memory) => memory.role(role),
            None => self.opened().role(role).await.unwrap(),
        }
    }

    pub fn opened(&self) -> &Opened {
        &self.server.as_ref().unwrap().0
    }

    pub async fn stop(self) {
        let server = self.server.clone();
        drop(self);
        if let Some((opened, _dir)) = server.and_then(Arc::into_inner) {
            opened.stop().await;
        }
    }
}

pub fn origin(tenant: &str) -> Origin {
    Origin::new(Platform::Console, &Tenant::new(tenant))
}

pub fn request(event: &str) -> Request {
    let tenant = Tenant::new("local");
    Request {
        v: Version,
        id: RequestId::derive(Platform::Console, &tenant, event),
        actor: Actor {
            platform: Platform::Console,
            tenant: tenant.clone(),
            user: "ana".to_owned(),
            label: "Ana".to_owned(),
            standing: Standing::Member,
        },
        groups: Membership::known(Vec::new()),
        place: Place {
            platform: Platform::Console,
            tenant,
            channel: "terminal".to_owned(),
            thread: None,
            private: true,
            answer: None,
        },
        text: "ping".to_owned(),
        raw: None,
        received_at: Timestamp::UNIX_EPOCH,
        expires_at: None,
    }
}

pub fn key(request: &Request) -> JournalKey {
    JournalKey { origin: Origin::of(&request.actor), request: request.id }
}

/// The event of this number; the first one opens the journal.
pub fn event(request: &Request, number: u32, token: &Token, fact: Fact) -> Event {
    let invocation = Invocation {
        path: "ping".parse().unwrap(),
        arguments: std::collections::BTreeMap::new(),
        canonical: "ping".to_owned(),
        effect: Effect::Read,
    };
    let opening = Opening {
        request: request.clone(),
        invocation: Some(invocation),
        authorization: None,
        message_sequence: 1,
    };
    Event {
        v: Version,
        number,
        at: Timestamp::UNIX_EPOCH,
        token: token.clone(),
        opening: (number == 1).then(|| Box::new(opening)),
        fact,
    }
}

/// What comes within the time that a test waits.
pub async fn soon<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(SOON, what).await.expect("it must come soon")
}
