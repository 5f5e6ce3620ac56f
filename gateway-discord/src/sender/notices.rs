//! Posting notices. Those about one matter change one message; what does not fit into it follows as replies to it, as does that the
//! matter is closed.

use std::sync::Arc;

use adjutant_bus::{actor::Platform, notice::Notice, ports::Bus};
use adjutant_gateway::{
    matter::{self, Held, Step},
    notices::{self, Undone},
};

use super::post::{Post, Where};
use crate::{
    render::{self, File, Message},
    snowflake::Snowflake,
    web::CallError,
};

/// Discord as a place for notices.
pub(super) struct Board {
    pub(super) bus: Bus,
    pub(super) post: Arc<Post>,
}

impl notices::Board for Board {
    fn serves(&self, _tenant: &str) -> bool {
        true
    }

    async fn tell(&self, _tenant: &str, notice: &Notice, _again: bool) -> Result<(), Undone> {
        let channel = notice.to.thread.as_deref().unwrap_or(&notice.to.channel);
        let Some(channel) = Snowflake::parse(channel) else {
            return Err(Undone { is_final: true, why: format!("`{channel}` is no id of a channel") });
        };
        let at = Where { channel, reply_to: None };
        let Some(about) = &notice.matter else {
            let rendered = render::notice(&notice.reply, &notice.from);
            self.all(at, notice, "result", &rendered.messages, &rendered.files).await.map_err(undone)?;
            return Ok(());
        };
        let (held, step) = matter::look_up(&self.bus, Platform::Discord, notice, about).await?;
        let Step::Show(open) = step else { return Ok(()) };
        let open = open.as_deref().and_then(Snowflake::parse);
        let id = self.matter(at, notice, open, &held).await.map_err(undone)?;
        Ok(held.remember(&self.bus, id.to_string()).await?)
    }
}

fn undone(error: CallError) -> Undone {
    Undone { is_final: error.code().is_some(), why: error.to_string() }
}

impl Board {
    /// Shows a matter, and returns the message that shows it now.
    async fn matter(
        &self,
        at: Where,
        notice: &Notice,
        open: Option<Snowflake>,
        held: &Held,
    ) -> Result<Snowflake, CallError> {
        let rendered = render::notice(&notice.reply, &notice.from);
        let (first, rest) = rendered.messages.split_at(1.min(rendered.messages.len()));
        let edited = match (open, first.first()) {
            (Some(open), Some(message)) => self.edit(at, open, message).await?,
            _ => false,
        };
        let id = match open.filter(|_| edited) {
            Some(open) => open,
            None => self.all(at, notice, "result", first, &[]).await?.unwrap_or(Snowflake(0)),
        };
        let below = Where { reply_to: Some(id), ..at };
        if edited && held.resolves {
            self.all(below, notice, "closed", &rendered.messages, &rendered.files).await?;
        } else if !rest.is_empty() || !rendered.files.is_empty() {
            let told = [render::plain("More of the message above:")];
            let rest = if rest.is_empty() { &told } else { rest };
            self.all(below, notice, "more", rest, &rendered.files).await?;
        }
        Ok(id)
    }

    /// Edits the message; says whether it is still there to be edited.
    async fn edit(&self, at: Where, id: Snowflake, message: &Message) -> Result<bool, CallError> {
        match self.post.update(at.channel, id, message, &[]).await {
            Ok(()) => Ok(true),
            Err(CallError::Refused { code: 10_008 | 50_005, .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Posts messages, and returns the id of the first. Their nonces keep them from being posted twice.
    async fn all(
        &self,
        at: Where,
        notice: &Notice,
        part: &str,
        messages: &[Message],
        files: &[File],
    ) -> Result<Option<Snowflake>, CallError> {
        let (key, mut first) = (format!("notice:{}", notice.id), None);
        for (index, message) in messages.iter().enumerate() {
            let files = if index + 1 == messages.len() { files } else { &[] };
            let id = self.post.message(at, message, files, &key, &format!("{part}/{}", index + 1)).await?;
            first = first.or(Some(id));
        }
        Ok(first)
    }
}
