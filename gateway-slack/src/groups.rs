//! What Slack says of a workspace's user groups: read once, for decisions (`people`) and for review (`directory`) alike.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::workspace::Workspace;

/// A user group (Slack: "Usergroup object").
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct UserGroup {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) users: BTreeSet<String>,
    /// Why nobody has any right by it.
    pub(crate) problem: Option<&'static str>,
    /// Only owners and administrators edit it; none: Slack does not say.
    pub(crate) restricted: Option<bool>,
    /// An identity provider says who is in it.
    pub(crate) provided: bool,
}

/// The arguments of `usergroups.list`.
pub(crate) fn wanted(workspace: &Workspace, disabled: bool) -> Vec<(&'static str, String)> {
    // `include_count` because the answer without it has been seen without other fields too.
    let mut wanted = vec![("include_users", "true".to_owned()), ("include_count", "true".to_owned())];
    if disabled {
        wanted.push(("include_disabled", "true".to_owned()));
    }
    if workspace.whole_enterprise {
        wanted.push(("team_id", workspace.team.clone()));
    }
    wanted
}

/// Every group that can be read. One that cannot takes nothing from the others.
pub(crate) fn read(answer: &Value, workspace: &Workspace) -> Vec<UserGroup> {
    let listed = answer.get("usergroups").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    listed.iter().filter_map(|group| one(group, workspace)).collect()
}

fn one(group: &Value, workspace: &Workspace) -> Option<UserGroup> {
    let text = |name: &str| group.get(name).and_then(Value::as_str);
    let flag = |name: &str| group.get(name).and_then(Value::as_bool);
    let users = group.get("users").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    Some(UserGroup {
        id: text("id").filter(|id| is_id(id))?.to_owned(),
        name: text("name").or_else(|| text("handle")).unwrap_or_default().to_owned(),
        users: users.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        problem: problem(group, workspace),
        restricted: flag("is_editing_restricted"),
        provided: flag("is_membership_locked") == Some(true) || flag("is_idp_group") == Some(true),
    })
}

/// What is in doubt grants nothing.
fn problem(group: &Value, workspace: &Workspace) -> Option<&'static str> {
    let is_other = |team: &str| team != workspace.team && Some(team) != workspace.enterprise.as_deref();
    let said = |name: &str| group.get(name).filter(|value| !value.is_null());
    if said("date_delete").is_some_and(|at| at.as_i64() != Some(0)) {
        Some("it is disabled")
    } else if said("is_external").is_some_and(|external| external.as_bool() != Some(false)) {
        Some("it belongs to another organization")
    } else if group.get("team_id").and_then(Value::as_str).is_some_and(is_other) {
        Some("it belongs to another workspace")
    } else {
        None
    }
}

/// Ids of Slack's are letters and digits; nothing else gets into a lock or a call.
pub(crate) fn is_id(text: &str) -> bool {
    !text.is_empty() && text.len() <= 64 && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}
