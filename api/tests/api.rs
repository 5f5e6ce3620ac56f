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
    pub mod audit_keeping;
    pub mod audit_read;
    pub mod audit_verify;
    pub mod auth;
    pub mod commands;
    pub mod database;
    pub mod document;
    pub mod events;
    pub mod idempotency;
    pub mod journal;
    pub mod keys;
    pub mod keys_life;
    pub mod keys_replicas;
    pub mod outage;
    pub mod policy;
    pub mod requests;
    pub mod site;
    pub mod world;
}

use api::world::World;

/// Instantiates every promise for both databases.
macro_rules! promises {
    ($($part:ident :: $promise:ident),* $(,)?) => {
        mod on_sqlite {
            use super::*;
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $promise() {
                api::$part::$promise(World::new().await).await;
            })*
        }
        mod on_postgres {
            use super::*;
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $promise() {
                api::$part::$promise(World::postgres().await).await;
            })*
        }
    };
}

promises! {
    audit_read::entries_are_found_by_each_filter_and_page_by_page,
    audit_read::exports_hold_every_entry_and_verification_reports,
    audit_read::one_entry_is_shown_and_what_does_not_fit_is_told,
    auth::a_valid_key_is_told_who_it_is_and_others_are_told_apart,
}
