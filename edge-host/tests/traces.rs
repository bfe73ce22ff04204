//! Traces reach a collector, and a collector that is away disturbs nobody.
#![allow(clippy::unwrap_used, missing_docs)]

mod stand_in;

use std::{collections::BTreeMap, convert::Infallible, net::SocketAddr, time::Duration};

use http_body_util::{BodyExt, Full};
use hyper::{Request, Response, body::Bytes, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use lockstep_edge_host::Config;
use prost::Message;
use stand_in::{Answer, Client, Daemon, ENCODE, encode, request, texts};
use tokio::{net::TcpListener, sync::mpsc, time::timeout};

/// Only a hang takes this long.
const HANG: Duration = Duration::from_secs(25);
const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";

/// The messages of OTLP, as far as the tests look at them; the numbers are those of its
/// specification. `tests/clients` reads the same bytes with the package of OpenTelemetry.
mod otlp {
    #![allow(unreachable_pub)]
    use prost::Message;

    #[derive(Message)]
    pub struct Export {
        #[prost(message, repeated, tag = "1")]
        pub resource_spans: Vec<ResourceSpans>,
    }
    #[derive(Message)]
    pub struct ResourceSpans {
        #[prost(message, optional, tag = "1")]
        pub resource: Option<Resource>,
        #[prost(message, repeated, tag = "2")]
        pub scope_spans: Vec<ScopeSpans>,
    }
    #[derive(Message)]
    pub struct Resource {
        #[prost(message, repeated, tag = "1")]
        pub attributes: Vec<KeyValue>,
    }
    #[derive(Message)]
    pub struct ScopeSpans {
        #[prost(message, repeated, tag = "2")]
        pub spans: Vec<Span>,
    }
    #[derive(Clone, Message)]
    pub struct Span {
        #[prost(bytes, tag = "1")]
        pub trace_id: Vec<u8>,
        #[prost(bytes, tag = "2")]
        pub span_id: Vec<u8>,
        #[prost(string, tag = "3")]
        pub trace_state: String,
        #[prost(bytes, tag = "4")]
        pub parent_span_id: Vec<u8>,
        #[prost(string, tag = "5")]
        pub name: String,
        #[prost(int32, tag = "6")]
        pub kind: i32,
        #[prost(fixed64, tag = "7")]
        pub start: u64,
        #[prost(fixed64, tag = "8")]
        pub end: u64,
        #[prost(message, repeated, tag = "9")]
        pub attributes: Vec<KeyValue>,
        #[prost(message, optional, tag = "15")]
        pub status: Option<Status>,
    }
    #[derive(Clone, Message)]
    pub struct Status {
        #[prost(int32, tag = "3")]
        pub code: i32,
    }
    #[derive(Clone, Message)]
    pub struct KeyValue {
        #[prost(string, tag = "1")]
        pub key: String,
        #[prost(message, optional, tag = "2")]
        pub value: Option<AnyValue>,
    }
    #[derive(Clone, Message)]
    pub struct AnyValue {
        #[prost(string, optional, tag = "1")]
        pub text: Option<String>,
        #[prost(int64, optional, tag = "3")]
        pub number: Option<i64>,
    }
}

fn attributes(of: &[otlp::KeyValue]) -> BTreeMap<&str, String> {
    let value = |value: &otlp::AnyValue| match (&value.text, value.number) {
        (Some(text), None) => text.clone(),
        (None, Some(number)) => number.to_string(),
        other => panic!("{other:?}"),
    };
    of.iter().map(|one| (one.key.as_str(), value(one.value.as_ref().unwrap()))).collect()
}

/// A collector that answers with these statuses and bodies, the last one for ever.
struct Collector {
    address: SocketAddr,
    exports: mpsc::UnboundedReceiver<otlp::Export>,
}

impl Collector {
    async fn start(answers: &'static [(u16, &'static [u8])]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (send, exports) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            for place in 0.. {
                let (stream, _) = listener.accept().await.unwrap();
                let (status, body) = answers[place.min(answers.len() - 1)];
                let service = service_fn(|request: Request<Incoming>| async {
                    assert_eq!((request.method().as_str(), request.uri().path()), ("POST", "/v1/traces"));
                    assert_eq!(request.headers()["content-type"], "application/x-protobuf");
                    let bytes = request.into_body().collect().await.unwrap().to_bytes();
                    send.send(otlp::Export::decode(bytes).unwrap()).unwrap();
                    let mut response = Response::new(Full::new(Bytes::from_static(body)));
                    *response.status_mut() = status.try_into().unwrap();
                    Ok::<_, Infallible>(response)
                });
                let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
            }
        });
        Self { address, exports }
    }

    async fn next(&mut self) -> (Vec<otlp::Span>, Vec<otlp::KeyValue>) {
        unpacked(timeout(HANG, self.exports.recv()).await.unwrap().unwrap())
    }

    /// Waits for so many spans.
    async fn spans(&mut self, count: usize) -> Vec<otlp::Span> {
        let mut spans = Vec::new();
        while spans.len() < count {
            spans.extend(self.next().await.0);
        }
        assert_eq!(spans.len(), count, "{spans:#?}");
        spans
    }
}

