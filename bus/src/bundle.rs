//! The published policy: bundles, each written once under its version, and drafts that are to become one. What the files mean is
//! not known here.

mod shelf;

use std::{collections::BTreeMap, io::Read};

use base64::{Engine, engine::general_purpose::STANDARD};
use flate2::{Compression, read::DeflateDecoder, write::DeflateEncoder};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use self::shelf::{News, Unpublished, all, at, discard, draft, newest, publish, upload, watch};
use crate::{id::RequestId, wire::Version};

/// Most bytes that files unpack to: five files of 4 MiB.
pub const MOST_UNPACKED: u64 = 20 * 1024 * 1024;

/// A version of the policy, by number and content.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Named {
    /// The version; it only rises.
    pub version: u64,
    /// SHA-256 of the files, hexadecimal.
    pub sha256: String,
}

/// One published version of the policy. Writing version n + 1 only if there is none is the compare-and-set on version n.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Bundle {
    /// Wire version.
    pub v: Version,
    /// Version of the policy and SHA-256 of its files.
    #[serde(flatten)]
    pub named: Named,
    /// The version that this one replaces; none for the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<Named>,
    /// Who published it: `console:local/pat`, or `operator` for whoever holds the bus's admin login.
    pub author: String,
    /// When (RFC 3339, UTC).
    #[schemars(with = "String")]
    pub at: Timestamp,
    /// Why, one line.
    pub reason: String,
    /// The request that asked for it, if it was published by a command.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<RequestId>,
    /// The files.
    pub files: Packed,
}

/// Files that somebody wants to publish.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Draft {
    /// Wire version.
    pub v: Version,
    /// SHA-256 of the files, hexadecimal.
    pub sha256: String,
    /// When it was uploaded (RFC 3339, UTC).
    #[schemars(with = "String")]
    pub at: Timestamp,
    /// The files.
    pub files: Packed,
}

/// Text files by name: base64 of raw DEFLATE (RFC 1951) of a JSON object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Packed(String);

/// Why files cannot be unpacked.
#[derive(Debug, thiserror::Error)]
pub enum PackError {
    /// Not base64.
    #[error("the files are damaged: {0}")]
    Base64(#[from] base64::DecodeError),
    /// Not DEFLATE, or not a JSON object of texts.
    #[error("the files are damaged: {0}")]
    Form(String),
    /// They unpack to more than [`MOST_UNPACKED`].
    #[error("the files unpack to more than {MOST_UNPACKED} bytes")]
    TooLarge,
}

impl Packed {
    /// Packs files.
    ///
    /// # Errors
    /// `Form`, which writing to memory does not bring about.
    pub fn pack(files: &BTreeMap<String, String>) -> Result<Self, PackError> {
        let form = |error: &dyn std::fmt::Display| PackError::Form(error.to_string());
        let mut packer = DeflateEncoder::new(Vec::new(), Compression::best());
        serde_json::to_writer(&mut packer, files).map_err(|error| form(&error))?;
        Ok(Self(STANDARD.encode(packer.finish().map_err(|error| form(&error))?)))
    }

    /// Unpacks them.
    ///
    /// # Errors
    /// What is wrong with them; they come from outside.
    pub fn unpack(&self) -> Result<BTreeMap<String, String>, PackError> {
        let packed = STANDARD.decode(&self.0)?;
        let mut text = Vec::new();
        let mut unpacked = DeflateDecoder::new(packed.as_slice()).take(MOST_UNPACKED + 1);
        unpacked.read_to_end(&mut text).map_err(|error| PackError::Form(error.to_string()))?;
        if text.len() as u64 > MOST_UNPACKED {
            return Err(PackError::TooLarge);
        }
        serde_json::from_slice(&text).map_err(|error| PackError::Form(error.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_come_out_as_they_went_in_and_damage_is_told() {
        let files: BTreeMap<String, String> = [("policy.csv", "p, é, *\n"), ("policy.lock", "")]
            .map(|(k, v)| (k.to_owned(), v.to_owned()))
            .into();
        let packed = Packed::pack(&files).unwrap();
        assert_eq!(packed.unpack().unwrap(), files);
        assert!(matches!(Packed("?".to_owned()).unpack(), Err(PackError::Base64(_))));
        assert!(matches!(Packed(STANDARD.encode("no deflate")).unpack(), Err(PackError::Form(_))));
    }

    #[test]
    fn what_unpacks_to_too_much_is_refused_before_it_fills_the_memory() {
        let huge = "x".repeat(usize::try_from(MOST_UNPACKED).unwrap() + 1);
        let packed = Packed::pack(&BTreeMap::from([("policy.csv".to_owned(), huge)])).unwrap();
        assert!(matches!(packed.unpack(), Err(PackError::TooLarge)));
    }
}
