//! What Discord says of a guild to people who review policy: every role, who has it, and who can hand it out. Asked with the
//! bot token of the gateway, and only of guilds that are trusted.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use adjutant_bus::{
    actor::{Actor, GroupId, Membership, Platform, Standing, Tenant},
    directory::{Keepers, Listed, Listing, Person},
};
use adjutant_gateway::Finding;
use serde::Deserialize;
use serde_json::Value;

use crate::{
    check,
    gateway::DiscordConfig,
    payload::Member,
    people::{DIRECT, Home, Identity, Trusted, identify},
    roles::{Guild, Role},
    snowflake::Snowflake,
    web::{CallError, MEMBERS, Web},
};

/// Answers of members that are asked for, a thousand in each. A larger guild is not looked through.
const PAGES: usize = 50;
/// How often a call is made anew after Discord has asked to wait.
const TRIES: usize = 4;
/// The longest that Discord is waited for.
const LONGEST: Duration = Duration::from_secs(30);
/// Discord's codes for a list of members without the intent, and for somebody who is no member, or nobody at all.
const MISSING_ACCESS: u64 = 50_001;
const UNKNOWN: [u64; 2] = [10_007, 10_013];
/// What to do so that Discord lists members.
const INTENT: &str = "Discord does not list this guild's members. Switch on Server Members Intent on the app's Bot page to see \
                      who has a role and who can hand it out";

/// The guilds that can be asked.
pub struct Directory {
    web: Web,
    trusted: Trusted,
}

/// The members of a guild, as far as they are asked for.
struct Members {
    all: Vec<(Identity, BTreeSet<Snowflake>)>,
}

impl Directory {
    /// Takes token and trusted guilds from the settings of the gateway. Asks nothing yet.
    ///
    /// # Errors
    /// What is wrong with the settings, and what to do about it.
    pub fn open(config: &DiscordConfig) -> Result<Self, Vec<Finding>> {
        let mut findings = Vec::new();
        let Some(token) = check::token(config.bot_token.as_ref(), &mut findings) else {
            return Err(findings);
        };
        let web = Web::new(&config.api_url, token, Snowflake(0))
            .map_err(|why| vec![Finding::bad("address", true, why, "Leave discord.api_url out.")])?;
        let guilds = config.trusted_guilds.iter().filter_map(|id| Snowflake::parse(id));
        Ok(Self { web, trusted: Trusted(guilds.collect()) })
    }

    /// The homes that can be asked.
    #[must_use]
    pub fn homes(&self) -> Vec<String> {
        self.trusted.0.iter().map(|guild| format!("{}:{guild}", Platform::Discord)).collect()
    }

    /// Every role of a home; of those in `closely` also who has them and who can hand them out.
    ///
    /// # Errors
    /// Why there is no answer, in words.
    pub async fn list(&self, asked: &str, closely: &BTreeSet<GroupId>) -> Result<Listing, String> {
        let id = self.guild_of(asked)?;
        let answer = patiently(|| self.web.guild(id)).await.map_err(|error| absent(&error))?;
        let (guild, tenant) = (Guild::read(id, &answer), Tenant::new(id.to_string()));
        let group = |role: &Role| GroupId::new(Platform::Discord, &tenant, &role.id.to_string());
        let mut untold = Vec::new();
        let near = guild.roles.values().any(|role| closely.contains(&group(role)));
        let members = if near { self.members(id, &mut untold).await? } else { None };
        let groups = guild.roles.values().map(|role| {
            let close = closely.contains(&group(role));
            let keepers = || match &members {
                Some(members) => Keepers::People { people: members.who_give(&guild, role) },
                None => Keepers::Holders {
                    groups: guild.givers(role).into_iter().map(|giver| giver.name.clone()).collect(),
                },
            };
            Listed {
                id: group(role),
                name: role.name.clone(),
                problem: role.problem.map(str::to_owned),
                members: members.as_ref().filter(|_| close).map(|members| members.with(role)),
                keepers: close.then(keepers),
            }
        });
        let groups = groups.collect();
        Ok(Listing { platform: Platform::Discord, tenant, name: guild.name, groups, untold })
    }

