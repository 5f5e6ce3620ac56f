//! What a message asks, and whether it may.

use adjutant_bus::{
    request::{Request, Submission},
    subject::Origin,
    wire,
};
use jiff::Timestamp;

/// A decision is a request too: nothing can be held yet but by the words that answer it.
pub(super) fn into_request(submission: Submission) -> Request {
    match submission {
        Submission::Request(request) => request,
        Submission::Decision(decision) => {
            let verdict = match decision.verdict {
                adjutant_bus::request::Verdict::Confirm => "confirm",
                adjutant_bus::request::Verdict::Approve => "approve",
                adjutant_bus::request::Verdict::Reject => "reject",
                adjutant_bus::request::Verdict::Cancel => "cancel",
            };
            Request {
                v: wire::Version,
                id: decision.id,
                actor: decision.actor,
                groups: decision.groups,
                place: decision.place,
                text: format!("{verdict} {}", decision.request.run()),
                raw: None,
                received_at: decision.received_at,
                expires_at: None,
            }
        }
    }
}

/// Whether the message came by the way that its actor would have taken.
pub(super) fn fits(request: &Request, origin: &Origin) -> bool {
    Origin::of(&request.actor) == *origin && request.place.platform == origin.platform
}

pub(super) fn expired(request: &Request) -> bool {
    request.expires_at.is_some_and(|at| at <= Timestamp::now())
}
