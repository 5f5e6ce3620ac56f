//! How notices look over HTTP, and what of it is accepted.

use adjutant_bus::{
    announcement::{Link, Matter, Message, NoticeAction, Severity},
    reply::Field,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    notices::{Delivery, Row, Sent},
    problem::Problem,
    routes::destinations::Channel,
};

const LONGEST_TEXT: usize = 4000;
const LONGEST_TITLE: usize = 150;
const LONGEST_KEY: usize = 255;
const MOST_FIELDS: usize = 25;
const LONGEST_LABEL: usize = 80;
const LONGEST_VALUE: usize = 1000;
const MOST_LINKS: usize = 10;
const LONGEST_URL: usize = 2000;

/// How much it matters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = Severity)]
enum Weight {
    #[default]
    Info,
    Success,
    Warning,
    Error,
    Critical,
}

/// What it does to the message that was posted earlier under the same key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = NoticeAction)]
enum Deed {
    /// Posts, or edits the message in place while the matter is open.
    #[default]
    Trigger,
    /// Edits the message in place.
    Update,
    /// Somebody looks after it.
    Acknowledge,
    /// Closes the matter.
    Resolve,
}

/// A labelled value.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NoticeField)]
struct Labelled {
    /// Short label.
    #[schema(min_length = 1, max_length = 80)]
    label: String,
    /// Plain text.
    #[schema(min_length = 1, max_length = 1000)]
    value: String,
}

/// A link with what it says.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NoticeLink)]
struct Linked {
    /// What it says.
    #[schema(min_length = 1, max_length = 80)]
    label: String,
    /// Where it leads.
    #[schema(max_length = 2000, pattern = "^https?://[!-~]+$")]
    url: String,
}

/// What is to be said.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewNotice)]
pub(super) struct New {
    /// Plain text that says it all by itself.
    #[schema(min_length = 1, max_length = 4000)]
    text: String,
    /// One line above it.
    #[schema(max_length = 150)]
    title: Option<String>,
    /// How much it matters; `info` unless said otherwise.
    severity: Option<Weight>,
    /// Labelled values.
    #[serde(default)]
    #[schema(max_items = 25)]
    fields: Vec<Labelled>,
    /// Links below it.
    #[serde(default)]
    #[schema(max_items = 10)]
    links: Vec<Linked>,
    /// The sender's own key of the matter. Without one the notice opens a matter of its own, whose key is in the answer.
    #[schema(min_length = 1, max_length = 255, pattern = "^[^\\u0000-\\u001f\\u007f]+$")]
    dedup_key: Option<String>,
    /// What it does to the matter; `trigger` unless said otherwise. The others need `dedup_key`.
    action: Option<Deed>,
}

impl New {
    /// The message; `id` is the matter's key when the sender has none.
    pub(super) fn message(self, id: &str) -> Result<Message, Problem> {
        bounded("/text", &self.text, 1, LONGEST_TEXT)?;
        bounded("/title", self.title.as_deref().unwrap_or_default(), 0, LONGEST_TITLE)?;
        for (pointer, there, most) in
            [("/fields", self.fields.len(), MOST_FIELDS), ("/links", self.links.len(), MOST_LINKS)]
        {
            if there > most {
                return Err(Problem::invalid(pointer, format!("{most} at most")));
            }
        }
        for (at, field) in self.fields.iter().enumerate() {
            bounded(&format!("/fields/{at}/label"), &field.label, 1, LONGEST_LABEL)?;
            bounded(&format!("/fields/{at}/value"), &field.value, 1, LONGEST_VALUE)?;
        }
        for (at, link) in self.links.iter().enumerate() {
            bounded(&format!("/links/{at}/label"), &link.label, 1, LONGEST_LABEL)?;
            if !is_address(&link.url) {
                let fits = "an address that begins with https:// or http://, 2000 characters at most";
                return Err(Problem::invalid(format!("/links/{at}/url"), fits));
            }
        }
        let action = self.action.unwrap_or_default();
        if let Some(key) = &self.dedup_key {
            bounded("/dedup_key", key, 1, LONGEST_KEY)?;
            if key.chars().any(|c| c.is_ascii_control()) {
                return Err(Problem::invalid("/dedup_key", "no control characters"));
            }
        } else if action != Deed::Trigger {
            return Err(Problem::invalid("/dedup_key", "this action is about a matter: name its key"));
        }
        let key = self.dedup_key.unwrap_or_else(|| id.to_owned());
        let field = |field: Labelled| Field { label: field.label, value: field.value };
        Ok(Message {
            text: self.text,
            title: self.title.filter(|title| !title.is_empty()).map(|title| title.replace(['\r', '\n'], " ")),
            severity: self.severity.unwrap_or_default().into(),
            fields: self.fields.into_iter().map(field).collect(),
            links: self.links.into_iter().map(|link| Link { label: link.label, url: link.url }).collect(),
            matter: Some(Matter { key, action: action.into() }),
        })
    }
}

