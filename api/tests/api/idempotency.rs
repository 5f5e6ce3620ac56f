//! The same call twice is one call.

use adjutant_bus::{memory::Memory, ports::Limits};
use reqwest::{Response, StatusCode};
use serde_json::{Value, json};

use super::{
    notices::{ready, taken},
    site::Site,
    sql::execute,
    world::World,
};

async fn post(site: &Site, key: &str, idempotency: &str, body: &Value) -> Response {
    once(&site.world, "/v1/requests", key, idempotency, body).await
}

async fn once(world: &World, path: &str, key: &str, idempotency: &str, body: &Value) -> Response {
    let call = world.client.post(world.url(path)).bearer_auth(key);
    call.header("Idempotency-Key", idempotency).json(body).send().await.unwrap()
}

/// Status, code and id of an answer.
async fn told(answer: Response) -> (StatusCode, String, String) {
    let status = answer.status();
    let body: Value = answer.json().await.unwrap();
    let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
    (status, text("code"), text("id"))
}

/// Nothing is kept of the answers to earlier calls.
const FORGET: &str = "DELETE FROM idempotency";

pub async fn a_key_stands_for_its_call_even_when_its_answer_is_forgotten(site: Site) {
    let key = site.world.key("ci", &["requests:submit", "requests:read"]).await;
    let db = site.world.open().await;
    let body = json!({ "text": "deploy say once" });
    let (status, _, id) = told(post(&site, &key, "build-7", &body).await).await;
    assert_eq!(status, StatusCode::ACCEPTED);
    site.until(&key, &id, "succeeded").await;
    for other in
        [json!({ "text": "deploy say twice" }), json!({ "text": "deploy say once", "labels": { "a": "b" } })]
    {
        execute(&db, FORGET).await;
        let (status, code, _) = told(post(&site, &key, "build-7", &other).await).await;
        assert_eq!((status, code.as_str()), (StatusCode::UNPROCESSABLE_ENTITY, "idempotency_key_reused"));
        // The key is still that of the first call.
        assert_eq!(
            told(post(&site, &key, "build-7", &body).await).await,
            (StatusCode::ACCEPTED, String::new(), id.clone())
        );
    }
    assert_eq!(site.calls.lock().len(), 1);
    db.close().await;
    site.stop().await;
}

pub async fn a_claim_of_a_call_that_died_is_taken_over_after_a_minute(site: Site) {
    let key = site.world.key("ci", &["requests:submit", "requests:read"]).await;
    let db = site.world.open().await;
    let body = json!({ "text": "deploy say once" });
    let (_, _, id) = told(post(&site, &key, "build-7", &body).await).await;
    site.until(&key, &id, "succeeded").await;
    execute(&db, "UPDATE idempotency SET state = 'in_flight', status = NULL, headers = NULL, body = NULL")
        .await;
    let waits = post(&site, &key, "build-7", &body).await;
    assert_eq!(waits.headers()["retry-after"], "1");
    let (status, code, _) = told(waits).await;
    assert_eq!((status, code.as_str()), (StatusCode::CONFLICT, "request_in_progress"));
    // Another call under the same key is another call, whether the first one lives or not.
    let other = json!({ "text": "ping" });
    execute(&db, "UPDATE idempotency SET created_at = created_at - 60000").await;
    assert_eq!(told(post(&site, &key, "build-7", &other).await).await.1, "idempotency_key_reused");
    let taken = post(&site, &key, "build-7", &body).await;
    assert!(!taken.headers().contains_key("idempotent-replayed"));
    assert_eq!(told(taken).await, (StatusCode::ACCEPTED, String::new(), id));
    assert_eq!(post(&site, &key, "build-7", &body).await.headers()["idempotent-replayed"], "true");
    assert_eq!(site.calls.lock().len(), 1);
    db.close().await;
    site.stop().await;
}

pub async fn a_notice_with_a_key_is_said_once(world: World) {
    let key = ready(&world).await;
    let db = world.open().await;
    let body = json!({ "text": "Deployed", "severity": "success" });
    let first = told(once(&world, "/v1/notify/ops", &key, "build-7", &body).await).await;
    assert_eq!(first.0, StatusCode::ACCEPTED);
    for _ in 0..2 {
        assert_eq!(told(once(&world, "/v1/notify/ops", &key, "build-7", &body).await).await, first);
        for (path, other) in [("ops", json!({ "text": "Another" })), ("secret", body.clone())] {
            let path = format!("/v1/notify/{path}");
            let (status, code, _) = told(once(&world, &path, &key, "build-7", &other).await).await;
            assert_eq!((status, code.as_str()), (StatusCode::UNPROCESSABLE_ENTITY, "idempotency_key_reused"));
        }
        execute(&db, FORGET).await;
    }
    assert_eq!(told(once(&world, "/v1/notify/ops", &key, "build-7", &body).await).await, first);
    taken(&world, 2).await;
    db.close().await;
    world.stop().await;
}

