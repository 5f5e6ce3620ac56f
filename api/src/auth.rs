//! Who calls. A handler that takes `Auth<KeysRead>` is reached only with a valid key whose scopes admit that right; the
//! principal is the key, never something in the body.

mod cache;
mod credentials;
mod limits;
mod principal;
mod rows;
mod verify;

use std::{marker::PhantomData, ops::Deref, sync::Arc};

use axum::{
    extract::FromRequestParts,
    http::{StatusCode, request::Parts},
};

pub(crate) use self::{credentials::X_API_KEY, principal::Principal, verify::Keys};
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
fn lacking(right: Right) -> Problem {
    Problem::new(Code::InsufficientScope, format!("The key needs the scope `{right}`."))
        .with("required_scope", right.as_str())
}
