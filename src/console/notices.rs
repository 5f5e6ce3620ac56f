//! Notices to the terminal: taken from the bus while somebody may read them, and written to the log while nobody may.

use std::{
    collections::{HashSet, VecDeque},
    time::Duration,
};

use adjutant_bus::{
    actor::{Platform, Tenant},
    notice::Notice,
    ports::{Bucket, Bus, BusError, Delivery, Expect},
    subject::{Origin, Token},
    wire,
};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::{
    inbound::CHANNEL,
    render::{self, Style},
};

/// Notices taken at once, and how long to wait for the first.
const TAKEN: (usize, Duration) = (8, Duration::from_secs(5));
/// Pause before another try, and before a look whether there still is a terminal.
const PAUSE: Duration = Duration::from_secs(2);
/// After this time a notice to another console is delivered again, perhaps to that one.
const ELSEWHERE: Duration = Duration::from_secs(30);
/// Deliveries after which a notice to another console goes to the dead letters, where it is kept whole for 30 days: too many that wait
/// would keep this console's own from coming.
const MOST_DELIVERIES: u64 = 10;
/// Ids remembered, of notices that may come again.
const REMEMBERED: usize = 1_000;

/// Who reads what is taken.
#[derive(Clone, Debug)]
pub(crate) enum Reader {
    /// Somebody at a terminal. Where there is one, logs take nothing.
    Terminal(mpsc::Sender<Notice>),
    /// Who reads the log later.
    Log,
}

/// Takes notices to this console until `stop`.
pub(crate) async fn follow(bus: Bus, tenant: Tenant, reader: Reader, stop: CancellationToken) {
    let attended = format!("{}.{}.prompt", Platform::Console, Token::escape(tenant.as_str()));
    let mut follower =
        Follower { origin: Origin::new(Platform::Console, &tenant), reader, shown: Shown::default() };
    while !stop.is_cancelled() {
        let took = stop.run_until_cancelled(follower.take(&bus, &attended)).await;
        if let Some(Err(error)) = took {
            warn!(%error, "notices cannot be taken just now");
            stop.run_until_cancelled(tokio::time::sleep(PAUSE)).await;
        }
    }
    if let Reader::Terminal(_) = follower.reader
        && let Err(error) = bus.store.remove(Bucket::Leases, &attended, None).await
    {
        warn!(%error, "that the terminal is gone could not be told; it is noticed by itself");
    }
}

struct Follower {
    origin: Origin,
    reader: Reader,
    shown: Shown,
}

impl Follower {
    async fn take(&mut self, bus: &Bus, attended: &str) -> Result<(), BusError> {
        match &self.reader {
            Reader::Terminal(_) => {
                let put = bus.store.put(Bucket::Leases, attended, "here".into(), Expect::Anything).await;
                if let Err(error) = put {
                    warn!(%error, "that there is a terminal could not be told");
                }
            }
            Reader::Log => {
                if bus.store.get(Bucket::Leases, attended).await?.is_some() {
                    tokio::time::sleep(PAUSE).await;
                    return Ok(());
                }
            }
        }
        for delivery in bus.outbox.take(TAKEN.0, TAKEN.1).await? {
            self.settle(&delivery).await?;
        }
        Ok(())
    }

    async fn settle(&mut self, delivery: &Delivery) -> Result<(), BusError> {
        let notice: Notice = match wire::decode("notice", &delivery.payload) {
            Ok(notice) => notice,
            Err(error) => return delivery.handle.bury(&error.to_string()).await,
        };
        if delivery.origin != self.origin || notice.to.channel != CHANNEL {
            return elsewhere(delivery, &notice).await;
        }
        if self.shown.is_new(&notice.id) {
            match &self.reader {
                // A terminal that is gone leaves it to the next one.
                Reader::Terminal(out) => {
                    if out.send(notice.clone()).await.is_err() {
                        return delivery.handle.release(Duration::ZERO).await;
                    }
                }
                Reader::Log => {
                    let text = render::notice(&notice, Style::PLAIN);
                    info!(
                        from = notice.from,
                        id = notice.id,
                        text = text.trim_end(),
                        "a notice to the console"
                    );
                }
            }
        }
        delivery.handle.acknowledge().await
    }
}

async fn elsewhere(delivery: &Delivery, notice: &Notice) -> Result<(), BusError> {
    if delivery.attempt < MOST_DELIVERIES {
        return delivery.handle.release(ELSEWHERE).await;
    }
    warn!(place = %notice.to, from = notice.from, "a notice to a console that is not there goes to the dead letters");
    delivery.handle.bury(&format!("no console has taken it for {}", notice.to)).await
}

/// What was shown already.
#[derive(Default)]
struct Shown {
    ids: HashSet<String>,
    by_age: VecDeque<String>,
}

impl Shown {
    fn is_new(&mut self, id: &str) -> bool {
        if !self.ids.insert(id.to_owned()) {
            return false;
        }
        self.by_age.push_back(id.to_owned());
        if self.by_age.len() > REMEMBERED
            && let Some(oldest) = self.by_age.pop_front()
        {
            self.ids.remove(&oldest);
        }
        true
    }
}

#[cfg(test)]
mod tests;
