//! What people read when the answer is no: what happened, then what to do next. All of it in one place, as interface text.

use adjutant_bus::{
    actor::Membership,
    mode::Freeze,
    refusal::{Refusal, RefusalCode},
    spec::CommandSpec,
};
use adjutant_policies::{Denial, Dimension, condition};
use jiff::{Timestamp, ZonedDateTime};

use crate::{
    authorize::{Asker, Judgement},
    mode::Paused,
};

fn refusal(code: RefusalCode, what: impl Into<String>, next: impl Into<String>) -> Refusal {
    Refusal { code, what: what.into(), next: next.into(), shown: Vec::new() }
}

/// The message came by a way that its actor would not have taken.
pub(crate) fn forged() -> Refusal {
    refusal(
        RefusalCode::Unidentified,
        "It is not certain who asks: the request names somebody else than the way it came by",
        "Nothing was run. If you did ask for this, tell an operator.",
    )
}

/// A canary asks for something else than canaries do.
pub(crate) fn no_canary() -> Refusal {
    refusal(
        RefusalCode::NotAllowed,
        "A canary may only ask whether it comes back",
        "Nothing was run. Whoever sent this holds the password of a gateway or of the API; tell an operator.",
    )
}

/// No policy is loaded.
pub(crate) fn no_policy() -> Refusal {
    refusal(
        RefusalCode::NotAllowed,
        "No policy is loaded, so everything is refused",
        "Tell an operator; `help`, `whoami` and `status` work meanwhile.",
    )
}

/// Lines that stand for one another without end.
pub(crate) fn endless() -> Refusal {
    refusal(
        RefusalCode::BadArguments,
        "That run stands for another, which stands for another",
        "Type the command itself.",
    )
}

/// The service that offers the command is away.
pub(crate) fn no_service(spec: &CommandSpec) -> Refusal {
    refusal(
        RefusalCode::NoService,
        format!("No service offers `{}` at the moment", spec.path),
        "Nothing was run. Try again when the service is back.",
    )
}

/// Nothing but reading runs now.
pub(crate) fn paused(spec: &CommandSpec, paused: &Paused) -> Refusal {
    let path = &spec.path;
    let (what, next) = match paused {
        Paused::ByHand(pause) => (
            format!(
                "`{path}` is paused: {} has stopped all commands that change something, since {} ({})",
                pause.by,
                minute(pause.since),
                pause.reason
            ),
            "Nothing was run. Try again when the pause is over; commands that only read, and `cancel`, work meanwhile.",
        ),
        Paused::Unrecorded(at) => (
            format!(
                "`{path}` is not run, because it could not be recorded: the audit copy has stood still since {}",
                minute(*at)
            ),
            "Nothing was run. Tell an operator; commands that only read, and `cancel`, work meanwhile.",
        ),
    };
    refusal(RefusalCode::Paused, what, next)
}

/// Whether the policy in force here is still the current one has not been known for too long.
pub(crate) fn outdated(spec: &CommandSpec, confirmed: Option<Timestamp>) -> Refusal {
    let since = confirmed.map_or_else(String::new, |at| format!(" since {}", minute(at)));
    refusal(
        RefusalCode::Paused,
        format!(
            "`{}` is not run on production, because this worker does not know{since} whether its policy is the current one",
            spec.path
        ),
        "Nothing was run. Tell an operator, who sees with `adjutant policy status` what is wrong; try again then.",
    )
}

fn minute(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M UTC").to_string()
}

/// Policy does not allow it.
pub(crate) fn denied(
    spec: &CommandSpec,
    judgement: &Judgement,
    asker: &Asker,
    freeze: Option<&Freeze>,
) -> Refusal {
    let request = asker.request();
    if let Membership::Unknown { reason } = &request.groups {
        return refusal(
            RefusalCode::Unidentified,
            format!("Your groups could not be looked up ({reason}), so you may not run `{}` now", spec.path),
            "Try again in a moment; if it stays so, tell an operator.",
        );
    }
    let Some(denial) = &judgement.denial else { return no_policy() };
    let code = match denial.dimension {
        Dimension::Place => RefusalCode::WrongPlace,
        _ => RefusalCode::NotAllowed,
    };
    let what = frozen(spec, judgement, denial, freeze).unwrap_or_else(|| because(spec, judgement, denial));
    refusal(code, what, ask(spec, denial, judgement.opens.as_ref(), asker))
}

