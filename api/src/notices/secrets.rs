//! Secrets of hooks: for senders that cannot set headers. One reaches one hook of one destination, as the service that made it;
//! only its digest is kept.

use jiff::Timestamp;
use rand::{RngExt, distr::Alphanumeric};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use tracing::warn;
use uuid::Uuid;

use crate::{
    app::App,
    audit::{self, Entry},
    auth::Principal,
    destinations,
    hooks::Hook,
    key::{Digest, Kind},
    problem::Problem,
    scope::{Scope, Scopes},
    store::{Db, StoreError, executing, reading},
};

pub(crate) const INSERT: &str = "INSERT INTO hook_secrets (id, destination, hook, service_id, digest, pepper_id, hint, created_at, \
     created_by) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
pub(crate) const LIST: &str = "SELECT h.id, h.hook, s.name AS service, h.hint, h.created_at, h.created_by, h.last_used_at, \
     h.last_used_ip FROM hook_secrets h \
     JOIN services s ON s.id = h.service_id WHERE h.destination = $1 ORDER BY h.created_at, h.id LIMIT 200";
pub(crate) const DELETE: &str = "DELETE FROM hook_secrets WHERE id = $1 AND destination = $2";
pub(crate) const FIND: &str = "SELECT h.id, h.digest, h.hint, h.service_id, s.name AS service, s.disabled_at, h.created_at \
     FROM hook_secrets h JOIN services s ON s.id = h.service_id WHERE h.digest = $1 AND h.destination = $2 AND h.hook = $3";
pub(crate) const MOVE: &str =
    "UPDATE hook_secrets SET digest = $1, pepper_id = $2 WHERE id = $3 AND digest = $4";

/// How a secret begins.
const PREFIX: &str = "adh_";
/// Random characters of a secret: 190 bits.
const RANDOM: usize = 32;
/// Characters by which people tell secrets apart.
const HINT: usize = 3;

/// A secret as it is listed.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct Listed {
    pub(crate) id: String,
    pub(crate) hook: String,
    pub(crate) service: String,
    pub(crate) hint: String,
    pub(crate) created_at: i64,
    pub(crate) created_by: String,
    pub(crate) last_used_at: Option<i64>,
    pub(crate) last_used_ip: Option<String>,
}

#[derive(sqlx::FromRow)]
struct Found {
    id: String,
    digest: Vec<u8>,
    hint: String,
    service_id: String,
    service: String,
    disabled_at: Option<i64>,
    created_at: i64,
}

/// Makes one for the caller's service. The secret is in the answer and nowhere else.
pub(crate) async fn create(
    app: &App,
    caller: &Principal,
    destination: &str,
    hook: Hook,
    entry: Entry,
) -> Result<(Listed, SecretString), Problem> {
    destinations::one(&app.db, destination).await?.ok_or_else(|| Problem::not_found("destination"))?;
    let random: String = rand::rng().sample_iter(Alphanumeric).take(RANDOM).map(char::from).collect();
    let hint = random.chars().skip(RANDOM - HINT).collect();
    let secret = SecretString::from(format!("{PREFIX}{random}"));
    let digest = app.keys.peppers.digest_text(secret.expose_secret());
    let made = Listed {
        id: Uuid::now_v7().to_string(),
        hook: hook.as_str().to_owned(),
        service: caller.service.clone(),
        hint,
        created_at: Timestamp::now().as_millisecond(),
        created_by: caller.who(),
        last_used_at: None,
        last_used_ip: None,
    };
    let mut tx = app.db.begin().await?;
    executing!(
        &mut tx,
        sqlx::query(INSERT)
            .bind(&made.id)
            .bind(destination)
            .bind(&made.hook)
            .bind(&caller.service_id)
            .bind(digest.as_bytes())
            .bind(app.keyring.pepper_id())
            .bind(&made.hint)
            .bind(made.created_at)
            .bind(&made.created_by)
    )?;
    let told = json!({ "hook": made.hook, "secret": made.id, "service": made.service });
    audit::record(&mut tx, &entry.with(&told)).await?;
    tx.commit().await?;
    Ok((made, secret))
}

/// Those of a destination, oldest first.
pub(crate) async fn list(db: &Db, destination: &str) -> Result<Vec<Listed>, StoreError> {
    reading!(db, at => sqlx::query_as(LIST).bind(destination).fetch_all(at))
}

/// Revokes one.
pub(crate) async fn delete(db: &Db, destination: &str, id: &str, entry: Entry) -> Result<(), Problem> {
    let mut tx = db.begin().await?;
    if executing!(&mut tx, sqlx::query(DELETE).bind(id).bind(destination))? == 0 {
        return Err(Problem::not_found("hook secret"));
    }
    audit::record(&mut tx, &entry.with(&json!({ "secret": id }))).await?;
    Ok(tx.commit().await?)
}

async fn find(db: &Db, destination: &str, hook: Hook, digest: &Digest) -> Result<Option<Found>, StoreError> {
    let bytes = digest.as_bytes();
    let found: Option<Found> = reading!(db, at => sqlx::query_as(FIND).bind(bytes).bind(destination).bind(hook.as_str()).fetch_optional(at))?;
    Ok(found.filter(|found| digest.is(&found.digest)))
}

async fn rewrite(app: &App, id: &str, before: &Digest, digest: &Digest) -> Result<(), StoreError> {
    let mut tx = app.db.begin().await?;
    let (pepper_id, digest, before) = (app.keyring.pepper_id(), digest.as_bytes(), before.as_bytes());
    executing!(&mut tx, sqlx::query(MOVE).bind(digest).bind(pepper_id).bind(id).bind(before))?;
    tx.commit().await
}

/// The service that this secret speaks for, over this destination only; none if it is no secret of this hook.
pub(crate) async fn principal(
    app: &App,
    destination: &str,
    hook: Hook,
    secret: &SecretString,
) -> Result<Option<Principal>, Problem> {
    let digest = app.keys.peppers.digest_text(secret.expose_secret());
    let mut found = find(&app.db, destination, hook, &digest).await?;
    if found.is_none()
        && let Some(before) = app.keys.peppers.previous_digest_text(secret.expose_secret())
    {
        found = find(&app.db, destination, hook, &before).await?;
        // Only now that the secret is in hand can it be kept under the pepper in use.
        if let Some(found) = &found
            && let Err(error) = rewrite(app, &found.id, &before, &digest).await
        {
            warn!(%error, secret = found.id, "a hook's secret stays under the pepper before for now");
        }
    }
    let Some(found) = found.filter(|found| found.disabled_at.is_none()) else { return Ok(None) };
    let scope: Scope =
        format!("notify:send:{destination}").parse().map_err(|error| Problem::fault(&error))?;
    Ok(Some(Principal {
        key_id: found.id,
        key_name: format!("{} hook …{}", hook.as_str(), found.hint),
        kind: Kind::Service,
        service_id: found.service_id,
        service: found.service,
        scopes: Scopes::new(vec![scope]),
        created_at: found.created_at,
        expires_at: None,
    }))
}
