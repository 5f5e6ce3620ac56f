//! `policy why`: whether somebody may run a command, and the row that decides or the rows that come nearest. Exit status 0
//! allowed, 1 refused, 2 could not run.

mod told;

use std::{collections::BTreeMap, process::ExitCode};

use adjutant_bus::{
    actor::{Membership, Platform},
    spec::{Action, CommandSpec},
};
use adjutant_policies::{Ask, Caller, Gate};
use adjutant_workers::{catalogue::Catalogue, parse, words};
use anyhow::{Error, Result, bail};
use jiff::Timestamp;

use self::told::Told;
use super::{directory::member, source::Source};
use crate::{
    cli::{Freeze, PolicyWhy, Right},
    config::Config,
    output,
    roles::{
        admin::{could_not_run, status},
        parts,
    },
};

pub(super) async fn why(config: &Config, asked: PolicyWhy) -> Result<ExitCode> {
    let as_json = asked.json;
    match answer(config, asked).await {
        Ok(told) => {
            output::say(&if as_json { told.json().to_string() } else { told.text()? });
            Ok(status(told.explanation.allowed))
        }
        Err(why) => Ok(could_not_run(&format!("{why:#}"))),
    }
}

async fn answer(config: &Config, mut asked: PolicyWhy) -> Result<Told> {
    let catalogue = parts::catalogue();
    let who = actor(&catalogue, &mut asked)?;
    let request = Request::read(&catalogue, &asked.words)?;
    let looked = Source::in_use(config, asked.dir).read(config).await?;
    let gate = looked.gate(config)?;
    let (caller, groups) = match &asked.groups {
        Some(groups) => {
            let caller = gate.caller_of(who.as_deref().unwrap_or("console:why/anybody"), groups);
            let caller = caller.map_err(Error::msg)?;
            let names = caller.groups();
            (caller, names)
        }
        None => known(config, &gate, who.as_deref().unwrap_or_default()).await?,
    };
    let place = match asked.place {
        Some(place) => checked(place)?,
        // A service asks through the API.
        None => match who.as_deref().and_then(|who| who.strip_prefix("svc:")) {
            Some(service) => format!("api:{service}/-"),
            None => format!("console:{}/terminal", config.console.tenant),
        },
    };
    let action = asked.action.map_or(request.action, right);
    let mut context =
        gate.circumstances(asked.at.unwrap_or_else(Timestamp::now), Some(asked.freeze == Freeze::On));
    let none = |key: String| (key, "none".to_owned());
    context.extend(adjutant_workers::vocabulary(&catalogue, &[]).context.into_keys().map(none));
    context.extend(request.context);
    let ask = Ask { caller: &caller, place: &place, command: &request.command, action, context: &context };
    let explanation = gate.explain(&ask);
    // Casbin decides; that the two agree is proved when the policy is built, and shown by the record.
    let verdict = gate.decide(&ask);
    if verdict.authorization.allowed != explanation.allowed {
        bail!("the engine and its explanation disagree; look at the model with `adjutant policy check`");
    }
    Ok(Told {
        policy: looked.shown(),
        who,
        command: request.command,
        action,
        place,
        groups,
        context,
        explanation,
    })
}

/// The first word, unless it begins the command.
fn actor(catalogue: &Catalogue, asked: &mut PolicyWhy) -> Result<Option<String>> {
    let first = asked.words.first().map(String::as_str).unwrap_or_default();
    let command = !first.contains(':') && spec(catalogue, &asked.words).is_some();
    match (&asked.groups, command) {
        (Some(_), true) => return Ok(None),
        (None, true) => bail!("say who first, such as console:local/pat or svc:ci, or --groups \"A + B\""),
        (Some(_), false) if !first.contains(':') => return Ok(None),
        (_, false) => {}
    }
    let who = asked.words.remove(0);
    if asked.words.is_empty() {
        bail!("say which command, such as deploy.promote env=production");
    }
    Ok(Some(who))
}

