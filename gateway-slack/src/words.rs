//! From Slack's text to the words that were meant: entities, mentions, auto-linked hosts, marks around a command, quotations.
//! Source: Slack, "Formatting text for app surfaces", and what its clients send. Dashes, quotes and blanks are the worker's.

use adjutant_gateway::marks::{balanced, is_blank, is_only_a_mention, unwrapped};

/// Marks around a whole command.
const MARKS: [&str; 5] = ["```", "`", "*", "_", "~"];

/// What a message to the bot says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Said {
    /// These words.
    Words(String),
    /// It speaks of the bot, not to it: the mention is not at the beginning, or stands in a quotation.
    NotToUs,
}

/// The words of a message in which the bot is mentioned. Only a mention at the beginning speaks to it.
pub(crate) fn mentioned(text: &str, bot: &str) -> Said {
    let own = without_quotations(text);
    let own = own.trim_start_matches(|c: char| is_blank(c) || is_mark(c));
    let Some(rest) = own.strip_prefix("<@").and_then(|rest| rest.strip_prefix(bot)) else {
        return Said::NotToUs;
    };
    let Some((label, rest)) = rest.split_once('>') else { return Said::NotToUs };
    if !(label.is_empty() || label.starts_with('|')) {
        return Said::NotToUs;
    }
    let rest = rest.trim_start_matches(|c: char| is_blank(c) || matches!(c, ':' | ','));
    Said::Words(words(unwrapped(balanced(rest, is_mark), &MARKS)))
}

/// The words of a direct message. A mention of the bot at its beginning is left out.
pub(crate) fn direct(text: &str, bot: &str) -> Said {
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

/// Escaped text as plain text: first the `<…>` forms, then the three entities.
pub(crate) fn words(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('<') {
        out.push_str(&unescape(before));
        match after.split_once('>') {
            Some((form, tail)) if !form.contains('<') => {
                out.push_str(&meant(form));
                rest = tail;
            }
            _ => {
                out.push('<');
                rest = after;
            }
        }
    }
    out.push_str(&unescape(rest));
    out.trim().to_owned()
}

/// What one `<…>` form means.
fn meant(form: &str) -> String {
    let (target, label) = form.split_once('|').map_or((form, None), |(target, label)| (target, Some(label)));
    if let Some(id) = target.strip_prefix('@').or_else(|| target.strip_prefix('#')) {
        return id.to_owned();
    }
    if let Some(special) = target.strip_prefix('!') {
        if let Some(group) = special.strip_prefix("subteam^") {
            return group.to_owned();
        }
        // `<!here>` has no label, `<!date^…|fallback>` has one.
        return match label {
            Some(label) => unescape(label.trim_start_matches('@')),
            None => special.to_owned(),
        };
    }
    let bare =
        ["http://", "https://", "mailto:", "tel:"].iter().find_map(|scheme| target.strip_prefix(scheme));
    match label {
        // The client made a link of what was typed without one.
        Some(label) if bare.is_some_and(|bare| bare.trim_end_matches('/') == label.trim_end_matches('/')) => {
            unescape(label)
        }
        _ => unescape(target),
    }
}

fn unescape(text: &str) -> String {
    // `&amp;` last, so that `&amp;lt;` stays what was typed.
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
}

/// The text without quoted lines and code blocks. A code block that is the whole of it is a command in a frame.
fn without_quotations(text: &str) -> String {
    let lines = text.lines().filter(|line| !line.trim_start().starts_with("&gt;"));
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
    matches!(c, '*' | '_' | '~')
}

#[cfg(test)]
mod tests;
