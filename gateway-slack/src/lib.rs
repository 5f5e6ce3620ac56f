//! The Slack gateway: durable before it is acknowledged, several replicas side by side. Reading order: what comes in
//! (`payload`, `words`, `inbound`), who asks (`groups`, `people`), the way in (`accept`, `ingress`), what is shown
//! (`render`, `modal`), the way out (`sender`), and what an operator needs (`check`, `manifest`), or who reviews policy (`directory`).

mod payload;
mod words;

mod inbound;

mod groups;
mod people;
mod workspace;

mod accept;
mod ingress;

mod modal;
mod render;

mod sender;
mod web;

mod check;
mod directory;
mod gateway;
pub mod manifest;

pub use self::{
    directory::Directory,
    gateway::{Gateway, Health, Ingress, SlackConfig},
    ingress::socket::SocketTiming,
};
