//! What canaries tell: how they came back, or how far they came.

use std::time::Duration;

use crate::{
    clock,
    kind::Part,
    label::{Label, Values},
    name::Name,
    registry::{begin, count, observe},
};

/// How far one came that did not come back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Came {
    /// The bus did not accept it.
    NotAccepted,
    /// No worker took it.
    NotTaken,
    /// No worker ended it.
    NotEnded,
    /// It ended otherwise than well.
    NotSucceeded,
    /// The sender's follower did not see it.
    NotSeen,
    /// The journal could not be read.
    NotRead,
}

/// Canaries of this platform begin.
pub fn begin_for(platform: &str) {
    begin(Part::Canary, &[(Label::Platform, &[platform])]);
    // One that never comes back is one that has not for so long.
    if let Some(platform) = known(platform) {
        clock::touch(Name::CanaryAge, Some(platform));
    }
}

/// One came back, after so long.
pub fn returned(platform: &str, took: Duration) {
    count(Name::Canaries, &[platform, "returned"]);
    observe(Name::CanarySeconds, &[platform], took.as_secs_f64());
    if let Some(platform) = known(platform) {
        clock::touch(Name::CanaryAge, Some(platform));
    }
}

/// One did not come back.
pub fn lost(platform: &str, came: Came) {
    let told = match came {
        Came::NotAccepted => "not_accepted",
        Came::NotTaken => "not_taken",
        Came::NotEnded => "not_ended",
        Came::NotSucceeded => "not_succeeded",
        Came::NotSeen => "not_seen",
        Came::NotRead => "not_read",
    };
    count(Name::Canaries, &[platform, told]);
}

fn known(platform: &str) -> Option<&'static str> {
    let Values::Fixed(platforms) = Label::Platform.values() else { return None };
    platforms.iter().find(|known| **known == platform).copied()
}
