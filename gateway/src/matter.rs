//! Notices about one matter: the first is posted, later ones edit its message in place. Where it was posted, and how it stands, is
//! remembered in the store, so that every replica knows.

use adjutant_bus::{
    actor::Platform,
    announcement::{Matter, NoticeAction},
    notice::Notice,
    ports::{Bucket, Bus, BusError, Expect, StoreError},
    subject::Token,
    wire::{self, Version},
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tracing::warn;

/// Where a matter was posted, and how it stands.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Standing {
    v: Version,
    /// The message.
    message: String,
    /// The newest notice that it shows, and when that was sent.
    notice: String,
    sent_at: Timestamp,
    /// A closed matter is not edited again; that it was closed is remembered, so that an older notice that comes late does not
    /// open it anew.
    closed: bool,
}

/// What is to be done with a notice about a matter.
#[derive(Debug)]
pub enum Step {
    /// Nothing: it has been shown, or a later one has.
    Nothing,
    /// Post it; if a message is there for it (`Some`: its id), edit that one instead.
    Show(Option<String>),
}

/// A matter between looking it up and writing down what became of it.
#[derive(Debug)]
pub struct Held {
    key: String,
    notice: String,
    sent_at: Timestamp,
    /// Whether this notice closes it.
    pub resolves: bool,
}

/// What this notice does to its matter.
///
/// # Errors
/// The store cannot be read.
pub async fn look_up(
    bus: &Bus,
    platform: Platform,
    notice: &Notice,
    matter: &Matter,
) -> Result<(Held, Step), BusError> {
    let key = key(platform, notice, matter);
    let known = load(bus, &key).await?;
    let resolves = matter.action == NoticeAction::Resolve;
    let held = Held { key, notice: notice.id.clone(), sent_at: notice.sent_at, resolves };
    if known.as_ref().is_some_and(|known| {
        known.notice == notice.id || notice.sent_at < known.sent_at || known.closed && resolves
    }) {
        return Ok((held, Step::Nothing));
    }
    Ok((held, Step::Show(known.filter(|known| !known.closed).map(|known| known.message))))
}

impl Held {
    /// Remembers the message that shows the matter now.
    ///
    /// # Errors
    /// The store cannot be written.
    pub async fn remember(self, bus: &Bus, message: String) -> Result<(), BusError> {
        let Self { key, notice, sent_at, resolves } = self;
        let standing = Standing { v: Version, message, notice, sent_at, closed: resolves };
        let value = wire::encode("matter", &standing)?;
        match bus.store.put(Bucket::Notices, &key, value, Expect::Anything).await {
            Ok(_) => Ok(()),
            Err(StoreError::Bus(error)) => Err(error),
            Err(conflict @ StoreError::Conflict) => Err(BusError::Unavailable(conflict.to_string())),
        }
    }
}

/// `slack.<team>.<channel>.<matter>`.
fn key(platform: Platform, notice: &Notice, matter: &Matter) -> String {
    let (tenant, channel) = (Token::escape(notice.to.tenant.as_str()), Token::escape(&notice.to.channel));
    format!("{platform}.{tenant}.{channel}.{}", matter.digest(&notice.from))
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
