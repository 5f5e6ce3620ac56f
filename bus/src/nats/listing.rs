//! How a service is found and left (ADR-32): it answers what is asked of all services, of those of its name and of itself alone.
//!
//! The client library has this, too; but what it unsubscribes it forgets at once, with the calls that the server has sent already.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use async_nats::{Client, SubscribeError, Subscriber};
use futures::{StreamExt, stream::SelectAll};
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio_util::task::AbortOnDropHandle;
use tracing::warn;

use super::services::GROUP;
use crate::service::Offer;

/// More messages than a server reads as a limit (nine digits): it takes the subscription away at once, while the client keeps
/// its side of it, and so all that was sent before.
const NO_MORE: u64 = u64::MAX;

/// One endpoint of a service, as it is listed.
pub(super) struct Listed {
    pub(super) name: String,
    pub(super) subject: String,
    pub(super) metadata: HashMap<String, String>,
    /// Calls so far.
    pub(super) calls: Arc<AtomicU64>,
}

/// Lists a service for as long as what is returned is kept.
pub(super) async fn list(
    client: &Client,
    offer: &Offer,
    endpoints: Vec<Listed>,
) -> Result<AbortOnDropHandle<()>, SubscribeError> {
    let id = format!("{:032x}", rand::random::<u128>());
    let mut asked = SelectAll::new();
    for verb in ["PING", "INFO", "STATS"] {
        let all = format!("$SRV.{verb}");
        let (named, own) = (format!("{all}.{}", offer.name), format!("{all}.{}.{id}", offer.name));
        for subject in [all, named, own] {
            asked.push(client.subscribe(subject).await?.map(move |message| (verb, message)));
        }
    }
    let about = json!({ "name": offer.name, "id": id, "version": offer.version, "metadata": {} });
    let (client, description, started) = (client.clone(), offer.description.clone(), Timestamp::now());
    let answering = async move {
        while let Some((verb, message)) = asked.next().await {
            let Some(reply) = message.reply else { continue };
            let more = match verb {
                "PING" => json!({ "type": "io.nats.micro.v1.ping_response" }),
                "INFO" => json!({
                    "type": "io.nats.micro.v1.info_response",
                    "description": description,
                    "endpoints": endpoints.iter().map(Listed::info).collect::<Vec<_>>(),
                }),
                _ => json!({
                    "type": "io.nats.micro.v1.stats_response",
                    "started": started,
                    "endpoints": endpoints.iter().map(Listed::stats).collect::<Vec<_>>(),
                }),
            };
            if let Err(error) = client.publish(reply, both(&about, more).to_string().into()).await {
                warn!(%error, "who asked for services could not be answered");
            }
        }
    };
    Ok(AbortOnDropHandle::new(tokio::spawn(answering)))
}

impl Listed {
    fn info(&self) -> Value {
        json!({ "name": self.name, "subject": self.subject, "queue_group": GROUP, "metadata": self.metadata })
    }

    fn stats(&self) -> Value {
        json!({
            "name": self.name,
            "subject": self.subject,
            "queue_group": GROUP,
            "num_requests": self.calls.load(Ordering::Relaxed),
            "num_errors": 0,
            "last_error": "",
            "processing_time": 0,
            "average_processing_time": 0,
        })
    }
}

fn both(about: &Value, mut more: Value) -> Value {
    if let (Some(about), Some(more)) = (about.as_object(), more.as_object_mut()) {
        more.extend(about.clone());
    }
    more
}

/// Tells the server to send nothing more here. What it has sent already still comes.
pub(super) async fn withdraw(subscriber: &mut Subscriber) {
    if let Err(error) = subscriber.unsubscribe_after(NO_MORE).await {
        warn!(%error, "a subscription could not be taken back");
    }
}
