//! Who asks: what Slack says of a user, and the user groups by id. Kept for a minute; when a lookup fails the groups known
//! are used for five minutes more, then nobody has any.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use adjutant_bus::actor::{GroupId, Membership, Platform, Standing};
use moka::future::Cache;
use parking_lot::Mutex;
use serde_json::Value;
use tokio::time::Instant;

use crate::{
    inbound::Person,
    web::{CallError, FAST},
    workspace::Workspace,
};

/// For how long an answer of Slack counts as fresh.
const FRESH: Duration = Duration::from_secs(60);
/// For how long groups are used while Slack does not answer.
const STALE: Duration = Duration::from_secs(300);
/// Most users remembered.
const USERS: u64 = 20_000;
/// Workspaces remembered.
const TEAMS: u64 = 1_000;

/// A user as Slack describes them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Described {
    pub(crate) standing: Standing,
    pub(crate) label: String,
}

/// Who asks, as far as it can be known now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    pub(crate) standing: Standing,
    pub(crate) label: String,
    pub(crate) groups: Membership,
}

/// The members of each user group of a workspace.
#[derive(Debug, Default)]
struct Groups {
    by_user: HashMap<String, Vec<GroupId>>,
}

/// What is known of people.
pub(crate) struct People {
    users: Cache<(String, String), Described>,
    groups: Cache<String, Arc<Groups>>,
    last_good: Mutex<HashMap<String, (Instant, Arc<Groups>)>>,
}

impl People {
    pub(crate) fn new() -> Self {
        Self {
            users: Cache::builder().max_capacity(USERS).time_to_live(FRESH).build(),
            groups: Cache::builder().max_capacity(TEAMS).time_to_live(FRESH).build(),
            last_good: Mutex::default(),
        }
    }

    /// Who a person is. What cannot be found out denies, and says so.
    pub(crate) async fn identify(&self, workspace: &Workspace, person: &Person) -> Identity {
        if person.elsewhere {
            return outsider(person.label.clone(), Standing::External);
        }
        let (described, groups) = tokio::join!(self.describe(workspace, &person.id), self.groups(workspace));
        let unknown = |what: &str, error: &CallError| Membership::Unknown {
            reason: format!("Slack could not say {what} ({error})"),
        };
        match (described, groups) {
            (Err(error), _) => Identity {
                standing: Standing::External,
                label: person.label.clone(),
                groups: unknown("who you are", &error),
            },
            (Ok(known), _)
                if matches!(known.standing, Standing::External | Standing::Bot | Standing::Deactivated) =>
            {
                outsider(known.label, known.standing)
            }
            (Ok(known), Ok(groups)) => {
                let own = groups.by_user.get(&person.id).cloned().unwrap_or_default();
                Identity { standing: known.standing, label: known.label, groups: Membership::known(own) }
            }
            (Ok(known), Err(error)) => Identity {
                standing: known.standing,
                label: known.label,
                groups: unknown("which user groups you are in", &error),
            },
        }
    }

    async fn describe(&self, workspace: &Workspace, user: &str) -> Result<Described, CallError> {
        let key = (workspace.team.clone(), user.to_owned());
        let look = async {
            let answer = workspace.web.get("users.info", &[("user", user.to_owned())], FAST).await?;
            Ok(described(answer.get("user").unwrap_or(&Value::Null), workspace))
        };
        self.users.try_get_with(key, look).await.map_err(|error: Arc<CallError>| CallError::clone(&error))
    }

    async fn groups(&self, workspace: &Workspace) -> Result<Arc<Groups>, CallError> {
        let fetched = self.groups.try_get_with(workspace.team.clone(), fetch(workspace)).await;
        match fetched {
            Ok(groups) => {
                let mut last = self.last_good.lock();
                let is_new = last.get(&workspace.team).is_none_or(|(_, known)| !Arc::ptr_eq(known, &groups));
                if is_new {
                    last.insert(workspace.team.clone(), (Instant::now(), groups.clone()));
                }
                Ok(groups)
            }
            Err(error) => {
                let last = self.last_good.lock().get(&workspace.team).cloned();
                let usable = last.filter(|(at, _)| at.elapsed() < STALE).map(|(_, groups)| groups);
                usable.ok_or_else(|| CallError::clone(&error))
            }
        }
    }

