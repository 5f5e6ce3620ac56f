//! Routes that tell who and what there is.

use serde_json::{Value, json};

use super::{
    FakeDiscord, GUILD_MEMBERS, GatewayUrl,
    reply::{Answer, Refused},
    rest::Request,
};

/// `GET /gateway`, and with `bot` also what may be identified.
pub(super) fn gateway(fake: &FakeDiscord, bot: bool) -> Answer {
    let fault = fake.faults().gateway_url.take();
    let own = fake.gateway_url();
    let url = match fault {
        None => own,
        Some(GatewayUrl::Foreign(url)) => {
            fake.fault(format!("GET /gateway names {url}"));
            url
        }
        Some(GatewayUrl::Status(status)) => {
            fake.fault(format!("GET /gateway answers {status}"));
            return Ok((status, Value::Null));
        }
    };
    let mut body = json!({ "url": url });
    if bot {
        let world = fake.world();
        let limit = &world.start_limit;
        body["shards"] = world.shards.into();
        body["session_start_limit"] = json!({
            "total": limit.total, "remaining": limit.remaining, "reset_after": limit.reset_after,
            "max_concurrency": limit.max_concurrency,
        });
    }
    Ok((200, body))
}

pub(super) fn me(fake: &FakeDiscord) -> Answer {
    let world = fake.world();
    Ok((200, world.user_json(&world.bot)))
}

pub(super) fn application(fake: &FakeDiscord) -> Answer {
    let world = fake.world();
    let body = json!({
        "id": world.application, "name": "Adjutant", "verify_key": world.public_key, "bot_public": false, "flags": 0,
        "bot": world.user_json(&world.bot), "interactions_endpoint_url": *fake.shared.http.lock(),
    });
    Ok((200, body))
}

pub(super) fn guilds(fake: &FakeDiscord) -> Answer {
    let world = fake.world();
    let shown =
        world.guilds.values().map(|guild| json!({ "id": guild.id, "name": guild.name, "owner": false }));
    Ok((200, shown.collect::<Vec<_>>().into()))
}

pub(super) fn guild(fake: &FakeDiscord, request: &Request) -> Answer {
    let found = fake.world().guild_json(&request.parameters[0], false);
    found.map(|guild| (200, guild)).ok_or_else(|| Refused::new(404, 10_004, "Unknown Guild"))
}

/// A page of a guild's members in the order of their ids. Needs the members intent (50001), as "List Guild Members" says.
pub(super) fn members(fake: &FakeDiscord, request: &Request) -> Answer {
    let given =
        |name: &str| request.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    let number = |name: &str, default: u64| {
        let number = given(name).map_or(Ok(default), str::parse);
        number.map_err(|_| Refused::form(name, "Value is not a number."))
    };
    let (limit, after) = (number("limit", 1)?, number("after", 0)?);
    if !(1..=1_000).contains(&limit) {
        return Err(Refused::form("limit", "int value should be between 1 and 1000."));
    }
    let world = fake.world();
    let guild = &request.parameters[0];
    if !world.guilds.contains_key(guild) {
        return Err(Refused::new(404, 10_004, "Unknown Guild"));
    }
    if world.disallowed_intents & GUILD_MEMBERS != 0 {
        return Err(Refused::new(403, 50_001, "Missing Access"));
    }
    let mut found: Vec<(u64, Value)> = world
        .users
        .keys()
        .filter_map(|user| Some((user.parse::<u64>().ok()?, world.whole_member_json(user, guild)?)))
        .filter(|(id, _)| *id > after)
        .collect();
    found.sort_by_key(|(id, _)| *id);
    let page = found.into_iter().take(usize::try_from(limit).unwrap()).map(|(_, member)| member);
    Ok((200, page.collect::<Vec<_>>().into()))
}

/// One member, for which no intent is needed.
pub(super) fn member(fake: &FakeDiscord, request: &Request) -> Answer {
    let [guild, user] = request.parameters.as_slice() else { unreachable!("two names in the path") };
    let world = fake.world();
    if !world.guilds.contains_key(guild) {
        return Err(Refused::new(404, 10_004, "Unknown Guild"));
    }
    let unknown = match world.users.contains_key(user) {
        true => Refused::new(404, 10_007, "Unknown Member"),
        false => Refused::new(404, 10_013, "Unknown User"),
    };
    world.whole_member_json(user, guild).map(|member| (200, member)).ok_or(unknown)
}

pub(super) fn channel(fake: &FakeDiscord, request: &Request) -> Answer {
    let id = &request.parameters[0];
    let world = fake.world();
    let found = world.channel_json(id).ok_or_else(|| Refused::new(404, 10_003, "Unknown Channel"))?;
    match world.channels[id].access {
        super::Access::None => Err(Refused::new(403, 50_001, "Missing Access")),
        _ => Ok((200, found)),
    }
}

/// The direct conversation with a user.
pub(super) fn direct(fake: &FakeDiscord, request: &Request) -> Answer {
    let user = request.body["recipient_id"].as_str().unwrap_or_default();
    let mut world = fake.world();
    if !world.users.contains_key(user) {
        return Err(Refused::new(400, 50_033, "Invalid Recipient(s)"));
    }
    let channel = world.direct(user);
    Ok((200, world.channel_json(&channel).unwrap()))
}
