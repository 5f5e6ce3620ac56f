//! How long a revoked key is still good at the other replica: two replicas on one PostgreSQL, with the bus between them and without.

use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use adjutant_api::{Api, ApiConfig, store::Database};
use adjutant_bus::open::{self, BusConfig, Opened, Role};
use adjutant_policies::{Options, Policy, Vocabulary};
use adjutant_servers::Postgres;
use anyhow::{Context, Result, anyhow, bail};
use reqwest::{Client, StatusCode};
use serde_json::{Value, json};
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::{figures::Figures, say};

/// Keys that are revoked while the replicas are joined by the bus, and while they are not.
const JOINED: usize = 200;
const ALONE: usize = 20;
/// Pause between two questions whether the key is still good.
const PAUSE: Duration = Duration::from_micros(200);
/// Pause between two keys.
const REST: Duration = Duration::from_millis(210);
/// Longest that a key may stay good.
const LONGEST: Duration = Duration::from_secs(10);

/// Measures from the answer to the revocation until the other replica refuses the key.
pub(super) async fn measure(bus: BusConfig) -> Result<()> {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let url = tokio::task::spawn_blocking(|| Postgres::shared().database("bench")).await?;
    let dir = bus.data_dir.clone();
    let opened = open::open(&bus).await?;
    let (one, other) = (replica(&opened, &dir, &url).await?, replica(&opened, &dir, &url).await?);
    let mut site = Site {
        client: Client::builder().no_proxy().build()?,
        admin: std::fs::read_to_string(dir.join("bootstrap-admin-key"))?.trim().to_owned(),
        one: one.base,
        other: other.base,
        service: String::new(),
    };
    let service = site.post("/v1/services", json!({ "name": "bench" })).await?;
    site.service = service.get("id").and_then(Value::as_str).context("an id")?.to_owned();
    say("revocation: from its answer at one replica until the other refuses the key; PostgreSQL under both");
    say(&site.times(JOINED).await?.line("with the bus"));
    opened.server().context("a child server")?.fell().await;
    say(&site.times(ALONE).await?.line("without the bus"));
    drop((one.stop, other.stop));
    opened.stop().await;
    Ok(())
}

struct Replica {
    base: String,
    stop: DropGuard,
}

async fn replica(opened: &Opened, dir: &Path, url: &str) -> Result<Replica> {
    let policy = Policy::load(Options::new(None), Vocabulary::default()).await;
    let config = ApiConfig {
        database: Database::Postgres(url.to_owned().into()),
        ..ApiConfig::of(PathBuf::from(dir), "127.0.0.1:0".to_owned())
    };
    let api =
        Api::open(config, opened.role(Role::Api).await?, policy).await.map_err(|error| anyhow!(error))?;
    let (base, stop) = (format!("http://{}", api.address()), CancellationToken::new());
    tokio::spawn(api.run(stop.clone()));
    Ok(Replica { base, stop: stop.drop_guard() })
}

struct Site {
    client: Client,
    admin: String,
    one: String,
    other: String,
    /// Whose keys are revoked.
    service: String,
}

impl Site {
    async fn post(&self, path: &str, body: Value) -> Result<Value> {
        let asked = self.client.post(format!("{}{path}", self.one)).bearer_auth(&self.admin).json(&body);
        let answer = asked.send().await?;
        let (status, body): (StatusCode, Value) = (answer.status(), answer.json().await?);
        if !status.is_success() {
            bail!("{path} was answered with {status}: {body}");
        }
        Ok(body)
    }

    async fn status(&self, base: &str, key: &str) -> Result<StatusCode> {
        Ok(self.client.get(format!("{base}/v1/keys/self")).bearer_auth(key).send().await?.status())
    }

    async fn times(&self, count: usize) -> Result<Figures> {
        let mut latencies = Vec::with_capacity(count);
        for number in 0..count {
            let rate = json!({ "per_second": 10_000, "burst": 20_000 });
            let new = json!({ "name": format!("key-{number}"), "scopes": ["commands:read"], "rate": rate });
            let made = self.post(&format!("/v1/services/{}/keys", self.service), new).await?;
            let text = |name: &str| made.get(name).and_then(Value::as_str).map(str::to_owned);
            let (id, key) = (text("id").context("an id")?, text("key").context("a key")?);
            // Both have seen it, and keep what they know of it.
            for base in [&self.one, &self.other] {
                if self.status(base, &key).await? != StatusCode::OK {
                    bail!("a new key is not good at {base}");
                }
            }
            self.post(&format!("/v1/keys/{id}/revoke"), json!({ "reason": "bench" })).await?;
            let revoked = Instant::now();
            while self.status(&self.other, &key).await? != StatusCode::UNAUTHORIZED {
                if revoked.elapsed() > LONGEST {
                    bail!("a revoked key is still good after {LONGEST:?}");
                }
                tokio::time::sleep(PAUSE).await;
            }
            latencies.push(revoked.elapsed());
            // An address may fail five times a second.
            tokio::time::sleep(REST).await;
        }
        let took = latencies.iter().sum();
        Ok(Figures::new(latencies, took))
    }
}
