//! What people read when a request ends otherwise than by its command's own answer.

use adjutant_bus::{
    actor::Actor,
    event::{Fact, Opening},
    ports::Recorded,
    reply::{Reply, Tone},
    spec::Effect,
    wire,
};
use adjutant_metrics::program::{self, Where};

use crate::commands::Failure;

/// Room that the rest of an event needs beside its reply, in bytes.
const ENVELOPE: usize = 4 * 1024;

/// The command said that it did not work, or there was a fault behind it.
pub(super) fn failed(failure: Failure) -> Fact {
    match failure {
        Failure::Told(reply) => Fact::Failed { reply: *reply, incident: None },
        Failure::Fault(error) => fault(&error.to_string()),
    }
}

/// A fault: logged in full under an incident id, and shown only as that.
pub(super) fn fault(cause: &str) -> Fact {
    let incident = format!("{:08x}", rand::random::<u32>());
    program::fault(Where::Command);
    tracing::error!(%incident, cause, "a command failed by a fault");
    let reply = Reply::failure("Something went wrong on our side").text(format!(
        "What the command had done by then is not known. Operators find the cause in the log under incident `{incident}`."
    ));
    Fact::Failed { reply, incident: Some(incident) }
}

/// A service's 503, or a service that vanished: nothing was run.
pub(super) fn no_service(path: &str) -> Fact {
    let reply = Reply::failure(format!("No service offers `{path}` at the moment"))
        .text("Nothing was run. Try again when the service is back; `commands` lists what is there.");
    Fact::Failed { reply, incident: None }
}

/// The command took longer than it may.
pub(super) fn timed_out(seconds: u64, effect: Effect, line: &str) -> Fact {
    let reply = Reply::failure(format!("No answer within {seconds} s"));
    Fact::TimedOut { reply: reply.text(afterwards(effect, line)) }
}

/// Somebody cancelled it.
pub(super) fn cancelled(by: Option<Actor>, effect: Effect) -> Fact {
    let title =
        by.as_ref().map_or_else(|| "Cancelled".to_owned(), |actor| format!("Cancelled by {}", actor.shown()));
    let reply = Reply::new(Tone::Warning, title);
    let reply = if effect == Effect::Read {
        reply.text("Nothing was changed.")
    } else {
        reply.text("It was stopped while it ran; what it had done by then stays done.")
    };
    Fact::Cancelled { by, reply }
}

/// Its worker died in the middle of a command that may not run twice.
pub(super) fn interrupted(events: &[Recorded]) -> Fact {
    let opening: Option<&Opening> = events.first().and_then(|recorded| recorded.event.opening.as_deref());
    let line = opening.and_then(|o| o.invocation.as_ref()).map(|i| i.canonical.as_str()).unwrap_or_default();
    let reply = Reply::failure("Interrupted: outcome unknown, not run again")
        .text("The worker that ran this command stopped in the middle of it.")
        .text(afterwards(Effect::Mutating, line));
    Fact::Interrupted { reply }
}

/// Nobody waits for it any more.
pub(super) fn expired() -> Fact {
    let reply = Reply::new(Tone::Warning, "Expired before it could start")
        .text("Nothing was run. Ask again if you still want it.");
    Fact::Expired { reply }
}

/// It was delivered too often without an ending.
pub(super) fn given_up() -> Fact {
    let reply = Reply::failure("Given up after several tries")
        .text("No worker could bring this to an end. The whole request is kept among the dead letters for operators.");
    Fact::Failed { reply, incident: None }
}

/// The command means something else now than when it was claimed.
pub(super) fn changed_meanwhile() -> Fact {
    let reply = Reply::failure("The command was changed while it ran")
        .text("The worker that ran it stopped, and it is not carried on as something else. Type it again if you still want it.");
    Fact::Failed { reply, incident: None }
}

fn afterwards(effect: Effect, line: &str) -> String {
    if effect == Effect::Read {
        return "Nothing was changed; ask again.".to_owned();
    }
    let what = if line.is_empty() { "it".to_owned() } else { format!("`{line}`") };
    format!(
        "Whether {what} took effect is not known, and it is not run again by itself. Look at the state of what it changes before you ask again."
    )
}

/// The same fact, its reply replaced when it is too large for the journal: every request ends.
pub(super) fn fitting(mut fact: Fact) -> Fact {
    let size = serde_json::to_vec(&fact).map_or(usize::MAX, |bytes| bytes.len());
    if size + ENVELOPE <= wire::MAX_MESSAGE {
        return fact;
    }
    let short = |was: &Reply| {
        Reply { tone: was.tone, visibility: was.visibility, ..Reply::info("The answer is too large to show") }
            .text(format!(
                "It has {} KiB, and the limit is {} KiB. Ask for less of it.",
                size / 1024,
                wire::MAX_MESSAGE / 1024
            ))
    };
    match &mut fact {
        Fact::Refused { reply, .. }
        | Fact::Rejected { reply, .. }
        | Fact::Succeeded { reply }
        | Fact::Failed { reply, .. }
        | Fact::TimedOut { reply }
        | Fact::Cancelled { reply, .. }
        | Fact::Expired { reply }
        | Fact::Interrupted { reply } => *reply = short(reply),
        Fact::Claimed
        | Fact::Held { .. }
        | Fact::Started
        | Fact::Resumed
        | Fact::Progress { .. }
        | Fact::CancelRequested { .. } => {}
    }
    fact
}
