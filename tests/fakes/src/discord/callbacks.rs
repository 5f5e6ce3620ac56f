//! Interactions and their first answer: once, in time, and of a type that fits.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use super::{
    Callback, FakeDiscord, Via,
    limits::{self, EPHEMERAL},
    messages::{self, Draft},
    reply::{Answer, Refused},
    rest::Request,
    routes, schema,
};

/// Types of interactions.
pub(super) const PING: u64 = 1;
pub(super) const COMMAND: u64 = 2;
pub(super) const COMPONENT: u64 = 3;
pub(super) const AUTOCOMPLETE: u64 = 4;
pub(super) const MODAL: u64 = 5;

const CHOICES: usize = 25;

/// An interaction that was delivered.
#[derive(Clone, Debug)]
pub(super) struct Interaction {
    pub(super) id: String,
    pub(super) kind: u64,
    pub(super) user: String,
    pub(super) channel: String,
    /// The message that a component or a modal belongs to.
    pub(super) source: Option<String>,
    pub(super) at: Instant,
    /// How much older than it is it is made to seem.
    pub(super) aged: Duration,
    /// The type of its first answer.
    pub(super) answer: Option<u64>,
    /// Deferred, and not filled yet: the visibility of what will fill it.
    pub(super) deferred: Option<bool>,
    /// The message that `@original` stands for.
    pub(super) original: Option<String>,
}

impl Interaction {
    pub(super) fn age(&self) -> Duration {
        self.at.elapsed() + self.aged
    }

    /// Who alone sees an answer.
    pub(super) fn only_for(&self, hidden: bool) -> Option<String> {
        hidden.then(|| self.user.clone())
    }
}

/// Interactions by their token.
#[derive(Default)]
pub(super) struct Interactions {
    pub(super) by_token: HashMap<String, Interaction>,
}

fn unknown() -> Refused {
    Refused::new(404, 10_062, "Unknown interaction")
}

/// `POST /interactions/{interaction_id}/{interaction_token}/callback`.
pub(super) fn respond(fake: &FakeDiscord, request: &Request) -> Answer {
    let (id, token) = (&request.parameters[0], &request.parameters[1]);
    let kind = accept(fake, id, token, request, false)?;
    if !request.query.iter().any(|(name, value)| name == "with_response" && value == "true") {
        return Ok((204, Value::Null));
    }
    let interaction = fake.shared.interactions.lock().by_token.get(token).cloned().ok_or_else(unknown)?;
    let mut body =
        json!({ "interaction": { "id": id, "type": interaction.kind }, "resource": { "type": kind } });
    if let Some(original) = &interaction.original
        && let Some(message) = fake.record().message(original).cloned()
    {
        body["resource"]["message"] = messages::show(&fake.world(), &message, false);
    }
    Ok((200, body))
}

/// Takes a first answer and notes it, good or not; says its type.
pub(super) fn accept(
    fake: &FakeDiscord,
    id: &str,
    token: &str,
    request: &Request,
    by_http: bool,
) -> Result<u64, Refused> {
    let kind = request.body["type"].as_u64().unwrap_or_default();
    let found = fake.shared.interactions.lock().by_token.get(token).filter(|one| one.id == id).cloned();
    let after = found.as_ref().map(Interaction::age).unwrap_or_default();
    let taken = take(fake, token, found, kind, request);
    let callback = Callback {
        interaction: id.to_owned(),
        kind,
        data: request.body["data"].clone(),
        after,
        refused: taken.as_ref().err().map(|refused| refused.code),
        by_http,
    };
    fake.record().callbacks.push(callback);
    taken.map(|()| kind)
}

fn take(
    fake: &FakeDiscord,
    token: &str,
    found: Option<Interaction>,
    kind: u64,
    request: &Request,
) -> Result<(), Refused> {
    let interaction = found.ok_or_else(unknown)?;
    if interaction.age() > fake.faults().patience && interaction.answer.is_none() {
        return Err(unknown());
    }
    check(fake, &interaction, kind, request)?;
    {
        // Of two at once only one is the first.
        let mut all = fake.shared.interactions.lock();
        let entry = all.by_token.get_mut(token).ok_or_else(unknown)?;
        if entry.answer.is_some() {
            return Err(Refused::new(400, 40_060, "Interaction has already been acknowledged."));
        }
        entry.answer = Some(kind);
    }
    let data = &request.body["data"];
    let hidden = data["flags"].as_u64().unwrap_or_default() & EPHEMERAL != 0;
    let (deferred, original) = match kind {
        4 => {
            let draft = Draft {
                channel: &interaction.channel,
                body: data,
                files: &request.files,
                only_for: interaction.only_for(hidden),
                interaction: Some(interaction.id.clone()),
                via: Via::Answer,
            };
            (None, Some(messages::create(fake, draft).id))
        }
        5 => (Some(hidden), None),
        7 => {
            let source = interaction.source.clone().unwrap_or_default();
            messages::change(fake, &source, data, &request.files)?;
            (None, Some(source))
        }
        6 => (None, interaction.source.clone()),
        _ => (None, None),
    };
    let mut all = fake.shared.interactions.lock();
    let entry = all.by_token.get_mut(token).ok_or_else(unknown)?;
    (entry.deferred, entry.original) = (deferred, original);
    Ok(())
}

