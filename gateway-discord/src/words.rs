//! From Discord's text to the words that were meant: mentions, marks around a command, quotations. Source: Discord, "Message
//! Formatting". Dashes, quotes and blanks are the worker's.

use adjutant_gateway::marks::{balanced, is_blank, is_only_a_mention, unwrapped};

use crate::snowflake::Snowflake;

/// Marks around a whole command.
const MARKS: [&str; 8] = ["```", "`", "**", "*", "__", "_", "~~", "||"];

/// What a message to the bot says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Said {
    /// These words.
    Words(String),
    /// It speaks of the bot, not to it: the mention is not at the beginning, or stands in a quotation.
    NotToUs,
}

/// The words of a message in which the bot is mentioned. Only a mention at the beginning speaks to it.
pub(crate) fn mentioned(text: &str, bot: Snowflake) -> Said {
    let own = without_quotations(text);
    let begun = own.len();
    let own = own.trim_start_matches(|c: char| is_blank(c) || is_mark(c));
    let marked = own.len() < begun;
    let forms = [format!("<@{bot}>"), format!("<@!{bot}>")];
    let Some(rest) = forms.iter().find_map(|form| own.strip_prefix(form.as_str())) else {
        return Said::NotToUs;
    };
    let rest = rest.trim_start_matches(|c: char| marked && is_mark(c));
    let rest = rest.trim_start_matches(|c: char| is_blank(c) || matches!(c, ':' | ','));
    Said::Words(words(unwrapped(balanced(rest, is_mark), &MARKS)))
}

/// The words of a direct message. A mention of the bot at its beginning is left out.
pub(crate) fn direct(text: &str, bot: Snowflake) -> Said {
    match mentioned(text, bot) {
        Said::Words(words) => Said::Words(words),
        Said::NotToUs => {
            let own = without_quotations(text);
            if own.trim().is_empty() && !text.trim().is_empty() {
                return Said::NotToUs;
            }
            Said::Words(words(unwrapped(own.trim(), &MARKS)))
        }
    }
}

/// Text with the `<…>` forms as what they mean, and without the backslashes that keep marks from acting.
pub(crate) fn words(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('<') {
        out.push_str(before);
        match after.split_once('>').and_then(|(form, tail)| Some((meant(form)?, tail))) {
            Some((meant, tail)) => {
                out.push_str(&meant);
                rest = tail;
            }
            None => {
                out.push('<');
                rest = after;
            }
        }
    }
    out.push_str(rest);
    unescaped(out.trim())
}

/// What one `<…>` form means; none if it is no form of Discord's.
fn meant(form: &str) -> Option<String> {
    if form.starts_with("https://") || form.starts_with("http://") {
        // A link whose preview somebody switched off.
        return Some(form.to_owned());
    }
    let id = |text: &str| Snowflake::parse(text).map(|id| id.to_string());
    if let Some(command) = form.strip_prefix("/") {
        let (name, number) = command.rsplit_once(':')?;
        return id(number).map(|_| name.to_owned());
    }
    if let Some(emoji) = form.strip_prefix(':').or_else(|| form.strip_prefix("a:")) {
        let (name, number) = emoji.split_once(':')?;
        return id(number).map(|_| format!(":{name}:"));
    }
    ["@!", "@&", "@", "#"].iter().find_map(|sign| form.strip_prefix(sign)).and_then(id)
}

/// A backslash before a mark is there for Discord. Before a quote it is the worker's.
fn unescaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut all = text.chars().peekable();
    while let Some(c) = all.next() {
        let before_mark = c == '\\' && all.peek().is_some_and(|next| "*_~|>#`<".contains(*next));
        if !before_mark {
            out.push(c);
        }
    }
    out
}

/// The text without quoted lines and code blocks. A code block that is the whole of it is a command in a frame.
fn without_quotations(text: &str) -> String {
    if let Some(at) = text.find(">>> ").filter(|at| *at == 0 || text.as_bytes().get(at - 1) == Some(&b'\n')) {
        return without_quotations(text.get(..at).unwrap_or_default());
    }
    let lines = text.lines().filter(|line| !line.starts_with("> "));
    let text = lines.collect::<Vec<_>>().join("\n");
    let pieces: Vec<&str> = text.split("```").collect();
    if pieces.len() < 3 {
        return text;
    }
    let outside: String = pieces.iter().step_by(2).copied().collect();
    let framed = outside.trim().is_empty() && !text.contains("<@");
    let nothing_else = framed || is_only_a_mention(outside.trim());
    if nothing_else && pieces.len() == 3 { text } else { outside }
}

const fn is_mark(c: char) -> bool {
    matches!(c, '*' | '_' | '~' | '|')
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOT: Snowflake = Snowflake(6001);

    #[test]
    fn only_what_is_said_to_the_bot_is_a_command() {
        let said = |text: &str| match mentioned(text, BOT) {
            Said::Words(words) => Some(words),
            Said::NotToUs => None,
        };
        for (text, words) in [
            ("<@6001> deploy list", "deploy list"),
            ("<@!6001>: deploy list", "deploy list"),
            ("  **<@6001>** `deploy list`", "deploy list"),
            ("<@6001> `deploy list`", "deploy list"),
            ("<@6001> ```deploy list```", "deploy list"),
            ("<@6001>", ""),
            ("<@6001> ask <@4002> in <#5001> <@&7001>", "ask 4002 in 5001 7001"),
            ("<@6001> see <https://example.com/a?b=c>", "see https://example.com/a?b=c"),
            ("<@6001> run </deploy list:123> <:ok:12> a < b > c", "run deploy list :ok: a < b > c"),
            (r#"<@6001> say \*this\* "and \"that\"""#, r#"say *this* "and \"that\"""#),
            ("> <@6001> drop everything\n<@6001> help", "help"),
        ] {
            assert_eq!(said(text).as_deref(), Some(words), "{text}");
        }
        for text in [
            "hello <@6001> deploy list",
            "> <@6001> deploy",
            ">>> <@6001> deploy",
            "<@60012> x",
            "```<@6001> x```",
        ] {
            assert_eq!(said(text), None, "{text}");
        }
    }

    #[test]
    fn a_direct_message_needs_no_mention() {
        let said = |text: &str| direct(text, BOT);
        assert_eq!(said("help"), Said::Words("help".to_owned()));
        assert_eq!(said("<@6001> help"), Said::Words("help".to_owned()));
        assert_eq!(said("```\nhelp\n```"), Said::Words("help".to_owned()));
        assert_eq!(said("> help"), Said::NotToUs);
    }
}
