//! What is learned of Discord's limits, and kept to.

use reqwest::Method;
use serde_json::json;
use tokio::time::Instant;

use super::*;

const MESSAGES: &str = "/channels/{channel}/messages";

fn post(channel: u64) -> Call<'static> {
    Call::new(Method::POST, MESSAGES, format!("/channels/{channel}/messages"), channel)
}

fn headers(all: &[(&'static str, &str)]) -> HeaderMap {
    all.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
}

fn bucket(left: &str, reset: &str) -> HeaderMap {
    headers(&[
        ("x-ratelimit-bucket", "b1"),
        ("x-ratelimit-limit", "2"),
        ("x-ratelimit-remaining", left),
        ("x-ratelimit-reset-after", reset),
    ])
}

async fn waited(limits: &Limits, call: &Call<'_>) -> Duration {
    let begun = Instant::now();
    limits.turn(call).await.unwrap();
    begun.elapsed()
}

#[tokio::test(start_paused = true)]
async fn a_bucket_that_is_empty_is_waited_for_and_others_are_not() {
    let limits = Limits::new();
    drop(limits.turn(&post(1)).await.unwrap());
    limits.learn(&post(1), StatusCode::OK, &bucket("1", "5"), &Value::Null);
    assert!(waited(&limits, &post(1)).await < Duration::from_millis(100));
    // Another channel has a bucket of its own.
    assert!(waited(&limits, &post(2)).await < Duration::from_millis(100));
    let rest = waited(&limits, &post(1)).await;
    assert!(rest > Duration::from_secs(4) && rest < Duration::from_secs(6), "{rest:?}");
}

#[tokio::test(start_paused = true)]
async fn when_discord_asks_to_wait_nothing_leaves_there_or_at_all() {
    let limits = Limits::new();
    let asked = |scope| headers(&[("x-ratelimit-scope", scope), ("retry-after", "3")]);
    let (too_many, body) = (StatusCode::TOO_MANY_REQUESTS, json!({ "retry_after": 2.5 }));
    limits.learn(&post(1), too_many, &asked("user"), &body);
    assert!(waited(&limits, &post(2)).await < Duration::from_millis(100));
    assert_eq!(waited(&limits, &post(1)).await.as_millis() / 100, 25);
    limits.learn(&post(1), too_many, &asked("global"), &body);
    let callback = Call { exempt: true, ..post(3) };
    assert_eq!(waited(&limits, &callback).await, Duration::ZERO);
    assert_eq!(waited(&limits, &post(3)).await.as_millis() / 100, 25);
}

#[tokio::test(start_paused = true)]
async fn what_was_refused_is_not_asked_again_and_again() {
    let limits = Limits::new();
    let none = HeaderMap::new();
    limits.learn(&post(1), StatusCode::FORBIDDEN, &none, &json!({ "code": 50_013 }));
    let refused = limits.turn(&post(1)).await.err().unwrap();
    assert!(matches!(refused, CallError::Refused { status: 403, code: 50_013, .. }), "{refused:?}");
    assert!(limits.turn(&post(2)).await.is_ok());
    // One user who takes no direct messages keeps nobody else from them.
    let direct = Call { route: "/users/@me/channels", major: String::new(), ..post(0) };
    limits.learn(&direct, StatusCode::FORBIDDEN, &none, &json!({ "code": 50_007 }));
    assert!(limits.turn(&direct).await.is_ok());
    // What is shared by everybody is not our fault.
    let shared = headers(&[("x-ratelimit-scope", "shared")]);
    for channel in 10..2_000 {
        limits.learn(&post(channel), StatusCode::TOO_MANY_REQUESTS, &shared, &json!({ "retry_after": 0.1 }));
    }
    assert!(limits.turn(&post(2)).await.is_ok());
    for channel in 2_000..2_600 {
        limits.learn(&post(channel), StatusCode::FORBIDDEN, &none, &Value::Null);
    }
    let stopped = limits.turn(&post(3)).await.err().unwrap();
    assert!(matches!(stopped, CallError::Limited(rest) if rest > Duration::from_secs(500)), "{stopped:?}");
    tokio::time::advance(INVALID_WINDOW + REST).await;
    assert!(limits.turn(&post(3)).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn with_a_token_that_was_refused_nothing_of_the_bots_leaves() {
    let limits = Limits::new();
    limits.learn(&post(1), StatusCode::UNAUTHORIZED, &HeaderMap::new(), &Value::Null);
    assert!(limits.is_unauthorized());
    let refused = limits.turn(&post(2)).await.err().unwrap();
    assert!(matches!(refused, CallError::Refused { status: 401, .. }), "{refused:?}");
    // The answer to an interaction needs no token of the bot's.
    let callback = Call { exempt: true, ..post(3).of_interaction() };
    assert!(limits.turn(&callback).await.is_ok());
}
