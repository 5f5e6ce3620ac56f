//! A request of somebody's at a terminal, for the tests of this crate's parts.

use adjutant_bus::{
    actor::{Actor, Membership, Platform, Standing, Tenant},
    id::RequestId,
    place::Place,
    request::Request,
    wire::Version,
};
use jiff::Timestamp;

/// A member of `console:local`.
pub(crate) fn actor(user: &str) -> Actor {
    Actor {
        platform: Platform::Console,
        tenant: Tenant::new("local"),
        user: user.to_owned(),
        label: String::new(),
        standing: Standing::Member,
    }
}

/// What `ana` asks for with this line.
pub(crate) fn request(text: &str) -> Request {
    let actor = actor("ana");
    Request {
        v: Version,
        id: RequestId::derive(Platform::Console, &actor.tenant, "1"),
        groups: Membership::known(Vec::new()),
        place: Place {
            platform: Platform::Console,
            tenant: actor.tenant.clone(),
            channel: "terminal".to_owned(),
            thread: None,
            private: true,
            answer: None,
        },
        text: text.to_owned(),
        raw: None,
        received_at: Timestamp::UNIX_EPOCH,
        expires_at: None,
        actor,
    }
}
