//! Events as they happen: from the beginning, from the middle, after the end.

use std::time::Duration;

use reqwest::{Response, StatusCode};
use serde_json::{Value, json};

use super::{site::Site, world::SOON};

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
