//! Messages of channels: to send, edit, delete and read them.

use std::time::Instant;

use serde_json::{Value, json};

use super::{
    Access, FakeDiscord, File, Posted, Via, World, limits,
    multipart::Part,
    reply::{Answer, Refused},
    rest::Request,
};

/// A message that is about to be.
pub(super) struct Draft<'a> {
    pub(super) channel: &'a str,
    pub(super) body: &'a Value,
    pub(super) files: &'a [Part],
    pub(super) only_for: Option<String>,
    pub(super) interaction: Option<String>,
    pub(super) via: Via,
}

pub(super) fn unknown_message() -> Refused {
    Refused::new(404, 10_008, "Unknown Message")
}

/// Whether the bot may do something in a channel; `writing` if it writes.
pub(super) fn place(fake: &FakeDiscord, channel: &str, writing: bool) -> Result<(), Refused> {
    let world = fake.world();
    let found = world.channels.get(channel).ok_or_else(|| Refused::new(404, 10_003, "Unknown Channel"))?;
    let closed =
        found.recipient.as_ref().and_then(|user| world.users.get(user)).is_some_and(|user| user.closed);
    match found.access {
        Access::None => Err(Refused::new(403, 50_001, "Missing Access")),
        Access::ReadOnly if writing => Err(Refused::new(403, 50_013, "Missing Permissions")),
        _ if closed && writing => Err(Refused::new(403, 50_007, "Cannot send messages to this user")),
        _ => Ok(()),
    }
}

fn files(fake: &FakeDiscord, body: &Value, parts: &[Part]) -> Vec<File> {
    let named = |number: u64| {
        let text = number.to_string();
        let all = body["attachments"].as_array().into_iter().flatten();
        let mut of_number = all.filter(|one| one["id"] == number || one["id"] == text);
        of_number.find_map(|one| one["filename"].as_str()).map(str::to_owned)
    };
    let file = |(number, name, content): &Part| File {
        id: fake.id(),
        name: named(*number).unwrap_or_else(|| name.clone()),
        content: content.clone(),
    };
    parts.iter().map(file).collect()
}

fn or_list(value: &Value) -> Value {
    if value.is_null() { json!([]) } else { value.clone() }
}

/// Makes a message, records it, and tells the gateway.
pub(super) fn create(fake: &FakeDiscord, draft: Draft<'_>) -> Posted {
    let body = draft.body;
    let posted = Posted {
        id: fake.id(),
        channel: draft.channel.to_owned(),
        author: fake.world().bot.clone(),
        content: body["content"].as_str().unwrap_or_default().to_owned(),
        embeds: or_list(&body["embeds"]),
        components: or_list(&body["components"]),
        flags: body["flags"].as_u64().unwrap_or_default(),
        only_for: draft.only_for,
        files: files(fake, body, draft.files),
        edited: 0,
        reference: body["message_reference"]["message_id"].as_str().map(str::to_owned),
        nonce: body["nonce"]
            .as_str()
            .map(str::to_owned)
            .or_else(|| body["nonce"].as_i64().map(|n| n.to_string())),
        interaction: draft.interaction,
        via: draft.via,
        reactions: Vec::new(),
        body: body.clone(),
        at: Instant::now(),
    };
    fake.record().posted.push(posted.clone());
    if posted.only_for.is_none() {
        let shown = show(&fake.world(), &posted, true);
        fake.dispatch("MESSAGE_CREATE", shown);
    }
    posted
}

