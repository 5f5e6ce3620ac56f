//! The canaries of this process: one for each gateway and for the API, if they are configured.

use std::sync::Arc;

use adjutant_bus::{actor::Platform, ports::Bus};
use adjutant_gateway::{
    Deliver,
    canary::{Canary, Pace, Sightings},
};
use tokio_util::sync::CancellationToken;

use super::parts;
use crate::{config::Config, supervise::Supervisor};

/// Starts what `make` makes, if canaries are sent.
pub(super) fn start(
    supervisor: &mut Supervisor,
    config: &Config,
    make: impl FnOnce(Pace) -> Canary,
    stop: &CancellationToken,
) -> Option<Arc<Canary>> {
    let canary = Arc::new(make(parts::canary(config)?));
    let (running, stop) = (canary.clone(), stop.clone());
    supervisor.start("canary", move || {
        let (canary, stop) = (running.clone(), stop.clone());
        async move {
            canary.run(stop).await;
            Ok(())
        }
    });
    Some(canary)
}

/// The canary of the API, which sends nothing to chat.
pub(super) fn of_api(bus: &Bus, pace: Pace) -> Canary {
    let deliver = Arc::new(Deliver::new(bus.clone()));
    Canary::new(bus.clone(), deliver, Platform::Api, parts::replica(), pace, Sightings::default())
}
