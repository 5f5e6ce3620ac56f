//! The export: spans are gathered and sent in batches to a collector, over OTLP by HTTP. Where it is off, there is no tracer. A
//! collector that is slow or away never makes a command wait: what does not fit into the queue, or is not taken, is lost.

use std::{
    fmt,
    sync::{
        OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use adjutant_metrics::program;
use async_trait::async_trait;
use bytes::Bytes;
use opentelemetry::{
    KeyValue,
    trace::{SpanKind, TracerProvider},
};
use opentelemetry_http::{HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{Protocol, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::{
    Resource,
    error::OTelSdkResult,
    trace::{
        BatchConfigBuilder, BatchSpanProcessor, Sampler, SamplingDecision, SdkTracer, SdkTracerProvider,
        ShouldSample, SpanData, SpanExporter,
    },
};
use reqwest::{Client, Url, redirect};
use tokio::runtime::Handle;
use tracing::{info, warn};

use crate::{Headers, TraceContext};

/// Spans that wait to be sent. More are dropped.
const QUEUE: usize = 4_096;
/// Most spans of one batch.
const BATCH: usize = 512;
/// How often a batch is sent, if it is not full before.
const EVERY: Duration = Duration::from_secs(2);
/// How long the collector may take for one.
const PATIENCE: Duration = Duration::from_secs(10);
/// Largest answer of a collector that is read, in bytes. It says how many spans it refused.
const ANSWER: u64 = 64 * 1024;
/// How long a process that ends may take to send what is left.
const LAST: Duration = Duration::from_secs(3);
/// The path of the protocol, where only a host is configured.
const PATH: &str = "/v1/traces";

static TRACER: OnceLock<(SdkTracer, f64)> = OnceLock::new();

/// Where traces go, and who sends them.
pub struct Settings {
    /// The collector: `https://collector.example:4318`, or with a path of its own.
    pub endpoint: String,
    /// The share of traces that is recorded, 0 to 1. A trace is recorded everywhere or nowhere.
    pub ratio: f64,
    /// What the collector asks for.
    pub headers: Headers,
    /// What this process is: `adjutant-worker`.
    pub service: String,
    /// Version of the program.
    pub version: &'static str,
    /// Which of several replicas it is.
    pub instance: String,
}

/// Why nothing can be exported.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The address is none.
    #[error("`{0}` is no address of a collector: write http:// or https://, a host, and a port")]
    Endpoint(String),
    /// The share is none.
    #[error("the share of recorded traces is a number from 0 to 1, and not {0}")]
    Ratio(f64),
    /// No client can be made.
    #[error("no HTTP client can be made: {0}")]
    Client(String),
    /// It was started before.
    #[error("traces are exported already")]
    Twice,
}

/// The export while it goes on.
pub struct Export(SdkTracerProvider);

/// Begins to record and export, for the whole process. Needs a running tokio.
///
/// # Errors
/// What is wrong with the settings.
pub fn start(settings: Settings) -> Result<Export, ExportError> {
    if !(0.0..=1.0).contains(&settings.ratio) {
        return Err(ExportError::Ratio(settings.ratio));
    }
    let endpoint = address(&settings.endpoint)?;
    let exporter = opentelemetry_otlp::SpanExporter::builder()
        .with_http()
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(endpoint.as_str())
        .with_timeout(PATIENCE)
        .with_headers(settings.headers.into_map())
        .with_http_client(Sender::new()?)
        .build()
        .map_err(|error| ExportError::Client(error.to_string()))?;
    let batches = BatchConfigBuilder::default()
        .with_max_queue_size(QUEUE)
        .with_max_export_batch_size(BATCH)
        .with_scheduled_delay(EVERY)
        .build();
    let exporter = Watched { exporter, away: AtomicBool::new(false) };
    let processor = BatchSpanProcessor::builder(exporter).with_batch_config(batches).build();
    let resource = Resource::builder().with_service_name(settings.service).with_attributes([
        KeyValue::new("service.version", settings.version),
        KeyValue::new("service.instance.id", settings.instance),
    ]);
    let provider = SdkTracerProvider::builder()
        .with_span_processor(processor)
        .with_sampler(Sampler::ParentBased(Box::new(share(settings.ratio))))
        .with_resource(resource.build())
        .build();
    TRACER.set((provider.tracer("adjutant"), settings.ratio)).map_err(|_| ExportError::Twice)?;
    info!(collector = endpoint.host_str().unwrap_or_default(), ratio = settings.ratio, "traces are exported");
    Ok(Export(provider))
}

impl Export {
    /// Sends what is left, within a few seconds.
    pub async fn finish(self) {
        let ended = tokio::task::spawn_blocking(move || self.0.shutdown_with_timeout(LAST));
        if let Ok(Err(error)) = ended.await {
            warn!(%error, "the last spans may not have been exported");
        }
    }
}

/// The tracer; none, where nothing is exported.
pub(crate) fn tracer() -> Option<&'static SdkTracer> {
    TRACER.get().map(|(tracer, _)| tracer)
}

/// A place in a trace that came from outside: whether the trace is recorded is for the configured share, by the id of the trace,
/// so that nobody fills the collector by asking for it. Where nothing is exported, it is passed on as it came.
pub(crate) fn decided(context: &TraceContext) -> TraceContext {
    let Some((_, ratio)) = TRACER.get() else { return context.clone() };
    context.sampled(records(*ratio, context))
}

fn records(ratio: f64, context: &TraceContext) -> bool {
    let decided = share(ratio).should_sample(None, context.id(), "", &SpanKind::Server, &[], &[]);
    decided.decision == SamplingDecision::RecordAndSample
}

const fn share(ratio: f64) -> Sampler {
    Sampler::TraceIdRatioBased(ratio)
}

fn address(endpoint: &str) -> Result<Url, ExportError> {
    let bad = || ExportError::Endpoint(endpoint.to_owned());
    let mut url = Url::parse(endpoint).map_err(|_| bad())?;
    let plain = matches!(url.scheme(), "http" | "https") && url.has_host();
    // What stands before the host would be a secret, and those have a place of their own.
    if !plain || !url.username().is_empty() || url.password().is_some() {
        return Err(bad());
    }
    if url.path() == "/" {
        url.set_path(PATH);
    }
    Ok(url)
}

/// Sends over our own HTTP client, which has the one TLS of the program, on the program's own runtime: batches are gathered on a
/// thread that has none.
struct Sender {
    client: Client,
    runtime: Handle,
}

impl Sender {
    fn new() -> Result<Self, ExportError> {
        // Fails only if a provider is there already, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let builder = Client::builder().timeout(PATIENCE).redirect(redirect::Policy::none());
        let client = builder.build().map_err(|error| ExportError::Client(error.to_string()))?;
        Ok(Self { client, runtime: Handle::current() })
    }
}

impl fmt::Debug for Sender {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Sender")
    }
}

#[async_trait]
impl HttpClient for Sender {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let request = reqwest::Request::try_from(request.map(reqwest::Body::from))?;
        let client = self.client.clone();
        self.runtime.spawn(async move { send(&client, request).await }).await?
    }
}