/// Whether an answer of this type fits, and its data keeps to the limits.
fn check(fake: &FakeDiscord, interaction: &Interaction, kind: u64, request: &Request) -> Result<(), Refused> {
    let data = &request.body["data"];
    let fits = match kind {
        1 => interaction.kind == PING,
        4 | 5 => matches!(interaction.kind, COMMAND | COMPONENT | MODAL),
        6 | 7 => matches!(interaction.kind, COMPONENT | MODAL) && interaction.source.is_some(),
        8 => interaction.kind == AUTOCOMPLETE,
        9 => matches!(interaction.kind, COMMAND | COMPONENT),
        _ => false,
    };
    if !fits {
        let why =
            format!("A callback of type {kind} cannot answer an interaction of type {}", interaction.kind);
        return Err(Refused::form("type", &why));
    }
    match kind {
        4 | 7 => {
            limits::message(data, request.files.len(), kind == 4)?;
            limits::mentions(fake, "a callback", data);
        }
        5 => {
            let flags = data["flags"].as_u64().unwrap_or_default();
            if flags & !EPHEMERAL != 0 {
                return Err(Refused::form("data.flags", "A deferral takes only the flag EPHEMERAL."));
            }
        }
        8 => choices(data)?,
        9 => modal(data)?,
        _ => {}
    }
    Ok(())
}

fn choices(data: &Value) -> Result<(), Refused> {
    let all = data["choices"].as_array().map(Vec::as_slice).unwrap_or_default();
    if all.len() > CHOICES {
        return Err(Refused::form("data.choices", "Must be 25 or fewer in length."));
    }
    for (n, choice) in all.iter().enumerate() {
        let name = choice["name"].as_str().unwrap_or_default().chars().count();
        let value = choice["value"].as_str().map_or(1, |text| text.chars().count());
        if !(1..=100).contains(&name) || value > 100 {
            return Err(Refused::form(&format!("data.choices.{n}"), "Must be between 1 and 100 in length."));
        }
    }
    Ok(())
}

fn modal(data: &Value) -> Result<(), Refused> {
    let length = |name: &str| data[name].as_str().unwrap_or_default().chars().count();
    if !(1..=100).contains(&length("custom_id")) {
        return Err(Refused::form("data.custom_id", "Must be between 1 and 100 in length."));
    }
    if !(1..=45).contains(&length("title")) {
        return Err(Refused::form("data.title", "Must be between 1 and 45 in length."));
    }
    let rows = data["components"].as_array().map(Vec::as_slice).unwrap_or_default();
    if !(1..=5).contains(&rows.len()) {
        return Err(Refused::form("data.components", "Must be between 1 and 5 in length."));
    }
    for (n, row) in rows.iter().enumerate() {
        let input = if row["component"].is_object() { &row["component"] } else { &row["components"][0] };
        let label =
            row["label"].as_str().or_else(|| input["label"].as_str()).map(|text| text.chars().count());
        let id = input["custom_id"].as_str().unwrap_or_default().chars().count();
        let text_display = row["type"] == 10;
        if !text_display && (!(1..=100).contains(&id) || label.is_none_or(|label| !(1..=45).contains(&label)))
        {
            return Err(Refused::form(
                &format!("data.components.{n}"),
                "A custom_id of 1 to 100, a label of 1 to 45",
            ));
        }
    }
    Ok(())
}

/// The schema of the callback's body, which an answer over HTTP keeps to as well.
pub(super) fn check_schema(body: &Value) -> Result<(), Refused> {
    let (route, _) = routes::find("POST", "/interactions/0/0/callback").ok_or_else(unknown)?;
    schema::check(route, body)
}
