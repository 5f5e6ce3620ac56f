//! A message in the making, which keeps every bound whatever a sender sends.

use std::fmt::Write as _;

use adjutant_bus::{
    announcement::{Link, Matter, Message, NoticeAction, Severity},
    reply::Field,
};
use sha2::{Digest, Sha256};

const TITLE_CHARS: usize = 150;
const TEXT_CHARS: usize = 3000;
const FIELDS: usize = 20;
const LABEL_CHARS: usize = 80;
const VALUE_CHARS: usize = 500;
const LINKS: usize = 10;
const URL_CHARS: usize = 2000;
const KEY_CHARS: usize = 128;

/// A message in the making.
pub(super) struct Draft {
    message: Message,
    fields_left_out: usize,
    links_left_out: usize,
}

impl Draft {
    pub(super) fn new(title: &str, severity: Severity) -> Self {
        let title = line(title, TITLE_CHARS);
        let message = Message { title: (!title.is_empty()).then_some(title), severity, ..Message::default() };
        Self { message, fields_left_out: 0, links_left_out: 0 }
    }

    /// The text below the title.
    pub(super) fn text(&mut self, text: &str) {
        self.message.text = lines(text, TEXT_CHARS);
    }

    /// A labelled value; one without label or value is left out.
    pub(super) fn field(&mut self, label: &str, value: &str) {
        if self.message.fields.len() >= FIELDS {
            self.fields_left_out += 1;
            return;
        }
        let (label, value) = (line(label, LABEL_CHARS), lines(value, VALUE_CHARS));
        if !label.is_empty() && !value.is_empty() {
            self.message.fields.push(Field { label, value });
        }
    }

    /// A link; what is no web address, or is there already, is left out.
    pub(super) fn link(&mut self, label: &str, url: &str) {
        let web = url.starts_with("https://") || url.starts_with("http://");
        let fits = url.chars().take(URL_CHARS + 1).count() <= URL_CHARS
            && !url.chars().any(|c| c.is_whitespace() || unseen(c));
        if !web || !fits || self.message.links.iter().any(|link| link.url == url) {
            return;
        }
        if self.message.links.len() >= LINKS {
            self.links_left_out += 1;
            return;
        }
        let label = line(label, LABEL_CHARS);
        let label = if label.is_empty() { line(url, LABEL_CHARS) } else { label };
        self.message.links.push(Link { label, url: url.to_owned() });
    }

    /// Which matter it is about.
    pub(super) fn matter(&mut self, id: &str, action: NoticeAction) {
        self.message.matter = Some(Matter { key: key(id), action });
    }

    /// The message; one without text says its title as text, and what was left out is told.
    pub(super) fn finish(self) -> Message {
        let mut message = self.message;
        if message.text.is_empty() {
            message.text = message.title.clone().unwrap_or_default();
        }
        for (count, what) in [(self.fields_left_out, "fields"), (self.links_left_out, "links")] {
            if count > 0 {
                // Writing to a String cannot fail.
                let _ = write!(message.text, "\n… and {count} more {what}");
            }
        }
        message
    }
}

/// A sender's id as it is, or its digest where it is too long or holds what cannot be seen.
pub(super) fn key(id: &str) -> String {
    if !id.is_empty() && id.chars().take(KEY_CHARS + 1).count() <= KEY_CHARS && !id.chars().any(unseen) {
        return id.to_owned();
    }
    let mut key = String::from("sha256:");
    for byte in Sha256::digest(id.as_bytes()) {
        let _ = write!(key, "{byte:02x}");
    }
    key
}

/// One line of at most `limit` characters.
pub(super) fn line(text: &str, limit: usize) -> String {
    let spaced = text.chars().map(|c| if c.is_whitespace() { ' ' } else { c });
    cut(spaced.filter(|&c| !unseen(c)), limit)
}

/// Lines of at most `limit` characters in all.
pub(super) fn lines(text: &str, limit: usize) -> String {
    let spaced = text.chars().filter_map(|c| match c {
        '\n' => Some('\n'),
        '\r' => None,
        '\t' | '\u{2028}' | '\u{2029}' => Some(' '),
        c => Some(c),
    });
    cut(spaced.filter(|&c| c == '\n' || !unseen(c)), limit)
}

fn cut(chars: impl Iterator<Item = char>, limit: usize) -> String {
    let mut kept: String = chars.skip_while(|c| c.is_whitespace()).take(limit + 1).collect();
    if kept.chars().count() > limit {
        kept = kept.chars().take(limit.saturating_sub(1)).collect();
        kept.truncate(kept.trim_end().len());
        kept.push('…');
    }
    kept.truncate(kept.trim_end().len());
    kept
}

/// Controls, and the marks that reorder or hide text (Unicode TR 36: bidirectional spoofing).
fn unseen(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61C}' | '\u{200B}' | '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}'
            | '\u{2060}'..='\u{206F}' | '\u{FEFF}' | '\u{E0000}'..='\u{E007F}')
}
