//! Questions that Adjutant itself answers: one question, one answer, nothing stored.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use tokio_util::sync::CancellationToken;

use super::BusError;
use crate::subject::Topic;

/// The code that answers.
#[async_trait]
pub trait Inquiry: Send + Sync {
    /// Answers one question; what cannot be answered is told in the answer.
    async fn answer(&self, payload: Bytes) -> Bytes;
}

/// Questions that Adjutant itself answers.
#[async_trait]
pub trait Inquiries: Send + Sync {
    /// Asks one of those that answer, and waits for the answer for at most [`super::Limits::exchange`].
    ///
    /// # Errors
    /// `Unavailable` when nobody answers questions of this topic at the moment, or none in time.
    async fn ask(&self, topic: Topic, payload: Bytes) -> Result<Bytes, BusError>;

    /// Answers questions of this topic until `stop`, `concurrency` at a time; several that do share the questions.
    ///
    /// # Errors
    /// `Refused` when the topic may not be served.
    async fn serve(
        &self,
        topic: Topic,
        inquiry: Arc<dyn Inquiry>,
        concurrency: usize,
        stop: CancellationToken,
    ) -> Result<(), BusError>;
}
