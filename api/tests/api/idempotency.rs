//! The same call twice is one call.

use adjutant_bus::{memory::Memory, ports::Limits};
use reqwest::{Response, StatusCode};
use serde_json::{Value, json};

use super::site::Site;

async fn post(site: &Site, key: &str, idempotency: &str, body: &Value) -> Response {
    let call = site.world.client.post(site.world.url("/v1/requests")).bearer_auth(key);
    call.header("Idempotency-Key", idempotency).json(body).send().await.unwrap()
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
