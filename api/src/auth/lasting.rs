//! Calls that go on after they were let in, such as streams: the key is looked at again whenever keys may have changed, and before what is
//! known of it gets too old. So a revocation ends them within the same bound as it refuses calls.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use tokio::{sync::watch, time::Instant};

use super::Principal;
use crate::{app::Shared, http::Exchange, key::ApiKey, problem::Problem};

/// Where every call asks the database, a lasting one does so this often.
const LEAST: Duration = Duration::from_millis(500);

/// The right of a call that goes on.
pub(crate) struct Lasting {
    app: Shared,
    exchange: Arc<Exchange>,
    key: ApiKey,
    changes: watch::Receiver<()>,
    /// When the key is looked at again at the latest.
    next: Instant,
}

impl Lasting {
    /// Of the call that was let in by this exchange.
    pub(crate) fn new(app: &Shared, exchange: &Arc<Exchange>) -> Result<Self, Problem> {
        let key =
            exchange.key.get().cloned().ok_or_else(|| Problem::fault(&"a lasting call without a key"))?;
        let changes = app.keys.changes();
        // At once: a change may have come between.
        Ok(Self { app: app.clone(), exchange: exchange.clone(), key, changes, next: Instant::now() })
    }

    /// Whether the key is to be looked at.
    pub(crate) fn is_due(&self) -> bool {
        Instant::now() >= self.next || self.changes.has_changed().unwrap_or(true)
    }

    /// When it is.
    pub(crate) async fn due(&mut self) {
        tokio::select! {
            () = tokio::time::sleep_until(self.next) => {}
            _ = self.changes.changed() => self.next = Instant::now(),
        }
    }

    /// Looks at it.
    pub(crate) async fn look(&mut self) -> Result<Arc<Principal>, Problem> {
        self.changes.mark_unchanged();
        let looked = self.app.keys.again(&self.app.db, &self.key, self.exchange.address).await;
        let (principal, until) = looked?;
        let now = Instant::now();
        self.next = Instant::from_std(until).max(now + LEAST);
        if let Some(at) = principal.expires_at {
            let left = at.saturating_sub(Timestamp::now().as_millisecond()).max(0).unsigned_abs();
            self.next = self.next.min(now + Duration::from_millis(left));
        }
        Ok(principal)
    }
}