pub async fn a_secret_is_never_shown_a_second_time(world: World) {
    ready(&world).await;
    let key = world.key("ci", &["keys:read", "keys:write", "destinations:write", "notify:send"]).await;
    let scopes = json!({ "name": "deploys", "scopes": ["notify:send:ops"] });
    let made = once(&world, "/v1/services/ci/keys", &key, "new-key", &scopes).await;
    let id = told(made).await.2;
    let rotate = format!("/v1/keys/{id}/rotate");
    for (path, body) in [
        ("/v1/services/ci/keys", &scopes),
        (rotate.as_str(), &json!({ "grace": "1h" })),
        ("/v1/keys/self/rotate", &json!({})),
        ("/v1/destinations/ops/hooks", &json!({ "hook": "grafana" })),
    ] {
        let first = once(&world, path, &key, path, body).await;
        assert_eq!(first.status(), StatusCode::CREATED, "{path}");
        assert_eq!(first.headers()["cache-control"], "no-store");
        let again = once(&world, path, &key, path, body).await;
        assert_eq!(again.status(), StatusCode::CONFLICT, "{path}");
        let text = again.text().await.unwrap();
        assert!(
            text.contains("\"key_already_shown\"") && !text.contains("adk_") && !text.contains("adh_"),
            "{text}"
        );
    }
    // Three made by others above, and three here: none by a call that was repeated.
    let listed: Value = world.get("/v1/keys?service=ci", &key).await.json().await.unwrap();
    assert_eq!(listed["items"].as_array().unwrap().len(), 6, "{listed}");
    world.stop().await;
}

pub async fn the_same_key_at_once_and_later_is_one_run(site: Site) {
    let key = site.world.key("ci", &["requests:submit", "requests:read"]).await;
    let body = json!({ "command": "deploy.say", "args": { "text": "once" } });
    let calls = (0..8).map(|_| post(&site, &key, "\"build-7\"", &body));
    let mut id = None;
    for answer in futures::future::join_all(calls).await {
        let status = answer.status();
        let told: Value = answer.json().await.unwrap();
        match status {
            StatusCode::ACCEPTED => {
                let this = told["id"].as_str().unwrap().to_owned();
                assert_eq!(*id.get_or_insert(this.clone()), this);
            }
            _ => assert_eq!(told["code"], "request_in_progress", "{told}"),
        }
    }
    let id = id.expect("one of them is answered");
    let later = post(&site, &key, "build-7", &body).await;
    assert_eq!(later.status(), StatusCode::ACCEPTED);
    assert_eq!(later.headers()["idempotent-replayed"], "true");
    assert_eq!(later.headers()["location"], format!("/v1/requests/{id}").as_str());
    assert_eq!(later.json::<Value>().await.unwrap()["id"], id.as_str());
    site.until(&key, &id, "succeeded").await;
    assert_eq!(site.calls.lock().len(), 1);

    let other = post(&site, &key, "build-7", &json!({ "text": "ping" })).await;
    assert_eq!(other.status(), StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(other.json::<Value>().await.unwrap()["code"], "idempotency_key_reused");
    let long = "x".repeat(256);
    for bad in ["\"\"", long.as_str(), "\u{e9}"] {
        let answer = post(&site, &key, bad, &body).await;
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "{bad}");
    }
    site.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_queue_is_told_and_the_same_key_may_try_again() {
    let limits = Limits { queue_per_origin: 1, ..Limits::default() };
    let site = Site::without_worker(None, Memory::new(&limits).bus()).await;
    let key = site.world.key("ci", &["requests:submit", "requests:read"]).await;
    let body = json!({ "text": "ping" });
    assert_eq!(post(&site, &key, "a", &body).await.status(), StatusCode::ACCEPTED);
    let busy = post(&site, &key, "b", &body).await;
    assert_eq!(busy.status(), StatusCode::TOO_MANY_REQUESTS);
    assert!(busy.headers().contains_key("retry-after"));
    assert_eq!(busy.json::<Value>().await.unwrap()["code"], "busy");
    site.work();
    let id = site
        .world
        .eventually(async || {
            let again = post(&site, &key, "b", &body).await;
            let accepted = again.status() == StatusCode::ACCEPTED;
            let told: Value = again.json().await.unwrap();
            accepted.then(|| told["id"].as_str().unwrap().to_owned())
        })
        .await;
    site.until(&key, &id, "succeeded").await;
    site.stop().await;
}
