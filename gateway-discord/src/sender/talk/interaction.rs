//! The answer to an interaction: its first answer is changed, more follows, and what only the asker may see never becomes public.

use std::time::Duration;

use adjutant_bus::{place::AnswerAddress, request::Request};
use adjutant_gateway::{Ended, Failed, Talk};
use jiff::Timestamp;
use tokio::time::Instant;
use tracing::warn;

use super::Conversation;
use crate::{
    answered::First,
    outbound,
    render::{self, Foot, Rendered},
    sender::post::is_gone,
    web::CallError,
};

/// A run of this length, in seconds, ends with a message of its own, because an edit notifies nobody.
const LONG: i64 = 60;
/// From when a request was received until it is certain how it was answered: the platform's three seconds, and some.
const SETTLED: Duration = Duration::from_millis(3_300);

/// Discord's code for an interaction that it does not know.
const UNKNOWN: u64 = 10_062;

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
        let answered = match self.first(request, token).await? {
            Some(First::Whole) => return Ok(()),
            Some(First::Deferred { ephemeral, said }) => {
                self.keep_promise(talk, request, token, ended, rendered, ephemeral, said).await
            }
            None => Err(CallError::Refused { status: 404, code: UNKNOWN, what: "not answered".to_owned() }),
        };
        let since = Timestamp::now().duration_since(request.received_at).unsigned_abs();
        match answered {
            Err(CallError::Refused { code, .. }) if is_over(code) && since < SETTLED => {
                self.first = None;
                Err(CallError::Unknown("it is not answered at all yet".to_owned()).into())
            }
            Err(CallError::Refused { code, .. }) if is_over(code) => {
                warn!(run = %request.id.run(), code, "an interaction cannot be answered any more; answering by a message");
                let foot = Foot { asker: Some(request.actor.user.clone()), ..outbound::foot(request, ended) };
                self.by_message(talk, request, ended, &render::reply(&ended.reply, &foot)).await
            }
            done => Ok(done?),
        }
    }

    #[expect(clippy::too_many_arguments, reason = "what is said, to whom, and how far it is")]
    async fn keep_promise(
        &mut self,
        talk: &Talk,
        request: &Request,
        token: &AnswerAddress,
        ended: &Ended,
        rendered: &Rendered,
        promised: bool,
        mut said: usize,
    ) -> Result<(), CallError> {
        let ephemeral = outbound::is_ephemeral(ended.reply.visibility, &request.place);
        let (web, good) = (self.post.web.clone(), self.post.good.clone());
        let long = ended.took.as_secs() >= LONG && !promised;
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
            if index == 0 && edits {
                match web.edit_original(token, message, files, Some(&good)).await {
                    // Somebody has taken it away meanwhile.
                    Err(CallError::Refused { code: 10_008, .. }) => {
                        web.follow_up(token, message, files, ephemeral, &good).await?;
                    }
                    done => drop(done?),
                }
            } else {
                web.follow_up(token, message, files, ephemeral, &good).await?;
            }
            said = index + 1;
            let first = First::Deferred { ephemeral: promised, said };
            self.first = Some(first);
            if said < last || !edits {
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
        let since = Timestamp::now().duration_since(request.received_at).unsigned_abs();
        let deadline = Instant::now() + SETTLED.saturating_sub(since);
        self.first = match self.answered.ask(request.id, deadline).await {
            Some(first) => Some(first),
            None => {
                let found = self.post.original(token).await?;
                found.map(|ephemeral| First::Deferred { ephemeral, said: 0 })
            }
        };
        Ok(self.first)
    }
}
