//! The Discord gateway: durable before it is acknowledged, several replicas side by side, a session that one hands over to the next.
//! Reading order: what comes in (`snowflake`, `payload`, `words`, `commands`, `modal`, `inbound`), who asks (`people`, `channels`),
//! the way in (`accept`, `early`, `answered`, `ingress`), what is shown (`outbound`, `render`), the way out (`sender`, `web`), and
//! what an operator needs (`check`, `invite`), or who reviews policy (`roles`, `directory`).

mod payload;
mod snowflake;
mod words;

mod commands;
mod inbound;
mod modal;

mod channels;
mod people;

mod accept;
mod answered;
mod early;
mod ingress;

mod outbound;
mod render;

mod sender;
mod web;

mod check;
mod directory;
mod gateway;
mod invite;
mod roles;

pub use self::{
    commands::Registered,
    directory::Directory,
    gateway::{DiscordConfig, Gateway, Health, Ingress},
    ingress::socket::SocketTiming,
    invite::invite,
};
