//! Names that look alike. Only ever a hint: names are the same if they are so character for character.

use adjutant_bus::directory::{Listed, Listing};
use unicode_security::confusable_detection::skeleton;

use crate::{finding::did_you_mean, text::is_hidden};

/// What is left of a name for the eye (Unicode, "UTS #39"), without case and without what cannot be seen.
fn fold(name: &str) -> String {
    let seen: String = name.chars().filter(|c| !is_hidden(*c) || *c == ' ').collect();
    // Capitals first: to the eye `I` is `l`, and a name in capitals is still the same name.
    skeleton(&seen.trim().to_lowercase()).collect()
}

/// What may have been meant by a name that no group bears.
pub(super) fn hint(name: &str, listings: &[Listing], policy_names: &[&str]) -> String {
    let folded = fold(name);
    let groups = || listings.iter().flat_map(|listing| &listing.groups);
    let alike: Vec<&Listed> = groups().filter(|group| fold(&group.name) == folded).collect();
    if let Some(first) = alike.first() {
        return format!(
            ". {} looks alike, but is called {}: names must be the same, character for character",
            first.id,
            spelled(&first.name)
        );
    }
    let candidates = groups().map(|group| group.name.as_str()).chain(policy_names.iter().copied());
    let close = did_you_mean(name, candidates.filter(|candidate| *candidate != name));
    if close.is_empty() { ". Create the group, or correct the row.".to_owned() } else { close }
}

/// A name with what is not plain Latin text written as code points.
fn spelled(name: &str) -> String {
    let plain = |c: char| c.is_ascii_graphic() || c == ' ' || matches!(c, '\u{C0}'..='\u{17F}');
    let shown = name.chars().take(60).map(|c| match plain(c) {
        true => c.to_string(),
        false => format!("<U+{:04X}>", u32::from(c)),
    });
    format!("`{}`", shown.collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_looks_alike_folds_to_the_same() {
        let alike = [
            "engineering",
            "Еngineering",
            "Ｅｎｇｉｎｅｅｒｉｎｇ",
            "Engineering\u{200B}",
            "\u{202E}Engineering",
            " ENGINEERING ",
        ];
        for name in alike {
            assert_eq!(fold(name), fold("Engineering"), "{name:?}");
        }
        assert_ne!(fold("Engineers"), fold("Engineering"));
        assert_eq!(spelled("Еngineering\u{200B}"), "`<U+0415>ngineering<U+200B>`");
    }
}
