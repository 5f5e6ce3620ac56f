//! Before the claim: parse, identify, authorize. All of it may be done again, nothing of it has an effect.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use adjutant_bus::{
    canary,
    event::{Authorization, Fact, Invocation, Opening},
    ports::{BusError, Delivery, Recorded},
    refusal::Refusal,
    request::Request,
    spec::{CommandSpec, Effect},
};
use serde_json::Value;

use super::{
    Executor, endings,
    submission::{expired, fits},
};
use crate::{
    authorize::{Asker, Judgement},
    catalogue::{Entry, Source},
    commands::{self, Asked, Command, Standstill},
    offers::Current,
    parse::{self, Parsed},
    refusals, words,
};

/// Most characters of the raw text that the journal keeps; a longer text is refused anyway.
const KEPT_TEXT: usize = 8_000;
/// Pause before services are asked again by a new worker that none has answered.
const ASK_AGAIN: Duration = Duration::from_millis(250);
/// Most lines that may stand for another one in turn.
const MOST_REWRITES: usize = 3;

/// What the claim will say.
pub(super) enum Prepared {
    /// It may run.
    Ready(Box<Ready>),
    /// It may run, but nothing that changes something does now: with this fact, unless it has begun already.
    Paused(Box<Ready>, Box<Fact>),
    /// It ends at once, with this fact.
    Ended(Box<(Opening, Fact)>),
}

/// A request that may run.
pub(super) struct Ready {
    /// The first event.
    pub(super) opening: Opening,
    /// What runs it.
    pub(super) handler: Handler,
    /// What it is given.
    pub(super) asked: Asked,
    /// The description.
    pub(super) entry: Arc<Entry>,
}

/// What runs a command.
pub(super) enum Handler {
    /// Code of this program.
    BuiltIn(Arc<dyn Command>),
    /// Whoever offers it on the bus.
    Service,
}

impl Ready {
    /// The description of the command.
    pub(super) fn spec(&self) -> &CommandSpec {
        &self.entry.spec
    }

    /// What the command does to the world.
    pub(super) fn effect(&self) -> Effect {
        self.entry.spec.effect
    }

    /// The command's name, for the log.
    pub(super) fn command(&self) -> String {
        self.entry.spec.path.dotted()
    }

    /// Whether it is what these events claimed.
    pub(super) fn is(&self, events: &[Recorded]) -> bool {
        let claimed = events.first().and_then(|recorded| recorded.event.opening.as_ref());
        claimed.is_some_and(|opening| opening.invocation == self.opening.invocation)
    }
}

/// An opening for a request of which nothing was understood.
pub(super) fn bare_opening(request: &Request, message_sequence: u64) -> Opening {
    let mut request = request.clone();
    if request.text.chars().nth(KEPT_TEXT).is_some() {
        let kept: String = request.text.chars().take(KEPT_TEXT).collect();
        request.text = format!("{kept}… [cut: {} bytes in all]", request.text.len());
    }
    Opening { request, invocation: None, authorization: None, message_sequence }
}

/// How far a line was understood.
struct Understood {
    parsed: Parsed,
    judgement: Judgement,
}

impl Executor {
    pub(super) async fn prepare(
        &self,
        delivery: &Delivery,
        request: &Arc<Request>,
    ) -> Result<Prepared, BusError> {
        let bare = bare_opening(request, delivery.sequence);
        if !fits(request, &delivery.origin) {
            tracing::warn!(origin = %delivery.origin, "a request's actor does not fit the subject it came by");
            return Ok(refused(bare, refusals::forged()));
        }
        if expired(request) {
            return Ok(Prepared::Ended(Box::new((bare, endings::expired()))));
        }
        if canary::is_origin(&delivery.origin) {
            return Ok(self.canary(bare, request));
        }
        let mut line = request.text.clone();
        for rewrite in 0..=MOST_REWRITES {
            let current = self.catalogue_for(&line).await;
            // Only now: a gate knows every command of the catalogues that were there before it.
            let asker = Asker::new(request.clone(), self.policy.gate(), self.modes.frozen());
            let understood = match understand(&asker, &current, &line) {
                Ok(understood) => understood,
                Err(refused_with) => return Ok(self.refuse(bare, *refused_with, &current, &line)),
            };
            let redacted_text = understood.parsed.redacted_text.clone();
            let entry = understood.parsed.entry.clone();
            let mut opening = opening(bare.clone(), &understood);
            if rewrite > 0 {
                opening.request.text.clone_from(&bare.request.text);
            } else {
                if opening.request.text != redacted_text {
                    opening.request.raw = None;
                }
                opening.request.text = redacted_text;
            }
            if understood.judgement.denial.is_some() {
                let refusal = refusals::denied(
                    &entry.spec,
                    &understood.judgement,
                    &asker,
                    self.modes.freeze().as_ref(),
                );
                return Ok(refused(opening, refusal));
            }
            if current.away.contains(&entry.spec.path) {
                return Ok(refused(opening, refusals::no_service(&entry.spec)));
            }
            let handler = handler(&entry);
            let asked = self.asked(asker, &current, understood.parsed.arguments);
            let Handler::BuiltIn(command) = &handler else {
                return Ok(self.unless_paused(Ready { opening, handler, asked, entry }));
            };
            match command.stands_for(&asked).await {
                Ok(None) => return Ok(self.unless_paused(Ready { opening, handler, asked, entry })),
                Ok(Some(other)) => line = other,
                Err(Standstill::Refused(refusal)) => return Ok(refused(opening, refusal)),
                Err(Standstill::Bus(error)) => return Err(error),
            }
        }
        Ok(refused(bare, refusals::endless()))
    }

