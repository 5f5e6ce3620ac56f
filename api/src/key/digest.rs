//! What is stored of a key: HMAC-SHA-256 under the pepper (NIST SP 800-63B: an approved one-way function, keyed, the key kept
//! apart). The key schedule is done once; each digest clones it.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;

use super::{ApiKey, Pepper};

type HmacSha256 = Hmac<Sha256>;

/// What a pepper makes of a fixed text, to know it again without keeping it.
const CHECK: &[u8] = b"check";

/// 32 bytes from which nothing of the key can be learnt without the pepper.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Digest([u8; 32]);

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Digest(redacted)")
    }
}

impl Digest {
    /// The bytes, for the database.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Whether a stored digest is this one, in constant time.
    #[must_use]
    pub fn is(&self, stored: &[u8]) -> bool {
        self.0.ct_eq(stored).into()
    }
}

/// One pepper, ready for use.
#[derive(Clone)]
struct Keyed(HmacSha256);

impl Keyed {
    fn new(pepper: &Pepper) -> Self {
        // A key shorter than a block is filled up with zeros (RFC 2104 §2).
        let mut block = [0u8; 64];
        block.iter_mut().zip(pepper.expose()).for_each(|(to, from)| *to = *from);
        Self(HmacSha256::new(&block.into()))
    }

    fn digest(&self, bytes: &[u8]) -> Digest {
        let mut mac = self.0.clone();
        mac.update(bytes);
        Digest(mac.finalize().into_bytes().into())
    }
}

/// The pepper in use and, while it is being replaced, the one before.
#[derive(Clone)]
pub struct Peppers {
    current: Keyed,
    previous: Option<Keyed>,
}

impl fmt::Debug for Peppers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Peppers(redacted)")
    }
}

impl Peppers {
    /// These peppers.
    #[must_use]
    pub fn new(current: &Pepper, previous: Option<&Pepper>) -> Self {
        Self { current: Keyed::new(current), previous: previous.map(Keyed::new) }
    }

    /// The digest under the pepper in use.
    #[must_use]
    pub fn digest(&self, key: &ApiKey) -> Digest {
        self.current.digest(key.expose().as_bytes())
    }

    /// The digest of any other secret text under the pepper in use, such as that of a hook.
    #[must_use]
    pub fn digest_text(&self, text: &str) -> Digest {
        self.current.digest(text.as_bytes())
    }

    /// The same under the pepper before, if there is one.
    #[must_use]
    pub fn previous_digest_text(&self, text: &str) -> Option<Digest> {
        self.previous.as_ref().map(|pepper| pepper.digest(text.as_bytes()))
    }

    /// The digest under the pepper before, if there is one.
    #[must_use]
    pub fn previous_digest(&self, key: &ApiKey) -> Option<Digest> {
        self.previous.as_ref().map(|pepper| pepper.digest(key.expose().as_bytes()))
    }

    /// By what the pepper in use is known again: eight bytes.
    #[must_use]
    pub fn check_value(&self) -> Vec<u8> {
        check_value(&self.current)
    }

    /// The same for the one before.
    #[must_use]
    pub fn previous_check_value(&self) -> Option<Vec<u8>> {
        self.previous.as_ref().map(check_value)
    }
}

fn check_value(pepper: &Keyed) -> Vec<u8> {
    pepper.digest(CHECK).0.into_iter().take(8).collect()
}
