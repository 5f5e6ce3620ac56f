//! The body of a message: one shape for new messages, edits, webhooks and answers to interactions.

use adjutant_bus::reply::Tone;
use serde_json::{Map, Value, json};
use serenity::all::{Colour, CreateActionRow, CreateEmbed, CreateEmbedFooter};

use super::split::Field;

/// One message. The body always has all of `content`, `embeds` and `components`, so that an edit leaves nothing of what was
/// there before; and it never lets anybody be notified.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Message {
    pub(crate) body: Map<String, Value>,
}

/// What an embed holds.
pub(super) struct Embed {
    pub(super) tone: Tone,
    pub(super) title: Option<String>,
    pub(super) text: String,
    pub(super) fields: Vec<Field>,
    pub(super) foot: Option<String>,
}

impl Message {
    pub(super) fn embed(embed: Embed, rows: Vec<CreateActionRow>) -> Self {
        Self::new("", &[embed.built()], &rows)
    }

    /// A message without an embed.
    pub(super) fn content(text: String) -> Self {
        Self::new(if text.trim().is_empty() { "Done." } else { &text }, &[], &[])
    }

    fn new(content: &str, embeds: &[CreateEmbed], rows: &[CreateActionRow]) -> Self {
        let embeds = serde_json::to_value(embeds).unwrap_or_else(|_| json!([]));
        let components = serde_json::to_value(rows).unwrap_or_else(|_| json!([]));
        let nobody = json!({ "parse": [], "users": [], "roles": [], "replied_user": false });
        let parts = [
            ("content", Value::from(content)),
            ("embeds", embeds),
            ("components", components),
            ("allowed_mentions", nobody),
        ];
        Self { body: parts.into_iter().map(|(name, value)| (name.to_owned(), value)).collect() }
    }
}

impl Embed {
    fn built(self) -> CreateEmbed {
        let mut embed = CreateEmbed::new().colour(colour(self.tone));
        let text = self.text.trim();
        let empty = text.is_empty() && self.title.is_none() && self.fields.is_empty() && self.foot.is_none();
        if empty {
            embed = embed.description("Done.");
        } else if !text.is_empty() {
            embed = embed.description(text);
        }
        if let Some(title) = self.title {
            embed = embed.title(title);
        }
        if let Some(foot) = self.foot {
            embed = embed.footer(CreateEmbedFooter::new(foot));
        }
        embed.fields(self.fields.into_iter().map(|field| (field.name, field.value, field.inline)))
    }
}

const fn colour(tone: Tone) -> Colour {
    match tone {
        Tone::Info => Colour::new(0x58_65_F2),
        Tone::Success => Colour::new(0x57_F2_87),
        Tone::Warning => Colour::new(0xFA_A6_1A),
        Tone::Failure => Colour::new(0xED_42_45),
    }
}