impl From<Weight> for Severity {
    fn from(weight: Weight) -> Self {
        match weight {
            Weight::Info => Self::Info,
            Weight::Success => Self::Success,
            Weight::Warning => Self::Warning,
            Weight::Error => Self::Error,
            Weight::Critical => Self::Critical,
        }
    }
}

impl From<Deed> for NoticeAction {
    fn from(deed: Deed) -> Self {
        match deed {
            Deed::Trigger => Self::Trigger,
            Deed::Update => Self::Update,
            Deed::Acknowledge => Self::Acknowledge,
            Deed::Resolve => Self::Resolve,
        }
    }
}

fn bounded(pointer: &str, text: &str, least: usize, most: usize) -> Result<(), Problem> {
    let length = text.chars().take(most + 1).count();
    if (least..=most).contains(&length) {
        return Ok(());
    }
    Err(Problem::invalid(pointer, format!("{least} to {most} characters")))
}

fn is_address(url: &str) -> bool {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    url.len() <= LONGEST_URL
        && rest.is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_graphic()))
}

/// A notice on its way to one channel.
#[derive(Debug, Serialize, ToSchema)]
struct DeliveryTold {
    /// The channel.
    target: Option<Channel>,
    /// `accepted`: the bus has it. `pending`: that is not certain.
    status: &'static str,
}

/// A notice that is on its way.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AcceptedNotice)]
pub(in crate::routes) struct Accepted {
    /// Its id.
    id: String,
    /// The key of its matter; absent when it is about none.
    #[serde(skip_serializing_if = "Option::is_none")]
    dedup_key: Option<String>,
    /// How far it came in each channel.
    deliveries: Vec<DeliveryTold>,
}

impl From<Sent> for Accepted {
    fn from(sent: Sent) -> Self {
        Self { id: sent.id, dedup_key: sent.dedup_key, deliveries: told(sent.deliveries) }
    }
}

/// A notice.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Notice)]
pub(super) struct Told {
    #[serde(flatten)]
    accepted: Accepted,
    /// Name of the destination.
    destination: String,
    /// The service that sent it.
    service: String,
    /// What was said.
    #[schema(value_type = Object)]
    message: serde_json::Value,
    /// When it was accepted.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
}

impl Told {
    pub(super) fn of(row: Row) -> Result<Self, Problem> {
        let deliveries = told(row.deliveries()?);
        Ok(Self {
            accepted: Accepted { id: row.id, dedup_key: row.dedup_key, deliveries },
            destination: row.destination,
            service: row.service,
            message: serde_json::from_str(&row.message).map_err(|error| Problem::fault(&error))?,
            created_at: Timestamp::from_millisecond(row.created_at).unwrap_or_default(),
        })
    }
}

fn told(deliveries: Vec<Delivery>) -> Vec<DeliveryTold> {
    let one = |delivery: Delivery| DeliveryTold {
        status: delivery.status.as_str(),
        target: Channel::of(delivery.target),
    };
    deliveries.into_iter().map(one).collect()
}
