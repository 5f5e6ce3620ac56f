//! The Slack gateway: durable before it is acknowledged, several replicas side by side. Reading order: what comes in
//! (`payload`, `words`, `inbound`), who asks (`people`), the way in (`accept`, `deliver`, `ingress`), what is shown
//! (`outbound`, `render`, `modal`), the way out (`sender`), and what an operator needs (`check`, `manifest`).

mod payload;
mod words;

mod inbound;

mod people;
mod workspace;

mod accept;
mod deliver;
mod ingress;

mod modal;
mod outbound;
mod render;

mod sender;
mod web;

pub mod check;
mod gateway;
pub mod manifest;

pub use self::{
    accept::Specs,
    gateway::{Gateway, Health, Ingress, SlackConfig},
    ingress::socket::SocketTiming,
};