/// Changes what the body names, and tells the gateway.
pub(super) fn change(fake: &FakeDiscord, id: &str, body: &Value, parts: &[Part]) -> Result<Posted, Refused> {
    let added = files(fake, body, parts);
    let changed = {
        let mut record = fake.record();
        let message = record.message_mut(id).ok_or_else(unknown_message)?;
        if let Some(content) = body.get("content") {
            message.content = content.as_str().unwrap_or_default().to_owned();
        }
        if let Some(embeds) = body.get("embeds") {
            message.embeds = or_list(embeds);
        }
        if let Some(components) = body.get("components") {
            message.components = or_list(components);
        }
        if let Some(kept) = body["attachments"].as_array() {
            message.files.retain(|file| kept.iter().any(|one| one["id"] == file.id));
        }
        if let Some(flags) = body["flags"].as_u64() {
            message.flags = flags | message.flags & limits::EPHEMERAL;
        }
        message.files.extend(added);
        message.edited += 1;
        message.body = body.clone();
        message.clone()
    };
    if changed.only_for.is_none() {
        let shown = show(&fake.world(), &changed, true);
        fake.dispatch("MESSAGE_UPDATE", shown);
    }
    Ok(changed)
}

/// A message object; with `event`, as the gateway has it.
pub(super) fn show(world: &World, posted: &Posted, event: bool) -> Value {
    let named = |user: &String| {
        posted.content.contains(&format!("<@{user}>")) || posted.content.contains(&format!("<@!{user}>"))
    };
    let mentions: Vec<Value> =
        world.users.keys().filter(|user| named(user)).map(|user| world.user_json(user)).collect();
    let file = |file: &File| json!({ "id": file.id, "filename": file.name, "size": file.content.len(), "url": "https://cdn.invalid/", "proxy_url": "https://cdn.invalid/" });
    let guild = world.guild_of(&posted.channel);
    let answers = posted.interaction.is_some() && posted.via != Via::FollowUp;
    let kind = if answers {
        20
    } else if posted.reference.is_some() {
        19
    } else {
        0
    };
    let mut shown = json!({
        "id": posted.id, "channel_id": posted.channel, "author": world.user_json(&posted.author), "type": kind,
        "content": posted.content, "embeds": posted.embeds, "components": posted.components, "flags": posted.flags,
        "attachments": posted.files.iter().map(file).collect::<Vec<_>>(), "mentions": mentions, "mention_roles": [],
        "mention_everyone": false, "pinned": false, "tts": false, "timestamp": jiff::Timestamp::now().to_string(),
        "edited_timestamp": (posted.edited > 0).then(|| jiff::Timestamp::now().to_string()), "nonce": posted.nonce,
    });
    if let Some(reference) = &posted.reference {
        shown["message_reference"] =
            json!({ "type": 0, "message_id": reference, "channel_id": posted.channel });
    }
    if let Some(interaction) = &posted.interaction {
        shown["application_id"] = world.application.clone().into();
        shown["webhook_id"] = world.application.clone().into();
        shown["interaction_metadata"] = json!({ "id": interaction, "type": 2 });
    }
    if event && let Some(guild) = guild {
        shown["member"] = world.member_json(&posted.author, &guild).unwrap_or_else(|| json!({ "roles": [] }));
        shown["guild_id"] = guild.into();
    }
    shown
}

pub(super) fn post(fake: &FakeDiscord, request: &Request) -> Answer {
    let (channel, body) = (&request.parameters[0], &request.body);
    place(fake, channel, true)?;
    limits::message(body, request.files.len(), true)?;
    limits::mentions(fake, "a message", body);
    if body["flags"].as_u64().unwrap_or_default() & limits::EPHEMERAL != 0 {
        return Err(Refused::form("flags", "Only answers to interactions can be ephemeral."));
    }
    if let Some(earlier) = same_nonce(fake, channel, body) {
        return Ok((200, show(&fake.world(), &earlier, false)));
    }
    reference(fake, channel, body)?;
    let draft =
        Draft { channel, body, files: &request.files, only_for: None, interaction: None, via: Via::Channel };
    let posted = create(fake, draft);
    Ok((200, show(&fake.world(), &posted, false)))
}

