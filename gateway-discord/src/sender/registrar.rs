//! Keeps the application commands as the catalogue is: looks at what Discord has, and replaces it where it differs. Only the
//! replica that sends does this, because what is not in the list is deleted.

use std::{sync::Arc, time::Duration};

use adjutant_bus::lease::Good;
use adjutant_gateway::Specs;
use serde_json::Value;
use tracing::{info, warn};

use crate::{
    commands::{self, Registered},
    people::Trusted,
    snowflake::Snowflake,
    web::{CallError, Web},
};

/// How long the catalogue must be still before it is registered: services come and go together.
const STILL: Duration = Duration::from_secs(2);
/// Pauses before another try.
const PAUSES: (Duration, Duration) = (Duration::from_secs(5), Duration::from_secs(300));

/// Where commands are registered.
pub(super) struct Registrar {
    pub(super) web: Arc<Web>,
    pub(super) specs: Specs,
    pub(super) registered: Registered,
    /// The guilds that are known to be ours.
    pub(super) guilds: Trusted,
}

impl Registrar {
    /// Registers at the beginning, and whenever the catalogue has changed.
    pub(super) async fn run(mut self, good: &Good) {
        let mut pause = PAUSES.0;
        loop {
            tokio::time::sleep(STILL).await;
            if self.specs.has_changed().unwrap_or(false) {
                self.specs.mark_unchanged();
                continue;
            }
            match self.register(good).await {
                Ok(()) => {
                    pause = PAUSES.0;
                    if self.specs.changed().await.is_err() {
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

    /// Registers where they belong, and takes them away where they do not: both together would show every command twice.
    async fn register(&self, good: &Good) -> Result<(), CallError> {
        let wanted = commands::registration(&self.specs.borrow().clone());
        if !wanted.carried.is_empty() {
            info!(
                commands = wanted.carried.len(),
                "some commands have no form of Discord's; /adjutant takes them"
            );
        }
        let (everywhere, in_guilds) = match self.registered {
            Registered::Everywhere => (wanted.commands, Vec::new()),
            Registered::Guilds => (Vec::new(), commands::of_guild(&wanted.commands)),
        };
        self.put(None, &everywhere, good).await?;
        for guild in self.guilds.0.iter().copied() {
            match self.put(Some(guild), &in_guilds, good).await {
                Err(error @ CallError::Refused { .. }) if error.code().is_some_and(|code| code != 50_035) => {
                    warn!(%guild, %error, "a guild does not take application commands; is the bot in it, invited with them?");
                }
                done => done?,
            }
        }
        Ok(())
    }

    async fn put(&self, guild: Option<Snowflake>, wanted: &[Value], good: &Good) -> Result<(), CallError> {
        if commands::is_current(wanted, &self.web.commands(guild).await?) {
            return Ok(());
        }
        self.web.put_commands(guild, wanted, good).await?;
        info!(commands = wanted.len(), guild = guild.map(|guild| guild.0), "application commands registered");
        Ok(())
    }
}