/// A deny row that holds because of a freeze, or because it is not known whether there is one.
fn frozen(
    spec: &CommandSpec,
    judgement: &Judgement,
    denial: &Denial,
    freeze: Option<&Freeze>,
) -> Option<String> {
    let path = &spec.path;
    if denial.dimension != Dimension::DenyRow || !denial.forbidden.iter().any(|when| names(when, "freeze")) {
        return None;
    }
    // What the decision saw, not what holds by now.
    match judgement.authorization.context.get("freeze").map(String::as_str) {
        Some("on") => {}
        Some(_) => return None,
        None => return Some(format!("You may not run `{path}` now: whether there is a freeze is not known")),
    }
    let Some(freeze) = freeze else { return Some(format!("`{path}` is frozen")) };
    let until = freeze.until.map_or_else(String::new, |until| format!(", until {}", minute(until)));
    Some(format!(
        "`{path}` is frozen: {} has put a freeze on, since {}{until} ({})",
        freeze.by,
        minute(freeze.since),
        freeze.reason
    ))
}

fn names(when: &str, key: &str) -> bool {
    when.split(';').any(|part| part.split_once('=').is_some_and(|(named, _)| named == key))
}

fn because(spec: &CommandSpec, judgement: &Judgement, denial: &Denial) -> String {
    let path = &spec.path;
    match denial.dimension {
        Dimension::Command => format!("Nobody may run `{path}`: no policy row is about it"),
        Dimension::Group => match judgement.authorization.groups.as_slice() {
            [] => format!("You may not run `{path}`: you are in no group that policy knows"),
            groups => format!("You may not run `{path}`: none of your groups may ({})", groups.join(", ")),
        },
        Dimension::Action => format!("You may not `{}` with `{path}`", spec.action.as_str()),
        Dimension::Place => {
            format!("You may not run `{path}` in this place ({})", judgement.authorization.place)
        }
        Dimension::When => {
            format!("You may not run `{path}` with {}", told(&judgement.authorization.context, denial))
        }
        Dimension::DenyRow => {
            let what = denial.forbidding.as_ref().map(|rule| format!(" {}", rule.told()));
            format!("You may not run `{path}`: a rule forbids it{}", what.unwrap_or_default())
        }
        Dimension::Engine => "The policy engine failed, so this is refused".to_owned(),
    }
}

/// What of the context matters: what the command binds, and of the time and a freeze what a row asks for.
fn told(context: &std::collections::BTreeMap<String, String>, denial: &Denial) -> String {
    let asked = |key: &str| denial.conditions.iter().any(|when| names(when, key));
    let bound: Vec<String> = context
        .iter()
        .filter(|(key, value)| {
            *value != "none" && (!["freeze", "hours"].contains(&key.as_str()) || asked(key))
        })
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    if bound.is_empty() { "these arguments".to_owned() } else { bound.join(", ") }
}

/// Conditions of which one must hold, in words.
pub(crate) fn conditions(whens: &[String]) -> String {
    whens.iter().map(|when| condition(when)).collect::<Vec<_>>().join(", or ")
}

/// A moment by the wall clock of the policy's zone: `Mon 2026-11-30 09:00 CET`.
pub(crate) fn opening(at: &ZonedDateTime) -> String {
    at.strftime("%a %Y-%m-%d %H:%M %Z").to_string()
}

fn ask(spec: &CommandSpec, denial: &Denial, opens: Option<&ZonedDateTime>, asker: &Asker) -> String {
    let mut next = Vec::new();
    match denial.dimension {
        Dimension::When if !denial.conditions.is_empty() => {
            next.push(format!("You may with {}.", conditions(&denial.conditions)));
        }
        Dimension::Place if !denial.places.is_empty() => {
            next.push(format!("You may in {}.", denial.places.join(", ")))
        }
        Dimension::Engine => {
            let incident = denial.incident.clone().unwrap_or_default();
            next.push(format!("Tell an operator: incident `{incident}`."));
        }
        _ => {}
    }
    if let Some(at) = opens {
        next.push(format!("By the time alone, you may from {}.", opening(at)));
    }
    if !denial.who_may.is_empty() {
        next.push(format!("{} may; ask somebody there.", denial.who_may.join(", ")));
    }
    if denial.dimension != Dimension::Engine {
        if let Some(contact) = asker.contact(&denial.who_may) {
            next.push(format!("Whom to ask: {contact}."));
        }
        next.push(format!("`why {}` tells more.", spec.path));
        let request = asker.request();
        next.push(format!(
            "An admin needs your id, `{}`, and that of this place, `{}`.",
            request.actor, request.place
        ));
    }
    next.join(" ")
}
