//! Whether somebody's key is good: over HTTP (RFC 7662) and on the bus. The key is never logged.

use std::{net::IpAddr, sync::Arc, time::Duration};

use adjutant_bus::{
    introspection::{Introspect, Introspection},
    ports::{Inquiry, Topic},
    wire::{self, Version},
};
use async_trait::async_trait;
use bytes::Bytes;
use serde::Serialize;
use tokio_util::sync::CancellationToken;
use tracing::{error, warn};
use utoipa::ToSchema;

use crate::{
    app::{App, Shared},
    store::StoreError,
};

/// Questions answered at once.
const AT_ONCE: usize = 32;
/// Before serving is tried again.
const AGAIN: Duration = Duration::from_secs(5);

/// Whether a key is good, and whose it is. Of one that is not good nothing else is said.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Introspection)]
pub(crate) struct IntrospectionBody {
    /// Whether it is good now.
    active: bool,
    /// Whose it is: `svc:<name>`.
    #[serde(skip_serializing_if = "Option::is_none")]
    sub: Option<String>,
    /// Name of the service.
    #[serde(skip_serializing_if = "Option::is_none")]
    client_id: Option<String>,
    /// Its scopes, separated by spaces.
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<String>,
    /// When it was made, in Unix seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    iat: Option<i64>,
    /// When it ends, in Unix seconds; absent: never.
    #[serde(skip_serializing_if = "Option::is_none")]
    exp: Option<i64>,
    /// Id of the key.
    #[serde(skip_serializing_if = "Option::is_none")]
    jti: Option<String>,
}

impl From<Introspection> for IntrospectionBody {
    fn from(found: Introspection) -> Self {
        Self {
            active: found.active,
            sub: found.sub,
            client_id: found.client_id,
            scope: found.scope,
            iat: found.iat,
            exp: found.exp,
            jti: found.jti,
        }
    }
}

/// What is known of this text.
pub(crate) async fn introspect(
    app: &App,
    text: &str,
    address: Option<IpAddr>,
) -> Result<Introspection, StoreError> {
    let Some(principal) = app.keys.examine(&app.db, text, address).await? else { return Ok(inactive()) };
    let scopes: Vec<String> = principal.scopes.iter().map(ToString::to_string).collect();
    Ok(Introspection {
        v: Version,
        active: true,
        sub: Some(principal.who()),
        client_id: Some(principal.service.clone()),
        scope: Some(scopes.join(" ")),
        iat: Some(principal.created_at / 1000),
        exp: principal.expires_at.map(|at| at / 1000),
        jti: Some(principal.key_id.clone()),
        error: None,
    })
}

fn inactive() -> Introspection {
    Introspection {
        v: Version,
        active: false,
        sub: None,
        client_id: None,
        scope: None,
        iat: None,
        exp: None,
        jti: None,
        error: None,
    }
}

struct Answers(Shared);

#[async_trait]
impl Inquiry for Answers {
    async fn answer(&self, payload: Bytes) -> Bytes {
        let found = match wire::decode::<Introspect>("introspect", &payload) {
            // What the reader says may show a piece of the key.
            Err(_) => Err("the question cannot be read; see bus/schema/introspect.json".to_owned()),
            Ok(asked) => self.find(asked).await,
        };
        let found = found.unwrap_or_else(|error| Introspection { error: Some(error), ..inactive() });
        wire::encode("introspection", &found).unwrap_or_default()
    }
}

impl Answers {
    async fn find(&self, asked: Introspect) -> Result<Introspection, String> {
        let address = match asked.ip.map(|text| text.parse()) {
            None => None,
            Some(Ok(address)) => Some(address),
            Some(Err(_)) => return Err("`ip` is no address".to_owned()),
        };
        introspect(&self.0, &asked.key, address).await.map_err(|error| {
            warn!(%error, "a key could not be examined");
            "it cannot be found out just now; try again".to_owned()
        })
    }
}

/// Answers on the bus until `stop`.
pub(crate) async fn run(app: Shared, stop: CancellationToken) {
    loop {
        let answers = Arc::new(Answers(app.clone()));
        let served = app.bus.inquiries.serve(Topic::Introspect, answers, AT_ONCE, stop.clone()).await;
        if let Err(error) = served {
            error!(%error, "questions about keys are not answered on the bus");
        }
        if stop.run_until_cancelled(tokio::time::sleep(AGAIN)).await.is_none() {
            return;
        }
    }
}
