//! Discord's limits on application commands, and texts made to fit them. Source: Discord, "Application Commands". Lengths
//! are counted in UTF-16 units: nobody counts more, so what fits here fits whatever Discord counts.

use serde_json::Value;

/// Most typed commands of an app.
pub(super) const COMMANDS: usize = 100;
/// Most options, choices or sub-commands on one level.
pub(super) const LEVEL: usize = 25;
/// Longest name, of a command or an option.
pub(super) const NAME: usize = 32;
/// Longest description.
pub(super) const DESCRIPTION: usize = 100;
/// Longest name of a choice, and longest value.
pub(super) const CHOICE: usize = 100;
/// Most characters of one command: all names, descriptions and values.
pub(super) const WHOLE: usize = 8_000;
/// Whole numbers lie between this and its negative, as JavaScript has no others.
pub(super) const INTEGER: i64 = (1 << 53) - 1;

/// How long Discord finds a text.
pub(super) fn length(text: &str) -> usize {
    text.encode_utf16().count()
}

/// A text on one line, at most this long.
pub(super) fn cut(text: &str, most: usize) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if length(&text) <= most {
        return text;
    }
    let mut room = most.saturating_sub(1);
    let fits = |c: &char| {
        let fits = c.len_utf16() <= room;
        room = room.saturating_sub(c.len_utf16());
        fits
    };
    let kept: String = text.chars().take_while(fits).collect();
    format!("{}…", kept.trim_end())
}

/// A description: the text, or the other one if it says nothing.
pub(super) fn description(text: &str, otherwise: &str) -> String {
    let says = text.contains(char::is_alphanumeric);
    cut(if says { text } else { otherwise }, DESCRIPTION)
}

/// Whether Discord takes this as the name of a command or an option. It takes more, but no description has other names.
pub(super) fn is_name(name: &str) -> bool {
    let good = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_');
    !name.is_empty() && name.len() <= NAME && name.chars().all(good)
}

/// How much of [`WHOLE`] a command, an option or a choice takes, with all that is below it.
pub(super) fn characters(of: &Value) -> usize {
    let own = ["name", "description", "value"].iter().filter_map(|field| of.get(field)?.as_str()).map(length);
    let below = ["options", "choices"].iter().filter_map(|field| of.get(field)?.as_array()).flatten();
    own.sum::<usize>() + below.map(characters).sum::<usize>()
}
