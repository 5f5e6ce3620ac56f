//! What every call has in common: its id and address, its credentials, its body and pages, and how a no looks.

mod body;
mod exchange;
mod page;
mod posted;

pub(crate) use self::{
    body::Body,
    exchange::{Exchange, Rate, layer},
    page::{Page, Paging, after, limit},
    posted::{Params, Posted},
};
