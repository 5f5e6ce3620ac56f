//! What Adjutant counts and times. Reading order: the names and their labels, the registry that keeps them, then what each part of
//! the program calls. Knows no types of the bus: what is told are words, numbers and times.

mod kind;
mod label;
mod name;

mod clock;
mod registry;

pub mod api;
pub mod bus;
pub mod canary;
pub mod gateway;
pub mod policy;
pub mod program;
pub mod worker;

pub use self::{
    kind::{Kind, Part},
    label::{Label, MOST_VALUES, OTHER, Values},
    name::{Described, Name},
    registry::{CONTENT_TYPE, text},
};
