//! What is done with the policy that decides: publish, go back, look. Publishing is a command like any other, so that policy
//! says who may and the journal has it before it is done.

mod history;
mod publish;
mod rollback;
mod status;

use std::time::Duration;

use adjutant_bus::{
    bundle::{self, Bundle, Unpublished},
    ports::BusError,
    reply::{Block, Reply},
    spec::{ArgKind, ArgSpec},
};
use adjutant_policies::{
    Files,
    live::{self, Author, Switched},
};
use jiff::Timestamp;
use tracing::warn;

pub(super) use self::{history::History, publish::Publish, rollback::Rollback, status::Status};
use super::{Asked, Failure};

/// How long the answer waits for all workers to decide by a new version.
const SWITCH: Duration = Duration::from_secs(5);
/// Longest reason, in characters.
const LONGEST_REASON: usize = 500;
/// Most changes that an answer names.
const MOST_NAMED: usize = 10;

/// Why it is done; everybody reads it in the history.
fn reason() -> ArgSpec {
    let flag = ArgSpec::flag("reason", ArgKind::String, "why, one line; it stays in the history");
    ArgSpec { required: true, ..flag }
}

fn given_reason(asked: &Asked) -> Result<String, Failure> {
    let reason = asked.text("reason").unwrap_or_default().trim().to_owned();
    let fits = !reason.is_empty() && reason.chars().count() <= LONGEST_REASON;
    if fits && !reason.chars().any(char::is_control) {
        return Ok(reason);
    }
    Err(Failure::told(
        format!("The reason must be one line of at most {LONGEST_REASON} characters"),
        "Nothing was published.",
    ))
}

/// The worker decides by files of its own machine: a publication would change nothing.
fn published_here(asked: &Asked) -> Result<(), Failure> {
    if asked.policy.is_published() {
        return Ok(());
    }
    Err(Failure::told(
        "The workers here do not go by a published policy",
        "Nothing was published. They read files (`policy.source`): change those, or set `policy.source = \"bus\"` and \
         publish the first one with `adjutant policy publish --as-operator`.",
    ))
}

/// Publishes files as the version after the newest, if nothing forbids it.
async fn publish(asked: &Asked, files: Files, newest: &Bundle, reason: String) -> Result<Reply, Failure> {
    let current = asked
        .policy
        .gate()
        .filter(|_| asked.policy.status().named.is_some_and(|in_force| in_force == newest.named));
    let Some(current) = current else {
        return Err(Failure::told(
            format!("Version {} is published, and this worker does not decide by it", newest.named.version),
            "Nothing was published. Try again in a moment; `policy status` tells how each worker stands.",
        ));
    };
    let version = newest.named.version + 1;
    let (candidate, findings) = asked.policy.candidate(files.clone(), version).await.map_err(|findings| {
        let shown =
            Reply::failure("This policy is not good, so it is not published").text("Nothing was published.");
        Failure::Told(Box::new(code(shown, findings)))
    })?;
    let diff = tokio::task::spawn_blocking(move || adjutant_policies::diff(&current, &candidate)).await;
    let diff = diff.map_err(|fault| BusError::Refused(fault.to_string()))?;
    let gains = diff.production_gains();
    if !gains.is_empty() {
        return Err(second_person(&gains));
    }
    let request = asked.request();
    let author = Author { who: request.actor.to_string(), reason, request: Some(request.id) };
    let bundle = live::next(&files, Some(&newest.named), author);
    let bundle = bundle.map_err(|why| Failure::told(why, "Nothing was published."))?;
    bundle::publish(&asked.bus, &bundle).await.map_err(unpublished)?;
    if let Err(error) = bundle::discard(&asked.bus, &bundle.named.sha256, Timestamp::now()).await {
        warn!(%error, "drafts of policies could not be removed; a later publication removes them");
    }
    let title = format!("Published version {version} ({:.8})", bundle.named.sha256);
    let mut reply = Reply::success(title).text(told(&live::switched(&asked.bus, version, SWITCH).await));
    if !findings.findings.is_empty() {
        reply = code(reply.text("What deserves a look:"), findings.to_string());
    }
    if diff.is_empty() {
        return Ok(reply.text("Nobody gains or loses anything."));
    }
    Ok(listed(reply.text("What changes:"), &diff.lines()))
}

fn told(switched: &Switched) -> String {
    let Switched { there, workers, took } = switched;
    let seconds = took.as_secs_f32();
    if switched.all() {
        return format!("{there} of {workers} workers switched in {seconds:.1} s.");
    }
    format!(
        "{there} of {workers} workers have switched after {seconds:.1} s; `policy status` tells why the others have not."
    )
}

fn code(reply: Reply, text: String) -> Reply {
    reply.block(Block::Code { text, language: None })
}

fn listed(reply: Reply, all: &[String]) -> Reply {
    let mut shown: Vec<String> = all.iter().take(MOST_NAMED).cloned().collect();
    if all.len() > MOST_NAMED {
        shown.push(format!("… and {} more; `adjutant policy diff` shows all", all.len() - MOST_NAMED));
    }
    code(reply, shown.join("\n"))
}

/// Nobody gives rights on production alone.
fn second_person(gains: &[String]) -> Failure {
    let reply = Reply::failure("This gives rights on production, so a second person must approve it").text(
        "Nothing was published. Approvals do not exist yet, so it cannot be approved here: an operator with the bus's admin \
         login publishes it with `adjutant policy publish --as-operator`.",
    );
    Failure::Told(Box::new(listed(reply, gains)))
}

fn unpublished(why: Unpublished) -> Failure {
    match why {
        Unpublished::Bus(error) => Failure::Fault(error),
        why @ Unpublished::Meanwhile(_) => Failure::told(
            format!("Not published: {why}"),
            "Look at it with `policy history`, and compare yours with it before you publish again.",
        ),
        why @ Unpublished::TooLarge(_) => Failure::told(why.to_string(), "Nothing was published."),
    }
}
