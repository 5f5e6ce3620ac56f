//! Notices: taken from the bus, and posted. Those about one matter change one message ([`super::matter`]).

use std::{collections::BTreeMap, time::Duration};

use adjutant_bus::{
    notice::Notice,
    ports::{Bus, BusError, Delivery},
    wire,
};
use futures::future::join_all;
use jiff::{SignedDuration, Timestamp};
use tracing::{error, warn};

use super::{
    matter,
    post::{Post, Posted, Posts, Where},
};
use crate::{
    render::{self, File, Message},
    web::CallError,
};

/// Notices taken at once.
const MOST: usize = 16;
/// How long to wait for the first, and before another try.
const PAUSE: Duration = Duration::from_secs(1);
/// Pause before a notice that Slack did not take is tried again.
const AGAIN: Duration = Duration::from_secs(5);
/// A notice that comes later than this after it was sent may have come before: the bus forgets what it has delivered.
const FRESH: SignedDuration = SignedDuration::from_secs(60);

/// Why a notice is not posted.
#[derive(Debug, thiserror::Error)]
pub(super) enum Undone {
    /// Slack does not take it.
    #[error(transparent)]
    Slack(#[from] CallError),
    /// What was posted before cannot be looked up or remembered.
    #[error(transparent)]
    Bus(#[from] BusError),
}

impl Undone {
    /// Whether another try would end the same.
    fn is_final(&self) -> bool {
        matches!(self, Self::Slack(error) if error.code().is_some())
    }
}

/// Takes notices, and posts them: those to one channel in their order, channels beside one another.
pub(super) async fn run(bus: &Bus, posts: Posts) {
    loop {
        match bus.outbox.take(MOST, PAUSE).await {
            Ok(taken) => {
                let mut channels: BTreeMap<String, Vec<(Delivery, Notice)>> = BTreeMap::new();
                for delivery in taken {
                    match wire::decode::<Notice>("notice", &delivery.payload) {
                        Ok(notice) => {
                            let channel = format!("{}/{}", delivery.origin.tenant, notice.to.channel);
                            channels.entry(channel).or_default().push((delivery, notice));
                        }
                        Err(error) => settled(delivery.handle.bury(&error.to_string()).await),
                    }
                }
                join_all(channels.into_values().map(|notices| in_order(bus, &posts, notices))).await;
            }
            Err(error) => {
                warn!(%error, "notices cannot be taken just now");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

/// Posts notices to one channel. When one has to wait, those behind it wait too: they may be about the same matter.
async fn in_order(bus: &Bus, posts: &Posts, notices: Vec<(Delivery, Notice)>) {
    let mut waiting = false;
    for (delivery, notice) in notices {
        if waiting {
            settled(delivery.handle.release(AGAIN).await);
            continue;
        }
        let tenant = delivery.origin.tenant.unescape().unwrap_or_default();
        let Some(post) = posts.get(&tenant) else {
            settled(delivery.handle.bury("the workspace is not configured").await);
            continue;
        };
        settled(match tell(bus, post, &notice, delivery.attempt > 1).await {
            Ok(()) => delivery.handle.acknowledge().await,
            Err(error) if error.is_final() => {
                error!(%error, id = notice.id, "a notice cannot be posted");
                delivery.handle.bury(&error.to_string()).await
            }
            Err(error) => {
                warn!(%error, id = notice.id, "a notice could not be posted yet");
                waiting = true;
                delivery.handle.release(AGAIN).await
            }
        });
    }
}

fn settled(outcome: Result<(), BusError>) {
    if let Err(error) = outcome {
        warn!(%error, "a notice could not be settled; it will come again");
    }
}

async fn tell(bus: &Bus, post: &Post, notice: &Notice, again: bool) -> Result<(), Undone> {
    let again = again || Timestamp::now().duration_since(notice.sent_at) > FRESH;
    let at = Where { channel: notice.to.channel.clone(), thread: notice.to.thread.clone() };
    let said = Said { post, key: format!("notice:{}", notice.id), since: notice.sent_at, again };
    match &notice.matter {
        Some(matter) => matter::tell(bus, &said, at, notice, matter).await,
        None => {
            let rendered = render::notice(&notice.reply, &notice.from);
            said.all(&at, "result", &rendered.messages).await?;
            said.files(&at, &rendered.files).await;
            Ok(())
        }
    }
}

/// What one notice says, once, though it comes again.
pub(super) struct Said<'a> {
    pub(super) post: &'a Post,
    /// By which it is found again.
    pub(super) key: String,
    since: Timestamp,
    /// Whether it may have been posted before.
    again: bool,
}

impl Said<'_> {
    /// Posts the messages that are not there yet, and returns the `ts` of all.
    pub(super) async fn all(
        &self,
        at: &Where,
        part: &str,
        messages: &[Message],
    ) -> Result<Vec<String>, CallError> {
        if messages.is_empty() {
            return Ok(Vec::new());
        }
        let posted =
            if self.again { self.post.find(at, &self.key, self.since).await? } else { Posted::new() };
        let mut all = Vec::new();
        for (index, message) in messages.iter().enumerate() {
            let part = format!("{part}/{}", index + 1);
            let ts = match posted.get(&part) {
                Some(ts) => ts.clone(),
                None => {
                    self.post.pace.message(&at.channel).await;
                    self.post.message(at, message, &self.key, &part).await?
                }
            };
            all.push(ts);
        }
        Ok(all)
    }

    /// Uploads files; without them a notice is still worth reading.
    pub(super) async fn files(&self, at: &Where, files: &[File]) {
        for file in files {
            if let Err(error) = self.post.file(at, file).await {
                warn!(%error, key = self.key, "a file of a notice could not be uploaded");
            }
        }
    }
}
