//! The key that signs checkpoints: Ed25519 (RFC 8032), from the configuration or a file of this replica's own.

use std::{
    fmt,
    path::{Path, PathBuf},
};

use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};

use super::{hex, unhex};
use crate::key::write_new;

/// Bytes of a seed, and of a public key.
const LENGTH: usize = 32;

/// The key that signs checkpoints.
#[derive(Clone)]
pub struct AuditKey(SigningKey);

impl fmt::Debug for AuditKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AuditKey(redacted)")
    }
}

/// Why there is no key to sign with.
#[derive(Debug, thiserror::Error)]
pub enum AuditKeyError {
    /// The file cannot be read or made.
    #[error("the audit key file {0} cannot be used: {1}")]
    File(PathBuf, std::io::Error),
    /// It does not hold what it should.
    #[error(
        "the audit key is not 64 hexadecimal digits (an Ed25519 seed); make one with `openssl rand -hex 32`"
    )]
    Malformed,
}

impl AuditKey {
    /// Reads 64 hexadecimal digits: the seed of RFC 8032.
    ///
    /// # Errors
    /// `Malformed`, without the text.
    pub fn parse(text: &str) -> Result<Self, AuditKeyError> {
        let seed = unhex(text.trim()).and_then(|seed| <[u8; LENGTH]>::try_from(seed).ok());
        seed.map(|seed| Self(SigningKey::from_bytes(&seed))).ok_or(AuditKeyError::Malformed)
    }

    /// The key in this file; a new one, readable by its owner only, when there is no such file.
    ///
    /// # Errors
    /// When the file cannot be read or made, or holds something else.
    pub fn load_or_make(file: &Path) -> Result<Self, AuditKeyError> {
        let told = |error| AuditKeyError::File(file.to_owned(), error);
        match std::fs::read_to_string(file) {
            Ok(text) => Self::parse(&text),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let made = Self(SigningKey::from_bytes(&rand::random()));
                match write_new(file, &format!("{}\n", hex(&made.0.to_bytes()))) {
                    // Another process was faster.
                    Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
                        std::fs::read_to_string(file).map_err(told).and_then(|text| Self::parse(&text))
                    }
                    written => written.map(|()| made).map_err(told),
                }
            }
            Err(error) => Err(told(error)),
        }
    }

    /// The key in this file, if there is such a file.
    ///
    /// # Errors
    /// When it cannot be read, or holds something else.
    pub fn load(file: &Path) -> Result<Option<Self>, AuditKeyError> {
        match std::fs::read_to_string(file) {
            Ok(text) => Self::parse(&text).map(Some),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(AuditKeyError::File(file.to_owned(), error)),
        }
    }

    /// The public half: what others check signatures with.
    #[must_use]
    pub fn public(&self) -> PublicKey {
        PublicKey(self.0.verifying_key().to_bytes())
    }

    pub(super) fn sign(&self, text: &[u8]) -> Vec<u8> {
        self.0.sign(text).to_bytes().to_vec()
    }
}

/// The public half of an [`AuditKey`].
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct PublicKey([u8; LENGTH]);

impl PublicKey {
    /// These bytes, if there are as many as there must be.
    #[must_use]
    pub fn new(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    pub(super) const fn bytes(&self) -> &[u8; LENGTH] {
        &self.0
    }

    /// Whether this is the signature of the text under this key.
    pub(super) fn signed(&self, text: &[u8], signature: &[u8]) -> bool {
        let (key, signature) = (VerifyingKey::from_bytes(&self.0), Signature::from_slice(signature));
        matches!((key, signature), (Ok(key), Ok(signature)) if key.verify_strict(text, &signature).is_ok())
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex(&self.0))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({self})")
    }
}

impl std::str::FromStr for PublicKey {
    type Err = NoPublicKey;
    fn from_str(text: &str) -> Result<Self, NoPublicKey> {
        unhex(text.trim()).and_then(|bytes| Self::new(&bytes)).ok_or(NoPublicKey)
    }
}

/// Text that is no public key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a public key is 64 hexadecimal digits")]
pub struct NoPublicKey;
