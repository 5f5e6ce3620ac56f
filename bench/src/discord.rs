//! The Discord gateway beside others: from an interaction on the socket to its first answer, and to its result. Each talks to a
//! strict fake Discord of its own, all in the same run and in turns: a bare echo that promises nothing, Adjutant with everything
//! stored, and Discord's best known libraries where they are installed.

mod adjutant;
mod contenders;
mod drive;
mod echo;

use std::{io::Read, path::Path};

use adjutant_fakes::discord::{Channel, FakeDiscord, Rates, World};
use anyhow::Result;
use tokio_util::sync::CancellationToken;

pub(crate) use self::{adjutant::run as serve, echo::run as echo};
use self::{
    contenders::{Contender, DISCORD_JS, OURS},
    drive::{Turn, drive},
};
use crate::say;

/// Channels, so that no limit per channel is met.
const CHANNELS: usize = 1_000;
/// The guild of the fake.
const GUILD: &str = "9001";
/// Rounds in which all have their turn.
const ROUNDS: usize = 3;

/// Measures all of them.
pub(crate) async fn measure(commands: usize, nats_server: Option<&Path>) -> Result<()> {
    let dir = tempfile::tempdir()?;
    let (mut contenders, missing) = contenders::start(dir.path(), nats_server).await?;
    for (name, why) in missing {
        say(&format!("left out: {name}: {why}"));
    }
    for one in &mut contenders {
        one.ready().await?;
    }
    for in_flight in [1, 64] {
        say(&format!("Discord, {in_flight} in flight: interaction on the socket until its first answer"));
        for one in &contenders {
            // What is loaded at the first use is loaded.
            drive(one, (commands / 10).max(in_flight), in_flight).await?;
        }
        let mut turns: Vec<Turn> = contenders.iter().map(|_| Turn::default()).collect();
        for _ in 0..ROUNDS {
            for (one, turn) in contenders.iter().zip(&mut turns) {
                turn.extend(drive(one, (commands / ROUNDS).max(in_flight), in_flight).await?);
            }
        }
        for (one, turn) in contenders.iter().zip(&turns) {
            say(&turn.line(one.name));
            if let Some(line) = turn.result_line() {
                say(&line);
            }
        }
        compare(&contenders, &turns);
    }
    for one in &contenders {
        for violation in one.fake.violations() {
            say(&format!("{} broke a rule: {violation}", one.name));
        }
    }
    Ok(())
}

/// Adjutant beside the library that the aim names.
fn compare(contenders: &[Contender], turns: &[Turn]) {
    let turn = |name: &str| {
        let mut named = contenders.iter().zip(turns).filter(|(one, _)| one.name == name);
        named.next().map(|(_, turn)| turn)
    };
    if let (Some(ours), Some(theirs)) = (turn(OURS), turn(DISCORD_JS)) {
        let (ours, theirs) = (&ours.first, &theirs.first);
        say(&format!(
            "  {:<20} {:.2} x p50, {:.2} x rate",
            format!("ratio to {DISCORD_JS}"),
            ours.p50() / theirs.p50(),
            ours.rate() / theirs.rate()
        ));
    }
}

/// A fake that never tells anybody to wait.
async fn discord() -> FakeDiscord {
    let mut world = World::default();
    for number in 0..CHANNELS {
        let (id, guild) = (channel(number), Some(GUILD.to_owned()));
        let one = Channel { id: id.clone(), name: format!("bench-{number}"), guild, ..Channel::default() };
        world.channels.insert(id, one);
    }
    let fake = FakeDiscord::start(world).await;
    fake.faults().rates = Rates::generous();
    fake
}

fn channel(number: usize) -> String {
    format!("6{:05}", number % CHANNELS)
}

/// Ends when whoever started this process lets go of its standard input, to which nothing is written. A thread waits, because the
/// runtime would not end before its own had read something.
fn let_go() -> CancellationToken {
    let ended = CancellationToken::new();
    let tell = ended.clone();
    std::thread::spawn(move || {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        tell.cancel();
    });
    ended
}