/// The spans of a message, and the attributes of their resource.
fn unpacked(export: otlp::Export) -> (Vec<otlp::Span>, Vec<otlp::KeyValue>) {
    let [resource] = <[_; 1]>::try_from(export.resource_spans).unwrap();
    let spans = resource.scope_spans.into_iter().flat_map(|scope| scope.spans).collect();
    (spans, resource.resource.unwrap().attributes)
}

fn traced(address: SocketAddr, share: f64) -> impl FnOnce(&mut Config) {
    move |config| {
        config.otlp = Some(format!("http://{address}").parse().unwrap());
        config.otlp_share = share;
    }
}

async fn ask(daemon: &Daemon, path: &str, body: &str, headers: &str) -> Answer {
    let mut client = daemon.client().await;
    let host = "host: localhost\r\n";
    client.send(request("POST", path, body).replace(host, &format!("{host}{headers}"))).await;
    client.answer(true).await
}

async fn spans(daemon: &Daemon, outcome: &str) -> u64 {
    let text = daemon.ask("GET", "/metrics", "").await.body;
    let name = format!("lockstep_spans_total{{outcome=\"{outcome}\"}} ");
    text.lines().find_map(|line| line.strip_prefix(&name)).unwrap().parse().unwrap()
}

async fn until(daemon: &Daemon, outcome: &str, count: u64) {
    let reached = async {
        while spans(daemon, outcome).await < count {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(HANG, reached).await.unwrap();
}

#[tokio::test]
async fn a_request_is_a_span_with_its_stages_as_children() {
    let mut collector = Collector::start(&[(200, b"")]).await;
    let daemon = Daemon::ready(traced(collector.address, 0.0)).await;
    let parent = format!(
        "traceparent: 00-{TRACE}-00f067aa0ba902b7-01\r\ntracestate: shop=7\r\nx-request-id: mine\r\n"
    );
    let answer = ask(&daemon, ENCODE, &texts(&["hello", "a b"]), &parent).await;
    assert_eq!(answer.status, 200);
    let (spans, resource) = collector.next().await;
    assert_eq!(attributes(&resource)["service.name"], "edge-host");
    let (root, stages) = spans.split_first().unwrap();
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    assert_eq!(
        (hex(&root.trace_id), hex(&root.parent_span_id)),
        (TRACE.to_owned(), "00f067aa0ba902b7".to_owned())
    );
    assert_eq!((root.trace_state.as_str(), root.kind, root.status.is_none()), ("shop=7", 2, true));
    assert_eq!(root.name, "POST /lockstep/encode");
    let of_root = attributes(&root.attributes);
    for (key, value) in [
        ("http.request.method", "POST"),
        ("http.route", "/lockstep/encode"),
        ("http.response.status_code", "200"),
        ("lockstep.request_id", "mine"),
        ("lockstep.tokens", "7"),
    ] {
        assert_eq!(of_root[key], value, "{key}");
    }
    let names: Vec<&str> = stages.iter().map(|stage| stage.name.as_str()).collect();
    assert_eq!((&names[..3], names.last()), (&["read body", "tokenize", "queue"][..], Some(&"answer")));
    let batches: Vec<_> = stages.iter().filter(|stage| stage.name == "batch").collect();
    assert_eq!(batches.len(), names.len() - 4);
    let mut sums = [0, 0];
    for batch in batches {
        let of_batch = attributes(&batch.attributes);
        assert_eq!(
            (of_batch["lockstep.engine"].as_str(), of_batch["lockstep.engine.kind"].as_str()),
            ("wasm-0", "cpu")
        );
        sums[0] += of_batch["lockstep.texts"].parse::<i64>().unwrap();
        sums[1] += of_batch["lockstep.tokens"].parse::<i64>().unwrap();
    }
    assert_eq!(sums, [2, 7]);
    let mut ids: Vec<&Vec<u8>> = spans.iter().map(|span| &span.span_id).collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), spans.len(), "each span has an id of its own");
    for stage in stages {
        assert_eq!((&stage.trace_id, &stage.parent_span_id, stage.kind), (&root.trace_id, &root.span_id, 1));
        assert!(root.start <= stage.start && stage.start <= stage.end && stage.end <= root.end, "{stage:?}");
    }
    let took: u64 = stages.iter().map(|stage| stage.end - stage.start).sum();
    assert!(took <= root.end - root.start, "stages follow one another");
    daemon.stop().await.unwrap();
}