    /// Who a user is and which roles they have, as a command of theirs in this guild would carry it now. In direct messages
    /// nobody has any.
    ///
    /// # Errors
    /// Why it cannot be said, in words.
    pub async fn member(&self, asked: &str, user: &str) -> Result<(Actor, Membership), String> {
        let Some(user) = Snowflake::parse(user) else {
            return Err(format!("`{user:.40}` is no id of a Discord user; ids are digits"));
        };
        let actor = |tenant: Tenant, label: String, standing: Standing| Actor {
            platform: Platform::Discord,
            tenant,
            user: user.to_string(),
            label,
            standing,
        };
        if asked == format!("{}:{DIRECT}", Platform::Discord) {
            let actor = actor(Tenant::new(DIRECT), String::new(), Standing::External);
            return Ok((actor, Membership::known(Vec::new())));
        }
        let guild = self.guild_of(asked)?;
        let found = patiently(|| self.web.member(guild, user)).await.map_err(|error| match error.code() {
            Some(code) if UNKNOWN.contains(&code) => format!("Discord knows no member {user} of {asked}"),
            _ => absent(&error),
        })?;
        let (identity, _) = self
            .identity(guild, &found)
            .filter(|(identity, _)| identity.user == user)
            .ok_or_else(|| format!("Discord's answer about {user} cannot be read"))?;
        let tenant = Tenant::new(guild.to_string());
        Ok((actor(tenant, identity.label, identity.standing), identity.groups))
    }

    fn guild_of(&self, asked: &str) -> Result<Snowflake, String> {
        let guild = asked.strip_prefix("discord:").and_then(Snowflake::parse);
        guild
            .filter(|guild| self.trusted.0.contains(guild))
            .ok_or_else(|| format!("{asked} is not among discord.trusted_guilds"))
    }

    fn identity(&self, guild: Snowflake, member: &Value) -> Option<(Identity, BTreeSet<Snowflake>)> {
        let member = Member::deserialize(member).ok()?;
        let home = Home { guild: Some(guild), by_user: false };
        let identity = identify(member.user.as_ref()?, Some(&member), home, &self.trusted)?;
        // Everybody has the role of the guild's own id, with what it permits.
        let roles = member.roles.into_iter().chain([guild]).collect();
        Some((identity, roles))
    }

    /// Every member; none if Discord does not list them, or there are too many.
    async fn members(&self, guild: Snowflake, untold: &mut Vec<String>) -> Result<Option<Members>, String> {
        let (mut all, mut after) = (BTreeMap::new(), Snowflake(0));
        for _ in 0..PAGES {
            let page = match patiently(|| self.web.members(guild, after)).await {
                Ok(page) => page,
                Err(error) if error.code() == Some(MISSING_ACCESS) => {
                    untold.push(INTENT.to_owned());
                    return Ok(None);
                }
                Err(error) => return Err(error.to_string()),
            };
            let full = page.len() >= MEMBERS;
            let found = page.iter().filter_map(|member| self.identity(guild, member));
            all.extend(found.map(|(identity, roles)| (identity.user, (identity, roles))));
            let last = all.keys().next_back().copied().unwrap_or(after);
            if !full {
                return Ok(Some(Members { all: all.into_values().collect() }));
            }
            if last <= after {
                return Err("Discord's list of members cannot be read".to_owned());
            }
            after = last;
        }
        untold
            .push(format!("this guild has more than {} members, too many to look through", PAGES * MEMBERS));
        Ok(None)
    }
}

impl Members {
    fn with(&self, role: &Role) -> Vec<Person> {
        self.all.iter().filter(|(_, roles)| roles.contains(&role.id)).map(|(who, _)| person(who)).collect()
    }

    fn who_give(&self, guild: &Guild, role: &Role) -> Vec<Person> {
        let gives = |(who, roles): &&(Identity, BTreeSet<Snowflake>)| {
            guild.owner != Some(who.user) && guild.gives(roles, role)
        };
        self.all.iter().filter(gives).map(|(who, _)| person(who)).collect()
    }
}

fn person(who: &Identity) -> Person {
    Person { id: who.user.to_string(), label: who.label.clone(), standing: Some(who.standing) }
}

fn absent(error: &CallError) -> String {
    match error {
        CallError::Refused { status: 403 | 404, .. } => {
            "the bot is not in this guild; invite it (`adjutant commands discord-invite`), or trust the guild no more".to_owned()
        }
        CallError::Refused { status: 401, .. } => {
            "Discord refuses discord.bot_token: copy it again from the app's Bot page".to_owned()
        }
        other => other.to_string(),
    }
}

/// Calls, and calls again after Discord has asked to wait.
async fn patiently<T, F: Future<Output = Result<T, CallError>>>(
    call: impl Fn() -> F,
) -> Result<T, CallError> {
    for _ in 1..TRIES {
        match call().await {
            Err(CallError::Limited(rest)) => tokio::time::sleep(rest.min(LONGEST)).await,
            answered => return answered,
        }
    }
    call().await
}
