//! JSON Schemas of everything on the wire, generated from the nouns. Published under `bus/schema/`.

use schemars::{Schema, schema_for};

use crate::{
    announcement::Announcement,
    bundle::{Bundle, Draft},
    destination::Destination,
    event::Event,
    introspection::{Introspect, Introspection},
    mode::{Beat, Freeze, Pause},
    notice::Notice,
    presence::Replica,
    refusal::Refusal,
    reply::Reply,
    request::Submission,
    service::{Call, Frame, Offer},
    spec::CommandSpec,
};

/// Each wire message by the name of its file.
#[must_use]
pub fn all() -> Vec<(&'static str, Schema)> {
    vec![
        ("submission", schema_for!(Submission)),
        ("event", schema_for!(Event)),
        ("reply", schema_for!(Reply)),
        ("refusal", schema_for!(Refusal)),
        ("announcement", schema_for!(Announcement)),
        ("notice", schema_for!(Notice)),
        ("destination", schema_for!(Destination)),
        ("pause", schema_for!(Pause)),
        ("freeze", schema_for!(Freeze)),
        ("audit-beat", schema_for!(Beat)),
        ("policy-bundle", schema_for!(Bundle)),
        ("policy-draft", schema_for!(Draft)),
        ("presence", schema_for!(Replica)),
        ("introspect", schema_for!(Introspect)),
        ("introspection", schema_for!(Introspection)),
        ("command-spec", schema_for!(CommandSpec)),
        ("offer", schema_for!(Offer)),
        ("call", schema_for!(Call)),
        ("frame", schema_for!(Frame)),
    ]
}
