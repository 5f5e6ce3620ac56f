//! Who asks, and whether they may. Every decision goes through the gate; without a loaded policy all is refused but looking
//! at `help`, `whoami` and `status`.

use std::{collections::BTreeMap, sync::Arc, time::Instant};

use adjutant_bus::{
    event::Authorization,
    request::Request,
    spec::{Action, CommandSpec},
};
use adjutant_policies::{Ask, Caller, Denial, Explanation, Gate};
use jiff::{Timestamp, ZonedDateTime};
use serde_json::Value;

use crate::{catalogue::Catalogue, context::context};

/// What may be looked at while no policy is loaded, so that people learn what is wrong.
const WITHOUT_POLICY: [&str; 3] = ["help", "status", "whoami"];

/// An actor with what the policy in force makes of them. Pins one policy version for the life of a request.
pub(crate) struct Asker {
    request: Arc<Request>,
    gate: Option<(Arc<Gate>, Caller)>,
    /// What holds whatever the command is: the window of time, and a freeze.
    circumstances: BTreeMap<String, String>,
}

/// What policy said, with the denial if it was a no.
pub(crate) struct Judgement {
    /// For the record.
    pub(crate) authorization: Authorization,
    /// Why not.
    pub(crate) denial: Option<Denial>,
    /// When the time alone will allow it, if that is what stands in the way.
    pub(crate) opens: Option<ZonedDateTime>,
}

/// No policy is loaded.
#[derive(Debug)]
pub(crate) struct NoPolicy;

impl Asker {
    /// Looks the actor up in the policy in force.
    /// Whether there is a freeze must be known; none: it is not, and what depends on it is refused.
    pub(crate) fn new(request: Arc<Request>, gate: Option<Arc<Gate>>, freeze: Option<bool>) -> Self {
        let circumstances =
            gate.as_ref().map(|gate| gate.circumstances(Timestamp::now(), freeze)).unwrap_or_default();
        let gate = gate.map(|gate| {
            let caller = gate.caller(&request.actor, &request.groups);
            (gate, caller)
        });
        Self { request, gate, circumstances }
    }

    /// All that policy is told, but who and where.
    fn context(
        &self,
        catalogue: &Catalogue,
        spec: &CommandSpec,
        arguments: &BTreeMap<String, Value>,
    ) -> BTreeMap<String, String> {
        let mut all = context(catalogue, spec, arguments);
        // No argument may stand for these.
        all.retain(|key, _| !["freeze", "hours"].contains(&key.as_str()));
        all.extend(self.circumstances.clone());
        all
    }

    /// The policy's contact for what these groups may.
    pub(crate) fn contact(&self, groups: &[String]) -> Option<&str> {
        self.gate.as_ref().and_then(|(gate, _)| gate.contact(groups))
    }

    /// What holds whatever the command is.
    pub(crate) const fn circumstances(&self) -> &BTreeMap<String, String> {
        &self.circumstances
    }

    /// The request that asks.
    pub(crate) fn request(&self) -> &Request {
        &self.request
    }

    /// The policy in force, as shown to people.
    pub(crate) fn policy(&self) -> Option<&str> {
        self.gate.as_ref().map(|(gate, _)| gate.version())
    }

    /// The policy groups that count, after closure.
    pub(crate) fn groups(&self) -> Vec<String> {
        self.gate.as_ref().map_or_else(Vec::new, |(_, caller)| caller.groups())
    }

    /// Whether the asker may run the command with at least some arguments: decides what is listed and suggested.
    pub(crate) fn could(&self, spec: &CommandSpec) -> bool {
        let command = spec.path.dotted();
        match &self.gate {
            None => WITHOUT_POLICY.contains(&command.as_str()),
            Some((gate, caller)) => {
                gate.could(caller, &self.request.place.to_string(), &command, spec.action)
            }
        }
    }

    /// Whether the asker may run the command with these arguments.
    pub(crate) fn judge(
        &self,
        catalogue: &Catalogue,
        spec: &CommandSpec,
        arguments: &BTreeMap<String, Value>,
    ) -> Result<Judgement, NoPolicy> {
        let command = spec.path.dotted();
        let context = self.context(catalogue, spec, arguments);
        let place = self.request.place.to_string();
        let Some((gate, caller)) = &self.gate else {
            return if WITHOUT_POLICY.contains(&command.as_str()) && spec.action == Action::View {
                let authorization = self.without_policy(command, spec.action, place, context);
                Ok(Judgement { authorization, denial: None, opens: None })
            } else {
                Err(NoPolicy)
            };
        };
        let ask = Ask { caller, place: &place, command: &command, action: spec.action, context: &context };
        let begun = Instant::now();
        let verdict = gate.decide(&ask);
        adjutant_metrics::worker::decided(verdict.authorization.allowed, begun.elapsed());
        let opens = verdict.denial.as_ref().and_then(|_| gate.opens(&ask, Timestamp::now()));
        Ok(Judgement { authorization: verdict.authorization, denial: verdict.denial, opens })
    }

    /// As [`Self::judge`], for who only wants to know whether.
    pub(crate) fn authorize(
        &self,
        catalogue: &Catalogue,
        spec: &CommandSpec,
        arguments: &BTreeMap<String, Value>,
    ) -> Result<Authorization, NoPolicy> {
        self.judge(catalogue, spec, arguments).map(|judgement| judgement.authorization)
    }

    /// What decided, and what came nearest to allowing it; and when the time alone will.
    pub(crate) fn explain(
        &self,
        catalogue: &Catalogue,
        spec: &CommandSpec,
        arguments: &BTreeMap<String, Value>,
    ) -> Result<(Explanation, Option<ZonedDateTime>), NoPolicy> {
        let (gate, caller) = self.gate.as_ref().ok_or(NoPolicy)?;
        let (command, context) = (spec.path.dotted(), self.context(catalogue, spec, arguments));
        let place = self.request.place.to_string();
        let ask = Ask { caller, place: &place, command: &command, action: spec.action, context: &context };
        let explanation = gate.explain(&ask);
        let opens = if explanation.allowed { None } else { gate.opens(&ask, Timestamp::now()) };
        Ok((explanation, opens))
    }

    fn without_policy(
        &self,
        command: String,
        action: Action,
        place: String,
        context: BTreeMap<String, String>,
    ) -> Authorization {
        Authorization {
            allowed: true,
            policy: "none".to_owned(),
            who: self.request.actor.to_string(),
            groups: Vec::new(),
            place,
            command,
            action,
            context,
            row: None,
        }
    }
}
