//! The commands that there are now, for gateways: this program's own, and those that services offer at the moment.

use std::{sync::Arc, time::Duration};

use adjutant_bus::{ports::Bus, spec::CommandSpec};
use adjutant_gateway_slack::Specs;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tracing::debug;

use crate::supervise::Supervisor;

/// How often services are asked, and how long for.
const EVERY: Duration = Duration::from_secs(10);
const WINDOW: Duration = Duration::from_millis(500);

/// Follows what is offered.
pub(super) fn follow(supervisor: &mut Supervisor, bus: &Bus, stop: &CancellationToken) -> Specs {
    let own = adjutant_workers::built_in();
    let (send, specs) = watch::channel(Arc::new(own.clone()));
    let (send, bus, stop) = (Arc::new(send), bus.clone(), stop.clone());
    supervisor.start("list of commands", move || {
        let (send, bus, stop, own) = (send.clone(), bus.clone(), stop.clone(), own.clone());
        async move {
            loop {
                match bus.services.list(WINDOW).await {
                    Ok(offers) => {
                        let mut all = own.clone();
                        for spec in offers.into_iter().flat_map(|offer| offer.commands) {
                            // Replicas of a service offer the same; nobody can take the place of an own command.
                            if !all.iter().any(|known: &CommandSpec| known.path == spec.path) {
                                all.push(spec);
                            }
                        }
                        send.send_if_modified(|known| {
                            let changed = **known != all;
                            *known = Arc::new(all);
                            changed
                        });
                    }
                    Err(error) => debug!(%error, "services cannot be asked just now"),
                }
                if stop.run_until_cancelled(tokio::time::sleep(EVERY)).await.is_none() {
                    return Ok(());
                }
            }
        }
    });
    specs
}
