//! Keys from the command line, directly in the database that the configuration names: what whoever has the database can do anyway,
//! with an entry in the record. Exit status 0 done, 1 not done, 2 wrong usage.

use std::{io::Read, process::ExitCode, time::Duration};

use adjutant_api::{
    key::{ApiKey, Kind, Pepper, Peppers},
    keyring::{By, KeyChange, KeyFilter, KeyRow, Keyring, NewKey, NewService, ServiceRow, State},
    scope::{Right, Scope, Scopes},
    store,
};
use anyhow::{Context, Result, anyhow};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{admin, parts};
use crate::{
    cli::{Issue, Json, KeysCommand, Made},
    config::Config,
    output,
};

/// Most keys or services in one list.
const MOST: usize = 10_000;
/// Most bytes that are read as a key.
const LONGEST: u64 = 1_024;

pub(super) async fn keys(config: &Config, command: KeysCommand) -> Result<ExitCode> {
    if let KeysCommand::Check(check) = &command {
        return check_key(&check.key);
    }
    let keyring = open(config).await?;
    let by = By::operator(&user());
    let id = |id: uuid::Uuid| id.to_string();
    match command {
        KeysCommand::Check(_) => {}
        KeysCommand::Bootstrap(made) => {
            let (id, key) = keyring.bootstrap_again(&by).await?;
            tell_made(&keyring.key(&id).await?, &key, made)?;
        }
        KeysCommand::Issue(issue) => {
            let made = issue.made;
            let (id, key) = self::issue(config, &keyring, &by, issue).await?;
            tell_made(&keyring.key(&id).await?, &key, made)?;
        }
        KeysCommand::Rotate(rotate) => {
            let (row, key) = keyring.rotate_key(&by, &id(rotate.id), rotate.grace).await?;
            tell_made(&row, &key, rotate.made)?;
        }
        KeysCommand::List(list) => {
            let filter = KeyFilter { service: list.service, ..KeyFilter::default() };
            tell_keys(&keyring.keys(&filter, MOST).await?, list.print)?;
        }
        KeysCommand::Show(one) => tell_keys(&[keyring.key(&id(one.id)).await?], one.print)?,
        KeysCommand::Disable(one) => {
            let change = KeyChange { state: Some(State::Disabled), ..KeyChange::default() };
            tell_keys(&[keyring.change_key(&by, &id(one.id), change, None, true).await?], one.print)?;
        }
        KeysCommand::Enable(one) => {
            let change = KeyChange { state: Some(State::Active), ..KeyChange::default() };
            tell_keys(&[keyring.change_key(&by, &id(one.id), change, None, true).await?], one.print)?;
        }
        KeysCommand::Revoke(revoke) => {
            let row = keyring.revoke_key(&by, &id(revoke.id), &revoke.reason, true).await?;
            tell_keys(&[row], revoke.print)?;
        }
        KeysCommand::Services(print) => tell_services(&keyring.services(None, MOST).await?, print)?,
        KeysCommand::ServiceAdd(add) => {
            let new = NewService {
                name: add.name,
                description: add.description,
                owner: add.owner,
                ..NewService::default()
            };
            tell_services(&[keyring.create_service(&by, new).await?], add.print)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The services and keys of the configured database.
async fn open(config: &Config) -> Result<Keyring> {
    let (pepper, previous) = parts::peppers(config)?;
    let pepper = match pepper {
        Some(pepper) => pepper,
        None => Pepper::load_or_make(&config.data_dir.join("pepper"))?,
    };
    let db = store::open(&parts::database(config)?).await?;
    Ok(Keyring::open(db, Peppers::new(&pepper, previous.as_ref())).await?)
}

/// The user of this machine.
fn user() -> String {
    let named = ["SUDO_USER", "USER", "LOGNAME"].into_iter().find_map(|name| std::env::var(name).ok());
    named.unwrap_or_else(|| "unknown".to_owned())
}

async fn issue(config: &Config, keyring: &Keyring, by: &By, issue: Issue) -> Result<(String, ApiKey)> {
    let network = |text: &String| text.parse().with_context(|| format!("`{text}` is no network"));
    let cidrs = issue.cidrs.iter().map(network).collect::<Result<Vec<_>>>()?;
    let life = issue.expires_in.unwrap_or(Duration::from_secs(u64::from(config.api.key_days) * 24 * 3600));
    let life = i64::try_from(life.as_millis()).unwrap_or(i64::MAX);
    let end = Timestamp::now().as_millisecond().checked_add(life);
    let end =
        end.filter(|at| Timestamp::from_millisecond(*at).is_ok()).context("--expires-in is too long")?;
    let admin = issue.admin.then(|| Scope::whole(Right::Admin));
    let new = NewKey {
        kind: if issue.admin { Kind::Admin } else { Kind::Service },
        name: issue.name,
        scopes: Scopes::new(issue.scopes.into_iter().chain(admin).collect()),
        allowed_cidrs: (!cidrs.is_empty()).then_some(cidrs),
        rate_per_s: None,
        rate_burst: None,
        expires_at: (!issue.never_expires).then_some(end),
    };
    let service = keyring.service(&issue.service).await.map_err(|error| {
        anyhow!("{}: {error}; make it with `adjutant keys service-add {}`", issue.service, issue.service)
    })?;
    Ok(keyring.create_key(by, &service, new).await?)
}

fn check_key(text: &str) -> Result<ExitCode> {
    let mut read = String::new();
    let text = if text == "-" {
        std::io::stdin().take(LONGEST).read_to_string(&mut read)?;
        read.trim_end_matches(['\n', '\r'])
    } else {
        text
    };
    match ApiKey::shape(text) {
        Ok(kind) => {
            output::say(&format!("It is well formed: a key of the kind {}.", kind.as_str()));
            Ok(ExitCode::SUCCESS)
        }
        Err(malformed) => {
            output::complain(&format!("It is no key: {malformed}."));
            Ok(ExitCode::FAILURE)
        }
    }
}

fn tell_made(row: &KeyRow, key: &ApiKey, made: Made) -> Result<()> {
    if made.print.json {
        let mut told = shown(row);
        if let Some(members) = told.as_object_mut() {
            members.insert("key".to_owned(), key.expose().into());
        }
        output::say(&serde_json::to_string(&told)?);
        return Ok(());
    }
    if !made.quiet {
        let end = time(row.expires_at).unwrap_or_else(|| "never".to_owned());
        output::complain(&format!(
            "Key {} of {}; it ends: {end}. It is shown only now:",
            row.id, row.service
        ));
    }
    output::say(key.expose());
    Ok(())
}

fn tell_keys(rows: &[KeyRow], print: Json) -> Result<()> {
    if print.json {
        output::say(&serde_json::to_string(&rows.iter().map(shown).collect::<Vec<_>>())?);
        return Ok(());
    }
    let mut table = admin::table(&["id", "service", "name", "state", "scopes", "ends", "used", "hint"]);
    for row in rows {
        let scopes: Vec<String> = row.scopes()?.iter().map(ToString::to_string).collect();
        let dash = || "-".to_owned();
        table.add_row([
            row.id.clone(),
            row.service.clone(),
            row.name.clone(),
            row.state_now().to_owned(),
            scopes.join(" "),
            time(row.expires_at).unwrap_or_else(dash),
            time(row.last_used_at).unwrap_or_else(dash),
            format!("…{}", row.hint),
        ]);
    }
    admin::print(&table);
    Ok(())
}

fn tell_services(rows: &[ServiceRow], print: Json) -> Result<()> {
    if print.json {
        let shown = |row: &ServiceRow| {
            json!({
                "id": row.id, "name": row.name, "description": row.description, "owner": row.owner,
                "enabled": row.disabled_at.is_none(), "created_at": time(Some(row.created_at)),
            })
        };
        output::say(&serde_json::to_string(&rows.iter().map(shown).collect::<Vec<_>>())?);
        return Ok(());
    }
    let mut table = admin::table(&["name", "state", "owner", "description"]);
    for row in rows {
        let state = if row.disabled_at.is_some() { "disabled" } else { "enabled" };
        table.add_row([row.name.as_str(), state, row.owner.as_str(), row.description.as_str()]);
    }
    admin::print(&table);
    Ok(())
}

fn shown(row: &KeyRow) -> Value {
    json!({
        "id": row.id, "service": row.service, "kind": row.kind, "name": row.name, "hint": row.hint,
        "state": row.state_now(), "scopes": serde_json::from_str::<Value>(&row.scopes).unwrap_or_default(),
        "allowed_cidrs": row.allowed_cidrs.as_ref().and_then(|text| serde_json::from_str::<Value>(text).ok()),
        "created_at": time(Some(row.created_at)), "created_by": row.created_by, "expires_at": time(row.expires_at),
        "revoked_at": time(row.revoked_at), "superseded_by": row.superseded_by, "version": row.version,
        "last_used_at": time(row.last_used_at), "last_used_ip": row.last_used_ip,
    })
}

fn time(at: Option<i64>) -> Option<String> {
    at.and_then(|at| Timestamp::from_millisecond(at).ok()).map(|at| at.to_string())
}
