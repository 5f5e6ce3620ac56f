//! `deploy rollback <app> <env>`: takes an environment back to the version before.

use adjutant_bus::{
    reply::Reply,
    spec::{CommandSpec, Visibility},
};
use jiff::Timestamp;

use super::{app, environment, path};
use crate::demo::{service::Work, state::Deployed};

pub(super) fn spec() -> CommandSpec {
    CommandSpec {
        args: vec![app(), environment("env", "the environment").in_context("env")],
        visibility: Visibility::Public,
        examples: vec!["deploy rollback web production".to_owned()],
        ..CommandSpec::new(path("deploy rollback"), "Take an environment back to the version before")
    }
}

pub(super) async fn run(work: &mut Work<'_>) -> Result<Reply, String> {
    let app = work.app()?;
    let environment = work.text("env").to_owned();
    let now = work.state.current(&app, &environment).map(|now| now.version.clone()).unwrap_or_default();
    let before = work.state.previous(&app, &environment).map(|before| before.version.clone());
    let before = before.ok_or_else(|| format!("Nothing but {now} of `{app}` is known in {environment}."))?;
    work.step(20, format!("taking {app} in {environment} back to {before}")).await;
    work.step(70, format!("watching {app} in {environment}")).await;
    let by = work.call.actor.shown().to_owned();
    let reason = Some("rollback".to_owned());
    let deployed = Deployed {
        environment: environment.clone(),
        version: before.clone(),
        at: Timestamp::now(),
        by,
        reason,
    };
    work.state.deploy(&app, deployed);
    Ok(Reply::success(format!("Rolled {app} in {environment} back to {before}"))
        .fields([("before", now), ("now", before)]))
}
