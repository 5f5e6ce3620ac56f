//! The way in, the same for the gateway's socket and for HTTP: read, identify, put on the bus, and only then acknowledge. Never
//! longer than the platform's three seconds.

mod answer;

use std::{sync::Arc, time::Duration};

use adjutant_bus::{
    actor::{Actor, Membership, Platform},
    place::{AnswerAddress, Place},
    request::Request,
    spec::{CommandSpec, Visibility},
    wire::Version,
};
use adjutant_gateway::{Deliver, Delivered, Specs};
use adjutant_metrics::gateway::Ear;
use adjutant_traces::{Attribute, Name, Span};
use jiff::Timestamp;
use serde_json::Value;
use tokio::time::Instant;
use tracing::{debug, info, warn};

pub(crate) use self::answer::Answer;
use crate::{
    answered::Answered,
    channels::Channels,
    commands,
    early::Early,
    inbound::{self, Ask, By, Ignored, Inbound, Us},
    modal, outbound,
    payload::{Interaction, Message},
    people::Trusted,
    render,
    snowflake::Snowflake,
    web::{CallError, Web},
};

/// From the arrival of an interaction to the last moment at which the bus may accept it.
const BUDGET: Duration = Duration::from_millis(1_500);
/// How long the bus may take to accept a message, before it is tried anew. Nobody waits for an acknowledgement of those.
const PATIENCE: Duration = Duration::from_secs(5);
/// Pause between two tries of the bus.
const PAUSE: Duration = Duration::from_millis(500);
/// Pause between two tries of an answer that Discord did not confirm.
const CONFIRM: Duration = Duration::from_millis(100);
/// Discord's code for an interaction that was answered before.
const ALREADY: u64 = 40_060;

/// What became of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Taken {
    /// It is taken care of.
    Done,
    /// The bus does not have it: it must not count as read.
    Not,
}

/// How an interaction that came by the socket is answered, and until when.
pub(crate) struct Callback {
    pub(crate) id: Snowflake,
    pub(crate) token: AnswerAddress,
    pub(crate) until: Instant,
}

/// The way in.
pub(crate) struct Accept {
    pub(crate) us: Us,
    pub(crate) trusted: Trusted,
    pub(crate) specs: Specs,
    pub(crate) deliver: Arc<Deliver>,
    /// Hears what the platform sends.
    pub(crate) ear: Ear,
    pub(crate) early: Early,
    pub(crate) answered: Answered,
    pub(crate) channels: Channels,
    pub(crate) web: Arc<Web>,
    /// How long an interaction waits for its result before it is deferred.
    pub(crate) wait: Duration,
}

impl Accept {
    /// A new message. Tries until the bus has it, or `stopped`.
    pub(crate) async fn message(&self, payload: Value, stopped: impl Fn() -> bool) -> Taken {
        let message: Message = serde_json::from_value(payload).unwrap_or_default();
        let ask = match inbound::message(&message, self.us, &self.trusted) {
            Inbound::Ask(ask) => ask,
            Inbound::Ignored(why) => {
                debug!(reason = why.as_str(), "nothing is asked");
                return Taken::Done;
            }
            Inbound::Autocomplete(_) | Inbound::Prefill(_) | Inbound::Ping => return Taken::Done,
        };
        receiving().run(self.take(ask, stopped)).await
    }

    async fn take(&self, mut ask: Box<Ask>, stopped: impl Fn() -> bool) -> Taken {
        if !ask.private {
            Span::part(Name::Identify).run(self.place(&mut ask)).await;
        }
        let request = request(*ask);
        loop {
            match self.deliver.deliver(&request, Instant::now() + PATIENCE).await {
                Delivered::Accepted => {
                    info!(run = %request.id.run(), actor = %request.actor, "accepted");
                    return Taken::Done;
                }
                Delivered::Never(why) => {
                    warn!(run = %request.id.run(), why, "not accepted");
                    self.decline(&request, why).await;
                    return Taken::Done;
                }
                Delivered::Not(_) | Delivered::Uncertain if stopped() => return Taken::Not,
                Delivered::Not(_) | Delivered::Uncertain => tokio::time::sleep(PAUSE).await,
            }
        }
    }

