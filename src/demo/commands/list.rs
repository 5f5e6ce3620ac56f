//! `deploy list`: which version is where.

use adjutant_bus::{
    reply::Reply,
    spec::{Action, CommandSpec, Effect, Visibility},
};

use super::{environment, path};
use crate::demo::{service::Work, state::ENVIRONMENTS};

pub(super) fn spec() -> CommandSpec {
    let env = environment("env", "only this environment").optional();
    CommandSpec {
        args: vec![adjutant_bus::spec::ArgSpec { flag: true, ..env }],
        action: Action::View,
        effect: Effect::Read,
        visibility: Visibility::Public,
        examples: vec!["deploy list".to_owned(), "deploy list --env production".to_owned()],
        ..CommandSpec::new(path("deploy list"), "List which version of each app is where")
    }
}

pub(super) async fn run(work: &mut Work<'_>) -> Result<Reply, String> {
    let only = work.text("env");
    let state = &work.state;
    let environments = ENVIRONMENTS.into_iter().filter(|name| only.is_empty() || *name == only);
    let rows = environments.flat_map(|environment| {
        state.apps.keys().filter_map(move |app| {
            let now = state.current(app, environment)?;
            let at = now.at.strftime("%Y-%m-%d %H:%M").to_string();
            Some(vec![app.clone(), environment.to_owned(), now.version.clone(), at, now.by.clone()])
        })
    });
    let rows = rows.collect();
    Ok(Reply::info("Deployments").table(&["app", "environment", "version", "since", "by"], rows))
}
