//! The command line.

mod audit;
mod bus;
mod doctor;
#[cfg(test)]
mod documents;
mod keys;
mod policy;

use std::{path::PathBuf, time::Duration};

use clap::{Args, Parser, Subcommand, ValueEnum};

pub(crate) use self::{
    audit::{AuditCommand, AuditExport, AuditFilter, AuditList, AuditShow, AuditVerify, ExportFormat},
    bus::{BusCommand, BusUsers, Passwords, UsersFormat},
    doctor::{Doctor, DoctorPart},
    keys::{Issue, KeysCommand, Made},
    policy::{
        Freeze, PolicyCheck, PolicyCommand, PolicyDiff, PolicyPublish, PolicyRollback, PolicyShow, PolicyWhy,
        Publisher, Resolve, Right,
    },
};

/// Exit statuses, told at the end of the help of `run`.
const RUN_STATUS: &str = "Exit status: 0 succeeded; 3 refused; 4 failed, cancelled or rejected; 5 timed out, interrupted, \
                          expired or not answered in time; 2 wrong usage of this program; 1 the program itself failed.";

/// A ChatOps gateway: commands from chat, authorized, recorded, run once and answered.
#[derive(Debug, Parser)]
#[command(name = "adjutant", version, max_term_width = 100, propagate_version = false)]
pub(crate) struct Cli {
    /// What to start; `up` if nothing is said.
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    #[command(flatten)]
    pub(crate) global: Global,
    /// When to use colour
    #[arg(long, global = true, value_enum, default_value_t = When::Auto)]
    pub(crate) color: When,
}

/// Flags that go with every command.
#[derive(Clone, Debug, Args)]
pub(crate) struct Global {
    /// Configuration file [default: ./adjutant.toml if it is there]
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Where the bus is: auto, memory:, child:, nats://host:port
    #[arg(long, global = true, value_name = "URL")]
    pub(crate) bus: Option<String>,
    /// What to log, such as info or adjutant_workers=debug
    #[arg(long, global = true, value_name = "FILTER")]
    pub(crate) log: Option<String>,
    /// Folder for what this program must remember
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,
}

impl Global {
    /// The flags as settings: key, flag, text.
    pub(crate) fn settings(&self) -> Vec<(String, String, String)> {
        let data_dir = self.data_dir.as_ref().map(|dir| dir.display().to_string());
        let flags = [
            ("bus.url", "--bus", self.bus.clone()),
            ("log.filter", "--log", self.log.clone()),
            ("data_dir", "--data-dir", data_dir),
        ];
        flags
            .into_iter()
            .filter_map(|(key, flag, text)| Some((key.to_owned(), flag.to_owned(), text?)))
            .collect()
    }
}

/// When to use colour.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum When {
    /// On a terminal.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

impl When {
    /// Tells it to everything that prints.
    pub(crate) fn apply(self) {
        match self {
            Self::Auto => anstream::ColorChoice::Auto,
            Self::Always => anstream::ColorChoice::Always,
            Self::Never => anstream::ColorChoice::Never,
        }
        .write_global();
    }
}

/// What to start.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Start every role in this process (the default); on a terminal with a prompt
    Up,
    /// Start a worker
    Worker,
    /// Start the API service
    Api,
    /// Start the gateway of a chat platform
    #[command(subcommand)]
    Gateway(GatewayCommand),
    /// Open the terminal as a chat on a running system; reads lines from a pipe, too
    Console,
    /// Run one command and print its answer
    #[command(after_help = RUN_STATUS)]
    Run(RunArgs),
    /// Check or test the policy files
    #[command(subcommand)]
    Policy(PolicyCommand),
    /// Check or show the configuration
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Check the whole installation, or parts of it, and say what to fix; changes nothing
    #[command(after_help = doctor::STATUS)]
    Doctor(Doctor),
    /// Ask a process that runs on this machine whether it lives (exit status 1 if it does not say so)
    Health(Health),
    /// Look at the commands
    #[command(subcommand)]
    Commands(CommandsCommand),
    /// Start a service of the demo by itself
    #[command(subcommand)]
    Demo(DemoCommand),
    /// Read or verify the record of what was asked and changed
    #[command(subcommand)]
    Audit(AuditCommand),
    /// Make, look at and revoke the keys of the API, directly in its database
    #[command(subcommand)]
    Keys(KeysCommand),
    /// Set up the bus, look at it, make its users, or look at what could not be handled
    #[command(subcommand)]
    Bus(BusCommand),
}

/// One command for `run`.
#[derive(Debug, Args)]
pub(crate) struct RunArgs {
    /// Who asks, one of console.users [default: console.user]
    #[arg(long = "as", value_name = "USER")]
    pub(crate) as_user: Option<String>,
    /// Print the result as one JSON object
    #[arg(long)]
    pub(crate) json: bool,
    /// How long to wait for the answer
    #[arg(long, value_name = "DURATION", default_value = "5m", value_parser = humantime::parse_duration)]
    pub(crate) timeout: Duration,
    /// The command, as several words or as one quoted line
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
    pub(crate) words: Vec<String>,
}

/// Whom to ask.
#[derive(Debug, Args)]
pub(crate) struct Health {
    /// What must answer 200, such as http://127.0.0.1:8080/readyz [default: /livez of http.listen, else of api.listen]
    #[arg(long, value_name = "URL", value_parser = plain_http)]
    pub(crate) url: Option<reqwest::Url>,
}

fn plain_http(text: &str) -> Result<reqwest::Url, String> {
    let url = reqwest::Url::parse(text).map_err(|error| error.to_string())?;
    if url.scheme() == "http" { Ok(url) } else { Err("it must begin with http://".to_owned()) }
}

/// What to do with the configuration.
#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Report every mistake (exit status 1 if there is one)
    Check,
    /// Show every value and where it comes from; secrets are redacted
    Show,
}

/// What to do with the catalogue.
#[derive(Debug, Subcommand)]
pub(crate) enum CommandsCommand {
    /// List the commands of this program and of the demo
    List(Json),
    /// Print the manifest from which Slack creates the app
    SlackManifest(SlackManifest),
    /// Print the link by which an admin invites the bot to a Discord server
    DiscordInvite,
}

/// Which gateway.
#[derive(Debug, Subcommand)]
pub(crate) enum GatewayCommand {
    /// Slack
    Slack,
    /// Discord
    Discord,
}

/// How the app is to be reached.
#[derive(Debug, Args)]
pub(crate) struct SlackManifest {
    /// Base address that Slack can reach, for slack.ingress = "http" [default: sockets, which need none]
    #[arg(long, value_name = "URL")]
    pub(crate) request_url: Option<String>,
}

/// Which service of the demo.
#[derive(Debug, Subcommand)]
pub(crate) enum DemoCommand {
    /// The deployments service
    Deployments,
}

/// How to print.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct Json {
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent_and_its_help_as_recorded() {
        Cli::command().debug_assert();
        insta::assert_snapshot!(Cli::command().term_width(100).render_long_help());
    }

    #[test]
    fn everything_after_the_dashes_belongs_to_the_command() {
        let cli =
            Cli::parse_from(["adjutant", "run", "--as", "pat", "--", "deploy", "list", "--env", "staging"]);
        let Some(Command::Run(run)) = cli.command else { panic!("run") };
        assert_eq!((run.as_user.as_deref(), run.words.len()), (Some("pat"), 4));
    }
}