    /// Finds the channel that a thread belongs to. What cannot be found out denies, and says so.
    async fn place(&self, ask: &mut Ask) {
        match self.channels.parent(ask.channel).await {
            Ok(Some(parent)) => {
                ask.thread = Some(ask.channel);
                ask.channel = parent;
            }
            Ok(None) => {}
            Err(error) => {
                let reason = format!("Discord could not say which channel this is ({error})");
                ask.who.groups = Membership::Unknown { reason };
            }
        }
    }

    /// Says in the channel that a message will never be accepted.
    async fn decline(&self, request: &Request, why: &str) {
        let told = render::plain(&format!("This could not be accepted: {why}. Nothing was done."));
        let channel = request.place.thread.as_deref().unwrap_or(&request.place.channel);
        let Some(channel) = Snowflake::parse(channel) else { return };
        if let Err(error) = self.web.say(channel, told.body, &format!("no{}", request.id.run())).await {
            warn!(%error, "a message could not be accepted, and that could not be said");
        }
    }

    /// An interaction: what to answer, within the platform's time.
    pub(crate) async fn interaction(&self, interaction: &Interaction) -> Answer {
        let arrived = Instant::now();
        let specs = self.specs.borrow().clone();
        match inbound::interaction(interaction, &self.trusted, &specs) {
            Inbound::Ping => Answer::pong(),
            Inbound::Autocomplete(choices) => Answer::choices(choices),
            Inbound::Prefill(line) => Answer::modal(modal::prefilled(&line)),
            Inbound::Ignored(why) => ignored(why),
            Inbound::Ask(ask) => match asks_for_more(&ask, &specs) {
                Some(modal) => Answer::modal(modal),
                None => receiving().run(self.ask(request(*ask), &specs, arrived)).await,
            },
        }
    }

    async fn ask(&self, request: Request, specs: &[CommandSpec], arrived: Instant) -> Answer {
        let (run, early) = (request.id.run(), self.early.watch(request.id));
        match self.deliver.deliver(&request, arrived + BUDGET).await {
            Delivered::Accepted => info!(%run, actor = %request.actor, "accepted"),
            Delivered::Not(why) | Delivered::Never(why) => {
                warn!(%run, why, "not accepted");
                return Answer::not_accepted(why);
            }
            Delivered::Uncertain => {
                warn!(%run, "not known whether it was accepted");
                return Answer::uncertain(run);
            }
        }
        let Some(ended) = early.until(Instant::now() + self.wait).await else {
            return Answer::deferred(promises_privacy(&request, specs)).of(request.id);
        };
        let ephemeral = outbound::is_ephemeral(ended.reply.visibility, &request.place);
        let rendered = outbound::rendered(&request, &ended);
        match <[_; 1]>::try_from(rendered.messages) {
            Ok([message]) if rendered.files.is_empty() => Answer::message(message, ephemeral).of(request.id),
            _ => Answer::deferred(ephemeral).of(request.id),
        }
    }

    /// An interaction that may be too late to be answered, because it was delivered once before. A command is acknowledged first,
    /// and not asked for if that is refused, because then Discord has told the person that nothing answered. What is left to be
    /// answered, if anything.
    pub(crate) async fn late(&self, interaction: &Interaction, callback: &Callback) -> Option<Answer> {
        let specs = self.specs.borrow().clone();
        let ask = match inbound::interaction(interaction, &self.trusted, &specs) {
            Inbound::Ask(ask) if asks_for_more(&ask, &specs).is_none() => ask,
            // Nothing is done by these, so that they may be too late.
            _ => return Some(self.interaction(interaction).await),
        };
        receiving().run(self.acknowledge_first(request(*ask), &specs, callback)).await
    }

