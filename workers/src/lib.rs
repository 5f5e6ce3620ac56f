//! The command catalogue, parsing of typed words, and execution. Reading order: from text to an invocation, whether it may
//! run, the journal as lock, the run itself.

pub use adjutant_bus::words;

mod arguments;
pub mod catalogue;
pub mod parse;
mod suggest;
pub mod usage;

mod authorize;
mod context;
mod mode;
mod refusals;

mod adopt;
mod ledger;

mod announce;
mod commands;
mod executor;
mod health;
mod offers;
mod worker;

#[cfg(test)]
mod sample;

pub use commands::built_in;
pub use context::{context, vocabulary};
pub use health::Health;
pub use worker::{WorkerConfig, run};
