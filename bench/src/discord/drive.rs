//! One turn of one contender: interactions are delivered, and their answers awaited.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use adjutant_fakes::discord::FakeDiscord;
use anyhow::{Context, Result, bail};
use serde_json::json;

use super::{channel, contenders::Contender};
use crate::figures::Figures;

/// How long a turn may take.
const PATIENCE: Duration = Duration::from_secs(120);
/// Between two looks at the fake. A thread sleeps, because the runtime's timer ticks in whole milliseconds.
const LOOK: Duration = Duration::from_micros(100);
/// Who asks.
const USER: &str = "4001";

/// What was measured.
#[derive(Clone, Debug, Default)]
pub(super) struct Turn {
    /// Until the first answer.
    pub(super) first: Figures,
    /// Until the result, which is the first answer unless that was a deferral.
    result: Figures,
    deferred: usize,
    commands: u32,
    /// Processor time of the contender.
    cpu: Duration,
}

impl Turn {
    pub(super) fn extend(&mut self, other: Self) {
        self.first.extend(other.first);
        self.result.extend(other.result);
        self.deferred += other.deferred;
        self.commands += other.commands;
        self.cpu += other.cpu;
    }

    pub(super) fn line(&self, name: &str) -> String {
        let cpu = self.cpu / self.commands.max(1);
        format!("{}   {:>6.3} ms CPU each", self.first.line(name), cpu.as_secs_f64() * 1e3)
    }

    /// What to add where some answers were deferred.
    pub(super) fn result_line(&self) -> Option<String> {
        let name = format!("  {} deferred, result", self.deferred);
        (self.deferred > 0).then(|| self.result.line(&name))
    }
}

/// So many commands; the next is sent when one has its result.
pub(super) async fn drive(contender: &Contender, commands: usize, in_flight: usize) -> Result<Turn> {
    let (fake, name) = (contender.fake.clone(), contender.name);
    let before = contender.cpu().context(name)?;
    let turn = tokio::task::spawn_blocking(move || turn(&fake, commands, in_flight)).await?.context(name)?;
    Ok(Turn { cpu: contender.cpu().context(name)?.saturating_sub(before), ..turn })
}

fn turn(fake: &FakeDiscord, commands: usize, in_flight: usize) -> Result<Turn> {
    let (callbacks, posted) = {
        let record = fake.record();
        (record.callbacks.len(), record.posted.len())
    };
    let begun = Instant::now();
    let mut sent: HashMap<String, Instant> = HashMap::with_capacity(commands);
    loop {
        let done = {
            let record = fake.record();
            // An answer is posted a moment before it is noted as accepted.
            (record.posted.len() - posted).min(record.callbacks.len() - callbacks)
        };
        if done >= commands {
            break;
        }
        while sent.len() < commands && sent.len() - done.min(sent.len()) < in_flight {
            let data = json!({ "name": "ping", "type": 1 });
            let asked = fake.command(USER, &channel(sent.len()), data);
            sent.insert(asked.id, asked.at);
        }
        if begun.elapsed() > PATIENCE {
            bail!("{done} of {commands} were answered");
        }
        std::thread::sleep(LOOK);
    }
    let took = begun.elapsed();
    let record = fake.record();
    let (mut first, mut result, mut deferred) = (Vec::new(), Vec::new(), 0);
    for one in record.callbacks.iter().skip(callbacks) {
        if let Some(code) = one.refused {
            bail!("an answer was refused with {code}");
        }
        deferred += usize::from(one.kind == 5);
        first.push(one.after);
    }
    for one in record.posted.iter().skip(posted) {
        if !one.texts().contains("pong") {
            bail!("an answer of another kind: {}", one.texts());
        }
        let since = one.interaction.as_ref().and_then(|id| sent.remove(id));
        result.push(one.at.duration_since(since.context("an answer to nothing, or a second one")?));
    }
    if first.len() != commands || result.len() != commands {
        bail!("{} answers and {} results for {commands} commands", first.len(), result.len());
    }
    let (first, result) = (Figures::new(first, took), Figures::new(result, took));
    Ok(Turn { first, result, deferred, commands: u32::try_from(commands)?, cpu: Duration::ZERO })
}
