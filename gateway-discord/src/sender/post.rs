//! Posting, editing and looking up messages. Every post has a nonce of its own, so that the same again within some minutes is the
//! same message; after that what was posted is found by the run id below it.

use std::sync::Arc;

use adjutant_bus::{id::RunId, lease::Good, place::AnswerAddress};
use jiff::{SignedDuration, Timestamp};
use moka::future::Cache;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use crate::{
    inbound::Us,
    render::{self, File, Message},
    snowflake::Snowflake,
    web::{CallError, Web},
};

/// How much earlier than a request its answers are looked for: clocks differ.
const EARLIER: SignedDuration = SignedDuration::from_secs(10);
/// Longest nonce, in characters.
const NONCE: usize = 24;
/// Channels of direct messages remembered.
const DIRECTS: u64 = 10_000;

/// Where a message goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Where {
    /// The channel or thread.
    pub(super) channel: Snowflake,
    /// The message that it replies to.
    pub(super) reply_to: Option<Snowflake>,
}

/// Discord as a place to post to.
pub(super) struct Post {
    pub(super) web: Arc<Web>,
    us: Us,
    /// Whether it is still for us to send.
    pub(super) good: Good,
    directs: Cache<Snowflake, Snowflake>,
}

impl Post {
    pub(super) fn new(web: Arc<Web>, us: Us, good: Good) -> Self {
        Self { web, us, good, directs: Cache::new(DIRECTS) }
    }

    /// Posts a message. `key` and `part` name it: the same again is the same message.
    pub(super) async fn message(
        &self,
        at: Where,
        message: &Message,
        files: &[File],
        key: &str,
        part: &str,
    ) -> Result<Snowflake, CallError> {
        let mut body: Map<String, Value> = message.body.clone();
        body.insert("nonce".to_owned(), nonce(key, part).into());
        body.insert("enforce_nonce".to_owned(), true.into());
        if let Some(message) = at.reply_to {
            let reference = json!({ "message_id": message.to_string(), "fail_if_not_exists": false });
            body.insert("message_reference".to_owned(), reference);
        }
        self.web.post(at.channel, body, files, &self.good).await
    }

    /// Replaces what a message says.
    pub(super) async fn update(
        &self,
        channel: Snowflake,
        id: Snowflake,
        message: &Message,
        files: &[File],
    ) -> Result<(), CallError> {
        self.web.edit(channel, id, message.body.clone(), files, &self.good).await
    }

    /// Whether the end of a run's answer stands in a channel already: a message of ours below which its id stands.
    pub(super) async fn has_answer(
        &self,
        channel: Snowflake,
        run: RunId,
        since: Timestamp,
    ) -> Result<bool, CallError> {
        let found = self.web.messages(channel, Snowflake::at(since - EARLIER)).await?;
        let ours = self.us.bot.to_string();
        Ok(found.iter().any(|message| {
            let by_us = message.pointer("/author/id").and_then(Value::as_str) == Some(ours.as_str());
            let embeds =
                message.get("embeds").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
            let feet =
                embeds.iter().filter_map(|embed| embed.pointer("/footer/text").and_then(Value::as_str));
            by_us && feet.into_iter().any(|foot| render::is_below_answer(foot, run))
        }))
    }

    /// The conversation with one person.
    pub(super) async fn direct(&self, user: Snowflake) -> Result<Where, CallError> {
        let opened = self.directs.try_get_with(user, self.web.direct(user)).await;
        let channel = opened.map_err(|error: Arc<CallError>| CallError::clone(&error))?;
        Ok(Where { channel, reply_to: None })
    }

    /// The first answer to an interaction as it stands: whether only the asker sees it; none if there is none.
    pub(super) async fn original(&self, token: &AnswerAddress) -> Result<Option<bool>, CallError> {
        match self.web.original(token).await {
            Ok(message) => {
                let flags = message.get("flags").and_then(Value::as_u64).unwrap_or_default();
                Ok(Some(flags & crate::web::EPHEMERAL != 0))
            }
            Err(error) if error.code().is_some_and(is_gone) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// Codes by which Discord says that what is meant is not there (Discord: "JSON Error Codes"): an interaction, a webhook, its
/// token, or a message.
pub(super) const fn is_gone(code: u64) -> bool {
    matches!(code, 10_062 | 10_015 | 50_027 | 10_008)
}

/// Names a message; within 25 characters.
fn nonce(key: &str, part: &str) -> String {
    let mut hash = Sha256::new();
    hash.update((key.len() as u64).to_be_bytes());
    hash.update(key);
    hash.update(part);
    hash.finalize().iter().take(NONCE / 2).fold(String::new(), |id, byte| format!("{id}{byte:02x}"))
}
