//! From a publication until every replica decides by it: three replicas, each with a connection of its own, on one server.

use std::{
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use adjutant_bus::{
    bundle,
    open::{Opened, Role},
};
use adjutant_policies::{
    Files, Options, Policy,
    live::{self, Author},
};
use anyhow::{Context, Result, anyhow};
use tokio_util::sync::CancellationToken;

use crate::{decision, figures::Figures};

/// How often a replica is looked at.
const STEP: Duration = Duration::from_micros(200);
/// Longest that a publication may take.
const MOST: Duration = Duration::from_secs(30);
/// Replicas that follow.
const REPLICAS: usize = 3;

/// Measures this many publications of a policy with this many rows.
pub(crate) async fn measure(opened: &Opened, rows: usize, publications: usize) -> Result<Figures> {
    let (stop, mut replicas) = (CancellationToken::new(), Vec::new());
    for _ in 0..REPLICAS {
        let bus = opened.role(Role::Worker).await?;
        let policy = Policy::published(Options::new(None), decision::vocabulary());
        tokio::spawn(live::follow(policy.clone(), bus, stop.clone()));
        replicas.push(policy);
    }
    for replica in &replicas {
        replica.settled().await;
    }
    let admin = opened.role(Role::Admin).await?;
    let dir = tempfile::tempdir()?;
    let mut newest = bundle::newest(&admin).await?.map(|bundle| bundle.named);
    let mut latencies = Vec::with_capacity(publications);
    let begun = Instant::now();
    for n in 0..publications {
        let author = Author { who: "operator".to_owned(), reason: "measure".to_owned(), request: None };
        let next = live::next(&files(dir.path(), rows, n)?, newest.as_ref(), author);
        let next = next.map_err(anyhow::Error::msg)?;
        let one = Instant::now();
        bundle::publish(&admin, &next).await?;
        for replica in &replicas {
            until(replica, next.named.version).await?;
        }
        latencies.push(one.elapsed());
        newest = Some(next.named);
    }
    stop.cancel();
    Ok(Figures::new(latencies, begun.elapsed()))
}

/// Each publication differs from the one before.
fn files(dir: &Path, rows: usize, n: usize) -> Result<Files> {
    decision::write(dir, rows)?;
    let path = dir.join("policy.csv");
    let policy = std::fs::read_to_string(&path)?;
    std::fs::write(&path, format!("{policy}# {n}\n"))?;
    Files::read(dir).map_err(anyhow::Error::msg).context("the measured policy")
}

/// Waits until a replica decides by this version.
async fn until(replica: &Arc<Policy>, version: u64) -> Result<()> {
    let there = async {
        while replica.status().named.is_none_or(|named| named.version != version) {
            tokio::time::sleep(STEP).await;
        }
    };
    let waited = tokio::time::timeout(MOST, there).await;
    waited.map_err(|_| anyhow!("version {version} is not in force after {MOST:?}: {:?}", replica.status()))
}
