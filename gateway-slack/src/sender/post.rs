//! The calls that post, edit and look up. Every body says how it is to be read: no names are linked, no links unfurled, nothing
//! is parsed that was not marked (`chat.update` forgets that unless told each time).

use std::{collections::HashMap, sync::Arc};

use adjutant_bus::{lease::Good, place::AnswerAddress};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::pace::Pace;
use crate::{
    render::{File, Message},
    web::{CallError, PATIENT},
    workspace::Workspace,
};

/// `event_type` of our metadata.
const METADATA: &str = "adjutant_run";
/// Pages of a conversation that are looked through for what was posted.
const PAGES: usize = 5;
/// How much earlier than a request its answers are looked for: clocks differ.
const EARLIER: SignedDuration = SignedDuration::from_secs(10);

/// A conversation, and the thread in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Where {
    pub(super) channel: String,
    pub(super) thread: Option<String>,
}

/// What was posted for a request: `ts` by part.
pub(super) type Posted = HashMap<String, String>;

/// The workspaces by team.
pub(super) type Posts = HashMap<String, Arc<Post>>;

/// One workspace to post to.
pub(super) struct Post {
    pub(super) workspace: Arc<Workspace>,
    pub(super) pace: Pace,
    /// Whether it is still for us to send.
    pub(super) good: Good,
}

impl Post {
    async fn call(&self, method: &'static str, body: &Value) -> Result<Value, CallError> {
        let _room = self.pace.call().await;
        self.may_send()?;
        self.workspace.web.post(method, body, PATIENT).await
    }

    fn may_send(&self) -> Result<(), CallError> {
        let lost = || CallError::Unknown("another replica sends by now".to_owned());
        if self.good.is_good() { Ok(()) } else { Err(lost()) }
    }

    /// Posts a message. `key` and `part` are found again by [`Post::find`].
    pub(super) async fn message(
        &self,
        at: &Where,
        message: &Message,
        key: &str,
        part: &str,
    ) -> Result<String, CallError> {
        let mut body = body(message, key, part);
        put(&mut body, "channel", at.channel.clone());
        put(&mut body, "unfurl_links", false);
        put(&mut body, "unfurl_media", false);
        if let Some(thread) = &at.thread {
            put(&mut body, "thread_ts", thread.clone());
        }
        let answer = self.call("chat.postMessage", &body).await?;
        // Once it says `ok` it was posted, whatever else it says.
        Ok(match answer.get("ts") {
            Some(Value::String(ts)) => ts.clone(),
            Some(other) => other.to_string(),
            None => String::new(),
        })
    }

    /// Replaces what a message says.
    pub(super) async fn update(
        &self,
        channel: &str,
        ts: &str,
        message: &Message,
        key: &str,
        part: &str,
    ) -> Result<(), CallError> {
        let mut body = body(message, key, part);
        put(&mut body, "channel", channel);
        put(&mut body, "ts", ts);
        self.call("chat.update", &body).await.map(|_| ())
    }

    /// Posts what only one person sees, by the answer address if there is one.
    pub(super) async fn ephemeral(
        &self,
        at: &Where,
        user: &str,
        message: &Message,
        answer: Option<&AnswerAddress>,
    ) -> Result<(), CallError> {
        if let Some(answer) = answer {
            match self.respond(at, message, answer, "ephemeral").await {
                Err(CallError::Refused { .. }) => {} // used up or expired
                other => return other,
            }
        }
        self.pace.ephemeral().await;
        let mut body = json!({
            "channel": at.channel, "user": user, "text": message.text, "parse": "none", "link_names": false,
        });
        if !message.blocks.is_empty() {
            put(&mut body, "blocks", message.blocks.clone());
        }
        if let Some(thread) = &at.thread {
            put(&mut body, "thread_ts", thread.clone());
        }
        self.call("chat.postEphemeral", &body).await.map(|_| ())
    }

    /// Posts by the answer address.
    pub(super) async fn respond(
        &self,
        at: &Where,
        message: &Message,
        answer: &AnswerAddress,
        kind: &str,
    ) -> Result<(), CallError> {
        let mut body = json!({ "response_type": kind, "replace_original": false, "text": message.text });
        if !message.blocks.is_empty() {
            put(&mut body, "blocks", message.blocks.clone());
        }
        if let Some(thread) = &at.thread {
            put(&mut body, "thread_ts", thread.clone());
        }
        let _room = self.pace.call().await;
        self.may_send()?;
        self.workspace.web.respond(answer.expose(), &body).await
    }

