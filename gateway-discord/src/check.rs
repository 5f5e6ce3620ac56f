//! What Discord says about our settings before anything else happens: whose the token is, which app it belongs to, where its
//! interactions go, and which guilds it is in.

mod registered;

use adjutant_gateway::Finding;
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

pub(crate) use self::registered::registered;
use crate::{
    gateway::{DiscordConfig, Ingress},
    inbound::Us,
    ingress::http,
    snowflake::Snowflake,
    web::{CallError, Web},
};

/// What was found to work with.
pub(crate) struct Known {
    pub(crate) web: Web,
    pub(crate) us: Us,
    pub(crate) name: String,
    /// The answer of `GET /gateway/bot`; with HTTP interactions there is none.
    pub(crate) gateway: Value,
}

/// Looks at everything.
pub(crate) async fn look(config: &DiscordConfig) -> (Vec<Finding>, Option<Known>) {
    let mut findings = Vec::new();
    let known = all(config, &mut findings).await;
    (findings, known)
}

async fn all(config: &DiscordConfig, findings: &mut Vec<Finding>) -> Option<Known> {
    let token = token(config.bot_token.as_ref(), findings)?;
    let web = match Web::new(&config.api_url, token, Snowflake(0)) {
        Ok(web) => web,
        Err(why) => {
            findings.push(Finding::bad("address", true, why, "Leave discord.api_url out."));
            return None;
        }
    };
    let me = match web.me().await {
        Ok(me) => me,
        Err(error) => {
            findings.push(refused("bot token", &error));
            return None;
        }
    };
    let bot = me.get("id").and_then(Snowflake::read).unwrap_or(Snowflake(0));
    let name = me.get("username").and_then(Value::as_str).unwrap_or_default().to_owned();
    findings.push(Finding::good("bot token", format!("{name} ({bot})")));
    let app = match web.application().await {
        Ok(app) => app,
        Err(error) => {
            findings.push(refused("application", &error));
            return None;
        }
    };
    let application = application(config, &app, findings)?;
    interactions(config, &app, findings);
    guilds(config, &web, findings).await;
    let gateway =
        if config.ingress == Ingress::Gateway { gateway(&web, findings).await? } else { Value::Null };
    let web = Web::new(&config.api_url, token, application).ok()?;
    Some(Known { web, us: Us { bot, application }, name, gateway })
}

/// Compares this machine's clock with Discord's. The token is not used.
pub(crate) async fn clock(config: &DiscordConfig) -> Finding {
    const WHAT: &str = "clock of Discord";
    let asked = Timestamp::now();
    let date = match Web::new(&config.api_url, &SecretString::default(), Snowflake(0)) {
        Ok(web) => web.date().await,
        Err(why) => Err(why),
    };
    match date {
        Ok(date) => adjutant_gateway::clock::by_date(WHAT, "Discord's", asked, date.as_deref()),
        Err(why) => Finding::unseen(WHAT, why),
    }
}

pub(crate) fn token<'a>(
    token: Option<&'a SecretString>,
    findings: &mut Vec<Finding>,
) -> Option<&'a SecretString> {
    const WHAT: &str = "bot token";
    const FIX: &str = "Copy it from the app's Bot page (Reset Token), without the word Bot in front.";
    let Some(token) = token else {
        findings.push(Finding::bad(WHAT, true, "discord.bot_token is not set", FIX));
        return None;
    };
    let text = token.expose_secret();
    if text.to_ascii_lowercase().starts_with("bot ") || text.split('.').count() != 3 {
        findings.push(Finding::bad(WHAT, true, "discord.bot_token has not the form of a bot token", FIX));
        return None;
    }
    Some(token)
}

fn refused(what: &str, error: &CallError) -> Finding {
    match error {
        CallError::Refused { status: 401, .. } => Finding::bad(
            what,
            true,
            "Discord refuses the token",
            "It is wrong or was reset: copy it again from the app's Bot page.",
        ),
        other => Finding::bad(what, true, other.to_string(), "Check the network, and discord.api_url."),
    }
}

fn application(config: &DiscordConfig, app: &Value, findings: &mut Vec<Finding>) -> Option<Snowflake> {
    const WHAT: &str = "application";
    let found = app.get("id").and_then(Snowflake::read)?;
    let name = app.get("name").and_then(Value::as_str).unwrap_or_default();
    match &config.application_id {
        Some(wanted) if Snowflake::parse(wanted) != Some(found) => {
            findings.push(Finding::bad(
                WHAT,
                true,
                format!("the token belongs to {name} ({found}), discord.application_id says {wanted}"),
                "Leave discord.application_id out, or take token and id from the same app.",
            ));
            return None;
        }
        _ => findings.push(Finding::good(WHAT, format!("{name} ({found})"))),
    }
    Some(found)
}

