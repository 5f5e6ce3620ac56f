//! The words of `adjutant bus`.

use std::path::PathBuf;

use adjutant_bus::nats::users::ServiceUser;
use clap::{Args, Subcommand, ValueEnum};

use super::Json;

/// What to do with the bus.
#[derive(Debug, Subcommand)]
pub(crate) enum BusCommand {
    /// Make streams, consumers and buckets as they should be (exit status 1 if something cannot be changed in place)
    #[command(visible_alias = "provision")]
    Setup(Json),
    /// Show servers, streams, consumers, buckets and who is up (exit status 1 if something is wrong)
    Status(Json),
    /// Print the users of a server and their rights, for its configuration
    Users(BusUsers),
    /// Show the newest dead letters: what could not be handled, and why
    Dead(Json),
}

/// Which users, and by what they prove who they are.
#[derive(Debug, Args)]
pub(crate) struct BusUsers {
    /// A service and the commands it answers for, such as ci=ci,deploy promote; several times [default: the demo's]
    #[arg(long = "service", value_name = "NAME[=COMMAND,…]")]
    pub(crate) services: Vec<ServiceUser>,
    /// Where the server has its users' passwords from
    #[arg(long, value_enum, default_value_t = Passwords::Env, conflicts_with = "nkeys")]
    pub(crate) passwords: Passwords,
    /// Users sign with nkeys, and the server knows no secret
    #[arg(long)]
    pub(crate) nkeys: bool,
    /// Folder for the secrets, each in a file that only its owner can read; those that are there are kept
    #[arg(long, value_name = "DIR")]
    pub(crate) secrets: Option<PathBuf>,
    /// Where to write the users [default: standard output]
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// conf, for the server, or json, the rights alone
    #[arg(long, value_enum, default_value_t = UsersFormat::Conf)]
    pub(crate) format: UsersFormat,
}

/// Where the server has passwords from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Passwords {
    /// From the environment: NATS_WORKER_PASSWORD and so on.
    Env,
    /// Their hashes stand in the file.
    Bcrypt,
}

/// How users are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum UsersFormat {
    /// For the server.
    Conf,
    /// For a program.
    Json,
}
