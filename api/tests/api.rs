//! The API as its callers see it: the real service on a real database and a real bus, over HTTP.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    unreachable_pub,
    reason = "a test fails by panicking, and its helpers are nobody's API"
)]

mod api {
    pub mod audit;
    pub mod audit_verify;
    pub mod auth;
    pub mod commands;
    pub mod events;
    pub mod idempotency;
    pub mod journal;
    pub mod outage;
    pub mod policy;
    pub mod requests;
    pub mod site;
    pub mod world;
}