    /// A canary may ask for the one command that shows nothing and changes nothing. No policy is asked: its rows are about people and
    /// services, and a policy that is not in force is told elsewhere.
    fn canary(&self, bare: Opening, request: &Arc<Request>) -> Prepared {
        if request.text != canary::LINE {
            return refused(bare, refusals::no_canary());
        }
        let current = self.offers.current();
        let parsed = match parse::parse(&current.catalogue, canary::LINE, &|_| true) {
            Ok(parsed) => parsed,
            Err(refusal) => return refused(bare, refusal),
        };
        let asker = Asker::new(request.clone(), None, None);
        let asked = self.asked(asker, &current, parsed.arguments);
        let opening = Opening { invocation: Some(parsed.invocation), ..bare };
        let handler = handler(&parsed.entry);
        if matches!(handler, Handler::Service) {
            return refused(opening, refusals::no_canary());
        }
        Prepared::Ready(Box::new(Ready { opening, handler, asked, entry: parsed.entry }))
    }

    fn unless_paused(&self, ready: Ready) -> Prepared {
        let paused = self.modes.stops(ready.spec()).map(|paused| refusals::paused(ready.spec(), &paused));
        match paused.or_else(|| self.outdated(&ready)) {
            Some(refusal) => Prepared::Paused(Box::new(ready), Box::new(refusal_fact(refusal))),
            None => Prepared::Ready(Box::new(ready)),
        }
    }

    /// A policy that may not be the current one any more decides nothing on production.
    fn outdated(&self, ready: &Ready) -> Option<Refusal> {
        let context = &ready.opening.authorization.as_ref()?.context;
        let production = self.policy.gate().is_some_and(|gate| gate.is_production(context));
        (production && self.policy.is_stale())
            .then(|| refusals::outdated(ready.spec(), self.policy.status().confirmed_at))
    }

    fn asked(&self, asker: Asker, current: &Current, arguments: BTreeMap<String, Value>) -> Asked {
        Asked {
            asker,
            arguments,
            catalogue: current.catalogue.clone(),
            bus: self.bus.clone(),
            policy: self.policy.clone(),
            about: self.about.clone(),
        }
    }

    /// The catalogue in force; when it does not know the line, services are asked once more first, and by a new worker that no
    /// service has answered yet again and again for a while: one that is slow to answer is no mistyped command.
    async fn catalogue_for(&self, line: &str) -> Current {
        let knows = |current: &Current| {
            words::split(line).is_ok_and(|words| current.catalogue.find(&words.words).is_some())
        };
        let mut current = self.offers.current();
        if knows(&current) {
            return current;
        }
        loop {
            self.offers.refresh_if_old().await;
            current = self.offers.current();
            if knows(&current) || !self.offers.may_come().await {
                return current;
            }
            tokio::time::sleep(ASK_AGAIN).await;
        }
    }

    /// A line that is refused for its words. If it names a command with secret arguments, the words after it are not kept.
    fn refuse(&self, mut opening: Opening, refused_with: Refused, current: &Current, line: &str) -> Prepared {
        let secret_of = |entry: &Arc<Entry>| entry.spec.args.iter().any(|arg| arg.secret);
        // A line that cannot be split may hold a secret all the same.
        let words = words::split(line).map_or_else(|_| words::split_roughly(line), |words| words.words);
        let found = current.catalogue.find(&words);
        if let Some(found) = found.filter(|found| secret_of(&found.entry)) {
            opening.request.text = format!("{} [redacted]", found.entry.spec.path);
            opening.request.raw = None;
        }
        opening.authorization = refused_with.authorization;
        refused(opening, refused_with.refusal)
    }
}

/// A no on the way to the claim.
struct Refused {
    refusal: Refusal,
    authorization: Option<Authorization>,
}

fn understand(asker: &Asker, current: &Current, line: &str) -> Result<Understood, Box<Refused>> {
    let no = |refusal| Box::new(Refused { refusal, authorization: None });
    let may = |spec: &CommandSpec| asker.could(spec);
    let parsed = parse::parse(&current.catalogue, line, &may).map_err(no)?;
    let judgement = asker
        .judge(&current.catalogue, &parsed.entry.spec, &parsed.arguments)
        .map_err(|_| no(refusals::no_policy()))?;
    Ok(Understood { parsed, judgement })
}

fn opening(bare: Opening, understood: &Understood) -> Opening {
    let invocation: Invocation = understood.parsed.invocation.clone();
    Opening {
        invocation: Some(invocation),
        authorization: Some(understood.judgement.authorization.clone()),
        ..bare
    }
}

fn refused(opening: Opening, refusal: Refusal) -> Prepared {
    Prepared::Ended(Box::new((opening, refusal_fact(refusal))))
}

fn refusal_fact(refusal: Refusal) -> Fact {
    let reply = (&refusal).into();
    Fact::Refused { refusal, reply }
}

fn handler(entry: &Entry) -> Handler {
    let built_in = || commands::all().into_iter().find(|command| command.spec().path == entry.spec.path);
    match &entry.source {
        Source::BuiltIn => built_in().map_or(Handler::Service, Handler::BuiltIn),
        Source::Service { .. } => Handler::Service,
    }
}
