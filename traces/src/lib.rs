//! Traces: one for each request, from where it comes in to where its answer goes out. Reading order: the context that travels with
//! every message, the names and attributes that there are, the spans that the other crates open, and the export. Knows no types of
//! the bus: what is told are words and numbers, and none of them are a person's, a secret, or typed text.

mod attribute;
mod context;
mod export;
mod headers;
mod kind;
mod name;
mod span;

pub use self::{
    attribute::{Attribute, KEYS},
    context::{TRACEPARENT, TRACESTATE, TraceContext},
    export::{Export, ExportError, Settings, start},
    headers::{Headers, HeadersError},
    kind::Kind,
    name::Name,
    span::{Span, in_current, tell},
};
