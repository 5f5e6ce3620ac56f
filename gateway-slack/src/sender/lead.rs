//! One term as the sender: follows the journal and the notices, and has a task for each conversation.

use std::{collections::HashMap, sync::Arc, time::Duration};

use adjutant_bus::{
    actor::Platform,
    id::RequestId,
    lease::{Good, Term},
    ports::{BusError, Follow, Followed},
    subject::Journals,
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

use super::{
    GRACE, Sender, notices,
    pace::Pace,
    post::{Post, Posts},
    talk::Talk,
};

/// Name of the journal's durable follower.
const FOLLOWER: &str = "gateway-slack";
/// Conversations at once. Beyond it events wait on the bus.
const CONVERSATIONS: usize = 2_048;
/// Events of one conversation that wait for it.
const AHEAD: usize = 64;
/// Requests remembered as answered, and for how long: events of theirs may come again.
const ANSWERED: u64 = 20_000;
const REMEMBERED: Duration = Duration::from_secs(600);

/// Sends until the lease is lost or `stop`. What is on its way at `stop` is finished within the grace.
pub(super) async fn lead(sender: &Sender, term: &Term, stop: &CancellationToken) -> Result<(), BusError> {
    let lost = term.lost();
    let mut events = sender
        .bus
        .journal
        .follow(Journals::Platform(Platform::Slack), Follow::Durable(FOLLOWER.to_owned()))
        .await?;
    let mut lead = Lead {
        posts: posts(sender, &term.good()),
        lost: lost.clone(),
        talks: HashMap::new(),
        tasks: JoinSet::new(),
        room: Arc::new(Semaphore::new(CONVERSATIONS)),
        answered: Cache::builder().max_capacity(ANSWERED).time_to_live(REMEMBERED).build(),
        sender,
    };
    let (ended, mut ends) = mpsc::unbounded_channel();
    let notices = notices::run(&sender.bus, lead.posts.clone());
    tokio::pin!(notices);
    loop {
        tokio::select! {
            biased;
            () = lost.cancelled() => break,
            () = stop.cancelled() => break,
            Some((request, answered)) = ends.recv() => lead.forget(request, answered),
            followed = events.next() => match followed {
                Some(followed) => lead.event(followed, &ended).await,
                None => break,
            },
            () = &mut notices => break,
        }
    }
    drop(events);
    if !lost.is_cancelled() {
        lead.talks.clear();
        let finish = async { while lead.tasks.join_next().await.is_some() {} };
        tokio::select! {
            _ = tokio::time::timeout(GRACE, finish) => {}
            () = lost.cancelled() => {}
        }
    }
    lead.tasks.shutdown().await;
    Ok(())
}

fn posts(sender: &Sender, good: &Good) -> Posts {
    let post = |workspace: &Arc<crate::workspace::Workspace>| {
        (
            workspace.team.clone(),
            Arc::new(Post { workspace: workspace.clone(), pace: Pace::new(), good: good.clone() }),
        )
    };
    sender.workspaces.all().iter().map(post).collect()
}

struct Lead<'a> {
    sender: &'a Sender,
    posts: Posts,
    talks: HashMap<RequestId, mpsc::Sender<Followed>>,
    tasks: JoinSet<()>,
    room: Arc<Semaphore>,
    lost: CancellationToken,
    /// Requests whose conversation is over.
    answered: Cache<RequestId, ()>,
}

impl Lead<'_> {
    /// Hands an event to its conversation, which keeps its order.
    async fn event(&mut self, followed: Followed, ended: &mpsc::UnboundedSender<(RequestId, bool)>) {
        let request = followed.recorded.key.request;
        let over = followed.recorded.event.fact.end().is_some();
        let followed = match self.talks.get(&request) {
            None => followed,
            Some(talk) => match talk.try_send(followed) {
                Ok(()) => return,
                // It ended just now.
                Err(TrySendError::Closed(back)) => back,
                // It is behind with showing progress, of which only the newest counts.
                Err(TrySendError::Full(back)) if !over => return settle(&back).await,
                Err(TrySendError::Full(back)) => {
                    self.lost.run_until_cancelled(talk.send(back)).await;
                    return;
                }
            },
        };
        while self.tasks.try_join_next().is_some() {}
        // Only an end must be delivered. What else comes again was shown before, or will be overtaken.
        if self.answered.contains_key(&request) || followed.again && !over {
            return settle(&followed).await;
        }
        let tenant = followed.recorded.key.origin.tenant.unescape().unwrap_or_default();
        let Some(post) = self.posts.get(&tenant).cloned() else {
            warn!(tenant, "an answer for a workspace that is not configured; it stays unanswered");
            return settle(&followed).await;
        };
        let room = self.lost.run_until_cancelled(self.room.clone().acquire_owned()).await;
        let Some(Ok(room)) = room else { return };
        let (events, inbox) = mpsc::channel(AHEAD);
        let talk = Talk::new(
            self.sender.bus.clone(),
            post,
            self.sender.specs.clone(),
            followed.recorded.key.clone(),
            followed.again,
            self.sender.handover,
        );
        if events.send(followed).await.is_ok() {
            self.talks.insert(request, events);
        }
        let ended = ended.clone();
        self.tasks.spawn(async move {
            let _room = room;
            let answered = talk.run(inbox).await;
            let _ = ended.send((request, answered));
        });
    }

    fn forget(&mut self, request: RequestId, answered: bool) {
        if answered {
            self.answered.insert(request, ());
        }
        // A conversation that began anew meanwhile stays.
        if self.talks.get(&request).is_some_and(mpsc::Sender::is_closed) {
            self.talks.remove(&request);
        }
    }
}

async fn settle(followed: &Followed) {
    if let Err(error) = followed.handle.acknowledge().await {
        warn!(%error, "an event could not be confirmed; it will come again");
    }
}
