//! What workers tell: how requests end, how long deciding and running took, how many slots are used.

use std::{sync::LazyLock, time::Duration};

use prometheus::Gauge;

use crate::{
    kind::Part,
    label::Label,
    name::Name,
    registry::{begin, begin_for, count, gauge, observe, set},
};

/// The command that stands for all that nobody knows.
pub const UNKNOWN: &str = "unknown";

static USED: LazyLock<Option<Gauge>> = LazyLock::new(|| gauge(Name::SlotsUsed, &[]));

/// A worker begins, with so many slots.
pub fn begun(slots: usize) {
    begin(Part::Worker, &[]);
    knows(UNKNOWN);
    set(Name::Slots, &[], u32::try_from(slots).unwrap_or(u32::MAX).into());
    USED.as_ref().inspect(|gauge| gauge.set(0.0));
}

/// The catalogue has this command: its counters begin at zero, so that the first end of each kind is a rise.
pub fn knows(command: &str) {
    begin_for(Name::Commands, Label::Command, command);
}

/// A slot in use, for as long as this lives.
#[derive(Debug)]
pub struct Slot(());

impl Slot {
    /// One more is in use.
    #[must_use]
    pub fn taken() -> Self {
        USED.as_ref().inspect(|gauge| gauge.inc());
        Self(())
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        USED.as_ref().inspect(|gauge| gauge.dec());
    }
}

/// A request has ended. `command` is one of the catalogue; none: nothing of it was understood.
pub fn ended(command: Option<&str>, outcome: &str) {
    count(Name::Commands, &[command.unwrap_or(UNKNOWN), outcome]);
}

/// A request was refused, with this code.
pub fn refused(platform: &str, code: &str) {
    count(Name::Refusals, &[platform, code]);
}

/// Policy has decided.
pub fn decided(allowed: bool, took: Duration) {
    observe(Name::DecisionSeconds, &[if allowed { "allowed" } else { "denied" }], took.as_secs_f64());
}

/// A command of the catalogue ran for so long.
pub fn ran(command: &str, took: Duration) {
    observe(Name::RunSeconds, &[command], took.as_secs_f64());
}

/// What became of a message whose journal had begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Adopted {
    /// It was dropped: the request had ended, or this was another copy of it.
    Settled,
    /// It was handed back, because its worker may be alive.
    Wait,
    /// It went on here.
    Resumed,
    /// It was ended as cancelled.
    Cancelled,
    /// It was ended as interrupted.
    Interrupted,
}

/// A message's journal had begun.
pub fn adopted(adopted: Adopted) {
    let told = match adopted {
        Adopted::Settled => {
            count(Name::Duplicates, &["journal"]);
            "settled"
        }
        Adopted::Wait => "wait",
        Adopted::Resumed => "resumed",
        Adopted::Cancelled => "cancelled",
        Adopted::Interrupted => "interrupted",
    };
    count(Name::Adoptions, &[told]);
}

/// What became of an announcement or a notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    /// It was said, or passed on.
    Done,
    /// It was put back.
    Later,
    /// It was put among the dead letters.
    Never,
}

impl Told {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Later => "later",
            Self::Never => "never",
        }
    }
}

/// An announcement was handled.
pub fn announced(told: Told) {
    count(Name::Announcements, &[told.as_str()]);
}
