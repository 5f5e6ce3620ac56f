//! One terminal's conversation with the bus: asks, and follows the journal until the answer is there.

use std::time::Duration;

use adjutant_bus::{
    actor::{Platform, Tenant},
    ports::{BoxStream, Bus, BusError, Follow, Followed},
    request::Request,
    subject::{Journals, Origin},
};
use adjutant_traces::{Attribute, Name, Span};
use futures::StreamExt;

use super::{
    deliver,
    outbound::{Ended, Fold, Shown, Step},
};

/// After this time without a worker it is said that there may be none.
const NO_WORKER: Duration = Duration::from_secs(3);

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
    Deliver(#[from] deliver::DeliverError),
    /// The bus was closed under us.
    #[error("The bus was closed before the answer came.")]
    Closed,
}

impl AskError {
    /// Whether it is certain that nothing was accepted.
    pub(crate) const fn nothing_was_done(&self) -> bool {
        match self {
            Self::Deliver(error) => !matches!(error, deliver::DeliverError::Uncertain(_)),
            Self::Closed => false,
        }
    }
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
        let span = Span::begin(Name::Receive)
            .with(Attribute::Platform(Platform::Console.as_str()))
            .with(Attribute::Request(&request.id.to_string()))
            .with(Attribute::Run(&request.id.run().to_string()));
        span.run(deliver::deliver(&self.bus, request)).await?;
        drop(span);
        let run = request.id.run();
        show(Shown::Accepted(run));
        let mut fold = Fold::new(request.received_at);
        let doubt = tokio::time::sleep(NO_WORKER);
        tokio::pin!(doubt);
        let mut taken = false;
        loop {
            let followed = tokio::select! {
                followed = self.events.next() => followed,
                () = &mut doubt, if !taken => {
                    taken = true;
                    show(Shown::Waiting(run));
                    continue;
                }
            };
            let Some(followed) = followed else { break };
            if followed.recorded.key.request != request.id {
                continue;
            }
            taken = true;
            match fold.fold(&followed.recorded) {
                Some(Step::End(ended)) => {
                    // What is left is to print it.
                    drop(
                        Span::of(Name::DeliverAnswer, followed.trace.as_ref())
                            .with(Attribute::Outcome("delivered")),
                    );
                    return Ok(*ended);
                }
                Some(Step::Show(shown)) => show(shown),
                None => {}
            }
        }
        Err(AskError::Closed)
    }
}
