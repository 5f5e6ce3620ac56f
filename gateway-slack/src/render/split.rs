//! Laying parts out over messages, each within the limits.

use serde_json::{Value, json};

/// Most characters of one part. Below what one block and one text element take.
pub(super) const LONGEST_PART: usize = 2_900;
/// Most characters of all blocks of a message: Slack has been seen to refuse somewhat more than 13,000.
const LONGEST: usize = 11_500;
/// Most blocks of a message, with room for buttons and the line below (Slack: 50).
const BLOCKS: usize = 40;

/// Something that must not be torn apart.
pub(super) struct Part {
    block: Value,
    characters: usize,
    table: bool,
}

impl Part {
    /// Rich text elements.
    pub(super) fn rich(elements: Vec<Value>) -> Self {
        Self::new(json!({ "type": "rich_text", "elements": elements }), false)
    }

    /// A table, of which a message holds one.
    pub(super) fn table(block: Value) -> Self {
        Self::new(block, true)
    }

    fn new(block: Value, table: bool) -> Self {
        Self { characters: characters(&block), block, table }
    }

    fn is_empty(&self) -> bool {
        self.block.get("elements").and_then(Value::as_array).is_some_and(Vec::is_empty)
    }
}

/// All characters that people read in a block.
fn characters(block: &Value) -> usize {
    match block {
        Value::Object(fields) => fields
            .iter()
            .map(|(name, value)| match value {
                Value::String(text) if name == "text" || name == "url" => text.chars().count(),
                other => characters(other),
            })
            .sum(),
        Value::Array(all) => all.iter().map(characters).sum(),
        _ => 0,
    }
}

/// The blocks of each message.
pub(super) fn messages(parts: Vec<Part>) -> Vec<Vec<Value>> {
    let mut messages: Vec<Vec<Value>> = Vec::new();
    let (mut used, mut table) = (0, false);
    for part in parts.into_iter().filter(|part| !part.is_empty()) {
        let fits = messages.last().is_some_and(|last| {
            last.len() < BLOCKS && used + part.characters <= LONGEST && !(table && part.table)
        });
        if !fits {
            messages.push(Vec::new());
            (used, table) = (0, false);
        }
        used += part.characters;
        table |= part.table;
        if let Some(last) = messages.last_mut() {
            last.push(part.block);
        }
    }
    messages
}

/// A text in pieces that fit a part: between paragraphs, else between lines, else between words, else anywhere.
pub(super) fn pieces(text: &str) -> Vec<String> {
    let mut pieces = Vec::new();
    let mut rest: Vec<char> = text.chars().collect();
    while rest.len() > LONGEST_PART {
        let (window, _) = rest.split_at(LONGEST_PART);
        let paragraph = window.windows(2).rposition(|two| two == ['\n', '\n']).map(|at| at + 2);
        let line = || window.iter().rposition(|c| *c == '\n').map(|at| at + 1);
        let word = || window.iter().rposition(|c| *c == ' ').map(|at| at + 1);
        let far = |at: &usize| *at > LONGEST_PART / 4;
        let at = paragraph.filter(far).or_else(|| line().filter(far)).or_else(|| word().filter(far));
        let tail = rest.split_off(at.unwrap_or(LONGEST_PART));
        pieces.push(rest.iter().collect());
        rest = tail;
    }
    if !rest.is_empty() {
        pieces.push(rest.iter().collect());
    }
    pieces
}
