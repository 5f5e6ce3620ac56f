//! Commands over HTTP, end to end: submitted here, decided and run by a real worker, told here.

use reqwest::StatusCode;
use serde_json::{Value, json};

use super::{site::Site, sql::rows};

const SCOPES: [&str; 5] =
    ["requests:submit", "requests:read", "requests:cancel", "requests:decide", "notify:send:deploys"];

pub async fn a_command_is_run_by_text_and_by_arguments_exactly_as_given(site: Site) {
    let key = site.world.key("ci", &SCOPES).await;
    let awkward = "--times=3 \\ \"quoted\" it's = migrate";
    let by_args = json!({ "command": "deploy.say", "args": { "text": awkward, "times": 2 }, "labels": { "build": "7" } });
    let id = site.submit(&key, &by_args).await;
    let told = site.until(&key, &id, "succeeded").await;
    assert_eq!(*site.calls.lock(), [json!({ "text": awkward, "times": 2 })]);
    assert_eq!(told["actor"], "svc:ci");
    assert_eq!(told["command"], "deploy.say");
    assert_eq!(told["decision"]["allowed"], true);
    assert_eq!(told["reply"]["title"], "done");
    assert_eq!(told["labels"]["build"], "7");
    assert_eq!(told["attempts"], 1);

    let answer = site
        .world
        .client
        .post(site.world.url("/v1/requests"))
        .bearer_auth(&key)
        .header("Prefer", "wait=20")
        .json(&json!({ "text": "deploy say hello" }))
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(answer.headers()["preference-applied"], "wait");
    assert_eq!(answer.json::<Value>().await.unwrap()["state"], "succeeded");

    let short = told["run_id"].as_str().unwrap();
    let again: Value = site.world.get(&format!("/v1/requests/{short}"), &key).await.json().await.unwrap();
    assert_eq!(again["id"], id.as_str());
    let listed = site
        .world
        .eventually(async || {
            let page = site.world.get("/v1/requests?state=succeeded&command=deploy.say&limit=1", &key).await;
            let page: Value = page.json().await.unwrap();
            page["next_cursor"].is_string().then_some(page)
        })
        .await;
    let cursor = listed["next_cursor"].as_str().unwrap();
    let second = site.world.get(&format!("/v1/requests?state=succeeded&limit=1&cursor={cursor}"), &key).await;
    assert_eq!(second.json::<Value>().await.unwrap()["items"][0]["id"], id.as_str());
    site.stop().await;
}

pub async fn a_refusal_of_policy_tells_why_and_by_which_version(site: Site) {
    let key = site.world.key("ci", &SCOPES).await;
    let production = json!({ "command": "deploy say", "args": { "text": "x", "env": "production" } });
    let answer = site
        .world
        .client
        .post(site.world.url("/v1/requests"))
        .bearer_auth(&key)
        .header("Prefer", "wait=20")
        .json(&production)
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), StatusCode::FORBIDDEN);
    let problem: Value = answer.json().await.unwrap();
    assert_eq!(problem["code"], "not_allowed", "{problem}");
    assert_eq!(problem["refusal"], "not_allowed");
    assert!(problem["policy_version"].as_str().unwrap().starts_with("1 ("), "{problem}");
    assert!(!problem["what"].as_str().unwrap().is_empty());
    site.until(&key, problem["request_id"].as_str().unwrap(), "refused").await;
    assert!(site.calls.lock().is_empty());
    site.stop().await;
}

pub async fn a_run_is_cancelled_once_and_nobody_approves_by_key(site: Site) {
    let key = site.world.key("ci", &SCOPES).await;
    let id = site.submit(&key, &json!({ "text": "deploy wait" })).await;
    site.until(&key, &id, "started").await;
    let decide = format!("/v1/requests/{id}/decisions");
    for (decision, code) in [("approve", "not_allowed"), ("confirm", "conflict"), ("reject", "conflict")] {
        let answer = site.world.post(&decide, &key, &json!({ "decision": decision })).await;
        assert_eq!(answer.json::<Value>().await.unwrap()["code"], code, "{decision}");
    }
    let cancel = format!("/v1/requests/{id}/cancel");
    let answer = site.world.post(&cancel, &key, &json!({})).await;
    assert_eq!(answer.status(), StatusCode::ACCEPTED);
    let decision: Value = answer.json().await.unwrap();
    site.until(&key, &id, "cancelled").await;
    site.until(&key, decision["decision_id"].as_str().unwrap(), "succeeded").await;
    let again = site.world.post(&cancel, &key, &json!({})).await;
    assert_eq!(again.status(), StatusCode::CONFLICT);
    assert_eq!(again.json::<Value>().await.unwrap()["code"], "already_ended");
    site.stop().await;
}

