//! Who is let in.

use reqwest::StatusCode;
use serde_json::Value;

use super::world::World;

pub async fn a_valid_key_is_told_who_it_is_and_others_are_told_apart(world: World) {
    let key = world.key("ci", &["commands:read"]).await;
    let own = world.get("/v1/keys/self", &key).await;
    assert_eq!(own.status(), StatusCode::OK);
    assert_eq!(own.json::<Value>().await.unwrap()["principal"], "svc:ci");
    let none = world.client.get(world.url("/v1/keys/self")).send().await.unwrap();
    assert_eq!(none.status(), StatusCode::UNAUTHORIZED);
    assert!(none.headers()["www-authenticate"].to_str().unwrap().starts_with("Bearer"));
    assert_eq!(none.json::<Value>().await.unwrap()["code"], "missing_key");
    let other = world.get("/v1/keys/self", "adk_00000000000000000000004D684a").await;
    assert_eq!(other.json::<Value>().await.unwrap()["code"], "invalid_key");
    let wrong = world.client.delete(world.url("/v1/keys/self")).send().await.unwrap();
    assert_eq!(wrong.status(), StatusCode::METHOD_NOT_ALLOWED);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_runs_it_sees_that_it_lives_and_what_it_counts() {
    let world = World::new().await;
    assert_eq!(world.client.get(world.url("/livez")).send().await.unwrap().text().await.unwrap(), "ok");
    let ready: Value = world.client.get(world.url("/readyz")).send().await.unwrap().json().await.unwrap();
    assert_eq!(ready, serde_json::json!({ "ready": true, "database": true, "bus": true }));
    let without = world.client.get(world.url("/metrics")).send().await.unwrap();
    assert_eq!(without.status(), StatusCode::UNAUTHORIZED);
    let key = world.key("watch", &["metrics:read"]).await;
    let text = world.get("/metrics", &key).await.text().await.unwrap();
    assert!(
        text.contains("adjutant_api_requests_total{method=\"GET\",route=\"/livez\",status=\"200\"}"),
        "{text}"
    );
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_document_and_its_page_need_nothing_from_elsewhere() {
    let world = World::new().await;
    let document: Value =
        world.client.get(world.url("/openapi.json")).send().await.unwrap().json().await.unwrap();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    let page = world.client.get(world.url("/docs/")).send().await.unwrap();
    assert_eq!(page.status(), StatusCode::OK);
    let page = page.text().await.unwrap();
    assert!(page.contains("swagger-ui") && !page.contains("https://"), "{page}");
    world.stop().await;
}

/// Each operation asks for a key, unless the document says that it does not.
#[tokio::test(flavor = "multi_thread")]
async fn what_the_document_guards_is_guarded() {
    let world = World::new().await;
    let document: Value =
        world.client.get(world.url("/openapi.json")).send().await.unwrap().json().await.unwrap();
    let mut asked = 0;
    for (path, operations) in document["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            let open = operation["security"] == serde_json::json!([{}])
                || operation["security"] == serde_json::json!([]);
            let address = path.replace(['{', '}'], "");
            let method = method.to_uppercase().parse().unwrap();
            let answer = world.client.request(method, world.url(&address)).send().await.unwrap();
            if !open {
                assert_eq!(answer.status(), StatusCode::UNAUTHORIZED, "{path}");
                assert_eq!(answer.headers()["content-type"], "application/problem+json", "{path}");
                asked += 1;
            }
        }
    }
    assert!(asked > 2);
    world.stop().await;
}
