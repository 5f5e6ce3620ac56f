//! The API service: keys, commands over HTTP, notices, and the record. Reading order: a key as text and what it may do; the
//! database and the record in it; what is kept there; a call, who makes it and how a no looks; what is asked and said; what goes on
//! besides; what can be called; the service itself.

pub mod key;
pub mod scope;

pub mod store;

pub mod audit;

mod destinations;
mod idempotency;
pub mod keyring;

mod app;
mod auth;
mod http;
pub mod problem;

mod catalogue;
pub mod hooks;
mod live;
mod notices;
mod requests;

mod bootstrap;
mod expiry;
mod introspect;
mod relay;
mod revocations;

mod routes;
mod service;

pub mod look;

pub use routes::document;
pub use service::{Api, ApiConfig, Probe, StartError};
