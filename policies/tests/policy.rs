//! The gate and its loader against everything that goes wrong with policy files.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    missing_docs,
    unreachable_pub,
    reason = "a test fails by panicking, and its helpers are nobody's API"
)]

mod policy {
    pub mod agreement;
    pub mod corpus;
    pub mod damage;
    pub mod dice;
    pub mod diff;
    pub mod edits;
    pub mod force;
    pub mod identity;
    pub mod live;
    pub mod locks;
    pub mod models;
    pub mod properties;
    pub mod raw;
    pub mod recipes;
    pub mod requests;
    pub mod second_person;
    pub mod shipped;
    pub mod stale;
    pub mod surprises;
    pub mod traps;
    pub mod world;
}
