//! A token reaches the configured host, and no other.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use axum::{Json, Router, http::HeaderMap, response::Redirect, routing::any};
use reqwest::dns::Resolve;
use serde_json::json;

use super::{resolve::OneHost, *};
use crate::ingress::socket::Hosts;

/// A server on the loopback, and how often it was asked.
async fn server(routes: impl FnOnce(Arc<AtomicUsize>) -> Router) -> (u16, Arc<AtomicUsize>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (port, asked) = (listener.local_addr().unwrap().port(), Arc::new(AtomicUsize::new(0)));
    let routes = routes(asked.clone());
    tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
    (port, asked)
}

fn web(port: u16) -> Web {
    let url = format!("http://127.0.0.1:{port}/api");
    Web::new(&url, &SecretString::from("MTIz.secret.token"), Snowflake(1)).unwrap()
}

#[tokio::test]
async fn no_redirect_takes_a_token_elsewhere() {
    let (foreign, asked_there) = server(|asked| {
        Router::new().fallback(any(async move || {
            asked.fetch_add(1, Ordering::Relaxed);
            Json(json!({ "id": "1" }))
        }))
    })
    .await;
    let (own, asked) = server(|asked| {
        Router::new().fallback(any(async move |headers: HeaderMap| {
            assert_eq!(headers["authorization"], "Bot MTIz.secret.token");
            asked.fetch_add(1, Ordering::Relaxed);
            Redirect::temporary(&format!("http://127.0.0.1:{foreign}/api/v10/users/@me"))
        }))
    })
    .await;
    let refused = web(own).me().await.unwrap_err();
    assert!(matches!(refused, CallError::Unknown(_)), "{refused:?}");
    assert_eq!((asked.load(Ordering::Relaxed), asked_there.load(Ordering::Relaxed)), (1, 0));
}

#[tokio::test]
async fn no_other_name_is_resolved() {
    for (host, name, ours) in [
        ("localhost", "localhost", true),
        ("localhost", "LOCALHOST", true),
        ("localhost", "discord.com", false),
        ("127.0.0.1", "discord.com", false),
        ("discord.example", "gateway.discord.gg", false),
    ] {
        let found = OneHost(host.to_owned()).resolve(name.parse().unwrap()).await;
        assert_eq!(found.is_ok(), ours, "{name} for {host}");
    }
}

#[test]
fn a_base_without_tls_is_taken_on_the_loopback_only() {
    for (url, good) in [
        ("https://discord.com/api", true),
        ("http://127.0.0.1:8080/api", true),
        ("http://localhost:8080/api", true),
        ("http://discord.com/api", false),
        ("http://127.0.0.1.evil.example/api", false),
        ("ftp://discord.com/api", false),
        ("discord.com/api", false),
    ] {
        let made = Web::new(url, &SecretString::from("a.b.c"), Snowflake(1));
        assert_eq!(made.is_ok(), good, "{url}");
    }
}

#[test]
fn a_session_is_moved_to_the_configured_host_or_to_discords_own_only() {
    let hosts = |api: &str, plain| Hosts { api: api.to_owned(), plain };
    let (discord, other) = (hosts("discord.com", false), hosts("127.0.0.1", true));
    for url in ["wss://gateway.discord.gg", "wss://gateway-us-east1-b.discord.gg/?v=10", "wss://discord.gg"] {
        assert!(discord.is_ours(url) && !other.is_ours(url), "{url}");
    }
    for url in [
        "ws://gateway.discord.gg",
        "wss://discord.gg.evil.example",
        "wss://evildiscord.gg",
        "https://discord.gg",
        "x",
    ] {
        assert!(!discord.is_ours(url) && !other.is_ours(url), "{url}");
    }
    assert!(other.is_ours("ws://127.0.0.1:4000/gateway") && !discord.is_ours("ws://127.0.0.1:4000/gateway"));
}
