//! The two ways by which Discord reaches us: the gateway's socket that we open, and interactions that it posts, signed. Both end in
//! [`crate::accept`].

pub(crate) mod http;
pub(crate) mod socket;
