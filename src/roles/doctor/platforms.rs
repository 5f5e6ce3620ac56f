//! Slack and Discord: what their gateways find at their start, and the commands that are registered.

use std::sync::Arc;

use adjutant_gateway::Finding;

use super::{commands, site::Site};
use crate::roles::parts;

pub(super) async fn slack(site: &Arc<Site>) -> Vec<Finding> {
    let config = parts::slack(site.config());
    if config.bot_tokens.is_empty() && !site.named {
        return vec![Finding::absent("Slack")];
    }
    adjutant_gateway_slack::Gateway::check(&config).await
}

pub(super) async fn discord(site: &Arc<Site>) -> Vec<Finding> {
    let config = parts::discord(site.config());
    if config.bot_token.is_none() && !site.named {
        return vec![Finding::absent("Discord")];
    }
    let mut findings = adjutant_gateway_discord::Gateway::check(&config).await;
    if let Some(specs) = commands::specs(site).await {
        findings.extend(adjutant_gateway_discord::Gateway::registered(&config, &specs).await);
    }
    findings
}
