//! The gateway as a whole: checks its tokens, opens the way in, and sends.

use std::{sync::Arc, time::Duration};

use adjutant_bus::{actor::Platform, ports::Bus};
use adjutant_gateway::{
    Deliver, Finding, Specs,
    canary::{Canary, Pace, Sightings},
};
use adjutant_metrics::gateway::Ear;
use axum::Router;
use secrecy::SecretString;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::{
    accept::Accept,
    check,
    ingress::{
        http,
        socket::{self, SocketTiming},
    },
    people::People,
    sender::{self, Sender},
    web::{self, Web},
    workspace::{Workspace, Workspaces},
};

/// By which way Slack reaches us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ingress {
    /// Sockets that we open; needs the app-level token.
    Socket,
    /// Requests that Slack signs; needs the signing secret and a public address.
    Http,
}

/// How to be a gateway.
#[derive(Clone, Debug)]
pub struct SlackConfig {
    /// One bot token for each workspace.
    pub bot_tokens: Vec<SecretString>,
    /// The app-level token, for sockets.
    pub app_token: Option<SecretString>,
    /// The signing secret, for HTTP.
    pub signing_secret: Option<SecretString>,
    /// Base URL of the Web API, such as `https://slack.com/api`.
    pub api_url: String,
    /// By which way Slack reaches us.
    pub ingress: Ingress,
    /// The slash command that takes any words, such as `/adjutant`.
    pub command: String,
    /// Name of this replica.
    pub name: String,
    /// After which time without a sign of life another replica sends.
    pub handover: Duration,
    /// How the sockets are kept up.
    pub timing: SocketTiming,
}

/// Whether Slack can reach this replica.
#[derive(Clone, Debug)]
pub struct Health {
    live: watch::Receiver<usize>,
    ingress: Ingress,
}

impl Health {
    /// Whether it can, and what is known about it.
    #[must_use]
    pub fn ready(&self) -> (bool, String) {
        let live = *self.live.borrow();
        match self.ingress {
            Ingress::Http => (true, "takes signed requests".to_owned()),
            Ingress::Socket => (live > 0, format!("{live} of {} sockets are open", socket::SOCKETS)),
        }
    }
}

/// A gateway whose tokens are good.
pub struct Gateway {
    config: SlackConfig,
    bus: Bus,
    workspaces: Arc<Workspaces>,
    accept: Arc<Accept>,
    specs: Specs,
    client: Arc<web::Client>,
    live: watch::Sender<usize>,
    sightings: Sightings,
}

impl Gateway {
    /// Looks at every token and at what depends on it, and reports all of it.
    pub async fn check(config: &SlackConfig) -> Vec<Finding> {
        look(config).await.0
    }

    /// This machine's clock beside Slack's: what Slack signs is good for minutes only.
    pub async fn clock(config: &SlackConfig) -> Finding {
        match web::client(&config.api_url) {
            Ok(_) => check::clock(&config.api_url).await,
            Err(why) => Finding::unseen("clock of Slack", why),
        }
    }

    /// Makes a gateway.
    ///
    /// # Errors
    /// Everything that is wrong with the tokens, and what to do about it.
    pub async fn open(config: SlackConfig, bus: Bus, specs: Specs) -> Result<Self, Vec<Finding>> {
        let (findings, workspaces, client) = look(&config).await;
        for finding in findings.iter().filter(|finding| !finding.ok && !finding.fatal) {
            warn!(what = finding.what, found = finding.found, fix = finding.fix, "Slack works only in part");
        }
        let (false, Some(client)) = (findings.iter().any(|finding| finding.fatal), client) else {
            return Err(findings.into_iter().filter(|finding| finding.fatal).collect());
        };
        let workspaces = Arc::new(Workspaces::new(workspaces));
        for workspace in workspaces.all() {
            info!(team = workspace.team, name = workspace.name, "serving a workspace");
        }
        let accept = Arc::new(Accept {
            workspaces: workspaces.clone(),
            people: People::new(),
            deliver: Arc::new(Deliver::new(bus.clone())),
            ear: Ear::begin("slack"),
            specs: specs.clone(),
            command: config.command.clone(),
        });
        let live = watch::Sender::new(0);
        let sightings = Sightings::default();
        Ok(Self { config, bus, workspaces, accept, specs, client, live, sightings })
    }

