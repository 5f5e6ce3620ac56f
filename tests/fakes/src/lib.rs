//! Strict fakes of chat platforms: they refuse what the platform refuses, do what it does, and keep a record of everything.
//! Real client code connects to them; tests and benchmarks look at the record.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    missing_docs,
    reason = "a fixture: what does not fit fails the test that uses it"
)]

pub mod discord;
pub mod slack;
