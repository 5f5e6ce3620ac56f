//! REST: what is refused, what is kept, and what goes wrong when it is told to.

use std::time::Duration;

use adjutant_fakes::discord::{Access, FakeDiscord, GatewayUrl, Rates, RestFault, Scope, World};
use serde_json::{Value, json};

use crate::client::{rest, text};

const MESSAGES: &str = "/channels/5001/messages";
const POST: &str = "POST /channels/{channel_id}/messages";

#[tokio::test]
async fn messages_are_sent_edited_and_deleted() {
    let fake = FakeDiscord::start(World::default()).await;
    let (status, sent) = rest(&fake, "POST", MESSAGES, text("one")).await;
    assert_eq!((status, sent["content"].as_str()), (200, Some("one")));
    let path = format!("{MESSAGES}/{}", sent["id"].as_str().unwrap());
    assert_eq!(rest(&fake, "PATCH", &path, text("two")).await.0, 200);
    let reaction = format!("{path}/reactions/%F0%9F%91%80/@me");
    assert_eq!(rest(&fake, "PUT", &reaction, Value::Null).await.0, 204);
    let (status, thread) = rest(&fake, "POST", &format!("{path}/threads"), json!({ "name": "run" })).await;
    assert_eq!((status, &thread["id"]), (201, &sent["id"]));
    let in_thread = format!("/channels/{}/messages", thread["id"].as_str().unwrap());
    assert_eq!(rest(&fake, "POST", &in_thread, text("inside")).await.0, 200);
    let posted = fake.messages("5001");
    assert_eq!((posted.len(), posted[0].content.as_str(), posted[0].edited), (1, "two", 1));
    assert_eq!(posted[0].reactions, [("👀".to_owned(), "8002".to_owned())]);
    assert_eq!(rest(&fake, "GET", &path, Value::Null).await.1["content"], "two");
    assert_eq!(rest(&fake, "DELETE", &path, Value::Null).await.0, 204);
    assert_eq!(rest(&fake, "GET", &path, Value::Null).await.1["code"], 10_008);
    let (_, direct) = rest(&fake, "POST", "/users/@me/channels", json!({ "recipient_id": "4001" })).await;
    assert_eq!(direct["type"], 1);
    assert_eq!(fake.violations(), [""; 0]);
}

#[tokio::test]
async fn what_there_is_can_be_looked_up() {
    let fake = FakeDiscord::start(World::default()).await;
    let (_, gateway) = rest(&fake, "GET", "/gateway/bot", Value::Null).await;
    assert_eq!(gateway["url"], fake.gateway_url());
    assert_eq!(gateway["session_start_limit"]["remaining"], 1_000);
    assert_eq!(rest(&fake, "GET", "/users/@me", Value::Null).await.1["id"], "8002");
    let public_key = fake.world().public_key.clone();
    assert_eq!(rest(&fake, "GET", "/applications/@me", Value::Null).await.1["verify_key"], public_key);
    assert_eq!(rest(&fake, "GET", "/users/@me/guilds", Value::Null).await.1[0]["name"], "Acme");
    assert_eq!(rest(&fake, "GET", "/guilds/9001", Value::Null).await.1["roles"][1]["id"], "7001");
    assert_eq!(rest(&fake, "GET", "/channels/5002", Value::Null).await.1["name"], "random");
    assert_eq!(rest(&fake, "GET", "/guilds/1", Value::Null).await.1["code"], 10_004);
    fake.faults().gateway_url.next(GatewayUrl::Foreign("wss://gateway.discord.gg".to_owned()));
    assert_eq!(rest(&fake, "GET", "/gateway/bot", Value::Null).await.1["url"], "wss://gateway.discord.gg");
    assert_eq!(fake.violations(), [""; 0]);
    assert_eq!(rest(&fake, "GET", "/guilds/9001/bans", Value::Null).await.0, 404);
    assert_eq!(fake.violations().len(), 1);
}

#[tokio::test]
async fn bodies_that_discord_refuses_are_refused() {
    let fake = FakeDiscord::start(World::default()).await;
    fake.faults().rates = Rates::generous();
    let with = |name: &str, value: Value| {
        let mut body = text("x");
        body[name] = value;
        body
    };
    let field = |n: usize| json!({ "name": format!("f{n}"), "value": "v" });
    let button = |id: &str| json!({ "type": 2, "style": 1, "label": "Go", "custom_id": id });
    let refused = [
        text(&"x".repeat(2_001)),
        with("embeds", json!([{ "title": "x".repeat(257) }])),
        with("embeds", json!([{ "fields": (0..26).map(field).collect::<Vec<_>>() }])),
        with("embeds", json!([{ "description": "x".repeat(3_500) }, { "description": "x".repeat(3_500) }])),
        with("embeds", json!(vec![json!({ "title": "x" }); 11])),
        with("nonce", json!("x".repeat(26))),
        with("components", json!([{ "type": 1, "components": [button("a"), button("a")] }])),
        with("components", json!([{ "type": 1, "components": [button(&"x".repeat(101))] }])),
        with("components", json!([button("a")])),
        with("components", json!("none")),
        with("flags", json!(64)),
        with("flags", json!(1 << 15)),
        with("message_reference", json!({ "message_id": "1" })),
        json!([]),
        json!("text"),
    ];
    for (n, body) in refused.into_iter().enumerate() {
        let (status, answer) = rest(&fake, "POST", MESSAGES, body.clone()).await;
        assert_eq!((status, answer["code"].as_u64()), (400, Some(50_035)), "{n}: {body} {answer}");
        assert_eq!(fake.violations().len(), n + 1);
    }
    let empty = json!({ "content": " ", "allowed_mentions": { "parse": [] } });
    assert_eq!(rest(&fake, "POST", MESSAGES, empty).await.1["code"], 50_006);
    assert!(fake.messages("5001").is_empty());
}

