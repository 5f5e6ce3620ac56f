//! Links: an address of the web can be followed; its text may not pretend to be another one.

use crate::render::escape;

/// A link that was begun.
pub(super) struct Link {
    /// Where it leads.
    pub(super) target: String,
    /// Where its text begins in the line.
    pub(super) from: usize,
    /// Its text, without markup.
    pub(super) text: String,
}

impl Link {
    /// The link with its text as it is shown.
    pub(super) fn render(&self, shown: &str) -> String {
        let (target, text) = (&self.target, &self.text);
        let https = target.starts_with("https://");
        let web = https || target.starts_with("http://");
        let address = address(target);
        if web && (text == target || text.is_empty()) {
            address
        } else if https && is_plain(text) && !shown.is_empty() {
            format!("[{shown}]({address})")
        } else if web {
            format!("{shown} ({address})")
        } else if text == target {
            shown.to_owned()
        } else {
            format!("{shown} ({})", escape::escape(target))
        }
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
