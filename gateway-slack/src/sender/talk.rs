//! One request's conversation: a receipt if the answer takes longer than a moment, progress by editing it, and the answer.
//! What may have been posted before, by this replica or another one, is looked up before it is posted again.

mod answer;

use std::{sync::Arc, time::Duration};

use adjutant_bus::{
    ports::{Bus, BusError, Follow, Followed},
    reply::Reply,
    request::Request,
    spec::Visibility,
    subject::{JournalKey, Journals},
};
use futures::StreamExt;
use tokio::{sync::mpsc, time::Instant};
use tracing::warn;

use super::post::{Post, Posted, Where};
use crate::{
    accept::{HOME, Specs},
    outbound::Fold,
    render::{self, Message},
    web::CallError,
};

/// After this time without an answer a receipt is shown.
const RECEIPT: Duration = Duration::from_millis(700);
/// By how much clocks may differ for that.
const EARLY: Duration = Duration::from_millis(300);
/// How often it is looked whether there is room to show progress.
const TICK: Duration = Duration::from_millis(400);
/// A conversation in which nothing happens for so long is taken up again when something does.
const IDLE: Duration = Duration::from_secs(600);
/// After which pause it comes again.
const AGAIN: Duration = Duration::from_secs(30);
/// How long to wait for the beginning of a journal.
const OPENING: Duration = Duration::from_secs(5);

pub(super) struct Talk {
    bus: Bus,
    post: Arc<Post>,
    specs: Specs,
    key: JournalKey,
    fold: Fold,
    /// Something may have been posted that is not known here.
    doubt: bool,
    posted: Posted,
    /// Progress that has not been shown.
    changed: bool,
    begun: Instant,
    handover: Duration,
}

impl Talk {
    pub(super) fn new(
        bus: Bus,
        post: Arc<Post>,
        specs: Specs,
        key: JournalKey,
        doubt: bool,
        handover: Duration,
    ) -> Self {
        let (fold, posted, begun) = (Fold::default(), Posted::new(), Instant::now());
        Self { bus, post, specs, key, fold, doubt, posted, changed: false, begun, handover }
    }

    /// Until the answer is delivered, or nothing more comes; says whether it was delivered.
    pub(super) async fn run(mut self, mut inbox: mpsc::Receiver<Followed>) -> bool {
        loop {
            let waits = self.waits();
            let until_receipt = RECEIPT.saturating_sub(self.begun.elapsed());
            let due = if until_receipt.is_zero() || self.doubt { TICK } else { until_receipt };
            tokio::select! {
                biased;
                followed = tokio::time::timeout(IDLE, inbox.recv()) => match followed {
                    Ok(Some(followed)) => if let Some(delivered) = self.event(&followed).await { return delivered },
                    Ok(None) | Err(_) => return false,
                },
                () = tokio::time::sleep(due), if waits => self.show().await,
            }
        }
    }

    /// Takes an event in. If it is the end: whether the answer was delivered.
    async fn event(&mut self, followed: &Followed) -> Option<bool> {
        let unseen = self.fold.request.is_none() && followed.recorded.event.opening.is_none();
        self.changed |= self.fold.add(&followed.recorded);
        if unseen && self.request().await.is_ok() {
            self.doubt |= self.may_have_receipt();
        }
        self.doubt |= self.fold.request.is_none();
        let Some(ended) = self.fold.ended.clone() else {
            confirm(followed).await;
            return None;
        };
        let every = self.handover / 3;
        let deliver = self.deliver(&ended);
        tokio::pin!(deliver);
        let delivered = loop {
            tokio::select! {
                delivered = &mut deliver => break delivered,
                () = tokio::time::sleep(every) => {
                    if let Err(error) = followed.handle.extend().await {
                        warn!(%error, "an answer is still on its way, and that could not be said");
                    }
                }
            }
        };
        if delivered {
            confirm(followed).await;
        } else if let Err(error) = followed.handle.release(AGAIN).await {
            warn!(%error, "an answer could not be put back; it will come again");
        }
        Some(delivered)
    }

    /// Whether another sender may have shown a receipt: it does so only after a moment.
    fn may_have_receipt(&self) -> bool {
        let long = |took: jiff::SignedDuration| took.unsigned_abs() + EARLY >= RECEIPT;
        self.fold.ended.as_ref().is_none_or(|ended| long(ended.took))
    }

