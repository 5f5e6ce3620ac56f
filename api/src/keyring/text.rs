//! Texts that people give: bounded, and without control characters, of which PostgreSQL cannot keep one.

use std::collections::BTreeMap;

use super::KeyringError;

/// Most characters of a name of a key.
pub(crate) const NAME: usize = 100;
/// Most characters of a description.
pub(crate) const DESCRIPTION: usize = 500;
/// Most characters of an owner, a label or a reason.
pub(crate) const LINE: usize = 200;
/// Most labels.
pub(crate) const LABELS: usize = 32;
/// Most scopes, and most networks.
pub(crate) const LIST: usize = 64;

/// A text of at most so many characters, none of which is a control character.
pub(crate) fn line(place: &'static str, text: &str, most: usize) -> Result<(), KeyringError> {
    if text.chars().count() > most {
        return Err(KeyringError::Misfit(place, format!("at most {most} characters")));
    }
    if text.chars().any(char::is_control) {
        return Err(KeyringError::Misfit(place, "no control characters".to_owned()));
    }
    Ok(())
}

/// The same, with something in it.
pub(crate) fn name(place: &'static str, text: &str) -> Result<(), KeyringError> {
    if text.is_empty() {
        return Err(KeyringError::Misfit(place, "something must be given".to_owned()));
    }
    line(place, text, NAME)
}

/// Labels, not too many.
pub(crate) fn labels(labels: &BTreeMap<String, String>) -> Result<(), KeyringError> {
    few("labels", labels.len(), LABELS)?;
    labels
        .iter()
        .try_for_each(|(label, value)| line("labels", label, LINE).and_then(|()| line("labels", value, LINE)))
}

/// A list, not too long.
pub(crate) fn few(place: &'static str, count: usize, most: usize) -> Result<(), KeyringError> {
    if count > most { Err(KeyringError::Misfit(place, format!("at most {most}"))) } else { Ok(()) }
}
