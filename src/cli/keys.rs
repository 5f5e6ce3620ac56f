//! The words of `adjutant keys`.

use std::time::Duration;

use clap::{Args, Subcommand};

use super::Json;

/// What to do with keys.
#[derive(Debug, Subcommand)]
pub(crate) enum KeysCommand {
    /// Make an administrator's key that ends in seven days, and print it
    Bootstrap(Made),
    /// Make a key of a service, and print it
    Issue(Issue),
    /// List keys
    List(KeysList),
    /// Show one key
    Show(OneKey),
    /// Make a key that replaces another, and print it
    Rotate(Rotate),
    /// Let no one use a key for now
    Disable(OneKey),
    /// Let a disabled key be used again
    Enable(OneKey),
    /// Revoke a key for good
    Revoke(Revoke),
    /// Check offline whether a text is a key (exit status 1 if not)
    Check(CheckKey),
    /// List services
    Services(Json),
    /// Make a service
    ServiceAdd(ServiceAdd),
}

/// How to print a key that was made.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct Made {
    /// Print nothing but the key
    #[arg(long, short, conflicts_with = "json")]
    pub(crate) quiet: bool,
    #[command(flatten)]
    pub(crate) print: Json,
}

/// A key to be made.
#[derive(Debug, Args)]
pub(crate) struct Issue {
    /// The service that is to own it
    pub(crate) service: String,
    /// By what people know it
    #[arg(long, default_value = "key")]
    pub(crate) name: String,
    /// What it may do, such as requests:submit; several times or separated by commas
    #[arg(long = "scope", value_name = "SCOPE", value_delimiter = ',')]
    pub(crate) scopes: Vec<adjutant_api::scope::Scope>,
    /// An administrator's key, with the scope admin
    #[arg(long)]
    pub(crate) admin: bool,
    /// From which network it may be used; several times or separated by commas [default: anywhere]
    #[arg(long = "cidr", value_name = "NETWORK", value_delimiter = ',')]
    pub(crate) cidrs: Vec<String>,
    /// How long it is good [default: api.key_days]
    #[arg(long, value_name = "DURATION", value_parser = humantime::parse_duration)]
    pub(crate) expires_in: Option<Duration>,
    /// Good until it is revoked
    #[arg(long, conflicts_with = "expires_in")]
    pub(crate) never_expires: bool,
    #[command(flatten)]
    pub(crate) made: Made,
}

/// Which keys to list.
#[derive(Debug, Args)]
pub(crate) struct KeysList {
    /// Of this service only
    #[arg(long)]
    pub(crate) service: Option<String>,
    #[command(flatten)]
    pub(crate) print: Json,
}

/// One key.
#[derive(Debug, Args)]
pub(crate) struct OneKey {
    /// Its id
    pub(crate) id: uuid::Uuid,
    #[command(flatten)]
    pub(crate) print: Json,
}

/// A key to be replaced.
#[derive(Debug, Args)]
pub(crate) struct Rotate {
    /// Its id
    pub(crate) id: uuid::Uuid,
    /// How long the old one stays good, 30 days at most
    #[arg(long, value_name = "DURATION", default_value = "24h", value_parser = humantime::parse_duration)]
    pub(crate) grace: Duration,
    #[command(flatten)]
    pub(crate) made: Made,
}

/// A key to be revoked.
#[derive(Debug, Args)]
pub(crate) struct Revoke {
    /// Its id
    pub(crate) id: uuid::Uuid,
    /// Why
    #[arg(long, default_value = "")]
    pub(crate) reason: String,
    #[command(flatten)]
    pub(crate) print: Json,
}

/// A text that may be a key.
#[derive(Debug, Args)]
pub(crate) struct CheckKey {
    /// The text, or - to read it from standard input, where no list of processes shows it
    pub(crate) key: String,
}

/// A service to be made.
#[derive(Debug, Args)]
pub(crate) struct ServiceAdd {
    /// Its name: a-z, 0-9 and -; policy knows it as svc:NAME
    pub(crate) name: String,
    /// One line
    #[arg(long, default_value = "")]
    pub(crate) description: String,
    /// Whom to ask
    #[arg(long, default_value = "")]
    pub(crate) owner: String,
    #[command(flatten)]
    pub(crate) print: Json,
}
