//! `freeze on|off|status`: a value that policy sees with every request, for everyone at once. Policy says what it stops.

mod off;
mod on;
mod status;

use adjutant_bus::{mode::Freeze, ports::StoreError, reply::Reply, spec::ArgSpec};
use jiff::Timestamp;

pub(super) use self::{off::Off, on::On, status::Status};
use super::{Asked, Failure};

/// Longest reason, in characters.
const LONGEST_REASON: usize = 300;

/// Why it is done; whoever is refused reads it.
fn reason() -> ArgSpec {
    let kind = adjutant_bus::spec::ArgKind::String;
    ArgSpec { required: true, ..ArgSpec::flag("reason", kind, "why, one line; whoever is refused reads it") }
}

fn given_reason(asked: &Asked) -> Result<String, Failure> {
    let reason = asked.text("reason").unwrap_or_default().trim().to_owned();
    let fits = !reason.is_empty() && reason.chars().count() <= LONGEST_REASON;
    if fits && !reason.chars().any(char::is_control) {
        return Ok(reason);
    }
    let told = format!("The reason must be one line of at most {LONGEST_REASON} characters");
    Err(Failure::told(told, "Nothing has changed."))
}

/// Two people at once: whoever comes second has not seen what the first one did.
fn meanwhile(error: StoreError) -> Failure {
    match error {
        StoreError::Conflict => Failure::told(
            "Somebody else has put a freeze on or ended it at the same moment",
            "Nothing has changed by your command; `freeze status` shows what holds now.",
        ),
        StoreError::Bus(error) => error.into(),
    }
}

/// A freeze in one line: whose, until when, why.
fn told(freeze: &Freeze) -> String {
    let until = freeze.until.map_or_else(String::new, |until| format!(" until {}", minute(until)));
    format!("that of {}{until} ({})", freeze.by, freeze.reason)
}

/// A freeze, as people are shown it.
fn shown(reply: Reply, freeze: &Freeze) -> Reply {
    reply.fields([
        ("by", freeze.by.clone()),
        ("why", freeze.reason.clone()),
        ("since", minute(freeze.since)),
        ("until", freeze.until.map_or_else(|| "somebody ends it".to_owned(), minute)),
    ])
}

fn minute(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M UTC").to_string()
}
