//! One request's conversation in Slack. What may have been posted before, by this replica or another one, is looked up before it is
//! posted again.

mod answer;

use std::sync::Arc;

use adjutant_bus::{reply::Reply, request::Request};
use adjutant_gateway::{Chat, Ended, Failed, Specs, Talk};
use tracing::warn;

use super::post::{Post, Posted, Where};
use crate::{
    accept::HOME,
    render::{self, Message},
    web::CallError,
};

/// A conversation in Slack.
pub(super) struct Conversation {
    post: Arc<Post>,
    specs: Specs,
    posted: Posted,
}

impl Conversation {
    pub(super) fn new(post: Arc<Post>, specs: Specs) -> Self {
        Self { post, specs, posted: Posted::new() }
    }

    fn shown(&self) -> Option<&String> {
        self.posted.get("progress").filter(|ts| !ts.is_empty())
    }

    /// Looks up what was posted, if anything may have been.
    async fn look_up(&mut self, talk: &mut Talk, at: &Where, request: &Request) -> Result<(), CallError> {
        if !talk.doubt {
            return Ok(());
        }
        match self.post.find(at, &talk.key.request.to_string(), request.received_at).await {
            Ok(found) => self.posted.extend(found),
            // Where we cannot look we have not posted.
            Err(CallError::Refused { code, .. }) => {
                warn!(code, channel = at.channel, "what was posted before cannot be looked up");
            }
            Err(error) => return Err(error),
        }
        talk.doubt = false;
        Ok(())
    }

    /// Where a request is answered. The home tab's buttons are answered in the direct conversation.
    async fn place(&self, request: &Request) -> Result<Where, CallError> {
        let place = &request.place;
        if place.channel.starts_with(['U', 'W']) {
            return self.post.direct(&place.channel).await;
        }
        Ok(Where { channel: place.channel.clone(), thread: place.thread.clone() })
    }
}

impl Chat for Conversation {
    fn waits(&self, talk: &Talk) -> bool {
        let Some(request) = &talk.fold.request else { return false };
        let ephemeral = !request.place.private && talk.is_private(&self.specs);
        let hidden = request.place.channel == HOME || ephemeral;
        !hidden
            && talk.fold.line.len() + talk.fold.progress.iter().count() > 0
            && (talk.changed || self.shown().is_none())
    }

    async fn show(&mut self, talk: &mut Talk) {
        let Some(request) = talk.fold.request.clone() else { return };
        let Ok(at) = self.place(&request).await else { return };
        if self.look_up(talk, &at, &request).await.is_err() {
            return;
        }
        let (run, key) = (talk.key.request.run(), talk.key.request.to_string());
        let message = match &talk.fold.held {
            Some(held) => held_message(held, run),
            None => render::working(&talk.fold.line, talk.fold.progress.as_ref(), run),
        };
        let shown = match self.shown().cloned() {
            Some(ts) if self.post.pace.edit() => {
                self.post.update(&at.channel, &ts, &message, &key, "progress").await
            }
            None if self.post.pace.receipt(&at.channel) => {
                match self.post.message(&at, &message, &key, "progress").await {
                    Ok(ts) => {
                        self.posted.insert("progress".to_owned(), ts);
                        Ok(())
                    }
                    Err(CallError::Unknown(why)) => {
                        talk.doubt = true;
                        Err(CallError::Unknown(why))
                    }
                    // Slash commands work where the bot is not a member: there is only the answer then.
                    Err(CallError::Refused { .. }) => {
                        self.posted.insert("progress".to_owned(), String::new());
                        Ok(())
                    }
                    Err(error) => Err(error),
                }
            }
            Some(_) | None => return,
        };
        talk.changed = shown.is_err();
    }

    async fn answer(&mut self, talk: &mut Talk, ended: &Ended, plainly: bool) -> Result<(), Failed> {
        self.answer_once(talk, ended, plainly).await
    }
}

fn held_message(held: &Reply, run: adjutant_bus::id::RunId) -> Message {
    let rendered = render::bare(held);
    let mut message = rendered.messages.into_iter().next().unwrap_or_else(|| render::working("", None, run));
    message.blocks.truncate(45);
    message
}
