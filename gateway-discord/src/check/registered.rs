//! Whether Discord has the commands that the catalogue makes: for who looks from outside. The registrar puts them right.

use std::collections::BTreeSet;

use adjutant_bus::spec::CommandSpec;
use adjutant_gateway::Finding;
use serde_json::Value;

use super::token;
use crate::{
    commands::{self, Registered},
    gateway::DiscordConfig,
    snowflake::Snowflake,
    web::{CallError, Web},
};

/// Compares what Discord has with what the catalogue makes.
pub(crate) async fn registered(config: &DiscordConfig, specs: &[CommandSpec]) -> Vec<Finding> {
    let Some(token) = token(config.bot_token.as_ref(), &mut Vec::new()) else { return Vec::new() };
    // What is wrong with the token is said where it is looked at.
    let Ok(web) = Web::new(&config.api_url, token, Snowflake(0)) else { return Vec::new() };
    let Ok(app) = web.application().await else { return Vec::new() };
    let application = app.get("id").and_then(Snowflake::read).unwrap_or(Snowflake(0));
    let Ok(web) = Web::new(&config.api_url, token, application) else { return Vec::new() };
    let wanted = commands::registration(specs).commands;
    let (everywhere, in_guilds) = match config.registered {
        Registered::Everywhere => (wanted, Vec::new()),
        Registered::Guilds => (Vec::new(), commands::of_guild(&wanted)),
    };
    let mut findings = vec![registered_at("commands", &everywhere, web.commands(None).await)];
    for guild in config.trusted_guilds.iter().filter_map(|id| Snowflake::parse(id)) {
        let what = format!("commands in guild {guild}");
        findings.push(registered_at(&what, &in_guilds, web.commands(Some(guild)).await));
    }
    findings
}

fn registered_at(what: &str, wanted: &[Value], found: Result<Vec<Value>, CallError>) -> Finding {
    let found = match found {
        Ok(found) => found,
        Err(error) => {
            return Finding::bad(
                what,
                false,
                error.to_string(),
                "Invite the bot again: `adjutant commands discord-invite` prints the link.",
            );
        }
    };
    if commands::is_current(wanted, &found) {
        return Finding::good(what, format!("{} registered, as the catalogue is", found.len()));
    }
    if found.is_empty() {
        return Finding::good(
            what,
            "none yet; the gateway registers them some seconds after its first start",
        );
    }
    let names = |commands: &[Value]| -> BTreeSet<String> {
        let name = |command: &Value| command.get("name").and_then(Value::as_str).map(str::to_owned);
        commands.iter().filter_map(name).collect()
    };
    let (wanted, found) = (names(wanted), names(&found));
    let list = |names: Vec<&String>| names.into_iter().cloned().collect::<Vec<_>>().join(", ");
    let told = [
        ("missing", list(wanted.difference(&found).collect())),
        ("too many", list(found.difference(&wanted).collect())),
    ];
    let told: Vec<String> = told
        .iter()
        .filter(|(_, names)| !names.is_empty())
        .map(|(word, names)| format!("{word}: {names}"))
        .collect();
    let told = if told.is_empty() { "registered in another form".to_owned() } else { told.join("; ") };
    let fix = "The Discord gateway registers them within seconds while it runs; its log says why not.";
    Finding::bad(what, false, told, fix)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_registered_is_compared_with_the_catalogue_by_name() {
        let wanted = commands::registration(&[CommandSpec::new("ping".parse().unwrap(), "answers")]).commands;
        let of = |found| registered_at("commands", &wanted, Ok(found));
        assert!(of(wanted.clone()).ok);
        assert!(of(Vec::new()).ok, "before the first start");
        let mut other = wanted.clone();
        other.retain(|command| command["name"] != "ping");
        other.push(json!({ "type": 1, "name": "pong", "description": "answers" }));
        let found = of(other);
        assert!(!found.ok && !found.fatal && found.found == "missing: ping; too many: pong", "{found:?}");
        let mut changed = wanted.clone();
        changed.iter_mut().for_each(|command| command["description"] = "otherwise".into());
        assert_eq!(of(changed).found, "registered in another form");
        let refused = CallError::Refused { status: 403, code: 50_001, what: "Missing Access".to_owned() };
        let found = registered_at("commands in guild 1", &wanted, Err(refused));
        assert!(!found.fatal && found.fix.contains("discord-invite"), "{found:?}");
    }
}
