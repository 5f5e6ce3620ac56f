//! Events as they happen: from the beginning, from the middle, after the end.

use std::time::Duration;

use adjutant_api::{
    keyring::{By, KeyChange, State},
    scope::Scopes,
};
use adjutant_bus::{
    event::{Fact, Progress},
    reply::Reply,
};
use jiff::Timestamp;
use reqwest::{Response, StatusCode};
use serde_json::{Value, json};

use super::{
    journal::{self, event, request},
    site::Site,
    world::{SOON, World},
};

const SCOPES: [&str; 2] = ["requests:submit", "requests:read"];

/// The ids and kinds of a stream that ends.
async fn all(answer: Response) -> Vec<(u64, String)> {
    assert_eq!(answer.status(), StatusCode::OK);
    let text = tokio::time::timeout(SOON, answer.text()).await.expect("it must end").unwrap();
    parse(&text)
}

fn parse(text: &str) -> Vec<(u64, String)> {
    let field = |block: &str, name: &str| {
        block.lines().find_map(|line| Some(line.strip_prefix(name)?.trim().to_owned()))
    };
    text.split("\n\n")
        .filter_map(|block| Some((field(block, "id:")?.parse().unwrap(), field(block, "event:")?)))
        .collect()
}

pub async fn a_stream_begins_where_it_is_told_and_ends_with_the_request(site: Site) {
    let key = site.world.key("ci", &SCOPES).await;
    let id = site.submit(&key, &json!({ "text": "deploy wait" })).await;
    let path = format!("/v1/requests/{id}/events");
    let mut live = site.world.get(&path, &key).await;
    assert_eq!(live.headers()["content-type"], "text/event-stream");
    assert_eq!(live.headers()["cache-control"], "no-cache");
    assert_eq!(live.headers()["x-accel-buffering"], "no");
    let mut text = String::new();
    // Live: the request cannot end before this has been received.
    while !text.contains("event: progress") {
        let chunk = tokio::time::timeout(SOON, live.chunk()).await.expect("it must come").unwrap().unwrap();
        text.push_str(std::str::from_utf8(&chunk).unwrap());
    }
    site.gate.add_permits(1);
    while let Some(chunk) = tokio::time::timeout(SOON, live.chunk()).await.expect("it must end").unwrap() {
        text.push_str(std::str::from_utf8(&chunk).unwrap());
    }
    let seen = parse(&text);
    let kinds: Vec<&str> = seen.iter().map(|(_, kind)| kind.as_str()).collect();
    assert_eq!(kinds, ["claimed", "started", "progress", "succeeded"]);
    assert!(!text.contains("\"answer\""));

    let (middle, last) = (seen[1].0, seen[3].0);
    let resumed = site
        .world
        .client
        .get(site.world.url(&path))
        .bearer_auth(&key)
        .header("Last-Event-ID", middle.to_string())
        .send()
        .await
        .unwrap();
    assert_eq!(all(resumed).await, seen[2..]);
    assert_eq!(all(site.world.get(&format!("{path}?after={middle}"), &key).await).await, seen[2..]);
    assert_eq!(all(site.world.get(&format!("{path}?after={last}"), &key).await).await, []);

    let list = |accept: &str| {
        let call = site.world.client.get(site.world.url(&format!("{path}?after={middle}")));
        call.bearer_auth(&key).header("Accept", accept.to_owned()).send()
    };
    let listed: Value = list("application/json").await.unwrap().json().await.unwrap();
    assert_eq!(listed["ended"], true);
    assert_eq!(listed["items"].as_array().unwrap().len(), 2);
    assert_eq!(list("image/png").await.unwrap().status(), StatusCode::NOT_ACCEPTABLE);
    site.stop().await;
}

