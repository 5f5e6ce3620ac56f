//! From text to an ending: parsing by table, and a worker on the in-memory bus.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    unreachable_pub,
    reason = "a test fails by panicking, and its helpers are nobody's API"
)]

mod workers {
    pub mod announcing;
    pub mod canary;
    pub mod execution;
    pub mod freezing;
    pub mod parsing;
    pub mod pausing;
    pub mod refusing;
    pub mod world;
}