#[tokio::test]
async fn texts_that_ring_people_up_are_noted() {
    let fake = FakeDiscord::start(World::default()).await;
    rest(&fake, "POST", MESSAGES, json!({ "content": "x" })).await;
    rest(&fake, "POST", MESSAGES, json!({ "content": "x", "allowed_mentions": { "parse": ["everyone"] } }))
        .await;
    assert_eq!(fake.violations().len(), 2);
    assert_eq!(fake.messages("5001").len(), 2);
}

#[tokio::test]
async fn the_same_nonce_is_the_same_message() {
    let fake = FakeDiscord::start(World::default()).await;
    let mut body = text("once");
    body["nonce"] = "n1".into();
    body["enforce_nonce"] = true.into();
    fake.faults().next(POST, RestFault::DoneThenDrop);
    assert_eq!(rest(&fake, "POST", MESSAGES, body.clone()).await.0, 0);
    let (status, again) = rest(&fake, "POST", MESSAGES, body.clone()).await;
    let posted = fake.messages("5001");
    assert_eq!((status, posted.len(), again["id"].as_str()), (200, 1, Some(posted[0].id.as_str())));
    body["content"] = "other".into();
    rest(&fake, "POST", MESSAGES, body).await;
    assert_eq!(fake.violations(), ["the nonce n1 for two different messages"]);
}

#[tokio::test]
async fn a_token_a_user_agent_and_a_permission_are_needed() {
    let fake = FakeDiscord::start(World::default()).await;
    let url = format!("{}/v10/users/@me", fake.api_url());
    let client = reqwest::Client::new();
    let plain = client.get(&url).header("user-agent", "DiscordBot (x, 1)").send().await.unwrap();
    assert_eq!(plain.status(), 401);
    let token = format!("Bot {}", fake.world().bot_token);
    let anonymous = client.get(&url).header("authorization", token).send().await.unwrap();
    assert_eq!(anonymous.status(), 403);
    assert_eq!(fake.violations().len(), 2);
    fake.world().channels.get_mut("5001").unwrap().access = Access::ReadOnly;
    let (status, answer) = rest(&fake, "POST", MESSAGES, text("x")).await;
    assert_eq!((status, answer["code"].as_u64()), (403, Some(50_013)));
    assert_eq!(fake.record().invalid(), 3);
}

#[tokio::test]
async fn buckets_are_kept_to_and_told() {
    let fake = FakeDiscord::start(World::default()).await;
    fake.faults().rates.messages = (2, Duration::from_secs(60));
    let client = reqwest::Client::new();
    let token = format!("Bot {}", fake.world().bot_token);
    let url = format!("{}/v10{MESSAGES}", fake.api_url());
    let send = || client.post(&url).header("user-agent", "DiscordBot (x, 1)").header("authorization", &token);
    let first = send().json(&text("x")).send().await.unwrap();
    assert_eq!(
        (first.status().as_u16(), &first.headers()["x-ratelimit-remaining"]),
        (200, &"1".parse().unwrap())
    );
    assert!(first.headers().contains_key("x-ratelimit-bucket"));
    send().json(&text("x")).send().await.unwrap();
    let third = send().json(&text("x")).send().await.unwrap();
    assert_eq!(
        (third.status().as_u16(), &third.headers()["x-ratelimit-scope"]),
        (429, &"user".parse().unwrap())
    );
    assert!(third.json::<Value>().await.unwrap()["retry_after"].as_f64().unwrap() > 50.0);
    assert_eq!(rest(&fake, "POST", "/channels/5002/messages", text("x")).await.0, 200);
}

#[tokio::test]
async fn a_request_that_comes_while_it_was_told_to_wait_is_noted() {
    let fake = FakeDiscord::start(World::default()).await;
    fake.faults().next(POST, RestFault::Limited { scope: Scope::User, retry_after: 60.0 });
    // What was on its way when the limit was told is not noted.
    let end = std::time::Instant::now() + crate::client::WAIT;
    while fake.violations().is_empty() && std::time::Instant::now() < end {
        assert_eq!(rest(&fake, "POST", MESSAGES, text("x")).await.0, 429);
    }
    assert!(fake.violations()[0].starts_with(POST), "{:?}", fake.violations());
}

