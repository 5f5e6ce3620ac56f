//! Strict fakes of chat platforms, and of a collector of traces: they refuse what the real one refuses, do what it does, and keep
//! a record of everything.
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

pub mod collector;
pub mod discord;
pub mod slack;