/// Discord delivers interactions one way only: to an address, if the app has one.
fn interactions(config: &DiscordConfig, app: &Value, findings: &mut Vec<Finding>) {
    const WHAT: &str = "interactions";
    let endpoint = app.get("interactions_endpoint_url").and_then(Value::as_str).filter(|url| !url.is_empty());
    match (config.ingress, endpoint) {
        (Ingress::Gateway, None) => findings.push(Finding::good(WHAT, "come by the gateway")),
        (Ingress::Gateway, Some(url)) => findings.push(Finding::bad(
            WHAT,
            true,
            format!("Discord sends them to {url}, and none to the gateway"),
            "Clear Interactions Endpoint URL on the app's General Information page, or use discord.ingress = \"http\".",
        )),
        (Ingress::Http, Some(url)) => findings.push(Finding::good(WHAT, format!("are sent to {url}"))),
        (Ingress::Http, None) => findings.push(Finding::bad(
            WHAT,
            false,
            "the app has no address for them yet, so they come by the gateway, where nobody is",
            "With this running, enter https://<your host>/discord/interactions as Interactions Endpoint URL on the app's General Information page.",
        )),
    }
    if config.ingress == Ingress::Gateway {
        return;
    }
    const KEY: &str = "public key";
    let theirs = app.get("verify_key").and_then(Value::as_str);
    match config.public_key.as_deref() {
        None => findings.push(Finding::bad(
            KEY,
            true,
            "discord.public_key is not set",
            "Copy it from the app's General Information page, or use discord.ingress = \"gateway\".",
        )),
        Some(ours) => match http::verifier(ours) {
            Err(why) => findings.push(Finding::bad(
                KEY,
                true,
                why,
                "Copy it from the app's General Information page.",
            )),
            Ok(_) if theirs.is_some_and(|theirs| !theirs.eq_ignore_ascii_case(ours.trim())) => {
                findings.push(Finding::bad(
                    KEY,
                    true,
                    "it is another app's",
                    "Copy it from the app's General Information page.",
                ))
            }
            Ok(_) => findings.push(Finding::good(KEY, "fits the app")),
        },
    }
}

async fn guilds(config: &DiscordConfig, web: &Web, findings: &mut Vec<Finding>) {
    const WHAT: &str = "guilds";
    let found = match web.guilds().await {
        Ok(found) => found,
        Err(error) => return findings.push(Finding::bad(WHAT, false, error.to_string(), "Try again.")),
    };
    let id = |guild: &Value| guild.get("id").and_then(Snowflake::read);
    let shown = |guild: &Value| {
        let name: String =
            guild.get("name").and_then(Value::as_str).unwrap_or_default().chars().take(40).collect();
        format!("{name} ({})", id(guild).map(|id| id.to_string()).unwrap_or_default())
    };
    let trusts = |guild: &&Value| id(guild).is_some_and(|id| config.trusted_guilds.contains(&id.to_string()));
    let (trusted, others): (Vec<&Value>, Vec<&Value>) = found.iter().partition(trusts);
    let list = |guilds: &[&Value]| guilds.iter().map(|guild| shown(guild)).collect::<Vec<_>>().join(", ");
    if found.is_empty() {
        let fix = "Invite it: `adjutant commands discord-invite` prints the link.";
        findings.push(Finding::bad(WHAT, false, "the bot is in none", fix));
    }
    if !trusted.is_empty() {
        findings.push(Finding::good(WHAT, format!("roles count in {}", list(&trusted))));
    }
    if !others.is_empty() {
        let told = format!("roles do not count in {}", list(&others));
        let fix = "If they are yours, put their ids into discord.trusted_guilds; else leave them.";
        findings.push(Finding::bad(WHAT, false, told, fix));
    }
}

async fn gateway(web: &Web, findings: &mut Vec<Finding>) -> Option<Value> {
    const WHAT: &str = "gateway";
    match web.gateway().await {
        Ok(answer) => {
            let number = |pointer: &str| answer.pointer(pointer).and_then(Value::as_u64);
            let left = number("/session_start_limit/remaining").unwrap_or_default();
            let total = number("/session_start_limit/total").unwrap_or_default();
            findings.push(Finding::good(WHAT, format!("{left} of {total} sessions may be begun today")));
            Some(answer)
        }
        Err(error) => {
            findings.push(Finding::bad(WHAT, true, error.to_string(), "Try again."));
            None
        }
    }
}
