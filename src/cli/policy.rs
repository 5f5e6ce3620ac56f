//! The words of `policy`.

use clap::Subcommand;

use super::Json;

/// What to do with the policy.
#[derive(Debug, Subcommand)]
pub(crate) enum PolicyCommand {
    /// Report everything that is wrong with the policy files (exit status 1 if anything keeps them from loading)
    Check(Json),
    /// Run the tests in policy.test (exit status 1 if one fails)
    Test(Json),
}
