//! Markdown built anew for Discord: only what was meant as markup is markup, everything else is escaped text.

mod link;
mod sources;

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd, TextMergeStream};

use self::link::Link;
pub(super) use self::sources::{Source, sources};
use super::escape;

/// Deepest list that is indented.
const DEEPEST: usize = 8;

/// A text as Discord shows it.
pub(super) fn render(markdown: &str) -> String {
    let mut writer = Writer::default();
    for event in TextMergeStream::new(Parser::new_ext(markdown, Options::ENABLE_STRIKETHROUGH)) {
        writer.event(event);
    }
    writer.flush();
    writer.out
}

/// One line, such as an item of a list.
pub(super) fn inline(markdown: &str) -> String {
    let mut writer = Writer::default();
    for event in TextMergeStream::new(Parser::new_ext(markdown, Options::ENABLE_STRIKETHROUGH)) {
        match event {
            Event::Start(Tag::Item | Tag::List(_) | Tag::CodeBlock(_) | Tag::BlockQuote(_)) => {}
            Event::End(
                TagEnd::Item
                | TagEnd::List(_)
                | TagEnd::CodeBlock
                | TagEnd::BlockQuote(_)
                | TagEnd::HtmlBlock
                | TagEnd::Paragraph,
            ) => writer.space(),
            Event::End(TagEnd::Heading(_)) => {
                writer.unmark("**");
                writer.space();
            }
            Event::Rule => writer.line.push('—'),
            other => writer.event(other),
        }
    }
    writer.line.trim_end().to_owned()
}

#[derive(Default)]
struct Writer {
    out: String,
    line: String,
    /// The next block stands apart from what is there.
    apart: bool,
    bold: usize,
    /// Where in the line the last mark was closed.
    closed: usize,
    link: Option<Link>,
    quote: usize,
    code: Option<(String, Option<String>)>,
    /// For each open list the number of its next item, if it is numbered.
    lists: Vec<Option<u64>>,
    /// What stands before the text of the item that was begun.
    bullet: Option<String>,
}

impl Writer {
    fn event(&mut self, event: Event<'_>) {
        match event {
            Event::Start(tag) => self.start(tag),
            Event::End(tag) => self.end(tag),
            Event::Text(text) | Event::Html(text) | Event::InlineHtml(text) => self.text(&text),
            Event::Code(text) => {
                if let Some(link) = &mut self.link {
                    link.text.push_str(&text);
                }
                let code = escape::code(&text);
                escape::end_address(&mut self.line, &code);
                // A backtick next to another would be one mark with it.
                if self.line.ends_with('`') {
                    self.line.push('\u{200B}');
                }
                self.line.push_str(&code);
            }
            Event::SoftBreak => self.line.push(' '),
            Event::HardBreak => self.line.push('\n'),
            Event::Rule => {
                self.flush();
                self.line.push_str("———");
                self.flush();
                self.apart = true;
            }
            _ => {}
        }
    }

    fn text(&mut self, text: &str) {
        if let Some((code, _)) = &mut self.code {
            code.push_str(text);
            return;
        }
        if let Some(link) = &mut self.link {
            link.text.push_str(text);
        }
        let text = escape::escape(text);
        escape::end_address(&mut self.line, &text);
        self.line.push_str(&text);
    }

    fn mark(&mut self, mark: &str) {
        if mark == "**" {
            self.bold += 1;
            if self.bold > 1 {
                return;
            }
        }
        escape::end_address(&mut self.line, mark);
        // A mark next to another would be one mark with it.
        if self.closed > 0 && self.closed == self.line.len() {
            self.line.push('\u{200B}');
        }
        self.line.push_str(mark);
    }

    fn unmark(&mut self, mark: &str) {
        if mark == "**" {
            self.bold = self.bold.saturating_sub(1);
            if self.bold > 0 {
                return;
            }
        }
        self.line.push_str(mark);
        self.closed = self.line.len();
    }

    fn start(&mut self, tag: Tag<'_>) {
        match tag {
            Tag::Strong | Tag::Heading { .. } => self.mark("**"),
            Tag::Emphasis => self.mark("*"),
            Tag::Strikethrough => self.mark("~~"),
            Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. } => {
                escape::end_address(&mut self.line, "[");
                let link = Link { target: dest_url.to_string(), from: self.line.len(), text: String::new() };
                self.link.get_or_insert(link);
            }
            Tag::CodeBlock(kind) => {
                self.flush();
                self.code = Some((String::new(), sources::language(&kind)));
            }
            Tag::BlockQuote(_) => {
                self.flush();
                self.quote += 1;
            }
            Tag::List(first) => {
                self.flush();
                self.lists.push(first);
            }
            Tag::Item => {
                self.flush();
                let indent = "  ".repeat(self.lists.len().saturating_sub(1).min(DEEPEST));
                self.bullet = Some(match self.lists.last_mut() {
                    Some(Some(number)) => {
                        *number = number.saturating_add(1);
                        format!("{indent}{}. ", number.saturating_sub(1))
                    }
                    _ => format!("{indent}- "),
                });
            }
            _ => {}
        }
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Strong => self.unmark("**"),
            TagEnd::Emphasis => self.unmark("*"),
            TagEnd::Strikethrough => self.unmark("~~"),
            TagEnd::Link | TagEnd::Image => self.end_link(),
            TagEnd::CodeBlock => {
                let (code, language) = self.code.take().unwrap_or_default();
                let code = escape::fence(&code, language.as_deref());
                self.push(&code);
            }
            TagEnd::BlockQuote(_) => {
                self.flush();
                self.quote = self.quote.saturating_sub(1);
            }
            TagEnd::Heading(_) => {
                self.unmark("**");
                self.flush();
            }
            TagEnd::Paragraph | TagEnd::HtmlBlock if self.lists.is_empty() => {
                self.flush();
                self.apart = true;
            }
            TagEnd::Paragraph | TagEnd::HtmlBlock => self.space(),
            TagEnd::Item => self.flush(),
            TagEnd::List(_) => {
                self.flush();
                self.lists.pop();
                self.apart = self.lists.is_empty();
            }
            _ => {}
        }
    }

    fn end_link(&mut self) {
        let Some(link) = self.link.take() else { return };
        let shown = self.line.get(link.from..).unwrap_or_default().to_owned();
        self.line.truncate(link.from);
        self.line.push_str(&link.render(&shown));
    }

    fn space(&mut self) {
        if !self.line.is_empty() && !self.line.ends_with(' ') {
            self.line.push(' ');
        }
    }

    fn flush(&mut self) {
        let line = std::mem::take(&mut self.line);
        self.closed = 0;
        let line = line.trim_end();
        if line.is_empty() && self.bullet.is_none() {
            return;
        }
        let bullet = self.bullet.take();
        let mut shown = if self.lists.is_empty() {
            line.to_owned()
        } else {
            // What goes on below an item stands under its text.
            let indent = "  ".repeat(self.lists.len().min(DEEPEST + 1));
            let lead = bullet.unwrap_or_else(|| indent.clone());
            format!("{lead}{}", line.replace('\n', &format!("\n{indent}")))
        };
        if self.quote > 0 {
            shown = format!("> {}", shown.replace('\n', "\n> "));
        }
        self.push(&shown);
    }

    fn push(&mut self, shown: &str) {
        if shown.is_empty() {
            return;
        }
        let fenced = shown.starts_with("```") || self.out.ends_with("```");
        if !self.out.is_empty() {
            self.out.push_str(if self.apart && !fenced && self.lists.is_empty() { "\n\n" } else { "\n" });
        }
        self.apart = false;
        self.out.push_str(shown);
    }
}
