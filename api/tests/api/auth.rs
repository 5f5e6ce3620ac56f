//! Who is let in.

use reqwest::StatusCode;
use serde_json::Value;

use super::world::World;

#[tokio::test(flavor = "multi_thread")]
async fn a_valid_key_is_told_who_it_is_and_others_are_told_apart() {
    let world = World::new().await;
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