    /// What was posted for this key since then.
    pub(super) async fn find(&self, at: &Where, key: &str, since: Timestamp) -> Result<Posted, CallError> {
        let oldest = since.checked_sub(EARLIER).unwrap_or(since);
        let mut wanted = vec![
            ("channel", at.channel.clone()),
            ("include_all_metadata", "true".to_owned()),
            ("limit", "200".to_owned()),
            ("oldest", format!("{}.{:06}", oldest.as_second(), oldest.subsec_microsecond())),
        ];
        let method = if let Some(thread) = &at.thread {
            wanted.push(("ts", thread.clone()));
            "conversations.replies"
        } else {
            "conversations.history"
        };
        let mut posted = Posted::new();
        for _ in 0..PAGES {
            self.pace.lookup().await;
            let answer = self.workspace.web.get(method, &wanted, PATIENT).await?;
            let messages =
                answer.get("messages").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
            for message in messages {
                let payload = message.pointer("/metadata/event_payload").unwrap_or(&Value::Null);
                let text = |name: &str| payload.get(name).and_then(Value::as_str);
                let ours = message.pointer("/metadata/event_type").and_then(Value::as_str) == Some(METADATA);
                if let (true, Some(part), Some(ts)) = (
                    ours && text("key") == Some(key),
                    text("part"),
                    message.get("ts").and_then(Value::as_str),
                ) {
                    posted.insert(part.to_owned(), ts.to_owned());
                }
            }
            let next =
                answer.pointer("/response_metadata/next_cursor").and_then(Value::as_str).unwrap_or_default();
            if next.is_empty() {
                break;
            }
            wanted.retain(|(name, _)| *name != "cursor");
            wanted.push(("cursor", next.to_owned()));
        }
        Ok(posted)
    }

    /// The direct conversation with a user.
    pub(super) async fn direct(&self, user: &str) -> Result<Where, CallError> {
        let answer = self.call("conversations.open", &json!({ "users": user })).await?;
        let channel = answer.pointer("/channel/id").and_then(Value::as_str);
        channel
            .map(|id| Where { channel: id.to_owned(), thread: None })
            .ok_or_else(|| CallError::Refused { code: "no_direct_conversation".to_owned(), needed: None })
    }

    /// Uploads a file to a conversation (Slack: `files.getUploadURLExternal`, then `files.completeUploadExternal`).
    pub(super) async fn file(&self, at: &Where, file: &File) -> Result<(), CallError> {
        let wanted = [("filename", file.name.clone()), ("length", file.content.len().to_string())];
        let given = self.workspace.web.get("files.getUploadURLExternal", &wanted, PATIENT).await?;
        let text = |name: &str| given.get(name).and_then(Value::as_str).unwrap_or_default();
        self.workspace.web.upload(text("upload_url"), file.content.as_bytes()).await?;
        let mut body = json!({
            "files": [{ "id": text("file_id"), "title": file.name }],
            "channel_id": at.channel,
        });
        if let Some(thread) = &at.thread {
            put(&mut body, "thread_ts", thread.clone());
        }
        self.call("files.completeUploadExternal", &body).await.map(|_| ())
    }

    /// Shows the app's home tab to a user.
    pub(super) async fn home(&self, user: &str, blocks: Vec<Value>) -> Result<(), CallError> {
        let body = json!({ "user_id": user, "view": { "type": "home", "blocks": blocks } });
        self.call("views.publish", &body).await.map(|_| ())
    }
}

fn body(message: &Message, key: &str, part: &str) -> Value {
    let mut body = json!({
        "text": message.text,
        "parse": "none",
        "link_names": false,
        "metadata": { "event_type": METADATA, "event_payload": { "key": key, "part": part } },
    });
    if !message.blocks.is_empty() {
        put(&mut body, "blocks", message.blocks.clone());
    }
    body
}

fn put(body: &mut Value, name: &str, value: impl Into<Value>) {
    if let Some(body) = body.as_object_mut() {
        body.insert(name.to_owned(), value.into());
    }
}
