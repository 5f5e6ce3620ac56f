//! Markdown as Slack's rich text: elements in which every text stands as it is, so that nothing in it becomes a mention.

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};
use serde_json::{Map, Value, json};

use super::blocks;

/// Deepest list that Slack indents.
const DEEPEST: usize = 8;

/// Rich text elements (sections, lists, quotes, code) of a Markdown text.
pub(super) fn rich(markdown: &str) -> Vec<Value> {
    let mut writer = Writer::default();
    for event in Parser::new_ext(markdown, Options::ENABLE_STRIKETHROUGH) {
        writer.event(event);
    }
    writer.end_of_text();
    writer.out
}

/// The inline elements of a line of Markdown, such as an item of a list.
pub(super) fn inline(markdown: &str) -> Vec<Value> {
    let mut writer = Writer::default();
    for event in Parser::new_ext(markdown, Options::ENABLE_STRIKETHROUGH) {
        match event {
            Event::Start(Tag::Item | Tag::List(_) | Tag::CodeBlock(_) | Tag::BlockQuote(_)) => {}
            Event::End(
                TagEnd::Item
                | TagEnd::List(_)
                | TagEnd::CodeBlock
                | TagEnd::BlockQuote(_)
                | TagEnd::Paragraph,
            ) => {
                writer.space();
            }
            other => writer.event(other),
        }
    }
    writer.line
}

/// A plain text in which backticks set code apart.
pub(super) fn backticks(text: &str) -> Vec<Value> {
    let pieces: Vec<&str> = text.split('`').collect();
    if pieces.len().is_multiple_of(2) {
        return vec![json!({ "type": "text", "text": text, "style": { "bold": true } })];
    }
    let piece = |(index, piece): (usize, &&str)| {
        let style = if index % 2 == 0 { json!({ "bold": true }) } else { json!({ "code": true }) };
        (!piece.is_empty()).then(|| json!({ "type": "text", "text": piece, "style": style }))
    };
    pieces.iter().enumerate().filter_map(piece).collect()
}

#[derive(Default)]
struct Writer {
    out: Vec<Value>,
    line: Vec<Value>,
    style: Style,
    link: Option<String>,
    quote: usize,
    code: Option<String>,
    /// For each open list whether it is numbered.
    lists: Vec<Option<u64>>,
    items: Vec<Value>,
}

#[derive(Clone, Copy, Default)]
struct Style {
    bold: u8,
    italic: u8,
    strike: u8,
}

impl Style {
    fn value(self, code: bool) -> Option<Value> {
        let mut style = Map::new();
        for (name, on) in [
            ("bold", self.bold > 0),
            ("italic", self.italic > 0),
            ("strike", self.strike > 0),
            ("code", code),
        ] {
            if on {
                style.insert(name.to_owned(), true.into());
            }
        }
        (!style.is_empty()).then_some(Value::Object(style))
    }
}

impl Writer {
    fn event(&mut self, event: Event<'_>) {
        match event {
            Event::Start(tag) => self.start(tag),
            Event::End(tag) => self.end(tag),
            Event::Text(text) | Event::Html(text) | Event::InlineHtml(text) => self.text(&text, false),
            Event::Code(text) => self.text(&text, true),
            Event::SoftBreak => self.text(" ", false),
            Event::HardBreak => self.text("\n", false),
            Event::Rule => {
                self.flush();
                self.out.push(blocks::section(vec![json!({ "type": "text", "text": "———\n" })]));
            }
            _ => {}
        }
    }

