//! The fake Discord keeps to Discord's rules: seen by plain clients, one of its socket and one of its REST API.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "clippy takes only the test functions themselves for tests"
)]

#[path = "discord/client.rs"]
mod client;
#[path = "discord/endpoint.rs"]
mod endpoint;
#[path = "discord/gateway.rs"]
mod gateway;
#[path = "discord/interactions.rs"]
mod interactions;
#[path = "discord/rest.rs"]
mod rest;
