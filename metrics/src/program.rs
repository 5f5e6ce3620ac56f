//! What every process tells of itself.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::{
    kind::Part,
    label::Label,
    name::Name,
    registry::{begin, count, counter, set},
};

/// Where something went wrong on our side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Where {
    /// Behind a command.
    Command,
    /// In the policy engine.
    Policy,
    /// An execution or an announcement fell.
    Worker,
    /// A role fell and was started again, or could not go on.
    Role,
    /// Something panicked; it is counted where it was caught, too.
    Panic,
}

/// A process begins: as what, and in which version.
pub fn started(role: &str, version: &str) {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    set(Name::BuildInfo, &[version, role], 1.0);
    set(Name::StartTime, &[], now.as_secs_f64());
    begin(Part::Program, &[]);
}

/// Something went wrong on our side.
pub fn fault(at: Where) {
    let told = match at {
        Where::Command => "command",
        Where::Policy => "policy",
        Where::Worker => "worker",
        Where::Role => "role",
        Where::Panic => "panic",
    };
    debug_assert!(matches!(Label::Where.values(), crate::Values::Fixed(all) if all.contains(&told)));
    count(Name::Faults, &[told]);
}

/// A batch of spans was sent to the collector, which took it or did not.
pub fn spans(taken: bool, spans: u64) {
    let name = if taken { Name::SpansExported } else { Name::SpansLost };
    if let Some(counter) = counter(name, &[]) {
        counter.inc_by(spans as f64);
    }
}
