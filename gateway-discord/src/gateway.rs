//! The gateway as a whole: checks its settings, opens the way in, and sends.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use adjutant_bus::{actor::Platform, ports::Bus, spec::CommandSpec};
use adjutant_gateway::{
    Deliver, Finding, Specs,
    canary::{Canary, Pace, Sightings},
};
use adjutant_metrics::gateway::Ear;
use axum::Router;
use secrecy::SecretString;
use serde_json::Value;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::{
    accept::Accept,
    answered::Answered,
    channels::Channels,
    check::{self, Known},
    commands::Registered,
    early::Early,
    ingress::{
        http,
        socket::{self, Hosts, Live, Socket, SocketTiming},
    },
    invite::invite,
    people::Trusted,
    sender::{self, Sender},
    snowflake::Snowflake,
    web::Web,
};

/// Most shards that are served; more is another kind of deployment.
const SHARDS: u64 = 64;

/// By which way Discord reaches us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ingress {
    /// A socket that we open.
    Gateway,
    /// Interactions that Discord posts and signs; needs the public key and a public address. Messages do not come this way.
    Http,
}

/// How to be a gateway.
#[derive(Clone, Debug)]
pub struct DiscordConfig {
    /// The bot token.
    pub bot_token: Option<SecretString>,
    /// Id of the application; none: the token's own.
    pub application_id: Option<String>,
    /// The key by which posted interactions are verified, hexadecimal.
    pub public_key: Option<String>,
    /// Base URL of the HTTP API, such as `https://discord.com/api`. The token is sent to no other host.
    pub api_url: String,
    /// By which way Discord reaches us.
    pub ingress: Ingress,
    /// Ids of the guilds whose roles count.
    pub trusted_guilds: BTreeSet<String>,
    /// Where application commands are registered.
    pub registered: Registered,
    /// How long an interaction waits for its result before it is deferred.
    pub wait: Duration,
    /// Name of this replica.
    pub name: String,
    /// After which time without a sign of life another replica takes over.
    pub handover: Duration,
    /// How the sockets are kept up.
    pub timing: SocketTiming,
}

/// Whether Discord can reach this replica.
#[derive(Clone)]
pub struct Health {
    web: Arc<Web>,
    live: watch::Receiver<Live>,
    ingress: Ingress,
}

impl Health {
    /// Whether it can, and what is known about it.
    #[must_use]
    pub fn ready(&self) -> (bool, String) {
        let live = self.live.borrow();
        if self.web.is_unauthorized() {
            return (false, "Discord refuses the bot token".to_owned());
        }
        match (self.ingress, &live.fatal) {
            (_, Some(why)) => (false, why.clone()),
            (Ingress::Http, None) => (true, "takes signed interactions".to_owned()),
            (Ingress::Gateway, None) if live.held == 0 => (true, "stands by for another replica".to_owned()),
            (Ingress::Gateway, None) => {
                (live.open >= live.held, format!("{} of {} sessions are open", live.open, live.held))
            }
        }
    }
}

/// A gateway whose settings are good.
pub struct Gateway {
    config: DiscordConfig,
    bus: Bus,
    name: String,
    accept: Arc<Accept>,
    answered: Answered,
    specs: Specs,
    socket: Option<Arc<Socket>>,
    live: watch::Sender<Live>,
    sightings: Sightings,
}

impl Gateway {
    /// Looks at every setting and at what depends on it, and reports all of it.
    pub async fn check(config: &DiscordConfig) -> Vec<Finding> {
        check::look(config).await.0
    }

    /// This machine's clock beside Discord's.
    pub async fn clock(config: &DiscordConfig) -> Finding {
        check::clock(config).await
    }

    /// Whether Discord has the application commands of these commands. The gateway registers them; nothing is registered here.
    pub async fn registered(config: &DiscordConfig, specs: &[CommandSpec]) -> Vec<Finding> {
        check::registered(config, specs).await
    }

    /// The link by which the bot that the token belongs to is invited.
    ///
    /// # Errors
    /// What is wrong with the settings.
    pub async fn invite(config: &DiscordConfig) -> Result<String, Vec<Finding>> {
        match check::look(config).await {
            (_, Some(known)) => Ok(invite(&known.us.application.to_string()).unwrap_or_default()),
            (findings, None) => Err(findings.into_iter().filter(|finding| finding.fatal).collect()),
        }
    }

