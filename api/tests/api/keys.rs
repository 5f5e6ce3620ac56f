//! Services and keys over HTTP.

use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};

use super::world::World;

pub async fn send(world: &World, method: Method, path: &str, key: &str, body: &Value) -> Response {
    world.client.request(method, world.url(path)).bearer_auth(key).json(body).send().await.unwrap()
}

pub async fn json(response: Response) -> Value {
    response.json().await.unwrap()
}

/// A key of a service, made over HTTP: its id and itself.
pub async fn make(world: &World, admin: &str, service: &str, body: &Value) -> (String, String) {
    let made = world.post("/v1/services", admin, &json!({ "name": service })).await;
    assert!(matches!(made.status(), StatusCode::CREATED | StatusCode::CONFLICT));
    let made = world.post(&format!("/v1/services/{service}/keys"), admin, body).await;
    assert_eq!(made.status(), StatusCode::CREATED);
    assert_eq!(made.headers()["cache-control"], "no-store");
    let made = json(made).await;
    (made["id"].as_str().unwrap().to_owned(), made["key"].as_str().unwrap().to_owned())
}

async fn admin(world: &World) -> String {
    world.key("root", &["admin"]).await
}

pub async fn a_service_and_its_key_are_made_seen_changed_and_removed(world: World) {
    let admin = admin(&world).await;
    let (id, key) =
        make(&world, &admin, "ci", &json!({ "name": "build", "scopes": ["commands:read"] })).await;
    assert_eq!(world.get("/v1/keys/self", &key).await.status(), StatusCode::OK);
    let seen = world.get(&format!("/v1/keys/{id}"), &admin).await;
    assert_eq!(seen.headers()["etag"], "\"1\"");
    let seen = json(seen).await;
    assert_eq!(
        (seen["name"].as_str(), seen["state"].as_str(), seen["service"].as_str()),
        (Some("build"), Some("active"), Some("ci"))
    );
    assert!(seen.get("key").is_none() && seen.get("digest").is_none() && seen["expires_at"].is_string());
    let stale = world.client.patch(world.url(&format!("/v1/keys/{id}"))).bearer_auth(&admin);
    let stale = stale.header("if-match", "\"7\"").json(&json!({ "name": "x" })).send().await.unwrap();
    assert_eq!(stale.status(), StatusCode::PRECONDITION_FAILED);
    let path = format!("/v1/keys/{id}");
    let changed =
        send(&world, Method::PATCH, &path, &admin, &json!({ "state": "disabled", "expires_at": null })).await;
    assert_eq!(changed.headers()["etag"], "\"2\"");
    assert_eq!(json(world.get("/v1/keys/self", &key).await).await["code"], "key_disabled");
    send(&world, Method::PATCH, &path, &admin, &json!({ "state": "active" })).await;
    assert_eq!(world.get("/v1/keys/self", &key).await.status(), StatusCode::OK);
    let patched = send(&world, Method::PATCH, "/v1/services/ci", &admin, &json!({ "owner": "pat" })).await;
    assert_eq!(json(patched).await["owner"], "pat");
    let removed = send(&world, Method::DELETE, "/v1/services/ci", &admin, &json!(null)).await;
    assert_eq!(removed.status(), StatusCode::NO_CONTENT);
    assert_eq!(json(world.get("/v1/keys/self", &key).await).await["code"], "key_revoked");
    let late = json!({ "name": "late", "scopes": [] });
    assert_eq!(world.post("/v1/services/ci/keys", &admin, &late).await.status(), StatusCode::CONFLICT);
    world.stop().await;
}

pub async fn nobody_grants_or_changes_what_they_do_not_hold(world: World) {
    let admin = admin(&world).await;
    let writer = world.key("writer", &["keys:write", "keys:read", "notify:send:deploys-*"]).await;
    let (strong, _) = make(&world, &admin, "strong", &json!({ "name": "s", "scopes": ["admin"] })).await;
    let fine = json!({ "name": "n", "scopes": ["notify:send:deploys-web"] });
    let (id, _) = make(&world, &writer, "ci", &fine).await;
    for scopes in [json!(["notify:send"]), json!(["admin"]), json!(["audit:read"])] {
        let more =
            world.post("/v1/services/ci/keys", &writer, &json!({ "name": "n", "scopes": scopes })).await;
        assert_eq!(more.status(), StatusCode::FORBIDDEN);
        let path = format!("/v1/keys/{id}");
        let more = send(&world, Method::PATCH, &path, &writer, &json!({ "scopes": scopes })).await;
        assert_eq!(json(more).await["code"], "insufficient_scope");
    }
    let kind = json!({ "name": "n", "kind": "admin", "scopes": [] });
    assert_eq!(world.post("/v1/services/ci/keys", &writer, &kind).await.status(), StatusCode::FORBIDDEN);
    for (path, body) in [("rotate", json!({})), ("revoke", json!({}))] {
        let path = format!("/v1/keys/{strong}/{path}");
        assert_eq!(world.post(&path, &writer, &body).await.status(), StatusCode::FORBIDDEN);
    }
    let path = format!("/v1/keys/{strong}");
    let renamed = send(&world, Method::PATCH, &path, &writer, &json!({ "name": "mine" })).await;
    assert_eq!(renamed.status(), StatusCode::FORBIDDEN);
    for expires_at in [json!(null), json!("2200-01-01T00:00:00Z"), json!("2001-01-01T00:00:00Z")] {
        let body = json!({ "name": "n", "scopes": [], "expires_at": expires_at });
        let made = world.post("/v1/services/ci/keys", &writer, &body).await;
        assert_eq!(made.status(), StatusCode::UNPROCESSABLE_ENTITY);
    }
    let reader = world.key("reader", &["keys:read"]).await;
    assert_eq!(
        world.post("/v1/services", &reader, &json!({ "name": "x1" })).await.status(),
        StatusCode::FORBIDDEN
    );
    world.stop().await;
}

