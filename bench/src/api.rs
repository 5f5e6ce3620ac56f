//! The API's check of a key beside a bare axum, and beside Fastify, Express and FastAPI that make the same check, in one run: each
//! server is a process, `wrk` asks all of them in turns.

mod load;
mod revocation;
mod servers;

use std::{
    hint::black_box,
    path::Path,
    time::{Duration, Instant},
};

use adjutant_api::key::{ApiKey, Kind, Pepper, Peppers};
use adjutant_bus::open::BusConfig;
use anyhow::{Context, Result};

use self::servers::{Server, World};
pub(crate) use self::servers::{serve_api, serve_hello};
use crate::{figures::Figures, say};

/// Rounds in which every server has its turn.
const ROUNDS: usize = 5;
/// Connections, and seconds a turn.
const CONNECTIONS: usize = 32;
const SECONDS: u64 = 4;
/// Keys in use, one after another.
pub(crate) const KEYS: usize = 1_000;
/// Checks timed one by one.
const CHECKS: usize = 200_000;

/// Measures all of them.
pub(crate) async fn measure(dir: &Path, bus: BusConfig) -> Result<()> {
    say("check of a key, in process: shape and checksum, then its digest under the pepper");
    say(&shape_and_digest().line("shape + digest"));
    load::installed().context("wrk is needed: apt-get install wrk")?;
    let world = World::new(dir).await?;
    let servers = servers::start(&world).await?;
    say(&format!(
        "over HTTP: wrk, {CONNECTIONS} connections, {SECONDS} s a turn, {ROUNDS} rounds, {KEYS} keys"
    ));
    let mut turns: Vec<Vec<load::Turn>> = servers.iter().map(|_| Vec::new()).collect();
    for _ in 0..ROUNDS {
        for (server, turns) in servers.iter().zip(&mut turns) {
            turns.push(load::turn(server, &world.keys_file, CONNECTIONS, SECONDS)?);
        }
    }
    let hello = turns.first().cloned().unwrap_or_default();
    for (server, turns) in servers.iter().zip(&turns) {
        say(&report(server, turns, &hello));
    }
    drop(servers);
    revocation::measure(bus).await
}

fn shape_and_digest() -> Figures {
    let peppers = Peppers::new(&Pepper::new([7; 32]), None);
    let keys: Vec<String> = (0..KEYS).map(|_| ApiKey::generate(Kind::Service).expose().to_owned()).collect();
    let (mut latencies, begun) = (Vec::with_capacity(CHECKS), Instant::now());
    for text in keys.iter().cycle().take(CHECKS) {
        let one = Instant::now();
        if let Ok(key) = ApiKey::parse(black_box(text)) {
            black_box(peppers.digest(&key));
        }
        latencies.push(one.elapsed());
    }
    Figures::new(latencies, begun.elapsed())
}

fn report(server: &Server, turns: &[load::Turn], hello: &[load::Turn]) -> String {
    let ratios = turns.iter().zip(hello).map(|(turn, hello)| turn.rate / hello.rate).collect();
    let rates: Vec<f64> = turns.iter().map(|turn| turn.rate).collect();
    let least = rates.iter().copied().fold(f64::INFINITY, f64::min);
    let most = rates.iter().copied().fold(0.0, f64::max);
    let latency = |pick: fn(&load::Turn) -> Duration| {
        median(turns.iter().map(|t| pick(t).as_secs_f64() * 1e3).collect())
    };
    format!(
        "  {:<26} {:>8.0} /s ({least:.0} to {most:.0})   {:.2} x hello   {:>6.1} µs CPU   p50 {:.2} ms   p99 {:.2} ms",
        server.name,
        median(rates.clone()),
        median(ratios),
        median(turns.iter().map(|turn| turn.cpu_per_request.as_secs_f64() * 1e6).collect()),
        latency(|turn| turn.p50),
        latency(|turn| turn.p99),
    )
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or_default()
}
