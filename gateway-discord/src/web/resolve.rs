//! Resolves the one host that is configured, and no other: a token cannot reach another host by mistake.

use std::net::SocketAddr;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// The host.
pub(super) struct OneHost(pub(super) String);

impl Resolve for OneHost {
    fn resolve(&self, name: Name) -> Resolving {
        let ours = name.as_str().eq_ignore_ascii_case(&self.0);
        Box::pin(async move {
            if !ours {
                return Err(format!("{} is not the configured host", name.as_str()).into());
            }
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}
