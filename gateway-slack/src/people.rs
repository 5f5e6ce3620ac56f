//! Who asks: what Slack says of a user, and the user groups by id. Kept for a minute; when a lookup fails nobody has any groups,
//! not even those known a moment ago.

use std::{collections::HashMap, sync::Arc, time::Duration};

use adjutant_bus::actor::{GroupId, Membership, Platform, Standing};
use jiff::Timestamp;
use moka::future::Cache;
use serde_json::Value;

use crate::{
    groups::{self, UserGroup},
    inbound::Person,
    web::{CallError, FAST},
    workspace::Workspace,
};

/// For how long an answer of Slack counts as fresh.
const FRESH: Duration = Duration::from_secs(60);
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
#[derive(Debug)]
struct Groups {
    by_user: HashMap<String, Vec<GroupId>>,
    /// When Slack was asked.
    as_of: Timestamp,
}

/// What is known of people.
pub(crate) struct People {
    users: Cache<(String, String), Described>,
    groups: Cache<String, Arc<Groups>>,
}

impl People {
    pub(crate) fn new() -> Self {
        Self {
            users: Cache::builder().max_capacity(USERS).time_to_live(FRESH).build(),
            groups: Cache::builder().max_capacity(TEAMS).time_to_live(FRESH).build(),
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
                Identity {
                    standing: known.standing,
                    label: known.label,
                    groups: Membership::known(own).said_at(groups.as_of),
                }
            }
            (Ok(known), Err(error)) => Identity {
                standing: known.standing,
                label: known.label,
                groups: unknown("which user groups you are in", &error),
            },
        }
    }

    pub(crate) async fn describe(&self, workspace: &Workspace, user: &str) -> Result<Described, CallError> {
        let key = (workspace.team.clone(), user.to_owned());
        let look = async {
            let answer = workspace.web.get("users.info", &[("user", user.to_owned())], FAST).await?;
            Ok(described(answer.get("user").unwrap_or(&Value::Null), workspace))
        };
        self.users.try_get_with(key, look).await.map_err(|error: Arc<CallError>| CallError::clone(&error))
    }

    async fn groups(&self, workspace: &Workspace) -> Result<Arc<Groups>, CallError> {
        let fetched = self.groups.try_get_with(workspace.team.clone(), fetch(workspace)).await;
        fetched.map_err(|error: Arc<CallError>| CallError::clone(&error))
    }

    /// The groups have changed: they are asked for anew. Until that works nobody keeps what may have been taken away.
    pub(crate) async fn forget_groups(&self, team: &str) {
        self.groups.invalidate(team).await;
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
    let as_of = Timestamp::now();
    match workspace.web.get("usergroups.list", &groups::wanted(workspace, false), FAST).await {
        Ok(answer) => {
            let by_user = by_user(groups::read(&answer, workspace), workspace);
            Ok(Arc::new(Groups { by_user, as_of }))
        }
        // Free plans have no user groups.
        Err(error) if error.code() == Some("plan_upgrade_required") => {
            Ok(Arc::new(Groups { by_user: HashMap::new(), as_of }))
        }
        Err(error) => Err(error),
    }
}

/// The groups that give rights, by member.
fn by_user(listed: Vec<UserGroup>, workspace: &Workspace) -> HashMap<String, Vec<GroupId>> {
    let mut found: HashMap<String, Vec<GroupId>> = HashMap::new();
    for group in listed.into_iter().filter(|group| group.problem.is_none()) {
        let id = GroupId::new(Platform::Slack, &workspace.tenant, &group.id);
        for user in group.users {
            found.entry(user).or_default().push(id.clone());
        }
    }
    found
}

#[cfg(test)]
mod tests;
