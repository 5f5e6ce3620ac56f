//! `policy publish` and `policy rollback`: asked of a worker, which decides whether they may; or done by an operator.

use std::{process::ExitCode, time::Duration};

use adjutant_bus::{
    bundle::{self, Bundle, Draft, Named},
    open::{Opened, Role},
    ports::Bus,
    wire::Version,
};
use adjutant_policies::{
    Files, Policy,
    live::{self, Author},
};
use anyhow::{Context, Result, bail};
use jiff::Timestamp;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::{
    cli::{PolicyPublish, PolicyRollback, Publisher},
    config::Config,
    output,
    roles::{admin::could_not_run, parts, serve},
    run::{self, RunOptions},
};

/// How long a publication may take until it is answered.
const ANSWER: Duration = Duration::from_secs(300);
/// How long the answer waits for all workers to decide by a new version.
const SWITCH: Duration = Duration::from_secs(5);
/// As whom an operator stands in the history: whoever holds the bus's admin login.
const OPERATOR: &str = "operator";

/// Publishes the files of a folder.
pub(super) async fn publish(
    config: &Config,
    asked: PolicyPublish,
    stop: CancellationToken,
) -> Result<ExitCode> {
    let folder = asked.dir.or_else(|| parts::policy(config).folder);
    let files = match folder.map_or_else(|| Ok(Files::shipped()), |folder| Files::read(&folder)) {
        Ok(files) => files,
        Err(why) => return Ok(could_not_run(&why)),
    };
    let opened = serve::shared(&parts::bus(config, false)?, "policy publisher").await?;
    if asked.by.as_operator {
        let bus = opened.role(Role::Admin).await?;
        let newest = bundle::newest(&bus).await?.map(|bundle| bundle.named);
        return as_operator(config, &bus, files, newest, &asked.by).await;
    }
    let files_packed = match files.pack() {
        Ok(packed) => packed,
        Err(why) => return Ok(could_not_run(&why)),
    };
    let sha256 = files.sha256();
    let draft = Draft { v: Version, sha256: sha256.clone(), at: Timestamp::now(), files: files_packed };
    bundle::upload(&opened.role(Role::Console).await?, &draft).await?;
    let mut words = vec!["policy".to_owned(), "publish".to_owned(), sha256];
    if let Some(second) = &asked.second {
        words.push(format!("--second={second}"));
    }
    ask(config, &opened, words, asked.by, stop).await
}

/// Publishes the content of an earlier version.
pub(super) async fn rollback(
    config: &Config,
    asked: PolicyRollback,
    stop: CancellationToken,
) -> Result<ExitCode> {
    let opened = serve::shared(&parts::bus(config, false)?, "policy publisher").await?;
    if !asked.by.as_operator {
        let words = vec!["policy".to_owned(), "rollback".to_owned(), asked.version.to_string()];
        return ask(config, &opened, words, asked.by, stop).await;
    }
    let bus = opened.role(Role::Admin).await?;
    let known = bundle::all(&bus).await?;
    let wanted = known.iter().find(|bundle| bundle.named.version == asked.version);
    let wanted = wanted.with_context(|| {
        format!(
            "there is no version {}, or it is kept no more; `adjutant policy history` shows which there are",
            asked.version
        )
    })?;
    let files = Files::unpack(&wanted.files).map_err(anyhow::Error::msg)?;
    let newest = known.last().map(|bundle| bundle.named.clone());
    as_operator(config, &bus, files, newest, &asked.by).await
}

/// Has a worker do it, as any command.
async fn ask(
    config: &Config,
    opened: &Opened,
    mut words: Vec<String>,
    by: Publisher,
    stop: CancellationToken,
) -> Result<ExitCode> {
    words.push(format!("--reason={}", by.reason));
    let options = match serve::asker(config, by.as_user) {
        Ok((user, groups)) => RunOptions { user, groups, json: by.json, timeout: ANSWER, words },
        Err(exit) => return Ok(exit),
    };
    let (bus, tenant) = (opened.role(Role::Console).await?, parts::console(config).tenant);
    let asked = stop.run_until_cancelled(run::run(bus, &tenant, &options)).await;
    let exit = asked.context("stopped before the answer came").and_then(|exit| exit)?;
    Ok(exit.into())
}

/// Writes the next version without asking anybody: the first publication, and the way out when nobody may publish any more.
async fn as_operator(
    config: &Config,
    bus: &Bus,
    files: Files,
    newest: Option<Named>,
    by: &Publisher,
) -> Result<ExitCode> {
    if newest.as_ref().is_some_and(|newest| newest.sha256 == files.sha256()) {
        bail!("these files are published already");
    }
    let policy = Policy::published(parts::policy(config), parts::vocabulary(config));
    let version = newest.as_ref().map_or(1, |newest| newest.version + 1);
    let findings = match policy.candidate(files.clone(), version).await {
        Ok((_, findings)) => findings,
        Err(findings) => {
            output::complain(&findings);
            return Ok(ExitCode::FAILURE);
        }
    };
    findings.findings.iter().for_each(|finding| output::complain(&finding.to_string()));
    let author = Author { who: OPERATOR.to_owned(), reason: by.reason.clone(), request: None };
    let made: Bundle = live::next(&files, newest.as_ref(), author).map_err(anyhow::Error::msg)?;
    bundle::publish(bus, &made).await?;
    let switched = live::switched(bus, version, SWITCH).await;
    if by.json {
        let told = json!({ "version": version, "sha256": made.named.sha256, "workers": switched.workers, "switched": switched.there });
        output::say(&told.to_string());
    } else {
        output::say(&format!(
            "Published version {version} ({:.8}). {} of {} workers switched in {:.1} s.",
            made.named.sha256,
            switched.there,
            switched.workers,
            switched.took.as_secs_f32()
        ));
    }
    Ok(ExitCode::SUCCESS)
}
