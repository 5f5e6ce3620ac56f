//! What travels with a message, so that whoever takes it goes on with the same trace: W3C Trace Context
//! (<https://www.w3.org/TR/trace-context/>), in the headers `traceparent` and `tracestate`.

use std::str::FromStr;

use opentelemetry::{
    Context,
    context::FutureExt,
    trace::{SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState},
};

/// Name of the header that says which trace, which span of it, and whether it is recorded.
pub const TRACEPARENT: &str = "traceparent";
/// Name of the header that tracing systems keep their own words in. They are passed on, and not looked at.
pub const TRACESTATE: &str = "tracestate";

/// Most characters of a `tracestate` that is passed on; a longer one is dropped, as the recommendation allows.
const MOST_STATE: usize = 512;
/// Characters of a `traceparent` of version 00, and of what every later version begins with.
const PARENT: usize = 55;

/// A place in a trace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceContext(SpanContext);

impl TraceContext {
    /// The place in the trace that this task works for; none, where it works for none.
    #[must_use]
    pub fn current() -> Option<Self> {
        Self::of(&Context::current())
    }

    /// What came with a message. A header that is not as the recommendation has it counts as none: the message is not to suffer.
    #[must_use]
    pub fn parse(traceparent: &str, tracestate: Option<&str>) -> Option<Self> {
        let (trace, span, flags) = parts(traceparent)?;
        let state = tracestate.filter(|state| is_state(state));
        let state = state.and_then(|state| TraceState::from_str(state).ok()).unwrap_or_default();
        let sampled = TraceFlags::new(flags) & TraceFlags::SAMPLED;
        let context = SpanContext::new(trace, span, sampled, true, state);
        context.is_valid().then_some(Self(context))
    }

    /// What came with a message, whose headers are asked for by their names, in lower case.
    pub fn from_headers<'a>(header: impl Fn(&'static str) -> Option<&'a str>) -> Option<Self> {
        Self::parse(header(TRACEPARENT)?, header(TRACESTATE))
    }

    /// The header `traceparent`.
    #[must_use]
    pub fn traceparent(&self) -> String {
        let flags = self.0.trace_flags() & TraceFlags::SAMPLED;
        format!("00-{}-{}-{:02x}", self.0.trace_id(), self.0.span_id(), flags)
    }

    /// The header `tracestate`, if there is something in it.
    #[must_use]
    pub fn tracestate(&self) -> Option<String> {
        Some(self.0.trace_state().header()).filter(|state| !state.is_empty())
    }

    /// The headers, each with its name.
    pub fn headers(&self) -> impl Iterator<Item = (&'static str, String)> {
        [(TRACEPARENT, self.traceparent())]
            .into_iter()
            .chain(self.tracestate().map(|state| (TRACESTATE, state)))
    }

    /// Which trace: 32 hexadecimal digits.
    #[must_use]
    pub fn trace_id(&self) -> String {
        self.0.trace_id().to_string()
    }

    /// Has this done at that place of the trace.
    pub fn run<F: Future>(self, done: F) -> impl Future<Output = F::Output> + use<F> {
        done.with_context(self.into_parent())
    }

    pub(crate) fn of(context: &Context) -> Option<Self> {
        let span = context.span();
        let inner = span.span_context();
        inner.is_valid().then(|| Self(inner.clone()))
    }

    pub(crate) fn id(&self) -> TraceId {
        self.0.trace_id()
    }

    /// The same place, recorded or not as is said.
    pub(crate) fn sampled(&self, sampled: bool) -> Self {
        let flags = self.0.trace_flags().with_sampled(sampled);
        let (trace, span) = (self.0.trace_id(), self.0.span_id());
        Self(SpanContext::new(trace, span, flags, true, self.0.trace_state().clone()))
    }

    pub(crate) fn into_parent(self) -> Context {
        Context::new().with_remote_span_context(self.0)
    }
}

/// Whether a `tracestate` is a list of pairs, in characters that every header may have.
fn is_state(state: &str) -> bool {
    let pair =
        |pair: &str| pair.split_once('=').is_some_and(|(key, value)| !key.is_empty() && !value.is_empty());
    state.len() <= MOST_STATE
        && state.bytes().all(|byte| (b' '..=b'~').contains(&byte))
        && state.split(',').map(str::trim).all(pair)
}

