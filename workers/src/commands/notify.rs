//! `notify <destination> <text…>`: has something said in the channels behind a name.

use std::collections::BTreeMap;

use adjutant_bus::{
    actor::{Actor, Platform},
    announcement::Message,
    destination::{self, Destination, Target},
    notice::Notice,
    ports::BusError,
    reply::Reply,
    spec::{ArgKind, ArgSpec, CommandSpec},
    wire,
};
use async_trait::async_trait;
use jiff::Timestamp;
use serde_json::Value;
use tracing::warn;

use super::{Asked, Command, Failure, path};
use crate::suggest;

/// The name under which policy knows it; what services announce is authorized under it too.
pub(crate) const NAME: &str = "notify";
/// The argument, and the policy context key that carries it.
pub(crate) const DESTINATION: &str = "destination";

pub(super) struct Notify;

#[async_trait]
impl Command for Notify {
    fn spec(&self) -> CommandSpec {
        let destination = ArgSpec::positional(DESTINATION, ArgKind::String, "the name of the destination");
        CommandSpec {
            args: vec![
                destination.in_context(DESTINATION),
                ArgSpec::positional("text", ArgKind::Rest, "what to say there"),
            ],
            details:
                "Destinations are named channels, which operators keep. Your name stands beside what you say."
                    .to_owned(),
            examples: vec!["notify alerts The database is read-only until noon".to_owned()],
            ..CommandSpec::new(path(NAME), "Say something in the channels behind a name")
        }
    }

    async fn run(&self, asked: &Asked) -> Result<Reply, Failure> {
        let name = asked.text(DESTINATION).unwrap_or_default();
        let found =
            if destination::is_name(name) { destination::load(&asked.bus, name).await? } else { None };
        let Some(destination) = found else { return Err(unknown(asked, name).await) };
        if destination.targets.is_empty() {
            return Err(Failure::told(
                format!("No channel is behind `{name}`"),
                "Nothing was said. Tell an operator.",
            ));
        }
        let mut failed = Vec::new();
        for target in &destination.targets {
            if let Err(error) = asked.bus.tell(&notice(asked, target)).await {
                warn!(%error, place = %target.place(), "a notice could not be put on the bus");
                failed.push(format!("{}: {}", target.place(), why(&error)));
            }
        }
        told(&destination, &failed)
    }
}

fn notice(asked: &Asked, target: &Target) -> Notice {
    let request = asked.request();
    let from = sender(&request.actor);
    let message = Message { text: asked.text("text").unwrap_or_default().to_owned(), ..Message::default() };
    Notice {
        v: wire::Version,
        // The same for each try of the same request.
        id: Notice::id(&from, &format!("run:{}", request.id), target),
        from,
        to: target.place(),
        reply: message.reply(),
        matter: None,
        sent_at: Timestamp::now(),
    }
}

/// Who says it, as shown to people.
fn sender(actor: &Actor) -> String {
    match actor.platform {
        Platform::Api | Platform::Service => format!("svc:{}", actor.user),
        Platform::Slack | Platform::Discord | Platform::Console => actor.shown().to_owned(),
    }
}

const fn why(error: &BusError) -> &'static str {
    match error {
        BusError::Full(_) => "too much is waiting for it already",
        BusError::Unavailable(_) => "whether it was taken is not known",
        BusError::Refused(_) | BusError::Wire(_) => "it was refused",
    }
}

fn told(destination: &Destination, failed: &[String]) -> Result<Reply, Failure> {
    let (all, name) = (destination.targets.len(), &destination.name);
    let channels = if all == 1 { "1 channel".to_owned() } else { format!("{all} channels") };
    if failed.is_empty() {
        let title = format!("On its way to `{name}` ({channels})");
        return Ok(Reply::success(title));
    }
    let title = format!("On its way to {} of {channels} of `{name}`", all - failed.len());
    Err(Failure::told(title, format!("Not to {}.", failed.join("; "))))
}

/// There is none of this name. Only such as the asker may use are suggested.
async fn unknown(asked: &Asked, name: &str) -> Failure {
    let known = destination::all(&asked.bus).await.unwrap_or_else(|error| {
        warn!(%error, "the destinations could not be looked through for a suggestion");
        Vec::new()
    });
    let may = |name: &str| {
        let spec = Notify.spec();
        let arguments = BTreeMap::from([(DESTINATION.to_owned(), Value::from(name))]);
        asked.asker.authorize(&asked.catalogue, &spec, &arguments).is_ok_and(|a| a.allowed)
    };
    let names: Vec<&str> = known.iter().map(|known| known.name.as_str()).filter(|name| may(name)).collect();
    let next = match suggest::closest(name, names.iter().copied()) {
        Some(close) => format!("Nothing was said. Did you mean `{close}`?"),
        None if names.is_empty() => "Nothing was said. Ask an operator which there are.".to_owned(),
        None => format!("Nothing was said. There {}.", listed(&names)),
    };
    Failure::told(format!("No destination is named `{name}`"), next)
}

/// Most names that are listed.
const MOST_LISTED: usize = 10;

fn listed(names: &[&str]) -> String {
    let shown: Vec<String> = names.iter().take(MOST_LISTED).map(|name| format!("`{name}`")).collect();
    let more = if names.len() > MOST_LISTED { ", …" } else { "" };
    let verb = if names.len() == 1 { "is" } else { "are" };
    format!("{verb} {}{more}", shown.join(", "))
}
