//! Who calls. A handler that takes `Auth<KeysRead>` is reached only with a valid key whose scopes admit that right; the
//! principal is the key, never something in the body.

mod cache;
mod credentials;
mod lasting;
mod limits;
mod principal;
mod refusals;
mod rows;
mod uses;
mod verify;

use std::{marker::PhantomData, ops::Deref, sync::Arc, time::Duration};

use adjutant_metrics::api as metrics;
use axum::{
    extract::FromRequestParts,
    http::{StatusCode, request::Parts},
};
use tokio_util::sync::CancellationToken;
use tracing::warn;

pub(crate) use self::{credentials::X_API_KEY, lasting::Lasting, principal::Principal, verify::Keys};
use crate::{
    app::Shared,
    http::Exchange,
    problem::{Code, Problem},
    scope::Right,
};

/// A right that a handler asks for in its signature.
pub(crate) trait Needs {
    /// The right; none: any valid key will do.
    const RIGHT: Option<Right>;
}

macro_rules! needs {
    ($($name:ident),+ $(,)?) => {
        $(#[doc = "Asks for the right of this name."]
        pub(crate) struct $name;
        impl Needs for $name {
            const RIGHT: Option<Right> = Some(Right::$name);
        })+
    };
}

needs!(
    KeysRead,
    KeysWrite,
    KeysIntrospect,
    RequestsSubmit,
    RequestsRead,
    RequestsCancel,
    RequestsDecide,
    CommandsRead,
    NotifySend,
    DestinationsRead,
    DestinationsWrite,
    AuditRead,
    PolicyRead,
    PolicyExplain,
    MetricsRead,
    Admin,
);

/// Asks for a valid key only.
pub(crate) struct AnyKey;

impl Needs for AnyKey {
    const RIGHT: Option<Right> = None;
}

/// The caller, with the right that `N` names over something at least. What a narrowed scope is about, the handler checks by
/// [`Principal::needs`].
pub(crate) struct Auth<N: Needs> {
    principal: Arc<Principal>,
    needs: PhantomData<fn() -> N>,
}

impl<N: Needs> Deref for Auth<N> {
    type Target = Principal;
    fn deref(&self) -> &Principal {
        &self.principal
    }
}

impl<N: Needs> FromRequestParts<Shared> for Auth<N> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Shared) -> Result<Self, Problem> {
        let exchange = parts.extensions.get::<Arc<Exchange>>().cloned();
        let exchange = exchange.ok_or_else(|| Problem::fault(&"a route without its exchange"))?;
        let principal = match app.keys.verify(app, &parts.headers, &exchange).await {
            Ok(principal) => principal,
            // Whoever presents no key tries none.
            Err(problem) if problem.code() == Code::MissingKey => return Err(problem),
            Err(problem) if problem.code().status() == StatusCode::UNAUTHORIZED => {
                app.keys.limits.failed(exchange.address)?;
                return Err(problem);
            }
            Err(problem) => return Err(problem),
        };
        if let Some(right) = N::RIGHT
            && !principal.scopes.admit_some(right)
        {
            return Err(lacking(right));
        }
        Ok(Self { principal, needs: PhantomData })
    }
}

/// The key's scopes do not admit this.
pub(crate) fn lacking(right: Right) -> Problem {
    Problem::new(Code::InsufficientScope, format!("The key needs the scope `{right}`."))
        .with("required_scope", right.as_str())
}

/// How often what was noted in memory is written.
const FLUSH: Duration = Duration::from_secs(30);
/// How often refusals are.
const REFUSALS: Duration = Duration::from_secs(1);

/// Writes what verification noted in memory, until `stop`.
pub(crate) async fn keep(app: Shared, stop: CancellationToken) {
    let mut flush = tokio::time::interval(FLUSH);
    let mut refusals = tokio::time::interval(REFUSALS);
    for timer in [&mut flush, &mut refusals] {
        timer.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    }
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = flush.tick() => {
                used(&app).await;
                if let Ok(count) = app.keyring.keys_on_old_pepper().await {
                    metrics::on_old_pepper(count);
                }
            }
            _ = refusals.tick() => told(app.keys.refusals.flush(&app.db).await),
        }
    }
}

/// Writes what is left.
pub(crate) async fn flush(app: &Shared) {
    used(app).await;
    told(app.keys.refusals.flush(&app.db).await);
}

async fn used(app: &Shared) {
    told(app.keys.uses.flush(&app.db).await);
    told(app.keys.hook_uses.flush(&app.db).await);
}

fn told(flushed: Result<(), crate::store::StoreError>) {
    if let Err(error) = flushed {
        warn!(%error, "the use of keys cannot be noted just now");
    }
}
