//! Later answers to an interaction, by its token: for fifteen minutes, and with the visibility that the first one fixed.

use serde_json::{Value, json};

use super::{
    FakeDiscord, Posted, Via,
    callbacks::{AUTOCOMPLETE, Interaction},
    limits::{self, EPHEMERAL},
    messages::{self, Draft, unknown_message},
    reply::{Answer, Refused},
    rest::Request,
};

/// The bot still thinks.
const LOADING: u64 = 1 << 7;

fn unknown() -> Refused {
    Refused::new(404, 10_015, "Unknown Webhook")
}

/// The interaction of the path, if it can be answered further.
fn answered(fake: &FakeDiscord, request: &Request) -> Result<Interaction, Refused> {
    if request.parameters[0] != fake.world().application {
        return Err(unknown());
    }
    let found = fake.shared.interactions.lock().by_token.get(&request.parameters[1]).cloned();
    let interaction = found.ok_or_else(unknown)?;
    if interaction.age() > fake.faults().token_life {
        return Err(Refused::new(401, 50_027, "Invalid Webhook Token"));
    }
    if interaction.answer.is_none() || interaction.kind == AUTOCOMPLETE {
        return Err(unknown());
    }
    Ok(interaction)
}

/// Fills what was deferred, with the visibility that was fixed then.
fn fill(fake: &FakeDiscord, interaction: &Interaction, request: &Request, hidden: bool) -> Answer {
    limits::message(&request.body, request.files.len(), true)?;
    let draft = Draft {
        channel: &interaction.channel,
        body: &request.body,
        files: &request.files,
        only_for: interaction.only_for(hidden),
        interaction: Some(interaction.id.clone()),
        via: Via::Answer,
    };
    let posted = messages::create(fake, draft);
    let mut all = fake.shared.interactions.lock();
    if let Some(entry) = all.by_token.get_mut(&request.parameters[1]) {
        entry.deferred = None;
        entry.original = Some(posted.id.clone());
    }
    drop(all);
    Ok((200, messages::show(&fake.world(), &posted, false)))
}

/// `POST /webhooks/{webhook_id}/{webhook_token}`.
pub(super) fn follow_up(fake: &FakeDiscord, request: &Request) -> Answer {
    let interaction = answered(fake, request)?;
    limits::mentions(fake, "a follow-up", &request.body);
    if let Some(hidden) = interaction.deferred {
        return fill(fake, &interaction, request, hidden);
    }
    limits::message(&request.body, request.files.len(), true)?;
    let hidden = request.body["flags"].as_u64().unwrap_or_default() & EPHEMERAL != 0;
    if !hidden {
        leak(fake, &interaction, &request.body);
    }
    let draft = Draft {
        channel: &interaction.channel,
        body: &request.body,
        files: &request.files,
        only_for: interaction.only_for(hidden),
        interaction: Some(interaction.id.clone()),
        via: Via::FollowUp,
    };
    let posted = messages::create(fake, draft);
    Ok((200, messages::show(&fake.world(), &posted, false)))
}

/// Notes what one person alone was to see and now everybody does.
fn leak(fake: &FakeDiscord, interaction: &Interaction, body: &Value) {
    let content = body["content"].as_str().unwrap_or_default();
    let hidden = |one: &&Posted| one.only_for.is_some() && one.interaction.as_ref() == Some(&interaction.id);
    let leaked =
        !content.is_empty() && fake.record().posted.iter().filter(hidden).any(|one| one.content == content);
    if leaked {
        fake.violation(format!("an ephemeral answer was repeated for everybody: {content}"));
    }
}

/// The message of the path, which `@original` may stand for.
fn named(fake: &FakeDiscord, interaction: &Interaction, request: &Request) -> Result<Posted, Refused> {
    let id = match request.parameters[2].as_str() {
        "@original" => interaction.original.clone().ok_or_else(unknown_message)?,
        id => id.to_owned(),
    };
    let own = interaction.original.as_ref() == Some(&id);
    let found = fake.record().message(&id).cloned();
    found.filter(|one| own || one.interaction.as_ref() == Some(&interaction.id)).ok_or_else(unknown_message)
}

pub(super) fn get(fake: &FakeDiscord, request: &Request) -> Answer {
    let interaction = answered(fake, request)?;
    if let Some(hidden) = interaction.deferred
        && request.parameters[2] == "@original"
    {
        // A promised answer is a message that shows that the bot thinks (Discord: "Message Flags").
        let flags = LOADING | if hidden { EPHEMERAL } else { 0 };
        let thinking =
            json!({ "id": interaction.id, "channel_id": interaction.channel, "content": "", "flags": flags });
        return Ok((200, thinking));
    }
    let message = named(fake, &interaction, request)?;
    Ok((200, messages::show(&fake.world(), &message, false)))
}

pub(super) fn edit(fake: &FakeDiscord, request: &Request) -> Answer {
    let interaction = answered(fake, request)?;
    limits::mentions(fake, "an edit of an answer", &request.body);
    if let Some(hidden) = interaction.deferred
        && request.parameters[2] == "@original"
    {
        return fill(fake, &interaction, request, hidden);
    }
    let message = named(fake, &interaction, request)?;
    limits::message(&request.body, request.files.len(), false)?;
    let changed = messages::change(fake, &message.id, &request.body, &request.files)?;
    Ok((200, messages::show(&fake.world(), &changed, false)))
}

pub(super) fn delete(fake: &FakeDiscord, request: &Request) -> Answer {
    let interaction = answered(fake, request)?;
    if interaction.deferred.is_some() && request.parameters[2] == "@original" {
        let mut all = fake.shared.interactions.lock();
        if let Some(entry) = all.by_token.get_mut(&request.parameters[1]) {
            entry.deferred = None;
        }
        return Ok((204, Value::Null));
    }
    let message = named(fake, &interaction, request)?;
    messages::remove(fake, &message);
    Ok((204, Value::Null))
}
