//! What policy says, and whether commands may run.

use reqwest::StatusCode;
use serde_json::{Value, json};

use super::site::Site;

pub async fn policy_is_explained_for_a_service_with_these_arguments(site: Site) {
    let key = site.world.key("ci", &["policy:read", "policy:explain"]).await;
    let status: Value = site.world.get("/v1/policy", &key).await.json().await.unwrap();
    assert!(status["version"].as_str().unwrap().starts_with("1 ("));
    let ask = |subject: &str, env: &str| json!({ "subject": subject, "command": "deploy.say", "args": { "text": "x", "env": env } });
    let told = async |body: Value| -> Value {
        site.world.post("/v1/policy/explain", &key, &body).await.json().await.unwrap()
    };
    let yes = told(ask("svc:ci", "staging")).await;
    assert_eq!(yes["allowed"], true, "{yes}");
    assert_eq!(yes["row"], "policy.csv:3");
    assert_eq!(yes["context"]["env"], "staging");
    let no = told(ask("svc:ci", "production")).await;
    assert_eq!(no["allowed"], false);
    assert_eq!(no["denial"]["dimension"], "when");
    assert_eq!(told(ask("svc:guest", "staging")).await["denial"]["dimension"], "group");
    let groups = json!({ "groups": ["svc:guest"], "command": "ping" });
    assert_eq!(told(groups).await["allowed"], true);
    assert_eq!(told(json!({ "subject": "ci", "command": "ping" })).await["errors"][0]["pointer"], "/subject");
    let then = told(json!({ "subject": "svc:ci", "command": "ping", "at": "2026-11-28T12:00:00Z" })).await;
    assert_eq!((&then["allowed"], &then["context"]["hours"]), (&json!(true), &json!("off")), "{then}");
    site.stop().await;
}

pub async fn a_policy_is_tried_with_its_tests_and_put_in_force_nowhere(site: Site) {
    let key = site.world.key("ci", &["policy:read"]).await;
    let before: Value = site.world.get("/v1/policy", &key).await.json().await.unwrap();
    let tried = async |files: Value| -> Value {
        let answer = site.world.post("/v1/policy/test", &key, &json!({ "files": files })).await;
        assert_eq!(answer.status(), StatusCode::OK);
        answer.json().await.unwrap()
    };
    let tests =
        "allow, svc:ci, api:x/-, ping, run, *\ndeny, svc:guest, api:x/-, deploy.say, run, env=staging\n";
    let good = tried(json!({ "policy.test": tests })).await;
    assert_eq!((&good["good"], good["results"].as_array().unwrap().len()), (&json!(true), 2), "{good}");
    let failing = tried(json!({ "policy.test": tests.replace("deny", "allow") })).await;
    assert_eq!(
        (&failing["good"], &failing["results"][1]["passed"]),
        (&json!(false), &json!(false)),
        "{failing}"
    );
    let broken = tried(json!({ "policy.csv": "p, svc:ci, *, pingg, run, *, alow\n" })).await;
    assert_eq!(
        (&broken["good"], &broken["findings"][0]["file"]),
        (&json!(false), &json!("policy.csv")),
        "{broken}"
    );
    let placed = |finding: &&Value| finding["line"] == 1 && finding["severity"] == "error";
    assert!(broken["findings"].as_array().unwrap().iter().any(|finding| placed(&finding)), "{broken}");
    let unknown = site.world.post("/v1/policy/test", &key, &json!({ "files": { "policy.cvs": "" } })).await;
    assert_eq!(unknown.status(), StatusCode::UNPROCESSABLE_ENTITY);
    let after: Value = site.world.get("/v1/policy", &key).await.json().await.unwrap();
    assert_eq!(before["version"], after["version"]);
    let none: Value = site.world.get("/v1/policy/versions", &key).await.json().await.unwrap();
    assert_eq!(none["items"], json!([]));
    let publishing = site.world.client.put(site.world.url("/v1/policy")).bearer_auth(&key);
    let body = json!({ "files": {}, "reason": "x" });
    assert_eq!(
        publishing.json(&body).send().await.unwrap().status(),
        StatusCode::FORBIDDEN,
        "the scope is missing"
    );
    site.stop().await;
}

pub async fn a_pause_stops_what_changes_something_and_is_told(site: Site) {
    let key = site.world.key("ci", &["requests:submit", "requests:read"]).await;
    let admin = site.world.key("operations", &["admin"]).await;
    let put = async |key: &str, body: Value| {
        site.world.client.put(site.world.url("/v1/mode")).bearer_auth(key).json(&body).send().await.unwrap()
    };
    assert_eq!(put(&key, json!({ "mode": "active" })).await.status(), StatusCode::FORBIDDEN);
    assert_eq!(put(&admin, json!({ "mode": "paused" })).await.status(), StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(put(&admin, json!({ "mode": "paused", "reason": "incident" })).await.status(), StatusCode::OK);
    let mode: Value = site.world.get("/v1/mode", &key).await.json().await.unwrap();
    assert_eq!((&mode["mode"], &mode["by"]), (&json!("paused"), &json!("svc:operations")));
    let refused = site
        .world
        .eventually(async || {
            let id = site.submit(&key, &json!({ "text": "deploy say x" })).await;
            let told = site
                .world
                .eventually(async || {
                    let told = site.world.get(&format!("/v1/requests/{id}"), &key).await;
                    let told: Value = told.json().await.unwrap();
                    told["ended_at"].is_string().then_some(told)
                })
                .await;
            (told["state"] == "refused").then_some(told)
        })
        .await;
    assert_eq!(refused["refusal"]["code"], "paused");
    assert_eq!(put(&admin, json!({ "mode": "active" })).await.status(), StatusCode::OK);
    site.stop().await;
}