/// The message that was sent with this nonce before.
fn same_nonce(fake: &FakeDiscord, channel: &str, body: &Value) -> Option<Posted> {
    let nonce = body["nonce"].as_str().filter(|_| body["enforce_nonce"] == true)?;
    let same = |one: &&Posted| one.channel == channel && one.nonce.as_deref() == Some(nonce);
    let earlier = fake.record().posted.iter().find(same).cloned()?;
    if earlier.edited == 0 && earlier.body != *body {
        fake.violation(format!("the nonce {nonce} for two different messages"));
    }
    Some(earlier)
}

fn reference(fake: &FakeDiscord, channel: &str, body: &Value) -> Result<(), Refused> {
    let wanted = &body["message_reference"];
    let Some(id) = wanted["message_id"].as_str() else { return Ok(()) };
    let there = fake.record().message(id).is_some_and(|one| one.channel == channel);
    if there || wanted["fail_if_not_exists"] == false {
        return Ok(());
    }
    Err(Refused::form("message_reference", "Unknown message"))
}

/// The message of the path, if everybody can see it.
fn named(fake: &FakeDiscord, request: &Request) -> Result<Posted, Refused> {
    let record = fake.record();
    let found = record.message(&request.parameters[1]).filter(|one| one.channel == request.parameters[0]);
    found.filter(|one| one.only_for.is_none()).cloned().ok_or_else(unknown_message)
}

pub(super) fn edit(fake: &FakeDiscord, request: &Request) -> Answer {
    place(fake, &request.parameters[0], false)?;
    let message = named(fake, request)?;
    if message.author != fake.world().bot {
        return Err(Refused::new(403, 50_005, "Cannot edit a message authored by another user"));
    }
    limits::message(&request.body, request.files.len(), false)?;
    limits::mentions(fake, "an edit", &request.body);
    let changed = change(fake, &message.id, &request.body, &request.files)?;
    Ok((200, show(&fake.world(), &changed, false)))
}

pub(super) fn delete(fake: &FakeDiscord, request: &Request) -> Answer {
    place(fake, &request.parameters[0], false)?;
    let message = named(fake, request)?;
    if message.author != fake.world().bot {
        return Err(Refused::new(403, 50_013, "Missing Permissions"));
    }
    remove(fake, &message);
    Ok((204, Value::Null))
}

pub(super) fn remove(fake: &FakeDiscord, message: &Posted) {
    fake.record().posted.retain(|one| one.id != message.id);
    if message.only_for.is_none() {
        let guild = fake.world().guild_of(&message.channel);
        fake.dispatch(
            "MESSAGE_DELETE",
            json!({ "id": message.id, "channel_id": message.channel, "guild_id": guild }),
        );
    }
}

pub(super) fn get(fake: &FakeDiscord, request: &Request) -> Answer {
    place(fake, &request.parameters[0], false)?;
    let message = named(fake, request)?;
    Ok((200, show(&fake.world(), &message, false)))
}

/// Newest first.
pub(super) fn list(fake: &FakeDiscord, request: &Request) -> Answer {
    let channel = &request.parameters[0];
    place(fake, channel, false)?;
    let number = |name: &str| {
        let found = request.query.iter().find(|(field, _)| field == name);
        found.and_then(|(_, value)| value.parse::<u64>().ok())
    };
    let limit = number("limit").unwrap_or(50);
    if !(1..=100).contains(&limit) {
        return Err(Refused::form("limit", "Value must be between 1 and 100."));
    }
    let (after, before) = (number("after").unwrap_or_default(), number("before").unwrap_or(u64::MAX));
    let mut found: Vec<Posted> = {
        let record = fake.record();
        let all = record.posted.iter().chain(&record.said);
        let here = all.filter(|one| one.channel == *channel && one.only_for.is_none());
        here.filter(|one| one.id.parse::<u64>().is_ok_and(|id| id > after && id < before)).cloned().collect()
    };
    found.sort_by_key(|one| std::cmp::Reverse(one.id.parse::<u64>().unwrap_or_default()));
    found.truncate(usize::try_from(limit).unwrap());
    let world = fake.world();
    Ok((200, found.iter().map(|one| show(&world, one, false)).collect::<Vec<_>>().into()))
}
