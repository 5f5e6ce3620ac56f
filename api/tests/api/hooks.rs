//! Hooks: what other systems send arrives, once, and only where it may.

use adjutant_api::key::Pepper;
use adjutant_bus::announcement::NoticeAction;
use reqwest::{Response, StatusCode};
use serde_json::{Value, json};

use super::{
    notices::{ready, taken},
    world::{World, config},
};

fn sample(name: &str) -> String {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/samples");
    std::fs::read_to_string(folder.join(name)).unwrap()
}

async fn post(
    world: &World,
    path: &str,
    key: Option<&str>,
    headers: &[(&str, &str)],
    body: &str,
) -> Response {
    let mut call = world.client.post(world.url(path)).body(body.to_owned());
    for (name, value) in headers {
        call = call.header(*name, *value);
    }
    if let Some(key) = key {
        call = call.bearer_auth(key);
    }
    call.send().await.unwrap()
}

async fn path(world: &World, key: &str, hook: &str) -> String {
    let made = world.post("/v1/destinations/ops/hooks", key, &json!({ "hook": hook })).await;
    made.json::<Value>().await.unwrap()["path"].as_str().unwrap().to_owned()
}

pub async fn an_alert_is_said_and_its_end_is_about_the_same_matter(world: World) {
    let key = ready(&world).await;
    let hook = "/v1/hooks/alertmanager/ops";
    let json = [("content-type", "application/json")];
    let firing = post(&world, hook, Some(&key), &json, &sample("alertmanager/firing.json")).await;
    assert_eq!(firing.status(), StatusCode::ACCEPTED);
    let firing = firing.json::<Value>().await.unwrap();
    assert_eq!(firing["notices"][0]["deliveries"][0]["status"], "accepted");
    let opened = taken(&world, 2).await[0].matter.clone().unwrap();
    assert_eq!(opened.action, NoticeAction::Trigger);
    let resolved = post(&world, hook, Some(&key), &json, &sample("alertmanager/resolved.json")).await;
    assert_eq!(resolved.status(), StatusCode::ACCEPTED);
    assert_eq!(taken(&world, 2).await[0].matter.clone().unwrap().action, NoticeAction::Resolve);
    world.stop().await;
}

pub async fn the_same_event_is_said_once(world: World) {
    let key = ready(&world).await;
    let push = sample("github/push.json");
    let headers = [("x-github-event", "push"), ("x-github-delivery", "72d3162e-cc78-11e3-81ab-4c9367dc0958")];
    let mut ids = Vec::new();
    for _ in 0..2 {
        let answer = post(&world, "/v1/hooks/github/ops", Some(&key), &headers, &push).await;
        assert_eq!(answer.status(), StatusCode::ACCEPTED);
        ids.push(answer.json::<Value>().await.unwrap()["notices"][0]["id"].clone());
    }
    assert_eq!(ids[0], ids[1]);
    taken(&world, 2).await;
    let quiet = [("x-github-event", "pull_request"), ("x-github-delivery", "another")];
    let labeled = sample("github/pull_request.labeled.json");
    let answer = post(&world, "/v1/hooks/github/ops", Some(&key), &quiet, &labeled).await;
    assert_eq!(answer.json::<Value>().await.unwrap(), json!({ "notices": [] }));
    world.stop().await;
}

pub async fn a_secret_in_the_path_reaches_its_own_hook_and_destination_only(world: World) {
    let key = ready(&world).await;
    let path = path(&world, &key, "slack").await;
    let body = r#"{"text": "Deployed"}"#;
    let answer = post(&world, &path, None, &[], body).await;
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(answer.text().await.unwrap(), "ok");
    assert_eq!(taken(&world, 2).await[0].from, "svc:ci");
    for other in [path.replace("/slack/", "/grafana/"), path.replace("/ops/", "/secret/"), format!("{path}x")]
    {
        let answer = post(&world, &other, None, &[], body).await;
        assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
        assert!(!answer.text().await.unwrap().contains("adh_"));
    }
    world.stop().await;
}

