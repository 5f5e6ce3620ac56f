//! One request's conversation: a receipt if the answer takes longer than a moment, progress by changing it, and the answer, again
//! and again until it is delivered. How each is shown is the platform's ([`Chat`]).

use std::time::Duration;

use adjutant_bus::{
    ports::{Bus, BusError, Follow, Followed},
    request::Request,
    spec::Visibility,
    subject::{JournalKey, Journals},
};
use adjutant_metrics::gateway::{self as told, Failure};
use adjutant_traces::{Attribute, Name, Span};
use futures::StreamExt;
use jiff::{SignedDuration, Timestamp};
use tokio::{sync::mpsc, time::Instant};
use tracing::{error, warn};

use crate::{
    Specs,
    backoff::Backoff,
    fold::{Ended, Fold},
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
/// For how long an answer is tried at once; then the event is left, and comes again.
const LONGEST: Duration = Duration::from_secs(120);
/// After this time nobody waits for an answer that could not be posted.
const OVER: SignedDuration = SignedDuration::from_hours(24);
/// How long to wait for the beginning of a journal.
const OPENING: Duration = Duration::from_secs(5);

/// How a platform shows a conversation.
pub trait Chat: Send + 'static {
    /// Whether there is something to show meanwhile.
    fn waits(&self, talk: &Talk) -> bool;
    /// Shows how far it is, if there is room now; the newest state only.
    fn show(&mut self, talk: &mut Talk) -> impl Future<Output = ()> + Send;
    /// Delivers the answer, or what is not delivered of it yet; `plainly`, where its form was refused.
    fn answer(
        &mut self,
        talk: &mut Talk,
        ended: &Ended,
        plainly: bool,
    ) -> impl Future<Output = Result<(), Failed>> + Send;
}

/// Why an answer was not delivered.
#[derive(Debug)]
pub enum Failed {
    /// The platform asks to wait for so long.
    Wait(Duration),
    /// The platform did not say whether it took it.
    Uncertain(String),
    /// The platform does not take this form of it.
    Form(String),
    /// The platform does not take it at all.
    Final(String),
    /// The beginning of the journal cannot be read.
    Bus(BusError),
}

impl Failed {
    /// For what is counted; `plainly`: no other form is left.
    const fn told(&self, plainly: bool) -> Failure {
        match self {
            Self::Wait(_) => Failure::Wait,
            Self::Uncertain(_) => Failure::Uncertain,
            Self::Form(_) if !plainly => Failure::Form,
            Self::Form(_) | Self::Final(_) => Failure::Final,
            Self::Bus(_) => Failure::Bus,
        }
    }
}

/// What is known of a conversation.
pub struct Talk {
    bus: Bus,
    /// Whose journal.
    pub key: JournalKey,
    /// What the journal says.
    pub fold: Fold,
    /// Something may have been posted that is not known here.
    pub doubt: bool,
    /// Progress that has not been shown.
    pub changed: bool,
    begun: Instant,
    handover: Duration,
}

impl Talk {
    pub(crate) fn new(bus: Bus, key: JournalKey, doubt: bool, handover: Duration) -> Self {
        Self { bus, key, fold: Fold::default(), doubt, changed: false, begun: Instant::now(), handover }
    }

    /// Until the answer is delivered, or nothing more comes; says whether it was delivered.
    pub(crate) async fn run(mut self, mut chat: impl Chat, mut inbox: mpsc::Receiver<Followed>) -> bool {
        loop {
            let waits = chat.waits(&self);
            let until_receipt = RECEIPT.saturating_sub(self.begun.elapsed());
            let due = if until_receipt.is_zero() || self.doubt { TICK } else { until_receipt };
            tokio::select! {
                biased;
                followed = tokio::time::timeout(IDLE, inbox.recv()) => match followed {
                    Ok(Some(followed)) => {
                        if let Some(delivered) = self.event(&mut chat, &followed).await {
                            return delivered;
                        }
                    }
                    Ok(None) | Err(_) => return false,
                },
                () = tokio::time::sleep(due), if waits => chat.show(&mut self).await,
            }
        }
    }

    /// Takes an event in. If it is the end: whether the answer was delivered.
    async fn event(&mut self, chat: &mut impl Chat, followed: &Followed) -> Option<bool> {
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
        let span = Span::of(Name::DeliverAnswer, followed.trace.as_ref())
            .with(Attribute::Request(&self.key.request.to_string()))
            .with(Attribute::Run(&self.key.request.run().to_string()))
            .with(Attribute::Platform(self.key.origin.platform.as_str()));
        let deliver = span.run(deliver(chat, self, &ended, followed.recorded.event.at));
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
        span.set(Attribute::Outcome(if delivered { "delivered" } else { "not delivered" }));
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

    /// Whether nobody waits any more.
    fn is_over(&self) -> bool {
        let age = |request: &Request| Timestamp::now().duration_since(request.received_at);
        self.fold.request.as_ref().is_some_and(|request| age(request) > OVER)
    }

    /// Whether the command's answer is for the asker only, as far as is known.
    #[must_use]
    pub fn is_private(&self, specs: &Specs) -> bool {
        let specs = specs.borrow();
        let spec = specs.iter().find(|spec| Some(&spec.path) == self.fold.path.as_ref());
        spec.is_none_or(|spec| spec.visibility == Visibility::Private)
    }

    /// The request; read from the journal if its beginning was not seen here.
    ///
    /// # Errors
    /// The journal cannot be read.
    pub async fn request(&mut self) -> Result<Request, BusError> {
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
}

/// Delivers the answer, again and again; says whether it is delivered, or whether nobody waits any more.
async fn deliver(chat: &mut impl Chat, talk: &mut Talk, ended: &Ended, at: Timestamp) -> bool {
    let platform = talk.key.origin.platform.as_str();
    let mut backoff = Backoff::default();
    let mut plainly = false;
    loop {
        let failed = match chat.answer(talk, ended, plainly).await {
            Ok(()) => {
                told::delivered(platform, Timestamp::now().duration_since(at).try_into().unwrap_or_default());
                return true;
            }
            Err(failed) => failed,
        };
        let run = talk.key.request.run();
        told::undelivered(platform, failed.told(plainly));
        let pause = match failed {
            Failed::Wait(rest) => {
                let rest = rest + Duration::from_millis(rand::random_range(0..250));
                told::waited(platform, rest);
                Some(rest)
            }
            Failed::Uncertain(why) => {
                warn!(%run, why, "it is not known whether an answer was taken; looking it up");
                talk.doubt = true;
                backoff.next(LONGEST)
            }
            Failed::Form(why) if !plainly => {
                error!(%run, why, "the form of an answer is refused; sending it as a file");
                plainly = true;
                Some(Duration::ZERO)
            }
            Failed::Form(why) | Failed::Final(why) => {
                error!(%run, why, "an answer cannot be posted; the journal has it");
                return true;
            }
            Failed::Bus(error) => {
                warn!(%run, %error, "the request of an answer cannot be read just now");
                backoff.next(LONGEST)
            }
        };
        match pause {
            Some(pause) => tokio::time::sleep(pause).await,
            None => return talk.is_over(),
        }
    }
}

pub(crate) async fn confirm(followed: &Followed) {
    if let Err(error) = followed.handle.acknowledge().await {
        warn!(%error, "an event could not be confirmed; it will come again");
    }
}
