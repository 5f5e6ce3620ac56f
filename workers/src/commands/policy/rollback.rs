//! `policy rollback <version>`: publishes the content of an earlier version as a new one.

use adjutant_bus::{
    bundle,
    reply::Reply,
    spec::{ArgKind, ArgSpec, CommandSpec, Effect},
};
use adjutant_policies::Files;
use async_trait::async_trait;
use serde_json::Value;

use super::{given_reason, publish, published_here, reason};
use crate::commands::{Asked, Command, Failure, path};

pub(in crate::commands) struct Rollback;

#[async_trait]
impl Command for Rollback {
    fn spec(&self) -> CommandSpec {
        CommandSpec {
            args: vec![
                ArgSpec::positional("version", ArgKind::Integer { min: Some(1), max: None }, "the version whose content is wanted"),
                reason(),
            ],
            effect: Effect::Idempotent,
            timeout_seconds: 300,
            details: "Versions only rise: the old content gets a new version. It is checked as anything that is published, and gives \
                      no rights on production back without a second person."
                .to_owned(),
            examples: vec!["policy rollback 41 --reason \"Product reached production\"".to_owned()],
            ..CommandSpec::new(path("policy rollback"), "Put the content of an earlier policy in force again")
        }
    }

    async fn run(&self, asked: &Asked) -> Result<Reply, Failure> {
        published_here(asked)?;
        let reason = given_reason(asked)?;
        let version = asked.arguments.get("version").and_then(Value::as_u64).unwrap_or_default();
        let known = bundle::all(&asked.bus).await?;
        if let Some(done) = known.iter().find(|bundle| bundle.request == Some(asked.request().id)) {
            return Ok(Reply::success(format!(
                "Published version {} with the content of {version}",
                done.named.version
            )));
        }
        let (Some(newest), Some(wanted)) =
            (known.last(), known.iter().find(|bundle| bundle.named.version == version))
        else {
            return Err(Failure::told(
                format!("There is no version {version}, or it is kept no more"),
                "Nothing was published. `policy history` shows which there are.",
            ));
        };
        if wanted.named.sha256 == newest.named.sha256 {
            return Err(Failure::told(
                format!("Version {} has the content of {version} already", newest.named.version),
                "Nothing was published.",
            ));
        }
        let damaged = |why: String| {
            Failure::told(format!("Version {version} is damaged: {why}"), "Nothing was published.")
        };
        let files = Files::unpack(&wanted.files).map_err(damaged)?;
        if files.sha256() != wanted.named.sha256 {
            return Err(damaged("its SHA-256 is another one".to_owned()));
        }
        publish(asked, files, newest, reason).await
    }
}