#[tokio::test]
async fn an_answer_tells_its_stages_also_without_a_trace() {
    let daemon = Daemon::ready(|_| {}).await;
    let answer = daemon.encode("hello").await;
    let timing = answer.header("server-timing").unwrap();
    let parts: Vec<(&str, f64)> = timing
        .split(", ")
        .map(|part| part.split_once(";dur=").unwrap())
        .map(|(name, time)| (name, time.parse().unwrap()))
        .collect();
    assert_eq!(parts.iter().map(|part| part.0).collect::<Vec<_>>(), ["read", "tokenize", "queue", "engine"]);
    let time = |name: &str| -> f64 { answer.header(name).unwrap().parse().unwrap() };
    // Each number is rounded.
    assert!(parts.iter().map(|part| part.1).sum::<f64>() <= time("x-total-time") + 0.003, "{answer:?}");
    assert_eq!((parts[1].1, parts[3].1), (time("x-tokenization-time"), time("x-inference-time")));
    daemon.stop().await.unwrap();
}

#[tokio::test]
async fn the_parent_decides_and_others_by_their_share() {
    let mut collector = Collector::start(&[(200, b"")]).await;
    let daemon = Daemon::start("model", traced(collector.address, 1.0)).await;
    // Health is asked for many times; those spans come too.
    daemon.healthy().await;
    let unsampled = format!("traceparent: 00-{TRACE}-00f067aa0ba902b7-00\r\n");
    assert_eq!(ask(&daemon, ENCODE, &texts(&["no"]), &unsampled).await.status, 200);
    let refused = ask(&daemon, ENCODE, "{}", "traceparent: nonsense\r\n").await;
    assert_eq!(refused.status, 422);
    // The daemon ends when the last spans are sent, not before.
    daemon.stop().await.unwrap();
    let mut own = Vec::new();
    while let Ok(export) = collector.exports.try_recv() {
        own.extend(unpacked(export).0.into_iter().filter(|span| !span.name.contains("/health")));
    }
    let roots: Vec<&otlp::Span> = own.iter().filter(|span| span.kind == 2).collect();
    let [root] = roots[..] else { panic!("{roots:?}") };
    assert!(root.parent_span_id.is_empty() && root.trace_id.len() == 16 && root.trace_id != [0; 16]);
    let found = attributes(&root.attributes);
    assert_eq!(
        (found["http.response.status_code"].as_str(), found["error.type"].as_str()),
        ("422", "Validation")
    );
    assert!(root.status.is_none(), "the client's mistake is no error of the daemon");
}

