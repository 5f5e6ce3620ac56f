//! Marks that chat clients put around words, and blanks that nobody sees: what is left of them when a message is read as a command.

/// Drops a mark at the end whose other half stood before what is read.
#[must_use]
pub fn balanced(text: &str, is_mark: fn(char) -> bool) -> &str {
    let text = text.trim_end();
    match text.chars().last().filter(|c| is_mark(*c)) {
        Some(mark) if text.chars().filter(|c| *c == mark).count() % 2 == 1 => text.trim_end_matches(mark),
        _ => text,
    }
}

/// A command without the marks around the whole of it, in the order in which they are tried.
#[must_use]
pub fn unwrapped<'a>(text: &'a str, marks: &[&str]) -> &'a str {
    let mut text = text.trim();
    for mark in marks {
        let inner = text.strip_prefix(mark).and_then(|rest| rest.strip_suffix(mark));
        if let Some(inner) = inner.filter(|inner| !inner.is_empty() && !inner.contains(mark)) {
            text = inner.trim();
        }
    }
    text
}

/// Whether a character shows nothing.
#[must_use]
pub fn is_blank(c: char) -> bool {
    c.is_whitespace() || matches!(c, '\u{200B}' | '\u{FEFF}' | '\u{2060}')
}

/// Whether there is nothing but a mention of somebody, in the form `<@…>`.
#[must_use]
pub fn is_only_a_mention(text: &str) -> bool {
    text.strip_prefix("<@")
        .and_then(|rest| rest.split_once('>'))
        .is_some_and(|(_, after)| after.trim_matches([':', ',', ' ']).is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_around_the_whole_are_dropped_and_others_stay() {
        for (text, meant) in [
            ("`help`", "help"),
            ("**help**", "help"),
            (" *`help`* ", "*`help`*"),
            ("*a* b *c*", "*a* b *c*"),
            ("``", "``"),
        ] {
            assert_eq!(unwrapped(text, &["`", "**"]), meant, "{text}");
        }
        let star = |c| c == '*';
        assert_eq!((balanced("help*", star), balanced("*help* ", star)), ("help", "*help*"));
        assert!(is_only_a_mention("<@1>: ") && !is_only_a_mention("<@1> x"));
    }
}