async fn send(client: &Client, request: reqwest::Request) -> Result<Response<Bytes>, HttpError> {
    let answer = client.execute(request).await.map_err(reqwest::Error::without_url)?;
    let status = answer.status();
    if answer.content_length().is_none_or(|length| length > ANSWER) {
        return Ok(Response::builder().status(status).body(Bytes::new())?);
    }
    let body = answer.bytes().await.map_err(reqwest::Error::without_url)?;
    Ok(Response::builder().status(status).body(body)?)
}

/// Counts what is taken and what is lost, and says once that a collector is away.
#[derive(Debug)]
struct Watched<E> {
    exporter: E,
    away: AtomicBool,
}

impl<E: SpanExporter> SpanExporter for Watched<E> {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let count = batch.len() as u64;
        let exported = self.exporter.export(batch).await;
        let lost = exported.is_err();
        program::spans(!lost, count);
        match (&exported, self.away.swap(lost, Ordering::Relaxed)) {
            (Err(error), false) => {
                warn!(%error, "the collector does not take traces; what it does not take is lost");
            }
            (Ok(()), true) => info!("the collector takes traces again"),
            _ => {}
        }
        exported
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(timeout)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.exporter.force_flush()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.exporter.set_resource(resource);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_alone_means_the_path_of_the_protocol() {
        let address =
            |text: &str| address(text).map(|url| url.to_string()).map_err(|error| error.to_string());
        assert_eq!(address("http://127.0.0.1:4318").unwrap(), "http://127.0.0.1:4318/v1/traces");
        assert_eq!(address("https://otlp.example/api/v2/otlp").unwrap(), "https://otlp.example/api/v2/otlp");
        for bad in ["collector:4318", "grpc://collector:4317", "http://", "", "https://u:p@otlp.example"] {
            assert!(address(bad).unwrap_err().contains("no address of a collector"), "{bad}");
        }
    }

    #[test]
    fn which_traces_are_recorded_is_the_same_everywhere_and_for_the_share() {
        let traces: Vec<TraceContext> = (1..=1_000u128)
            .map(|n| n.wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835))
            .filter_map(|id| TraceContext::parse(&format!("00-{id:032x}-00000000000000ab-01"), None))
            .collect();
        let share = |ratio| traces.iter().filter(|trace| records(ratio, trace)).count();
        assert_eq!((share(0.0), share(1.0)), (0, traces.len()));
        assert!((200..300).contains(&share(0.25)), "{}", share(0.25));
    }

    #[tokio::test]
    async fn settings_that_cannot_be_are_refused_before_anything_starts() {
        let settings = |endpoint: &str, ratio| Settings {
            endpoint: endpoint.to_owned(),
            ratio,
            headers: Headers::parse(&"".into()).unwrap(),
            service: "adjutant-worker".to_owned(),
            version: "0",
            instance: "a".to_owned(),
        };
        let told = |settings| start(settings).err().unwrap().to_string();
        assert!(told(settings("http://127.0.0.1:1", 1.5)).contains("from 0 to 1"));
        assert!(told(settings("http://127.0.0.1:1", f64::NAN)).contains("from 0 to 1"));
        assert!(told(settings("nonsense", 1.0)).contains("`nonsense` is no address"));
        assert!(tracer().is_none());
    }
}
