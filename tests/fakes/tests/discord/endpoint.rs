//! Interactions over HTTP: signed, and answered in the response.

use adjutant_fakes::discord::{FakeDiscord, Signing, World};
use axum::{
    Json, Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode},
    routing::post,
};
use ed25519_dalek::{Signature, VerifyingKey};
use serde_json::{Value, json};

fn bytes<const N: usize>(hex: &str) -> Option<[u8; N]> {
    let digits: Option<Vec<u8>> =
        (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(hex.get(at..at + 2)?, 16).ok()).collect();
    digits?.try_into().ok()
}

/// An app that checks the signature and its age, and answers.
async fn answer(
    State(key): State<VerifyingKey>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Value>, StatusCode> {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let timestamp = header("x-signature-timestamp");
    let signature = bytes::<64>(header("x-signature-ed25519")).ok_or(StatusCode::UNAUTHORIZED)?;
    let signed = [timestamp.as_bytes(), &body].concat();
    key.verify_strict(&signed, &Signature::from_bytes(&signature)).map_err(|_| StatusCode::UNAUTHORIZED)?;
    let age = jiff::Timestamp::now().as_second()
        - timestamp.parse::<i64>().map_err(|_| StatusCode::UNAUTHORIZED)?;
    if age > 300 {
        return Err(StatusCode::UNAUTHORIZED);
    }
    let body: Value = serde_json::from_slice(&body).map_err(|_| StatusCode::BAD_REQUEST)?;
    Ok(Json(match body["type"].as_u64() {
        Some(1) => json!({ "type": 1 }),
        _ => {
            json!({ "type": 4, "data": { "content": "fine", "flags": 64, "allowed_mentions": { "parse": [] } } })
        }
    }))
}

async fn app(fake: &FakeDiscord) -> String {
    let key = VerifyingKey::from_bytes(&bytes(&fake.world().public_key).unwrap()).unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/discord", listener.local_addr().unwrap());
    let routes = Router::new().route("/discord", post(answer)).with_state(key);
    tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
    url
}

#[tokio::test]
async fn interactions_are_posted_and_answered_in_the_response() {
    let fake = FakeDiscord::start(World::default()).await;
    let url = app(&fake).await;
    fake.interactions_to(&url);
    fake.probe(&url).await.unwrap();
    let asked = fake.command("4001", "5001", json!({ "name": "status" }));
    let callback = asked.acknowledged().await;
    assert!(callback.by_http && callback.kind == 4);
    assert_eq!(fake.ephemerals("4001")[0].content, "fine");
    assert_eq!(fake.post_again(&url, &asked, &Signing::default()).await.0, 200);
    assert_eq!(fake.post_again(&url, &asked, &Signing { late: 600, ..Signing::default() }).await.0, 401);
    assert_eq!(fake.violations(), [""; 0]);
}
