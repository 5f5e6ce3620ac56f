//! The words of `policy`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::Json;

/// What to do with the policy.
#[derive(Debug, Subcommand)]
pub(crate) enum PolicyCommand {
    /// Report everything that is wrong with the policy files (exit status 1 if anything keeps them from loading)
    Check(Json),
    /// Run the tests in policy.test (exit status 1 if one fails)
    Test(Json),
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