/// An actor with each of their groups, and the chat group that it comes from.
async fn known(config: &Config, gate: &Gate, who: &str) -> Result<(Caller, Vec<String>)> {
    let (actor, membership) = member(config, who).await.map_err(Error::msg)?;
    let caller = gate.caller(&actor, &membership);
    let own: Vec<String> = match &membership {
        Membership::Known { groups, .. } => groups.iter().map(ToString::to_string).collect(),
        Membership::Unknown { reason } => bail!("the groups of {who} are not known: {reason}"),
    };
    let of = |name: &String| {
        let ids =
            gate.known_groups().into_iter().filter(|group| group.name == *name).flat_map(|group| group.ids);
        ids.filter(|id| own.contains(id)).collect::<Vec<_>>()
    };
    let shown = |name: String| match of(&name).as_slice() {
        [] => name,
        ids => format!("{name} ({})", ids.join(", ")),
    };
    let groups = caller.groups().into_iter().map(shown).collect();
    Ok((caller, groups))
}

/// What is asked, from the words.
#[derive(Debug, PartialEq, Eq)]
struct Request {
    command: String,
    action: Action,
    context: BTreeMap<String, String>,
}

impl Request {
    /// Words as in chat; or the command and `key=value` pairs of the context.
    fn read(catalogue: &Catalogue, given: &[String]) -> Result<Self> {
        let line = given.iter().enumerate().map(|(at, word)| {
            let word = if at == 0 { word.replace('.', " ") } else { word.clone() };
            // What the shell held together stays one word, unless it is the whole line.
            if given.len() > 1 && word.contains(' ') && at > 0 { format!("\"{word}\"") } else { word }
        });
        let line = line.collect::<Vec<_>>().join(" ");
        let refusal = match parse::parse(catalogue, &line, &|_| true) {
            Ok(parsed) => {
                let spec = &parsed.entry.spec;
                let context = adjutant_workers::context(catalogue, spec, &parsed.arguments);
                return Ok(Self { command: spec.path.dotted(), action: spec.action, context });
            }
            Err(refusal) => refusal,
        };
        let found = words::split(&line).ok().and_then(|split| {
            let found = catalogue.find(&split.words)?;
            let rest: Vec<String> =
                split.words.iter().skip(found.consumed).map(|word| word.text.clone()).collect();
            Some((found.entry, rest))
        });
        let told = || Error::msg(format!("{}. {}", refusal.what.trim_end_matches('.'), refusal.next));
        let (entry, rest) = found.ok_or_else(told)?;
        let keys = adjutant_workers::vocabulary(catalogue, &[]).context;
        let pair = |word: &String| {
            let (key, value) = word.split_once('=')?;
            ((keys.contains_key(key) || ["freeze", "hours"].contains(&key)) && !value.is_empty())
                .then(|| (key.to_owned(), value.to_owned()))
        };
        let context = rest.iter().map(pair).collect::<Option<_>>().ok_or_else(told)?;
        Ok(Self { command: entry.spec.path.dotted(), action: entry.spec.action, context })
    }
}

fn spec(catalogue: &Catalogue, given: &[String]) -> Option<CommandSpec> {
    let line = given.join(" ").replace('.', " ");
    let split = words::split(&line).ok()?;
    catalogue.find(&split.words).map(|found| found.entry.spec.clone())
}

/// A place, whole and by ids.
fn checked(place: String) -> Result<String> {
    let good = place.split_once('/').is_some_and(|(home, channel)| {
        let known = home
            .split_once(':')
            .is_some_and(|(platform, tenant)| platform.parse::<Platform>().is_ok() && !tenant.is_empty());
        known && !channel.is_empty() && !channel.contains(['/', '*', ' '])
    });
    if good {
        Ok(place)
    } else {
        bail!("`{place:.80}` is no place; it is like slack:T0ACME/C0DEPLOY, by ids")
    }
}

const fn right(right: Right) -> Action {
    match right {
        Right::Run => Action::Run,
        Right::View => Action::View,
        Right::Approve => Action::Approve,
    }
}

#[cfg(test)]
mod tests;