pub async fn keys_are_listed_page_by_page_and_by_filter(world: World) {
    let admin = admin(&world).await;
    for n in 0..5 {
        make(&world, &admin, "ci", &json!({ "name": format!("k{n}"), "scopes": [] })).await;
    }
    let (revoked, _) = make(&world, &admin, "ci", &json!({ "name": "gone", "scopes": [] })).await;
    world.post(&format!("/v1/keys/{revoked}/revoke"), &admin, &json!({ "reason": "test" })).await;
    let mut names = Vec::new();
    let mut path = "/v1/keys?service=ci&state=active&limit=2".to_owned();
    loop {
        let page = world.get(&path, &admin).await;
        let link = page.headers().get("link").map(|link| link.to_str().unwrap().to_owned());
        let page = json(page).await;
        names.extend(page["items"].as_array().unwrap().iter().map(|key| key["name"].to_string()));
        let Some(link) = link else { break };
        let query = link.trim_start_matches('<').split('>').next().unwrap();
        path = format!("/v1/keys{query}");
    }
    assert_eq!(names, [r#""k0""#, r#""k1""#, r#""k2""#, r#""k3""#, r#""k4""#]);
    let count = async |query: &str| {
        json(world.get(&format!("/v1/keys?service=ci&{query}"), &admin).await).await["items"]
            .as_array()
            .unwrap()
            .len()
    };
    assert_eq!(count("state=revoked").await, 1);
    assert_eq!(count("state=expired").await, 0);
    assert_eq!(count("expires_before=2020-01-01T00:00:00Z").await, 0);
    assert_eq!(count("expires_before=2199-01-01T00:00:00Z").await, 6);
    assert_eq!(count("unused_since=2199-01-01T00:00:00Z").await, 6);
    let services = json(world.get("/v1/services?limit=200", &admin).await).await;
    let services: Vec<&str> =
        services["items"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect();
    assert_eq!(services, ["admin", "root", "ci"]);
    world.stop().await;
}

pub async fn hostile_input_is_refused_and_is_never_a_fault(world: World) {
    let admin = admin(&world).await;
    for path in [
        "/v1/keys/x",
        "/v1/keys/%00",
        "/v1/keys/00000000-0000-0000-0000-000000000000",
        "/v1/services/%00",
        "/v1/services/none",
    ] {
        assert_eq!(world.get(path, &admin).await.status(), StatusCode::NOT_FOUND, "{path}");
    }
    for query in [
        "limit=0",
        "limit=201",
        "limit=99999999999999999999",
        "state=odd",
        "service=%00",
        "expires_before=soon",
        "unknown=1",
        "expires_before=99999-01-01T00:00:00Z",
    ] {
        let status = world.get(&format!("/v1/keys?{query}"), &admin).await.status();
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{query}");
    }
    for query in ["cursor=zz", "cursor=3120ff", "cursor=312000"] {
        let status = world.get(&format!("/v1/keys?{query}"), &admin).await.status();
        assert_eq!(status, StatusCode::NOT_FOUND, "{query}");
    }
    make(&world, &admin, "ci", &json!({ "name": "ok", "scopes": [] })).await;
    for body in [
        json!({ "name": "a\u{0}b", "scopes": [] }),
        json!({ "name": "", "scopes": [] }),
        json!({ "name": "x".repeat(101), "scopes": [] }),
        json!({ "name": "n", "scopes": ["keys:red"] }),
        json!({ "name": "n", "scopes": vec!["keys:read"; 65] }),
        json!({ "name": "n", "scopes": [], "rate": { "per_second": 0 } }),
        json!({ "name": "n", "scopes": [], "rate": { "per_second": 1, "burst": i64::MAX } }),
        json!({ "name": "n", "scopes": [], "allowed_cidrs": [] }),
        json!({ "name": "n", "scopes": [], "allowed_cidrs": ["10.0.0.0/99"] }),
        json!({ "name": "n", "scopes": [], "surprise": 1 }),
    ] {
        let made = world.post("/v1/services/ci/keys", &admin, &body).await;
        assert_eq!(made.status(), StatusCode::UNPROCESSABLE_ENTITY, "{body}");
    }
    for body in [json!({ "name": "A" }), json!({ "name": "b", "owner": "\u{0}" }), json!({ "name": 7 })] {
        assert_eq!(
            world.post("/v1/services", &admin, &body).await.status(),
            StatusCode::UNPROCESSABLE_ENTITY
        );
    }
    for grace in ["31d", "1", "-1s", "99999999999999999999s", "1w", "", "é"] {
        let rotated = world.post("/v1/keys/self/rotate", &admin, &json!({ "grace": grace })).await;
        assert_eq!(rotated.status(), StatusCode::UNPROCESSABLE_ENTITY, "{grace}");
    }
    world.stop().await;
}
