//! A whole command through Adjutant: submitted as a gateway does, until its terminal event reaches a follower.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use adjutant_bus::{
    actor::{Actor, Membership, Platform, Standing, Tenant},
    id::RequestId,
    open::{Opened, Role},
    place::Place,
    ports::{Follow, Limits},
    request::{Request, Submission},
    subject::{Journals, Origin},
    wire::Version,
};
use adjutant_policies::{Options, Policy};
use adjutant_workers::{
    WorkerConfig,
    catalogue::{Catalogue, Entry, Source},
};
use anyhow::{Result, bail};
use futures::{StreamExt, stream::FuturesUnordered};
use jiff::Timestamp;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::figures::Figures;

/// Measures `ping`, which does nothing, so that what is measured is everything else.
pub(crate) async fn measure(opened: &Opened, commands: usize, in_flight: usize) -> Result<Figures> {
    let homes = vec!["console:local".to_owned()];
    let own = adjutant_workers::built_in().into_iter().map(|spec| Entry::new(spec, Source::BuiltIn));
    let vocabulary = adjutant_workers::vocabulary(&Catalogue::new(own).0, &homes);
    let policy = Policy::load(Options::new(None), vocabulary).await;
    let stop = CancellationToken::new();
    let config = WorkerConfig {
        name: "bench".to_owned(),
        version: String::new(),
        slots: in_flight.max(16),
        grace: Duration::from_secs(5),
        trusted_homes: homes,
        record_grace: Duration::ZERO,
        limits: Limits::default(),
        health: adjutant_workers::Health::default(),
    };
    let worker =
        tokio::spawn(adjutant_workers::run(config, opened.role(Role::Worker).await?, policy, stop.clone()));
    let bus = opened.role(Role::Console).await?;
    let tenant = Tenant::new("local");
    let journals = Journals::Origin(Origin::new(Platform::Console, &tenant));
    let mut events = bus.journal.follow(journals, Follow::Now).await?;
    let mut waiting: HashMap<RequestId, Instant> = HashMap::new();
    let (mut latencies, mut submitted) = (Vec::with_capacity(commands), 0);
    let mut submitting = FuturesUnordered::new();
    let begun = Instant::now();
    while latencies.len() < commands {
        while submitted < commands && waiting.len() < in_flight {
            let request = request(&tenant);
            waiting.insert(request.id, Instant::now());
            let bus = bus.clone();
            submitting.push(async move { bus.submit(&Submission::Request(request)).await });
            submitted += 1;
        }
        tokio::select! {
            Some(accepted) = submitting.next() => drop(accepted?),
            Some(followed) = events.next() => {
                if followed.recorded.event.fact.end().is_some()
                    && let Some(since) = waiting.remove(&followed.recorded.key.request)
                {
                    latencies.push(since.elapsed());
                }
            }
            else => bail!("the journal ended"),
        }
    }
    let took = begun.elapsed();
    stop.cancel();
    worker.await??;
    Ok(Figures::new(latencies, took))
}

fn request(tenant: &Tenant) -> Request {
    Request {
        v: Version,
        id: RequestId::derive(Platform::Console, tenant, &Uuid::new_v4().to_string()),
        actor: Actor {
            platform: Platform::Console,
            tenant: tenant.clone(),
            user: "ana".to_owned(),
            label: String::new(),
            standing: Standing::Member,
        },
        groups: Membership::known(Vec::new()),
        place: Place {
            platform: Platform::Console,
            tenant: tenant.clone(),
            channel: "terminal".to_owned(),
            thread: None,
            private: true,
            answer: None,
        },
        text: "ping".to_owned(),
        raw: None,
        received_at: Timestamp::now(),
        expires_at: None,
    }
}

/// What the measured request looks like on the wire, for the bare loop to carry the same.
pub(crate) fn payload() -> Result<Vec<u8>> {
    Ok(serde_json::to_vec(&Submission::Request(request(&Tenant::new("local"))))?)
}
