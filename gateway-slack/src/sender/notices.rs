//! Posting notices. Those about one matter change one message; what does not fit into it follows in its thread, as does that the
//! matter is closed.

use std::sync::Arc;

use adjutant_bus::{actor::Platform, notice::Notice, ports::Bus};
use adjutant_gateway::{
    matter::{self, Held, Step},
    notices::{self, Undone},
};
use jiff::Timestamp;
use tracing::warn;

use super::post::{Post, Posted, Posts, Where};
use crate::{
    render::{self, File, Message},
    web::CallError,
};

/// Answers by which Slack says that a message cannot be edited any more (Slack: `chat.update`, "Errors").
const GONE: [&str; 3] = ["message_not_found", "cant_update_message", "edit_window_closed"];

/// The workspaces as a place for notices.
pub(super) struct Board {
    pub(super) bus: Bus,
    pub(super) posts: Arc<Posts>,
}

impl notices::Board for Board {
    fn serves(&self, tenant: &str) -> bool {
        self.posts.contains_key(tenant)
    }

    async fn tell(&self, tenant: &str, notice: &Notice, again: bool) -> Result<(), Undone> {
        let Some(post) = self.posts.get(tenant) else {
            return Err(Undone { is_final: true, why: "the workspace is not configured".to_owned() });
        };
        let at = Where { channel: notice.to.channel.clone(), thread: notice.to.thread.clone() };
        let said = Said { post, key: format!("notice:{}", notice.id), since: notice.sent_at, again };
        let Some(about) = &notice.matter else {
            let rendered = render::notice(&notice.reply, &notice.from);
            said.all(&at, "result", &rendered.messages).await.map_err(undone)?;
            said.files(&at, &rendered.files).await;
            return Ok(());
        };
        let (held, step) = matter::look_up(&self.bus, Platform::Slack, notice, about).await?;
        let Step::Show(open) = step else { return Ok(()) };
        let ts = said.matter(at, notice, open, &held).await.map_err(undone)?;
        Ok(held.remember(&self.bus, ts).await?)
    }
}

fn undone(error: CallError) -> Undone {
    Undone { is_final: error.code().is_some(), why: error.to_string() }
}

/// What one notice says, once, though it comes again.
struct Said<'a> {
    post: &'a Post,
    /// By which it is found again.
    key: String,
    since: Timestamp,
    /// Whether it may have been posted before.
    again: bool,
}

impl Said<'_> {
    /// Shows a matter, and returns the `ts` of the message that shows it now.
    async fn matter(
        &self,
        at: Where,
        notice: &Notice,
        open: Option<String>,
        held: &Held,
    ) -> Result<String, CallError> {
        let rendered = render::notice(&notice.reply, &notice.from);
        let (first, rest) = rendered.messages.split_at(1.min(rendered.messages.len()));
        let edited = match (&open, first.first()) {
            (Some(open), Some(message)) => self.edit(&at, open, message).await?,
            _ => false,
        };
        let ts = match open.filter(|_| edited) {
            Some(open) => open,
            None => self.all(&at, "result", first).await?.into_iter().next().unwrap_or_default(),
        };
        let thread = Where { thread: Some(at.thread.clone().unwrap_or_else(|| ts.clone())), ..at };
        if edited && held.resolves {
            self.all(&thread, "closed", &rendered.messages).await?;
        } else {
            self.all(&thread, "more", rest).await?;
        }
        self.files(&thread, &rendered.files).await;
        Ok(ts)
    }

    /// Edits the message; says whether it is still there to be edited.
    async fn edit(&self, at: &Where, ts: &str, message: &Message) -> Result<bool, CallError> {
        self.post.pace.turn_to_edit().await;
        match self.post.update(&at.channel, ts, message, &self.key, "result/1").await {
            Ok(()) => Ok(true),
            Err(CallError::Refused { code, .. }) if GONE.contains(&code.as_str()) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Posts the messages that are not there yet, and returns the `ts` of all.
    async fn all(&self, at: &Where, part: &str, messages: &[Message]) -> Result<Vec<String>, CallError> {
        if messages.is_empty() {
            return Ok(Vec::new());
        }
        let posted =
            if self.again { self.post.find(at, &self.key, self.since).await? } else { Posted::new() };
        let mut all = Vec::new();
        for (index, message) in messages.iter().enumerate() {
            let part = format!("{part}/{}", index + 1);
            let ts = match posted.get(&part) {
                Some(ts) => ts.clone(),
                None => {
                    self.post.pace.message(&at.channel).await;
                    self.post.message(at, message, &self.key, &part).await?
                }
            };
            all.push(ts);
        }
        Ok(all)
    }

    /// Uploads files; without them a notice is still worth reading.
    async fn files(&self, at: &Where, files: &[File]) {
        for file in files {
            if let Err(error) = self.post.file(at, file).await {
                warn!(%error, key = self.key, "a file of a notice could not be uploaded");
            }
        }
    }
}
