//! The servers that tests start: that they start, can be taken away, and leave nothing behind.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    clippy::string_slice,
    missing_docs,
    unreachable_pub,
    reason = "a test fails by panicking, and its helpers are nobody's API"
)]

mod servers {
    mod postgres;
    mod proxy;
    mod wire;
}
