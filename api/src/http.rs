//! What every call has in common: its id and address, its credentials, its body and pages, and how a no looks.

mod body;
mod entity_tag;
mod exchange;
mod labels;
mod page;
mod posted;
mod segments;

pub(crate) use self::{
    body::Body,
    entity_tag::{IfMatch, versioned},
    exchange::{Exchange, Rate, layer},
    labels::described as labels,
    page::{Page, Paging, after, limit},
    posted::{Params, Posted},
    segments::Segments,
};
