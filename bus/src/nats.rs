//! The bus on a NATS server with JetStream. The only place that speaks to one; file by file the sibling of `memory`.

mod ack;
pub mod connect;
mod event;
mod filter;
pub(crate) mod follow;
mod info;
mod inquiries;
mod journal;
mod listing;
pub(crate) mod look;
pub(crate) mod permissions;
mod queue;
pub mod server;
mod services;
mod settings;
pub mod setup;
pub mod status;
mod store;
mod topology;
mod trace;
pub mod users;
mod version;

use std::{sync::Arc, time::Duration};

use tokio::time::Instant;
use tracing::warn;

use self::{
    connect::{Link, Login},
    inquiries::NatsInquiries,
    journal::NatsJournal,
    queue::{Lane, NatsQueue},
    services::NatsServices,
    setup::Made,
    store::NatsStore,
};
use crate::{
    actor::Platform,
    ports::{Bus, BusError, Limits},
    role::Role,
};

/// How long a server that has just come up, or chooses a leader, may take to answer.
const SETTLE: Duration = Duration::from_secs(15);
/// Pause between two questions to one that does not answer.
const PAUSE: Duration = Duration::from_millis(500);

/// Connects as this role, checks the server's version, and that all that the role needs is there; gives the ports.
pub(crate) async fn bus(url: &str, login: &Login, role: Role, limits: &Limits) -> Result<Bus, BusError> {
    let link = connect::connect(url, login, role.as_str(), limits.exchange).await?;
    let needs = permissions::needs(role);
    let deadline = Instant::now() + SETTLE;
    while let Err(error) = look(&link, &needs, limits).await {
        if !matches!(error, BusError::Unavailable(_)) || Instant::now() > deadline {
            return Err(error);
        }
        warn!(%error, "the bus is not ready yet; asking again");
        tokio::time::sleep(PAUSE).await;
    }
    Ok(ports(&link, role))
}

/// The ports on a server as it is: nothing is checked or created.
pub(crate) async fn as_it_is(url: &str, login: &Login, role: Role, limits: &Limits) -> Result<Bus, BusError> {
    let link = connect::connect(url, login, "adjutant-doctor", limits.exchange).await?;
    Ok(ports(&link, role))
}

fn ports(link: &Link, role: Role) -> Bus {
    Bus {
        commands: Arc::new(NatsQueue::open(link, Lane::Commands, topology::WORKERS)),
        outbox: Arc::new(NatsQueue::open(link, Lane::Outbox, &outbox(role))),
        journal: Arc::new(NatsJournal::new(link.clone())),
        store: Arc::new(NatsStore::new(link.clone())),
        services: Arc::new(NatsServices::new(link.clone())),
        inquiries: Arc::new(NatsInquiries::new(link.clone())),
        status: link.status.clone(),
    }
}

/// The consumer by which a role takes notices.
fn outbox(role: Role) -> String {
    match role.notices() {
        Platform::Service => topology::WORKERS.to_owned(),
        platform => format!("gateway-{platform}"),
    }
}

async fn look(link: &Link, needs: &permissions::Needs, limits: &Limits) -> Result<(), BusError> {
    version::check(link).await?;
    setup::check(link, needs, limits).await
}

/// How long the server may take for one thing that is to be made: a cluster chooses a leader for each.
const MAKE: Duration = Duration::from_secs(10);

/// Makes everything as it should be.
pub(crate) async fn set_up(
    url: &str,
    login: &Login,
    limits: &Limits,
    replicas: usize,
) -> Result<Vec<Made>, BusError> {
    let link = connect::connect(url, login, Role::Admin.as_str(), limits.exchange.max(MAKE)).await?;
    version::check(&link).await?;
    setup::set_up(&link, limits, replicas).await
}

/// The newest dead letters, oldest first, with the reason of each.
pub(crate) async fn dead_letters(
    url: &str,
    login: &Login,
    limits: &Limits,
    most: u64,
) -> Result<Vec<(bytes::Bytes, String)>, BusError> {
    let link = connect::connect(url, login, Role::Admin.as_str(), limits.exchange).await?;
    let stream = link.jetstream.get_stream(topology::DEAD).await;
    let stream = stream.map_err(|error| BusError::Unavailable(error.to_string()))?;
    let state = &stream.cached_info().state;
    let from = state.first_sequence.max((state.last_sequence + 1).saturating_sub(most)).max(1);
    let mut letters = Vec::new();
    for sequence in from..=state.last_sequence {
        if let Ok(message) = stream.get_raw_message(sequence).await {
            let reason = message.headers.get(queue::REASON).map(ToString::to_string).unwrap_or_default();
            letters.push((message.payload, reason));
        }
    }
    Ok(letters)
}
