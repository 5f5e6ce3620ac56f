//! The commands that there are now, for gateways: this program's own, and those that services offer at the moment.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use adjutant_bus::{ports::Bus, service::Offer, spec::CommandSpec};
use adjutant_gateway::Specs;
use adjutant_policies::Policy;
use adjutant_workers::catalogue::{Catalogue, Entry, Source};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tracing::debug;

use crate::{config::Config, supervise::Supervisor};

/// How often services are asked, and how long for.
const EVERY: Duration = Duration::from_secs(10);
const WINDOW: Duration = Duration::from_millis(500);
/// So many rounds one after the other without an answer, and a service is gone.
const ROUNDS: u32 = 3;
/// How long a gateway waits at its start until it knows what is offered.
const SETTLE: Duration = Duration::from_secs(5);

/// Teaches a policy the commands that there are: where no worker does, explanations would not know those of services.
pub(super) fn teach(
    supervisor: &mut Supervisor,
    config: &Config,
    policy: Arc<Policy>,
    specs: Specs,
    stop: &CancellationToken,
) {
    let (homes, stop) = (config.trusted_homes(), stop.clone());
    supervisor.start("words of the policy", move || {
        let (homes, policy, mut specs, stop) = (homes.clone(), policy.clone(), specs.clone(), stop.clone());
        async move {
            while let Some(Ok(())) = stop.run_until_cancelled(specs.changed()).await {
                let known = specs.borrow_and_update().clone();
                let entries = known.iter().map(|spec| Entry::new(spec.clone(), Source::BuiltIn));
                policy.learn(adjutant_workers::vocabulary(&Catalogue::new(entries).0, &homes)).await;
            }
            Ok(())
        }
    });
}

/// This program's own commands and those that are offered.
pub(super) fn merged(own: &[CommandSpec], offers: Vec<Offer>) -> Vec<CommandSpec> {
    let mut all = own.to_vec();
    for spec in offers.into_iter().flat_map(|offer| offer.commands) {
        // Replicas of a service offer the same; nobody can take the place of an own command.
        if !all.iter().any(|known: &CommandSpec| known.path == spec.path) {
            all.push(spec);
        }
    }
    all
}

/// What is known of what is offered.
#[derive(Clone)]
pub(super) struct Known {
    /// The commands that there are now.
    pub(super) specs: Specs,
    /// Whether services have been asked once: before that only this program's own commands are known.
    asked: watch::Receiver<bool>,
}

impl Known {
    /// Whether it is known which commands there are, and what is known about it.
    pub(super) fn ready(&self) -> (bool, String) {
        if *self.asked.borrow() {
            (true, format!("{} are known", self.specs.borrow().len()))
        } else {
            (false, "services have not been asked yet what they offer".to_owned())
        }
    }

    /// Waits until services have been asked, for a while: who is called before that calls commands unknown that are offered.
    pub(super) async fn settled(&self) {
        let mut asked = self.asked.clone();
        let _ = tokio::time::timeout(SETTLE, asked.wait_for(|asked| *asked)).await;
    }
}

/// What services have offered lately: one that does not answer once is busy, and not away. Workers know when it is.
#[derive(Default)]
struct Offered(BTreeMap<String, (Offer, u32)>);

impl Offered {
    /// Takes in what was answered in one round; what is offered.
    fn round(&mut self, answered: Vec<Offer>) -> Vec<Offer> {
        self.0.retain(|_, (_, missed)| {
            *missed += 1;
            *missed < ROUNDS
        });
        self.0.extend(answered.into_iter().map(|offer| (offer.name.clone(), (offer, 0))));
        self.0.values().map(|(offer, _)| offer.clone()).collect()
    }
}

/// Follows what is offered.
pub(super) fn follow(supervisor: &mut Supervisor, bus: &Bus, stop: &CancellationToken) -> Known {
    let own = adjutant_workers::built_in();
    let (send, specs) = watch::channel(Arc::new(own.clone()));
    let (tell, asked) = watch::channel(false);
    let (send, tell, bus, stop) = (Arc::new(send), Arc::new(tell), bus.clone(), stop.clone());
    supervisor.start("list of commands", move || {
        let (send, tell, bus, stop, own) =
            (send.clone(), tell.clone(), bus.clone(), stop.clone(), own.clone());
        async move {
            let mut offered = Offered::default();
            loop {
                match bus.services.list(WINDOW).await {
                    Ok(answered) => {
                        let all = merged(&own, offered.round(answered));
                        send.send_if_modified(|known| {
                            let changed = **known != all;
                            *known = Arc::new(all);
                            changed
                        });
                        tell.send_replace(true);
                    }
                    Err(error) => debug!(%error, "services cannot be asked just now"),
                }
                if stop.run_until_cancelled(tokio::time::sleep(EVERY)).await.is_none() {
                    return Ok(());
                }
            }
        }
    });
    Known { specs, asked }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offer(name: &str) -> Offer {
        let commands = vec![CommandSpec::new(name.parse().unwrap(), "for the test")];
        Offer { name: name.to_owned(), version: "1.0.0".to_owned(), description: String::new(), commands }
    }

    fn names(offers: Vec<Offer>) -> Vec<String> {
        offers.into_iter().map(|offer| offer.name).collect()
    }

    #[test]
    fn a_service_that_misses_a_round_or_two_is_still_there_and_one_that_misses_more_is_gone() {
        let mut offered = Offered::default();
        assert_eq!(names(offered.round(vec![offer("a"), offer("b")])), ["a", "b"]);
        assert_eq!(names(offered.round(vec![offer("b")])), ["a", "b"]);
        assert_eq!(names(offered.round(vec![offer("b")])), ["a", "b"]);
        assert_eq!(names(offered.round(vec![offer("b")])), ["b"]);
        assert_eq!(names(offered.round(vec![offer("a"), offer("b")])), ["a", "b"]);
    }

    #[test]
    fn nobody_takes_the_place_of_an_own_command() {
        let own = [CommandSpec::new("ping".parse().unwrap(), "our own")];
        let all = merged(&own, vec![offer("ping"), offer("a")]);
        let told: Vec<&str> = all.iter().map(|spec| spec.summary.as_str()).collect();
        assert_eq!(told, ["our own", "for the test"]);
    }
}
