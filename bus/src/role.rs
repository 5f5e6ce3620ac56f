//! The parts of Adjutant that use the bus.

use crate::actor::Platform;

/// Which part of Adjutant uses the bus; each has rights of its own on a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Provisioning.
    Admin,
    /// Executes commands.
    Worker,
    /// The terminal's gateway.
    Console,
    /// Slack's gateway.
    Slack,
    /// Discord's gateway.
    Discord,
    /// The HTTP API.
    Api,
    /// The demo service.
    Demo,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 7] =
        [Self::Admin, Self::Worker, Self::Console, Self::Slack, Self::Discord, Self::Api, Self::Demo];

    /// Whose notices it takes: a gateway those to its platform, the others what services want said.
    pub(crate) const fn notices(self) -> Platform {
        match self {
            Self::Console => Platform::Console,
            Self::Slack => Platform::Slack,
            Self::Discord => Platform::Discord,
            Self::Admin | Self::Worker | Self::Api | Self::Demo => Platform::Service,
        }
    }

    /// The user name at a supervised server.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Worker => "worker",
            Self::Console => "gateway-console",
            Self::Slack => "gateway-slack",
            Self::Discord => "gateway-discord",
            Self::Api => "api",
            Self::Demo => "svc-deployments",
        }
    }
}
