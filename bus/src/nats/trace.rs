//! The place in a trace, in the headers of a message. Written in lower case; read as anybody writes it.

use adjutant_traces::TraceContext;
use async_nats::HeaderMap;

/// Writes what the current task works for, if it works for a trace.
pub(super) fn write(headers: &mut HeaderMap) {
    for (name, value) in TraceContext::current().iter().flat_map(TraceContext::headers) {
        headers.insert(name, value.as_str());
    }
}

/// What came with a message. The names are compared without case: NATS keeps it, and other languages' clients write their own.
pub(super) fn read(headers: Option<&HeaderMap>) -> Option<TraceContext> {
    let headers = headers?;
    TraceContext::from_headers(|wanted| {
        let found = headers.iter().find(|(name, _)| AsRef::<str>::as_ref(name).eq_ignore_ascii_case(wanted));
        found.and_then(|(_, values)| values.first()).map(|value| value.as_str())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    #[test]
    fn headers_are_read_whatever_their_case() {
        for name in ["traceparent", "Traceparent", "TRACEPARENT"] {
            let mut headers = HeaderMap::new();
            headers.insert(name, PARENT);
            headers.insert("TraceState", "a=1");
            let read = read(Some(&headers)).unwrap();
            assert_eq!((read.traceparent().as_str(), read.tracestate().as_deref()), (PARENT, Some("a=1")));
        }
        assert_eq!(read(None), None);
        assert_eq!(read(Some(&HeaderMap::new())), None);
    }

    #[test]
    fn where_no_trace_is_worked_for_nothing_is_written() {
        let mut headers = HeaderMap::new();
        write(&mut headers);
        assert!(headers.is_empty());
    }
}
