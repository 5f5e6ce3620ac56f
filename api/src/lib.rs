//! The API service: keys, commands over HTTP, notices, and the record. Reading order: a key as text, what it may do, the
//! database, the record, a call and who makes it, what can be called, the service itself.

pub mod key;
pub mod scope;

pub mod store;

pub mod audit;

pub mod keyring;

mod app;
mod auth;
mod catalogue;
pub mod hooks;
mod http;
mod idempotency;
mod live;
pub mod problem;

mod bootstrap;
mod expiry;
mod introspect;
mod metrics;
mod relay;
mod requests;
mod revocations;
mod routes;
mod service;

pub use routes::document;
pub use service::{Api, ApiConfig, StartError};
