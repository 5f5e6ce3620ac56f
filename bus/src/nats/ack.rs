//! What a server answers to a message that is to be stored, and what its errors mean to us.

use serde::Deserialize;

use crate::ports::BusError;

/// `wrong last sequence` (errors.json of nats-server).
pub(crate) const WRONG_LAST_SEQUENCE: [u64; 2] = [10071, 10164];
/// Header of a message that is stored only if its subject's last message has this sequence.
pub(crate) const EXPECTED: &str = "Nats-Expected-Last-Subject-Sequence";

/// What the server says to a stored message (ADR-1 of the NATS architecture decision records).
#[derive(Debug, Deserialize)]
pub(crate) struct PubAck {
    #[serde(default)]
    pub(crate) seq: u64,
    #[serde(default)]
    pub(crate) duplicate: bool,
    pub(crate) error: Option<ApiError>,
}

/// An error of the JetStream API.
#[derive(Debug, Deserialize)]
pub(crate) struct ApiError {
    #[serde(default)]
    pub(crate) err_code: u64,
    /// As HTTP has it.
    #[serde(default)]
    pub(crate) code: u64,
    #[serde(default)]
    pub(crate) description: String,
}

/// Whether an error passes by itself.
pub(super) fn passes(error: &ApiError) -> bool {
    matches!(meaning(error), BusError::Unavailable(_))
}

/// Reads the answer to a stored message.
pub(super) fn read_ack(payload: &[u8]) -> Result<PubAck, BusError> {
    serde_json::from_slice(payload)
        .map_err(|error| BusError::Refused(format!("the server's answer cannot be read: {error}")))
}

/// What an error code of the JetStream API means to us (errors.json of nats-server).
pub(crate) fn meaning(error: &ApiError) -> BusError {
    let told = format!("{} ({})", error.description, error.err_code);
    match error.err_code {
        // Of what stops a message from being stored only the limits are ours; a leader that goes says the same, and the
        // message may be there in the end.
        10077 if error.description.contains("maximum") => BusError::Full(told),
        // Storage, message size.
        10047 | 10023 | 10054 | 10122 => BusError::Full(told),
        // The same message is on its way; the sequence of the subject is not known yet; too many at once.
        10077 | 10158 | 10163 | 10167 => BusError::Unavailable(told),
        // No leader, not ready, offline.
        10007 | 10008 | 10009 | 10076 | 10118 | 10119 | 10194 | 10195 => BusError::Unavailable(told),
        _ if error.code == 503 => BusError::Unavailable(told),
        _ => BusError::Refused(told),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_passes_by_itself_is_worth_another_try_and_a_limit_is_told_as_full() {
        let meaning = |code, err_code, description: &str| {
            let told = meaning(&ApiError { err_code, code, description: description.to_owned() });
            match told {
                BusError::Full(_) => "full",
                BusError::Unavailable(_) => "unavailable",
                _ => "refused",
            }
        };
        let all = [
            (503, 10077, "maximum messages per subject exceeded", "full"),
            (400, 10077, "maximum bytes exceeded", "full"),
            (503, 10077, "store is closed", "unavailable"),
            (503, 10023, "insufficient resources", "full"),
            (409, 10158, "duplicate message id is in process", "unavailable"),
            (503, 10163, "expected last sequence per subject temporarily unavailable", "unavailable"),
            (429, 10167, "too many requests", "unavailable"),
            (503, 10008, "JetStream system temporarily unavailable", "unavailable"),
            (503, 0, "raft: not leader", "unavailable"),
            (400, 10074, "replicas > 1 not supported in non-clustered mode", "refused"),
            (404, 10059, "stream not found", "refused"),
        ];
        for (code, err_code, description, wanted) in all {
            assert_eq!(meaning(code, err_code, description), wanted, "{description}");
        }
    }
}
