//! Routes that tell who and what there is.

use serde_json::{Value, json};

use super::{
    FakeDiscord, GatewayUrl,
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
