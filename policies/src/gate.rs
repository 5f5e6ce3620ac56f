//! One checked policy, immutable: the enforcers, the rows that explain them, the closure and the lock. A request pins one
//! gate for its life.

#[cfg(test)]
#[allow(clippy::panic, reason = "a test fails by panicking")]
mod faults;

mod ask;
mod context;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use adjutant_bus::{
    actor::{Actor, Membership, Platform, Standing},
    event::Authorization,
    spec::Action,
};
use adjutant_metrics::program::{self, Where};
use tracing::error;

pub use self::ask::{Ask, Caller, Verdict};
use crate::{
    closure::Closure,
    engine::{Asked, Engine, EngineError},
    finding::Findings,
    load::Draft,
    lock::Lock,
    matching::cmd_match,
    model, probe,
    rows::Row,
    settings::Settings,
    twin::{self, Denial, Dimension, Explanation, Seen},
    vocabulary::Vocabulary,
};

/// The enforcer and the rows of one command.
struct Command {
    engine: Arc<Engine>,
    rows: Vec<usize>,
}

/// A checked policy in force.
pub struct Gate {
    version: String,
    digest: String,
    rows: Vec<Row>,
    lock: Lock,
    closure: Closure,
    commands: BTreeMap<String, Command>,
    vocabulary: Vocabulary,
    /// Keys that rows name and nobody declares at the moment.
    undeclared: Vec<String>,
    own_model: bool,
    settings: Settings,
}

impl Gate {
    /// Builds enforcers for every command, then proves them. Nothing of it is in force yet.
    pub(crate) fn build(draft: Draft, version: u64) -> Result<Self, Findings> {
        let vocabulary = &draft.vocabulary;
        let undeclared: BTreeSet<String> = draft
            .rows
            .iter()
            .flat_map(Row::conditions)
            .map(|(key, _)| key.to_owned())
            .filter(|key| !vocabulary.context.contains_key(key))
            .collect();
        let mut findings = Findings::default();
        let commands = commands(&draft, vocabulary, &mut findings);
        let gate = Self {
            version: format!("{version} ({})", draft.digest),
            digest: draft.digest,
            rows: draft.rows,
            lock: draft.lock,
            closure: draft.closure,
            commands,
            vocabulary: draft.vocabulary,
            settings: draft.settings,
            undeclared: undeclared.into_iter().collect(),
            own_model: draft.own_model,
        };
        if !findings.refuse() {
            probe::probe(&gate, &mut findings);
        }
        if findings.refuse() { Err(findings.sorted()) } else { Ok(gate) }
    }

