//! From the configuration of the program to that of each crate.

use std::{path::PathBuf, sync::Arc, time::Duration};

use adjutant_api::{ApiConfig, audit::AuditKey, key::Pepper, store::Database};
use adjutant_bus::{
    actor::Tenant,
    open::{BusConfig, BusUrl, BusUrlError, Tls},
    ports::Limits,
};
use adjutant_gateway::canary::Pace;
use adjutant_gateway_discord::{DiscordConfig, Registered};
use adjutant_gateway_slack::{SlackConfig, SocketTiming};
use adjutant_policies::{Options, Policy, Vocabulary};
use adjutant_workers::{
    WorkerConfig,
    catalogue::{Catalogue, Entry, Source},
};
use anyhow::{Context, Result, bail};
use secrecy::{ExposeSecret, SecretString};

use crate::{
    config::{Config, DiscordCommands, DiscordIngress, Ingress, PolicySource},
    console::ConsoleConfig,
    demo,
};

/// Name of the folder with policy files beside where the program is started.
const POLICIES: &str = "policies";

fn given(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

pub(super) fn limits(config: &Config) -> Limits {
    Limits { lease: Duration::from_secs(config.bus.lease_seconds), ..Limits::default() }
}

pub(super) fn bus(config: &Config, start_child: bool) -> Result<BusConfig, BusUrlError> {
    let bus = &config.bus;
    let password = given(bus.password.expose_secret()).map(Into::into);
    Ok(BusConfig {
        url: bus.url.parse::<BusUrl>()?,
        data_dir: config.data_dir.clone(),
        nats_server: given(&bus.nats_server).map(PathBuf::from),
        user: given(&bus.user),
        password,
        credentials_file: given(&bus.credentials_file).map(PathBuf::from),
        nkey_file: given(&bus.nkey_file).map(PathBuf::from),
        tls: Tls {
            ca_file: given(&bus.ca_file).map(PathBuf::from),
            certificate_file: given(&bus.certificate_file).map(PathBuf::from),
            key_file: given(&bus.key_file).map(PathBuf::from),
        },
        replicas: bus.replicas.into(),
        limits: limits(config),
        start_child,
    })
}

/// The name of this process among others: the host's, and a number.
pub(super) fn replica() -> String {
    let host = std::env::var("HOSTNAME").unwrap_or_else(|_| "adjutant".to_owned());
    format!("{host}-{}", std::process::id())
}

/// Where the database of keys and of the record is.
pub(super) fn database(config: &Config) -> Result<Database> {
    match given(config.api.database.expose_secret()) {
        None => Ok(Database::Sqlite(config.data_dir.join("adjutant.db"))),
        Some(url) if url.starts_with("postgres://") || url.starts_with("postgresql://") => {
            Ok(Database::Postgres(url.into()))
        }
        // Not shown: it may hold a password.
        Some(_) => bail!(
            "api.database is no address: use postgres://user:password@host:5432/name, or nothing for SQLite"
        ),
    }
}

/// The pepper in use, and the one before; none: the file in the data folder.
pub(super) fn peppers(config: &Config) -> Result<(Option<Pepper>, Option<Pepper>)> {
    let read = |key: &str, text: &SecretString| {
        given(text.expose_secret()).map(|text| Pepper::parse(&text).context(key.to_owned())).transpose()
    };
    Ok((read("api.pepper", &config.api.pepper)?, read("api.previous_pepper", &config.api.previous_pepper)?))
}

/// The key that signs checkpoints of the record; none: the file in the data folder.
pub(super) fn signing_key(config: &Config) -> Result<Option<AuditKey>> {
    let given = given(config.audit.signing_key.expose_secret());
    given.map(|text| AuditKey::parse(&text).context("audit.signing_key")).transpose()
}

/// The API service.
pub(super) fn api(config: &Config) -> Result<ApiConfig> {
    let api = &config.api;
    let days = |days: u32| Duration::from_secs(u64::from(days) * 24 * 3600);
    let (pepper, previous_pepper) = peppers(config)?;
    let network =
        |text: &String| text.parse().with_context(|| format!("api.trusted_proxies: `{text}` is no network"));
    Ok(ApiConfig {
        name: replica(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        listen: given(&api.listen),
        database: database(config)?,
        data_dir: config.data_dir.clone(),
        pepper,
        previous_pepper,
        trusted_proxies: api.trusted_proxies.iter().map(network).collect::<Result<_>>()?,
        key_cache_ttl: Duration::from_secs(api.key_cache_seconds),
        key_lifetime: days(api.key_days),
        longest_key_lifetime: days(api.longest_key_days),
        bootstrap_admin_key: given(api.bootstrap_admin_key.expose_secret()).map(SecretString::from),
        warn_destination: given(&api.warn_destination),
        audit_key: signing_key(config)?,
        audit_retention: (config.audit.retention_days > 0).then(|| days(config.audit.retention_days)),
        effective_config: Some(config.effective.clone().into()),
        specs: tokio::sync::watch::channel(std::sync::Arc::default()).1,
        canary: None,
        grace: Duration::from_secs(api.grace_seconds),
    })
}

/// How canaries are sent, if they are.
pub(super) fn canary(config: &Config) -> Option<Pace> {
    let seconds = |seconds: u16| Duration::from_secs(seconds.into());
    let pace = Pace {
        every: seconds(config.canary.every_seconds),
        patience: seconds(config.canary.patience_seconds),
    };
    (!pace.every.is_zero()).then_some(pace)
}

/// The Slack gateway, if there is a token for it.
pub(super) fn slack(config: &Config) -> SlackConfig {
    let slack = &config.slack;
    let secret = |text: &SecretString| given(text.expose_secret()).map(SecretString::from);
    let tokens = slack.bot_token.expose_secret().split([',', ' ', '\n']).map(str::trim);
    SlackConfig {
        bot_tokens: tokens.filter(|token| !token.is_empty()).map(SecretString::from).collect(),
        app_token: secret(&slack.app_token),
        signing_secret: secret(&slack.signing_secret),
        api_url: slack.api_url.clone(),
        ingress: match slack.ingress {
            Ingress::Socket => adjutant_gateway_slack::Ingress::Socket,
            Ingress::Http => adjutant_gateway_slack::Ingress::Http,
        },
        command: slack.command.clone(),
        name: replica(),
        handover: limits(config).handover(),
        timing: SocketTiming::default(),
    }
}

/// The Discord gateway, if there is a token for it.
pub(super) fn discord(config: &Config) -> DiscordConfig {
    let discord = &config.discord;
    let homes = config.trusted_homes();
    DiscordConfig {
        bot_token: given(discord.bot_token.expose_secret()).map(SecretString::from),
        application_id: given(&discord.application_id),
        public_key: given(&discord.public_key),
        api_url: discord.api_url.clone(),
        ingress: match discord.ingress {
            DiscordIngress::Gateway => adjutant_gateway_discord::Ingress::Gateway,
            DiscordIngress::Http => adjutant_gateway_discord::Ingress::Http,
        },
        trusted_guilds: homes
            .iter()
            .filter_map(|home| home.strip_prefix("discord:"))
            .map(str::to_owned)
            .collect(),
        registered: match discord.commands {
            DiscordCommands::Everywhere => Registered::Everywhere,
            DiscordCommands::Guilds => Registered::Guilds,
        },
        wait: Duration::from_millis(discord.wait_milliseconds),
        name: replica(),
        handover: limits(config).handover(),
        timing: adjutant_gateway_discord::SocketTiming::default(),
    }
}

pub(super) fn worker(config: &Config) -> WorkerConfig {
    WorkerConfig {
        name: given(&config.worker.name).unwrap_or_else(replica),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        slots: config.worker.slots.into(),
        grace: Duration::from_secs(config.worker.grace_seconds),
        trusted_homes: config.trusted_homes(),
        record_grace: Duration::from_secs(config.audit.refuse_after_seconds),
        limits: limits(config),
        health: adjutant_workers::Health::default(),
    }
}

/// How policy files are taken, and from which folder those that are no published policy: the configured one, else `policies`
/// where the program is started, else the policy that ships.
pub(super) fn policy(config: &Config) -> Options {
    let beside = PathBuf::from(POLICIES);
    let folder = match &config.policy.source {
        PolicySource::Folder(folder) => Some(folder.clone()),
        PolicySource::Shipped => None,
        PolicySource::Auto | PolicySource::Bus => beside.is_dir().then_some(beside),
    };
    Options { own_model: config.policy.own_model, ..Options::new(folder) }
}

/// Whether decisions go by the policy that is published on the bus.
pub(super) fn policy_is_published(config: &Config) -> bool {
    let server = || matches!(config.bus.url.parse::<BusUrl>(), Ok(BusUrl::Server(_)));
    match config.policy.source {
        PolicySource::Bus => true,
        PolicySource::Auto => server(),
        PolicySource::Shipped | PolicySource::Folder(_) => false,
    }
}

/// Where the policy comes from: `bus`, `shipped`, or `dir:` and a folder.
pub(super) fn policy_source(config: &Config) -> String {
    if policy_is_published(config) {
        return "bus".to_owned();
    }
    policy(config).folder.map_or_else(|| "shipped".to_owned(), |folder| format!("dir:{}", folder.display()))
}

/// The commands that this program knows without asking anybody: its own, and those of the demo.
pub(super) fn catalogue() -> Catalogue {
    let own = adjutant_workers::built_in().into_iter().map(|spec| Entry::new(spec, Source::BuiltIn));
    let demo =
        demo::specs().into_iter().map(|spec| Entry::new(spec, Source::Service { name: demo::offer().name }));
    Catalogue::new(own.chain(demo)).0
}

pub(super) fn vocabulary(config: &Config) -> Vocabulary {
    adjutant_workers::vocabulary(&catalogue(), &config.trusted_homes())
}

/// The policy that decisions go by. The published one comes with the bus.
pub(super) async fn load_policy(config: &Config) -> Arc<Policy> {
    if policy_is_published(config) {
        return Policy::published(policy(config), vocabulary(config));
    }
    Policy::load(policy(config), vocabulary(config)).await
}

pub(super) fn console(config: &Config) -> ConsoleConfig {
    ConsoleConfig {
        tenant: Tenant::new(config.console.tenant.clone()),
        users: config.console.users.iter().map(|(name, user)| (name.clone(), user.groups.clone())).collect(),
        user: config.console.user.clone(),
        history: Some(config.data_dir.join("history")),
    }
}

pub(super) fn demo(config: &Config) -> demo::DemoConfig {
    let file = given(&config.demo.state_file).map(PathBuf::from);
    demo::DemoConfig {
        state: Some(file.unwrap_or_else(|| config.data_dir.join("deployments.json"))),
        step: Duration::from_millis(config.demo.step_milliseconds),
    }
}
