//! The canary: a request that a gateway sends itself, by the way of every other, to see that it comes back. It belongs to a tenant of
//! its own, which no platform and no key has; workers let it ask for one command, and it is kept out of what people and the record
//! are told.

use jiff::Timestamp;
use uuid::Uuid;

use crate::{
    actor::{Actor, Membership, Platform, Standing, Tenant},
    id::RequestId,
    place::Place,
    request::Request,
    subject::Origin,
    wire::Version,
};

/// The reserved tenant. Slack's and Discord's ids, and those of keys, are letters and digits.
const TENANT: &str = "@canary";
/// The one line that it may ask for.
pub const LINE: &str = "ping";

/// Whether this is where canaries come from: only those whose platform's ids cannot be that.
#[must_use]
pub fn is_origin(origin: &Origin) -> bool {
    let platform = matches!(origin.platform, Platform::Slack | Platform::Discord | Platform::Api);
    platform && origin.tenant.unescape().as_deref() == Some(TENANT)
}

/// A canary of this replica, for which nobody waits after that time.
#[must_use]
pub fn request(platform: Platform, replica: &str, until: Timestamp) -> Request {
    let tenant = Tenant::new(TENANT);
    Request {
        v: Version,
        id: RequestId::derive(platform, &tenant, &Uuid::now_v7().to_string()),
        actor: Actor {
            platform,
            tenant: tenant.clone(),
            user: replica.to_owned(),
            label: String::new(),
            standing: Standing::Bot,
        },
        groups: Membership::known(Vec::new()),
        place: Place {
            platform,
            tenant,
            channel: "canary".to_owned(),
            thread: None,
            private: true,
            answer: None,
        },
        text: LINE.to_owned(),
        raw: None,
        received_at: Timestamp::now(),
        expires_at: Some(until),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_canary_is_known_by_where_it_comes_from() {
        for platform in Platform::ALL {
            let origin = Origin::of(&request(platform, "g0", Timestamp::now()).actor);
            let lives = matches!(platform, Platform::Slack | Platform::Discord | Platform::Api);
            assert_eq!(is_origin(&origin), lives, "a service or a terminal could be called that");
        }
        assert!(!is_origin(&Origin::new(Platform::Slack, &Tenant::new("canary"))));
    }

    #[test]
    fn no_two_canaries_are_the_same_request() {
        let one = || request(Platform::Slack, "g0", Timestamp::now()).id;
        assert_ne!(one(), one());
    }
}
