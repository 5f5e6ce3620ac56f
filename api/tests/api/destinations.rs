//! Destinations: what the database says, and what the bus is told of it.

use adjutant_bus::destination;
use reqwest::{StatusCode, header};
use serde_json::{Value, json};

use super::world::World;

const RIGHTS: &[&str] = &["destinations:read", "destinations:write", "notify:send"];

pub fn ops() -> Value {
    json!({ "name": "ops", "targets": [
        { "platform": "slack", "tenant": "T0ACME", "channel": "C0OPS" },
        { "platform": "console", "tenant": "local", "channel": "terminal" },
    ] })
}

pub async fn a_destination_is_made_changed_and_removed_and_the_bus_knows(world: World) {
    let key = world.key("ci", RIGHTS).await;
    let made = world.post("/v1/destinations", &key, &ops()).await;
    assert_eq!(made.status(), StatusCode::CREATED);
    assert_eq!(made.headers()[header::LOCATION], "/v1/destinations/ops");
    assert_eq!(destination::load(&world.bus, "ops").await.unwrap().unwrap().targets.len(), 2);
    let again = world.post("/v1/destinations", &key, &ops()).await;
    assert_eq!(again.status(), StatusCode::CONFLICT);
    let url = world.url("/v1/destinations/ops");
    let fewer = json!({ "targets": [{ "platform": "discord", "tenant": "1", "channel": "2" }] });
    let late = world.client.patch(&url).bearer_auth(&key).header(header::IF_MATCH, "\"7\"").json(&fewer);
    assert_eq!(late.send().await.unwrap().status(), StatusCode::PRECONDITION_FAILED);
    let changed = world.client.patch(&url).bearer_auth(&key).header(header::IF_MATCH, "\"1\"").json(&fewer);
    let changed = changed.send().await.unwrap();
    assert_eq!(changed.headers()[header::ETAG], "\"2\"");
    assert_eq!(destination::load(&world.bus, "ops").await.unwrap().unwrap().targets.len(), 1);
    let other = json!({ "name": "web", "targets": ops()["targets"] });
    assert_eq!(world.post("/v1/destinations", &key, &other).await.status(), StatusCode::CREATED);
    let page = world.get("/v1/destinations?limit=1", &key).await;
    assert!(page.headers()[header::LINK].to_str().unwrap().starts_with("<?limit=1&cursor="));
    let page = page.json::<Value>().await.unwrap();
    assert_eq!(page["items"][0]["name"], "ops");
    let next = format!("/v1/destinations?limit=1&cursor={}", page["next_cursor"].as_str().unwrap());
    assert_eq!(world.get(&next, &key).await.json::<Value>().await.unwrap()["items"][0]["name"], "web");
    let gone = world.client.delete(&url).bearer_auth(&key).send().await.unwrap();
    assert_eq!(gone.status(), StatusCode::NO_CONTENT);
    assert_eq!(destination::load(&world.bus, "ops").await.unwrap(), None);
    assert_eq!(world.get("/v1/destinations/ops", &key).await.status(), StatusCode::NOT_FOUND);
    world.stop().await;
}

pub async fn what_does_not_fit_is_told_with_its_place(world: World) {
    let key = world.key("ci", RIGHTS).await;
    let target = json!({ "platform": "slack", "tenant": "T", "channel": "C" });
    for (body, pointer) in [
        (json!({ "name": "Ops", "targets": [target] }), "/name"),
        (json!({ "name": "ops", "targets": [] }), "/targets"),
        (json!({ "name": "ops", "targets": vec![target.clone(); 11] }), "/targets"),
        (
            json!({ "name": "ops", "targets": [{ "platform": "slack", "tenant": "", "channel": "C" }] }),
            "/targets/0/tenant",
        ),
        (json!({ "name": "ops", "targets": [target], "description": "a\u{0}b" }), "/description"),
    ] {
        let answer = world.post("/v1/destinations", &key, &body).await;
        assert_eq!(answer.status(), StatusCode::UNPROCESSABLE_ENTITY, "{body}");
        assert_eq!(answer.json::<Value>().await.unwrap()["errors"][0]["pointer"], pointer);
    }
    for path in
        ["/v1/destinations/%00", "/v1/destinations/%ff", "/v1/destinations/ops/hooks", "/v1/destinations/Ops"]
    {
        assert!(world.get(path, &key).await.status().is_client_error(), "{path}");
    }
    let reader = world.key("reader", &["destinations:read"]).await;
    let refused = world.post("/v1/destinations", &reader, &ops()).await;
    assert_eq!(refused.json::<Value>().await.unwrap()["code"], "insufficient_scope");
    world.stop().await;
}

pub async fn a_secret_is_shown_once_and_opens_nothing_after_it_is_revoked(world: World) {
    let key = world.key("ci", RIGHTS).await;
    world.post("/v1/destinations", &key, &ops()).await;
    let hooks = "/v1/destinations/ops/hooks";
    let made = world.post(hooks, &key, &json!({ "hook": "github" })).await;
    assert_eq!(made.status(), StatusCode::CREATED);
    assert_eq!(made.headers()[header::CACHE_CONTROL], "no-store");
    let made = made.json::<Value>().await.unwrap();
    let secret = made["secret"].as_str().unwrap();
    let listed = world.get(hooks, &key).await.text().await.unwrap();
    assert!(!listed.contains(secret) && listed.contains(made["id"].as_str().unwrap()));
    let path = made["path"].as_str().unwrap();
    let ping =
        || world.client.post(world.url(path)).header("x-github-event", "ping").json(&json!({ "zen": "a" }));
    assert_ne!(ping().send().await.unwrap().status(), StatusCode::UNAUTHORIZED);
    let one = world.url(&format!("{hooks}/{}", made["id"].as_str().unwrap()));
    let revoked = world.client.delete(&one).bearer_auth(&key).send().await.unwrap();
    assert_eq!(revoked.status(), StatusCode::NO_CONTENT);
    assert_eq!(ping().send().await.unwrap().status(), StatusCode::UNAUTHORIZED);
    // Nobody gives away what they do not hold.
    let narrow = world.key("ci", &["destinations:write", "notify:send:web"]).await;
    let refused = world.post(hooks, &narrow, &json!({ "hook": "github" })).await;
    assert_eq!(refused.status(), StatusCode::FORBIDDEN);
    world.stop().await;
}