/// The ids and flags of a `traceparent`: `00-<32 hex>-<16 hex>-<2 hex>`, lower case. Later versions may go on after these.
fn parts(traceparent: &str) -> Option<(TraceId, SpanId, u8)> {
    let (known, rest) = traceparent.split_at_checked(PARENT)?;
    let mut parts = known.split('-');
    let (version, trace, span, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let hex = |text: &str, length: usize| {
        text.len() == length && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
    };
    let good = parts.next().is_none()
        && hex(version, 2)
        && hex(trace, 32)
        && hex(span, 16)
        && hex(flags, 2)
        && version != "ff"
        && (rest.is_empty() || version != "00" && rest.starts_with('-'));
    if !good {
        return None;
    }
    Some((TraceId::from_hex(trace).ok()?, SpanId::from_hex(span).ok()?, u8::from_str_radix(flags, 16).ok()?))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const GOOD: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    #[test]
    fn what_is_written_is_what_was_read() {
        let context = TraceContext::parse(GOOD, Some("a=1,b@c=2")).unwrap();
        assert_eq!(context.traceparent(), GOOD);
        assert_eq!(context.tracestate().as_deref(), Some("a=1,b@c=2"));
        assert_eq!(context.trace_id(), "0af7651916cd43dd8448eb211c80319c");
        let headers: Vec<_> = context.headers().map(|(name, _)| name).collect();
        assert_eq!(headers, [TRACEPARENT, TRACESTATE]);
    }

    #[test]
    fn a_header_that_is_none_is_no_context() {
        let (trace, span) = ("0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331");
        for bad in [
            String::new(),
            GOOD.to_uppercase(),
            GOOD.replace('-', "_"),
            format!("{GOOD}-"),
            format!(" {GOOD}"),
            format!("ff-{trace}-{span}-01"),
            format!("01-{trace}-{span}-01x"),
            format!("00-{trace}-{span}-0"),
            format!("00-{}-{span}-01", trace.replacen('f', "+", 1)),
            format!("00-{}-{span}-01", "0".repeat(32)),
            format!("00-{trace}-{}-01", "0".repeat(16)),
            format!("00-{span}-{trace}-01"),
            "ä".repeat(40),
        ] {
            assert_eq!(TraceContext::parse(&bad, None), None, "{bad}");
        }
    }

    #[test]
    fn a_later_version_is_read_as_far_as_it_is_known_and_unknown_flags_are_cleared() {
        let later = GOOD.replacen("00", "01", 1).replace("-01", "-ff") + "-what-ever";
        assert_eq!(TraceContext::parse(&later, None).unwrap().traceparent(), GOOD);
    }

    #[test]
    fn a_state_that_is_none_is_dropped_and_the_trace_goes_on() {
        for state in ["=", "a=", "no pair", "", "a=1\r\nx: y", "a=ü", &"a=1,".repeat(200)] {
            let context = TraceContext::parse(GOOD, Some(state)).unwrap();
            assert_eq!((context.traceparent().as_str(), context.tracestate()), (GOOD, None), "{state}");
        }
    }

    #[test]
    fn whether_it_is_recorded_can_be_decided_anew() {
        let context = TraceContext::parse(GOOD, Some("a=1")).unwrap();
        let not = context.sampled(false);
        assert!(not.traceparent().ends_with("-00"));
        assert_eq!(not.sampled(true), context);
    }

    proptest! {
        #[test]
        fn no_header_can_do_harm(parent in ".{0,120}", state in proptest::option::of(".{0,600}")) {
            if let Some(context) = TraceContext::parse(&parent, state.as_deref()) {
                let again = TraceContext::parse(&context.traceparent(), context.tracestate().as_deref());
                prop_assert_eq!(again, Some(context));
            }
        }

        #[test]
        fn every_context_comes_through(trace in 1u128.., span in 1u64.., sampled: bool) {
            let text = format!("00-{trace:032x}-{span:016x}-{:02x}", u8::from(sampled));
            prop_assert_eq!(TraceContext::parse(&text, None).unwrap().traceparent(), text);
        }
    }
}
