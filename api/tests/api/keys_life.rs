//! The life of a key: rotated, revoked, leaked, examined, used, ending.

use adjutant_api::store::{self, Database};
use adjutant_bus::{
    introspection::{Introspect, Introspection},
    ports::Topic,
    wire::{self, Version},
};
use reqwest::{Method, StatusCode};
use serde_json::json;

use super::{
    keys::{json, make, send},
    world::World,
};

/// What a query gives, as text.
pub async fn texts(world: &World, sql: &'static str) -> Vec<String> {
    let db = store::open(&Database::Sqlite(world.dir.path().join("adjutant.db"))).await.unwrap();
    let store::Db::Sqlite { read, .. } = &db else { panic!("SQLite") };
    let found = sqlx::query_scalar(sql).fetch_all(read).await.unwrap();
    db.close().await;
    found
}

pub async fn a_rotated_key_stays_good_for_the_grace_and_there_are_two_generations_at_most(world: World) {
    let admin = world.key("root", &["admin"]).await;
    let body = json!({ "name": "build", "scopes": ["commands:read"], "rate": { "per_second": 9 } });
    let (id, old) = make(&world, &admin, "ci", &body).await;
    let rotated = world.post(&format!("/v1/keys/{id}/rotate"), &admin, &json!({ "grace": "1h" })).await;
    assert_eq!(rotated.status(), StatusCode::CREATED);
    let rotated = json(rotated).await;
    let (new_id, new) = (rotated["id"].as_str().unwrap(), rotated["key"].as_str().unwrap());
    assert_eq!((rotated["rate"]["per_second"].as_i64(), &rotated["rotated_from"]), (Some(9), &json!(id)));
    let with_old = world.get("/v1/keys/self", &old).await;
    assert_eq!(with_old.status(), StatusCode::OK);
    assert!(with_old.headers()["key-superseded"].to_str().unwrap().starts_with("?1; expires="));
    let own = world.get("/v1/keys/self", new).await;
    assert!(own.headers().get("key-superseded").is_none());
    for again in [&id, new_id] {
        let again = world.post(&format!("/v1/keys/{again}/rotate"), &admin, &json!({})).await;
        assert_eq!(again.status(), StatusCode::CONFLICT);
    }
    world.post(&format!("/v1/keys/{id}/revoke"), &admin, &json!({})).await;
    let own = world.post("/v1/keys/self/rotate", new, &json!({ "grace": "0s" })).await;
    assert_eq!(own.status(), StatusCode::CREATED);
    assert_eq!(json(world.get("/v1/keys/self", new).await).await["code"], "key_expired");
    world.stop().await;
}

pub async fn a_revoked_key_is_refused_at_once_and_revoking_it_again_changes_nothing(world: World) {
    let admin = world.key("root", &["admin"]).await;
    let (id, key) = make(&world, &admin, "ci", &json!({ "name": "build", "scopes": [] })).await;
    assert_eq!(world.get("/v1/keys/self", &key).await.status(), StatusCode::OK);
    let first =
        json(world.post(&format!("/v1/keys/{id}/revoke"), &admin, &json!({ "reason": "lost" })).await).await;
    assert!(first["effective_by"].is_string());
    assert_eq!(json(world.get("/v1/keys/self", &key).await).await["code"], "key_revoked");
    let again = json(world.post(&format!("/v1/keys/{id}/revoke"), &admin, &json!({})).await).await;
    assert_eq!(first, again);
    let path = format!("/v1/keys/{id}");
    let back = send(&world, Method::PATCH, &path, &admin, &json!({ "state": "active" })).await;
    assert_eq!(back.status(), StatusCode::CONFLICT);
    world.stop().await;
}

pub async fn the_last_administrator_is_not_locked_out_by_accident(world: World) {
    let admin = world.key("root", &["admin"]).await;
    let own = json(world.get("/v1/keys/self", &admin).await).await["key_id"].as_str().unwrap().to_owned();
    // The one of the first start.
    let removed = send(&world, Method::DELETE, "/v1/services/admin", &admin, &json!(null)).await;
    assert_eq!(removed.status(), StatusCode::NO_CONTENT);
    let path = format!("/v1/keys/{own}");
    let revoked = world.post(&format!("{path}/revoke"), &admin, &json!({})).await;
    assert_eq!(revoked.status(), StatusCode::CONFLICT);
    for change in [json!({ "state": "disabled" }), json!({ "scopes": [] })] {
        assert_eq!(send(&world, Method::PATCH, &path, &admin, &change).await.status(), StatusCode::CONFLICT);
    }
    let removed = send(&world, Method::DELETE, "/v1/services/root", &admin, &json!(null)).await;
    assert_eq!(removed.status(), StatusCode::CONFLICT);
    let forced = world.post(&format!("{path}/revoke?force=true"), &admin, &json!({})).await;
    assert_eq!(forced.status(), StatusCode::OK);
    world.stop().await;
}

