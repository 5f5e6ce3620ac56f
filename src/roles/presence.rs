//! Each role that runs until it is told to stop tells others that it is up, and as what.

use std::sync::Arc;

use adjutant_bus::{
    open::Role,
    ports::Bus,
    presence::{self, Detail, Who},
};
use adjutant_policies::{Policy, live};
use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use super::parts;
use crate::{config::Config, supervise::Supervisor};

/// As what this process tells that this role is up, from now on.
pub(super) fn who(role: Role, name: Option<String>, detail: Detail) -> Who {
    let name = name.unwrap_or_else(parts::replica);
    Who { role, name, program: env!("CARGO_PKG_VERSION").to_owned(), since: Timestamp::now(), detail }
}

/// Tells until `stop` that a role is up that decides nothing.
pub(super) fn start(supervisor: &mut Supervisor, bus: &Bus, who: Who, stop: &CancellationToken) {
    let (bus, stop) = (bus.clone(), stop.clone());
    supervisor.start("presence", move || {
        let (bus, who, stop) = (bus.clone(), who.clone(), stop.clone());
        async move {
            keep(bus, who, stop).await;
            Ok(())
        }
    });
}

/// Tells until `stop` that a role is up that decides nothing.
pub(super) async fn keep(bus: Bus, who: Who, stop: CancellationToken) {
    presence::keep(bus, who, || None, |_| std::future::pending::<()>(), stop).await;
}

/// Tells until `stop` that a role is up, and which policy it decides by.
pub(super) fn decides(
    supervisor: &mut Supervisor,
    config: &Config,
    policy: &Arc<Policy>,
    who: Who,
    bus: &Bus,
    stop: &CancellationToken,
) {
    let (policy, bus, stop) = (policy.clone(), bus.clone(), stop.clone());
    let source = parts::policy_source(config);
    supervisor.start("presence", move || {
        let (policy, bus, who, stop) = (policy.clone(), bus.clone(), who.clone(), stop.clone());
        let source = source.clone();
        async move {
            live::report(policy, bus, who, source, stop).await;
            Ok(())
        }
    });
}

/// As what a terminal tells that it is up.
pub(super) fn terminal(config: &Config) -> Who {
    let told = format!("prompt of {}", config.console.tenant);
    who(Role::Console, None, Arc::new(move || told.clone()))
}
