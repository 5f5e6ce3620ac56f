//! `deploy promote <app> <from> <to>`: takes the version of one environment to another.

use adjutant_bus::{
    reply::Reply,
    spec::{ArgKind, ArgSpec, CommandSpec, Visibility},
};
use jiff::Timestamp;

use super::{app, environment, path};
use crate::demo::{service::Work, state::Deployed};

pub(super) fn spec() -> CommandSpec {
    CommandSpec {
        args: vec![
            app(),
            environment("from", "where the version is taken from"),
            environment("to", "where it goes").in_context("env"),
            ArgSpec::flag("reason", ArgKind::String, "why, for the record"),
        ],
        visibility: Visibility::Public,
        examples: vec!["deploy promote web staging production --reason \"release 1.9\"".to_owned()],
        ..CommandSpec::new(path("deploy promote"), "Promote the version of one environment to another")
    }
}

pub(super) async fn run(work: &mut Work<'_>) -> Result<Reply, String> {
    let app = work.app()?;
    let (from, to) = (work.text("from").to_owned(), work.text("to").to_owned());
    if from == to {
        return Err(format!("`{from}` is both where it comes from and where it goes."));
    }
    let version = work.state.current(&app, &from).map(|now| now.version.clone());
    let version = version.ok_or_else(|| format!("There is no version of `{app}` in {from}."))?;
    let before =
        work.state.current(&app, &to).map_or_else(|| "nothing".to_owned(), |now| now.version.clone());
    if before == version {
        return Ok(Reply::info(format!("{app} {version} is in {to} already")).text("Nothing was changed."));
    }
    work.step(10, format!("checking {app} {version}")).await;
    work.step(40, format!("rolling {app} {version} out to {to}")).await;
    work.step(80, format!("watching {app} in {to}")).await;
    let reason = Some(work.text("reason").to_owned()).filter(|reason| !reason.is_empty());
    let by = work.call.actor.shown().to_owned();
    let deployed =
        Deployed { environment: to.clone(), version: version.clone(), at: Timestamp::now(), by, reason };
    work.state.deploy(&app, deployed);
    Ok(Reply::success(format!("Promoted {app} {version} from {from} to {to}"))
        .fields([("before", before), ("now", version)]))
}
