//! Laying parts out over messages, each within the limits.

use super::escape::units;

/// Most of one part. Below [`DESCRIPTION`], so that every part fits a message.
pub(super) const LONGEST_PART: usize = 3_900;
/// Most of a description (Discord: 4,096), with room for who asked.
const DESCRIPTION: usize = 4_000;
/// Most of a description and fields together (Discord: 6,000 for all of an embed), with room for the title, who asked and
/// the line below.
const TOGETHER: usize = 5_300;
/// Most fields of an embed (Discord: 25).
pub(super) const FIELDS: usize = 25;
/// From here on a text is only cut, not measured again: its pieces are too short to grow too long.
const SHORT: usize = 16;

/// Between paragraphs, and between lines.
const PARAGRAPH: &str = "\n\n";
pub(super) const LINE: &str = "\n";

/// A labelled value of an embed.
pub(super) struct Field {
    pub(super) name: String,
    pub(super) value: String,
    pub(super) inline: bool,
}

/// Something that must not be torn apart.
pub(super) enum Part {
    /// Discord's Markdown, and what stands between it and the part before.
    Text { text: String, joint: &'static str },
    /// At most [`FIELDS`], no longer than [`fits_one_message`] says.
    Fields(Vec<Field>),
}

impl Part {
    /// A text set apart by an empty line.
    pub(super) fn text(text: String) -> Self {
        Self::Text { text, joint: PARAGRAPH }
    }
}

/// What one message holds.
#[derive(Default)]
pub(super) struct Draft {
    pub(super) text: String,
    pub(super) fields: Vec<Field>,
}

fn length(fields: &[Field]) -> usize {
    fields.iter().map(|field| units(&field.name) + units(&field.value)).sum()
}

/// Whether these can be the fields of one embed.
pub(super) fn fits_one_message(fields: &[Field]) -> bool {
    fields.len() <= FIELDS && length(fields) <= TOGETHER
}

/// What each message holds.
pub(super) fn messages(parts: Vec<Part>) -> Vec<Draft> {
    let mut drafts: Vec<Draft> = Vec::new();
    for part in parts {
        match part {
            Part::Text { text, .. } if text.trim().is_empty() => {}
            Part::Text { text, joint } => {
                let fits = |draft: &&mut Draft| {
                    draft.fields.is_empty() && units(&draft.text) + units(&text) + 2 <= DESCRIPTION
                };
                match drafts.last_mut().filter(fits) {
                    Some(draft) => append(&mut draft.text, joint, &text),
                    None => drafts.push(Draft { text, fields: Vec::new() }),
                }
            }
            Part::Fields(fields) => {
                let fits = |draft: &&mut Draft| {
                    draft.fields.is_empty() && units(&draft.text) + length(&fields) <= TOGETHER
                };
                match drafts.last_mut().filter(fits) {
                    Some(draft) => draft.fields = fields,
                    None => drafts.push(Draft { text: String::new(), fields }),
                }
            }
        }
    }
    drafts
}

/// Blocks of code begin and end a line of their own, and have a margin.
pub(super) fn append(text: &mut String, joint: &str, more: &str) {
    if !text.is_empty() {
        let fenced = text.ends_with("```") || more.starts_with("```");
        text.push_str(if fenced { LINE } else { joint });
    }
    text.push_str(more);
}

/// A text in pieces that are no longer than a part once they are rendered.
pub(super) fn fitting(text: &str, render: &dyn Fn(&str) -> String) -> Vec<Part> {
    let mut parts = Vec::new();
    fit(text, PARAGRAPH, LONGEST_PART, render, &mut parts);
    parts
}

fn fit(text: &str, joint: &'static str, most: usize, render: &dyn Fn(&str) -> String, parts: &mut Vec<Part>) {
    let mut joint = joint;
    for piece in pieces(text, most) {
        let shown = render(&piece);
        if units(&shown) <= LONGEST_PART || most <= SHORT {
            parts.push(Part::Text { text: shown, joint });
        } else {
            fit(&piece, joint, most / 2, render, parts);
        }
        joint = match piece.as_str() {
            piece if piece.ends_with(PARAGRAPH) => PARAGRAPH,
            piece if piece.ends_with(' ') => " ",
            _ => LINE,
        };
    }
}

/// A text in pieces of so many units at most: between paragraphs, else between lines, else between words, else anywhere.
fn pieces(text: &str, most: usize) -> Vec<String> {
    let mut pieces = Vec::new();
    let mut rest: Vec<char> = text.chars().collect();
    loop {
        let mut used = 0;
        let fits = |c: &&char| {
            used += c.len_utf16();
            used <= most
        };
        let room = rest.iter().take_while(fits).count();
        if room == rest.len() {
            break;
        }
        let (window, _) = rest.split_at(room);
        let paragraph = window.windows(2).rposition(|two| two == ['\n', '\n']).map(|at| at + 2);
        let line = || window.iter().rposition(|c| *c == '\n').map(|at| at + 1);
        let word = || window.iter().rposition(|c| *c == ' ').map(|at| at + 1);
        let far = |at: &usize| *at > room / 4;
        let at = paragraph.filter(far).or_else(|| line().filter(far)).or_else(|| word().filter(far));
        let at = at.unwrap_or_else(|| between_signs(&rest, room)).max(1);
        let tail = rest.split_off(at);
        pieces.push(rest.iter().collect());
        rest = tail;
    }
    if !rest.is_empty() {
        pieces.push(rest.iter().collect());
    }
    pieces
}

/// A place at or a little before this one that is not within a sign made of several characters, such as an emoji.
fn between_signs(characters: &[char], at: usize) -> usize {
    let joins = |c: char| matches!(c, '\u{200D}' | '\u{FE00}'..='\u{FE0F}' | '\u{1F3FB}'..='\u{1F3FF}' | '\u{300}'..='\u{36F}');
    let within = |at: &usize| {
        let after = characters.get(*at).copied().is_some_and(joins);
        after || characters.get(at.saturating_sub(1)).is_some_and(|before| *before == '\u{200D}')
    };
    (at.saturating_sub(SHORT).max(1)..=at).rev().find(|at| !within(at)).unwrap_or(at)
}
