//! From the configuration to what the platforms say: the groups of every trusted home, and who somebody is.

use std::collections::{BTreeMap, BTreeSet};

use adjutant_bus::actor::{Actor, GroupId, Membership, Platform, Standing, Tenant};
use adjutant_gateway::Finding;
use adjutant_gateway_discord::Directory as Discord;
use adjutant_gateway_slack::Directory as Slack;
use adjutant_policies::resolve::Told;

use crate::{config::Config, roles::parts};

/// Homes that cannot be asked, and why.
type Unasked = BTreeMap<String, String>;

/// The platforms that can be asked.
pub(super) struct Directory {
    slack: Option<Slack>,
    discord: Option<Discord>,
    /// Trusted homes that cannot be asked, and why.
    unasked: Unasked,
}

impl Directory {
    /// Looks at the tokens that are configured. What is wrong with one is told about the homes that it would have been for.
    pub(super) async fn open(config: &Config) -> Self {
        let trusted = config.trusted_homes();
        let mut unasked = Unasked::new();
        let slack = open_slack(config, &trusted, &mut unasked).await;
        let discord = open_discord(config, &trusted, &mut unasked);
        Self { slack, discord, unasked }
    }

    /// The groups of every trusted home; of those in `closely` also who is in them and who can put others in.
    pub(super) async fn ask(&self, closely: &BTreeSet<GroupId>) -> Told {
        let mut told = Told { listings: Vec::new(), unasked: self.unasked.clone() };
        let mut answers = Vec::new();
        if let Some(slack) = &self.slack {
            for home in slack.homes() {
                answers.push((slack.list(&home, closely).await, home));
            }
        }
        if let Some(discord) = &self.discord {
            for home in discord.homes() {
                answers.push((discord.list(&home, closely).await, home));
            }
        }
        for (answer, home) in answers {
            match answer {
                Ok(listing) => told.listings.push(listing),
                Err(why) => drop(told.unasked.insert(home, why)),
            }
        }
        told
    }
}

/// Trusted homes of a platform.
fn of(trusted: &[String], platform: Platform) -> impl Iterator<Item = &String> {
    trusted.iter().filter(move |home| home.split(':').next() == Some(platform.as_str()))
}

async fn open_slack(config: &Config, trusted: &[String], unasked: &mut Unasked) -> Option<Slack> {
    let mut all = |why: &str| {
        unasked.extend(of(trusted, Platform::Slack).map(|home| (home.clone(), why.to_owned())));
        None
    };
    of(trusted, Platform::Slack).next()?;
    let settings = parts::slack(config);
    if settings.bot_tokens.is_empty() {
        return all("slack.bot_token is not set");
    }
    match Slack::open(&settings, trusted).await {
        Err(findings) => all(&lines(&findings)),
        Ok(slack) => {
            let homes = slack.homes();
            let strange = of(trusted, Platform::Slack).filter(|home| !homes.contains(home));
            let why = "no token in slack.bot_token is for it";
            unasked.extend(strange.map(|home| (home.clone(), why.to_owned())));
            Some(slack)
        }
    }
}

fn open_discord(config: &Config, trusted: &[String], unasked: &mut Unasked) -> Option<Discord> {
    of(trusted, Platform::Discord).next()?;
    match Discord::open(&parts::discord(config)) {
        Ok(discord) => {
            let homes = discord.homes();
            let strange = of(trusted, Platform::Discord).filter(|home| !homes.contains(home));
            unasked.extend(
                strange.map(|home| (home.clone(), "this is no id of a guild; ids are digits".to_owned())),
            );
            Some(discord)
        }
        Err(findings) => {
            let why = lines(&findings);
            unasked.extend(of(trusted, Platform::Discord).map(|home| (home.clone(), why.clone())));
            None
        }
    }
}

fn lines(findings: &[Finding]) -> String {
    let line = |finding: &Finding| format!("{}. {}", finding.found, finding.fix);
    findings.iter().map(line).collect::<Vec<_>>().join(" ")
}

/// Who somebody is, such as `slack:T0ACME/U1`, `discord:9001/301`, `console:local/ana` or `svc:ci`, and which groups they are
/// in now, as a request of theirs would carry it.
///
/// # Errors
/// Why it cannot be said, for the person who asked.
pub(super) async fn member(config: &Config, who: &str) -> Result<(Actor, Membership), String> {
    let actor = |platform, tenant: &str, user: &str, standing| Actor {
        platform,
        tenant: Tenant::new(tenant),
        user: user.to_owned(),
        label: String::new(),
        standing,
    };
    if let Some(name) = who.strip_prefix("svc:").filter(|name| !name.is_empty() && !name.contains([':', '/']))
    {
        let service = actor(Platform::Service, name, name, Standing::Service);
        return Ok((service, Membership::known(Vec::new())));
    }
    let form = || {
        format!(
            "`{who:.80}` is nobody: write slack:T0ACME/U1, discord:9001/301, console:local/ana or svc:ci, by ids"
        )
    };
    let (home, user) =
        who.split_once('/').filter(|(_, user)| !user.is_empty() && !user.contains('/')).ok_or_else(form)?;
    let (platform, tenant) =
        home.split_once(':').filter(|(_, tenant)| !tenant.is_empty()).ok_or_else(form)?;
    let platform: Platform = platform.parse().map_err(|_| form())?;
    match platform {
        Platform::Api | Platform::Service => {
            Err(format!("`{who:.80}`: a service is written svc:<name>, whichever way it comes"))
        }
        Platform::Console => {
            let known = config.console.users.get(user).filter(|_| config.console.tenant == tenant);
            let known = known.ok_or_else(|| format!("console.users knows no `{user:.40}` of {home:.40}"))?;
            let tenant = Tenant::new(tenant);
            let groups =
                known.groups.iter().map(|group| GroupId::new(Platform::Console, &tenant, group)).collect();
            Ok((actor(platform, tenant.as_str(), user, Standing::Member), Membership::known(groups)))
        }
        // What a home says of its people counts only if the home is trusted.
        Platform::Slack | Platform::Discord
            if !config.trusted_homes().iter().any(|trusted| trusted == home) =>
        {
            Ok((actor(platform, tenant, user, Standing::External), Membership::known(Vec::new())))
        }
        Platform::Slack | Platform::Discord => {
            let directory = Directory::open(config).await;
            if let Some(why) = directory.unasked.get(home) {
                return Err(format!("{home} cannot be asked: {why}"));
            }
            match (platform, &directory.slack, &directory.discord) {
                (Platform::Slack, Some(slack), _) => slack.member(home, user).await,
                (Platform::Discord, _, Some(discord)) => discord.member(home, user).await,
                _ => Err(format!("{home} cannot be asked")),
            }
        }
    }
}

#[cfg(test)]
mod tests;
