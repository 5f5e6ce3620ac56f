//! What admins ask of the bus: set it up, look at it, make its users. Exit status 0 clean, 1 findings, 2 could not run.

mod users;

use std::process::ExitCode;

use adjutant_bus::{
    nats::status::{BusStatus, StreamStatus},
    open::{self, Opened, Role},
    presence::{self, Replica},
};
use anyhow::Result;
use serde_json::json;

use super::{
    admin::{could_not_run, print, status, table},
    parts,
};
use crate::{
    cli::{BusCommand, Json},
    config::Config,
    output,
};

/// Most dead letters shown.
const DEAD: u64 = 50;

pub(super) async fn run(config: &Config, command: &BusCommand) -> Result<ExitCode> {
    if let BusCommand::Users(options) = command {
        return users::make(options);
    }
    let opened = open::open(&parts::bus(config, false)?).await?;
    if opened.is_memory() {
        return Ok(could_not_run("there is no server to look at; name one with --bus nats://host:port"));
    }
    match command {
        BusCommand::Setup(print) => set_up(&opened, *print).await,
        BusCommand::Status(print) => look(&opened, *print).await,
        BusCommand::Dead(print) => dead(&opened, *print).await,
        BusCommand::Users(options) => users::make(options),
    }
}

async fn set_up(opened: &Opened, print: Json) -> Result<ExitCode> {
    let all = opened.set_up().await?;
    if print.json {
        output::say(&serde_json::to_string(&all)?);
    } else {
        for made in &all {
            output::say(&made.to_string());
        }
    }
    Ok(status(all.iter().all(adjutant_bus::nats::setup::Made::is_good)))
}

async fn dead(opened: &Opened, print: Json) -> Result<ExitCode> {
    let letters = opened.dead_letters(DEAD).await?;
    for (payload, reason) in &letters {
        let payload = String::from_utf8_lossy(payload);
        if print.json {
            output::say(&json!({ "reason": reason, "payload": payload }).to_string());
        } else {
            output::say(&format!("{reason}\n    {}", payload.escape_debug()));
        }
    }
    if letters.is_empty() && !print.json {
        output::say("There are no dead letters.");
    }
    Ok(ExitCode::SUCCESS)
}

async fn look(opened: &Opened, as_json: Json) -> Result<ExitCode> {
    let mut bus = opened.status().await?;
    let up = match who(opened).await {
        Ok(up) => up,
        Err(why) => {
            bus.problems.push(format!("who is up is not known: {why:#}"));
            Vec::new()
        }
    };
    if as_json.json {
        let up: Vec<_> = up
            .iter()
            .map(|one| {
                json!({
                    "role": one.role, "name": one.name, "version": one.program, "since": one.since,
                    "detail": one.detail, "policy": one.policy.as_ref().and_then(|policy| policy.version),
                })
            })
            .collect();
        let all =
            json!({ "servers": bus.servers, "streams": bus.streams, "up": up, "problems": bus.problems });
        output::say(&all.to_string());
    } else {
        show(&bus, &up);
    }
    Ok(status(bus.problems.is_empty()))
}

async fn who(opened: &Opened) -> Result<Vec<Replica>> {
    Ok(presence::all(&opened.role(Role::Admin).await?).await?)
}

fn show(bus: &BusStatus, up: &[Replica]) {
    let mut servers = table(&["server", "version", "address"]);
    for server in &bus.servers {
        servers.add_row([&server.name, &server.version, &server.address]);
    }
    print(&servers);
    let mut streams = table(&["", "messages", "size", "full", "copies", "leader", "behind"]);
    let mut consumers = table(&["consumer", "pending", "unconfirmed", "again", "waiting"]);
    for stream in &bus.streams {
        streams.add_row(row(stream));
        let name = stream.what.trim_start_matches("stream ");
        for consumer in &stream.consumers {
            let numbers = [consumer.pending, consumer.ack_pending, consumer.redelivered, consumer.waiting];
            let named = format!("{name}/{}", consumer.name);
            consumers.add_row([named].into_iter().chain(numbers.map(|number| number.to_string())));
        }
    }
    output::say("");
    print(&streams);
    output::say("");
    print(&consumers);
    let mut replicas = table(&["up", "name", "version", "since", "policy", ""]);
    for one in up {
        let since = one.since.map(|since| since.strftime("%Y-%m-%d %H:%M").to_string()).unwrap_or_default();
        let policy = one.policy.as_ref().map(|policy| policy.version);
        let policy = match policy {
            Some(version) => version.map_or_else(|| "none".to_owned(), |version| version.to_string()),
            None => "-".to_owned(),
        };
        let detail = one.detail.as_deref().unwrap_or_default();
        replicas.add_row([&one.role, &one.name, &one.program, &since, &policy, detail]);
    }
    output::say("");
    if up.is_empty() {
        output::say("Nothing is up.");
    } else {
        print(&replicas);
    }
    output::say("");
    if bus.problems.is_empty() {
        output::say("Nothing is wrong.");
    }
    for problem in &bus.problems {
        output::say(&format!("WRONG: {problem}"));
    }
}

fn row(stream: &StreamStatus) -> [String; 7] {
    let dash = || "-".to_owned();
    [
        stream.what.clone(),
        stream.messages.to_string(),
        size(stream.bytes),
        stream.percent.map_or_else(dash, |percent| format!("{percent} %")),
        stream.replicas.to_string(),
        stream.leader.clone().unwrap_or_else(dash),
        if stream.lagging.is_empty() { dash() } else { stream.lagging.join(" ") },
    ]
}

/// Bytes as people read them.
fn size(bytes: u64) -> String {
    const STEP: u64 = 1_024;
    let units = ["B", "KiB", "MiB", "GiB", "TiB"];
    let mut rest = bytes;
    let mut unit = 0;
    while rest >= 10 * STEP && unit + 1 < units.len() {
        rest /= STEP;
        unit += 1;
    }
    format!("{rest} {}", units.get(unit).copied().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_short() {
        assert_eq!(
            [0, 10_239, 10_240, 5 << 20, 50 << 30].map(size),
            ["0 B", "10239 B", "10 KiB", "5120 KiB", "50 GiB"]
        );
    }
}
