//! What Slack says about our tokens before anything else happens: whose they are, and which scopes they have. The library would
//! only try again for ever.

use std::{collections::BTreeSet, time::Duration};

use adjutant_bus::actor::Tenant;
use adjutant_gateway::Finding;
use jiff::Timestamp;
use reqwest::header::{AUTHORIZATION, DATE, HeaderValue};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

use crate::{
    manifest::SCOPES,
    web::{self, Web},
    workspace::Workspace,
};

/// Time-out of a check.
const PATIENT: Duration = Duration::from_secs(10);
/// Scopes without which nothing works. The others cost a feature.
const NEEDED: &[&str] =
    &["app_mentions:read", "chat:write", "commands", "im:history", "usergroups:read", "users:read"];

/// Looks at one bot token: the workspace that it is for, if it is good.
pub(crate) async fn workspace(
    client: &std::sync::Arc<web::Client>,
    api_url: &str,
    token: &SecretString,
    findings: &mut Vec<Finding>,
) -> Option<Workspace> {
    const WHAT: &str = "bot token";
    if let Some(wrong) = wrong_kind(token, "xoxb-", "slack.bot_token") {
        findings.push(Finding::bad(
            WHAT,
            true,
            wrong,
            "Copy the Bot User OAuth Token from the app's OAuth & Permissions page.",
        ));
        return None;
    }
    let (answer, scopes) = match auth_test(api_url, token).await {
        Ok(answer) => answer,
        Err(why) => {
            findings.push(Finding::bad(WHAT, true, why, "Check the network, and slack.api_url."));
            return None;
        }
    };
    if answer.get("ok") != Some(&Value::Bool(true)) {
        let code = answer.get("error").and_then(Value::as_str).unwrap_or("an answer without an error");
        findings.push(Finding::bad(WHAT, true, format!("Slack refuses it: {code}"), meaning(code)));
        return None;
    }
    let text = |name: &str| answer.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let (team, bot, name) = (text("team_id"), text("user_id"), text("team"));
    if team.is_empty() || bot.is_empty() {
        findings.push(Finding::bad(
            WHAT,
            true,
            "Slack does not say whose it is",
            "Install the app in a workspace.",
        ));
        return None;
    }
    findings.push(Finding::good(WHAT, format!("{name} ({team}), as {}", text("user"))));
    check_scopes(scopes, findings);
    let enterprise = answer.get("enterprise_id").and_then(Value::as_str).map(str::to_owned);
    let whole = answer.get("is_enterprise_install").and_then(Value::as_bool).unwrap_or(false);
    let web = Web::new(client.clone(), token);
    Some(Workspace { tenant: Tenant::new(&team), team, name, enterprise, whole_enterprise: whole, bot, web })
}

/// Scopes stand in a header that the library does not pass on.
async fn auth_test(api_url: &str, token: &SecretString) -> Result<(Value, Option<BTreeSet<String>>), String> {
    let failed = |error: reqwest::Error| format!("Slack cannot be reached: {}", error.without_url());
    let client = reqwest::Client::builder().timeout(PATIENT).build().map_err(failed)?;
    let mut bearer = HeaderValue::try_from(format!("Bearer {}", token.expose_secret()))
        .map_err(|_| "it has characters that no token has".to_owned())?;
    bearer.set_sensitive(true);
    let url = format!("{}/auth.test", api_url.trim_end_matches('/'));
    let answer = client.post(url).header(AUTHORIZATION, bearer).send().await.map_err(failed)?;
    let scopes = answer.headers().get("x-oauth-scopes").and_then(|value| value.to_str().ok()).map(|value| {
        value.split(',').map(|scope| scope.trim().to_owned()).filter(|scope| !scope.is_empty()).collect()
    });
    let body = answer.json().await.map_err(|_| "Slack answers with something that is no JSON".to_owned())?;
    Ok((body, scopes))
}

/// Compares this machine's clock with Slack's. Needs no token.
pub(crate) async fn clock(api_url: &str) -> Finding {
    const WHAT: &str = "clock of Slack";
    let failed = |error: reqwest::Error| Finding::unseen(WHAT, error.without_url());
    let client = match reqwest::Client::builder().timeout(PATIENT).build() {
        Ok(client) => client,
        Err(error) => return failed(error),
    };
    let asked = Timestamp::now();
    match client.post(format!("{}/auth.test", api_url.trim_end_matches('/'))).send().await {
        Ok(answer) => {
            let date = answer.headers().get(DATE).and_then(|value| value.to_str().ok());
            adjutant_gateway::clock::by_date(WHAT, "Slack's", asked, date)
        }
        Err(error) => failed(error),
    }
}

