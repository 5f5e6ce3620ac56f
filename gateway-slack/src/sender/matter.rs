//! Notices about one matter: the first is posted, later ones edit its message in place, the one that closes the matter says so in
//! its thread too. Where it was posted is remembered in the store.

use adjutant_bus::{
    announcement::{Matter, NoticeAction},
    notice::Notice,
    ports::{Bucket, Bus, BusError, Expect, StoreError},
    subject::Token,
    wire::{self, Version},
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tracing::warn;

use super::{
    notices::{Said, Undone},
    post::Where,
};
use crate::{
    render::{self, Message},
    web::CallError,
};

/// Answers by which Slack says that a message cannot be edited any more (Slack: `chat.update`, "Errors").
const GONE: [&str; 3] = ["message_not_found", "cant_update_message", "edit_window_closed"];

/// Where a matter was posted, and how it stands.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Standing {
    v: Version,
    /// The message.
    ts: String,
    /// The newest notice that it shows, and when that was sent.
    notice: String,
    sent_at: Timestamp,
    /// A closed matter is not edited again; that it was closed is remembered, so that an older notice that comes late does not
    /// open it anew.
    closed: bool,
}

/// Says what a notice does to its matter.
pub(super) async fn tell(
    bus: &Bus,
    said: &Said<'_>,
    at: Where,
    notice: &Notice,
    matter: &Matter,
) -> Result<(), Undone> {
    let key = key(notice, matter);
    let known = load(bus, &key).await?;
    let resolve = matter.action == NoticeAction::Resolve;
    if known.as_ref().is_some_and(|known| {
        known.notice == notice.id || notice.sent_at < known.sent_at || known.closed && resolve
    }) {
        return Ok(());
    }
    let rendered = render::notice(&notice.reply, &notice.from);
    let (first, rest) = rendered.messages.split_at(1.min(rendered.messages.len()));
    let open = known.filter(|known| !known.closed);
    let edited = match (&open, first.first()) {
        (Some(open), Some(message)) => edit(said, &at, &open.ts, message).await?,
        _ => false,
    };
    let ts = match open.filter(|_| edited) {
        Some(open) => open.ts,
        None => said.all(&at, "result", first).await?.into_iter().next().unwrap_or_default(),
    };
    // What does not fit into one message follows in its thread, as does that the matter is closed.
    let thread = Where { thread: Some(at.thread.clone().unwrap_or_else(|| ts.clone())), ..at };
    if edited && resolve {
        said.all(&thread, "closed", &rendered.messages).await?;
    } else {
        said.all(&thread, "more", rest).await?;
    }
    said.files(&thread, &rendered.files).await;
    let standing =
        Standing { v: Version, ts, notice: notice.id.clone(), sent_at: notice.sent_at, closed: resolve };
    Ok(store(bus, &key, &standing).await?)
}

/// Edits the message; says whether it is still there to be edited.
async fn edit(said: &Said<'_>, at: &Where, ts: &str, message: &Message) -> Result<bool, CallError> {
    said.post.pace.turn_to_edit().await;
    match said.post.update(&at.channel, ts, message, &said.key, "result/1").await {
        Ok(()) => Ok(true),
        Err(CallError::Refused { code, .. }) if GONE.contains(&code.as_str()) => Ok(false),
        Err(error) => Err(error),
    }
}

/// `slack.<team>.<channel>.<matter>`.
fn key(notice: &Notice, matter: &Matter) -> String {
    let (tenant, channel) = (Token::escape(notice.to.tenant.as_str()), Token::escape(&notice.to.channel));
    format!("slack.{tenant}.{channel}.{}", matter.digest(&notice.from))
}

async fn load(bus: &Bus, key: &str) -> Result<Option<Standing>, BusError> {
    let Some(entry) = bus.store.get(Bucket::Notices, key).await? else { return Ok(None) };
    match wire::decode("matter", &entry.value) {
        Ok(standing) => Ok(Some(standing)),
        Err(error) => {
            warn!(%error, key, "where a matter was posted cannot be read; it is posted anew");
            Ok(None)
        }
    }
}

async fn store(bus: &Bus, key: &str, standing: &Standing) -> Result<(), BusError> {
    let value = wire::encode("matter", standing)?;
    match bus.store.put(Bucket::Notices, key, value, Expect::Anything).await {
        Ok(_) => Ok(()),
        Err(StoreError::Bus(error)) => Err(error),
        Err(conflict @ StoreError::Conflict) => Err(BusError::Unavailable(conflict.to_string())),
    }
}
