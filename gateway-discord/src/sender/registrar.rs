//! Keeps the application commands as the catalogue is: looks at what Discord has, and replaces it where it differs. Only the
//! replica that sends does this, because what is not in the list is deleted.

use std::time::Duration;

use adjutant_bus::lease::Good;
use adjutant_gateway::Specs;
use tracing::{info, warn};

use crate::{
    commands,
    web::{CallError, Web},
};

/// How long the catalogue must be still before it is registered: services come and go together.
const STILL: Duration = Duration::from_secs(2);
/// Pauses before another try.
const PAUSES: (Duration, Duration) = (Duration::from_secs(5), Duration::from_secs(300));

/// Registers at the beginning, and whenever the catalogue has changed.
pub(super) async fn run(web: &Web, mut specs: Specs, good: &Good) {
    let mut pause = PAUSES.0;
    loop {
        tokio::time::sleep(STILL).await;
        if specs.has_changed().unwrap_or(false) {
            specs.mark_unchanged();
            continue;
        }
        let wanted = commands::registration(&specs.borrow().clone());
        match register(web, &wanted.commands, good).await {
            Ok(()) => {
                if !wanted.carried.is_empty() {
                    info!(
                        commands = wanted.carried.len(),
                        "some commands have no form of Discord's; /adjutant takes them"
                    );
                }
                pause = PAUSES.0;
                if specs.changed().await.is_err() {
                    // Nobody tells any more: the catalogue stays as it is.
                    std::future::pending::<()>().await;
                }
            }
            Err(error) => {
                warn!(%error, "the application commands could not be registered yet");
                let rest = if let CallError::Limited(rest) = error { rest.max(pause) } else { pause };
                tokio::time::sleep(rest).await;
                pause = (pause * 2).min(PAUSES.1);
            }
        }
    }
}

async fn register(web: &Web, wanted: &[serde_json::Value], good: &Good) -> Result<(), CallError> {
    if commands::is_current(wanted, &web.commands().await?) {
        return Ok(());
    }
    web.put_commands(wanted, good).await?;
    info!(commands = wanted.len(), "application commands registered");
    Ok(())
}
