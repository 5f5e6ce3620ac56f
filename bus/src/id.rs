//! Identifiers: request ids derived from the platform's event ids, and the short run ids that people see.

use std::{fmt, str::FromStr};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::actor::{Platform, Tenant};

/// UUIDv5 name space of all request ids. Changing it would make every redelivered event a new request.
const REQUESTS: Uuid = Uuid::from_u128(0x0a57_1d2c_5f0e_4c1b_9a7e_adca_0b07_0001);

/// The digits of Crockford's base 32: no `I`, `L`, `O`, `U`. Source: <https://www.crockford.com/base32.html>.
const CROCKFORD: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// One actor asking for one command once. The same platform event always yields the same id, on every replica.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct RequestId(Uuid);

impl RequestId {
    /// Derives the id from the platform's own event id (UUIDv5 over platform, tenant, event id; RFC 9562 §5.5).
    #[must_use]
    pub fn derive(platform: Platform, tenant: &Tenant, event_id: &str) -> Self {
        let mut name = Vec::with_capacity(64 + event_id.len());
        for part in [platform.as_str(), tenant.as_str(), event_id] {
            name.extend_from_slice(&(part.len() as u64).to_be_bytes());
            name.extend_from_slice(part.as_bytes());
        }
        Self(Uuid::new_v5(&REQUESTS, &name))
    }

    /// The short form that people see and type.
    #[must_use]
    pub fn run(self) -> RunId {
        let high = (self.0.as_u128() >> 88) as u64; // the first 40 bits
        RunId(high)
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Text that is not a request id or not a run id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a {what}")]
pub struct IdError {
    what: &'static str,
    text: String,
}

impl FromStr for RequestId {
    type Err = IdError;
    fn from_str(text: &str) -> Result<Self, IdError> {
        Uuid::parse_str(text)
            .map(Self)
            .map_err(|_| IdError { what: "request id (a UUID)", text: text.chars().take(64).collect() })
    }
}

/// The first 40 bits of a [`RequestId`], shown as 8 characters of Crockford's base 32.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RunId(u64);

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for shift in (0..8).rev() {
            let digit = usize::try_from((self.0 >> (shift * 5)) & 31).unwrap_or_default();
            let byte = CROCKFORD.get(digit).copied().unwrap_or(b'0');
            write!(f, "{}", char::from(byte))?;
        }
        Ok(())
    }
}

impl FromStr for RunId {
    type Err = IdError;
    /// Reads a run id as people type it: any case, a leading `#`, `O` for zero, `I` and `L` for one.
    fn from_str(text: &str) -> Result<Self, IdError> {
        let error =
            || IdError { what: "run id (8 letters and digits)", text: text.chars().take(64).collect() };
        let digits = text.trim().trim_start_matches('#');
        if digits.chars().count() != 8 {
            return Err(error());
        }
        let mut value = 0u64;
        for c in digits.chars() {
            let c = match c.to_ascii_uppercase() {
                'O' => '0',
                'I' | 'L' => '1',
                c => c,
            };
            let digit = CROCKFORD.iter().position(|d| char::from(*d) == c).ok_or_else(error)?;
            value = (value << 5) | digit as u64;
        }
        Ok(Self(value))
    }
}

/// Who wrote a journal event: the worker, and a random part per attempt, so that a worker whose acknowledgement was lost
/// recognises its own event and nobody else's.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub struct Token {
    /// Name of the process that wrote the event, such as `worker-0`.
    pub worker: String,
    /// 64 random bits, new for each attempt at a request.
    pub attempt: String,
}

impl Token {
    /// A new token for one attempt of this worker at one request.
    #[must_use]
    pub fn new(worker: &str) -> Self {
        Self { worker: worker.to_owned(), attempt: format!("{:016x}", rand::random::<u64>()) }
    }
}
