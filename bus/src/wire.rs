//! The wire form: JSON with a `v` field. Unknown fields are tolerated, another version is not.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

/// Version of the wire format, the number in `v`.
pub const VERSION: u8 = 1;

/// Most bytes of one message. NATS servers refuse more than 1 MiB with headers; what is larger than this is to be sent as a link.
pub const MAX_MESSAGE: usize = 256 * 1024;

/// The `v` field: always [`VERSION`]; reading any other number fails.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Version;

impl JsonSchema for Version {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        "Version".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "integer", "const": VERSION })
    }
}

impl Serialize for Version {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u8(VERSION)
    }
}

impl<'de> Deserialize<'de> for Version {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match u64::deserialize(deserializer)? {
            v if v == u64::from(VERSION) => Ok(Self),
            v => Err(serde::de::Error::custom(format_args!(
                "wire version {v} is not supported, this program speaks version {VERSION}"
            ))),
        }
    }
}

/// What cannot be read from, or put on, the bus.
#[derive(Debug, thiserror::Error)]
pub enum WireError {
    /// Larger than [`MAX_MESSAGE`].
    #[error("message of {size} bytes is larger than the limit of {MAX_MESSAGE}")]
    TooLarge {
        /// Its size in bytes.
        size: usize,
    },
    /// Not the JSON that it should be. The message names line and column, and never quotes the content.
    #[error("not a valid {what}: {source}")]
    Malformed {
        /// Which noun was expected.
        what: &'static str,
        /// What the JSON reader says.
        source: serde_json::Error,
    },
}

/// The bytes of a noun.
///
/// # Errors
/// When it is too large, or cannot be written as JSON.
pub fn encode<T: Serialize>(what: &'static str, value: &T) -> Result<bytes::Bytes, WireError> {
    let bytes = serde_json::to_vec(value).map_err(|source| WireError::Malformed { what, source })?;
    if bytes.len() > MAX_MESSAGE {
        return Err(WireError::TooLarge { size: bytes.len() });
    }
    Ok(bytes.into())
}

/// The noun in these bytes.
///
/// # Errors
/// When it is too large, not JSON, of another version, or not of that noun's shape.
pub fn decode<T: DeserializeOwned>(what: &'static str, bytes: &[u8]) -> Result<T, WireError> {
    if bytes.len() > MAX_MESSAGE {
        return Err(WireError::TooLarge { size: bytes.len() });
    }
    serde_json::from_slice(bytes).map_err(|source| WireError::Malformed { what, source })
}
