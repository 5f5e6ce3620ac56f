//! The two ways by which Slack reaches us: sockets that we open, and requests that it signs. Both end in [`crate::accept`].

pub(crate) mod http;
mod signature;
pub(crate) mod socket;