    /// The version and the first digits of the content's digest: `3 (7f3c9a1e)`.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    pub(crate) fn digest(&self) -> &str {
        &self.digest
    }

    pub(crate) const fn own_model(&self) -> bool {
        self.own_model
    }

    pub(crate) const fn settings(&self) -> &Settings {
        &self.settings
    }

    pub(crate) fn rows(&self) -> &[Row] {
        &self.rows
    }

    pub(crate) const fn vocabulary(&self) -> &Vocabulary {
        &self.vocabulary
    }

    pub(crate) fn engines(&self) -> impl Iterator<Item = (&str, &Engine)> {
        self.commands.iter().map(|(name, command)| (name.as_str(), command.engine.as_ref()))
    }

    /// Who an actor is to policy. Ids decide; a lookup that failed gives no groups.
    #[must_use]
    pub fn caller(&self, actor: &Actor, membership: &Membership) -> Caller {
        let groups = match (actor.platform, actor.standing) {
            (_, Standing::Bot | Standing::Deactivated) => BTreeSet::new(),
            (Platform::Api | Platform::Service, _) | (_, Standing::Service) => {
                let id = format!("svc:{}", actor.user);
                self.lock.name(&id).map(str::to_owned).into_iter().collect()
            }
            (_, Standing::External) => BTreeSet::from(["external".to_owned()]),
            (_, Standing::Guest | Standing::Member) if !self.is_home(actor) => {
                BTreeSet::from(["external".to_owned()])
            }
            (_, Standing::Guest) => BTreeSet::from(["guests".to_owned()]),
            (_, Standing::Member) => self.member(actor, membership),
        };
        Caller::new(actor.to_string(), groups)
    }

    /// Somebody of this name in these groups of the policy, for questions about what it would say.
    #[must_use]
    pub fn caller_in(&self, who: &str, groups: impl IntoIterator<Item = String>) -> Caller {
        Caller::new(who.to_owned(), self.close(groups))
    }

    fn is_home(&self, actor: &Actor) -> bool {
        self.vocabulary.trusts(&format!("{}:{}", actor.platform, actor.tenant))
    }

    fn member(&self, actor: &Actor, membership: &Membership) -> BTreeSet<String> {
        let Membership::Known { groups, .. } = membership else { return BTreeSet::new() };
        let home = format!("{}:{}/", actor.platform, actor.tenant);
        let own = groups.iter().filter(|id| id.as_str().starts_with(&home));
        let named = own.filter_map(|id| self.lock.name(id.as_str())).map(str::to_owned);
        self.close(named.chain(["everyone".to_owned()]))
    }

    pub(crate) fn close(&self, groups: impl IntoIterator<Item = String>) -> BTreeSet<String> {
        self.closure.close(groups)
    }

    /// Decides. Casbin's verdict counts; whatever goes wrong is a refusal.
    #[must_use]
    pub fn decide(&self, ask: &Ask<'_>) -> Verdict {
        let context = self.full(ask.context);
        let seen = seen(ask, &context);
        let (allowed, fault) = self.verdict(ask, &context);
        let explained = twin::explain(self.rows_of(ask.command), &seen);
        let incident = fault.map(|fault| alarm(&fault, ask.command)).or_else(|| {
            let agree = allowed == explained.allowed || self.own_model;
            (!agree).then(|| alarm("casbin and its twin disagree", ask.command))
        });
        let allowed = allowed && incident.is_none();
        let denial = (!allowed).then(|| match (incident, explained.denial) {
            (None, Some(denial)) => denial,
            (incident, _) => Denial {
                dimension: Dimension::Engine,
                who_may: Vec::new(),
                places: Vec::new(),
                conditions: Vec::new(),
                forbidden: Vec::new(),
                forbidding: None,
                incident,
            },
        });
        Verdict { authorization: self.record(ask, context, allowed, explained.row), denial }
    }

    /// Casbin's verdict, after what must never reach casbin is refused.
    fn verdict(&self, ask: &Ask<'_>, context: &BTreeMap<String, String>) -> (bool, Option<String>) {
        let Some(command) = self.commands.get(ask.command) else { return (false, None) };
        if ask.caller.who.is_empty()
            || ask.caller.groups.is_empty()
            || !self.vocabulary.commands.contains(ask.command)
        {
            return (false, None);
        }
        let asked = Asked {
            who: &ask.caller.who,
            groups: &ask.caller.map,
            place: ask.place,
            command: ask.command,
            action: ask.action,
            context,
        };
        match command.engine.enforce(&asked) {
            Ok(allowed) => (allowed, None),
            Err(error) => (false, Some(error.to_string())),
        }
    }

    fn record(
        &self,
        ask: &Ask<'_>,
        context: BTreeMap<String, String>,
        allowed: bool,
        row: Option<String>,
    ) -> Authorization {
        Authorization {
            allowed,
            policy: self.version.clone(),
            who: ask.caller.who.clone(),
            groups: ask.caller.groups(),
            place: ask.place.to_owned(),
            command: ask.command.to_owned(),
            action: ask.action,
            context,
            row,
        }
    }

    pub(crate) const fn lock(&self) -> &Lock {
        &self.lock
    }

    /// Every group that a `g` row names.
    pub(crate) fn linked(&self) -> impl Iterator<Item = String> {
        self.closure.groups().cloned()
    }

    pub(crate) fn rows_of(&self, command: &str) -> impl Iterator<Item = &Row> + Clone {
        let indices = self.commands.get(command).map(|command| command.rows.as_slice()).unwrap_or_default();
        indices.iter().filter_map(|index| self.rows.get(*index))
    }

    /// Whether the caller may run the command with at least some arguments: for lists and suggestions.
    #[must_use]
    pub fn could(&self, caller: &Caller, place: &str, command: &str, action: Action) -> bool {
        let context = BTreeMap::new();
        let seen = Seen { groups: &caller.groups, place, action, context: &context };
        twin::could(self.rows_of(command), &seen)
    }

    /// Explains what [`Self::decide`] would say.
    #[must_use]
    pub fn explain(&self, ask: &Ask<'_>) -> Explanation {
        let context = self.full(ask.context);
        twin::explain(self.rows_of(ask.command), &seen(ask, &context))
    }
}

fn seen<'a>(ask: &'a Ask<'_>, context: &'a BTreeMap<String, String>) -> Seen<'a> {
    Seen { groups: &ask.caller.groups, place: ask.place, action: ask.action, context }
}

/// One enforcer per command over exactly the rows that can match it; commands with the same rows share one. A model of the
/// operator's own gets one over all rows.
fn commands(draft: &Draft, vocabulary: &Vocabulary, findings: &mut Findings) -> BTreeMap<String, Command> {
    let mut built: BTreeMap<Vec<usize>, Arc<Engine>> = BTreeMap::new();
    let mut commands = BTreeMap::new();
    for name in &vocabulary.commands {
        let about = |(_, row): &(usize, &Row)| cmd_match(name, &row.command);
        let rows: Vec<usize> = draft.rows.iter().enumerate().filter(about).map(|(index, _)| index).collect();
        if rows.is_empty() {
            continue;
        }
        let held: Vec<usize> = if draft.own_model { (0..draft.rows.len()).collect() } else { rows.clone() };
        let engine = match built.get(&held) {
            Some(engine) => engine.clone(),
            None => match Engine::build(&draft.model, held.iter().filter_map(|index| draft.rows.get(*index)))
            {
                Ok(engine) => built.entry(held).or_insert(Arc::new(engine)).clone(),
                Err(error) => {
                    refuse(&error, findings);
                    return commands;
                }
            },
        };
        commands.insert(name.clone(), Command { engine, rows });
    }
    commands
}

fn refuse(error: &EngineError, findings: &mut Findings) {
    findings.error("model-engine", model::FILE, (0, 0), format!("casbin does not take this model: {error}"));
}

/// Logs a fault of the engine under an incident id.
fn alarm(cause: &str, command: &str) -> String {
    let incident = format!("{:08x}", rand::random::<u32>());
    program::fault(Where::Policy);
    error!(%incident, cause, command, "the policy engine failed; the request is refused");
    incident
}
