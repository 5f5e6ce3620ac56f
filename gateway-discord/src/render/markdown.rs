//! Markdown built anew for Discord: only what was meant as markup is markup, everything else is escaped text.

use std::ops::Range;

use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd, TextMergeStream};

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

/// A piece of a text that is too long for one message.
pub(super) enum Source<'a> {
    Text(&'a str),
    Code { text: String, language: Option<String> },
}

/// A text cut at its blocks of code, which need fences of their own.
pub(super) fn sources(markdown: &str) -> Vec<Source<'_>> {
    let mut sources = Vec::new();
    let mut code: Option<(Range<usize>, String, Option<String>)> = None;
    let (mut depth, mut from) = (0_usize, 0);
    for (event, range) in Parser::new_ext(markdown, Options::ENABLE_STRIKETHROUGH).into_offset_iter() {
        match event {
            Event::Start(Tag::CodeBlock(kind)) if depth == 0 => {
                code = Some((range, String::new(), language(&kind)));
                depth += 1;
            }
            Event::Start(_) => depth += 1,
            Event::Text(text) => {
                if let Some((_, all, _)) = &mut code {
                    all.push_str(&text);
                }
            }
            Event::End(_) => {
                depth = depth.saturating_sub(1);
                if let (0, Some((range, text, language))) = (depth, code.take_if(|_| depth == 0)) {
                    sources.extend(markdown.get(from..range.start).map(Source::Text));
                    sources.push(Source::Code { text, language });
                    from = range.end;
                }
            }
            _ => {}
        }
    }
    sources.extend(markdown.get(from..).map(Source::Text));
    sources
}

fn language(kind: &CodeBlockKind<'_>) -> Option<String> {
    match kind {
        CodeBlockKind::Fenced(info) => info.split_whitespace().next().map(str::to_owned),
        CodeBlockKind::Indented => None,
    }
}

#[derive(Default)]
struct Writer {
    out: String,
    line: String,
    /// The next block stands apart from what is there.
    apart: bool,
    bold: usize,
    link: Option<Link>,
    quote: usize,
    code: Option<(String, Option<String>)>,
    /// For each open list the number of its next item, if it is numbered.
    lists: Vec<Option<u64>>,
    /// What stands before the text of the item that was begun.
    bullet: Option<String>,
}

/// A link that was begun: where it leads, and where its text begins.
struct Link {
    target: String,
    from: usize,
    text: String,
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
                self.end_address(&code);
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
        self.end_address(&text);
        self.line.push_str(&text);
    }

    /// Discord takes everything up to a blank for part of an address; what does not belong to it gets one before it.
    fn end_address(&mut self, more: &str) {
        let last = self.line.rsplit(char::is_whitespace).next().unwrap_or_default();
        let open = (last.contains("https://") || last.contains("http://"))
            && !(last.contains("](") && last.ends_with(')'));
        let next = more.split(char::is_whitespace).next().unwrap_or_default();
        let ends = |c: char| ".,;!?)'\"".contains(c);
        if open && !next.chars().all(ends) {
            self.line.push(' ');
        }
    }

    fn mark(&mut self, mark: &str) {
        if mark == "**" {
            self.bold += 1;
            if self.bold > 1 {
                return;
            }
        }
        self.end_address(mark);
        // A mark next to another would be one mark with it.
        if self.line.chars().next_back().is_some_and(|last| mark.starts_with(last)) {
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
    }

    fn start(&mut self, tag: Tag<'_>) {
        match tag {
            Tag::Strong | Tag::Heading { .. } => self.mark("**"),
            Tag::Emphasis => self.mark("*"),
            Tag::Strikethrough => self.mark("~~"),
            Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. } => {
                self.end_address("[");
                let link = Link { target: dest_url.to_string(), from: self.line.len(), text: String::new() };
                self.link.get_or_insert(link);
            }
            Tag::CodeBlock(kind) => {
                self.flush();
                self.code = Some((String::new(), language(&kind)));
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

    /// An address of the web can be followed; its text may not pretend to be another one.
    fn end_link(&mut self) {
        let Some(Link { target, from, text }) = self.link.take() else { return };
        let address = address(&target);
        let (https, http) = (target.starts_with("https://"), target.starts_with("http://"));
        let shown = self.line.get(from..).unwrap_or_default().to_owned();
        if (https || http) && (text == target || text.is_empty()) {
            self.line.truncate(from);
            self.line.push_str(&address);
        } else if https && is_plain(&text) && !shown.is_empty() {
            self.line.truncate(from);
            self.line.push_str(&format!("[{shown}]({address})"));
        } else if https || http {
            self.line.push_str(&format!(" ({address})"));
        } else if text != target {
            self.line.push_str(&format!(" ({})", escape::escape(&target)));
        }
    }

    fn space(&mut self) {
        if !self.line.is_empty() && !self.line.ends_with(' ') {
            self.line.push(' ');
        }
    }

    fn flush(&mut self) {
        let line = std::mem::take(&mut self.line);
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

/// An address in which nothing ends it early or is markup.
fn address(target: &str) -> String {
    let mut out = String::with_capacity(target.len());
    for byte in target.bytes() {
        let c = char::from(byte);
        if c.is_ascii_alphanumeric() || "-._~/?=&%#+,;:!$".contains(c) {
            out.push(c);
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

/// A text that does not look like an address itself, nor has brackets that would end a link's text.
fn is_plain(text: &str) -> bool {
    let dotted = |word: &str| {
        let mut parts = word.split('.').filter(|part| !part.is_empty());
        let last = parts.next_back();
        parts.next().is_some() && last.is_some_and(|last| last.chars().all(char::is_alphabetic))
    };
    !text.trim().is_empty()
        && !text.contains(['[', ']', '(', ')', '<', '>', '@', '\n', '\\', '`'])
        && !text.contains("://")
        && !text.split(|c: char| c.is_whitespace() || c == '/' || c == ':').any(dotted)
}
