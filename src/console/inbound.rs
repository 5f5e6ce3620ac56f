//! From a line at the terminal to a request. Pure.

use adjutant_bus::{
    actor::{Actor, GroupId, Membership, Platform, Standing, Tenant},
    id::RequestId,
    place::Place,
    request::Request,
    wire::Version,
};
use jiff::Timestamp;
use uuid::Uuid;

/// The one channel of a terminal, as policy names it.
pub(super) const CHANNEL: &str = "terminal";

/// Who is at the terminal.
pub(crate) struct Who<'a> {
    /// Name, which is the id here.
    pub(crate) user: &'a str,
    /// Policy groups, from the configuration.
    pub(crate) groups: &'a [String],
}

/// The request that this line is. A terminal sends each line once, so its event id is new each time.
pub(crate) fn request(tenant: &Tenant, who: &Who<'_>, line: &str, expires_at: Option<Timestamp>) -> Request {
    let group = |name: &String| GroupId::new(Platform::Console, tenant, name);
    Request {
        v: Version,
        id: RequestId::derive(Platform::Console, tenant, &Uuid::new_v4().to_string()),
        actor: Actor {
            platform: Platform::Console,
            tenant: tenant.clone(),
            user: who.user.to_owned(),
            label: who.user.to_owned(),
            standing: Standing::Member,
        },
        groups: Membership::known(who.groups.iter().map(group).collect()),
        place: Place {
            platform: Platform::Console,
            tenant: tenant.clone(),
            channel: CHANNEL.to_owned(),
            thread: None,
            private: true,
            answer: None,
        },
        text: line.to_owned(),
        raw: None,
        received_at: Timestamp::now(),
        expires_at,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_becomes_a_request_of_the_user_in_the_terminal() {
        let tenant = Tenant::new("local");
        let who = Who { user: "ana", groups: &["Engineering".to_owned()] };
        let asked = request(&tenant, &who, " ping ", None);
        assert_eq!(asked.actor.to_string(), "console:local/ana");
        assert_eq!(asked.place.to_string(), "console:local/terminal");
        assert_eq!(asked.text, " ping ");
        let group = GroupId::new(Platform::Console, &tenant, "Engineering");
        assert_eq!(asked.groups, Membership::known(vec![group]));
        assert_ne!(asked.id, request(&tenant, &who, " ping ", None).id);
    }
}
