//! What Slack says of a workspace to people who review policy: every user group, who is in it, and who may edit it. Asked with
//! the bot tokens of the gateway, and only of trusted homes.

use std::{collections::BTreeSet, time::Duration};

use adjutant_bus::{
    actor::{Actor, GroupId, Membership, Platform},
    directory::{Keepers, Listed, Listing, Person},
};
use adjutant_gateway::Finding;
use futures::{StreamExt, stream};

use crate::{
    check,
    gateway::SlackConfig,
    groups::{self, UserGroup, is_id},
    inbound,
    people::People,
    web::{self, CallError, PATIENT},
    workspace::Workspace,
};

/// Look-ups of people on their way at once.
const AT_ONCE: usize = 8;
/// People who are looked up in one workspace. More would take minutes (Slack: "Rate limits", tier 4).
const MOST: usize = 1_000;
/// How often a call is made anew after Slack has asked to wait.
const TRIES: usize = 4;
/// The longest that Slack is waited for.
const LONGEST: Duration = Duration::from_secs(30);

/// The workspaces that can be asked.
pub struct Directory {
    workspaces: Vec<Workspace>,
    people: People,
}

impl Directory {
    /// Finds out which of the trusted homes (such as `slack:T0ACME`) the tokens are for. A token for another workspace is not
    /// used.
    ///
    /// # Errors
    /// What is wrong with the address, or with a token, and what to do about it.
    pub async fn open(config: &SlackConfig, trusted: &[String]) -> Result<Self, Vec<Finding>> {
        let client = web::client(&config.api_url).map_err(|why| {
            vec![Finding::bad("address", true, why, "Set slack.api_url to https://slack.com/api.")]
        })?;
        let (mut workspaces, mut findings) = (Vec::new(), Vec::new());
        for token in &config.bot_tokens {
            workspaces.extend(check::workspace(&client, &config.api_url, token, &mut findings).await);
        }
        let fatal: Vec<Finding> = findings.into_iter().filter(|finding| finding.fatal).collect();
        if !fatal.is_empty() {
            return Err(fatal);
        }
        workspaces.retain(|workspace| trusted.contains(&home(workspace)));
        Ok(Self { workspaces, people: People::new() })
    }

    /// The homes that can be asked.
    #[must_use]
    pub fn homes(&self) -> Vec<String> {
        self.workspaces.iter().map(home).collect()
    }

    /// Every user group of a home; of those in `closely` also who is in them and who may edit them.
    ///
    /// # Errors
    /// Why there is no answer, in words.
    pub async fn list(&self, asked: &str, closely: &BTreeSet<GroupId>) -> Result<Listing, String> {
        let workspace = self.workspace(asked)?;
        let parameters = groups::wanted(workspace, true);
        let listed = patiently(|| workspace.web.get("usergroups.list", &parameters, PATIENT)).await;
        let (found, mut untold) = match listed {
            Ok(answer) => (groups::read(&answer, workspace), Vec::new()),
            Err(error) if error.code() == Some("plan_upgrade_required") => {
                (Vec::new(), vec!["this workspace's plan has no user groups".to_owned()])
            }
            Err(error) => return Err(error.to_string()),
        };
        let id = |group: &UserGroup| GroupId::new(Platform::Slack, &workspace.tenant, &group.id);
        let near: Vec<&UserGroup> = found.iter().filter(|group| closely.contains(&id(group))).collect();
        let wanted: BTreeSet<&str> = near.iter().flat_map(|group| &group.users).map(String::as_str).collect();
        if wanted.len() > MOST {
            untold.push(format!(
                "{} people are in these groups; the first {MOST} were looked up, by id",
                wanted.len()
            ));
        }
        let known = self.people_of(workspace, wanted.iter().copied().take(MOST)).await;
        let person = |user: &String| {
            let found = known.iter().find(|person| person.id == *user).cloned();
            found.unwrap_or_else(|| Person { id: user.clone(), label: String::new(), standing: None })
        };
        let groups = found.iter().map(|group| {
            let close = closely.contains(&id(group));
            Listed {
                id: id(group),
                name: group.name.clone(),
                problem: group.problem.map(str::to_owned),
                members: close.then(|| group.users.iter().map(person).collect()),
                keepers: close.then(|| keepers(group)),
            }
        });
        Ok(Listing {
            platform: Platform::Slack,
            tenant: workspace.tenant.clone(),
            name: workspace.name.clone(),
            groups: groups.collect(),
            untold,
        })
    }

    /// Who a user is and which groups they are in, as a command of theirs would carry it now.
    ///
    /// # Errors
    /// Why it cannot be said, in words.
    pub async fn member(&self, asked: &str, user: &str) -> Result<(Actor, Membership), String> {
        let workspace = self.workspace(asked)?;
        if !is_id(user) {
            return Err(format!("`{user}` is no id of a Slack user; ids look like U012AB3CD"));
        }
        match self.people.describe(workspace, user).await {
            Err(error) if matches!(error.code(), Some("user_not_found" | "user_not_visible")) => {
                return Err(format!("Slack knows no user {user} in {asked}"));
            }
            _ => {}
        }
        let person = inbound::Person { id: user.to_owned(), label: String::new(), elsewhere: false };
        let identity = self.people.identify(workspace, &person).await;
        let actor = Actor {
            platform: Platform::Slack,
            tenant: workspace.tenant.clone(),
            user: user.to_owned(),
            label: identity.label,
            standing: identity.standing,
        };
        Ok((actor, identity.groups))
    }

    fn workspace(&self, asked: &str) -> Result<&Workspace, String> {
        let found = self.workspaces.iter().find(|workspace| home(workspace) == asked);
        found.ok_or_else(|| format!("no token in slack.bot_token is for {asked}"))
    }

    async fn people_of(&self, workspace: &Workspace, ids: impl Iterator<Item = &str>) -> Vec<Person> {
        let look = async |id: &str| {
            let described = patiently(|| self.people.describe(workspace, id)).await.ok();
            let (label, standing) = described.map(|known| (known.label, known.standing)).unzip();
            Person { id: id.to_owned(), label: label.unwrap_or_default(), standing }
        };
        stream::iter(ids).map(look).buffered(AT_ONCE).collect().await
    }
}

fn home(workspace: &Workspace) -> String {
    format!("{}:{}", Platform::Slack, workspace.tenant)
}

/// Whom Slack lets edit a group. The workspace's own setting is told to no bot, only what follows from it for each group.
const fn keepers(group: &UserGroup) -> Keepers {
    match (group.provided, group.restricted) {
        (true, _) => Keepers::Provider,
        (false, Some(true)) => Keepers::Administrators,
        (false, Some(false)) => Keepers::Everyone,
        (false, None) => Keepers::Untold,
    }
}

/// Calls, and calls again after Slack has asked to wait.
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