#[tokio::test]
async fn a_request_that_is_late_tells_how_far_it_came() {
    let mut collector = Collector::start(&[(200, b"")]).await;
    let daemon = Daemon::ready(|config| {
        traced(collector.address, 0.0)(config);
        config.deadline = Duration::from_millis(200);
    })
    .await;
    let parent = format!("traceparent: 00-{TRACE}-00f067aa0ba902b7-01\r\n");
    // The stand-in loops for ever.
    assert_eq!(ask(&daemon, ENCODE, &texts(&["L"]), &parent).await.status, 504);
    let (spans, _) = collector.next().await;
    let names: Vec<&str> = spans.iter().map(|span| span.name.as_str()).collect();
    // The refusal may come from the core, which is a stage too.
    assert_eq!(names[..4], ["POST /lockstep/encode", "read body", "tokenize", "queue"]);
    assert_eq!(spans[0].status.as_ref().unwrap().code, 2, "an error");
    daemon.stop().await.unwrap();
}

#[tokio::test]
async fn spans_that_a_collector_refuses_are_counted() {
    // One of the spans is rejected; then a refusal that stays; then one that passes.
    const ANSWERS: &[(u16, &[u8])] =
        &[(200, &[0x0a, 0x02, 0x08, 0x01]), (400, b""), (503, b"busy"), (200, b"")];
    let mut collector = Collector::start(ANSWERS).await;
    let daemon = Daemon::ready(traced(collector.address, 0.0)).await;
    let parent = format!("traceparent: 00-{TRACE}-00f067aa0ba902b7-01\r\n");
    // A path that nobody has makes three spans: the request, its body, and the answer.
    let one = async || assert_eq!(ask(&daemon, "/nowhere", "", &parent).await.status, 404);
    one().await;
    collector.spans(3).await;
    until(&daemon, "failed", 1).await;
    one().await;
    collector.spans(3).await;
    until(&daemon, "failed", 4).await;
    one().await;
    // It comes twice.
    collector.spans(3).await;
    collector.spans(3).await;
    until(&daemon, "sent", 5).await;
    assert_eq!((spans(&daemon, "failed").await, spans(&daemon, "dropped").await), (4, 0));
    daemon.stop().await.unwrap();
}

#[tokio::test]
async fn a_collector_that_is_away_costs_no_answer() {
    let gone = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let daemon = Daemon::ready(traced(gone, 1.0)).await;
    assert_eq!(daemon.encode("hello").await.status, 200);
    until(&daemon, "failed", 5).await;
    assert_eq!(spans(&daemon, "sent").await, 0);
    daemon.stop().await.unwrap();
}

#[tokio::test]
async fn a_collector_that_never_answers_costs_no_answer_and_bounded_memory() {
    // It accepts connections by the kernel's backlog, and says nothing.
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let daemon = Daemon::ready(traced(silent.local_addr().unwrap(), 1.0)).await;
    let mut client: Client = daemon.client().await;
    for _ in 0..1_300 {
        client.send(encode("hello")).await;
        assert_eq!(client.answer(true).await.status, 200);
    }
    assert!(spans(&daemon, "dropped").await > 0);
    assert_eq!(spans(&daemon, "sent").await, 0);
    // The shutdown waits for the collector, but not for long.
    timeout(Duration::from_secs(20), daemon.stop()).await.unwrap().unwrap();
}
