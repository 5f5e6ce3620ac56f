//! The answer to an interaction: its first answer is changed, more follows, and what only the asker may see never becomes public.

use std::time::Duration;

use adjutant_bus::{place::AnswerAddress, request::Request};
use adjutant_gateway::{Ended, Talk};
use tokio::time::Instant;
use tracing::warn;

use super::{Conversation, answer::Failed};
use crate::{
    answered::First,
    outbound,
    render::{self, Rendered},
    sender::post::is_gone,
    web::CallError,
};

/// A run of this length, in seconds, ends with a message of its own, because an edit notifies nobody.
const LONG: i64 = 60;
/// From when a request was received until it is certain how it was answered: the platform's three seconds, and some.
const SETTLED: Duration = Duration::from_millis(3_300);

impl Conversation {
    pub(super) async fn by_interaction(
        &mut self,
        talk: &mut Talk,
        request: &Request,
        token: &AnswerAddress,
        ended: &Ended,
        rendered: &Rendered,
    ) -> Result<(), Failed> {
        let (promised, mut said) = match self.first(request, token).await? {
            Some(First::Whole) => return Ok(()),
            Some(First::Deferred { ephemeral, said }) => (ephemeral, said),
            // Nobody answered in time: Discord has told the person so. The command has run, and its answer must be somewhere.
            None => return self.by_message(talk, request, ended, rendered).await,
        };
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
                self.answered.tell(request.id, first).await;
            }
        }
        Ok(())
    }

    /// How the interaction was answered at first; none if it was not.
    async fn first(&mut self, request: &Request, token: &AnswerAddress) -> Result<Option<First>, CallError> {
        if let Some(first) = self.first {
            return Ok(Some(first));
        }
        let since = jiff::Timestamp::now().duration_since(request.received_at).unsigned_abs();
        let deadline = Instant::now() + SETTLED.saturating_sub(since);
        self.first = match self.answered.ask(request.id, deadline).await {
            Some(first) => Some(first),
            None => {
                let found = self.post.original(token).await?;
                if found.is_none() {
                    warn!(run = %request.id.run(), "an interaction was not answered in time; answering by another way");
                }
                found.map(|ephemeral| First::Deferred { ephemeral, said: 0 })
            }
        };
        Ok(self.first)
    }
}
