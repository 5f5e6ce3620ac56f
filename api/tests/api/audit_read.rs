//! Reading the record over HTTP.

use reqwest::StatusCode;
use serde_json::Value;

use super::{
    journal::{live, request},
    world::World,
};

/// Three requests in the record, and a key that may read it.
async fn filled(world: &World) -> String {
    let key = world.key("auditor", &["audit:read"]).await;
    for number in 0..3 {
        live(&world.bus, &request(&format!("Ev{number}"))).await;
    }
    world
        .eventually(async || (items(world, &key, "?kind=request.succeeded").await.len() == 3).then_some(()))
        .await;
    // It is recorded beside.
    world.eventually(async || (items(world, &key, "?kind=policy.").await.len() == 1).then_some(())).await;
    key
}

async fn json(world: &World, key: &str, path: &str) -> Value {
    let response = world.get(path, key).await;
    assert_eq!(response.status(), StatusCode::OK, "{path}");
    response.json().await.unwrap()
}

async fn items(world: &World, key: &str, query: &str) -> Vec<Value> {
    json(world, key, &format!("/v1/audit{query}")).await["items"].as_array().unwrap().clone()
}

pub async fn entries_are_found_by_each_filter_and_page_by_page(world: World) {
    let key = filled(&world).await;
    let all = items(&world, &key, "?limit=200").await;
    let total = all.len();
    assert!(total >= 12, "a journal, a service, a key, nine facts: {total}");
    let seqs: Vec<i64> = all.iter().map(|item| item["seq"].as_i64().unwrap()).collect();
    assert!(seqs.is_sorted_by(|a, b| a > b), "newest first");
    assert_eq!(items(&world, &key, "?actor=slack:T0/U1&limit=200").await.len(), 9);
    assert_eq!(items(&world, &key, "?kind=request.&limit=200").await.len(), 9);
    assert_eq!(items(&world, &key, "?kind=request&limit=200").await.len(), 0);
    assert_eq!(items(&world, &key, "?outcome=succeeded").await.len(), 3);
    assert_eq!(items(&world, &key, "?target=deploy%20start&limit=200").await.len(), 9);
    assert_eq!(items(&world, &key, "?target=%00").await.len(), 0);
    let id = request("Ev1").id;
    let of_one = items(&world, &key, &format!("?request_id={id}&order=asc")).await;
    let kinds: Vec<_> = of_one.iter().map(|item| item["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["request.claimed", "request.started", "request.succeeded"]);
    let middle = of_one[0]["at"].as_str().unwrap().replace('+', "%2B");
    let (before, after) = (format!("?until={middle}&limit=200"), format!("?since={middle}&limit=200"));
    assert_eq!(items(&world, &key, &before).await.len() + items(&world, &key, &after).await.len(), total);

    let (mut walked, mut path) = (Vec::new(), "/v1/audit?limit=5&order=asc".to_owned());
    loop {
        let response = world.get(&path, &key).await;
        let link = response.headers().get("link").map(|link| link.to_str().unwrap().to_owned());
        let page: Value = response.json().await.unwrap();
        walked.extend(page["items"].as_array().unwrap().iter().map(|item| item["seq"].as_i64().unwrap()));
        assert_eq!(link.is_some(), page.get("next_cursor").is_some());
        let Some(link) = link else { break };
        // Relative to the address asked for.
        path = format!("/v1/audit{}", link.trim_start_matches('<').split('>').next().unwrap());
    }
    let rising: Vec<i64> = seqs.into_iter().rev().collect();
    assert_eq!(walked, rising);
    world.stop().await;
}

pub async fn one_entry_is_shown_and_what_does_not_fit_is_told(world: World) {
    let key = filled(&world).await;
    let first = json(&world, &key, "/v1/audit/1").await;
    assert_eq!((first["seq"].as_i64(), first["prev_hash"].as_str()), (Some(1), Some("")));
    for (path, status) in [
        ("/v1/audit/999999", StatusCode::NOT_FOUND),
        ("/v1/audit/x", StatusCode::NOT_FOUND),
        ("/v1/audit?limit=0", StatusCode::UNPROCESSABLE_ENTITY),
        ("/v1/audit?limit=many", StatusCode::BAD_REQUEST),
        ("/v1/audit?since=yesterday", StatusCode::BAD_REQUEST),
        ("/v1/audit?nothing=1", StatusCode::BAD_REQUEST),
        ("/v1/audit?cursor=zz", StatusCode::NOT_FOUND),
        ("/v1/audit/export?format=xml", StatusCode::BAD_REQUEST),
    ] {
        let response = world.get(path, &key).await;
        assert_eq!(response.status(), status, "{path}");
        assert_eq!(response.headers()["content-type"], "application/problem+json", "{path}");
    }
    let other = world.key("ci", &["commands:read"]).await;
    assert_eq!(world.get("/v1/audit", &other).await.status(), StatusCode::FORBIDDEN);
    world.stop().await;
}

pub async fn exports_hold_every_entry_and_verification_reports(world: World) {
    let key = filled(&world).await;
    let total = items(&world, &key, "?limit=200").await.len();
    let ndjson = world.get("/v1/audit/export", &key).await;
    assert_eq!(ndjson.headers()["content-type"], "application/x-ndjson");
    let text = ndjson.text().await.unwrap();
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), total);
    let chained = lines.windows(2).all(|pair| pair[0]["hash"] == pair[1]["prev_hash"]);
    assert!(chained, "an export can be verified by itself");
    let csv = world.get("/v1/audit/export?format=csv&kind=request.", &key).await.text().await.unwrap();
    assert_eq!(csv.matches("\r\n").count(), 10, "{csv}");
    let request = world.client.get(world.url("/v1/audit?outcome=succeeded")).bearer_auth(&key);
    let accepted = request.header("accept", "application/x-ndjson").send().await.unwrap();
    assert_eq!(accepted.text().await.unwrap().lines().count(), 3);
    let report = json(&world, &key, "/v1/audit/verify").await;
    assert_eq!((report["whole"].as_bool(), report["entries"].as_u64()), (Some(true), Some(total as u64)));
    assert!(json(&world, &key, "/v1/audit/checkpoints").await["items"].as_array().unwrap().is_empty());
    world.stop().await;
}
