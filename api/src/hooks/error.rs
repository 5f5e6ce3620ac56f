//! Where a payload does not fit. Says places and kinds, never values: a payload may hold what its sender keeps secret.

use serde_json::Value;

/// The kind of a JSON value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `null`.
    Null,
    /// `true` or `false`.
    Boolean,
    /// A number.
    Number,
    /// A string.
    String,
    /// An array.
    Array,
    /// An object.
    Object,
}

impl Kind {
    /// The kind of this value.
    #[must_use]
    pub fn of(value: &Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(_) => Self::Boolean,
            Value::Number(_) => Self::Number,
            Value::String(_) => Self::String,
            Value::Array(_) => Self::Array,
            Value::Object(_) => Self::Object,
        }
    }

    /// As JSON Schema names it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Boolean => "boolean",
            Self::Number => "number",
            Self::String => "string",
            Self::Array => "array",
            Self::Object => "object",
        }
    }
}

/// Why a payload cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HookError {
    /// Not JSON, not UTF-8, or nested deeper than 128 levels: 400.
    #[error("the body is not JSON that can be read: line {line}, column {column}")]
    Syntax {
        /// From 1; 0 when unknown.
        line: usize,
        /// From 1; 0 when unknown.
        column: usize,
    },
    /// A header is missing or cannot be used: 400.
    #[error("header {name}: expected {expected}")]
    Header {
        /// Its name.
        name: &'static str,
        /// What belongs there.
        expected: &'static str,
    },
    /// A member is missing or has another kind or value: 422.
    #[error("{pointer}: expected {expected}, found {}", .found.map_or("nothing", Kind::as_str))]
    Unfit {
        /// Place as a JSON pointer; empty for the whole body.
        pointer: String,
        /// What belongs there.
        expected: &'static str,
        /// What is there; nothing when it is missing.
        found: Option<Kind>,
    },
    /// More than is taken at once: 422.
    #[error("{pointer}: more than {limit} items")]
    TooMany {
        /// Place as a JSON pointer.
        pointer: String,
        /// How many are taken.
        limit: usize,
    },
}