pub async fn whoever_finds_a_key_can_revoke_it_and_learns_nothing(world: World) {
    let key = world.key("ci", &["commands:read"]).await;
    let mut answers = Vec::new();
    for text in [key.as_str(), "adk_00000000000000000000004D684a", "nothing", key.as_str()] {
        let path = world.url("/v1/keys/revoke-leaked");
        let said = world.client.post(path).json(&json!({ "key": text })).send().await.unwrap();
        answers.push((said.status(), said.bytes().await.unwrap()));
    }
    assert!(answers.iter().all(|(status, body)| *status == StatusCode::NO_CONTENT && body.is_empty()));
    assert_eq!(json(world.get("/v1/keys/self", &key).await).await["code"], "key_revoked");
    world.stop().await;
}

pub async fn a_key_is_examined_over_http_and_on_the_bus_alike(world: World) {
    let asker = world.key("shop", &["keys:introspect"]).await;
    let key = world.key("ci", &["commands:read", "notify:send:a-*"]).await;
    let found = json(world.post("/v1/keys/introspect", &asker, &json!({ "token": key })).await).await;
    assert_eq!(
        (&found["active"], &found["sub"], &found["client_id"]),
        (&json!(true), &json!("svc:ci"), &json!("ci"))
    );
    assert_eq!(found["scope"], "commands:read notify:send:a-*");
    let form = world.client.post(world.url("/v1/keys/introspect")).bearer_auth(&asker);
    let form =
        form.form(&[("token", key.as_str()), ("token_type_hint", "access_token")]).send().await.unwrap();
    assert_eq!(json(form).await, found);
    let none = json(world.post("/v1/keys/introspect", &asker, &json!({ "token": "no" })).await).await;
    assert_eq!(none, json!({ "active": false }));
    assert_eq!(
        world.post("/v1/keys/introspect", &key, &json!({ "token": key })).await.status(),
        StatusCode::FORBIDDEN
    );
    let ask = async |ip: Option<&str>| {
        let asked = Introspect { v: Version, key: key.clone(), ip: ip.map(str::to_owned) };
        let asked = wire::encode("introspect", &asked).unwrap();
        let answer =
            world.eventually(async || world.bus.inquiries.ask(Topic::Introspect, asked.clone()).await.ok());
        wire::decode::<Introspection>("introspection", &answer.await).unwrap()
    };
    let told = ask(None).await;
    assert_eq!((told.active, told.sub.as_deref(), told.error), (true, Some("svc:ci"), None));
    assert!(ask(Some("10.0.0.1")).await.active);
    assert!(ask(Some("nowhere")).await.error.is_some());
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn use_and_refusals_are_written_at_a_stop_and_refusals_only_once() {
    let world = World::new().await;
    let key = world.key("ci", &["commands:read"]).await;
    for _ in 0..3 {
        world.get("/v1/keys/self", &key).await;
        assert_eq!(world.get("/v1/keys", &key).await.status(), StatusCode::FORBIDDEN);
        assert_eq!(world.get("/v1/keys", "nobody").await.status(), StatusCode::UNAUTHORIZED);
    }
    let refused = world
        .eventually(async || {
            let sql =
                "SELECT actor || ' ' || body FROM audit_entries WHERE kind = 'auth.refused' ORDER BY seq";
            let found = texts(&world, sql).await;
            (found.len() >= 2).then_some(found)
        })
        .await;
    assert_eq!(refused.len(), 2, "{refused:?}");
    assert!(refused[0].contains("svc:ci") && refused[0].contains("insufficient_scope"));
    assert!(refused[1].contains("unknown") && refused[1].contains("invalid_key"));
    let dir = world.stop_and_keep().await;
    let db = store::open(&Database::Sqlite(dir.path().join("adjutant.db"))).await.unwrap();
    let store::Db::Sqlite { read, .. } = &db else { panic!("SQLite") };
    let used: Vec<String> =
        sqlx::query_scalar("SELECT last_used_ip FROM api_keys WHERE last_used_at IS NOT NULL")
            .fetch_all(read)
            .await
            .unwrap();
    assert_eq!(used, ["127.0.0.1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_that_end_soon_are_told_once_for_each_step() {
    let dir = tempfile::tempdir().unwrap();
    let database = Database::Sqlite(dir.path().join("adjutant.db"));
    let mut config = super::world::config(dir.path(), database.clone());
    config.warn_destination = Some("ops".to_owned());
    // The first administrator's key ends in seven days, so there is one to warn of.
    let world = World::configured(dir, config, World::bus()).await;
    let warned = "SELECT body FROM audit_entries WHERE kind = 'key.expires_soon'";
    let told = world
        .eventually(async || {
            let told = texts(&world, warned).await;
            (!told.is_empty()).then_some(told)
        })
        .await;
    assert!(told.len() == 1 && told[0].contains("\"days\":14"), "{told:?}");
    let said = texts(&world, "SELECT target || ' ' || payload FROM relay WHERE kind = 'announce'").await;
    assert!(said.len() == 1 && said[0].starts_with("ops ") && said[0].contains("bootstrap"), "{said:?}");
    world.stop().await;
}
