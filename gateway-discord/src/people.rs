//! Who asks: what the payload says of a user, and the roles by id. Roles count only in a guild that is trusted, and only if the app
//! was installed for that guild: anybody can invite a public bot to a guild of their own in which a role is called "admin".

use std::collections::BTreeSet;

use adjutant_bus::actor::{GroupId, Membership, Platform, Standing, Tenant};

use crate::{
    payload::{Member, User},
    snowflake::Snowflake,
};

/// The tenant of direct messages.
pub(crate) const DIRECT: &str = "dm";
/// Most characters of a name.
const LABEL: usize = 80;

/// Who asks, as far as the payload tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    pub(crate) user: Snowflake,
    pub(crate) label: String,
    pub(crate) standing: Standing,
    pub(crate) groups: Membership,
}

/// The guilds whose roles count.
#[derive(Clone, Debug, Default)]
pub(crate) struct Trusted(pub(crate) BTreeSet<Snowflake>);

/// Where somebody asks from.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Home {
    /// None in direct messages.
    pub(crate) guild: Option<Snowflake>,
    /// The app is there because this user has it, not because the guild has it.
    pub(crate) by_user: bool,
}

impl Home {
    pub(crate) fn tenant(self) -> Tenant {
        Tenant::new(self.guild.map_or_else(|| DIRECT.to_owned(), |guild| guild.to_string()))
    }
}

/// Who somebody is. Whoever is not certainly a member of a trusted guild has no groups.
pub(crate) fn identify(
    user: &User,
    member: Option<&Member>,
    home: Home,
    trusted: &Trusted,
) -> Option<Identity> {
    let id = user.id?;
    let label = member
        .and_then(|member| member.nick.as_ref())
        .or(user.global_name.as_ref())
        .filter(|name| !name.trim().is_empty())
        .unwrap_or(&user.username);
    let of_trusted = home.guild.filter(|guild| !home.by_user && trusted.0.contains(guild));
    let (standing, roles) = match (of_trusted, member) {
        _ if user.bot || user.system => (Standing::Bot, Vec::new()),
        (Some(guild), Some(member)) if !member.pending => (Standing::Member, groups(guild, member)),
        _ => (Standing::External, Vec::new()),
    };
    let label = label.chars().filter(|c| !c.is_control()).take(LABEL).collect();
    Some(Identity { user: id, label, standing, groups: Membership::known(roles) })
}

/// The roles as groups. The role that has the guild's id is everybody's; Discord leaves it out.
fn groups(guild: Snowflake, member: &Member) -> Vec<GroupId> {
    let tenant = Tenant::new(guild.to_string());
    let roles: BTreeSet<Snowflake> = member.roles.iter().copied().filter(|role| *role != guild).collect();
    roles.into_iter().map(|role| GroupId::new(Platform::Discord, &tenant, &role.to_string())).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn asked(user: Value, member: Value, home: Home) -> Identity {
        let user: User = serde_json::from_value(user).unwrap();
        let member: Option<Member> = serde_json::from_value(member).unwrap();
        let trusted = Trusted([Snowflake(9001)].into());
        identify(&user, member.as_ref(), home, &trusted).unwrap()
    }

    #[test]
    fn roles_count_for_members_of_trusted_guilds_only() {
        let ada = json!({ "id": "4001", "username": "ada", "global_name": "Ada" });
        let roles = json!({ "roles": ["7001", "7001", 7002, "9001", "x"] });
        let home = Home { guild: Some(Snowflake(9001)), by_user: false };
        let known = asked(ada.clone(), roles.clone(), home);
        let groups = ["discord:9001/7001", "discord:9001/7002"];
        let Membership::Known { groups: found, .. } = &known.groups else { panic!() };
        assert_eq!(found.iter().map(GroupId::as_str).collect::<Vec<_>>(), groups);
        assert_eq!((known.standing, known.label.as_str()), (Standing::Member, "Ada"));

        let none = Membership::known(Vec::new());
        let elsewhere = [
            (roles.clone(), Home { guild: Some(Snowflake(9002)), by_user: false }),
            (roles.clone(), Home { guild: Some(Snowflake(9001)), by_user: true }),
            (roles.clone(), Home::default()),
            (json!(null), home),
            (json!({ "roles": ["7001"], "pending": true }), home),
        ];
        for (member, home) in elsewhere {
            let found = asked(ada.clone(), member.clone(), home);
            assert_eq!((found.standing, &found.groups), (Standing::External, &none), "{member} {home:?}");
        }
        let bot = asked(json!({ "id": 1, "username": "b", "bot": true }), roles, home);
        assert_eq!((bot.standing, bot.groups), (Standing::Bot, none));
    }
}
