//! The words of `policy` that only read: check, why, show, diff.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use jiff::Timestamp;

/// How to print what is wrong.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct PolicyCheck {
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
    /// Print SARIF 2.1.0, which code review shows at the line
    #[arg(long, conflicts_with = "json")]
    pub(crate) sarif: bool,
}

/// Who, what and where.
#[derive(Debug, Args)]
pub(crate) struct PolicyWhy {
    /// Who, such as slack:T0ACME/U1, console:local/pat or svc:ci (not with --groups), then the command: words as in chat, or its name and
    /// values, such as deploy.promote env=production. What begins with a dash goes after `--`
    #[arg(required = true, value_name = "ACTOR COMMAND")]
    pub(crate) words: Vec<String>,
    /// Where [default: the terminal; of a service, the API]
    #[arg(long = "in", value_name = "PLACE")]
    pub(crate) place: Option<String>,
    /// Anybody in these policy groups, such as "Engineering + Contractors"
    #[arg(long, value_name = "A + B")]
    pub(crate) groups: Option<String>,
    /// Which right [default: the one that the command needs]
    #[arg(long, value_enum)]
    pub(crate) action: Option<Right>,
    /// Whether a freeze is on
    #[arg(long, value_enum, default_value_t = Freeze::Off)]
    pub(crate) freeze: Freeze,
    /// When, such as 2026-11-27T16:30:00Z, for the windows of policy.toml [default: now]
    #[arg(long, value_name = "TIMESTAMP")]
    pub(crate) at: Option<Timestamp>,
    /// Folder with the files [default: the policy in use]
    #[arg(long, value_name = "DIR")]
    pub(crate) dir: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// Whether a freeze is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Freeze {
    /// It is.
    On,
    /// It is not.
    Off,
}

/// What a row can give.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Right {
    /// Running it.
    Run,
    /// Looking.
    View,
    /// Approving what others run.
    Approve,
}

/// Which policy.
#[derive(Debug, Args)]
pub(crate) struct PolicyShow {
    /// Folder with the files [default: the policy in use]
    #[arg(long, value_name = "DIR")]
    pub(crate) dir: Option<PathBuf>,
    /// A published version
    #[arg(long, value_name = "N", conflicts_with = "dir")]
    pub(crate) version: Option<u64>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// Which two policies.
#[derive(Debug, Args)]
pub(crate) struct PolicyDiff {
    /// A folder, `live` for the newest published, or the number of a published version
    pub(crate) old: String,
    /// The same [default: the folder of policy.source, else ./policies, else what ships]
    pub(crate) new: Option<String>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}
