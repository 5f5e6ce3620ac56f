//! The record, read straight from the database: `audit list|show|export|verify|checkpoints`. Changes nothing. Exit status 0 fine, 1 the
//! record is not whole or there is no such entry, 2 could not run.

use std::process::ExitCode;

use adjutant_api::{
    audit::{self, Filter, Format, Known, Order, Report, Shown, ShownCheckpoint},
    store::{self, Db, StoreError},
};
use anyhow::Result;
use futures::TryStreamExt;

use super::{admin, many, parts};
use crate::{
    cli::{AuditCommand, AuditExport, AuditFilter, AuditList, AuditShow, AuditVerify, ExportFormat, Json},
    config::Config,
    output,
};

/// Most checkpoints listed.
const CHECKPOINTS: usize = 50;

pub(super) async fn run(config: &Config, command: AuditCommand) -> Result<ExitCode> {
    let opened = match parts::database(config) {
        Ok(database) => store::open_to_read(&database).await.map_err(Into::into),
        Err(error) => Err(error),
    };
    let db = match opened {
        Ok(db) => db,
        Err(error) => return Ok(admin::could_not_run(&error.to_string())),
    };
    let ran = match command {
        AuditCommand::List(asked) => list(&db, asked).await,
        AuditCommand::Show(asked) => show(&db, &asked).await,
        AuditCommand::Export(asked) => export(&db, asked).await,
        AuditCommand::Verify(asked) => verify(&db, asked).await,
        AuditCommand::Checkpoints(print) => checkpoints(&db, print).await,
    };
    db.close().await;
    match ran {
        Ok(status) => Ok(status),
        Err(error) if error.is::<StoreError>() => Ok(admin::could_not_run(&error.to_string())),
        Err(error) => Err(error),
    }
}

fn filter(asked: AuditFilter) -> Filter {
    Filter {
        since: asked.since,
        until: asked.until,
        actor: asked.actor,
        kind: asked.kind,
        target: asked.target,
        outcome: asked.outcome,
        request_id: asked.request,
    }
}

async fn list(db: &Db, asked: AuditList) -> Result<ExitCode> {
    let found = audit::find(db, &filter(asked.filter), Order::Desc, asked.before, asked.limit.into()).await?;
    let mut table = admin::table(&["seq", "at", "kind", "actor", "target", "outcome"]);
    for entry in found.into_iter().map(Shown::from) {
        if asked.print.json {
            output::say(&serde_json::to_string(&entry)?);
            continue;
        }
        let cells = [entry.seq.to_string(), entry.at.to_string(), entry.kind, entry.actor, entry.target];
        let outcome = entry.outcome.unwrap_or_default();
        table.add_row(cells.into_iter().chain([outcome]).map(|cell| printable(&cell)));
    }
    if !asked.print.json {
        admin::print(&table);
    }
    Ok(ExitCode::SUCCESS)
}

/// What strangers wrote must not move the cursor.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

async fn show(db: &Db, asked: &AuditShow) -> Result<ExitCode> {
    let Some(kept) = audit::one(db, asked.seq).await? else {
        output::complain(&format!("adjutant: there is no entry {}", asked.seq));
        return Ok(ExitCode::FAILURE);
    };
    let shown = Shown::from(kept);
    let text =
        if asked.print.json { serde_json::to_string(&shown)? } else { serde_json::to_string_pretty(&shown)? };
    output::say(&text);
    Ok(ExitCode::SUCCESS)
}

async fn export(db: &Db, asked: AuditExport) -> Result<ExitCode> {
    let format = match asked.format {
        ExportFormat::Ndjson => Format::Ndjson,
        ExportFormat::Csv => Format::Csv,
    };
    let pieces = audit::export(db.clone(), filter(asked.filter), Order::Asc, format);
    futures::pin_mut!(pieces);
    while let Some(piece) = pieces.try_next().await? {
        if !output::stream(&piece) {
            break;
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn verify(db: &Db, asked: AuditVerify) -> Result<ExitCode> {
    let known = Known { keys: asked.public_key, kept: asked.checkpoint };
    let report =
        audit::verify(db, &known, |at, of| output::progress(&format!("{at} of {of} entries"))).await?;
    output::progress("");
    if asked.print.json {
        output::say(&serde_json::to_string(&report)?);
    } else {
        output::say(&told(&report));
    }
    Ok(admin::status(report.whole))
}

fn told(report: &Report) -> String {
    let entries =
        many(usize::try_from(report.entries).unwrap_or(usize::MAX), "entry").replace("entrys", "entries");
    match &report.finding {
        Some(finding) => {
            let what = finding.wrong.as_str().replace('_', " ");
            format!(
                "The record is NOT whole. The first entry that is wrong is {}: {what}; {}.\n{entries} before it fit.",
                finding.seq, finding.detail
            )
        }
        None => {
            let checkpoints = many(usize::try_from(report.checkpoints).unwrap_or(usize::MAX), "checkpoint");
            let keys = report.keys.join(", ");
            let signed = if keys.is_empty() { String::new() } else { format!(", signed by {keys}") };
            format!(
                "The record is whole: {entries}, {} to {}; {checkpoints}{signed}.\nKeep this elsewhere: {}:{}",
                report.first, report.last, report.last, report.head
            )
        }
    }
}

async fn checkpoints(db: &Db, print: Json) -> Result<ExitCode> {
    let found = audit::checkpoints(db, None, CHECKPOINTS).await?;
    let mut table = admin::table(&["checkpoint", "at", "kind", "public key"]);
    for checkpoint in found.into_iter().map(ShownCheckpoint::from) {
        if print.json {
            output::say(&serde_json::to_string(&checkpoint)?);
            continue;
        }
        let place = format!("{}:{}", checkpoint.seq, checkpoint.hash);
        table.add_row([place, checkpoint.at.to_string(), checkpoint.kind, checkpoint.public_key]);
    }
    if !print.json {
        admin::print(&table);
    }
    Ok(ExitCode::SUCCESS)
}
