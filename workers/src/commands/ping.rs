//! `ping [text]`: shows that the whole way there and back works.

use adjutant_bus::{
    reply::Reply,
    spec::{ArgKind, ArgSpec, CommandSpec, Effect},
};
use async_trait::async_trait;

use super::{Asked, Command, Failure, path};

pub(super) struct Ping;

#[async_trait]
impl Command for Ping {
    fn spec(&self) -> CommandSpec {
        CommandSpec {
            args: vec![ArgSpec::positional("text", ArgKind::Rest, "what to answer with").optional()],
            effect: Effect::Read,
            examples: vec!["ping".to_owned(), "ping are you there?".to_owned()],
            ..CommandSpec::new(path("ping"), "Answer `pong`, by the same way that every command takes")
        }
    }

    async fn run(&self, asked: &Asked) -> Result<Reply, Failure> {
        Ok(Reply::info(match asked.text("text") {
            Some(text) => format!("pong {text}"),
            None => "pong".to_owned(),
        }))
    }
}
