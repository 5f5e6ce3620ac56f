//! One request's conversation: a receipt if the answer takes longer than a moment, progress by editing it, and the answer.
//! What may have been posted before, by this replica or another one, is looked up before it is posted again.

use std::time::Duration;

use adjutant_bus::{
    ports::{Bus, BusError, Follow, Followed},
    reply::Reply,
    request::Request,
    spec::Visibility,
    subject::{JournalKey, Journals},
};
use futures::StreamExt;
use jiff::Timestamp;
use std::sync::Arc;
use tokio::{sync::mpsc, time::Instant};
use tracing::{error, warn};

use super::{
    pace::Backoff,
    post::{Post, Posted, Where},
};
use crate::{
    accept::{HOME, Specs},
    outbound::{Ended, Fold},
    render::{self, File, Foot, Message, Rendered},
    web::CallError,
};

/// After this time without an answer a receipt is shown.
const RECEIPT: Duration = Duration::from_millis(700);
/// By how much clocks may differ for that.
const EARLY: Duration = Duration::from_millis(300);
/// A run of this length ends with a message of its own, because an edit notifies nobody.
const LONG: i64 = 60;
/// How often it is looked whether there is room to show progress.
const TICK: Duration = Duration::from_millis(400);
/// A conversation in which nothing happens for so long is taken up again when something does.
const IDLE: Duration = Duration::from_secs(600);
/// For how long an answer is tried at once; then the event is left, and comes again.
const LONGEST: Duration = Duration::from_secs(120);
/// After which pause it comes again.
const AGAIN: Duration = Duration::from_secs(30);
/// After this time nobody waits for an answer that could not be posted.
const OVER: i64 = 24 * 3_600;
/// An answer address is good for 30 minutes (Slack: "Handling user interaction").
const ADDRESS: i64 = 29 * 60;
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

/// Why an answer was not delivered.
enum Failed {
    /// Slack.
    Call(CallError),
    /// The beginning of the journal cannot be read.
    Bus(BusError),
}

impl From<CallError> for Failed {
    fn from(error: CallError) -> Self {
        Self::Call(error)
    }
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
            let due = if self.shown().is_some() || self.doubt {
                TICK
            } else {
                RECEIPT.saturating_sub(self.begun.elapsed()).max(Duration::from_millis(10))
            };
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

    /// Delivers the answer, again and again; says whether it is delivered, or whether nobody waits any more.
    async fn deliver(&mut self, ended: &Ended) -> bool {
        let mut backoff = Backoff::new();
        let mut plainly = false;
        loop {
            let failed = match self.answer(ended, plainly).await {
                Ok(()) => return true,
                Err(failed) => failed,
            };
            let run = self.key.request.run();
            let pause = match failed {
                Failed::Call(CallError::Limited(rest)) => {
                    Some(rest + Duration::from_millis(rand::random_range(0..250)))
                }
                Failed::Call(CallError::Unknown(why)) => {
                    warn!(%run, why, "Slack did not say whether it took an answer; looking it up");
                    self.doubt = true;
                    backoff.next(LONGEST)
                }
                Failed::Call(CallError::Refused { code, .. }) if !plainly && is_about_the_form(&code) => {
                    error!(%run, code, "Slack refuses the form of an answer; sending it as a file");
                    plainly = true;
                    Some(Duration::ZERO)
                }
                Failed::Call(error @ CallError::Refused { .. }) => {
                    error!(%run, %error, "an answer cannot be posted; the journal has it");
                    return true;
                }
                Failed::Bus(error) => {
                    warn!(%run, %error, "the request of an answer cannot be read just now");
                    backoff.next(LONGEST)
                }
            };
            match pause {
                Some(pause) => tokio::time::sleep(pause).await,
                None => return self.fold.request.as_ref().is_some_and(|request| age(request) > OVER),
            }
        }
    }

    async fn answer(&mut self, ended: &Ended, plainly: bool) -> Result<(), Failed> {
        let request = self.request().await.map_err(Failed::Bus)?;
        let rendered = self.rendered(&request, ended, plainly);
        if request.place.channel == HOME {
            let blocks = rendered.messages.into_iter().flat_map(|message| message.blocks).take(100).collect();
            return Ok(self.post.home(&request.actor.user, blocks).await?);
        }
        let at = self.place(&request).await?;
        let private = ended.reply.visibility == Visibility::Private && !request.place.private;
        if private {
            self.privately(&request, &at, &rendered).await
        } else {
            self.openly(&request, &at, ended, &rendered).await
        }
    }

    fn rendered(&self, request: &Request, ended: &Ended, plainly: bool) -> Rendered {
        // A slash command leaves no trace in the channel: others could not know what is answered.
        let bare = request.place.answer.is_some() && request.place.thread.is_none() && !request.place.private;
        let public = ended.reply.visibility == Visibility::Public;
        let foot = Foot {
            run: self.key.request.run(),
            outcome: ended.outcome,
            took: ended.took,
            asker: (bare && public).then(|| request.actor.user.clone()),
        };
        if plainly { in_a_file(&ended.reply, &foot) } else { render::reply(&ended.reply, &foot) }
    }

