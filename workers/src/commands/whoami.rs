//! `whoami`: the asker as Adjutant sees them, with the ids that an admin needs.

use adjutant_bus::{
    actor::Membership,
    reply::Reply,
    spec::{Action, CommandSpec, Effect},
};
use async_trait::async_trait;
use jiff::Timestamp;

use super::{Asked, Command, Failure, path};

pub(super) struct Whoami;

#[async_trait]
impl Command for Whoami {
    fn spec(&self) -> CommandSpec {
        CommandSpec {
            effect: Effect::Read,
            action: Action::View,
            details: "Give these ids to an admin when you ask for a right: names are labels, ids decide."
                .to_owned(),
            ..CommandSpec::new(path("whoami"), "Show who you are to Adjutant: your id and your groups")
        }
    }

    async fn run(&self, asked: &Asked) -> Result<Reply, Failure> {
        let request = asked.request();
        let chat_groups = match &request.groups {
            Membership::Known { groups, as_of } => {
                let now = Timestamp::now();
                let fresh = as_of.map_or_else(String::new, |at| format!(", {}", age(at, now)));
                format!("{}{fresh}", listed(groups.iter().map(ToString::to_string)))
            }
            Membership::Unknown { reason } => format!("could not be looked up: {reason}"),
        };
        Ok(Reply::info(format!("You are {}", request.actor.shown())).fields([
            ("id", request.actor.to_string()),
            ("groups in chat", chat_groups),
            ("groups in policy", listed(asked.asker.groups().into_iter())),
            ("this place", request.place.to_string()),
        ]))
    }
}

fn listed(names: impl Iterator<Item = String>) -> String {
    let names: Vec<String> = names.collect();
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

/// How long ago the platform said so. Clocks differ a little, so the future is now.
fn age(at: Timestamp, now: Timestamp) -> String {
    match now.duration_since(at).as_secs().max(0) {
        seconds @ 0..120 => format!("as of {seconds} s ago"),
        seconds @ 120..7_200 => format!("as of {} min ago", seconds / 60),
        seconds => format!("as of {} h ago", seconds / 3_600),
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;

    #[test]
    fn how_fresh_groups_are_is_told_in_the_unit_that_fits() {
        let at = Timestamp::UNIX_EPOCH;
        for (seconds, told) in
            [(-3, "0 s"), (12, "12 s"), (119, "119 s"), (120, "2 min"), (7_199, "119 min"), (7_200, "2 h")]
        {
            let now = at + SignedDuration::from_secs(seconds);
            assert_eq!(age(at, now), format!("as of {told} ago"));
        }
    }
}
