//! Notices: what a service wants said at a destination, from the call until the bus has it. Reading order: who may, how a notice
//! is kept, sending, the secrets of hooks, what the API itself says.

mod announce;
mod permission;
mod rows;
pub(crate) mod secrets;
mod send;

pub(crate) use self::announce::relay_announce;
pub(crate) use self::{
    rows::{Delivery, Row, one},
    send::{Outgoing, Sent, send},
};