    async fn acknowledge_first(
        &self,
        request: Request,
        specs: &[CommandSpec],
        callback: &Callback,
    ) -> Option<Answer> {
        let run = request.id.run();
        let deferred = Answer::deferred(promises_privacy(&request, specs));
        if !self.acknowledge(callback, &deferred).await {
            debug!(%run, "an interaction that came again or late is left alone");
            return None;
        }
        self.answered.tell(request.id, deferred.first).await;
        let told = match self.deliver.deliver(&request, Instant::now() + PATIENCE).await {
            Delivered::Accepted => {
                info!(%run, actor = %request.actor, "accepted, late");
                return None;
            }
            Delivered::Not(why) | Delivered::Never(why) => answer::not_accepted(why),
            Delivered::Uncertain => answer::uncertain(run),
        };
        if let Err(error) = self.web.edit_original(&callback.token, &render::plain(&told), &[], None).await {
            warn!(%run, %error, "an interaction could not be accepted, and that could not be said");
        }
        None
    }

    /// Sends an answer, and tells the sender how the interaction was answered.
    pub(crate) async fn send(&self, callback: &Callback, answer: Answer) {
        let acknowledge = self.acknowledge(callback, &answer);
        let acknowledged = match answer.trace.clone() {
            Some(trace) => trace.run(acknowledge).await,
            None => acknowledge.await,
        };
        if acknowledged && let Some(request) = answer.request {
            self.answered.tell(request, answer.first).await;
        }
    }

    /// Sends an answer until Discord has it or nobody waits any more; says whether Discord has it.
    async fn acknowledge(&self, callback: &Callback, answer: &Answer) -> bool {
        let mut doubt = false;
        loop {
            let rest = match self.web.callback(callback.id, &callback.token, &answer.body).await {
                Ok(()) => return true,
                // By an earlier try that Discord took without saying so.
                Err(CallError::Refused { code: ALREADY, .. }) if doubt => return true,
                Err(CallError::Limited(rest)) => rest,
                Err(CallError::Unknown(why)) => {
                    debug!(why, "Discord did not say whether it took an answer to an interaction");
                    doubt = true;
                    CONFIRM
                }
                Err(error @ CallError::Refused { .. }) => {
                    warn!(%error, "an interaction could not be answered");
                    return false;
                }
            };
            if Instant::now() + rest >= callback.until {
                warn!("an interaction could not be answered in time");
                return false;
            }
            tokio::time::sleep(rest).await;
        }
    }
}

/// A trace begins: something that asks for a command came in.
fn receiving() -> Span {
    Span::begin(Name::Receive).with(Attribute::Platform(Platform::Discord.as_str()))
}

/// Whether a deferred answer must be promised to the asker only: what is not known to be for everybody is not.
fn promises_privacy(request: &Request, specs: &[CommandSpec]) -> bool {
    let visibility =
        commands::spec_of(&request.text, specs).map_or(Visibility::Private, |spec| spec.visibility);
    outbound::is_ephemeral(visibility, &request.place)
}

/// The modal for a command that cannot run without arguments that were not given.
fn asks_for_more(ask: &Ask, specs: &[CommandSpec]) -> Option<Value> {
    let By::Interaction { modal: true, .. } = &ask.by else { return None };
    modal::arguments(modal::incomplete(&ask.text, specs)?)
}

fn ignored(why: Ignored) -> Answer {
    debug!(reason = why.as_str(), "nothing is asked");
    let told = match why {
        Ignored::NotOurs => "This is not known any more. Nothing was done; `/adjutant` takes any command.",
        _ => "This could not be understood. Nothing was done.",
    };
    Answer::message(render::plain(told), true)
}

fn request(ask: Ask) -> Request {
    let (id, tenant) = (ask.id(), ask.home.tenant());
    // The roles come with the event itself.
    let received_at = Timestamp::now();
    let answer = match ask.by {
        By::Interaction { token, .. } => token,
        By::Message(message) => outbound::reply_to(message),
    };
    Request {
        v: Version,
        id,
        actor: Actor {
            platform: Platform::Discord,
            tenant: tenant.clone(),
            user: ask.who.user.to_string(),
            label: ask.who.label,
            standing: ask.who.standing,
        },
        groups: ask.who.groups.said_at(received_at),
        place: Place {
            platform: Platform::Discord,
            tenant,
            channel: ask.channel.to_string(),
            thread: ask.thread.map(|thread| thread.to_string()),
            private: ask.private,
            answer: Some(answer),
        },
        text: ask.text,
        raw: ask.raw,
        received_at,
        expires_at: None,
    }
}
