//! The last guard of the record: what looks like a key of ours never gets into it, whoever wrote the entry.

use std::borrow::Cow;

use super::Entry;

/// How keys of ours begin.
const BEGINNINGS: [&str; 2] = ["adk_", "ada_"];
/// Characters after the beginning.
const REST: usize = 28;
/// Stands for a key. Not longer than one, so that no text grows.
const REDACTED: &str = "[redacted]";

impl Entry {
    /// The same without keys, and without the characters that PostgreSQL cannot keep.
    pub(super) fn clean(&self) -> Cow<'_, Self> {
        let dirty = |text: &str| text.contains('\0') || find(text).is_some();
        let texts = [Some(&self.actor), Some(&self.target), Some(&self.body)];
        if !texts.into_iter().chain([self.outcome.as_ref()]).flatten().any(|text| dirty(text)) {
            return Cow::Borrowed(self);
        }
        Cow::Owned(Self {
            actor: cleaned(&self.actor),
            target: cleaned(&self.target),
            outcome: self.outcome.as_deref().map(cleaned),
            body: cleaned(&self.body),
            ..self.clone()
        })
    }
}

/// The text without keys and NULs: for whatever is to be kept.
pub(crate) fn cleaned(text: &str) -> String {
    let mut rest = text;
    let mut kept = String::with_capacity(text.len());
    while let Some((before, after)) = find(rest) {
        kept.push_str(before);
        kept.push_str(REDACTED);
        rest = after;
    }
    kept.push_str(rest);
    kept.replace('\0', "")
}

/// What stands before and after the first key.
fn find(text: &str) -> Option<(&str, &str)> {
    let mut from = 0;
    loop {
        let rest = text.get(from..)?;
        let at = from + BEGINNINGS.iter().filter_map(|beginning| rest.find(beginning)).min()?;
        let end = at + BEGINNINGS.first().map_or(0, |beginning| beginning.len()) + REST;
        let key = text.get(at..end);
        if key.is_some_and(|key| key.bytes().skip(4).all(|byte| byte.is_ascii_alphanumeric())) {
            return Some((text.get(..at)?, text.get(end..)?));
        }
        from = at + 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_left_out_and_everything_else_stays() {
        let key = "adk_4hT9sXqB0mZr7LwYdKfC1P1LTKxd";
        assert_eq!(cleaned(&format!("deploy --with={key}, {key}")), "deploy --with=[redacted], [redacted]");
        for plain in ["", "adk_", "adk_ü4hT9sXqB0mZr7LwYdKfC1P1LTKxd", "ada_short adk_", "nothing"] {
            assert_eq!(cleaned(plain), plain);
        }
        assert_eq!(cleaned("a\0b"), "ab");
        let entry = Entry::now("test", "svc:ci", "x");
        assert!(matches!(entry.clean(), Cow::Borrowed(_)));
    }
}
