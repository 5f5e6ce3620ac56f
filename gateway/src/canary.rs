//! The canary: again and again one command is sent to oneself by the way that every command takes, over the bus, a worker, the
//! journal and, where this replica sends, the sender's follower. What does not come back tells how far it came.

mod sightings;

use std::{fmt, sync::Arc, time::Duration};

use adjutant_bus::{
    actor::Platform,
    canary,
    event::Outcome,
    id::RequestId,
    ports::{BoxStream, Bus, Follow, Followed},
    subject::{Journals, Origin},
};
use adjutant_metrics::canary::{self as told, Came};
use futures::StreamExt;
use jiff::{SignedDuration, Timestamp};
use parking_lot::Mutex;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

pub use self::sightings::Sightings;
use crate::{Deliver, Delivered};

/// How often it is asked whether the sender has seen one.
const LOOK: Duration = Duration::from_millis(100);
/// At the latest after this time the next one is sent, if the last one did not come back.
const AGAIN: Duration = Duration::from_secs(5);

/// How often, and how long one may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// From one to the next.
    pub every: Duration,
    /// Until it counts as lost.
    pub patience: Duration,
}

/// How far one came that did not come back.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Lost {
    NotAccepted(&'static str),
    NotTaken,
    NotEnded,
    Ended(Outcome),
    NotSeen,
    NotRead(String),
}

impl fmt::Display for Lost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAccepted(why) => write!(f, "the bus did not accept it: {why}"),
            Self::NotTaken => f.write_str("the bus accepted it, and no worker took it"),
            Self::NotEnded => f.write_str("a worker began it, and did not end it"),
            Self::Ended(outcome) => write!(f, "it ended as {}", outcome.as_str()),
            Self::NotSeen => f.write_str("it ended, and the sender of this replica did not see it"),
            Self::NotRead(why) => write!(f, "the journal cannot be followed: {why}"),
        }
    }
}

impl Lost {
    const fn came(&self) -> Came {
        match self {
            Self::NotAccepted(_) => Came::NotAccepted,
            Self::NotTaken => Came::NotTaken,
            Self::NotEnded => Came::NotEnded,
            Self::Ended(_) => Came::NotSucceeded,
            Self::NotSeen => Came::NotSeen,
            Self::NotRead(_) => Came::NotRead,
        }
    }
}

/// What became of the last one, and when.
type Last = Option<(Instant, Result<Duration, Lost>)>;

/// The canary of one platform in this process.
pub struct Canary {
    bus: Bus,
    deliver: Arc<Deliver>,
    platform: Platform,
    replica: String,
    pace: Pace,
    sightings: Sightings,
    last: Mutex<Last>,
}

impl Canary {
    /// One that goes the way of this gateway. `sightings` are those of the sender of the same process; none has one that never sends.
    #[must_use]
    pub fn new(
        bus: Bus,
        deliver: Arc<Deliver>,
        platform: Platform,
        replica: String,
        pace: Pace,
        sightings: Sightings,
    ) -> Self {
        told::begin_for(platform.as_str());
        Self { bus, deliver, platform, replica, pace, sightings, last: Mutex::new(None) }
    }

    /// Whether the last one came back, and what is known about it.
    #[must_use]
    pub fn ready(&self) -> (bool, String) {
        match &*self.last.lock() {
            None => (false, "none has come back yet".to_owned()),
            Some((at, Ok(took))) => {
                (true, format!("came back within {} ms, {} s ago", took.as_millis(), at.elapsed().as_secs()))
            }
            Some((_, Err(lost))) => {
                (false, format!("did not come back within {} s: {lost}", self.pace.patience.as_secs()))
            }
        }
    }

    /// Sends one after the other until `stop`.
    pub async fn run(&self, stop: CancellationToken) {
        let mut events = None;
        loop {
            let Some(came) = stop.run_until_cancelled(self.send(&mut events)).await else { return };
            if matches!(came, Err(Lost::NotRead(_))) {
                events = None;
            }
            let pause = if came.is_ok() { self.pace.every } else { self.pace.every.min(AGAIN) };
            self.note(came);
            if stop.run_until_cancelled(tokio::time::sleep(pause)).await.is_none() {
                return;
            }
        }
    }

    fn note(&self, came: Result<Duration, Lost>) {
        let platform = self.platform.as_str();
        match &came {
            Ok(took) => told::returned(platform, *took),
            Err(lost) => told::lost(platform, lost.came()),
        }
        let before = self.last.lock().replace((Instant::now(), came.clone()));
        let was_lost = matches!(before, Some((_, Err(_))));
        match came {
            Err(lost) if !was_lost => warn!(%platform, %lost, "the canary did not come back"),
            Ok(_) if was_lost => info!(%platform, "the canary comes back again"),
            _ => {}
        }
    }