    /// Makes a gateway.
    ///
    /// # Errors
    /// Everything that is wrong with the settings, and what to do about it.
    pub async fn open(config: DiscordConfig, bus: Bus, specs: Specs) -> Result<Self, Vec<Finding>> {
        let (findings, known) = check::look(&config).await;
        for finding in findings.iter().filter(|finding| !finding.ok && !finding.fatal) {
            warn!(
                what = finding.what,
                found = finding.found,
                fix = finding.fix,
                "Discord works only in part"
            );
        }
        let (false, Some(known)) = (findings.iter().any(|finding| finding.fatal), known) else {
            return Err(findings.into_iter().filter(|finding| finding.fatal).collect());
        };
        let Known { web, us, name, gateway } = known;
        info!(bot = name, application = %us.application, "serving Discord");
        let web = Arc::new(web);
        let answered = Answered::new(bus.clone());
        let accept = Arc::new(Accept {
            us,
            trusted: Trusted(config.trusted_guilds.iter().filter_map(|id| Snowflake::parse(id)).collect()),
            specs: specs.clone(),
            deliver: Arc::new(Deliver::new(bus.clone())),
            ear: Ear::begin("discord"),
            early: Early::default(),
            answered: answered.clone(),
            channels: Channels::new(web.clone()),
            web: web.clone(),
            wait: config.wait,
        });
        let live = watch::Sender::new(Live::default());
        let socket = match config.ingress {
            Ingress::Http => None,
            Ingress::Gateway => {
                let (host, plain) = web.host();
                let hosts = Hosts { api: host.to_owned(), plain };
                Some(Arc::new(socket_of(&config, &bus, &accept, &gateway, hosts, live.clone())?))
            }
        };
        let sightings = Sightings::default();
        Ok(Self { config, bus, name, accept, answered, specs, socket, live, sightings })
    }

    /// The routes that Discord calls, if it reaches us by HTTP.
    #[must_use]
    pub fn router(&self) -> Option<Router> {
        let key = self.config.public_key.as_ref().filter(|_| self.config.ingress == Ingress::Http)?;
        Some(http::router(self.accept.clone(), http::verifier(key).ok()?))
    }

    /// Whether Discord can reach this replica.
    #[must_use]
    pub fn health(&self) -> Health {
        Health { web: self.accept.web.clone(), live: self.live.subscribe(), ingress: self.config.ingress }
    }

    /// The bot, and where its roles count.
    #[must_use]
    pub fn describe(&self) -> String {
        let trusted = self.config.trusted_guilds.len();
        let guilds = if trusted == 1 { "1 guild".to_owned() } else { format!("{trusted} guilds") };
        format!("{}, roles count in {guilds}", self.name)
    }

    /// The canary that goes the way of this gateway.
    #[must_use]
    pub fn canary(&self, pace: Pace) -> Canary {
        let (bus, deliver) = (self.bus.clone(), self.accept.deliver.clone());
        Canary::new(bus, deliver, Platform::Discord, self.config.name.clone(), pace, self.sightings.clone())
    }

    /// Receives and sends until `stop`.
    pub async fn run(&self, stop: CancellationToken) {
        let sender = Sender {
            bus: self.bus.clone(),
            web: self.accept.web.clone(),
            us: self.accept.us,
            specs: self.specs.clone(),
            answered: self.answered.clone(),
            registered: self.config.registered,
            guilds: self.accept.trusted.clone(),
            name: self.config.name.clone(),
            handover: self.config.handover,
            sightings: self.sightings.clone(),
        };
        let sending = sender::run(sender, stop.clone());
        let early = self.accept.early.clone().run(self.bus.clone(), stop.clone());
        let receiving = async {
            if let Some(socket) = self.socket.clone() {
                socket::run(socket, stop.clone()).await;
            }
        };
        tokio::join!(sending, early, receiving);
    }
}

fn socket_of(
    config: &DiscordConfig,
    bus: &Bus,
    accept: &Arc<Accept>,
    gateway: &Value,
    hosts: Hosts,
    live: watch::Sender<Live>,
) -> Result<Socket, Vec<Finding>> {
    let url = gateway.get("url").and_then(Value::as_str).unwrap_or_default().trim_end_matches('/').to_owned();
    let shards = gateway.get("shards").and_then(Value::as_u64).unwrap_or(1).max(1);
    let wrong = |found: String, fix: &str| vec![Finding::bad("gateway", true, found, fix)];
    if !hosts.is_ours(&url) {
        return Err(wrong(
            "the address of the gateway is on a foreign host".to_owned(),
            "Check discord.api_url.",
        ));
    }
    if shards > SHARDS {
        let fix = "Run several applications, each with a bus of its own; see docs/discord.md.";
        return Err(wrong(format!("the bot needs {shards} shards, {SHARDS} are served"), fix));
    }
    let concurrency = gateway.pointer("/session_start_limit/max_concurrency").and_then(Value::as_u64);
    Ok(Socket {
        bus: bus.clone(),
        web: accept.web.clone(),
        accept: accept.clone(),
        token: config.bot_token.clone().unwrap_or_default(),
        application: accept.us.application,
        url,
        hosts,
        shards: u32::try_from(shards).unwrap_or(1),
        concurrency: concurrency.and_then(|n| u32::try_from(n).ok()).unwrap_or(1),
        timing: config.timing.clone(),
        live,
        name: config.name.clone(),
        handover: config.handover,
    })
}
