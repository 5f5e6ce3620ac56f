//! An API key as text: 32 characters, well formed or not, without asking anybody. The digest that is stored is in `digest`.
//!
//! `adk_` or `ada_`, 22 random base-62 characters (131 bits; NIST SP 800-63B asks for 112), and the CRC-32 of all that as 6
//! base-62 digits: a typing mistake is found offline, and scanners find leaked keys exactly.

mod digest;
mod pepper;

use std::fmt;

use rand::{RngExt, distr::Alphanumeric};
use secrecy::{ExposeSecret, SecretString};

pub(crate) use self::pepper::write_new;
pub use self::{
    digest::{Digest, Peppers},
    pepper::{Pepper, PepperError},
};

/// Characters of a key, all in all.
pub const LENGTH: usize = 32;
/// What a scanner looks for, as a regular expression.
pub const PATTERN: &str = "ad[ka]_[0-9A-Za-z]{28}";

const RANDOM: usize = 22;
const CHECKED: usize = 26;
const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// What a key is for, told by its prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A service's key, `adk_`.
    Service,
    /// An administrator's key, `ada_`.
    Admin,
}

impl Kind {
    /// The word in the database and in answers.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Service => "service",
            Self::Admin => "admin",
        }
    }

    const fn prefix(self) -> &'static str {
        match self {
            Self::Service => "adk_",
            Self::Admin => "ada_",
        }
    }
}

/// A well-formed key. Shown once when it is made; never printed by accident.
#[derive(Clone)]
pub struct ApiKey {
    kind: Kind,
    text: SecretString,
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ApiKey({}…)", self.kind.prefix())
    }
}

/// Why a text is no key. Never holds the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// It has another number of characters.
    #[error("a key has 32 characters, this has {0}")]
    Length(usize),
    /// It begins otherwise.
    #[error("a key begins with adk_ or ada_")]
    Prefix,
    /// It has other characters than letters and digits.
    #[error("a key has only letters and digits after its prefix")]
    Alphabet,
    /// Its checksum does not fit: mistyped or cut.
    #[error("the checksum does not fit: the key is mistyped")]
    Checksum,
}

impl ApiKey {
    /// A new key from the operating system's generator.
    #[must_use]
    pub fn generate(kind: Kind) -> Self {
        let mut text = String::with_capacity(LENGTH);
        text.push_str(kind.prefix());
        text.extend(rand::rng().sample_iter(Alphanumeric).take(RANDOM).map(char::from));
        let sum = checksum(text.as_bytes());
        text.extend(sum.iter().copied().map(char::from));
        Self { kind, text: text.into() }
    }

    /// Reads a key as it is presented. Nothing is trimmed.
    ///
    /// # Errors
    /// Says why the text is no key, without the text.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        Self::shape(text).map(|kind| Self { kind, text: text.to_owned().into() })
    }

    /// As [`Self::parse`], for who needs only to know.
    ///
    /// # Errors
    /// Says why the text is no key.
    pub fn shape(text: &str) -> Result<Kind, Malformed> {
        let bytes = text.as_bytes();
        if bytes.len() != LENGTH {
            return Err(Malformed::Length(text.chars().count()));
        }
        let kind = match bytes.get(..4) {
            Some(b"adk_") => Kind::Service,
            Some(b"ada_") => Kind::Admin,
            _ => return Err(Malformed::Prefix),
        };
        if !bytes.iter().skip(4).all(u8::is_ascii_alphanumeric) {
            return Err(Malformed::Alphabet);
        }
        let (checked, sum) = bytes.split_at(CHECKED);
        if checksum(checked) == sum { Ok(kind) } else { Err(Malformed::Checksum) }
    }

    /// What it is for.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        self.kind
    }

    /// The text, for the one who shows it once or digests it.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.text.expose_secret()
    }

    /// The last three characters, by which people tell keys apart (17.9 of 131 bits).
    #[must_use]
    pub fn hint(&self) -> String {
        self.expose().chars().skip(LENGTH - 3).collect()
    }
}

/// CRC-32 (IEEE) as six base-62 digits, the highest first.
fn checksum(bytes: &[u8]) -> [u8; 6] {
    let mut rest = crc32fast::hash(bytes);
    let mut sum = [b'0'; 6];
    for place in sum.iter_mut().rev() {
        let digit = usize::try_from(rest % 62).unwrap_or_default();
        *place = DIGITS.get(digit).copied().unwrap_or(b'0');
        rest /= 62;
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_golden_vectors_are_keys_and_their_swapped_prefix_is_none() {
        for text in [
            "adk_00000000000000000000004D684a",
            "ada_4hT9sXqB0mZr7LwYdKfC1P1DjAPw",
            "adk_zzzzzzzzzzzzzzzzzzzzzz333WCP",
        ] {
            assert!(ApiKey::parse(text).is_ok(), "{text}");
        }
        assert_eq!(ApiKey::shape("ada_00000000000000000000004D684a"), Err(Malformed::Checksum));
    }

    #[test]
    fn what_is_made_is_well_formed_and_one_changed_character_is_found() {
        for kind in [Kind::Service, Kind::Admin] {
            let key = ApiKey::generate(kind);
            assert_eq!(ApiKey::shape(key.expose()), Ok(kind));
            for place in 0..LENGTH {
                let mut text = key.expose().to_owned().into_bytes();
                text[place] = if text[place] == b'x' { b'y' } else { b'x' };
                assert!(ApiKey::shape(std::str::from_utf8(&text).unwrap()).is_err());
            }
        }
    }

    #[test]
    fn what_is_no_key_is_told_apart() {
        assert_eq!(ApiKey::shape(""), Err(Malformed::Length(0)));
        assert_eq!(ApiKey::shape(&"ä".repeat(16)), Err(Malformed::Prefix));
        assert_eq!(ApiKey::shape("xxx_00000000000000000000004D684a"), Err(Malformed::Prefix));
        assert_eq!(ApiKey::shape("adk_0000000000000000000000-D684a"), Err(Malformed::Alphabet));
    }

    #[test]
    fn a_key_is_never_printed() {
        let key = ApiKey::generate(Kind::Service);
        assert!(!format!("{key:?}").contains(key.expose().trim_start_matches("adk_")));
    }
}