    /// One there and back: how long it took. What follows the journal of canaries is kept for the next.
    async fn send(&self, events: &mut Option<BoxStream<Followed>>) -> Result<Duration, Lost> {
        let sent = Instant::now();
        let until = sent + self.pace.patience;
        let patience = SignedDuration::try_from(self.pace.patience).unwrap_or(SignedDuration::MAX);
        let expires = Timestamp::now().saturating_add(patience).unwrap_or(Timestamp::MAX);
        let request = canary::request(self.platform, &self.replica, expires);
        let origin = Origin::of(&request.actor);
        let following = match events {
            Some(following) => following,
            none => none.insert(self.follow(origin, until).await?),
        };
        match self.deliver.deliver(&request, until).await {
            Delivered::Accepted => {}
            Delivered::Not(why) | Delivered::Never(why) => return Err(Lost::NotAccepted(why)),
            Delivered::Uncertain => return Err(Lost::NotAccepted("it did not answer")),
        }
        let mut lost = Lost::NotTaken;
        match tokio::time::timeout_at(until, end(request.id, following, &mut lost)).await {
            Ok(Some(Outcome::Succeeded)) => {}
            Ok(Some(outcome)) => return Err(Lost::Ended(outcome)),
            Ok(None) => return Err(Lost::NotRead("it is not followed any more".to_owned())),
            Err(_) => return Err(lost),
        }
        while self.sightings.owes(request.id, sent) {
            if Instant::now() >= until {
                return Err(Lost::NotSeen);
            }
            tokio::time::sleep(LOOK).await;
        }
        Ok(sent.elapsed())
    }

    async fn follow(&self, origin: Origin, until: Instant) -> Result<BoxStream<Followed>, Lost> {
        let following = self.bus.journal.follow(Journals::Origin(origin), Follow::Now);
        match tokio::time::timeout_at(until, following).await {
            Ok(following) => following.map_err(|error| Lost::NotRead(error.to_string())),
            Err(_) => Err(Lost::NotRead("it did not answer".to_owned())),
        }
    }
}

/// How it ended; none if the journal is not followed any more. Meanwhile it is noted how far it is.
async fn end(request: RequestId, following: &mut BoxStream<Followed>, lost: &mut Lost) -> Option<Outcome> {
    loop {
        let followed = following.next().await?;
        if followed.recorded.key.request != request {
            continue;
        }
        match followed.recorded.event.fact.end() {
            Some((outcome, _)) => return Some(outcome),
            None => *lost = Lost::NotEnded,
        }
    }
}

#[cfg(test)]
mod tests {
    use adjutant_bus::{
        event::{Event, Fact, Opening},
        id::Token,
        memory::Memory,
        open::Role,
        ports::{Delivery, Limits},
        reply::Reply,
        request::{Request, Submission},
        subject::JournalKey,
        wire,
    };

    use super::*;

    /// A canary on a bus on which the test is the worker.
    struct Cage {
        memory: Memory,
        canary: Arc<Canary>,
        sightings: Sightings,
    }

    impl Cage {
        fn new() -> Self {
            let memory = Memory::new(&Limits::default());
            let bus = memory.role(Role::Slack);
            let sightings = Sightings::default();
            let pace = Pace { every: Duration::from_secs(30), patience: Duration::from_secs(2) };
            let deliver = Arc::new(Deliver::new(bus.clone()));
            let canary = Canary::new(bus, deliver, Platform::Slack, "g0".to_owned(), pace, sightings.clone());
            Self { memory, canary: Arc::new(canary), sightings }
        }

        /// Sends one, while a worker writes these facts; how it fared.
        async fn send(&self, facts: Vec<Fact>) -> Result<Duration, Lost> {
            let canary = self.canary.clone();
            let sent = tokio::spawn(async move {
                let came = canary.send(&mut None).await;
                canary.note(came.clone());
                came
            });
            let bus = self.memory.role(Role::Worker);
            let taken = bus.commands.take(1, Duration::from_secs(2)).await.unwrap();
            let request = request(&taken[0]);
            let key = JournalKey { origin: taken[0].origin.clone(), request: request.id };
            assert!(canary::is_origin(&key.origin));
            let (mut at, mut number) = (0, 0);
            for fact in facts {
                number += 1;
                let opening = (number == 1).then(|| {
                    let request = request.clone();
                    Box::new(Opening { request, invocation: None, authorization: None, message_sequence: 1 })
                });
                let (token, now) = (Token::new("w"), Timestamp::now());
                let event = Event { v: wire::Version, number, at: now, token, opening, fact };
                at = bus.journal.append(&key, at, &event).await.unwrap();
            }
            taken[0].handle.acknowledge().await.unwrap();
            sent.await.unwrap()
        }
    }

    fn request(delivery: &Delivery) -> Request {
        match wire::decode::<Submission>("request", &delivery.payload).unwrap() {
            Submission::Request(request) => request,
            Submission::Decision(_) => panic!("a request"),
        }
    }

    fn succeeded() -> Vec<Fact> {
        vec![Fact::Started, Fact::Succeeded { reply: Reply::info("pong") }]
    }

    #[tokio::test(start_paused = true)]
    async fn it_says_how_far_one_came_and_recovers_with_the_next() {
        let cage = Cage::new();
        assert_eq!(cage.canary.ready(), (false, "none has come back yet".to_owned()));
        assert_eq!(cage.send(Vec::new()).await, Err(Lost::NotTaken));
        assert_eq!(cage.send(vec![Fact::Started]).await, Err(Lost::NotEnded));
        let (ready, told) = cage.canary.ready();
        assert!(!ready && told.contains("did not come back within 2 s: a worker began it"), "{told}");
        let expired = vec![Fact::Expired { reply: Reply::info("late") }];
        assert_eq!(cage.send(expired).await, Err(Lost::Ended(Outcome::Expired)));
        assert!(cage.send(succeeded()).await.is_ok());
        assert!(cage.canary.ready().0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_sender_whose_follower_sees_nothing_is_found_out() {
        let cage = Cage::new();
        cage.sightings.follows(true);
        assert_eq!(cage.send(succeeded()).await, Err(Lost::NotSeen));
        // Another replica sends now, and owes this one nothing.
        cage.sightings.follows(false);
        assert!(cage.send(succeeded()).await.is_ok());
    }
}