    fn start(&mut self, tag: Tag<'_>) {
        match tag {
            Tag::Strong | Tag::Heading { .. } => self.style.bold += 1,
            Tag::Emphasis => self.style.italic += 1,
            Tag::Strikethrough => self.style.strike += 1,
            Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. } => {
                self.link = Some(dest_url.to_string())
            }
            Tag::CodeBlock(_) => {
                self.flush();
                self.code = Some(String::new());
            }
            Tag::BlockQuote(_) => {
                self.flush();
                self.quote += 1;
            }
            Tag::List(first) => {
                self.end_item();
                self.end_list();
                self.lists.push(first);
            }
            _ => {}
        }
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Strong => self.style.bold = self.style.bold.saturating_sub(1),
            TagEnd::Emphasis => self.style.italic = self.style.italic.saturating_sub(1),
            TagEnd::Strikethrough => self.style.strike = self.style.strike.saturating_sub(1),
            TagEnd::Link | TagEnd::Image => self.link = None,
            TagEnd::CodeBlock => {
                let code = self.code.take().unwrap_or_default();
                self.out.extend(blocks::preformatted(code.trim_end_matches('\n')));
            }
            TagEnd::BlockQuote(_) => {
                self.flush();
                self.quote = self.quote.saturating_sub(1);
            }
            TagEnd::Heading(_) => {
                self.style.bold = self.style.bold.saturating_sub(1);
                self.paragraph();
            }
            TagEnd::Paragraph => self.paragraph(),
            TagEnd::Item => self.end_item(),
            TagEnd::List(_) => {
                self.end_item();
                self.end_list();
                self.lists.pop();
            }
            _ => {}
        }
    }

    fn text(&mut self, text: &str, code: bool) {
        if text.is_empty() {
            return;
        }
        if let Some(block) = &mut self.code {
            block.push_str(text);
            return;
        }
        let safe =
            |url: &String| ["https://", "http://", "mailto:"].iter().any(|scheme| url.starts_with(scheme));
        let mut element = match self.link.as_ref().filter(|url| safe(url)) {
            Some(url) => json!({ "type": "link", "url": url, "text": text }),
            None => json!({ "type": "text", "text": text }),
        };
        if let (Some(style), Some(element)) = (self.style.value(code), element.as_object_mut()) {
            element.insert("style".to_owned(), style);
        }
        self.line.push(element);
    }

    fn space(&mut self) {
        if !self.line.is_empty() {
            self.text(" ", false);
        }
    }

    /// Paragraphs are set apart by a line end; inside an item they only go on.
    fn paragraph(&mut self) {
        if self.lists.is_empty() {
            self.text("\n", false);
            self.flush();
        } else {
            self.space();
        }
    }

    fn flush(&mut self) {
        if self.line.is_empty() {
            return;
        }
        let line = std::mem::take(&mut self.line);
        if self.lists.is_empty() {
            let kind = if self.quote > 0 { "rich_text_quote" } else { "rich_text_section" };
            self.out.push(json!({ "type": kind, "elements": line }));
        } else {
            self.items.push(blocks::section(line));
        }
    }

    fn end_item(&mut self) {
        if !self.lists.is_empty() {
            self.flush();
        }
    }

    fn end_list(&mut self) {
        if self.items.is_empty() {
            return;
        }
        let numbered = self.lists.last().copied().flatten();
        let mut list = json!({
            "type": "rich_text_list",
            "style": if numbered.is_some() { "ordered" } else { "bullet" },
            "indent": self.lists.len().saturating_sub(1).min(DEEPEST),
            "elements": std::mem::take(&mut self.items),
        });
        let offset = numbered.and_then(|first| first.checked_sub(1)).filter(|offset| *offset > 0);
        if let (Some(offset), Some(list)) = (offset, list.as_object_mut()) {
            list.insert("offset".to_owned(), offset.into());
        }
        self.out.push(list);
    }

    fn end_of_text(&mut self) {
        self.lists.clear();
        self.flush();
        // A line end that nothing follows is only space.
        if let Some(last) = self.out.last_mut() {
            let elements = last.get_mut("elements").and_then(Value::as_array_mut);
            if let Some(elements) = elements
                && elements.len() > 1
                && elements
                    .last()
                    .is_some_and(|element| element.get("text").and_then(Value::as_str) == Some("\n"))
            {
                elements.pop();
            }
        }
    }
}
