//! `freeze on --reason … [--for 4h]`.

use adjutant_bus::{
    mode::{self, Freeze},
    reply::Reply,
    spec::{ArgKind, ArgSpec, CommandSpec, Effect, Visibility},
    wire::Version,
};
use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::{given_reason, meanwhile, reason, shown, told};
use crate::commands::{Asked, Command, Failure, path};

/// Longest time after which a freeze ends by itself, in seconds: four weeks.
const LONGEST: i64 = 28 * 24 * 3_600;

pub(in crate::commands) struct On;

#[async_trait]
impl Command for On {
    fn spec(&self) -> CommandSpec {
        CommandSpec {
            args: vec![
                reason(),
                ArgSpec::flag("for", ArgKind::Duration, "after which time it ends by itself, such as 4h"),
            ],
            effect: Effect::Mutating,
            visibility: Visibility::Public,
            details: "Policy sees `freeze=on` with every request from now on, in every place; its rows say what that stops. A \
                      freeze that is on already is replaced."
                .to_owned(),
            examples: vec!["freeze on --reason \"Black Friday\" --for 48h".to_owned()],
            ..CommandSpec::new(path("freeze on"), "Put a freeze on, for everyone at once")
        }
    }

    async fn run(&self, asked: &Asked) -> Result<Reply, Failure> {
        let reason = given_reason(asked)?;
        // The clock that will judge when it is over, not that of whoever took the request.
        let now = Timestamp::now();
        let until = match asked.arguments.get("for").and_then(Value::as_i64) {
            None => None,
            Some(seconds) if (60..=LONGEST).contains(&seconds) => {
                Some(now.saturating_add(SignedDuration::from_secs(seconds)).unwrap_or(Timestamp::MAX))
            }
            Some(_) => {
                return Err(Failure::told(
                    "A freeze ends by itself after a minute to four weeks",
                    "Nothing has changed.",
                ));
            }
        };
        let freeze =
            Freeze { v: Version, by: asked.request().actor.shown().to_owned(), reason, since: now, until };
        let seen = mode::see(&asked.bus).await?;
        mode::freeze(&asked.bus, &freeze, &seen).await.map_err(meanwhile)?;
        let reply = shown(Reply::success("A freeze is on"), &freeze);
        Ok(match seen.freeze.filter(|before| before.until.is_none_or(|until| now < until)) {
            Some(before) => reply.fields([("in place of", told(&before))]),
            None => reply,
        })
    }
}
