//! The words of `policy`.

mod tools;

use std::path::PathBuf;

use clap::{Args, Subcommand};

pub(crate) use self::tools::{Freeze, PolicyCheck, PolicyDiff, PolicyShow, PolicyWhy, Right};
use super::Json;

/// Exit statuses, told at the end of the help.
const RESOLVE_STATUS: &str = "Exit status: 0 nothing to do, or written; 1 something to write, to approve or to put right; 2 could not run.";
const DOCTOR_STATUS: &str = "Exit status: 0 nothing to do; 1 somebody should look; 2 could not run.";

/// What to do with the policy.
#[derive(Debug, Subcommand)]
pub(crate) enum PolicyCommand {
    /// Report everything that is wrong with the policy files (exit status 1 if anything keeps them from loading)
    Check(PolicyCheck),
    /// Run the tests in policy.test (exit status 1 if one fails)
    Test(Json),
    /// Ask Slack and Discord which groups the names in policy.csv stand for, and compare with policy.lock
    #[command(after_help = RESOLVE_STATUS)]
    Resolve(Resolve),
    /// Ask Slack and Discord what stands behind the ids in policy.lock: who is in them, and who can put others in
    #[command(after_help = DOCTOR_STATUS)]
    Doctor(Json),
    /// Say whether somebody may run a command, and which row decides (exit status 1 if they may not)
    Why(PolicyWhy),
    /// Show a policy: its groups, and its rows by command
    Show(PolicyShow),
    /// Say who gains and who loses what from one policy to another (exit status 1 if anybody does)
    Diff(PolicyDiff),
    /// Put the policy files in force in every replica; a worker decides whether you may
    Publish(PolicyPublish),
    /// Put the content of an earlier version in force again, as a new version
    Rollback(PolicyRollback),
    /// Show what was published, by whom and why
    History(Json),
    /// Show which policy each replica decides by (exit status 1 if one does not as it should)
    Status(Json),
}

/// What to publish.
#[derive(Debug, Args)]
pub(crate) struct PolicyPublish {
    /// Folder with the files [default: that of policy.source, else ./policies, else what ships]
    #[arg(long, value_name = "DIR")]
    pub(crate) dir: Option<PathBuf>,
    /// Another person who has approved; refused as long as approvals do not exist
    #[arg(long, value_name = "ACTOR", conflicts_with = "as_operator")]
    pub(crate) second: Option<String>,
    #[command(flatten)]
    pub(crate) by: Publisher,
}

/// Where to go back to.
#[derive(Debug, Args)]
pub(crate) struct PolicyRollback {
    /// The version whose content is wanted
    pub(crate) version: u64,
    #[command(flatten)]
    pub(crate) by: Publisher,
}

/// Who publishes, and why.
#[derive(Debug, Args)]
pub(crate) struct Publisher {
    /// Why, one line; it stays in the history
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: String,
    /// Who asks, one of console.users [default: console.user]
    #[arg(long = "as", value_name = "USER", conflicts_with = "as_operator")]
    pub(crate) as_user: Option<String>,
    /// With the bus's admin login, asking nobody: for the first publication, and when nobody may publish any more
    #[arg(long)]
    pub(crate) as_operator: bool,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// How to resolve names.
#[derive(Debug, Args)]
pub(crate) struct Resolve {
    /// Write policy.lock: new ids, and changes that are approved
    #[arg(long)]
    pub(crate) write: bool,
    /// Let this name go over to the group that bears it now; repeat it for several names
    #[arg(long, value_name = "NAME", requires = "write")]
    pub(crate) approve: Vec<String>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}
