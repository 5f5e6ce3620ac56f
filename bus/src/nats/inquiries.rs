//! Questions over core NATS, answered by a service that its clients find by the NATS service protocol (ADR-32).

use std::{sync::Arc, time::Duration};

use async_nats::{
    client::RequestErrorKind,
    service::{Request, ServiceExt, endpoint::Endpoint, error},
};
use async_trait::async_trait;
use bytes::Bytes;
use futures::{StreamExt, future};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tracing::{error, warn};

use super::connect::Link;
use crate::{
    ports::{BusError, Inquiries, Inquiry},
    subject::{Subject, Topic},
    wire::{MAX_MESSAGE, WireError},
};

/// The name by which the service is listed.
const NAME: &str = super::permissions::API_SERVICE;
/// Queue group of every endpoint, as the protocol has it.
const GROUP: &str = "q";
/// How long what was asked before the end may take to be answered.
const LAST_ANSWERS: Duration = Duration::from_secs(5);

pub(super) struct NatsInquiries {
    link: Link,
}

impl NatsInquiries {
    pub(super) const fn new(link: Link) -> Self {
        Self { link }
    }
}

fn failed(why: &dyn std::fmt::Display) -> BusError {
    BusError::Unavailable(why.to_string())
}

#[async_trait]
impl Inquiries for NatsInquiries {
    async fn ask(&self, topic: Topic, payload: Bytes) -> Result<Bytes, BusError> {
        if payload.len() > MAX_MESSAGE {
            return Err(WireError::TooLarge { size: payload.len() }.into());
        }
        let asked = self.link.client.request(Subject::Inquiry(topic).to_string(), payload);
        let answer = match tokio::time::timeout(self.link.exchange, asked).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(error)) if error.kind() == RequestErrorKind::NoResponders => {
                return Err(failed(&"nobody answers this question at the moment"));
            }
            Ok(Err(error)) => return Err(failed(&error)),
            Err(_) => return Err(failed(&"no answer to the question in time")),
        };
        let told = answer.headers.as_ref().and_then(|headers| headers.get("Nats-Service-Error"));
        told.map_or(Ok(answer.payload.clone()), |told| Err(failed(&told.as_str())))
    }

    async fn serve(
        &self,
        topic: Topic,
        inquiry: Arc<dyn Inquiry>,
        concurrency: usize,
        stop: CancellationToken,
    ) -> Result<(), BusError> {
        let refused = |error: &dyn std::fmt::Display| BusError::Refused(format!("service {NAME}: {error}"));
        let service = self.link.client.service_builder().description("What Adjutant answers to services");
        let service =
            service.start(NAME, env!("CARGO_PKG_VERSION")).await.map_err(|error| refused(&error))?;
        let endpoint = service.endpoint_builder().name(topic.endpoint()).queue_group(GROUP);
        let endpoint =
            endpoint.add(Subject::Inquiry(topic).to_string()).await.map_err(|error| refused(&error))?;
        let slots = Arc::new(Semaphore::new(concurrency));
        let attending = attend(endpoint, inquiry, slots.clone());
        tokio::pin!(attending);
        let _ = future::select(Box::pin(stop.cancelled()), &mut attending).await;
        service.stop().await.map_err(|error| failed(&error))?;
        let rest = async {
            attending.await;
            let _ = slots.acquire_many(u32::try_from(concurrency).unwrap_or(u32::MAX)).await;
        };
        let _ = tokio::time::timeout(LAST_ANSWERS, rest).await;
        Ok(())
    }
}

/// Answers each question in a task of its own.
async fn attend(mut endpoint: Endpoint, inquiry: Arc<dyn Inquiry>, slots: Arc<Semaphore>) {
    while let Some(request) = endpoint.next().await {
        let Ok(slot) = slots.clone().acquire_owned().await else { return };
        let inquiry = inquiry.clone();
        tokio::spawn(async move {
            let _slot = slot;
            answer(&request, inquiry).await;
        });
    }
}

async fn answer(request: &Request, inquiry: Arc<dyn Inquiry>) {
    let payload = request.message.payload.clone();
    let answered = tokio::spawn(async move { inquiry.answer(payload).await }).await;
    let answer = answered.map_err(|fault| {
        error!(%fault, "a question could not be answered");
        let status = "the one that was asked failed on the question".to_owned();
        error::Error { code: 500, status }
    });
    if let Err(error) = request.respond(answer).await {
        warn!(%error, "an answer could not be sent");
    }
}