    /// Whether there is something to show meanwhile.
    fn waits(&self) -> bool {
        let Some(request) = &self.fold.request else { return false };
        let ephemeral = !request.place.private && self.is_private();
        let hidden = request.place.channel == HOME || ephemeral;
        !hidden
            && self.fold.line.len() + self.fold.progress.iter().count() > 0
            && (self.changed || self.shown().is_none())
    }

    /// Whether the command's answer is for the asker only.
    fn is_private(&self) -> bool {
        let specs = self.specs.borrow();
        let spec = specs.iter().find(|spec| Some(&spec.path) == self.fold.path.as_ref());
        spec.is_none_or(|spec| spec.visibility == Visibility::Private)
    }

    fn shown(&self) -> Option<&String> {
        self.posted.get("progress").filter(|ts| !ts.is_empty())
    }

    fn run_key(&self) -> String {
        self.key.request.to_string()
    }

    /// Shows how far it is, if there is room now; the newest state only.
    async fn show(&mut self) {
        let Some(request) = self.fold.request.clone() else { return };
        let Ok(at) = self.place(&request).await else { return };
        if self.look_up(&at, &request).await.is_err() {
            return;
        }
        let (run, key) = (self.key.request.run(), self.run_key());
        let message = match &self.fold.held {
            Some(held) => held_message(held, run),
            None => render::working(&self.fold.line, self.fold.progress.as_ref(), run),
        };
        let shown = match self.shown().cloned() {
            Some(ts) if self.post.pace.edit() => {
                self.post.update(&at.channel, &ts, &message, &key, "progress").await
            }
            None if self.post.pace.receipt(&at.channel) => {
                match self.post.message(&at, &message, &key, "progress").await {
                    Ok(ts) => {
                        self.posted.insert("progress".to_owned(), ts);
                        Ok(())
                    }
                    Err(CallError::Unknown(why)) => {
                        self.doubt = true;
                        Err(CallError::Unknown(why))
                    }
                    // Slash commands work where the bot is not a member: there is only the answer then.
                    Err(CallError::Refused { .. }) => {
                        self.posted.insert("progress".to_owned(), String::new());
                        Ok(())
                    }
                    Err(error) => Err(error),
                }
            }
            Some(_) | None => return,
        };
        self.changed = shown.is_err();
    }

    /// Looks up what was posted, if anything may have been.
    async fn look_up(&mut self, at: &Where, request: &Request) -> Result<(), CallError> {
        if !self.doubt {
            return Ok(());
        }
        match self.post.find(at, &self.run_key(), request.received_at).await {
            Ok(found) => self.posted.extend(found),
            // Where we cannot look we have not posted.
            Err(CallError::Refused { code, .. }) => {
                warn!(code, channel = at.channel, "what was posted before cannot be looked up");
            }
            Err(error) => return Err(error),
        }
        self.doubt = false;
        Ok(())
    }

    /// The request; read from the journal if its beginning was not seen here.
    async fn request(&mut self) -> Result<Request, BusError> {
        if let Some(request) = &self.fold.request {
            return Ok(request.clone());
        }
        let mut journal =
            self.bus.journal.follow(Journals::Request(self.key.clone()), Follow::After(0)).await?;
        let read = async {
            while let Some(followed) = journal.next().await {
                if let Some(opening) = followed.recorded.event.opening {
                    return Some(*opening);
                }
            }
            None
        };
        let opening = tokio::time::timeout(OPENING, read).await.ok().flatten();
        let opening =
            opening.ok_or_else(|| BusError::Unavailable("the beginning of a journal".to_owned()))?;
        if let Some(invocation) = opening.invocation {
            self.fold.line = invocation.canonical;
            self.fold.path = Some(invocation.path);
        }
        self.fold.request = Some(opening.request.clone());
        self.fold.received(opening.request.received_at);
        Ok(opening.request)
    }

    /// Where a request is answered. The home tab's buttons are answered in the direct conversation.
    async fn place(&self, request: &Request) -> Result<Where, CallError> {
        let place = &request.place;
        if place.channel.starts_with(['U', 'W']) {
            return self.post.direct(&place.channel).await;
        }
        Ok(Where { channel: place.channel.clone(), thread: place.thread.clone() })
    }
}

async fn confirm(followed: &Followed) {
    if let Err(error) = followed.handle.acknowledge().await {
        warn!(%error, "an event could not be confirmed; it will come again");
    }
}

fn held_message(held: &Reply, run: adjutant_bus::id::RunId) -> Message {
    let rendered = render::bare(held);
    let mut message = rendered.messages.into_iter().next().unwrap_or_else(|| render::working("", None, run));
    message.blocks.truncate(45);
    message
}
