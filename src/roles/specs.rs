//! The commands that there are now, for gateways: this program's own, and those that services offer at the moment.

use std::{sync::Arc, time::Duration};

use adjutant_bus::{ports::Bus, service::Offer, spec::CommandSpec};
use adjutant_gateway::Specs;
use adjutant_policies::Policy;
use adjutant_workers::catalogue::{Catalogue, Entry, Source};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tracing::debug;

use crate::{config::Config, supervise::Supervisor};

/// How often services are asked, and how long for.
const EVERY: Duration = Duration::from_secs(10);
const WINDOW: Duration = Duration::from_millis(500);

/// Teaches a policy the commands that there are: where no worker does, explanations would not know those of services.
pub(super) fn teach(
    supervisor: &mut Supervisor,
    config: &Config,
    policy: Arc<Policy>,
    specs: Specs,
    stop: &CancellationToken,
) {
    let (homes, stop) = (config.trusted_homes(), stop.clone());
    supervisor.start("words of the policy", move || {
        let (homes, policy, mut specs, stop) = (homes.clone(), policy.clone(), specs.clone(), stop.clone());
        async move {
            while let Some(Ok(())) = stop.run_until_cancelled(specs.changed()).await {
                let known = specs.borrow_and_update().clone();
                let entries = known.iter().map(|spec| Entry::new(spec.clone(), Source::BuiltIn));
                policy.learn(adjutant_workers::vocabulary(&Catalogue::new(entries).0, &homes)).await;
            }
            Ok(())
        }
    });
}

/// This program's own commands and those that are offered.
pub(super) fn merged(own: &[CommandSpec], offers: Vec<Offer>) -> Vec<CommandSpec> {
    let mut all = own.to_vec();
    for spec in offers.into_iter().flat_map(|offer| offer.commands) {
        // Replicas of a service offer the same; nobody can take the place of an own command.
        if !all.iter().any(|known: &CommandSpec| known.path == spec.path) {
            all.push(spec);
        }
    }
    all
}

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
                        let all = merged(&own, offers);
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
