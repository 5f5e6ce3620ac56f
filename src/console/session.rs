//! One terminal's conversation with the bus: asks, and follows the journal until the answer is there.

use adjutant_bus::{
    actor::{Platform, Tenant},
    ports::{BoxStream, Bus, BusError, Follow, Followed},
    request::Request,
    subject::{Journals, Origin},
};
use futures::StreamExt;

use super::{
    deliver::{self, DeliverError},
    outbound::{Ended, Fold, Shown, Step},
};

/// A terminal's conversation.
pub(crate) struct Session {
    bus: Bus,
    events: BoxStream<Followed>,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AskError {
    /// It was not accepted.
    #[error(transparent)]
    Deliver(#[from] DeliverError),
    /// The bus was closed under us.
    #[error("The bus was closed before the answer came.")]
    Closed,
}

impl Session {
    /// Begins to follow before anything is asked, so that no answer is missed.
    pub(crate) async fn open(bus: Bus, tenant: Tenant) -> Result<Self, BusError> {
        let origin = Origin::new(Platform::Console, &tenant);
        let events = bus.journal.follow(Journals::Origin(origin), Follow::Now).await?;
        Ok(Self { bus, events })
    }

    /// Asks, and waits for the end. `show` is told what to show meanwhile.
    pub(crate) async fn ask(
        &mut self,
        request: &Request,
        mut show: impl FnMut(Shown),
    ) -> Result<Ended, AskError> {
        deliver::deliver(&self.bus, request).await?;
        show(Shown::Accepted(request.id.run()));
        let mut fold = Fold::new(request.received_at);
        while let Some(followed) = self.events.next().await {
            if followed.recorded.key.request != request.id {
                continue;
            }
            match fold.fold(&followed.recorded) {
                Some(Step::End(ended)) => return Ok(*ended),
                Some(Step::Show(shown)) => show(shown),
                None => {}
            }
        }
        Err(AskError::Closed)
    }
}