    /// The routes that Slack calls, if it reaches us by HTTP.
    #[must_use]
    pub fn router(&self) -> Option<Router> {
        let secret = self.config.signing_secret.clone().filter(|_| self.config.ingress == Ingress::Http)?;
        Some(http::router(self.accept.clone(), secret))
    }

    /// Whether Slack can reach this replica.
    #[must_use]
    pub fn health(&self) -> Health {
        Health { live: self.live.subscribe(), ingress: self.config.ingress }
    }

    /// The workspaces: team id and name.
    #[must_use]
    pub fn describe(&self) -> String {
        let shown: Vec<String> =
            self.workspaces.all().iter().map(|one| format!("{} ({})", one.name, one.team)).collect();
        shown.join(", ")
    }

    /// The canary that goes the way of this gateway.
    #[must_use]
    pub fn canary(&self, pace: Pace) -> Canary {
        let (bus, deliver) = (self.bus.clone(), self.accept.deliver.clone());
        Canary::new(bus, deliver, Platform::Slack, self.config.name.clone(), pace, self.sightings.clone())
    }

    /// Receives and sends until `stop`.
    pub async fn run(&self, stop: CancellationToken) {
        self.accept.warm().await;
        let sender = Sender {
            bus: self.bus.clone(),
            workspaces: self.workspaces.clone(),
            specs: self.specs.clone(),
            name: self.config.name.clone(),
            handover: self.config.handover,
            sightings: self.sightings.clone(),
        };
        let sending = sender::run(sender, stop.clone());
        match (self.config.ingress, &self.config.app_token) {
            (Ingress::Socket, Some(token)) => {
                let web = Web::new(self.client.clone(), token);
                let timing = self.config.timing.clone();
                let receiving =
                    socket::run(web, self.accept.clone(), timing, self.live.clone(), stop.clone());
                tokio::join!(sending, receiving);
            }
            _ => sending.await,
        }
    }
}

async fn look(config: &SlackConfig) -> (Vec<Finding>, Vec<Workspace>, Option<Arc<web::Client>>) {
    let client = match web::client(&config.api_url) {
        Ok(client) => client,
        Err(why) => {
            let fix = "Set slack.api_url to https://slack.com/api.";
            return (vec![Finding::bad("address", true, why, fix)], Vec::new(), None);
        }
    };
    // Side by side: a Slack that does not answer is waited for once.
    let ((mut findings, workspaces), way) =
        tokio::join!(workspaces(config, &client), way_in(config, &client));
    findings.extend(way);
    (findings, workspaces, Some(client))
}

/// The workspaces that the bot tokens are for.
async fn workspaces(config: &SlackConfig, client: &Arc<web::Client>) -> (Vec<Finding>, Vec<Workspace>) {
    const WHAT: &str = "bot token";
    let mut findings = Vec::new();
    let mut workspaces: Vec<Workspace> = Vec::new();
    if config.bot_tokens.is_empty() {
        let fix = "Copy it from the app's OAuth & Permissions page.";
        findings.push(Finding::bad(WHAT, true, "slack.bot_token is not set", fix));
    }
    for token in &config.bot_tokens {
        let Some(found) = check::workspace(client, &config.api_url, token, &mut findings).await else {
            continue;
        };
        if workspaces.iter().any(|known| known.team == found.team) {
            let told = format!("two tokens are for the same workspace, {} ({})", found.name, found.team);
            findings.push(Finding::bad(WHAT, true, told, "Keep one of them in slack.bot_token."));
        } else {
            check::groups(&found, &mut findings).await;
            workspaces.push(found);
        }
    }
    (findings, workspaces)
}

/// What the way needs by which Slack reaches us.
async fn way_in(config: &SlackConfig, client: &Arc<web::Client>) -> Vec<Finding> {
    let mut findings = Vec::new();
    match (config.ingress, &config.app_token) {
        (Ingress::Socket, Some(token)) => {
            check::app_token(client, token, &mut findings).await;
        }
        (Ingress::Socket, None) => {
            let fix = "Create one with the scope connections:write on the app's Basic Information page, or use slack.ingress = \"http\".";
            findings.push(Finding::bad("app-level token", true, "slack.app_token is not set", fix));
        }
        (Ingress::Http, _) if config.signing_secret.is_none() => {
            let fix = "Copy it from the app's Basic Information page, or use slack.ingress = \"socket\".";
            findings.push(Finding::bad("signing secret", true, "slack.signing_secret is not set", fix));
        }
        (Ingress::Http, _) => {}
    }
    findings
}
