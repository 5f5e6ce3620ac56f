//! What holds for every policy file as text: UTF-8, no characters that cannot be seen, no quotes, comments on lines of their
//! own, a line end at the end.

use std::ops::RangeInclusive;

use unicode_properties::{GeneralCategory, UnicodeGeneralCategory};

use crate::finding::Findings;

/// A line that says something, as fields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Line {
    /// From 1.
    pub(crate) number: usize,
    /// Each field, trimmed, with the column of its first character, from 1.
    pub(crate) fields: Vec<(String, usize)>,
}

impl Line {
    /// The column of the first field beyond so many, else of the last field that is there.
    pub(crate) fn at(&self, wanted: usize) -> usize {
        self.fields.get(wanted).or(self.fields.last()).map_or(1, |(_, column)| *column)
    }
}

/// Marks that open or close a quotation in some language.
const QUOTES: [char; 15] = ['"', '\'', '`', '“', '”', '„', '‟', '‘', '’', '‚', '‛', '«', '»', '‹', '›'];

/// Letters, marks and signs that show as nothing or as a blank (Unicode Default_Ignorable_Code_Point outside Cf, and the empty
/// Braille pattern; not U+FE0E and U+FE0F, which stand behind emoji).
const BLANK: [RangeInclusive<char>; 9] = [
    '\u{34f}'..='\u{34f}',
    '\u{115f}'..='\u{1160}',
    '\u{17b4}'..='\u{17b5}',
    '\u{180b}'..='\u{180f}',
    '\u{2800}'..='\u{2800}',
    '\u{3164}'..='\u{3164}',
    '\u{fe00}'..='\u{fe0d}',
    '\u{ffa0}'..='\u{ffa0}',
    '\u{e0100}'..='\u{e01ef}',
];

/// The text of a file, if it is text at all.
pub(crate) fn decode<'a>(file: &str, bytes: &'a [u8], findings: &mut Findings) -> Option<&'a str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Some(text),
        Err(error) => {
            let good = bytes.get(..error.valid_up_to()).unwrap_or_default();
            let line = good.iter().filter(|byte| **byte == b'\n').count() + 1;
            let last = good.rsplit(|byte| *byte == b'\n').next().unwrap_or_default();
            let column = String::from_utf8_lossy(last).chars().count() + 1;
            findings.error("not-utf8", file, (line, column), "this is not UTF-8; save the file as UTF-8");
            None
        }
    }
}

/// Checks what cannot be seen, and whether the file was cut off.
pub(crate) fn check_characters(file: &str, text: &str, findings: &mut Findings) {
    let crlf = text.contains("\r\n");
    for (index, line) in text.split('\n').enumerate() {
        let body = if crlf { line.strip_suffix('\r').unwrap_or(line) } else { line };
        for (column, c) in body.chars().enumerate() {
            if c != ' ' && is_hidden(c) {
                let message = format!("the character U+{:04X} cannot be seen; remove it", u32::from(c));
                findings.error("hidden-char", file, (index + 1, column + 1), message);
            }
        }
    }
    let mut ended = text.split_inclusive('\n').filter(|line| line.ends_with('\n'));
    if let Some(bare) = ended.position(|line| !line.ends_with("\r\n")).filter(|_| crlf) {
        let message = "line ends are mixed; use LF, or CR LF throughout";
        findings.error("hidden-char", file, (bare + 1, 1), message);
    }
    if !text.is_empty() && !text.ends_with('\n') {
        let line = text.split('\n').count();
        let column = text.rsplit('\n').next().map_or(0, |last| last.chars().count()) + 1;
        findings.error(
            "no-final-newline",
            file,
            (line, column),
            "the last line has no line end, so the file may have been cut off; end it with a line end",
        );
    }
}

/// What people cannot see, or take for something else. The blank is one of them.
pub(crate) fn is_hidden(c: char) -> bool {
    use GeneralCategory::{
        Control, Format, LineSeparator, ParagraphSeparator, PrivateUse, SpaceSeparator, Surrogate, Unassigned,
    };
    matches!(
        c.general_category(),
        Control
            | Format
            | LineSeparator
            | ParagraphSeparator
            | PrivateUse
            | SpaceSeparator
            | Surrogate
            | Unassigned
    ) || BLANK.iter().any(|range| range.contains(&c))
}

/// The lines that say something, split at commas: `most` fields at most, the last of which takes the rest if `open`.
pub(crate) fn lines(file: &str, text: &str, most: Option<usize>, findings: &mut Findings) -> Vec<Line> {
    let mut lines = Vec::new();
    for (index, raw) in text.lines().enumerate() {
        let number = index + 1;
        if raw.trim().is_empty() || raw.trim_start().starts_with('#') {
            continue;
        }
        check_signs(file, number, raw, most, findings);
        lines.push(Line { number, fields: fields(raw, most) });
    }
    lines
}

/// Quotes and comments mislead: what looks quoted is not, and what looks like a comment is read.
fn check_signs(file: &str, number: usize, raw: &str, most: Option<usize>, findings: &mut Findings) {
    // The last field of an open line is a label, which people write as they like.
    let judged: String = match most {
        Some(most) => raw.splitn(most, ',').take(most - 1).collect::<Vec<_>>().join(","),
        None => raw.to_owned(),
    };
    if let Some(column) = judged.chars().position(|c| QUOTES.contains(&c)) {
        findings.error("quote", file, (number, column + 1), "quotation marks are not used here; remove them");
    }
    if let Some(column) = judged.chars().position(|c| c == '#') {
        findings.error("inline-comment", file, (number, column + 1), "a comment has a line of its own");
    }
}

fn fields(raw: &str, most: Option<usize>) -> Vec<(String, usize)> {
    let mut at = 1;
    raw.splitn(most.unwrap_or(usize::MAX), ',')
        .map(|field| {
            let lead = field.chars().take_while(|c| *c == ' ').count();
            let column = at + lead;
            at += field.chars().count() + 1;
            (field.trim_matches([' ', '\r']).to_owned(), column)
        })
        .collect()
}
