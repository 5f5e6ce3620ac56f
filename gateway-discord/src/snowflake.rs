//! Discord's ids: 64 bits, written as digits, with the time at which they were made (Discord: "Snowflakes").

use std::fmt;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// The first millisecond of 2015, from which Discord counts, as Unix milliseconds.
const EPOCH: u64 = 1_420_070_400_000;

/// An id. It goes into paths, so that nothing but digits can be one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Snowflake(pub(crate) u64);

impl Snowflake {
    /// Reads the digits; none if it is anything else.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        digits.then(|| text.parse().ok()).flatten().map(Self)
    }

    /// As a text or, leniently, as a number.
    pub(crate) fn read(value: &Value) -> Option<Self> {
        value.as_str().and_then(Self::parse).or_else(|| value.as_u64().map(Self))
    }

    /// When Discord made it.
    pub(crate) fn made_at(self) -> Timestamp {
        let at = i64::try_from((self.0 >> 22) + EPOCH).unwrap_or(i64::MAX);
        Timestamp::from_millisecond(at).unwrap_or(Timestamp::MAX)
    }

    /// How long ago Discord made it, by our clock.
    pub(crate) fn age(self) -> SignedDuration {
        Timestamp::now().duration_since(self.made_at())
    }

    /// The lowest id that Discord makes from this moment on.
    pub(crate) fn at(moment: Timestamp) -> Self {
        let since = u64::try_from(moment.as_millisecond()).unwrap_or_default().saturating_sub(EPOCH);
        Self(since << 22)
    }
}

impl fmt::Display for Snowflake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// For fields of lenient structs: what is no id is none.
pub(crate) fn lenient<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Snowflake>, D::Error> {
    Ok(Snowflake::read(&Value::deserialize(from)?))
}

/// The same for a list, of which what is no id is left out.
pub(crate) fn list<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Snowflake>, D::Error> {
    let all = Value::deserialize(from)?;
    Ok(all.as_array().map(|all| all.iter().filter_map(Snowflake::read).collect()).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_digits_are_an_id() {
        assert_eq!(Snowflake::read(&json!("175928847299117063")), Some(Snowflake(175_928_847_299_117_063)));
        assert_eq!(Snowflake::read(&json!(42)), Some(Snowflake(42)));
        for wrong in
            [json!(""), json!("12/../3"), json!("+1"), json!("99999999999999999999"), json!(-1), json!(null)]
        {
            assert_eq!(Snowflake::read(&wrong), None, "{wrong}");
        }
    }

    #[test]
    fn the_documented_example_was_made_when_the_documentation_says() {
        let made = Snowflake(175_928_847_299_117_063).made_at();
        assert_eq!(made.to_string(), "2016-04-30T11:18:25.796Z");
        assert!(Snowflake::at(made) <= Snowflake(175_928_847_299_117_063));
    }
}
