//! One term as the sender of a platform: follows its journals, and has a task for each conversation.

use std::{collections::HashMap, sync::Arc, time::Duration};

use adjutant_bus::{
    actor::Platform,
    canary,
    id::RequestId,
    lease::Term,
    ports::{Bus, BusError, Follow, Followed},
    subject::{JournalKey, Journals},
};
use futures::StreamExt;
use moka::sync::Cache;
use tokio::{
    sync::{
        Semaphore,
        mpsc::{self, error::TrySendError},
    },
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;
use tracing::warn;

use crate::{
    canary::Sightings,
    talk::{self, Chat, Talk},
};

/// Conversations at once. Beyond it events wait on the bus.
const CONVERSATIONS: usize = 2_048;
/// Events of one conversation that wait for it.
const AHEAD: usize = 64;
/// Requests remembered as answered, and for how long: events of theirs may come again.
const ANSWERED: u64 = 20_000;
const REMEMBERED: Duration = Duration::from_secs(600);
/// How long the holder may go on sending what it has begun after it was told to stop.
const GRACE: Duration = Duration::from_secs(10);

/// Where conversations are held.
pub trait Chats {
    /// One conversation.
    type Chat: Chat;
    /// The conversation that belongs to a journal; none where its tenant is not served.
    fn chat(&self, key: &JournalKey) -> Option<Self::Chat>;
}

/// What a sender needs to lead.
pub struct Lead<C> {
    /// The bus.
    pub bus: Bus,
    /// Whose journals are followed, under the durable name `gateway-<platform>`.
    pub platform: Platform,
    /// After which time without a sign of life an event goes to another replica.
    pub handover: Duration,
    /// Where conversations are held.
    pub chats: C,
    /// What the canary of this process is told.
    pub sightings: Sightings,
}

impl<C: Chats> Lead<C> {
    /// Sends until the lease is lost or `stop`. What is on its way at `stop` is finished within a grace of ten seconds. `beside`
    /// is what else the sender does meanwhile; its end ends the term.
    ///
    /// # Errors
    /// The journal cannot be followed.
    pub async fn run(
        self,
        term: &Term,
        beside: impl Future<Output = ()>,
        stop: &CancellationToken,
    ) -> Result<(), BusError> {
        let lost = term.lost();
        let sightings = self.sightings.clone();
        let follower = Follow::Durable(format!("gateway-{}", self.platform));
        let mut events = self.bus.journal.follow(Journals::Platform(self.platform), follower).await?;
        let mut talks = Talks {
            lead: self,
            lost: lost.clone(),
            open: HashMap::new(),
            tasks: JoinSet::new(),
            room: Arc::new(Semaphore::new(CONVERSATIONS)),
            answered: Cache::builder().max_capacity(ANSWERED).time_to_live(REMEMBERED).build(),
        };
        let (ended, mut ends) = mpsc::unbounded_channel();
        tokio::pin!(beside);
        sightings.follows(true);
        loop {
            tokio::select! {
                biased;
                () = lost.cancelled() => break,
                () = stop.cancelled() => break,
                Some((request, answered)) = ends.recv() => talks.forget(request, answered),
                followed = events.next() => match followed {
                    Some(followed) => talks.event(followed, &ended).await,
                    None => break,
                },
                () = &mut beside => break,
            }
        }
        sightings.follows(false);
        drop(events);
        if !lost.is_cancelled() {
            talks.open.clear();
            let finish = async { while talks.tasks.join_next().await.is_some() {} };
            tokio::select! {
                _ = tokio::time::timeout(GRACE, finish) => {}
                () = lost.cancelled() => {}
            }
        }
        talks.tasks.shutdown().await;
        Ok(())
    }
}

struct Talks<C> {
    lead: Lead<C>,
    open: HashMap<RequestId, mpsc::Sender<Followed>>,
    tasks: JoinSet<()>,
    room: Arc<Semaphore>,
    lost: CancellationToken,
    /// Requests whose conversation is over.
    answered: Cache<RequestId, ()>,
}

impl<C: Chats> Talks<C> {
    /// Hands an event to its conversation, which keeps its order.
    async fn event(&mut self, followed: Followed, ended: &mpsc::UnboundedSender<(RequestId, bool)>) {
        let request = followed.recorded.key.request;
        let over = followed.recorded.event.fact.end().is_some();
        if canary::is_origin(&followed.recorded.key.origin) {
            if over {
                self.lead.sightings.ended(request);
            }
            return talk::confirm(&followed).await;
        }
        let followed = match self.open.get(&request) {
            None => followed,
            Some(talk) => match talk.try_send(followed) {
                Ok(()) => return,
                // It ended just now.
                Err(TrySendError::Closed(back)) => back,
                // It is behind with showing progress, of which only the newest counts.
                Err(TrySendError::Full(back)) if !over => return talk::confirm(&back).await,
                Err(TrySendError::Full(back)) => {
                    self.lost.run_until_cancelled(talk.send(back)).await;
                    return;
                }
            },
        };
        while self.tasks.try_join_next().is_some() {}
        // Only an end must be delivered. What else comes again was shown before, or will be overtaken.
        if self.answered.contains_key(&request) || followed.again && !over {
            return talk::confirm(&followed).await;
        }
        let Some(chat) = self.lead.chats.chat(&followed.recorded.key) else {
            let tenant = followed.recorded.key.origin.tenant.unescape().unwrap_or_default();
            warn!(tenant, "an answer for a tenant that is not configured; it stays unanswered");
            return talk::confirm(&followed).await;
        };
        let room = self.lost.run_until_cancelled(self.room.clone().acquire_owned()).await;
        let Some(Ok(room)) = room else { return };
        let (events, inbox) = mpsc::channel(AHEAD);
        let (bus, key) = (self.lead.bus.clone(), followed.recorded.key.clone());
        let talk = Talk::new(bus, key, followed.again, self.lead.handover);
        if events.send(followed).await.is_ok() {
            self.open.insert(request, events);
        }
        let ended = ended.clone();
        self.tasks.spawn(async move {
            let _room = room;
            let answered = talk.run(chat, inbox).await;
            let _ = ended.send((request, answered));
        });
    }

    fn forget(&mut self, request: RequestId, answered: bool) {
        if answered {
            self.answered.insert(request, ());
        }
        // A conversation that began anew meanwhile stays.
        if self.open.get(&request).is_some_and(mpsc::Sender::is_closed) {
            self.open.remove(&request);
        }
    }
}
