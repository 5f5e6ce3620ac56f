//! Each role that runs until it is told to stop tells others that it is up, and as what.

use adjutant_bus::{
    open::Role,
    ports::Bus,
    presence::{self, Detail, Who},
};
use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use super::parts;
use crate::supervise::Supervisor;

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
