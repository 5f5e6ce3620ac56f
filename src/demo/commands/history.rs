//! `deploy history <app>`: the latest deployments of one app.

use adjutant_bus::{
    reply::Reply,
    spec::{Action, ArgKind, ArgSpec, CommandSpec, Effect},
};
use serde_json::Value;

use super::{app, path};
use crate::demo::service::Work;

pub(super) fn spec() -> CommandSpec {
    let limit = ArgSpec::flag("limit", ArgKind::Integer { min: Some(1), max: Some(100) }, "how many");
    CommandSpec {
        args: vec![app(), limit.default_value(10)],
        action: Action::View,
        effect: Effect::Read,
        examples: vec!["deploy history web".to_owned()],
        ..CommandSpec::new(path("deploy history"), "List the latest deployments of an app")
    }
}

pub(super) async fn run(work: &mut Work<'_>) -> Result<Reply, String> {
    let app = work.app()?;
    let limit = work.call.arguments.get("limit").and_then(Value::as_u64).unwrap_or(10);
    let history = work.state.apps.get(&app).map(Vec::as_slice).unwrap_or_default();
    let rows = history.iter().rev().take(usize::try_from(limit).unwrap_or(10)).map(|deployed| {
        let at = deployed.at.strftime("%Y-%m-%d %H:%M").to_string();
        let reason = deployed.reason.clone().unwrap_or_default();
        vec![at, deployed.environment.clone(), deployed.version.clone(), deployed.by.clone(), reason]
    });
    Ok(Reply::info(format!("Deployments of {app}"))
        .table(&["at", "environment", "version", "by", "reason"], rows.collect()))
}