pub async fn requests_of_others_are_not_there_and_hostile_ids_are_nothing(site: Site) {
    let key = site.world.key("ci", &SCOPES).await;
    let other = site.world.key("guest", &SCOPES).await;
    let auditor = site.world.key("auditor", &["requests:read", "audit:read"]).await;
    let id = site.submit(&key, &json!({ "text": "ping" })).await;
    site.until(&key, &id, "succeeded").await;
    for path in [format!("/v1/requests/{id}"), format!("/v1/requests/{id}/events")] {
        assert_eq!(site.world.get(&path, &other).await.status(), StatusCode::NOT_FOUND);
    }
    let cancel = site.world.post(&format!("/v1/requests/{id}/cancel"), &other, &json!({})).await;
    assert_eq!(cancel.status(), StatusCode::NOT_FOUND);
    let seen = site.world.get(&format!("/v1/requests/{id}"), &auditor).await;
    assert_eq!(seen.status(), StatusCode::OK);
    let long = "x".repeat(4_000);
    for hostile in ["%00", "..%2f..%2fetc", "'%20OR%201=1--", "%F0%9F%92%A9", "*", "adjutant.v1.%3E", &long] {
        let answer = site.world.get(&format!("/v1/requests/{hostile}"), &key).await;
        assert!(answer.status().is_client_error(), "{hostile}: {}", answer.status());
    }
    for hostile in ["state=%00", "platform=x", "limit=0", "limit=x", "cursor=zz", "since=now", "unknown=1"] {
        let answer = site.world.get(&format!("/v1/requests?{hostile}"), &key).await;
        assert!(answer.status().is_client_error(), "{hostile}: {}", answer.status());
    }
    site.stop().await;
}

pub async fn what_does_not_fit_is_told_by_its_place_and_nothing_is_submitted(site: Site) {
    let key = site.world.key("ci", &["requests:submit:deploy.*", "requests:read"]).await;
    let say = |args: Value| json!({ "command": "deploy.say", "args": args });
    for (body, pointer) in [
        (json!({}), ""),
        (json!({ "text": "ping", "command": "ping" }), ""),
        (json!({ "text": " " }), "/text"),
        (json!({ "command": "nothing" }), "/command"),
        (say(json!({})), "/args/text"),
        (say(json!({ "text": "x", "times": 10 })), "/args/times"),
        (say(json!({ "text": "x", "times": "2" })), "/args/times"),
        (say(json!({ "text": "x", "a/b": 1 })), "/args/a~1b"),
        (say(json!({ "text": "two\nlines" })), "/args/text"),
        (say(json!({ "text": "“x”" })), "/args/text"),
        (json!({ "text": "deploy say x", "announce": "No" }), "/announce"),
        (json!({ "text": "deploy say x", "deadline": "2020-01-01T00:00:00Z" }), "/deadline"),
        (json!({ "text": "deploy say x", "labels": { "": "x" } }), "/labels"),
    ] {
        let answer = site.world.post("/v1/requests", &key, &body).await;
        let status = answer.status();
        let problem: Value = answer.json().await.unwrap();
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{body}: {problem}");
        assert_eq!(problem["errors"][0]["pointer"], pointer, "{body}: {problem}");
    }
    let named = json!({ "text": "deploy say x", "actor": "slack:T1/U1" });
    assert_eq!(
        site.world.post("/v1/requests", &key, &named).await.status(),
        StatusCode::UNPROCESSABLE_ENTITY
    );
    for text in ["ping", "unknown words", "\"ping\" x"] {
        let answer = site.world.post("/v1/requests", &key, &json!({ "text": text })).await;
        assert_eq!(answer.json::<Value>().await.unwrap()["code"], "insufficient_scope", "{text}");
    }
    let announce = json!({ "text": "deploy say x", "announce": "deploys" });
    let answer = site.world.post("/v1/requests", &key, &announce).await;
    assert_eq!(answer.json::<Value>().await.unwrap()["required_scope"], "notify:send");
    let none: Value = site.world.get("/v1/requests", &key).await.json().await.unwrap();
    assert_eq!(none["items"], json!([]));
    site.stop().await;
}

pub async fn an_outcome_is_left_to_be_announced_once_without_the_parts_of_the_reply(site: Site) {
    let key = site.world.key("ci", &SCOPES).await;
    let missing = json!({ "text": "deploy say x", "announce": "deploys" });
    let answer = site.world.post("/v1/requests", &key, &missing).await;
    assert_eq!(answer.status(), StatusCode::UNPROCESSABLE_ENTITY);
    site.destination("deploys").await;
    let id = site.submit(&key, &missing).await;
    site.until(&key, &id, "succeeded").await;
    // The list is made by the copier, in the transaction that leaves the announcement.
    site.world
        .eventually(async || {
            let page: Value =
                site.world.get("/v1/requests?state=succeeded", &key).await.json().await.unwrap();
            (page["items"][0]["id"] == id.as_str()).then_some(())
        })
        .await;
    let db = site.world.open().await;
    site.stop().await;
    let left: Vec<(String, String, String)> = rows(&db, "SELECT kind, target, payload FROM relay").await;
    let [(kind, target, payload)] = left.as_slice() else { panic!("one announcement: {left:?}") };
    assert_eq!((kind.as_str(), target.as_str()), ("announce", "deploys"));
    let message: Value = serde_json::from_str(payload).unwrap();
    assert_eq!(message["title"], "deploy say: succeeded");
    assert_eq!(message["severity"], "success");
}
