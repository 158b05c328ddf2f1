//! What the engine costs beside the network: the plan of a small chat, and events of a stream in each lane, in time and
//! in allocations. The upstream is a transport without sockets that hands over canned frames.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a benchmark may fail loudly"
)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::collections::VecDeque;
use std::convert::Infallible;
use std::fmt::Write as _;
use std::future::Future;
use std::hint::black_box;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use criterion::{Criterion, Throughput, criterion_group};
use http::{Request, Response};
use http_body::{Body as _, Frame};
use llm_client::engine::Open;
use llm_client::{Answer, Call, Engine, EngineSettings, Prices, Report, Target, TargetConfig};
use llm_http::{Body, BoxFuture, ErrorKind, Phase, ReplyBody, Timeouts, Transport, TransportError, UpgradeReply};
use llm_router::{Deployment, Router, RouterSettings};
use llm_types::{Format, Json, OperationKind};

const EVENTS: u64 = 256;

/// The system's allocator, which counts how often it is asked for memory: `alloc` and `realloc`.
struct Counting;

static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);

#[allow(unsafe_code, reason = "an allocator cannot be had without; every call goes to the system's as it came")]
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        unsafe { System.dealloc(at, layout) }
    }
    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        unsafe { System.realloc(at, layout, size) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// Frames, one per poll: as if each came with a read of its own.
struct Frames(VecDeque<Bytes>);

impl http_body::Body for Frames {
    type Data = Bytes;
    type Error = Infallible;
    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.0.pop_front().map(|b| Ok(Frame::data(b))))
    }
}

struct Canned {
    kind: &'static str,
    frames: Vec<Bytes>,
}

impl Transport for Canned {
    fn fetch<'a>(
        &'a self,
        url: &'a str,
        _limits: &'a llm_http::FetchLimits,
    ) -> llm_http::BoxFuture<'a, Result<llm_http::Fetched, llm_http::FetchError>> {
        Box::pin(async move { Err(llm_http::FetchError::InvalidUrl(url.to_owned())) })
    }

    fn send(&self, _: Request<Body>, _: Timeouts) -> BoxFuture<'_, Result<Response<ReplyBody>, TransportError>> {
        let body = ReplyBody::stream(Frames(self.frames.iter().cloned().collect()));
        let response = Response::builder().header("content-type", self.kind).body(body).unwrap();
        Box::pin(std::future::ready(Ok(response)))
    }
    fn upgrade(&self, _: Request<Body>, _: Timeouts) -> BoxFuture<'_, Result<UpgradeReply, TransportError>> {
        let error = TransportError::unsent(Phase::Connect, ErrorKind::Protocol, "no upgrades here");
        Box::pin(std::future::ready(Err(error)))
    }
}

fn engine(model: &str) -> Engine {
    let params = [("model", model), ("api_base", "http://127.0.0.1:9/v1"), ("api_key", "sk-bench")];
    let params = params.map(|(k, v)| (k.to_owned(), Json::from(v))).to_vec();
    let target = Target::new(&TargetConfig { params, info: Vec::new() }, &Prices::Builtin).unwrap();
    let mut deployment = Deployment::new("a", "smart", model);
    deployment.payload = Some(Arc::new(target));
    let router = Arc::new(Router::new(vec![deployment], RouterSettings::default()));
    Engine { router, prices: Prices::Builtin, settings: EngineSettings::default() }
}

