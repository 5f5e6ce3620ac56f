//! The configuration as the roles read it, one struct for each section.

use std::{collections::BTreeMap, path::PathBuf, str::FromStr};

use secrecy::SecretString;
use serde::Deserialize;

/// Everything that can be configured.
#[derive(Debug, Deserialize)]
pub(crate) struct Config {
    pub(crate) data_dir: PathBuf,
    pub(crate) bus: Bus,
    pub(crate) worker: Worker,
    pub(crate) policy: Policy,
    pub(crate) console: Console,
    pub(crate) http: Http,
    pub(crate) metrics: Metrics,
    pub(crate) canary: Canary,
    pub(crate) traces: Traces,
    pub(crate) api: Api,
    pub(crate) audit: Audit,
    pub(crate) slack: Slack,
    pub(crate) discord: Discord,
    pub(crate) demo: Demo,
    pub(crate) log: Log,
    /// Every value as shown, secrets redacted: for the record.
    #[serde(skip)]
    pub(crate) effective: serde_json::Map<String, serde_json::Value>,
}

impl Config {
    /// Where members are trusted: as policy says, and the guilds that the Discord gateway trusts.
    pub(crate) fn trusted_homes(&self) -> Vec<String> {
        let guilds = self.discord.trusted_guilds.iter().map(|guild| format!("discord:{guild}"));
        let mut homes: Vec<String> = self.policy.trusted_homes.iter().cloned().chain(guilds).collect();
        homes.sort();
        homes.dedup();
        homes
    }
}

/// Which bus, and as whom.
#[derive(Debug, Deserialize)]
pub(crate) struct Bus {
    pub(crate) url: String,
    pub(crate) user: String,
    pub(crate) password: SecretString,
    pub(crate) credentials_file: String,
    pub(crate) nkey_file: String,
    pub(crate) ca_file: String,
    pub(crate) certificate_file: String,
    pub(crate) key_file: String,
    pub(crate) replicas: u8,
    pub(crate) nats_server: String,
    pub(crate) lease_seconds: u64,
}

/// How a worker works.
#[derive(Debug, Deserialize)]
pub(crate) struct Worker {
    pub(crate) name: String,
    pub(crate) slots: u16,
    pub(crate) grace_seconds: u64,
}

/// Where the policy comes from.
#[derive(Debug, Deserialize)]
pub(crate) struct Policy {
    pub(crate) source: PolicySource,
    pub(crate) poll_seconds: u64,
    pub(crate) own_model: bool,
    pub(crate) trusted_homes: Vec<String>,
}

/// Where the policy comes from: `auto`, `bus`, `shipped`, or `dir:` and a folder.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) enum PolicySource {
    /// What is published, on a NATS server of one's own; else the folder `./policies`; else what ships in the program.
    Auto,
    /// What is published on the bus.
    Bus,
    /// What ships in the program.
    Shipped,
    /// The files in a folder.
    Folder(PathBuf),
}

impl FromStr for PolicySource {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "auto" => Ok(Self::Auto),
            "bus" => Ok(Self::Bus),
            "shipped" => Ok(Self::Shipped),
            text => match text.strip_prefix("dir:") {
                Some(folder) if !folder.is_empty() => Ok(Self::Folder(folder.into())),
                _ => Err(format!("`{text}` is none of auto, bus, shipped, dir:FOLDER")),
            },
        }
    }
}

impl TryFrom<String> for PolicySource {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

/// The terminal as a chat.
#[derive(Debug, Deserialize)]
pub(crate) struct Console {
    pub(crate) tenant: String,
    pub(crate) user: String,
    pub(crate) users: BTreeMap<String, User>,
}

/// What the console knows of one user.
#[derive(Debug, Deserialize)]
pub(crate) struct User {
    pub(crate) groups: Vec<String>,
}

/// Where this program answers HTTP.
#[derive(Debug, Deserialize)]
pub(crate) struct Http {
    pub(crate) listen: String,
}

/// Where this program tells what it measures.
#[derive(Debug, Deserialize)]
pub(crate) struct Metrics {
    pub(crate) listen: String,
}

/// How often gateways and the API try the whole way by a command of their own.
#[derive(Debug, Deserialize)]
pub(crate) struct Canary {
    pub(crate) every_seconds: u16,
    pub(crate) patience_seconds: u16,
}

/// Where this program sends traces.
#[derive(Debug, Deserialize)]
pub(crate) struct Traces {
    pub(crate) endpoint: String,
    pub(crate) sample_percent: u8,
    pub(crate) headers: SecretString,
}

/// The API service.
#[derive(Debug, Deserialize)]
pub(crate) struct Api {
    pub(crate) enabled: bool,
    pub(crate) listen: String,
    pub(crate) database: SecretString,
    pub(crate) pepper: SecretString,
    pub(crate) previous_pepper: SecretString,
    pub(crate) bootstrap_admin_key: SecretString,
    pub(crate) trusted_proxies: Vec<String>,
    pub(crate) key_cache_seconds: u64,
    pub(crate) key_days: u32,
    pub(crate) longest_key_days: u32,
    pub(crate) warn_destination: String,
    pub(crate) grace_seconds: u64,
}

/// The record.
#[derive(Debug, Deserialize)]
pub(crate) struct Audit {
    pub(crate) signing_key: SecretString,
    pub(crate) retention_days: u32,
    pub(crate) refuse_after_seconds: u64,
}

/// The Slack gateway.
#[derive(Debug, Deserialize)]
pub(crate) struct Slack {
    pub(crate) bot_token: SecretString,
    pub(crate) app_token: SecretString,
    pub(crate) signing_secret: SecretString,
    pub(crate) api_url: String,
    pub(crate) ingress: Ingress,
    pub(crate) command: String,
}

/// By which way Slack reaches the gateway.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Ingress {
    /// Sockets that the gateway opens.
    Socket,
    /// Requests that Slack signs.
    Http,
}

/// The Discord gateway.
#[derive(Debug, Deserialize)]
pub(crate) struct Discord {
    pub(crate) bot_token: SecretString,
    pub(crate) application_id: String,
    pub(crate) public_key: String,
    pub(crate) api_url: String,
    pub(crate) ingress: DiscordIngress,
    pub(crate) trusted_guilds: Vec<String>,
    pub(crate) commands: DiscordCommands,
    pub(crate) wait_milliseconds: u64,
}

/// Where application commands are registered.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum DiscordCommands {
    /// Once for all guilds.
    Everywhere,
    /// In each trusted guild.
    Guilds,
}

/// By which way Discord reaches the gateway.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum DiscordIngress {
    /// A socket that the gateway opens.
    Gateway,
    /// Interactions that Discord posts and signs.
    Http,
}

/// The demo's deployments service.
#[derive(Debug, Deserialize)]
pub(crate) struct Demo {
    pub(crate) enabled: bool,
    pub(crate) state_file: String,
    pub(crate) step_milliseconds: u64,
}

/// What is logged, and how.
#[derive(Debug, Deserialize)]
pub(crate) struct Log {
    pub(crate) filter: String,
    pub(crate) format: Format,
}

/// How a log line looks.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Format {
    /// Human on a terminal, otherwise JSON.
    Auto,
    Human,
    Json,
}
