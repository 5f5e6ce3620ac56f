//! `policy publish <sha256>`: puts uploaded files in force everywhere.

use adjutant_bus::{
    bundle::{self, Bundle},
    reply::Reply,
    spec::{ArgKind, ArgSpec, CommandSpec, Effect},
};
use adjutant_policies::Files;
use async_trait::async_trait;

use super::{given_reason, publish, published_here, reason};
use crate::commands::{Asked, Command, Failure, path};

pub(in crate::commands) struct Publish;

#[async_trait]
impl Command for Publish {
    fn spec(&self) -> CommandSpec {
        let second = "another person who has approved; refused as long as approvals do not exist";
        CommandSpec {
            args: vec![
                ArgSpec::positional("sha256", ArgKind::String, "SHA-256 of the uploaded files, as `adjutant policy publish` sends it"),
                reason(),
                ArgSpec::flag("second", ArgKind::String, second),
                ArgSpec::flag("after", ArgKind::Integer { min: Some(1), max: None }, "only if this version is the newest"),
            ],
            // Asked again by another worker it finds what it published.
            effect: Effect::Idempotent,
            timeout_seconds: 300,
            details: "`adjutant policy publish` uploads the files and asks for this. They are checked, tested and compared with the \
                      policy in force; a change that gives rights on production needs a second person."
                .to_owned(),
            ..CommandSpec::new(path("policy publish"), "Put an uploaded policy in force in every replica")
        }
    }

    async fn run(&self, asked: &Asked) -> Result<Reply, Failure> {
        published_here(asked)?;
        let reason = given_reason(asked)?;
        if asked.text("second").is_some() {
            return Err(Failure::told(
                "A second person cannot be named",
                "Nothing was published. Approvals do not exist yet, and a name that somebody types proves nothing. A change that \
                 gives no rights on production needs none: leave --second out.",
            ));
        }
        let sha256 = asked.text("sha256").unwrap_or_default().to_lowercase();
        let known = bundle::all(&asked.bus).await?;
        if let Some(done) = known.iter().find(|bundle| bundle.request == Some(asked.request().id)) {
            return Ok(already(done));
        }
        let Some(newest) = known.last() else {
            return Err(Failure::told(
                "Nothing has been published yet",
                "The first policy is published by an operator: `adjutant policy publish --as-operator`.",
            ));
        };
        if newest.named.sha256 == sha256 {
            return Ok(already(newest));
        }
        let after = asked.arguments.get("after").and_then(serde_json::Value::as_u64);
        if after.is_some_and(|after| after != newest.named.version) {
            return Err(Failure::told(
                format!("Version {} is the newest", newest.named.version),
                "Nothing was published. Compare yours with it before you publish again.",
            ));
        }
        let draft = bundle::draft(&asked.bus, &sha256).await?;
        let Some(draft) = draft.filter(|draft| draft.sha256 == sha256) else {
            return Err(Failure::told(
                "No files with this SHA-256 were uploaded",
                "Nothing was published. `adjutant policy publish` uploads the files and asks for this.",
            ));
        };
        let damaged = |why: &str| {
            Failure::told(
                format!("The uploaded files are damaged: {why}"),
                "Nothing was published. Publish them again.",
            )
        };
        let files = Files::unpack(&draft.files).map_err(|why| damaged(&why))?;
        if files.sha256() != sha256 {
            return Err(damaged("their SHA-256 is another one"));
        }
        publish(asked, files, newest, reason).await
    }
}

fn already(bundle: &Bundle) -> Reply {
    let named = &bundle.named;
    Reply::success(format!("Version {} ({:.8}) is published", named.version, named.sha256)).text(format!(
        "By {}, {}: {}",
        bundle.author,
        bundle.at.strftime("%Y-%m-%d %H:%M:%S UTC"),
        bundle.reason
    ))
}
