//! The nouns, the wire format, the ports and the two buses of Adjutant. Reading order: the nouns (who, where, what),
//! their wire form, the subjects, the ports, then the in-memory and the NATS implementation.

pub mod id;

pub mod actor;
pub mod directory;
pub mod place;
pub mod spec;

pub mod line;
pub mod words;

pub mod announcement;
pub mod destination;
pub mod event;
pub mod introspection;
pub mod notice;
pub mod refusal;
pub mod reply;
pub mod request;

pub mod service;
pub mod subject;
pub mod wire;

pub mod schema;

pub mod ports;
mod role;

pub mod bundle;
pub mod canary;
pub mod lease;
pub mod mode;
pub mod presence;

pub mod memory;

pub mod nats;

pub mod look;
pub mod open;

pub use adjutant_traces::TraceContext;
