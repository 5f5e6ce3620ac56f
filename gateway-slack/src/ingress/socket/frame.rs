//! What comes on a socket, and what is sent back for it (Slack: "Using Socket Mode").

use serde_json::{Value, json};
use tracing::warn;

use crate::accept::Answer;

/// Longest acknowledgement that Slack reads.
const LONGEST_ACK: usize = 20 * 1024;

/// What comes on a socket.
pub(super) enum Frame {
    Hello,
    Disconnect(String),
    Envelope(Box<Envelope>),
    Other,
}

/// Something to be acknowledged.
pub(super) struct Envelope {
    pub(super) id: String,
    pub(super) kind: String,
    pub(super) payload: Value,
    pub(super) takes_payload: bool,
}

impl Frame {
    pub(super) fn read(text: &str) -> Self {
        let Ok(mut frame) = serde_json::from_str::<Value>(text) else {
            warn!(bytes = text.len(), "a frame that is no JSON");
            return Self::Other;
        };
        let said = |name: &str| frame.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let (kind, id) = (said("type"), said("envelope_id"));
        match kind.as_str() {
            "hello" => Self::Hello,
            "disconnect" => Self::Disconnect(said("reason")),
            _ if id.is_empty() => Self::Other,
            _ => {
                let takes_payload =
                    frame.get("accepts_response_payload").and_then(Value::as_bool).unwrap_or(false);
                let payload = frame.get_mut("payload").map(Value::take).unwrap_or_default();
                Self::Envelope(Box::new(Envelope { id, kind, payload, takes_payload }))
            }
        }
    }
}

/// The acknowledgement of an envelope; none, so that Slack delivers it again.
pub(super) fn acknowledgement(envelope: &str, answer: Answer, takes_payload: bool) -> Option<String> {
    let payload = match answer {
        Answer::Leave => return None,
        Answer::Acknowledge | Answer::Challenge(_) => None,
        Answer::Say(text) => Some(json!({ "response_type": "ephemeral", "text": text })),
        Answer::Clear => Some(json!({ "response_action": "clear" })),
        Answer::Errors { block, text } => {
            Some(json!({ "response_action": "errors", "errors": { block: text } }))
        }
        Answer::Options(options) => Some(json!({ "options": options })),
    };
    let bare = json!({ "envelope_id": envelope }).to_string();
    let Some(payload) = payload.filter(|_| takes_payload) else { return Some(bare) };
    let whole = json!({ "envelope_id": envelope, "payload": payload }).to_string();
    // Slack would not read a longer one at all.
    Some(if whole.len() < LONGEST_ACK { whole } else { bare })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn acknowledgements_are_small_and_carry_a_payload_only_where_one_is_taken() {
        let ack = |answer, takes| acknowledgement("e1", answer, takes);
        assert_eq!(ack(Answer::Leave, true), None);
        assert_eq!(ack(Answer::Acknowledge, true).unwrap(), r#"{"envelope_id":"e1"}"#);
        assert_eq!(ack(Answer::Say("no".to_owned()), false).unwrap(), r#"{"envelope_id":"e1"}"#);
        assert!(ack(Answer::Say("no".to_owned()), true).unwrap().contains("ephemeral"));
        assert_eq!(
            ack(Answer::Clear, true).unwrap(),
            r#"{"envelope_id":"e1","payload":{"response_action":"clear"}}"#
        );
        let many = vec![json!({ "value": "x".repeat(150) }); 200];
        assert_eq!(ack(Answer::Options(many), true).unwrap(), r#"{"envelope_id":"e1"}"#);
    }
}
