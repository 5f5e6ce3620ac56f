//! The words of `doctor`.

use clap::{Args, ValueEnum};

/// Exit statuses, told at the end of the help.
pub(super) const STATUS: &str =
    "Exit status: 0 all good, warnings allowed; 1 something keeps it from working; 2 it could not run.";

/// What to check.
#[derive(Debug, Args)]
pub(crate) struct Doctor {
    /// Which parts [default: all]
    #[arg(value_enum, value_name = "PART")]
    pub(crate) parts: Vec<DoctorPart>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// A part of an installation, in the order in which they are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum DoctorPart {
    /// Every mistake in the configuration, and who may read the secrets
    Config,
    /// Room on the disk of data_dir
    Disk,
    /// The server, and its streams, consumers and buckets
    Bus,
    /// The replicas that are up, and their versions
    Versions,
    /// This machine's clock beside those of bus, database and platforms
    Clock,
    /// Tables, rights and pepper
    Database,
    /// The key that signs it, the last checkpoint, the copy of the journal
    Record,
    /// Whether it loads, findings, tests, trusted homes
    Policy,
    /// What services offer, names that two want, what policy names and nobody offers
    Commands,
    /// Tokens, scopes, user groups, sockets
    Slack,
    /// Token, application, interactions, guilds, gateway, registered commands
    Discord,
}
