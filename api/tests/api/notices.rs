//! Notices: who may say what where, and that the bus has it when the caller is told so.

use std::time::Duration;

use adjutant_bus::{announcement::NoticeAction, notice::Notice, wire};
use reqwest::StatusCode;
use serde_json::{Value, json};

use super::{
    destinations::ops,
    world::{SOON, World},
};

/// A world with the destinations `ops` and `secret`, and a key of the service that may speak.
pub async fn ready(world: &World) -> String {
    let key =
        world.key("ci", &["destinations:read", "destinations:write", "notify:send", "audit:read"]).await;
    for name in ["ops", "secret"] {
        let body = json!({ "name": name, "targets": ops()["targets"] });
        assert_eq!(world.post("/v1/destinations", &key, &body).await.status(), StatusCode::CREATED);
    }
    key
}

/// Takes this many notices off the bus.
pub async fn taken(world: &World, count: usize) -> Vec<Notice> {
    let mut notices = Vec::new();
    while notices.len() < count {
        for delivery in world.bus.outbox.take(count, SOON).await.unwrap() {
            delivery.handle.acknowledge().await.unwrap();
            notices.push(wire::decode::<Notice>("notice", &delivery.payload).unwrap());
        }
    }
    assert!(world.bus.outbox.take(1, Duration::ZERO).await.unwrap().is_empty(), "no more than {count}");
    notices
}

pub async fn what_is_said_reaches_every_channel_and_is_recorded_without_its_text(world: World) {
    let key = ready(&world).await;
    let body = json!({
        "text": "The disk of db-1 is full", "title": "Disk", "severity": "error", "dedup_key": "disk/db-1",
        "action": "trigger", "fields": [{ "label": "Host", "value": "db-1" }],
        "links": [{ "label": "Runbook", "url": "https://example.org/r" }],
    });
    let answer = world.post("/v1/notify/ops", &key, &body).await;
    assert_eq!(answer.status(), StatusCode::ACCEPTED);
    let answer = answer.json::<Value>().await.unwrap();
    assert_eq!(answer["dedup_key"], "disk/db-1");
    assert_eq!(answer["deliveries"][0]["status"], "accepted");
    assert_eq!(answer["deliveries"][1]["target"]["platform"], "console");
    let notices = taken(&world, 2).await;
    assert!(notices.iter().all(|notice| notice.from == "svc:ci" && notice.reply.title == "Disk"));
    assert_ne!(notices[0].id, notices[1].id);
    let matter = notices[0].matter.clone().unwrap();
    assert_eq!((matter.key.as_str(), matter.action), ("disk/db-1", NoticeAction::Trigger));
    let path = format!("/v1/notices/{}", answer["id"].as_str().unwrap());
    let told = world.get(&path, &key).await.json::<Value>().await.unwrap();
    assert_eq!(told["message"]["text"], "The disk of db-1 is full");
    let record = format!("/v1/audit?target=notice:{}", answer["id"].as_str().unwrap());
    let record = world.get(&record, &key).await.text().await.unwrap();
    assert!(record.contains("notice.sent") && record.contains("disk/db-1"), "{record}");
    assert!(!record.contains("is full"), "{record}");
    let other = world.key("other", &["notify:send"]).await;
    assert_eq!(world.get(&path, &other).await.status(), StatusCode::NOT_FOUND);
    let admin = world.key("root", &["admin"]).await;
    assert_eq!(world.get(&path, &admin).await.status(), StatusCode::OK);
    let tested = world.client.post(world.url("/v1/destinations/ops/test")).bearer_auth(&key).send().await;
    assert_eq!(tested.unwrap().status(), StatusCode::ACCEPTED);
    taken(&world, 2).await;
    world.stop().await;
}

pub async fn policy_and_scopes_bound_who_says_what_where(world: World) {
    let key = ready(&world).await;
    let body = json!({ "text": "a" });
    let denied = world.post("/v1/notify/secret", &key, &body).await;
    assert_eq!(denied.status(), StatusCode::FORBIDDEN);
    let denied = denied.json::<Value>().await.unwrap();
    assert_eq!(denied["code"], "not_allowed");
    assert!(denied["policy_version"].is_string(), "{denied}");
    let other = world.key("other", &["notify:send"]).await;
    let denied = world.post("/v1/notify/ops", &other, &body).await.json::<Value>().await.unwrap();
    assert_eq!(denied["code"], "not_allowed");
    assert_eq!(denied["who_may"], json!(["svc:ci"]));
    let narrow = world.key("ci", &["notify:send:web-*"]).await;
    let lacking = world.post("/v1/notify/ops", &narrow, &body).await.json::<Value>().await.unwrap();
    assert_eq!(lacking["code"], "insufficient_scope");
    assert_eq!(world.post("/v1/notify/nowhere", &key, &body).await.status(), StatusCode::NOT_FOUND);
    assert!(world.bus.outbox.take(1, Duration::ZERO).await.unwrap().is_empty());
    world.stop().await;
}

pub async fn what_does_not_fit_is_told_with_its_place(world: World) {
    let key = ready(&world).await;
    let long = "x".repeat(4001);
    for (body, pointer) in [
        (json!({ "text": "" }), "/text"),
        (json!({ "text": long }), "/text"),
        (json!({ "text": "a", "dedup_key": "" }), "/dedup_key"),
        (json!({ "text": "a", "dedup_key": "\u{0}" }), "/dedup_key"),
        (json!({ "text": "a", "action": "resolve" }), "/dedup_key"),
        (json!({ "text": "a", "links": [{ "label": "a", "url": "javascript:alert(1)" }] }), "/links/0/url"),
        (json!({ "text": "a", "fields": vec![json!({ "label": "a", "value": "b" }); 26] }), "/fields"),
    ] {
        let answer = world.post("/v1/notify/ops", &key, &body).await;
        assert_eq!(answer.status(), StatusCode::UNPROCESSABLE_ENTITY, "{body}");
        assert_eq!(answer.json::<Value>().await.unwrap()["errors"][0]["pointer"], pointer);
    }
    for path in ["/v1/notices/none", "/v1/notices/%00"] {
        assert_eq!(world.get(path, &key).await.status(), StatusCode::NOT_FOUND, "{path}");
    }
    world.stop().await;
}
