//! The answer by messages: where the command was asked, or, if it is for the asker only, in the direct conversation.

use adjutant_bus::request::Request;
use adjutant_gateway::{Ended, Failed, Talk};
use tracing::warn;

use super::{Conversation, answer::is_about_the_place, place};
use crate::{
    outbound,
    render::{self, Rendered},
    sender::post::Where,
    snowflake::Snowflake,
    web::CallError,
};

impl Conversation {
    pub(super) async fn by_message(
        &mut self,
        talk: &mut Talk,
        request: &Request,
        ended: &Ended,
        rendered: &Rendered,
    ) -> Result<(), Failed> {
        let private = outbound::is_ephemeral(ended.reply.visibility, &request.place);
        match place(request).filter(|_| !private) {
            Some(at) => match self.openly(talk, request, at, ended, rendered).await {
                Err(CallError::Refused { code, .. }) if is_about_the_place(code) => {
                    warn!(run = %request.id.run(), code, "the place of a command cannot be posted to; answering directly");
                    Ok(self.directly(talk, request, rendered).await?)
                }
                done => Ok(done?),
            },
            None => Ok(self.privately(talk, request, rendered).await?),
        }
    }

    /// For everybody in the place.
    async fn openly(
        &mut self,
        talk: &mut Talk,
        request: &Request,
        at: Where,
        ended: &Ended,
        rendered: &Rendered,
    ) -> Result<(), CallError> {
        let run = request.id.run();
        if talk.doubt && self.post.has_answer(at.channel, run, request.received_at).await? {
            return Ok(());
        }
        let long = ended.is_long();
        if talk.doubt && self.shown.is_none() && !talk.fold.line.is_empty() {
            // With the same nonce this is the message that another replica posted, if it did.
            let told = render::working(&talk.fold.line, None, run);
            let id = self.post.message(at, &told, &[], &request.id.to_string(), "progress").await?;
            self.shown = Some(Some(id));
        }
        let shown = self.shown.flatten();
        self.all(request, at, rendered, shown.filter(|_| !long), "result").await?;
        if let Some(id) = shown.filter(|_| long) {
            let told = render::finished(&talk.fold.line, ended.outcome, run);
            if let Err(error) = self.post.update(at.channel, id, &told, &[]).await {
                warn!(%error, "a message that showed progress could not be brought to its end");
            }
        }
        Ok(())
    }

    /// For the asker only: in the direct conversation. Where it was asked, only that.
    async fn privately(
        &mut self,
        talk: &mut Talk,
        request: &Request,
        rendered: &Rendered,
    ) -> Result<(), CallError> {
        let told = match self.directly(talk, request, rendered).await {
            Ok(()) => "Answered in a direct message.",
            Err(CallError::Refused { code, .. }) if is_about_the_place(code) => {
                "The answer is for you only, and you take no direct messages from this server. Ask with a slash command: its answer is seen only by you."
            }
            Err(error) => return Err(error),
        };
        // Who asked by an interaction was told by Discord itself that nothing answered.
        let Some(at) = place(request).filter(|at| at.reply_to.is_some()) else { return Ok(()) };
        let key = request.id.to_string();
        match self.post.message(at, &render::plain(told), &[], &key, "elsewhere").await {
            Err(CallError::Refused { code, .. }) if is_about_the_place(code) => Ok(()),
            done => done.map(drop),
        }
    }

    async fn directly(
        &mut self,
        talk: &mut Talk,
        request: &Request,
        rendered: &Rendered,
    ) -> Result<(), CallError> {
        let user = Snowflake::parse(&request.actor.user).unwrap_or(Snowflake(0));
        let at = self.post.direct(user).await?;
        if talk.doubt && self.post.has_answer(at.channel, request.id.run(), request.received_at).await? {
            return Ok(());
        }
        self.all(request, at, rendered, None, "direct").await
    }

    /// All messages of an answer; the first in place of the one that showed progress.
    async fn all(
        &self,
        request: &Request,
        at: Where,
        rendered: &Rendered,
        shown: Option<Snowflake>,
        what: &str,
    ) -> Result<(), CallError> {
        let (key, last) = (request.id.to_string(), rendered.messages.len());
        for (index, message) in rendered.messages.iter().enumerate() {
            let files = if index + 1 == last { rendered.files.as_slice() } else { &[] };
            let at = if index == 0 { at } else { Where { reply_to: None, ..at } };
            if let (0, Some(id)) = (index, shown) {
                match self.post.update(at.channel, id, message, files).await {
                    // Somebody has taken it away.
                    Err(CallError::Refused { code: 10_008, .. }) => {}
                    done => {
                        done?;
                        continue;
                    }
                }
            }
            self.post.message(at, message, files, &key, &format!("{what}/{}", index + 1)).await?;
        }
        Ok(())
    }
}
