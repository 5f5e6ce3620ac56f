//! The words of `adjutant audit`.

use adjutant_api::audit::PublicKey;
use clap::{Args, Subcommand, ValueEnum};
use jiff::Timestamp;

use super::Json;

/// Exit statuses, told at the end of the help of `audit verify`.
const VERIFY_STATUS: &str = "Exit status: 0 the record is whole; 1 it is not; 2 it could not be read.";

/// What to do with the record.
#[derive(Debug, Subcommand)]
pub(crate) enum AuditCommand {
    /// List the newest entries
    List(AuditList),
    /// Show one entry with its details
    Show(AuditShow),
    /// Write entries to standard output, oldest first
    Export(AuditExport),
    /// Check that no entry was altered, removed or reordered, and name the first that was
    #[command(after_help = VERIFY_STATUS)]
    Verify(AuditVerify),
    /// List the newest signed checkpoints
    Checkpoints(Json),
}

/// Which entries of the record; all that is given must fit.
#[derive(Clone, Debug, Args)]
pub(crate) struct AuditFilter {
    /// Not before this time (RFC 3339)
    #[arg(long, value_name = "TIME")]
    pub(crate) since: Option<Timestamp>,
    /// Before this time (RFC 3339)
    #[arg(long, value_name = "TIME")]
    pub(crate) until: Option<Timestamp>,
    /// By this actor, such as slack:T0/U1, svc:ci or operator:root
    #[arg(long)]
    pub(crate) actor: Option<String>,
    /// Of this kind; with a dot at the end, such as `request.`, of all kinds that begin so
    #[arg(long)]
    pub(crate) kind: Option<String>,
    /// About this target, such as a command
    #[arg(long)]
    pub(crate) target: Option<String>,
    /// With this outcome, such as refused
    #[arg(long)]
    pub(crate) outcome: Option<String>,
    /// Of this request
    #[arg(long, value_name = "ID")]
    pub(crate) request: Option<String>,
}

/// Which entries to list.
#[derive(Debug, Args)]
pub(crate) struct AuditList {
    #[command(flatten)]
    pub(crate) filter: AuditFilter,
    /// How many at most
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub(crate) limit: u16,
    /// Only entries before this one, to go on from an earlier list
    #[arg(long, value_name = "SEQ")]
    pub(crate) before: Option<i64>,
    #[command(flatten)]
    pub(crate) print: Json,
}

/// Which entry to show.
#[derive(Debug, Args)]
pub(crate) struct AuditShow {
    /// Its number
    pub(crate) seq: i64,
    #[command(flatten)]
    pub(crate) print: Json,
}

/// Which entries to export, and how.
#[derive(Debug, Args)]
pub(crate) struct AuditExport {
    #[command(flatten)]
    pub(crate) filter: AuditFilter,
    /// The form
    #[arg(long, value_enum, default_value_t = ExportFormat::Ndjson)]
    pub(crate) format: ExportFormat,
}

/// The form of an export.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum ExportFormat {
    /// One JSON object a line.
    Ndjson,
    /// A table with a first line of names.
    Csv,
}

/// What is known from elsewhere.
#[derive(Debug, Args)]
pub(crate) struct AuditVerify {
    /// Only checkpoints signed with this public key count (64 hexadecimal digits); may be given more than once
    #[arg(long, value_name = "KEY")]
    pub(crate) public_key: Vec<PublicKey>,
    /// A checkpoint that was kept elsewhere must be in the chain, as SEQ:HASH; may be given more than once
    #[arg(long, value_name = "SEQ:HASH", value_parser = kept)]
    pub(crate) checkpoint: Vec<(i64, Vec<u8>)>,
    #[command(flatten)]
    pub(crate) print: Json,
}

fn kept(text: &str) -> Result<(i64, Vec<u8>), String> {
    adjutant_api::audit::kept(text)
        .ok_or_else(|| "write it as SEQ:HASH, as `audit checkpoints` shows it".to_owned())
}
