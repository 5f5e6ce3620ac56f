//! Those that are measured: each a process of its own, with a fake Discord of its own.

use std::{
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use adjutant_fakes::discord::FakeDiscord;
use anyhow::{Context, Result, bail};

use super::discord;
use crate::cpu;

/// How long one may take to be ready.
const START: Duration = Duration::from_secs(60);
/// How long our own may take to stop.
const STOP: Duration = Duration::from_secs(10);

pub(super) const OURS: &str = "Adjutant on NATS";
pub(super) const DISCORD_JS: &str = "discord.js";

/// A library: its name, what runs it, its file, how to find out whether it is there.
const PEERS: [(&str, &str, &str, [&str; 2]); 2] = [
    (DISCORD_JS, "node", "discord.js", ["-e", "require('discord.js')"]),
    ("discord.py", "python3", "discord_py.py", ["-c", "import discord"]),
];

/// One that is measured.
pub(super) struct Contender {
    pub(super) name: &'static str,
    pub(super) fake: FakeDiscord,
    process: Process,
}

/// Ends the process with the measurement.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        // Our own stop when nobody writes to them any more, and then stop what they have started.
        if self.0.stdin.take().is_some() {
            let begun = Instant::now();
            while matches!(self.0.try_wait(), Ok(None)) && begun.elapsed() < STOP {
                std::thread::sleep(Duration::from_millis(20));
            }
        }
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Contender {
    async fn start(name: &'static str, mut command: Command) -> Result<Self> {
        let fake = discord().await;
        let token = fake.world().bot_token.clone();
        command
            .env("DISCORD_API", fake.api_url())
            .env("DISCORD_GATEWAY", fake.gateway_url())
            .env("DISCORD_TOKEN", token)
            .stdout(Stdio::null());
        let child = command.spawn().with_context(|| format!("{name} cannot be started"))?;
        Ok(Self { name, fake, process: Process(child) })
    }

    /// Waits until it has a session and has registered its commands.
    pub(super) async fn ready(&mut self) -> Result<()> {
        let begun = Instant::now();
        while self.fake.sessions().is_empty() || self.fake.record().commands.is_empty() {
            let ended = self.process.0.try_wait()?;
            if ended.is_some() || begun.elapsed() > START {
                let record = self.fake.record();
                bail!(
                    "{} has no session or has registered nothing: ended {ended:?}, {} connections, {:?}",
                    self.name,
                    record.connections.len(),
                    record.violations
                );
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(())
    }

    /// Processor time that it, and what it started, has used so far.
    pub(super) fn cpu(&self) -> Result<Duration> {
        cpu::used(self.process.0.id())
    }
}

/// Starts all that are installed, and names the others.
pub(super) async fn start(
    dir: &Path,
    nats_server: Option<&Path>,
) -> Result<(Vec<Contender>, Vec<(&'static str, String)>)> {
    let own = std::env::current_exe()?;
    let mut echo = Command::new(&own);
    echo.arg("--echo-discord").stdin(Stdio::piped());
    let mut adjutant = Command::new(&own);
    adjutant.arg("--serve-discord").arg(dir).stdin(Stdio::piped());
    if let Some(program) = nats_server {
        adjutant.arg("--nats-server").arg(program);
    }
    let mut all = vec![Contender::start("bare echo", echo).await?, Contender::start(OURS, adjutant).await?];
    let mut missing = Vec::new();
    for (name, program, file, trial) in PEERS {
        if let Err(why) = works(program, &trial) {
            missing.push((name, why));
            continue;
        }
        let mut command = Command::new(program);
        command.arg(file).current_dir("bench/peers").stdin(Stdio::null());
        all.push(Contender::start(name, command).await?);
    }
    Ok((all, missing))
}

fn works(program: &str, trial: &[&str]) -> Result<(), String> {
    let tried = Command::new(program)
        .args(trial)
        .current_dir("bench/peers")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    match tried {
        Ok(status) if status.success() => Ok(()),
        Ok(_) => Err(format!("{program} does not find it in bench/peers")),
        Err(error) => Err(format!("{program} cannot be run ({error})")),
    }
}
