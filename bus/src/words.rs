//! From text as typed in a chat program to words: typography is undone, then the line is split. Not a shell: no escapes
//! outside quotes, no variables, no globs.

mod clean;

use crate::refusal::{Refusal, RefusalCode};

/// Most characters of one line. The longest platform (Slack) sends 4,000 as one message.
pub const MOST_CHARACTERS: usize = 4_000;
/// Characters shown on either side of a mistake.
const AROUND: usize = 30;

/// One word of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    /// The word, quotes removed.
    pub text: String,
    /// Some part of it stood in quotes, so it is no flag.
    pub quoted: bool,
    /// Where it begins in the cleaned line, in characters.
    pub at: usize,
    /// How many of its characters stand before the first quotes.
    plain: usize,
}

impl Word {
    /// Whether the word begins with these characters outside of quotes.
    #[must_use]
    pub fn starts_plain(&self, text: &str) -> bool {
        self.plain >= text.chars().count()
    }
}

/// A line in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Words {
    /// The cleaned line.
    pub line: String,
    /// Its words.
    pub words: Vec<Word>,
}

/// Why a text is no line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WordsError {
    /// Nothing but blanks.
    Empty,
    /// More than [`MOST_CHARACTERS`].
    TooLong {
        /// How many it has.
        characters: usize,
    },
    /// A control character other than tab and line end.
    Control {
        /// Which.
        character: char,
        /// The cleaned line up to there.
        before: String,
    },
    /// A quotation mark without its partner.
    Unmatched {
        /// The mark.
        quote: char,
        /// The cleaned line.
        line: String,
        /// Where the mark is, in characters.
        at: usize,
    },
}

/// Undoes chat typography, and splits.
///
/// # Errors
/// As [`WordsError`] lists.
pub fn split(text: &str) -> Result<Words, WordsError> {
    let characters = text.chars().take(MOST_CHARACTERS + 1).count();
    if characters > MOST_CHARACTERS {
        return Err(WordsError::TooLong { characters: text.chars().count() });
    }
    let line = clean::clean(text)?;
    let words = Splitter { characters: line.chars().collect(), at: 0 }.words(&line)?;
    if words.is_empty() { Err(WordsError::Empty) } else { Ok(Words { line, words }) }
}

/// The first words of a text that [`split`] may refuse: cut at blanks and control characters, quotes off.
#[must_use]
pub fn split_roughly(text: &str) -> Vec<Word> {
    let text: String =
        text.chars().take(MOST_CHARACTERS).map(|c| if c.is_control() { ' ' } else { c }).collect();
    let line = clean::clean(&text).unwrap_or_default();
    let word = |text: &str| Word { text: text.to_owned(), quoted: false, at: 0, plain: 0 };
    line.split_whitespace().map(|text| word(text.trim_matches(['"', '\'']))).collect()
}

struct Splitter {
    characters: Vec<char>,
    at: usize,
}

impl Splitter {
    fn words(mut self, line: &str) -> Result<Vec<Word>, WordsError> {
        let mut words = Vec::new();
        loop {
            while self.peek().is_some_and(|c| c == ' ') {
                self.at += 1;
            }
            if self.peek().is_none() {
                return Ok(words);
            }
            words.push(self.word(line)?);
        }
    }

    fn peek(&self) -> Option<char> {
        self.characters.get(self.at).copied()
    }

    /// A quotation mark opens only at the start of a word or after `=`, so that the one in `don't` is a letter.
    fn word(&mut self, line: &str) -> Result<Word, WordsError> {
        let mut word = Word { text: String::new(), quoted: false, at: self.at, plain: 0 };
        let mut before = ' ';
        while let Some(c) = self.peek().filter(|c| *c != ' ') {
            if (c == '"' || c == '\'') && (word.text.is_empty() && !word.quoted || before == '=') {
                self.quoted(c, line, &mut word)?;
                before = c;
            } else {
                word.text.push(c);
                word.plain += usize::from(!word.quoted);
                before = c;
                self.at += 1;
            }
        }
        Ok(word)
    }

    /// Inside quotes a backslash makes the next quotation mark or backslash a letter.
    fn quoted(&mut self, quote: char, line: &str, word: &mut Word) -> Result<(), WordsError> {
        let opened = self.at;
        word.quoted = true;
        self.at += 1;
        while let Some(c) = self.peek() {
            self.at += 1;
            match (c, self.peek()) {
                ('\\', Some(next)) if next == quote || next == '\\' => {
                    word.text.push(next);
                    self.at += 1;
                }
                (c, _) if c == quote => return Ok(()),
                (c, _) => word.text.push(c),
            }
        }
        Err(WordsError::Unmatched { quote, line: line.to_owned(), at: opened })
    }
}

impl From<WordsError> for Refusal {
    fn from(error: WordsError) -> Self {
        let bad = |what: String, next: &str, shown| Self {
            code: RefusalCode::BadArguments,
            what,
            next: next.to_owned(),
            shown,
        };
        match error {
            WordsError::Empty => Self {
                code: RefusalCode::UnknownCommand,
                what: "There is no command in that".to_owned(),
                next: "Say `help` to see what you may do.".to_owned(),
                shown: Vec::new(),
            },
            WordsError::TooLong { characters } => bad(
                format!("That line has {characters} characters, and {MOST_CHARACTERS} is the most"),
                "Shorten it; long material is better sent as a link.",
                Vec::new(),
            ),
            WordsError::Control { character, before } => bad(
                format!("There is a control character (U+{:04X}) in that line", u32::from(character)),
                "Type the line anew; copying from elsewhere may bring such characters along.",
                point(&before, before.chars().count()),
            ),
            WordsError::Unmatched { quote, line, at } => bad(
                format!("The quotation mark `{quote}` has no partner"),
                "Close it, or leave it out: quotes are needed only round words that belong together.",
                point(&line, at),
            ),
        }
    }
}

/// The surroundings of a place in a line, and below them a mark that points at it.
fn point(line: &str, at: usize) -> Vec<String> {
    let from = at.saturating_sub(AROUND);
    let shown: String = line.chars().skip(from).take(2 * AROUND).collect();
    let lead = if from > 0 { "…" } else { "" };
    let blanks = " ".repeat(at - from + lead.chars().count());
    vec![format!("{lead}{shown}"), format!("{blanks}^ here")]
}

/// A word in quotes if it needs them to come out of [`split`] as one word that is no flag and no `name=value`. Typographic quotation
/// marks in it become plain ones, as [`split`] would have it: left as they are they would end the quotes.
#[must_use]
pub fn quote(text: &str) -> String {
    let plain =
        |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | '/' | ':' | '@' | '#' | '+' | ',');
    if !text.is_empty() && !text.starts_with('-') && text.chars().all(plain) {
        return text.to_owned();
    }
    let text = clean::straight(text).replace('\\', "\\\\").replace('"', "\\\"");
    format!("\"{text}\"")
}

/// Whether a text that is quoted comes through as it is: nothing in it is typography that [`split`] undoes.
#[must_use]
pub fn comes_through(text: &str) -> bool {
    split(&quote(text)).is_ok_and(|words| matches!(&*words.words, [word] if word.text == text))
}

#[cfg(test)]
mod tests;