    /// For everybody in the place, found again by its metadata.
    async fn openly(
        &mut self,
        request: &Request,
        at: &Where,
        ended: &Ended,
        rendered: &Rendered,
    ) -> Result<(), Failed> {
        self.look_up(at, request).await?;
        let key = self.run_key();
        let last = format!("result/{}", rendered.messages.len());
        if self.posted.contains_key(&last) {
            return Ok(());
        }
        let shown = self.shown().cloned();
        let long = ended.took.as_secs() >= LONG;
        for (index, message) in rendered.messages.iter().enumerate() {
            let part = format!("result/{}", index + 1);
            if self.posted.contains_key(&part) {
                continue;
            }
            if part == last {
                self.files(at, rendered, &key).await;
            }
            if let (0, Some(ts), false) = (index, &shown, long) {
                match self.post.update(&at.channel, ts, message, &key, &part).await {
                    Ok(()) => {
                        self.posted.insert(part, ts.clone());
                        continue;
                    }
                    Err(CallError::Refused { code, .. }) if !is_about_the_form(&code) => {}
                    Err(error) => return Err(error.into()),
                }
            }
            self.post.pace.message(&at.channel).await;
            match self.post.message(at, message, &key, &part).await {
                Ok(ts) => {
                    self.posted.insert(part, ts);
                }
                Err(CallError::Refused { code, .. }) if is_about_the_place(&code) => {
                    return self.elsewhere(request, at, message, &code, "in_channel").await;
                }
                Err(error) => return Err(error.into()),
            }
        }
        if let (Some(ts), true) = (shown, long && self.post.pace.edit()) {
            let message = render::finished(&self.fold.line, ended.outcome, self.key.request.run());
            if let Err(error) = self.post.update(&at.channel, &ts, &message, &key, "progress").await {
                warn!(%error, "a message that showed progress could not be brought to its end");
            }
        }
        Ok(())
    }

    /// For the asker only. Slack keeps no record of such messages, so what is uncertain is said again.
    async fn privately(&mut self, request: &Request, at: &Where, rendered: &Rendered) -> Result<(), Failed> {
        for (index, message) in rendered.messages.iter().enumerate() {
            let part = format!("private/{}", index + 1);
            if self.posted.contains_key(&part) {
                continue;
            }
            match self.post.ephemeral(at, &request.actor.user, message, address(request)).await {
                Ok(()) => {
                    self.posted.insert(part, String::new());
                }
                Err(CallError::Refused { code, .. }) if is_about_the_place(&code) => {
                    self.elsewhere(request, at, message, &code, "ephemeral").await?;
                    self.posted.insert(part, String::new());
                }
                Err(error) => return Err(error.into()),
            }
        }
        if !rendered.files.is_empty() {
            // Files cannot be ephemeral.
            let direct = self.post.direct(&request.actor.user).await?;
            self.files(&direct, rendered, &self.run_key()).await;
        }
        Ok(())
    }

    /// Where the place itself cannot be posted to: by the answer address, else in a direct message.
    async fn elsewhere(
        &self,
        request: &Request,
        at: &Where,
        message: &Message,
        code: &str,
        kind: &str,
    ) -> Result<(), Failed> {
        if let Some(answer) = address(request)
            && self.post.respond(at, message, answer, kind).await.is_ok()
        {
            return Ok(());
        }
        let run = self.key.request.run();
        warn!(%run, code, channel = at.channel, "the place of a command cannot be posted to; answering in a direct message");
        let direct = self.post.direct(&request.actor.user).await?;
        self.post.pace.message(&direct.channel).await;
        self.post.message(&direct, message, &self.run_key(), "direct").await?;
        Ok(())
    }

    async fn files(&self, at: &Where, rendered: &Rendered, key: &str) {
        for file in &rendered.files {
            if let Err(error) = self.post.file(at, file).await {
                error!(%error, key, file = file.name, "a file of an answer could not be uploaded; the journal has it");
            }
        }
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

/// Seconds since the request was received.
fn age(request: &Request) -> i64 {
    Timestamp::now().duration_since(request.received_at).as_secs()
}

fn address(request: &Request) -> Option<&adjutant_bus::place::AnswerAddress> {
    request.place.answer.as_ref().filter(|_| age(request) < ADDRESS)
}

fn is_about_the_form(code: &str) -> bool {
    matches!(
        code,
        "invalid_blocks"
            | "invalid_blocks_format"
            | "msg_too_long"
            | "msg_blocks_too_long"
            | "no_text"
            | "invalid_arguments"
    )
}

fn is_about_the_place(code: &str) -> bool {
    matches!(
        code,
        "channel_not_found"
            | "not_in_channel"
            | "user_not_in_channel"
            | "is_archived"
            | "restricted_action"
            | "restricted_action_thread_locked"
            | "thread_not_found"
            | "messages_tab_disabled"
    )
}

fn held_message(held: &Reply, run: adjutant_bus::id::RunId) -> Message {
    let rendered = render::notice(held);
    let mut message = rendered.messages.into_iter().next().unwrap_or_else(|| render::working("", None, run));
    message.blocks.truncate(45);
    message
}

/// The whole answer as a file, for the case that Slack does not take it as messages.
fn in_a_file(reply: &Reply, foot: &Foot) -> Rendered {
    let mut rendered = render::reply(&Reply::new(reply.tone, "The answer is in the file."), foot);
    rendered.files.push(File { name: "answer.txt".to_owned(), content: render::as_text(reply) });
    rendered
}