fn chat(stream: bool) -> Call {
    let tail = if stream { r#","stream":true,"stream_options":{"include_usage":true}"# } else { "" };
    let body = format!(
        r#"{{"model":"smart","messages":[{{"role":"system","content":"Be brief."}},{{"role":"user","content":"Tell me of lanes."}}],"temperature":0.5{tail}}}"#
    );
    let mut call = Call::new(OperationKind::Generate, Format::OpenAiChat, Bytes::from(body), "smart");
    (call.stream, call.include_usage) = (stream, stream);
    call
}

fn chat_frames(events: u64) -> Vec<Bytes> {
    let chunk = |delta: &str, finish: &str, usage: &str| {
        format!(
            "data: {{\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"created\":1700000000,\"model\":\"gpt-4o-2024-08-06\",\"service_tier\":\"default\",\"system_fingerprint\":\"fp_1\",\"choices\":[{{\"index\":0,\"delta\":{delta},\"logprobs\":null,\"finish_reason\":{finish}}}],\"usage\":{usage}}}\n\n"
        )
    };
    let mut out = vec![chunk(r#"{"role":"assistant","content":"","refusal":null}"#, "null", "null")];
    out.extend((0..events).map(|n| chunk(&format!(r#"{{"content":" word{n}"}}"#), "null", "null")));
    out.push(chunk("{}", "\"stop\"", "null"));
    let usage = r#"{"prompt_tokens":20,"completion_tokens":256,"total_tokens":276}"#;
    out.push(format!("data: {{\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"created\":1700000000,\"model\":\"gpt-4o-2024-08-06\",\"choices\":[],\"usage\":{usage}}}\n\n"));
    out.push("data: [DONE]\n\n".to_owned());
    out.into_iter().map(Bytes::from).collect()
}

fn message_frames(events: u64) -> Vec<Bytes> {
    let event = |name: &str, rest: &str| {
        let mut out = String::new();
        write!(out, "event: {name}\ndata: {{\"type\":\"{name}\"{rest}}}\n\n").unwrap();
        Bytes::from(out)
    };
    let mut out = vec![
        event(
            "message_start",
            r#","message":{"model":"claude-sonnet-4-5-20250929","id":"msg_01A","type":"message","role":"assistant","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":20,"output_tokens":1}}"#,
        ),
        event("content_block_start", r#","index":0,"content_block":{"type":"text","text":""}"#),
    ];
    let delta = |n| format!(r#","index":0,"delta":{{"type":"text_delta","text":" word{n}"}}"#);
    out.extend((0..events).map(|n| event("content_block_delta", &delta(n))));
    out.push(event("content_block_stop", r#","index":0"#));
    out.push(event(
        "message_delta",
        r#","delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{"output_tokens":256}"#,
    ));
    out.push(event("message_stop", ""));
    out
}

/// Nothing here ever waits: one poll is the whole way.
fn now<F: Future>(work: F) -> F::Output {
    match pin!(work).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(done) => done,
        Poll::Pending => panic!("it waits"),
    }
}

fn drain(engine: &Engine, http: &Canned, call: &Call) -> usize {
    let Answer::Stream { mut body, .. } = now(engine.answer(http, call, &Open)).unwrap() else { panic!("whole") };
    body.set_tail(Box::new(|report: Box<Report>| assert!(report.error.is_none())));
    let mut bytes = 0;
    while let Some(frame) = now(std::future::poll_fn(|cx| Pin::new(&mut *body).poll_frame(cx))) {
        bytes += frame.unwrap().data_ref().map_or(0, Bytes::len);
    }
    bytes
}

/// Allocations per event: what a stream twice as long asks for more.
fn allocations(engine: &Engine, call: &Call, frames: fn(u64) -> Vec<Bytes>) -> f64 {
    let count = |events| {
        let http = Canned { kind: "text/event-stream", frames: frames(events) };
        drain(engine, &http, call); // what is made once, is made now
        let before = ALLOCATIONS.load(Ordering::Relaxed);
        drain(engine, &http, call);
        ALLOCATIONS.load(Ordering::Relaxed) - before
    };
    #[allow(clippy::cast_precision_loss, reason = "a few thousand")]
    let more = count(2 * EVENTS).saturating_sub(count(EVENTS)) as f64;
    more / 256.0
}

fn messages(stream: bool) -> Call {
    let body = r#"{"model":"smart","max_tokens":512,"messages":[{"role":"user","content":"Tell me of lanes."}],"stream":true}"#;
    let mut call =
        Call::new(OperationKind::Generate, Format::AnthropicMessages, Bytes::from_static(body.as_bytes()), "smart");
    (call.stream, call.include_usage) = (stream, stream);
    call
}

fn streams(c: &mut Criterion) {
    let mut group = c.benchmark_group("stream");
    group.throughput(Throughput::Elements(EVENTS));
    let lanes: [(&str, &str, fn(u64) -> Vec<Bytes>, Call, bool); 6] = [
        ("relay", "openai/gpt-4o", chat_frames, chat(true), false),
        ("relay messages", "anthropic/claude-sonnet-4-5", message_frames, messages(true), false),
        ("tap", "openai/gpt-4o", chat_frames, chat(true), true),
        // a row whose replies have to be read
        ("translate chat from chat", "deepseek/deepseek-chat", chat_frames, chat(true), false),
        ("translate chat from messages", "anthropic/claude-sonnet-4-5", message_frames, chat(true), false),
        ("translate messages from chat", "mistral/mistral-large-latest", chat_frames, messages(true), false),
    ];
    for (name, model, frames, mut call, tap) in lanes {
        let (engine, http) = (engine(model), Canned { kind: "text/event-stream", frames: frames(EVENTS) });
        call.want_content = tap;
        assert!(drain(&engine, &http, &call) > 10_000);
        println!("stream/{name}: {:.2} allocations per event", allocations(&engine, &call, frames));
        group.bench_function(name, |b| b.iter(|| black_box(drain(&engine, &http, &call))));
    }
    group.finish();
}

fn plans(c: &mut Criterion) {
    let mut group = c.benchmark_group("plan");
    for (name, model) in [("passthrough", "openai/gpt-4o"), ("translate", "anthropic/claude-sonnet-4-5")] {
        let (engine, body) = (engine(model), chat(false).body);
        group.bench_function(name, |b| {
            b.iter(|| {
                // a fresh call: what was decoded for one plan must not serve the next
                let call = Call::new(OperationKind::Generate, Format::OpenAiChat, body.clone(), "smart");
                black_box(engine.show(&call).unwrap())
            });
        });
    }
    group.finish();
}

fn whole(c: &mut Criterion) {
    let reply = r#"{"id":"chatcmpl-1","object":"chat.completion","created":1700000000,"model":"gpt-4o-2024-08-06","choices":[{"index":0,"message":{"role":"assistant","content":"Lanes are three.","refusal":null,"annotations":[]},"logprobs":null,"finish_reason":"stop"}],"usage":{"prompt_tokens":20,"completion_tokens":5,"total_tokens":25}}"#;
    let http = Canned { kind: "application/json", frames: vec![Bytes::from_static(reply.as_bytes())] };
    let (engine, call) = (engine("openai/gpt-4o"), chat(false));
    c.bench_function("whole answer/passthrough", |b| {
        b.iter(|| match now(engine.answer(&http, &call, &Open)).unwrap() {
            Answer::Whole { body, .. } => black_box(body),
            Answer::Stream { .. } | Answer::Bytes { .. } => panic!("a stream"),
        });
    });
}

criterion_group!(benches, plans, whole, streams);

fn main() {
    // the limits of an attempt are timers, though none of them ever fires here
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let _inside = runtime.enter();
    benches();
    Criterion::default().configure_from_args().final_summary();
}
