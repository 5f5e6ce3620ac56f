//! The roles of a guild as policy sees them: on which of them it may rest, and who hands them out. Pure. Source: Discord,
//! "Role Object", "Role Tags", "Permission Hierarchy".

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
};

use serde_json::Value;

use crate::snowflake::Snowflake;

/// Permissions by which somebody hands out roles below their own (Discord: "Bitwise Permission Flags").
const ADMINISTRATOR: u64 = 1 << 3;
const MANAGE_ROLES: u64 = 1 << 28;
/// The role can be chosen in the guild's onboarding (Discord: "Role Flags").
const IN_PROMPT: u64 = 1;

/// Tags of roles that members get by themselves, and what is to be said of each. A tag without a value is there or not.
const TAGS: [(&str, &str); 6] = [
    ("guild_connections", "members give it to themselves by linking an account"),
    ("premium_subscriber", "members get it by boosting the server"),
    ("available_for_purchase", "it can be bought"),
    ("subscription_listing_id", "it can be bought"),
    ("bot_id", "it belongs to a bot"),
    ("integration_id", "an integration hands it out"),
];

/// A guild.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Guild {
    pub(crate) name: String,
    pub(crate) owner: Option<Snowflake>,
    pub(crate) roles: BTreeMap<Snowflake, Role>,
}

/// A role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Role {
    pub(crate) id: Snowflake,
    pub(crate) name: String,
    position: i64,
    permissions: u64,
    /// Why policy may not rest on it.
    pub(crate) problem: Option<&'static str>,
}

impl Guild {
    /// Reads `GET /guilds/{guild}`. A role that cannot be read is left out.
    pub(crate) fn read(guild: Snowflake, answer: &Value) -> Self {
        let listed = answer.get("roles").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let roles = listed.iter().filter_map(|role| Role::read(guild, role));
        Self {
            name: answer.get("name").and_then(Value::as_str).unwrap_or_default().to_owned(),
            owner: answer.get("owner_id").and_then(Snowflake::read),
            roles: roles.map(|role| (role.id, role)).collect(),
        }
    }

    /// Whether somebody with these roles can hand out this one. The owner always can, and is not meant.
    pub(crate) fn gives(&self, own: &BTreeSet<Snowflake>, role: &Role) -> bool {
        let own: Vec<&Role> = own.iter().filter_map(|id| self.roles.get(id)).collect();
        own.iter().any(|one| one.may_give()) && own.iter().any(|one| one.is_above(role))
    }

    /// The roles whose holders can hand out this one, if they also stand above it.
    pub(crate) fn givers(&self, role: &Role) -> Vec<&Role> {
        if !self.roles.values().any(|one| one.is_above(role)) {
            return Vec::new();
        }
        self.roles.values().filter(|one| one.may_give()).collect()
    }
}

impl Role {
    fn read(guild: Snowflake, role: &Value) -> Option<Self> {
        let id = role.get("id").and_then(Snowflake::read)?;
        let permissions = role.get("permissions").and_then(Value::as_str).and_then(|text| text.parse().ok());
        Some(Self {
            id,
            name: role.get("name").and_then(Value::as_str).unwrap_or_default().to_owned(),
            position: role.get("position").and_then(Value::as_i64).unwrap_or_default(),
            // What cannot be read may be everything.
            permissions: permissions.unwrap_or(u64::MAX),
            problem: problem(guild, id, role),
        })
    }

    const fn may_give(&self) -> bool {
        self.permissions & (ADMINISTRATOR | MANAGE_ROLES) != 0
    }

    /// Of two roles in one position the one that was made first stands above.
    fn is_above(&self, other: &Self) -> bool {
        (self.position, Reverse(self.id)) > (other.position, Reverse(other.id))
    }
}

fn problem(guild: Snowflake, id: Snowflake, role: &Value) -> Option<&'static str> {
    let tagged = |(tag, _): &&(&str, &str)| role.pointer(&format!("/tags/{tag}")).is_some();
    let flags = role.get("flags").and_then(Value::as_u64).unwrap_or_default();
    if id == guild {
        Some("it is the role that every member has; write `everyone`")
    } else if let Some((_, why)) = TAGS.iter().find(tagged) {
        Some(why)
    } else if role.get("managed").is_some_and(|managed| managed.as_bool() != Some(false)) {
        Some("an integration hands it out")
    } else if flags & IN_PROMPT != 0 {
        Some("members choose it themselves when they join")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn guild(roles: &[Value]) -> Guild {
        Guild::read(Snowflake(9001), &json!({ "name": "Acme", "owner_id": "1", "roles": roles }))
    }

    #[test]
    fn no_role_that_members_get_by_themselves_is_taken() {
        let table = [
            (json!({ "id": "9001", "name": "@everyone" }), "every member has"),
            (json!({ "id": "7", "managed": true }), "an integration"),
            (json!({ "id": "7", "managed": "yes" }), "an integration"),
            (json!({ "id": "7", "managed": true, "tags": { "bot_id": "4004" } }), "a bot"),
            (json!({ "id": "7", "managed": true, "tags": { "integration_id": "5" } }), "an integration"),
            (json!({ "id": "7", "managed": true, "tags": { "premium_subscriber": null } }), "boosting"),
            (json!({ "id": "7", "tags": { "guild_connections": null } }), "linking an account"),
            (json!({ "id": "7", "tags": { "available_for_purchase": null } }), "bought"),
            (json!({ "id": "7", "tags": { "subscription_listing_id": "8" } }), "bought"),
            (json!({ "id": "7", "flags": 1 }), "when they join"),
        ];
        for (role, why) in table {
            let guild = guild(std::slice::from_ref(&role));
            let problem = guild.roles.values().next().unwrap().problem;
            assert!(problem.is_some_and(|found| found.contains(why)), "{role}: {problem:?}");
        }
        let good =
            guild(&[json!({ "id": "7", "managed": false, "tags": {}, "flags": 0 }), json!({ "id": "x" })]);
        assert_eq!(good.roles.values().map(|role| role.problem).collect::<Vec<_>>(), [None]);
    }

    #[test]
    fn who_stands_above_and_may_manage_roles_hands_it_out() {
        let role = |id: u64, position: u64, permissions: u64| json!({ "id": id.to_string(), "position": position, "permissions": permissions.to_string() });
        let guild = guild(&[
            role(9001, 0, 0),
            role(10, 5, 0),
            role(11, 6, MANAGE_ROLES),
            role(12, 3, MANAGE_ROLES),
            role(13, 7, 0),
            role(14, 4, ADMINISTRATOR),
            role(9, 5, MANAGE_ROLES),
            role(15, 5, MANAGE_ROLES),
        ]);
        let engineering = &guild.roles[&Snowflake(10)];
        let gives = |own: &[u64]| guild.gives(&own.iter().copied().map(Snowflake).collect(), engineering);
        assert!(gives(&[11]) && gives(&[12, 13]) && gives(&[13, 14]) && gives(&[9]));
        for own in [&[][..], &[12], &[13], &[14], &[15], &[10], &[99], &[10, 12]] {
            assert!(!gives(own), "{own:?}");
        }
        let names = |id: u64| {
            guild.givers(&guild.roles[&Snowflake(id)]).iter().map(|role| role.id.0).collect::<Vec<_>>()
        };
        assert_eq!(names(10), [9, 11, 12, 14, 15]);
        assert_eq!(names(13), [0_u64; 0], "nobody stands above the highest role");
    }
}
