//! The answer to an interaction: its first answer is changed, more follows, and what only the asker may see never becomes public.

use std::time::Duration;

use adjutant_bus::{place::AnswerAddress, request::Request};
use adjutant_gateway::{Ended, Failed, Foot, Talk};
use jiff::Timestamp;
use tokio::time::Instant;
use tracing::warn;

use super::Conversation;
use crate::{
    answered::{First, Promise},
    outbound,
    render::{self, Rendered},
    sender::post::is_gone,
    web::CallError,
};

/// From when a request was received until it is certain how it was answered: the platform's three seconds, and some.
const SETTLED: Duration = Duration::from_millis(3_300);

/// Codes by which Discord says that an interaction, or its token, is over; a message that is gone is another matter.
const fn is_over(code: u64) -> bool {
    is_gone(code) && code != 10_008
}

impl Conversation {
    /// By the interaction, or by a message where it was not answered in time or its token is not good any more.
    pub(super) async fn by_interaction(
        &mut self,
        talk: &mut Talk,
        request: &Request,
        token: &AnswerAddress,
        ended: &Ended,
        rendered: &Rendered,
    ) -> Result<(), Failed> {
        match self.first(request, token).await? {
            Some(First::Whole) => return Ok(()),
            Some(First::Deferred(promise)) => {
                match self.keep(promise, talk, request, token, ended, rendered).await {
                    Err(CallError::Refused { code, .. }) if is_over(code) => {}
                    kept => return Ok(kept?),
                }
            }
            None => {}
        }
        if since(request) < SETTLED {
            self.first = None;
            return Err(Failed::Uncertain("the interaction is not answered yet".to_owned()));
        }
        warn!(run = %request.id.run(), "an interaction cannot be answered any more; answering by a message");
        let foot = Foot { asker: Some(request.actor.user.clone()), ..outbound::foot(request, ended) };
        self.by_message(talk, request, ended, &render::reply(&ended.reply, &foot)).await
    }

    /// Sends what was promised, as far as it was not sent yet.
    async fn keep(
        &mut self,
        promise: Promise,
        talk: &Talk,
        request: &Request,
        token: &AnswerAddress,
        ended: &Ended,
        rendered: &Rendered,
    ) -> Result<(), CallError> {
        let Promise { ephemeral: promised, mut said } = promise;
        let ephemeral = outbound::is_ephemeral(ended.reply.visibility, &request.place);
        let (web, good) = (self.post.web.clone(), self.post.good.clone());
        let long = ended.is_long() && !promised;
        if said == 0 && ephemeral && !promised {
            // What everybody was promised is taken away, so that what follows can be for one person.
            match web.delete_original(token, &good).await {
                Err(CallError::Refused { code, .. }) if is_gone(code) => {}
                done => done?,
            }
        } else if said == 0 && long {
            let told = render::finished(&talk.fold.line, ended.outcome, request.id.run());
            web.edit_original(token, &told, &[], Some(&good)).await?;
        }
        let edits = !long && (promised || !ephemeral);
        let last = rendered.messages.len();
        for (index, message) in rendered.messages.iter().enumerate().skip(said) {
            let files = if index + 1 == last { rendered.files.as_slice() } else { &[] };
            let edited = index == 0
                && edits
                && match web.edit_original(token, message, files, Some(&good)).await {
                    // Somebody has taken it away meanwhile.
                    Err(CallError::Refused { code: 10_008, .. }) => false,
                    done => done.map(|_| true)?,
                };
            if !edited {
                web.follow_up(token, message, files, ephemeral, &good).await?;
            }
            said = index + 1;
            let first = First::Deferred(Promise { ephemeral: promised, said });
            self.first = Some(first);
            // The same edit again changes nothing.
            if said < last || !edited {
                self.answered.said(request.id, first).await;
            }
        }
        Ok(())
    }

    /// How the interaction was answered at first; none if it was not.
    async fn first(&mut self, request: &Request, token: &AnswerAddress) -> Result<Option<First>, CallError> {
        if let Some(first) = self.first {
            return Ok(Some(first));
        }
        let deadline = Instant::now() + SETTLED.saturating_sub(since(request));
        self.first = match self.answered.ask(request.id, deadline).await {
            Some(first) => Some(first),
            None => {
                let found = self.post.original(token).await?;
                found.map(|ephemeral| First::Deferred(Promise { ephemeral, said: 0 }))
            }
        };
        Ok(self.first)
    }
}

/// How long ago a request was received.
fn since(request: &Request) -> Duration {
    Timestamp::now().duration_since(request.received_at).unsigned_abs()
}
