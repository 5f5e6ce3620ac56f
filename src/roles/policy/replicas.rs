//! `policy status` and `policy history`, read from the bus: they answer when no worker does.

use std::process::ExitCode;

use adjutant_bus::{bundle, open::Role, presence};
use adjutant_policies::live::{ENTRY, STAND, entry, stand, trouble};
use anyhow::Result;
use serde_json::{Value, json};

use crate::{
    config::Config,
    output,
    roles::{
        admin::{print, status as exit, table},
        parts, serve,
    },
};

/// Which policy each replica decides by; exit status 1 if one does not as it should, or none is up.
pub(super) async fn status(config: &Config, as_json: bool) -> Result<ExitCode> {
    let opened = serve::shared(&parts::bus(config, false)?, "policy status").await?;
    let bus = opened.role(Role::Console).await?;
    let newest = bundle::newest(&bus).await?.map(|bundle| bundle.named);
    let mut replicas = presence::all(&bus).await?;
    replicas.retain(|replica| replica.policy.is_some());
    let troubles: Vec<Option<String>> =
        replicas.iter().map(|replica| trouble(replica, newest.as_ref())).collect();
    let good = !replicas.is_empty() && troubles.iter().all(Option::is_none);
    if as_json {
        let shown: Vec<Value> = replicas
            .iter()
            .zip(&troubles)
            .map(|(replica, trouble)| json!({ "replica": replica, "trouble": trouble }))
            .collect();
        output::say(&json!({ "published": newest, "replicas": shown }).to_string());
        return Ok(exit(good));
    }
    match &newest {
        Some(named) => output::say(&format!("published  {}  {:.8}", named.version, named.sha256)),
        None => output::say("published  nothing"),
    }
    if replicas.is_empty() {
        output::say("No replica that decides is up.");
        return Ok(exit(false));
    }
    let mut shown = table(&STAND);
    for row in replicas.iter().filter_map(|replica| stand(replica, newest.as_ref())) {
        shown.add_row(row);
    }
    print(&shown);
    Ok(exit(good))
}

/// What was published, newest first.
pub(super) async fn history(config: &Config, as_json: bool) -> Result<ExitCode> {
    let opened = serve::shared(&parts::bus(config, false)?, "policy history").await?;
    let known = bundle::all(&opened.role(Role::Console).await?).await?;
    if as_json {
        let shown: Vec<Value> = known
            .iter()
            .rev()
            .map(|bundle| {
                json!({
                    "version": bundle.named.version, "sha256": bundle.named.sha256, "previous": bundle.previous,
                    "author": bundle.author, "at": bundle.at, "reason": bundle.reason, "request": bundle.request,
                })
            })
            .collect();
        output::say(&Value::from(shown).to_string());
        return Ok(ExitCode::SUCCESS);
    }
    if known.is_empty() {
        output::say("No policy has been published.");
        return Ok(ExitCode::SUCCESS);
    }
    let mut shown = table(&ENTRY);
    for bundle in known.iter().rev() {
        shown.add_row(entry(bundle));
    }
    print(&shown);
    Ok(ExitCode::SUCCESS)
}
