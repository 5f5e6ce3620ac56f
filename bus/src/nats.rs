//! The bus on a NATS server with JetStream. The only place that speaks to one; file by file the sibling of `memory`.

pub mod connect;
mod event;
pub(crate) mod follow;
mod inquiries;
mod journal;
pub(crate) mod look;
pub(crate) mod permissions;
mod provision;
mod queue;
pub mod server;
mod services;
mod store;
mod version;

use std::sync::Arc;

use self::{
    connect::{Link, Login},
    inquiries::NatsInquiries,
    journal::NatsJournal,
    queue::{Lane, NatsQueue},
    services::NatsServices,
    store::NatsStore,
};
use crate::{
    actor::Platform,
    ports::{Bus, BusError, Limits},
    role::Role,
};

/// Connects as this role, checks the server's version, makes sure that everything is provisioned, and gives the ports.
pub(crate) async fn bus(
    url: &str,
    login: &Login,
    role: Role,
    limits: &Limits,
    replicas: usize,
) -> Result<Bus, BusError> {
    let link = connect::connect(url, login, role.as_str(), limits.exchange).await?;
    version::check(&link).await?;
    if !provision::is_provisioned(&link, limits, replicas).await? {
        provision::provision(&link, limits, replicas).await?;
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
        commands: Arc::new(NatsQueue::open(link, Lane::Commands, provision::WORKERS)),
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
        Platform::Service => provision::WORKERS.to_owned(),
        platform => format!("gateway-{platform}"),
    }
}

/// Connects, and creates what is missing.
pub(crate) async fn provision(
    url: &str,
    login: &Login,
    limits: &Limits,
    replicas: usize,
) -> Result<(), BusError> {
    let link = connect::connect(url, login, Role::Admin.as_str(), limits.exchange).await?;
    version::check(&link).await?;
    provision::provision(&link, limits, replicas).await
}

/// The newest dead letters, oldest first, with the reason of each.
pub(crate) async fn dead_letters(
    url: &str,
    login: &Login,
    limits: &Limits,
    most: u64,
) -> Result<Vec<(bytes::Bytes, String)>, BusError> {
    let link = connect::connect(url, login, Role::Admin.as_str(), limits.exchange).await?;
    let stream = link.jetstream.get_stream(provision::DEAD).await;
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