pub async fn streams_of_a_key_are_bounded_and_end_when_the_service_stops(site: Site) {
    let key = site.world.key("ci", &SCOPES).await;
    let id = site.submit(&key, &json!({ "text": "deploy wait" })).await;
    let path = format!("/v1/requests/{id}/events");
    let mut open = Vec::new();
    for _ in 0..64 {
        let answer = site.world.get(&path, &key).await;
        assert_eq!(answer.status(), StatusCode::OK);
        open.push(answer);
    }
    let one_more = site.world.get(&path, &key).await;
    assert_eq!(one_more.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(one_more.json::<Value>().await.unwrap()["code"], "quota_exceeded");
    site.stop().await;
    for answer in open {
        let ended = tokio::time::timeout(Duration::from_secs(30), answer.text()).await;
        assert!(ended.is_ok(), "a stream ends with the service");
    }
}

/// Reads a stream until it has said this.
async fn until(stream: &mut Response, text: &mut String, said: &str) {
    while !text.contains(said) {
        let chunk = tokio::time::timeout(SOON, stream.chunk()).await.expect("it must come").unwrap().unwrap();
        text.push_str(std::str::from_utf8(&chunk).unwrap());
    }
}

pub async fn a_stream_ends_with_its_key_and_says_why(site: Site) {
    let lasting = site.world.key("ci", &SCOPES).await;
    let by = By::operator("test");
    let id = site.submit(&lasting, &json!({ "text": "deploy wait" })).await;
    let path = format!("/v1/requests/{id}/events");
    let mut stays = site.world.get(&path, &lasting).await;
    let soon = Timestamp::now().as_millisecond() + 1_500;
    let change = |change: KeyChange| Some(change);
    for (code, change) in [
        ("key_revoked", None),
        ("key_disabled", change(KeyChange { state: Some(State::Disabled), ..KeyChange::default() })),
        ("key_expired", change(KeyChange { expires_at: Some(Some(soon)), ..KeyChange::default() })),
        ("insufficient_scope", change(KeyChange { scopes: Some(Scopes::default()), ..KeyChange::default() })),
        (
            "address_not_allowed",
            change(KeyChange {
                allowed_cidrs: Some(Some(vec!["192.0.2.0/24".parse().unwrap()])),
                ..KeyChange::default()
            }),
        ),
    ] {
        let key = site.world.key("ci", &SCOPES).await;
        let mut stream = site.world.get(&path, &key).await;
        let mut text = String::new();
        until(&mut stream, &mut text, "event: progress").await;
        let own: Value = site.world.get("/v1/keys/self", &key).await.json().await.unwrap();
        let key_id = own["key_id"].as_str().unwrap();
        match change {
            None => drop(site.world.keyring.revoke_key(&by, key_id, "test", false).await.unwrap()),
            Some(change) => {
                drop(site.world.keyring.change_key(&by, key_id, change, None, false).await.unwrap())
            }
        }
        while let Some(chunk) =
            tokio::time::timeout(SOON, stream.chunk()).await.expect("it must end").unwrap()
        {
            text.push_str(std::str::from_utf8(&chunk).unwrap());
        }
        let last = text.trim_end().rsplit("\n\n").next().unwrap();
        let data = last.strip_prefix("event: problem\ndata: ").unwrap_or_else(|| panic!("{code}: {last}"));
        assert_eq!(serde_json::from_str::<Value>(data).unwrap()["code"], code);
    }
    site.gate.add_permits(1);
    until(&mut stays, &mut String::new(), "event: succeeded").await;
    site.stop().await;
}

/// More events than are read at once.
const MANY: u32 = 5_000;

pub async fn a_request_with_very_many_events_is_told_whole(world: World) {
    let key = world.key("auditor", &["requests:read", "audit:read"]).await;
    let asked = request("Ev1");
    let mut last = 0;
    for number in 1..=MANY {
        let fact = match number {
            1 => Fact::Claimed,
            2 => Fact::Started,
            MANY => Fact::Succeeded { reply: Reply::success("Done.") },
            step => Fact::Progress { progress: Progress { text: format!("step {step}"), percent: None } },
        };
        last = world
            .bus
            .journal
            .append(&journal::key(&asked), last, &event(&asked, number, fact))
            .await
            .unwrap();
    }
    let path = format!("/v1/requests/{}", asked.id);
    let told: Value = world.get(&path, &key).await.json().await.unwrap();
    assert_eq!((&told["state"], &told["reply"]["title"]), (&json!("succeeded"), &json!("Done.")));
    assert_eq!((&told["attempts"], &told["progress"]["text"]), (&json!(1), &json!("step 4999")));
    let mut seen = 0;
    let mut after = 0;
    loop {
        let page = world.client.get(world.url(&format!("{path}/events?after={after}"))).bearer_auth(&key);
        let page: Value =
            page.header("Accept", "application/json").send().await.unwrap().json().await.unwrap();
        let items = page["items"].as_array().unwrap();
        assert!(!items.is_empty());
        seen += items.len();
        after = items.last().unwrap()["sequence"].as_u64().unwrap();
        if page["ended"] == true {
            break;
        }
    }
    assert_eq!(seen, MANY as usize);
    assert_eq!(all(world.get(&format!("{path}/events"), &key).await).await.len(), MANY as usize);
    let cancel = world.key("auditor", &["requests:read", "audit:read", "requests:cancel"]).await;
    let late = world.post(&format!("{path}/cancel"), &cancel, &json!({})).await;
    assert_eq!(late.json::<Value>().await.unwrap()["code"], "already_ended");
    world.stop().await;
}
