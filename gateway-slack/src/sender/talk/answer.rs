//! Delivering the answer of a conversation: by another way where the first is closed, and
//! never a part of it twice.

use adjutant_bus::{reply::Reply, request::Request, spec::Visibility};
use adjutant_gateway::{Ended, Failed, Foot, Talk};
use jiff::Timestamp;
use tracing::{error, warn};

use super::Conversation;
use crate::{
    accept::HOME,
    render::{self, File, Message, Rendered},
    sender::post::Where,
    web::CallError,
};

/// An answer address is good for 30 minutes (Slack: "Handling user interaction").
const ADDRESS: i64 = 29 * 60;

impl From<CallError> for Failed {
    fn from(error: CallError) -> Self {
        match error {
            CallError::Limited(rest) => Self::Wait(rest),
            CallError::Unknown(why) => Self::Uncertain(why),
            CallError::Refused { ref code, .. } if is_about_the_form(code) => Self::Form(error.to_string()),
            CallError::Refused { .. } => Self::Final(error.to_string()),
        }
    }
}

impl Conversation {
    /// The answer, as far as it is not there yet.
    pub(super) async fn answer_once(
        &mut self,
        talk: &mut Talk,
        ended: &Ended,
        plainly: bool,
    ) -> Result<(), Failed> {
        let request = talk.request().await.map_err(Failed::Bus)?;
        let rendered = rendered(talk, &request, ended, plainly);
        if request.place.channel == HOME {
            let blocks = rendered.messages.into_iter().flat_map(|message| message.blocks).take(100).collect();
            return Ok(self.post.home(&request.actor.user, blocks).await?);
        }
        let at = self.place(&request).await?;
        let private = ended.reply.visibility == Visibility::Private && !request.place.private;
        if private {
            self.privately(talk, &request, &at, &rendered).await
        } else {
            self.openly(talk, &request, &at, ended, &rendered).await
        }
    }

    /// For everybody in the place, found again by its metadata.
    async fn openly(
        &mut self,
        talk: &mut Talk,
        request: &Request,
        at: &Where,
        ended: &Ended,
        rendered: &Rendered,
    ) -> Result<(), Failed> {
        self.look_up(talk, at, request).await?;
        let key = talk.key.request.to_string();
        let last = format!("result/{}", rendered.messages.len());
        if self.posted.contains_key(&last) {
            return Ok(());
        }
        let shown = self.shown().cloned();
        let long = ended.is_long();
        for (index, message) in rendered.messages.iter().enumerate() {
            let part = format!("result/{}", index + 1);
            if self.posted.contains_key(&part) {
                continue;
            }
            if part == last {
                self.files(at, rendered, &key).await;
            }
            if let (0, Some(ts), false) = (index, &shown, long) {
                match self.post.update(&at.channel, ts, message, &key, &part).await {
                    Ok(()) => {
                        self.posted.insert(part, ts.clone());
                        continue;
                    }
                    Err(CallError::Refused { code, .. }) if !is_about_the_form(&code) => {}
                    Err(error) => return Err(error.into()),
                }
            }
            self.post.pace.message(&at.channel).await;
            match self.post.message(at, message, &key, &part).await {
                Ok(ts) => {
                    self.posted.insert(part, ts);
                }
                Err(CallError::Refused { code, .. }) if is_about_the_place(&code) => {
                    return self.elsewhere(talk, request, at, message, &code, "in_channel").await;
                }
                Err(error) => return Err(error.into()),
            }
        }
        if let (Some(ts), true) = (shown, long && self.post.pace.edit()) {
            let message = render::finished(&talk.fold.line, ended.outcome, talk.key.request.run());
            if let Err(error) = self.post.update(&at.channel, &ts, &message, &key, "progress").await {
                warn!(%error, "a message that showed progress could not be brought to its end");
            }
        }
        Ok(())
    }

