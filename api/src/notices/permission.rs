//! Who may have something said: the command `notify` with `destination=<name>`, asked by the service, in each channel.

use std::collections::BTreeMap;

use adjutant_bus::{
    actor::{Actor, Membership},
    destination::Target,
    spec::Action,
};
use adjutant_policies::{Ask, Denial, Dimension, Policy};
use jiff::Timestamp;

use crate::problem::{Code, Problem};

/// The command that policy decides about.
const NOTIFY: &str = "notify";
/// The context key of the destination.
const DESTINATION: &str = "destination";

/// All of it or nothing: a service that may not speak in one of the channels does not speak in the others.
pub(super) fn check(
    policy: &Policy,
    freeze: Option<bool>,
    actor: &Actor,
    destination: &str,
    targets: &[Target],
) -> Result<(), Problem> {
    let gate = policy.gate().ok_or_else(|| Problem::unavailable("No policy is in force."))?;
    let caller = gate.caller(actor, &Membership::known(Vec::new()));
    let own = BTreeMap::from([(DESTINATION.to_owned(), destination.to_owned())]);
    let context = gate.complete(&own, Timestamp::now(), freeze);
    for target in targets {
        let place = target.place().to_string();
        let ask =
            Ask { caller: &caller, place: &place, command: NOTIFY, action: Action::Run, context: &context };
        let verdict = gate.decide(&ask);
        if !verdict.authorization.allowed {
            return Err(denied(gate.version(), &place, verdict.denial));
        }
    }
    Ok(())
}

fn denied(version: &str, place: &str, denial: Option<Denial>) -> Problem {
    let detail = match denial.as_ref().map(|denial| denial.dimension) {
        Some(Dimension::Place) => format!("Not in {place}."),
        Some(Dimension::When) => "Not for this destination.".to_owned(),
        Some(Dimension::DenyRow) => format!("A row of the policy refuses it in {place}."),
        _ => format!("No row of the policy lets this service run `{NOTIFY}` in {place}."),
    };
    let problem = Problem::new(Code::NotAllowed, detail).with("policy_version", version).with("place", place);
    match denial {
        Some(Denial { incident: Some(incident), .. }) => problem.with("incident", incident),
        Some(denial) => problem.with("who_may", denial.who_may),
        None => problem,
    }
}
