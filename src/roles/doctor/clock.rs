//! This machine's clock beside those of whoever we deal with: signatures, leases and expiries compare times.

use adjutant_gateway::{Finding, clock::judge};
use jiff::SignedDuration;

use super::site::{NoBus, Site};
use crate::roles::parts;

pub(super) async fn examine(site: &Site) -> Vec<Finding> {
    let (bus, database, slack, discord) = tokio::join!(bus(site), database(site), slack(site), discord(site));
    [Some(bus), Some(database), slack, discord].into_iter().flatten().collect()
}

async fn bus(site: &Site) -> Finding {
    const WHAT: &str = "clock of the bus";
    match site.look().await {
        Ok(Ok(look)) => match &look.clock {
            Some(clock) => judge(WHAT, "the bus's", clock, SignedDuration::ZERO),
            None => Finding::unseen(WHAT, "it does not tell the time"),
        },
        Ok(Err(_)) => NoBus::Broken.finding(WHAT),
        Err(no_bus) => no_bus.finding(WHAT),
    }
}

async fn database(site: &Site) -> Finding {
    const WHAT: &str = "clock of the database";
    match site.database().await {
        Ok(look) => match &look.clock {
            Some(clock) => judge(WHAT, "the database's", clock, SignedDuration::ZERO),
            None => Finding::unseen(WHAT, "a file has none of its own"),
        },
        Err(_) => Finding::unseen(WHAT, "the database does not answer, or is not there yet"),
    }
}

async fn slack(site: &Site) -> Option<Finding> {
    let config = parts::slack(site.config());
    if config.bot_tokens.is_empty() {
        return None;
    }
    Some(adjutant_gateway_slack::Gateway::clock(&config).await)
}

async fn discord(site: &Site) -> Option<Finding> {
    let config = parts::discord(site.config());
    config.bot_token.as_ref()?;
    Some(adjutant_gateway_discord::Gateway::clock(&config).await)
}
