//! One request's conversation in Discord: in answer to an interaction as long as its token is good, else by messages.

mod answer;
mod interaction;
mod message;

use std::{sync::Arc, time::Duration};

use adjutant_bus::{id::RunId, reply::Reply, request::Request};
use adjutant_gateway::{Chat, Ended, Failed, Specs, Talk};
use jiff::Timestamp;
use tokio::time::Instant;

use super::post::{Post, Where};
use crate::{
    answered::{Answered, First},
    outbound,
    render::{self, Message},
    snowflake::Snowflake,
    web::CallError,
};

/// The token of an interaction is good for 15 minutes (Discord: "Followup Messages").
const TOKEN: i64 = 14 * 60 + 30;
/// Least time between two edits that show progress.
const PACE: Duration = Duration::from_millis(1_500);

/// A conversation in Discord.
pub(super) struct Conversation {
    post: Arc<Post>,
    specs: Specs,
    answered: Answered,
    /// The message that shows progress, or that there is none to be.
    shown: Option<Option<Snowflake>>,
    shown_at: Option<Instant>,
    /// How the interaction was answered at first.
    first: Option<First>,
}

impl Conversation {
    pub(super) fn new(post: Arc<Post>, specs: Specs, answered: Answered) -> Self {
        Self { post, specs, answered, shown: None, shown_at: None, first: None }
    }

    async fn show_by(
        &mut self,
        talk: &mut Talk,
        request: &Request,
        message: &Message,
    ) -> Result<(), CallError> {
        if let Some(token) = outbound::token(request).filter(|_| is_fresh(request)) {
            return match self.answered.ask(request.id, Instant::now()).await {
                Some(First::Deferred(_)) => {
                    self.post.web.edit_original(token, message, &[], Some(&self.post.good)).await.map(drop)
                }
                Some(First::Whole) => Ok(()),
                None => Err(CallError::Unknown("how it was answered is not known yet".to_owned())),
            };
        }
        let Some(at) = place(request) else { return Ok(()) };
        match self.shown {
            Some(Some(id)) => self.post.update(at.channel, id, message, &[]).await,
            Some(None) => Ok(()),
            None => {
                match self.post.message(at, message, &[], &talk.key.request.to_string(), "progress").await {
                    Ok(id) => {
                        self.shown = Some(Some(id));
                        Ok(())
                    }
                    // There is only the answer then, by another way.
                    Err(CallError::Refused { .. }) => {
                        self.shown = Some(None);
                        Ok(())
                    }
                    Err(error) => {
                        talk.doubt = true;
                        Err(error)
                    }
                }
            }
        }
    }
}

impl Chat for Conversation {
    fn waits(&self, talk: &Talk) -> bool {
        let Some(request) = &talk.fold.request else { return false };
        // What is answered elsewhere is not announced here.
        let hidden =
            outbound::message(request).is_some() && !request.place.private && talk.is_private(&self.specs);
        let first = self.shown_at.is_none();
        !hidden && !talk.fold.line.is_empty() && (talk.changed || first)
    }

    async fn show(&mut self, talk: &mut Talk) {
        if self.shown_at.is_some_and(|at| at.elapsed() < PACE) {
            return;
        }
        let Some(request) = talk.fold.request.clone() else { return };
        let run = talk.key.request.run();
        let message = match &talk.fold.held {
            Some(held) => held_message(held, run),
            None => render::working(&talk.fold.line, talk.fold.progress.as_ref(), run),
        };
        if self.show_by(talk, &request, &message).await.is_ok() {
            self.shown_at = Some(Instant::now());
            talk.changed = false;
        }
    }

    async fn answer(&mut self, talk: &mut Talk, ended: &Ended, plainly: bool) -> Result<(), Failed> {
        self.answer_once(talk, ended, plainly).await
    }
}

/// Where a request is answered by messages.
fn place(request: &Request) -> Option<Where> {
    let channel = request.place.thread.as_deref().unwrap_or(&request.place.channel);
    Some(Where { channel: Snowflake::parse(channel)?, reply_to: outbound::message(request) })
}

/// Seconds since the request was received.
fn age(request: &Request) -> i64 {
    Timestamp::now().duration_since(request.received_at).as_secs()
}

/// Whether an interaction can still be answered as one.
fn is_fresh(request: &Request) -> bool {
    age(request) < TOKEN
}

fn held_message(held: &Reply, run: RunId) -> Message {
    render::bare(held).messages.into_iter().next().unwrap_or_else(|| render::working("", None, run))
}
