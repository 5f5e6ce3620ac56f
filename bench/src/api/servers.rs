//! The servers that are measured: each a process of its own, so that its processor time can be told.

use std::{
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use adjutant_api::{
    Api,
    key::{ApiKey, Kind},
    keyring::{By, NewKey, NewService},
    scope::Scopes,
};
use adjutant_bus::{memory::Memory, ports::Limits};
use adjutant_policies::{Options, Policy, Vocabulary};
use anyhow::{Context, Result, anyhow, bail};
use axum::{Json, Router, routing::get};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::KEYS;
use crate::cpu;

/// How long a server may take to start.
const START: Duration = Duration::from_secs(20);

/// What all servers are given.
pub(super) struct World {
    dir: PathBuf,
    /// One key on each line.
    pub(super) keys_file: PathBuf,
}

/// A server that runs.
pub(super) struct Server {
    pub(super) name: &'static str,
    pub(super) url: String,
    process: Child,
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Server {
    /// Processor time that the process has used so far.
    pub(super) fn cpu(&self) -> Result<Duration> {
        cpu::used(self.process.id())
    }
}

impl World {
    /// A database with keys.
    pub(super) async fn new(dir: &Path) -> Result<Self> {
        let api = open(dir, 0).await?;
        let (keyring, by) = (api.keyring(), By::operator("bench"));
        let service = NewService { name: "bench".to_owned(), ..NewService::default() };
        let service = keyring.create_service(&by, service).await?;
        let mut keys = Vec::with_capacity(KEYS);
        for number in 0..KEYS {
            let new = NewKey {
                kind: Kind::Service,
                name: format!("bench-{number}"),
                scopes: Scopes::new(vec!["commands:read".parse()?]),
                allowed_cidrs: None,
                rate_per_s: Some(1_000_000),
                rate_burst: Some(1_000_000),
                expires_at: None,
            };
            let (_, key): (String, ApiKey) = keyring.create_key(&by, &service, new).await?;
            keys.push(key.expose().to_owned());
        }
        let keys_file = dir.join("keys");
        std::fs::write(&keys_file, keys.join("\n") + "\n")?;
        Ok(Self { dir: dir.to_owned(), keys_file })
    }
}

/// Starts all that are installed; the floor first.
pub(super) async fn start(world: &World) -> Result<Vec<Server>> {
    let own = std::env::current_exe()?;
    let dir = world.dir.display().to_string();
    let mut servers = vec![
        spawn("axum hello, no key", "/", own.to_string_lossy().as_ref(), &["--serve-hello"], world)?,
        spawn(
            "Adjutant, key checked",
            "/v1/keys/self",
            own.to_string_lossy().as_ref(),
            &["--serve-api", &dir],
            world,
        )?,
    ];
    let peers = [
        ("Fastify, same check", "node", "fastify.js", vec!["-e", "require('fastify')"]),
        ("Express, same check", "node", "express.js", vec!["-e", "require('express')"]),
        ("FastAPI, same check", "python3", "fastapi_app.py", vec!["-c", "import fastapi, uvicorn"]),
    ];
    for (name, program, file, trial) in peers {
        let tried =
            Command::new(program).args(trial).current_dir("bench/peers").stderr(Stdio::null()).status();
        if tried.is_ok_and(|status| status.success()) {
            servers.push(spawn(name, "/", program, &[&format!("api/{file}")], world)?);
        }
    }
    Ok(servers)
}

fn spawn(name: &'static str, path: &str, program: &str, args: &[&str], world: &World) -> Result<Server> {
    let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    let process = Command::new(program)
        .args(args)
        .current_dir("bench/peers")
        .env("PORT", port.to_string())
        .env("KEYS_FILE", &world.keys_file)
        .env("PEPPER_FILE", world.dir.join("pepper"))
        .stdout(Stdio::null())
        .spawn()
        .with_context(|| format!("{program} cannot be started"))?;
    let server = Server { name, url: format!("http://127.0.0.1:{port}{path}"), process };
    let begun = Instant::now();
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        if begun.elapsed() > START {
            bail!("{name} does not listen");
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    Ok(server)
}

fn port() -> Result<u16> {
    Ok(std::env::var("PORT")?.parse()?)
}

async fn open(dir: &Path, port: u16) -> Result<Api> {
    let bus = Memory::new(&Limits::default()).bus();
    let policy: Arc<Policy> = Policy::load(Options::new(None), Vocabulary::default()).await;
    let config = adjutant_api::ApiConfig::of(dir.to_owned(), format!("127.0.0.1:{port}"));
    Api::open(config, bus, policy).await.map_err(|error| anyhow!(error))
}

/// The API on what is in this folder.
pub(crate) async fn serve_api(dir: &Path) -> Result<()> {
    Ok(open(dir, port()?).await?.run(CancellationToken::new()).await?)
}

/// An axum that answers, and does nothing else.
pub(crate) async fn serve_hello() -> Result<()> {
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port()?)).await?;
    let routes = Router::new().route("/", get(async || Json(json!({ "ok": true }))));
    Ok(axum::serve(listener, routes).await?)
}
