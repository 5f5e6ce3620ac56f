//! Slack's incoming webhook form, `{text, blocks, attachments}`, as JSON or as the classic `payload=` form. Blocks win over `text`
//! as in Slack, where `text` is then only the fallback. Blocks of other kinds say nothing. No ids, no matters: the form has none.

mod mrkdwn;

use adjutant_bus::announcement::Severity;
use axum::http::HeaderMap;

use super::{
    Delivery, HookError, Kind,
    draft::Draft,
    form,
    node::{self, Node},
};

/// Slack's own limits of a message.
const BLOCKS: usize = 50;
const ATTACHMENTS: usize = 20;
const FIELDS: usize = 20;

/// What was found so far.
#[derive(Default)]
struct Found {
    title: Option<String>,
    text: Vec<String>,
    fields: Vec<(String, String)>,
    links: Vec<(String, String)>,
    severity: Severity,
}

pub(super) fn read(headers: &HeaderMap, body: &[u8]) -> Result<Delivery, HookError> {
    let value = node::parse(&form::json(headers, body)?)?;
    let root = Node::root(&value)?;
    let mut found = Found::default();
    let text = root.text("text")?.unwrap_or_default();
    found.blocks(&root)?;
    if found.text.is_empty() && !text.is_empty() {
        found.say(text);
    }
    for attachment in root.objects("attachments", ATTACHMENTS)?.0 {
        found.attachment(&attachment)?;
    }
    if found.title.is_none() && found.text.is_empty() && found.fields.is_empty() {
        return Err(HookError::Unfit {
            pointer: "/text".into(),
            expected: "text, blocks or attachments that say something",
            found: root.get("text").map(|text| Kind::of(text.value())),
        });
    }
    let mut draft = Draft::new(found.title.as_deref().unwrap_or_default(), found.severity);
    draft.text(&found.text.join("\n"));
    for (label, value) in &found.fields {
        draft.field(label, value);
    }
    for (label, url) in &found.links {
        draft.link(label, url);
    }
    let mut message = draft.finish();
    if message.text.is_empty() {
        let said = message.fields.iter().map(|field| format!("{}: {}", field.label, field.value));
        message.text = said.take(3).collect::<Vec<_>>().join("\n");
    }
    Ok(Delivery { id: None, message })
}

impl Found {
    fn plain(&mut self, text: &str) -> String {
        mrkdwn::plain(text, &mut self.links)
    }

    fn say(&mut self, text: &str) {
        let said = self.plain(text);
        if !said.trim().is_empty() {
            self.text.push(said);
        }
    }

    fn blocks(&mut self, node: &Node<'_>) -> Result<(), HookError> {
        for block in node.objects("blocks", BLOCKS)?.0 {
            match block.text("type")?.unwrap_or_default() {
                "header" => {
                    if let Some(text) = block.object("text")? {
                        self.headline(text.text("text")?.unwrap_or_default());
                    }
                }
                "section" => {
                    if let Some(text) = block.object("text")? {
                        self.say(text.text("text")?.unwrap_or_default());
                    }
                    for field in block.objects("fields", FIELDS)?.0 {
                        self.block_field(field.text("text")?.unwrap_or_default());
                    }
                }
                "context" => {
                    for element in block.objects("elements", FIELDS)?.0 {
                        // An element may be an image, which has no text.
                        if let Some(text) = element.text("text")? {
                            self.say(text);
                        }
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn headline(&mut self, text: &str) {
        let said = self.plain(text);
        if self.title.is_none() && !said.trim().is_empty() {
            self.title = Some(said);
        } else if !said.trim().is_empty() {
            self.text.push(said);
        }
    }

    /// A field of a section is one text, whose first line is the label by custom.
    fn block_field(&mut self, text: &str) {
        let said = self.plain(text);
        match said.split_once('\n').or_else(|| said.split_once(": ")) {
            Some((label, value)) => {
                self.fields.push((label.trim().trim_end_matches(':').to_owned(), value.to_owned()));
            }
            None if !said.is_empty() => self.text.push(said),
            None => {}
        }
    }

    fn attachment(&mut self, attachment: &Node<'_>) -> Result<(), HookError> {
        let before = (self.text.len(), self.fields.len());
        let had_title = self.title.is_some();
        if let Some(said) = attachment.text("pretext")? {
            self.say(said);
        }
        if let Some(title) = attachment.text("title")? {
            self.headline(title);
            if let Some(url) = attachment.text("title_link")? {
                let label = self.plain(title);
                self.links.push((label, url.to_owned()));
            }
        }
        if let Some(said) = attachment.text("text")? {
            self.say(said);
        }
        self.blocks(attachment)?;
        for field in attachment.objects("fields", FIELDS)?.0 {
            let label = self.plain(field.text("title")?.unwrap_or_default());
            let value = self
                .plain(&field.get("value").and_then(|value| node::scalar(value.value())).unwrap_or_default());
            self.fields.push((label, value));
        }
        if let Some(color) = attachment.text("color")? {
            self.severity = severity(color);
        }
        if before == (self.text.len(), self.fields.len()) && had_title == self.title.is_some() {
            self.say(attachment.text("fallback")?.unwrap_or_default());
        }
        Ok(())
    }
}

/// The three named colours, and hexadecimal ones by what they look like.
fn severity(color: &str) -> Severity {
    match color {
        "good" => return Severity::Success,
        "warning" => return Severity::Warning,
        "danger" => return Severity::Error,
        _ => {}
    }
    let hex = color.trim_start_matches('#');
    let Ok(rgb) = u32::from_str_radix(hex, 16) else { return Severity::Info };
    let (red, green, blue) = (rgb >> 16 & 0xff, rgb >> 8 & 0xff, rgb & 0xff);
    if hex.len() != 6 || blue > 140 {
        Severity::Info
    } else if red > 150 && green < 100 {
        Severity::Error
    } else if red > 180 && green >= 100 {
        Severity::Warning
    } else if green > 120 && red < 130 {
        Severity::Success
    } else {
        Severity::Info
    }
}
