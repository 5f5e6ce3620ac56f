//! Real servers that tests start, each with data of its own on a port of its own, and a proxy by which a test takes one away.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    clippy::string_slice,
    missing_docs,
    reason = "a fixture: what does not fit fails the test that uses it"
)]

mod nats;
mod postgres;
mod proxy;
mod watchdog;

pub use nats::Nats;
pub use postgres::Postgres;
pub use proxy::Proxy;
