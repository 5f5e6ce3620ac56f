//! Who somebody is to policy, as far as it can be said without asking a chat platform.

use adjutant_bus::actor::{Actor, GroupId, Membership, Platform, Standing, Tenant};

use crate::{config::Config, roles::parts};

/// The actor that `console:local/pat` or `svc:ci` names, and the groups that they are in.
///
/// # Errors
/// Why it cannot be said, and what to do.
pub(super) fn member(config: &Config, who: &str) -> Result<(Actor, Membership), String> {
    if let Some(name) = who.strip_prefix("svc:").filter(|name| !name.is_empty() && !name.contains([':', '/']))
    {
        return Ok((actor(Platform::Service, name, name, Standing::Service), Membership::known(Vec::new())));
    }
    let parts = who.split_once(':').and_then(|(platform, rest)| {
        let (tenant, user) = rest.split_once('/')?;
        let whole = !tenant.is_empty() && !user.is_empty() && !user.contains('/');
        whole.then_some((platform.parse::<Platform>().ok()?, tenant, user))
    });
    match parts {
        Some((Platform::Console, tenant, user)) => console(config, tenant, user),
        Some((Platform::Slack | Platform::Discord, ..)) => Err(format!(
            "which groups {who:.80} is in, only the platform knows, and it is not asked here; say them with --groups \"A + B\""
        )),
        Some((Platform::Api | Platform::Service, ..)) => {
            Err(format!("`{who:.80}`: a service is written svc:<name>, whichever way it comes"))
        }
        None => Err(format!(
            "`{who:.80}` is nobody: write console:local/pat or svc:ci, or leave it out and say --groups \"A + B\""
        )),
    }
}

fn console(config: &Config, tenant: &str, user: &str) -> Result<(Actor, Membership), String> {
    let console = parts::console(config);
    if console.tenant.as_str() != tenant || !console.users.contains_key(user) {
        let known: Vec<&str> = console.users.keys().map(String::as_str).collect();
        return Err(format!(
            "there is no console:{tenant:.40}/{user:.40}; console.users of console:{} has {}",
            console.tenant,
            known.join(", ")
        ));
    }
    let id = |group: &String| GroupId::new(Platform::Console, &console.tenant, group);
    let groups = console.groups(user).iter().map(id).collect();
    Ok((actor(Platform::Console, tenant, user, Standing::Member), Membership::known(groups)))
}

fn actor(platform: Platform, tenant: &str, user: &str, standing: Standing) -> Actor {
    Actor { platform, tenant: Tenant::new(tenant), user: user.to_owned(), label: String::new(), standing }
}