#[tokio::test]
async fn requests_fail_as_they_are_told() {
    let fake = FakeDiscord::start(World::default()).await;
    fake.faults().rates = Rates::generous();
    let limited = RestFault::Limited { scope: Scope::Shared, retry_after: 0.0 };
    fake.faults().next(POST, limited);
    fake.faults().next(POST, RestFault::UNAUTHORIZED);
    fake.faults().next(POST, RestFault::FORBIDDEN);
    fake.faults().next(POST, RestFault::Status(502));
    fake.faults().next(POST, RestFault::Drop);
    fake.faults().next(POST, RestFault::DoneThen500);
    fake.faults().next(POST, RestFault::DoneThenOdd);
    let mut seen = Vec::new();
    let mut last = Value::Null;
    for _ in 0..7 {
        let (status, body) = rest(&fake, "POST", MESSAGES, text("x")).await;
        seen.push(status);
        last = body;
    }
    assert_eq!(seen, [429, 401, 403, 502, 0, 500, 200]);
    assert!(last["id"].is_u64() && last["tts"].is_null());
    assert_eq!(fake.messages("5001").len(), 2);
    assert_eq!(fake.record().invalid(), 2);
    assert_eq!(fake.violations(), [""; 0]);
    let global = RestFault::Limited { scope: Scope::Global, retry_after: 60.0 };
    fake.faults().next(POST, global);
    assert_eq!(rest(&fake, "POST", MESSAGES, text("x")).await.1["global"], true);
    assert_eq!(rest(&fake, "GET", "/users/@me", Value::Null).await.0, 429);
}

#[tokio::test]
async fn files_come_with_their_message() {
    let fake = FakeDiscord::start(World::default()).await;
    let mut payload = text("see");
    payload["attachments"] = json!([{ "id": 0, "filename": "log.txt" }]);
    let body = format!(
        "--b\r\nContent-Disposition: form-data; name=\"payload_json\"\r\nContent-Type: application/json\r\n\r\n{payload}\r\n\
         --b\r\nContent-Disposition: form-data; name=\"files[0]\"; filename=\"log.txt\"\r\n\r\nline 1\r\nline 2\r\n--b--\r\n"
    );
    let token = format!("Bot {}", fake.world().bot_token);
    let sent = reqwest::Client::new()
        .post(format!("{}/v10{MESSAGES}", fake.api_url()))
        .header("user-agent", "DiscordBot (x, 1)")
        .header("authorization", token)
        .header("content-type", "multipart/form-data; boundary=b")
        .body(body);
    let answer: Value = sent.send().await.unwrap().json().await.unwrap();
    assert_eq!(answer["attachments"][0]["filename"], "log.txt", "{answer}");
    let posted = fake.messages("5001");
    assert_eq!(
        (posted[0].files[0].name.as_str(), posted[0].files[0].content.as_slice()),
        ("log.txt", &b"line 1\r\nline 2"[..])
    );
    assert_eq!(fake.violations(), [""; 0]);
}

#[tokio::test]
async fn commands_are_overwritten_as_a_whole() {
    let fake = FakeDiscord::start(World::default()).await;
    let path = "/applications/8001/guilds/9001/commands";
    let command =
        |name: &str| json!({ "name": name, "description": "Does it", "default_member_permissions": "0" });
    let (status, first) = rest(&fake, "PUT", path, json!([command("run"), command("status")])).await;
    assert_eq!((status, first.as_array().map(Vec::len)), (200, Some(2)));
    let (_, second) = rest(&fake, "PUT", path, json!([command("status")])).await;
    assert_eq!(second[0]["id"], first[1]["id"]);
    assert_eq!(rest(&fake, "GET", path, Value::Null).await.1.as_array().map(Vec::len), Some(1));
    assert_eq!(fake.violations(), [""; 0]);
    let option = |name: &str, required: bool| json!({ "type": 3, "name": name, "description": "d", "required": required });
    let mut unordered = command("x");
    unordered["options"] = json!([option("a", false), option("b", true)]);
    let refused = [
        json!([command("Run")]),
        json!([command("a"), command("a")]),
        json!([command("a b")]),
        json!([unordered]),
        json!([{ "name": "x", "description": "" }]),
        json!((0..101).map(|n| command(&format!("c{n}"))).collect::<Vec<_>>()),
    ];
    for body in refused {
        assert_eq!(rest(&fake, "PUT", path, body.clone()).await.0, 400, "{body}");
    }
    assert_eq!(fake.record().commands["9001"].len(), 1);
}

#[tokio::test]
async fn new_commands_are_counted_by_the_day() {
    let fake = FakeDiscord::start(World::default()).await;
    let path = "/applications/8001/commands";
    let body = |from: usize| {
        (from..from + 100).map(|n| json!({ "name": format!("c{n}"), "description": "d" })).collect::<Vec<_>>()
    };
    for from in [0, 0, 100] {
        assert_eq!(rest(&fake, "PUT", path, body(from).into()).await.0, 200);
    }
    assert_eq!(rest(&fake, "PUT", path, body(200).into()).await.1["code"], 30_034);
    assert_eq!(fake.record().created[""], 200);
}
