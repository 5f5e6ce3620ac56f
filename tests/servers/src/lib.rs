//! Real servers that tests start, and a proxy in front of them that fails as networks fail.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "a fixture: what does not fit fails the test that uses it"
)]

mod postgres;
mod proxy;

pub use postgres::Postgres;
pub use proxy::Proxy;
