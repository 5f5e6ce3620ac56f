//! The Slack gateway: durable before it is acknowledged, several replicas side by side. Reading order: what comes in
//! (`payload`, `words`, `inbound`), who asks (`people`), the way in (`accept`, `ingress`), what is shown
//! (`render`, `modal`), the way out (`sender`), and what an operator needs (`check`, `manifest`).

mod payload;
mod words;

mod inbound;

mod people;
mod workspace;

mod accept;
mod ingress;

mod modal;
mod render;

mod sender;
mod web;

mod check;
mod gateway;
pub mod manifest;

pub use self::{
    gateway::{Gateway, Health, Ingress, SlackConfig},
    ingress::socket::SocketTiming,
};
