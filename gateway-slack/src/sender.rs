//! The way out. One replica at a time holds the lease and sends for all workspaces, so that it alone owns the rate limits; when
//! it dies another one takes over within seconds, looks up what was posted already, and goes on.

mod notices;
mod pace;
mod post;
mod talk;

use std::{sync::Arc, time::Duration};

use adjutant_bus::{
    actor::Platform,
    lease::{self, Good},
    ports::Bus,
    subject::JournalKey,
};
use adjutant_gateway::{Chats, Lead, Specs, canary::Sightings, notices as feed};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use self::{
    notices::Board,
    pace::Pace,
    post::{Post, Posts},
    talk::Conversation,
};
use crate::workspace::Workspaces;

/// The lease of the one that sends.
const LEASE: &str = "slack.sender";
/// Pause before a term that failed is tried again.
const PAUSE: Duration = Duration::from_secs(1);

/// What a sender needs.
#[derive(Clone)]
pub(crate) struct Sender {
    pub(crate) bus: Bus,
    pub(crate) workspaces: Arc<Workspaces>,
    pub(crate) specs: Specs,
    /// Name of this replica.
    pub(crate) name: String,
    /// After which time without a sign of life the lease goes to another replica.
    pub(crate) handover: Duration,
    /// What the canary of this process is told.
    pub(crate) sightings: Sightings,
}

/// Waits for the lease, sends while holding it, and so on until `stop`.
pub(crate) async fn run(sender: Sender, stop: CancellationToken) {
    while !stop.is_cancelled() {
        let Some(term) = lease::acquire(&sender.bus, LEASE, &sender.name, sender.handover, &stop).await
        else {
            return;
        };
        info!(name = sender.name, "this replica sends to Slack now");
        let posts = Arc::new(posts(&sender.workspaces, &term.good()));
        let board = Board { bus: sender.bus.clone(), posts: posts.clone() };
        let lead = Lead {
            bus: sender.bus.clone(),
            platform: Platform::Slack,
            handover: sender.handover,
            chats: Conversations { posts, specs: sender.specs.clone() },
            sightings: sender.sightings.clone(),
        };
        let led = lead.run(&term, feed::run(&sender.bus, &board), &stop).await;
        term.release().await;
        if let Err(error) = led {
            warn!(%error, "sending to Slack was interrupted; going on");
            stop.run_until_cancelled(tokio::time::sleep(PAUSE)).await;
        }
    }
}

fn posts(workspaces: &Workspaces, good: &Good) -> Posts {
    let post = |workspace: &Arc<crate::workspace::Workspace>| {
        let post = Post { workspace: workspace.clone(), pace: Pace::new(), good: good.clone() };
        (workspace.team.clone(), Arc::new(post))
    };
    workspaces.all().iter().map(post).collect()
}

struct Conversations {
    posts: Arc<Posts>,
    specs: Specs,
}

impl Chats for Conversations {
    type Chat = Conversation;

    fn chat(&self, key: &JournalKey) -> Option<Conversation> {
        let post = self.posts.get(&key.origin.tenant.unescape()?)?;
        Some(Conversation::new(post.clone(), self.specs.clone()))
    }
}
