//! Commands implemented elsewhere.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;

use adjutant_traces::{Attribute, Name, Span};

use super::{BoxStream, BusError};
use crate::{
    TraceContext,
    event::Progress,
    reply::Reply,
    service::{Call, Offer},
};

/// What a call to a service yields.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// A sign of life; more follows.
    Progress(Progress),
    /// The end: it worked.
    Result(Reply),
    /// The end: the service says that it did not work. The text is for the person.
    Error(String),
}

/// Why a call has no answer.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// Nobody offers the command now. Nothing was run.
    #[error("no service offers the command at the moment")]
    NoService,
    /// The deadline passed. Whether it was run is not known.
    #[error("the service did not answer in time")]
    Deadline,
    /// The service answered with something that is no frame.
    #[error("the service answered with something that cannot be read: {0}")]
    Malformed(String),
    /// The bus failed.
    #[error(transparent)]
    Bus(#[from] BusError),
}

/// Where a service that answers a call sends its signs of life.
pub type ProgressSink = tokio::sync::mpsc::Sender<Progress>;

/// The code behind an offered service.
#[async_trait]
pub trait Serve: Send + Sync {
    /// Answers one call, as a part of the trace that it came in. `Err` carries what to tell the person.
    async fn serve(&self, call: Call, progress: ProgressSink) -> Result<Reply, String>;
}

/// Has a call answered, as a part of the trace that it came in.
pub(crate) async fn served(
    serve: Arc<dyn Serve>,
    call: Call,
    progress: ProgressSink,
    trace: Option<TraceContext>,
) -> Result<Reply, String> {
    let span = Span::of(Name::Serve, trace.as_ref())
        .with(Attribute::Request(&call.request.to_string()))
        .with(Attribute::Run(&call.request.run().to_string()))
        .with(Attribute::Command(&call.path.dotted()));
    let answer = span.run(serve.serve(call, progress)).await;
    span.set(Attribute::Outcome(if answer.is_ok() { "succeeded" } else { "failed" }));
    answer
}

/// Commands implemented elsewhere.
#[async_trait]
pub trait Services: Send + Sync {
    /// What services offer now; waits for answers for at most `window`.
    ///
    /// # Errors
    /// `Unavailable` while the server cannot be reached.
    async fn list(&self, window: Duration) -> Result<Vec<Offer>, BusError>;

    /// Calls the command, with the place in the trace of the current task. The stream ends after `Result`, `Error` or `Err`; the call's own deadline bounds it.
    ///
    /// # Errors
    /// `NoService` may come here or as the first item.
    async fn call(&self, call: Call) -> Result<BoxStream<Result<Answer, CallError>>, CallError>;

    /// Offers commands until `stop`; answers each call in its own task, `concurrency` at a time.
    ///
    /// # Errors
    /// `Refused` when the offer itself is not acceptable.
    async fn offer(
        &self,
        offer: Offer,
        serve: Arc<dyn Serve>,
        concurrency: usize,
        stop: tokio_util::sync::CancellationToken,
    ) -> Result<(), BusError>;
}
