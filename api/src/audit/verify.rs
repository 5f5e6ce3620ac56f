//! Whether the record is whole: walks the chain page by page and names the first entry that is not as it was written.

mod blame;
mod walk;

use serde::Serialize;
use utoipa::ToSchema;

pub use self::walk::verify;
use super::signing::PublicKey;

/// What is known from elsewhere.
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// The only keys whose checkpoints count; empty: any.
    pub keys: Vec<PublicKey>,
    /// Places and hashes that were kept elsewhere.
    pub kept: Vec<(i64, Vec<u8>)>,
}

/// In which way the record is not whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Wrong {
    /// The entry does not say any more what it said.
    Altered,
    /// The entry is not there any more.
    Removed,
    /// Another entry stands in its place.
    Reordered,
    /// The entry was not written by Adjutant.
    Inserted,
    /// The newest entries are not there any more.
    CutOff,
    /// The chain was computed anew: it does not lead to what was signed or kept elsewhere.
    Rewritten,
    /// A checkpoint is not signed by who should have signed it.
    Forged,
}

impl Wrong {
    /// The word in answers.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Altered => "altered",
            Self::Removed => "removed",
            Self::Reordered => "reordered",
            Self::Inserted => "inserted",
            Self::CutOff => "cut_off",
            Self::Rewritten => "rewritten",
            Self::Forged => "forged",
        }
    }
}

/// The first thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Finding {
    /// The place of the entry.
    pub seq: i64,
    /// In which way.
    pub wrong: Wrong,
    /// The same in words, and what it was seen by.
    pub detail: String,
}

/// What was looked at, and what was found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct Report {
    /// Whether everything is as it was written.
    pub whole: bool,
    /// Entries that were looked at.
    pub entries: u64,
    /// Place of the first of them.
    pub first: i64,
    /// Place of the last of them.
    pub last: i64,
    /// Hash of the last of them, hexadecimal: to be kept elsewhere.
    pub head: String,
    /// Checkpoints that were checked.
    pub checkpoints: u64,
    /// The public keys that signed them.
    pub keys: Vec<String>,
    /// The first thing that is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finding: Option<Finding>,
}
