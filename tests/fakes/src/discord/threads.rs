//! Threads, reactions, and the sign of typing.

use serde_json::{Value, json};

use super::{
    Channel, FakeDiscord,
    messages::{place, unknown_message},
    reply::{Answer, Refused},
    rest::Request,
};

/// Opens a thread, of a message or of the channel.
pub(super) fn open(fake: &FakeDiscord, request: &Request) -> Answer {
    let channel = &request.parameters[0];
    place(fake, channel, true)?;
    let name = request.body["name"].as_str().unwrap_or_default();
    if !(1..=100).contains(&name.chars().count()) {
        return Err(Refused::form("name", "Must be between 1 and 100 in length."));
    }
    let of = request.parameters.get(1);
    if let Some(message) = of
        && !fake
            .record()
            .message(message)
            .is_some_and(|one| one.channel == *channel && one.only_for.is_none())
    {
        return Err(unknown_message());
    }
    let mut world = fake.world();
    let parent = &world.channels[channel];
    let Some(guild) = parent.guild.clone().filter(|_| parent.parent.is_none()) else {
        return Err(Refused::new(400, 50_024, "Cannot execute action on this channel type"));
    };
    // A message's thread has the message's id.
    let id = of.cloned().unwrap_or_else(|| fake.id());
    if world.channels.contains_key(&id) {
        return Err(Refused::new(400, 160_004, "A thread has already been created for this message"));
    }
    let thread = Channel {
        id: id.clone(),
        name: name.to_owned(),
        guild: Some(guild),
        parent: Some(channel.clone()),
        ..Channel::default()
    };
    world.channels.insert(id.clone(), thread);
    let shown = world.channel_json(&id).unwrap();
    drop(world);
    fake.dispatch("THREAD_CREATE", shown.clone());
    Ok((201, shown))
}

/// Adds or removes the bot's reaction.
pub(super) fn react(fake: &FakeDiscord, request: &Request, adds: bool) -> Answer {
    place(fake, &request.parameters[0], false)?;
    let bot = fake.world().bot.clone();
    let emoji = request.parameters[2].clone();
    let custom = emoji.split_once(':').is_some_and(|(_, id)| id.parse::<u64>().is_ok());
    if !custom && emoji.is_ascii() {
        return Err(Refused::new(400, 10_014, "Unknown Emoji"));
    }
    let mut record = fake.record();
    let found = record.message_mut(&request.parameters[1]);
    let message = found.filter(|one| one.channel == request.parameters[0]).ok_or_else(unknown_message)?;
    message.reactions.retain(|one| *one != (emoji.clone(), bot.clone()));
    if adds {
        message.reactions.push((emoji, bot));
    }
    Ok((204, Value::Null))
}

pub(super) fn typing(fake: &FakeDiscord, request: &Request) -> Answer {
    let channel = &request.parameters[0];
    place(fake, channel, true)?;
    fake.record().typing.push(channel.clone());
    let (bot, guild) = {
        let world = fake.world();
        (world.bot.clone(), world.guild_of(channel))
    };
    fake.dispatch(
        "TYPING_START",
        json!({ "channel_id": channel, "user_id": bot, "guild_id": guild, "timestamp": 0 }),
    );
    Ok((204, Value::Null))
}
