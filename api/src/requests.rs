//! Commands over HTTP: the rows that lists are made of, what is told of a request, and its way onto the bus.

mod find;
mod rows;
mod shown;
pub(crate) mod submit;
pub(crate) mod view;

pub(crate) use self::{
    find::{Found, everything, found, keep},
    rows::{Filter, Listed, list},
    shown::{Links, Shown, ended, event, links},
};
