//! What chat programs do to typed text, undone: typographic quotes and dashes, odd blanks, invisible characters.

use super::WordsError;

/// The line with plain quotes, dashes and blanks.
pub(super) fn clean(text: &str) -> Result<String, WordsError> {
    let mut line = String::with_capacity(text.len());
    let mut before: Option<char> = None;
    // What shows nothing must not stand between a dash and its word either.
    let mut rest = text.chars().filter(|c| !is_invisible(*c)).peekable();
    while let Some(c) = rest.next() {
        let next = rest.peek().copied();
        match c {
            c if is_double_quote(c) => line.push('"'),
            '‘' | '’' | '‚' | '‛' | '＇' => line.push('\''),
            // A joiner before a letter is dropped below, so that it does not stand between a dash and its word.
            '—' | '–' | '―' if opens_flag(before, rest.clone().find(|c| !is_joiner(*c))) => {
                line.push_str("--");
            }
            '\t' | '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}' => line.push(' '),
            c if is_odd_blank(c) => line.push(' '),
            '\u{200C}' | '\u{200D}' if !joins(before, next) => continue,
            c if c.is_control() => return Err(WordsError::Control { character: c, before: line }),
            c => line.push(c),
        }
        before = Some(c);
    }
    Ok(line.trim().to_owned())
}

/// The text with plain double quotes.
pub(super) fn straight(text: &str) -> String {
    text.chars().map(|c| if is_double_quote(c) { '"' } else { c }).collect()
}

const fn is_double_quote(c: char) -> bool {
    matches!(c, '“' | '”' | '„' | '‟' | '«' | '»' | '＂')
}

/// A dash at the start of a word that goes on with a letter was two hyphens.
fn opens_flag(before: Option<char>, next: Option<char>) -> bool {
    before.is_none_or(|c| c.is_whitespace() || is_odd_blank(c))
        && next.is_some_and(|c| c.is_ascii_alphabetic())
}

/// Blanks other than U+0020: no-break, figure, thin, ideographic and their like (Unicode `Zs`).
const fn is_odd_blank(c: char) -> bool {
    matches!(c, '\u{A0}' | '\u{1680}' | '\u{2000}'..='\u{200A}' | '\u{202F}' | '\u{205F}' | '\u{3000}')
}

/// Characters that show nothing: zero-width blanks, byte order mark, soft hyphen, and the marks that turn direction.
const fn is_invisible(c: char) -> bool {
    matches!(c, '\u{AD}' | '\u{61C}' | '\u{180E}' | '\u{200B}' | '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}'
        | '\u{2060}'..='\u{2064}' | '\u{2066}'..='\u{2069}' | '\u{FEFF}')
}

/// Joiners belong to emoji and to several scripts; between other characters they are dirt.
fn joins(before: Option<char>, next: Option<char>) -> bool {
    let script = |c: Option<char>| {
        c.is_some_and(|c| !(c.is_ascii() || is_odd_blank(c) || is_quote(c) || is_joiner(c)))
    };
    script(before) && script(next)
}

const fn is_quote(c: char) -> bool {
    is_double_quote(c) || matches!(c, '‘' | '’' | '‚' | '‛' | '＇')
}

const fn is_joiner(c: char) -> bool {
    matches!(c, '\u{200C}' | '\u{200D}')
}