pub async fn a_secret_survives_a_change_of_the_pepper_and_its_uses_are_told(world: World) {
    let key = ready(&world).await;
    let database = world.database.clone();
    let old = std::fs::read_to_string(world.dir.path().join("pepper")).unwrap();
    let (used, unused) = (path(&world, &key, "slack").await, path(&world, &key, "grafana").await);
    let dir = world.stop_and_keep().await;
    let (pepper, before) = (|| Some(Pepper::new([2; 32])), Some(Pepper::parse(&old).unwrap()));
    let mut next = config(dir.path(), database.clone());
    (next.pepper, next.previous_pepper) = (pepper(), before);
    let world = World::speaking_as(dir, next).await;
    let on_old = world.keyring.keys_on_old_pepper().await.unwrap();
    let text = r#"{"text": "Deployed"}"#;
    assert_eq!(post(&world, &used, None, &[], text).await.status(), StatusCode::OK);
    assert_eq!(world.keyring.keys_on_old_pepper().await.unwrap(), on_old - 1);
    // The key moves, too, by being used.
    assert_eq!(world.get("/v1/destinations/ops/hooks", &key).await.status(), StatusCode::OK);
    let dir = world.stop_and_keep().await;
    let mut only = config(dir.path(), database);
    only.pepper = pepper();
    let world = World::speaking_as(dir, only).await;
    assert_eq!(post(&world, &used, None, &[], text).await.status(), StatusCode::OK);
    assert_eq!(post(&world, &unused, None, &[], "{}").await.status(), StatusCode::UNAUTHORIZED);
    let listed: Value = world.get("/v1/destinations/ops/hooks", &key).await.json().await.unwrap();
    assert!(listed["items"][0]["last_used_at"].is_string(), "{listed}");
    assert_eq!(listed["items"][0]["last_used_ip"], "127.0.0.1");
    assert!(listed["items"][1]["last_used_at"].is_null(), "{listed}");
    world.stop().await;
}

pub async fn a_signature_of_github_counts_when_there_is_one(world: World) {
    let key = ready(&world).await;
    let path = path(&world, &key, "github").await;
    let (event, body) = (("x-github-event", "ping"), sample("github/ping.json"));
    let wrong = format!("sha256={}", "0".repeat(64));
    let refused = post(&world, &path, None, &[event, ("x-hub-signature-256", &wrong)], &body).await;
    assert_eq!(refused.status(), StatusCode::UNAUTHORIZED);
    let unsigned = post(&world, &path, None, &[event], &body).await;
    assert_eq!(unsigned.status(), StatusCode::ACCEPTED);
    world.stop().await;
}

pub async fn what_a_hook_cannot_read_and_too_much_of_it_are_told_apart(world: World) {
    let key = ready(&world).await;
    let hook = "/v1/hooks/alertmanager/ops";
    let big = format!("{{\"version\": \"{}\"}}", "x".repeat(1024 * 1024));
    for (path, body, status) in [
        (hook, "{", StatusCode::BAD_REQUEST),
        (hook, "[]", StatusCode::UNPROCESSABLE_ENTITY),
        (hook, big.as_str(), StatusCode::PAYLOAD_TOO_LARGE),
        ("/v1/hooks/pager/ops", "{}", StatusCode::NOT_FOUND),
        ("/v1/hooks/slack/ops/none", "{}", StatusCode::UNAUTHORIZED),
    ] {
        assert_eq!(post(&world, path, Some(&key), &[], body).await.status(), status, "{path}");
    }
    // More than a call's usual body.
    let text = json!({ "text": "x".repeat(400 * 1024) }).to_string();
    let taken =
        post(&world, "/v1/hooks/slack/ops", Some(&key), &[("content-type", "application/json")], &text).await;
    assert_eq!(taken.status(), StatusCode::OK);
    // A sender that comes too often is told to come again, not that it is at fault.
    let mut last = StatusCode::OK;
    for _ in 0..200 {
        let answer = post(&world, "/v1/hooks/slack/ops/none", None, &[], "{}").await;
        last = answer.status();
        if last != StatusCode::UNAUTHORIZED {
            assert!(answer.headers().contains_key("retry-after"));
            break;
        }
    }
    assert_eq!(last, StatusCode::SERVICE_UNAVAILABLE);
    world.stop().await;
}