    /// The groups have changed: they are asked for anew. Until that works nobody keeps what may have been taken away.
    pub(crate) async fn forget_groups(&self, team: &str) {
        self.groups.invalidate(team).await;
        self.last_good.lock().remove(team);
    }

    /// What is known of a user is out of date.
    pub(crate) async fn forget_user(&self, team: &str, user: &str) {
        self.users.invalidate(&(team.to_owned(), user.to_owned())).await;
    }
}

fn outsider(label: String, standing: Standing) -> Identity {
    Identity { standing, label, groups: Membership::known(Vec::new()) }
}

/// What `users.info` says (Slack: "User object").
fn described(user: &Value, workspace: &Workspace) -> Described {
    let is = |flag: &str| user.get(flag).and_then(Value::as_bool).unwrap_or(false);
    let text = |pointer: &str| user.pointer(pointer).and_then(Value::as_str).filter(|text| !text.is_empty());
    let standing = if is("deleted") {
        Standing::Deactivated
    } else if is("is_bot") || text("/id") == Some("USLACKBOT") {
        Standing::Bot
    } else if is("is_stranger") || !at_home(user, workspace) {
        Standing::External
    } else if is("is_restricted") || is("is_ultra_restricted") {
        Standing::Guest
    } else {
        Standing::Member
    };
    let label = text("/profile/display_name").or_else(|| text("/real_name")).or_else(|| text("/name"));
    Described { standing, label: label.unwrap_or_default().chars().take(80).collect() }
}

/// Of this workspace; in an organization, of one of its workspaces that includes this one.
fn at_home(user: &Value, workspace: &Workspace) -> bool {
    let of_team = user.get("team_id").and_then(Value::as_str).is_none_or(|team| team == workspace.team);
    let teams = user.pointer("/enterprise_user/teams").and_then(Value::as_array);
    let within = teams.is_some_and(|teams| teams.iter().any(|team| team.as_str() == Some(&workspace.team)));
    let enterprise = user.pointer("/enterprise_user/enterprise_id").and_then(Value::as_str);
    of_team || within && enterprise.is_some() && enterprise == workspace.enterprise.as_deref()
}

async fn fetch(workspace: &Workspace) -> Result<Arc<Groups>, CallError> {
    // `include_count` because the answer without it has been seen without other fields too.
    let mut wanted = vec![("include_users", "true".to_owned()), ("include_count", "true".to_owned())];
    if workspace.whole_enterprise {
        wanted.push(("team_id", workspace.team.clone()));
    }
    match workspace.web.get("usergroups.list", &wanted, FAST).await {
        Ok(answer) => Ok(Arc::new(groups(&answer, workspace))),
        // Free plans have no user groups.
        Err(error) if error.code() == Some("plan_upgrade_required") => Ok(Arc::default()),
        Err(error) => Err(error),
    }
}

/// The groups that are not disabled, by member. A group that cannot be read grants nothing; it takes nothing from others.
fn groups(answer: &Value, workspace: &Workspace) -> Groups {
    let mut found = Groups::default();
    let listed = answer.get("usergroups").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    for group in listed {
        let disabled = group.get("date_delete").is_some_and(|at| at.as_i64() != Some(0));
        let elsewhere = group
            .get("team_id")
            .and_then(Value::as_str)
            .is_some_and(|team| team != workspace.team && Some(team) != workspace.enterprise.as_deref());
        let Some(id) = group.get("id").and_then(Value::as_str).filter(|_| !disabled && !elsewhere) else {
            continue;
        };
        let members = group.get("users").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let members: HashSet<&str> = members.iter().filter_map(Value::as_str).collect();
        for user in members {
            let own = found.by_user.entry(user.to_owned()).or_default();
            own.push(GroupId::new(Platform::Slack, &workspace.tenant, id));
        }
    }
    found
}

#[cfg(test)]
mod tests;