    /// For the asker only. Slack keeps no record of such messages, so what is uncertain is said again.
    async fn privately(
        &mut self,
        talk: &Talk,
        request: &Request,
        at: &Where,
        rendered: &Rendered,
    ) -> Result<(), Failed> {
        for (index, message) in rendered.messages.iter().enumerate() {
            let part = format!("private/{}", index + 1);
            if self.posted.contains_key(&part) {
                continue;
            }
            match self.post.ephemeral(at, &request.actor.user, message, address(request)).await {
                Ok(()) => {
                    self.posted.insert(part, String::new());
                }
                Err(CallError::Refused { code, .. }) if is_about_the_place(&code) => {
                    self.elsewhere(talk, request, at, message, &code, "ephemeral").await?;
                    self.posted.insert(part, String::new());
                }
                Err(error) => return Err(error.into()),
            }
        }
        if !rendered.files.is_empty() {
            // Files cannot be ephemeral.
            let direct = self.post.direct(&request.actor.user).await?;
            self.files(&direct, rendered, &talk.key.request.to_string()).await;
        }
        Ok(())
    }

    /// Where the place itself cannot be posted to: by the answer address, else in a direct message.
    async fn elsewhere(
        &self,
        talk: &Talk,
        request: &Request,
        at: &Where,
        message: &Message,
        code: &str,
        kind: &str,
    ) -> Result<(), Failed> {
        if let Some(answer) = address(request)
            && self.post.respond(at, message, answer, kind).await.is_ok()
        {
            return Ok(());
        }
        let run = talk.key.request.run();
        warn!(%run, code, channel = at.channel, "the place of a command cannot be posted to; answering in a direct message");
        let direct = self.post.direct(&request.actor.user).await?;
        self.post.pace.message(&direct.channel).await;
        self.post.message(&direct, message, &talk.key.request.to_string(), "direct").await?;
        Ok(())
    }

    async fn files(&self, at: &Where, rendered: &Rendered, key: &str) {
        for file in &rendered.files {
            if let Err(error) = self.post.file(at, file).await {
                error!(%error, key, file = file.name, "a file of an answer could not be uploaded; the journal has it");
            }
        }
    }
}

fn rendered(talk: &Talk, request: &Request, ended: &Ended, plainly: bool) -> Rendered {
    // A slash command leaves no trace in the channel: others could not know what is answered.
    let bare = request.place.answer.is_some() && request.place.thread.is_none() && !request.place.private;
    let public = ended.reply.visibility == Visibility::Public;
    let foot = Foot {
        run: talk.key.request.run(),
        outcome: ended.outcome,
        took: ended.took,
        asker: (bare && public).then(|| request.actor.user.clone()),
    };
    if plainly { in_a_file(&ended.reply, &foot) } else { render::reply(&ended.reply, &foot) }
}

/// Seconds since the request was received.
fn age(request: &Request) -> i64 {
    Timestamp::now().duration_since(request.received_at).as_secs()
}

fn address(request: &Request) -> Option<&adjutant_bus::place::AnswerAddress> {
    request.place.answer.as_ref().filter(|_| age(request) < ADDRESS)
}

fn is_about_the_form(code: &str) -> bool {
    matches!(
        code,
        "invalid_blocks"
            | "invalid_blocks_format"
            | "msg_too_long"
            | "msg_blocks_too_long"
            | "no_text"
            | "invalid_arguments"
    )
}

fn is_about_the_place(code: &str) -> bool {
    matches!(
        code,
        "channel_not_found"
            | "not_in_channel"
            | "user_not_in_channel"
            | "is_archived"
            | "restricted_action"
            | "restricted_action_thread_locked"
            | "thread_not_found"
            | "messages_tab_disabled"
    )
}

/// The whole answer as a file, for the case that Slack does not take it as messages.
fn in_a_file(reply: &Reply, foot: &Foot) -> Rendered {
    let mut rendered = render::reply(&Reply::new(reply.tone, "The answer is in the file."), foot);
    rendered.files.push(File { name: "answer.txt".to_owned(), content: render::as_text(reply) });
    rendered
}
