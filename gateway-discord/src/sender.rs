//! The way out. One replica at a time holds the lease and sends to all guilds, so that it alone owns the rate limits, and keeps
//! the application commands; when it dies another one takes over within seconds, and goes on.

mod notices;
mod post;
mod registrar;
mod talk;

use std::{sync::Arc, time::Duration};

use adjutant_bus::{actor::Platform, lease, ports::Bus, subject::JournalKey};
use adjutant_gateway::{Chats, Lead, Specs, canary::Sightings, notices as feed};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use self::{notices::Board, post::Post, registrar::Registrar, talk::Conversation};
use crate::{answered::Answered, commands::Registered, inbound::Us, people::Trusted, web::Web};

/// The lease of the one that sends.
const LEASE: &str = "discord.sender";
/// Pause before a term that failed is tried again.
const PAUSE: Duration = Duration::from_secs(1);

/// What a sender needs.
#[derive(Clone)]
pub(crate) struct Sender {
    pub(crate) bus: Bus,
    pub(crate) web: Arc<Web>,
    pub(crate) us: Us,
    pub(crate) specs: Specs,
    pub(crate) answered: Answered,
    /// Where application commands are registered.
    pub(crate) registered: Registered,
    pub(crate) guilds: Trusted,
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
        info!(name = sender.name, "this replica sends to Discord now");
        let post = Arc::new(Post::new(sender.web.clone(), sender.us, term.good()));
        let board = Board { bus: sender.bus.clone(), post: post.clone() };
        let good = term.good();
        let registrar = Registrar {
            web: sender.web.clone(),
            specs: sender.specs.clone(),
            registered: sender.registered,
            guilds: sender.guilds.clone(),
        };
        let beside = async {
            tokio::select! {
                () = feed::run(&sender.bus, &board) => {}
                () = registrar.run(&good) => {}
            }
        };
        let conversations =
            Conversations { post, specs: sender.specs.clone(), answered: sender.answered.clone() };
        let lead = Lead {
            bus: sender.bus.clone(),
            platform: Platform::Discord,
            handover: sender.handover,
            chats: conversations,
            sightings: sender.sightings.clone(),
        };
        sender.answered.sends_here(true);
        let led = lead.run(&term, beside, &stop).await;
        sender.answered.sends_here(false);
        term.release().await;
        if let Err(error) = led {
            warn!(%error, "sending to Discord was interrupted; going on");
            stop.run_until_cancelled(tokio::time::sleep(PAUSE)).await;
        }
    }
}

struct Conversations {
    post: Arc<Post>,
    specs: Specs,
    answered: Answered,
}

impl Chats for Conversations {
    type Chat = Conversation;

    fn chat(&self, _key: &JournalKey) -> Option<Conversation> {
        Some(Conversation::new(self.post.clone(), self.specs.clone(), self.answered.clone()))
    }
}
