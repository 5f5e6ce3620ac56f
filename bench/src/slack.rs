//! The Slack gateway beside others: from the event on the socket to its acknowledgement, and to the reply. All of them talk to
//! the same fake Slack in the same run: a bare echo that promises nothing, Adjutant with everything stored, and Slack's own
//! frameworks where they are installed.

mod echo;
mod peers;

use std::{
    collections::BTreeSet,
    sync::Arc,
    time::{Duration, Instant},
};

use adjutant_bus::{
    open::{Opened, Role},
    ports::Limits,
};
use adjutant_fakes::slack::{FakeSlack, World};
use adjutant_gateway_slack::{Gateway, Ingress, SlackConfig, SocketTiming};
use adjutant_policies::{Options, Policy};
use adjutant_workers::{
    WorkerConfig,
    catalogue::{Catalogue, Entry, Source},
};
use anyhow::{Result, anyhow, bail};
use serde_json::json;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::{figures::Figures, say};

/// Conversations, so that no limit per channel is met.
const CONVERSATIONS: usize = 2_000;
/// How long a measurement may take.
const PATIENCE: Duration = Duration::from_secs(120);

/// Measures all of them.
pub(crate) async fn measure(opened: &Opened, commands: usize) -> Result<()> {
    for in_flight in [1, 64] {
        say(&format!("Slack, {in_flight} in flight: event on the socket until acknowledged, until replied"));
        let fake = slack().await;
        let echo = tokio::spawn(echo::run(fake.api_url()));
        report("bare echo", &fake, commands, in_flight).await?;
        echo.abort();
        let fake = slack().await;
        let stop = CancellationToken::new();
        let running = adjutant(opened, &fake, in_flight, &stop).await?;
        report("Adjutant on NATS", &fake, commands, in_flight).await?;
        stop.cancel();
        running.await?;
        for peer in peers::installed() {
            let fake = slack().await;
            let process = peer.start(&fake.api_url())?;
            report(peer.name(), &fake, commands, in_flight).await?;
            drop(process);
        }
    }
    Ok(())
}

async fn slack() -> FakeSlack {
    let mut world = World::standard();
    for n in 0..CONVERSATIONS {
        world.channels.insert(format!("D{n:04}"), BTreeSet::from(["U0ANA".to_owned(), "U0BOT".to_owned()]));
    }
    let fake = FakeSlack::start(world).await;
    fake.faults().limits = false;
    fake
}

async fn report(name: &str, fake: &FakeSlack, commands: usize, in_flight: usize) -> Result<()> {
    let begun = Instant::now();
    while fake.sockets() == 0 {
        if begun.elapsed() > PATIENCE {
            bail!("{name} opened no socket");
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    // What is loaded at the first use is loaded.
    drive(fake, (commands / 10).max(in_flight), in_flight).await?;
    let (acknowledged, replied) = drive(fake, commands, in_flight).await?;
    say(&acknowledged.line(&format!("{name}, ack")));
    say(&replied.line(&format!("{name}, reply")));
    Ok(())
}

/// So many direct messages, each in a conversation of its own; the next is sent when one was replied to.
async fn drive(fake: &FakeSlack, commands: usize, in_flight: usize) -> Result<(Figures, Figures)> {
    let (acks, posted) = {
        let record = fake.record();
        (record.acks.len(), record.posted.len())
    };
    let begun = Instant::now();
    // No two runs may send the same event: it would be the same request.
    let base = jiff::Timestamp::now().as_microsecond();
    let mut sent = Vec::with_capacity(commands);
    loop {
        let done = fake.record().posted.len() - posted;
        if done >= commands {
            break;
        }
        while sent.len() < commands && sent.len() - done.min(sent.len()) < in_flight {
            let number = sent.len();
            sent.push(Instant::now());
            fake.event(json!({
                "type": "message", "channel_type": "im", "user": "U0ANA", "text": "ping", "event_ts": "1.0",
                "channel": format!("D{:04}", number % CONVERSATIONS), "ts": format!("{base}.{number:06}"),
            }));
        }
        if begun.elapsed() > PATIENCE {
            bail!("{done} of {commands} were answered");
        }
        tokio::time::sleep(Duration::from_micros(100)).await;
    }
    let took = begun.elapsed();
    let record = fake.record();
    let channel = |name: &str| name.trim_start_matches('D').parse::<usize>().ok();
    let mut replies: Vec<Vec<Instant>> = vec![Vec::new(); CONVERSATIONS];
    for one in record.posted.iter().skip(posted) {
        if let Some(list) = channel(&one.channel).and_then(|n| replies.get_mut(n)) {
            list.push(one.at);
        }
    }
    // The n-th reply of a conversation answers its n-th message.
    let latency = |(number, since): (usize, &Instant)| {
        let at = replies.get(number % CONVERSATIONS)?.get(number / CONVERSATIONS)?;
        Some(at.duration_since(*since))
    };
    let replied = sent.iter().enumerate().filter_map(latency).collect();
    let acknowledged = record.acks.iter().skip(acks).map(|ack| ack.latency).collect();
    Ok((Figures::new(acknowledged, took), Figures::new(replied, took)))
}

/// The real gateway and a worker, in this process, on a server that stores everything.
async fn adjutant(
    opened: &Opened,
    fake: &FakeSlack,
    in_flight: usize,
    stop: &CancellationToken,
) -> Result<tokio::task::JoinHandle<()>> {
    let homes = vec!["slack:T0ACME".to_owned(), "console:local".to_owned()];
    let specs = adjutant_workers::built_in();
    let own = specs.iter().cloned().map(|spec| Entry::new(spec, Source::BuiltIn));
    let vocabulary = adjutant_workers::vocabulary(&Catalogue::new(own).0, &homes);
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
    let policy = Policy::load(Options::new(None), vocabulary).await;
    let worker = adjutant_workers::run(config, opened.role(Role::Worker).await?, policy, stop.clone());
    let slack = SlackConfig {
        bot_tokens: vec!["xoxb-test-0".to_owned().into()],
        app_token: Some("xapp-test-0".to_owned().into()),
        signing_secret: None,
        api_url: fake.api_url(),
        ingress: Ingress::Socket,
        command: "/adjutant".to_owned(),
        name: "bench".to_owned(),
        handover: Limits::default().handover(),
        timing: SocketTiming::default(),
    };
    let (_, following) = watch::channel(Arc::new(specs));
    let gateway = Gateway::open(slack, opened.role(Role::Slack).await?, following).await;
    let gateway = gateway.map_err(|findings| anyhow!("{findings:?}"))?;
    let stop = stop.clone();
    Ok(tokio::spawn(async move {
        let _ = tokio::join!(worker, gateway.run(stop));
    }))
}