fn check_scopes(scopes: Option<BTreeSet<String>>, findings: &mut Vec<Finding>) {
    const WHAT: &str = "scopes";
    let Some(granted) = scopes else {
        findings.push(Finding::bad(WHAT, false, "Slack does not say which scopes the token has", ""));
        return;
    };
    let missing: Vec<&str> = SCOPES.iter().copied().filter(|scope| !granted.contains(*scope)).collect();
    if missing.is_empty() {
        findings.push(Finding::good(WHAT, format!("all {} that are needed", SCOPES.len())));
        return;
    }
    let fatal = missing.iter().any(|scope| NEEDED.contains(scope));
    let found = format!("missing: {}", missing.join(", "));
    let fix = "Add them on the app's OAuth & Permissions page (or take deploy/slack/manifest.yaml), and install the app again.";
    findings.push(Finding::bad(WHAT, fatal, found, fix));
}

/// Looks at the app-level token, without opening a socket.
pub(crate) async fn app_token(
    client: &std::sync::Arc<web::Client>,
    token: &SecretString,
    findings: &mut Vec<Finding>,
) -> bool {
    const WHAT: &str = "app-level token";
    if let Some(wrong) = wrong_kind(token, "xapp-", "slack.app_token") {
        let fix = "Create one with the scope connections:write on the app's Basic Information page.";
        findings.push(Finding::bad(WHAT, true, wrong, fix));
        return false;
    }
    let web = Web::new(client.clone(), token);
    match web.post("apps.connections.open", &Value::Object(serde_json::Map::new()), PATIENT).await {
        Ok(_) => {
            findings.push(Finding::good(WHAT, "may open sockets"));
            true
        }
        Err(error) => {
            let code = error.code().map(str::to_owned);
            // What Slack does not refuse may work in a moment.
            let fatal = code.is_some();
            let fix = code.map_or("Try again; if it stays so, check the network.", |code| meaning(&code));
            findings.push(Finding::bad(WHAT, fatal, error.to_string(), fix));
            !fatal
        }
    }
}

/// Asks for the user groups as every command does.
pub(crate) async fn groups(workspace: &Workspace, findings: &mut Vec<Finding>) {
    let what = format!("user groups of {}", workspace.name);
    let wanted = [("include_users", "false".to_owned()), ("include_count", "true".to_owned())];
    match workspace.web.get("usergroups.list", &wanted, PATIENT).await {
        Ok(answer) => {
            let count = answer.get("usergroups").and_then(Value::as_array).map_or(0, Vec::len);
            findings.push(Finding::good(&what, format!("{count}")));
        }
        Err(error) if error.code() == Some("plan_upgrade_required") => findings.push(Finding::bad(
            &what,
            false,
            "this workspace's plan has no user groups",
            "Nobody is in any group there; give rights to users in policy.csv, or upgrade the plan.",
        )),
        Err(error) => {
            let fix = error.code().map_or("Try again.", meaning);
            findings.push(Finding::bad(&what, true, error.to_string(), fix));
        }
    }
}

fn wrong_kind(token: &SecretString, prefix: &str, key: &str) -> Option<String> {
    let text = token.expose_secret();
    if text.is_empty() {
        Some(format!("{key} is not set"))
    } else if !text.starts_with(prefix) {
        Some(format!("{key} does not begin with {prefix}, so it is another kind of token"))
    } else {
        None
    }
}

/// What to do about an error code (Slack: errors of `auth.test` and `apps.connections.open`).
fn meaning(code: &str) -> &'static str {
    match code {
        "invalid_auth" | "not_authed" => {
            "The token is wrong, or of another Slack: copy it again from the app's page."
        }
        "token_revoked" | "token_expired" => {
            "The token was revoked: install the app again, and copy the new one."
        }
        "account_inactive" => "The workspace or the bot user was deactivated.",
        "not_allowed_token_type" => {
            "It is another kind of token: bot_token begins with xoxb-, app_token with xapp-."
        }
        "missing_scope" => "Add the scope on the app's page, and install the app again.",
        "forbidden_team" | "link_disabled" => "Switch Socket Mode on on the app's page.",
        "plan_upgrade_required" => "The workspace's plan does not have this.",
        _ => "See Slack's documentation of this code.",
    }
}
