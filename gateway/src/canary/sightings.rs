//! What the follower of a sender has seen of canaries: so a follower that stands still is found.

use std::{collections::VecDeque, sync::Arc};

use adjutant_bus::id::RequestId;
use parking_lot::Mutex;
use tokio::time::Instant;

/// Canaries of all replicas that are remembered.
const REMEMBERED: usize = 256;

/// What the follower of a sender has seen of canaries, for the canary of the same process. Clones tell of the same follower.
#[derive(Clone, Debug, Default)]
pub struct Sightings(Arc<Mutex<Sight>>);

#[derive(Debug, Default)]
struct Sight {
    /// Since when this replica has followed; none while another one does.
    follows: Option<Instant>,
    ended: VecDeque<RequestId>,
}

impl Sightings {
    pub(crate) fn follows(&self, follows: bool) {
        self.0.lock().follows = follows.then(Instant::now);
    }

    pub(crate) fn ended(&self, request: RequestId) {
        let ended = &mut self.0.lock().ended;
        if ended.len() == REMEMBERED {
            ended.pop_front();
        }
        ended.push_back(request);
    }

    /// Whether the follower owes the sight of it: it has followed since before it was sent, and has not seen its end.
    pub(super) fn owes(&self, request: RequestId, sent: Instant) -> bool {
        let sight = self.0.lock();
        sight.follows.is_some_and(|since| since <= sent) && !sight.ended.contains(&request)
    }
}

#[cfg(test)]
mod tests {
    use adjutant_bus::actor::{Platform, Tenant};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_follower_remembers_the_latest_of_many() {
        let (sightings, sent) = (Sightings::default(), Instant::now());
        sightings.follows(true);
        let ids: Vec<RequestId> = (0..=REMEMBERED)
            .map(|n| RequestId::derive(Platform::Slack, &Tenant::new("t"), &n.to_string()))
            .collect();
        ids.iter().for_each(|id| sightings.ended(*id));
        assert!(sightings.owes(ids[0], sent) && !sightings.owes(ids[REMEMBERED], sent));
    }
}
