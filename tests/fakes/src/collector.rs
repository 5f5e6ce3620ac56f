//! A strict fake OpenTelemetry collector: OTLP over HTTP, in protobuf. What does not keep to the protocol or to the data model of
//! traces is refused and noted; what does is kept, span by span.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
    routing::post,
};
use opentelemetry_proto::tonic::{
    collector::trace::v1::{ExportTraceServiceRequest, ExportTraceServiceResponse},
    common::v1::{KeyValue, any_value::Value},
    trace::v1::Span,
};
use parking_lot::Mutex;
use prost::Message;

const PROTOBUF: &str = "application/x-protobuf";

/// A span as the collector has it.
#[derive(Clone, Debug)]
pub struct Spanned {
    /// Name of the service that sent it.
    pub service: String,
    /// Which of its replicas.
    pub instance: String,
    pub trace: String,
    pub id: String,
    /// Empty for the beginning of a trace.
    pub parent: String,
    pub name: String,
    /// `SPAN_KIND_SERVER` and so on.
    pub kind: &'static str,
    pub attributes: BTreeMap<String, String>,
    /// Nanoseconds since 1970.
    pub begun: u64,
    pub ended: u64,
}

#[derive(Default)]
struct Record {
    spans: Vec<Spanned>,
    violations: Vec<String>,
    /// Everything that came, as it came.
    bodies: Vec<Bytes>,
    down: bool,
}

/// The fake. Cheap to clone; ends with the runtime.
#[derive(Clone)]
pub struct FakeCollector {
    address: SocketAddr,
    record: Arc<Mutex<Record>>,
    token: Option<String>,
}

impl FakeCollector {
    /// Starts on a free port of the loopback; takes nothing without this `Authorization`.
    ///
    /// # Panics
    /// When the machine has no port left.
    pub async fn start(token: Option<&str>) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let fake = Self { address, record: Arc::default(), token: token.map(str::to_owned) };
        let routes = Router::new().route("/v1/traces", post(take)).with_state(fake.clone());
        tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
        fake
    }

    /// Where it is.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// From now on it answers 503, or takes again.
    pub fn down(&self, down: bool) {
        self.record.lock().down = down;
    }

    /// Every span that it has.
    #[must_use]
    pub fn spans(&self) -> Vec<Spanned> {
        self.record.lock().spans.clone()
    }

    /// What did not keep to the rules.
    #[must_use]
    pub fn violations(&self) -> Vec<String> {
        self.record.lock().violations.clone()
    }

    /// Whether these bytes came in anything that was sent.
    #[must_use]
    pub fn has_seen(&self, text: &str) -> bool {
        let wanted = text.as_bytes();
        self.record.lock().bodies.iter().any(|body| body.windows(wanted.len()).any(|part| part == wanted))
    }

    /// Waits until the spans are as wanted.
    ///
    /// # Panics
    /// When they never are.
    pub async fn until(
        &self,
        what: &str,
        within: Duration,
        wanted: impl Fn(&[Spanned]) -> bool,
    ) -> Vec<Spanned> {
        let end = Instant::now() + within;
        loop {
            let spans = self.spans();
            if wanted(&spans) {
                return spans;
            }
            assert!(Instant::now() < end, "{what} never came: {spans:#?} {:?}", self.violations());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    fn read(&self, headers: &HeaderMap, body: &Bytes) -> Result<Vec<Spanned>, (StatusCode, String)> {
        let given = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        if let Some(token) = &self.token
            && given("authorization") != Some(token)
        {
            return Err((StatusCode::UNAUTHORIZED, "the token".to_owned()));
        }
        if given(CONTENT_TYPE.as_str()) != Some(PROTOBUF) {
            return Err((StatusCode::UNSUPPORTED_MEDIA_TYPE, format!("{headers:?}")));
        }
        let bad = |what: String| (StatusCode::BAD_REQUEST, what);
        let export =
            ExportTraceServiceRequest::decode(body.clone()).map_err(|error| bad(error.to_string()))?;
        let mut spans = Vec::new();
        for resource in export.resource_spans {
            let about = attributes(&resource.resource.unwrap_or_default().attributes).map_err(bad)?;
            let told = |key: &str| about.get(key).filter(|text| !text.is_empty()).cloned();
            let (Some(service), Some(instance)) = (told("service.name"), told("service.instance.id")) else {
                return Err(bad(format!("who sends it: {about:?}")));
            };
            for span in resource.scope_spans.iter().flat_map(|scope| &scope.spans) {
                spans.push(spanned(span, &service, &instance).map_err(bad)?);
            }
        }
        if spans.is_empty() { Err(bad("an empty batch".to_owned())) } else { Ok(spans) }
    }
}

async fn take(State(fake): State<FakeCollector>, headers: HeaderMap, body: Bytes) -> Response {
    fake.record.lock().bodies.push(body.clone());
    if fake.record.lock().down {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    match fake.read(&headers, &body) {
        Ok(spans) => {
            let mut record = fake.record.lock();
            for span in spans {
                if record.spans.iter().any(|other| other.id == span.id) {
                    record.violations.push(format!("sent twice: {span:?}"));
                }
                record.spans.push(span);
            }
            let answer = ExportTraceServiceResponse::default().encode_to_vec();
            ([(CONTENT_TYPE, PROTOBUF)], answer).into_response()
        }
        Err((status, what)) => {
            fake.record.lock().violations.push(format!("{status}: {what}"));
            status.into_response()
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A span, if it is one (OpenTelemetry: "Trace Data Model").
fn spanned(span: &Span, service: &str, instance: &str) -> Result<Spanned, String> {
    let is_id = |id: &[u8], length: usize| id.len() == length && id.iter().any(|byte| *byte != 0);
    let ids = is_id(&span.trace_id, 16)
        && is_id(&span.span_id, 8)
        && (span.parent_span_id.is_empty() || is_id(&span.parent_span_id, 8));
    let times = span.start_time_unix_nano > 0 && span.end_time_unix_nano >= span.start_time_unix_nano;
    if !ids || !times || span.name.is_empty() || span.parent_span_id == span.span_id {
        return Err(format!("no span: {span:?}"));
    }
    let kind = span.kind().as_str_name();
    if kind == "SPAN_KIND_UNSPECIFIED" || span.dropped_attributes_count > 0 {
        return Err(format!("a span without a kind, or with too many attributes: {span:?}"));
    }
    Ok(Spanned {
        service: service.to_owned(),
        instance: instance.to_owned(),
        trace: hex(&span.trace_id),
        id: hex(&span.span_id),
        parent: hex(&span.parent_span_id),
        name: span.name.clone(),
        kind,
        attributes: attributes(&span.attributes)?,
        begun: span.start_time_unix_nano,
        ended: span.end_time_unix_nano,
    })
}

/// Attributes as text. A key stands once (OpenTelemetry: "Attribute Collections").
fn attributes(given: &[KeyValue]) -> Result<BTreeMap<String, String>, String> {
    let mut attributes = BTreeMap::new();
    for KeyValue { key, value, .. } in given {
        let text = match value.as_ref().and_then(|value| value.value.as_ref()) {
            Some(Value::StringValue(text)) => text.clone(),
            Some(Value::IntValue(number)) => number.to_string(),
            Some(Value::BoolValue(flag)) => flag.to_string(),
            other => return Err(format!("{key}: {other:?}")),
        };
        if attributes.insert(key.clone(), text).is_some() {
            return Err(format!("{key} stands twice"));
        }
    }
    Ok(attributes)
}
