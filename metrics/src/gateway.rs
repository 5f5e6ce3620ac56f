//! What gateways tell: what comes in, how soon the bus has it, how soon answers are posted, and what rate limits cost.

use std::time::Duration;

use prometheus::Counter;

use crate::{
    clock,
    kind::Part,
    label::{Label, Values},
    name::Name,
    registry::{begin, count, counter, observe, set},
    worker::Told,
};

/// A wait that is shorter than this is none.
const WAIT: Duration = Duration::from_millis(2);

/// What one platform sends, its series found once.
#[derive(Clone, Debug)]
pub struct Ear {
    platform: &'static str,
    frames: Option<Counter>,
}

impl Ear {
    /// A gateway of this platform begins.
    #[must_use]
    pub fn begin(platform: &str) -> Self {
        begin(Part::Gateway, &[(Label::Platform, &[platform])]);
        let Values::Fixed(platforms) = Label::Platform.values() else {
            return Self { platform: crate::OTHER, frames: None };
        };
        let platform = platforms.iter().find(|known| **known == platform).copied().unwrap_or(crate::OTHER);
        Self { platform, frames: counter(Name::Frames, &[platform]) }
    }

    /// The platform sent something.
    pub fn heard(&self) {
        self.frames.as_ref().inspect(|counter| counter.inc());
        clock::touch(Name::FrameAge, Some(self.platform));
    }

    /// So many sockets are open, and so many should be.
    pub fn sockets(&self, open: usize, wanted: usize) {
        let number = |number: usize| u32::try_from(number).unwrap_or(u32::MAX).into();
        set(Name::SocketsOpen, &[self.platform], number(open));
        set(Name::SocketsWanted, &[self.platform], number(wanted));
        if wanted == 0 {
            // Who holds none hears nothing, and that is as it should be.
            clock::forget(Name::FrameAge, Some(self.platform));
        }
    }
}

/// What the bus said to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accepted {
    /// It has it.
    Yes,
    /// It has it not; it may take it later.
    No,
    /// It will never take it.
    Never,
    /// Nobody knows.
    Uncertain,
}

/// A request came in, and the bus said this after so long.
pub fn request(platform: &str, accepted: Accepted, took: Duration) {
    let told = match accepted {
        Accepted::Yes => {
            observe(Name::AcceptSeconds, &[platform], took.as_secs_f64());
            "yes"
        }
        Accepted::No => "no",
        Accepted::Never => "never",
        Accepted::Uncertain => "uncertain",
    };
    count(Name::GatewayRequests, &[platform, told]);
}

/// An answer was posted, so long after the request had ended.
pub fn delivered(platform: &str, after: Duration) {
    observe(Name::DeliverySeconds, &[platform], after.as_secs_f64());
}

/// Why an answer was not posted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The platform asks to wait.
    Wait,
    /// The platform did not say whether it took it.
    Uncertain,
    /// The platform does not take this form of it.
    Form,
    /// The platform does not take it at all.
    Final,
    /// The beginning of the journal cannot be read.
    Bus,
}

/// A try to post an answer failed.
pub fn undelivered(platform: &str, failure: Failure) {
    let told = match failure {
        Failure::Wait => "wait",
        Failure::Uncertain => "uncertain",
        Failure::Form => "form",
        Failure::Final => "final",
        Failure::Bus => "bus",
    };
    count(Name::DeliveryFailures, &[platform, told]);
}

/// A notice was handled.
pub fn notice(platform: &str, told: Told) {
    count(Name::Notices, &[platform, told.as_str()]);
}

/// A call waited for the rate that the platform allows.
pub fn waited(platform: &str, wait: Duration) {
    if wait < WAIT {
        return;
    }
    count(Name::RateWaits, &[platform]);
    if let Some(seconds) = counter(Name::RateWaitSeconds, &[platform]) {
        seconds.inc_by(wait.as_secs_f64());
    }
}

/// The platform refused a call because there were too many.
pub fn limited(platform: &str) {
    count(Name::RateLimited, &[platform]);
}
