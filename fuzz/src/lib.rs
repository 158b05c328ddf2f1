//! What the fuzz targets do. The first bytes of an input choose the format and the cutting, the rest is what a stranger
//! sends. Nothing may panic, hang, or end a stream without a word. [`seeds`] makes first inputs of the fixtures.

#![allow(clippy::expect_used, reason = "a panic is how a target tells what it found")]

pub mod beside;
pub mod framing;
#[cfg(feature = "gateway")]
pub mod gateway;
pub mod seeds;

use bytes::{Bytes, BytesMut};
use llm_types::grammar::Checker;
use llm_types::stream::Event;
use llm_types::{Format, Json, OperationKind, RawJson};
use llm_wire::codec::{EncodeContext, Hints, ReplyContext, ReplyView, RequestView};
use llm_wire::form::FormFilter;
use llm_wire::framing::{Framing, Splitter};
use llm_wire::ids;
use llm_wire::meter::Meter;
use llm_wire::realtime::SessionMeter;
use llm_wire::registry;
use llm_wire::relay::{StreamRelay, Whole};
use llm_wire::sse::Item;
use llm_wire::task::TaskRequest;

/// A target: something that reads bytes.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// What `fuzz/run` calls it.
    pub name: &'static str,
    /// Reads an input; panics on what must not be.
    pub run: fn(&[u8]),
}

/// All of them.
pub const TARGETS: &[Target] = &[
    Target { name: "request", run: request },
    Target { name: "reply", run: reply },
    Target { name: "stream", run: stream },
    Target { name: "relay", run: relay },
    Target { name: "task", run: task },
    Target { name: "passing", run: passing },
    Target { name: "framing", run: framing::run },
    Target { name: "beside", run: beside::run },
    #[cfg(feature = "gateway")]
    Target { name: "config", run: gateway::config },
    #[cfg(feature = "gateway")]
    Target { name: "form", run: gateway::form },
    #[cfg(feature = "gateway")]
    Target { name: "frame", run: gateway::frame },
];

/// The target of this name.
#[must_use]
pub fn target(name: &str) -> Option<&'static Target> {
    TARGETS.iter().find(|t| t.name == name)
}

/// A member of `all`, chosen by a byte.
fn choose<T: Copy>(all: &[T], by: u8) -> Option<T> {
    all.get(usize::from(by) % all.len().max(1)).copied()
}

/// Formats that the target of this name chooses from.
fn formats_of(target: &str) -> Vec<Format> {
    match target {
        "request" => formats(|f| registry::client_generate(f).is_some()),
        "reply" => formats(|f| {
            registry::upstream_generate(f).is_some()
                || registry::upstream_embed(f).is_some()
                || registry::count(f).is_some()
        }),
        "stream" => {
            formats(|f| registry::upstream_generate(f).is_some_and(|c| c.stream_decoder(&context(f)).is_some()))
        }
        "task" => formats(|f| registry::task(f).is_some()),
        "relay" => formats(|f| registry::client_generate(f).is_some()),
        _ => Vec::new(),
    }
}

fn formats(is: impl Fn(Format) -> bool) -> Vec<Format> {
    Format::ALL.iter().copied().filter(|f| is(*f)).collect()
}

fn context(format: Format) -> ReplyContext {
    ReplyContext {
        fallback_id: "id".to_owned(),
        include_usage: true,
        upstream: Some(format),
        ..ReplyContext::default()
    }
}

/// The same with what the request may have asked for; 255: nothing.
fn hinted(format: Format, asked: u8) -> ReplyContext {
    let set = |bit: u8| asked & bit == 0;
    let hints = Hints {
        json_tool: set(1),
        calls_in_text: set(2),
        prefix: set(4).then(|| if set(8) { "<think>" } else { "{" }.to_owned()),
        ..Hints::default()
    };
    ReplyContext {
        hints,
        block_proof: set(16).then_some("p"),
        count: Some(|_, text| text.len() as u64),
        ..context(format)
    }
}

fn view(status: u16, body: &[u8]) -> ReplyView<'_> {
    ReplyView { status, provider: "fuzz", headers: &[], body }
}

/// A client's request: read, and written for every upstream.
pub fn request(data: &[u8]) {
    let [by, _, _, body @ ..] = data else { return };
    let view = RequestView { path: "/v1beta/models/m:generateContent", query: "", body };
    let Some(codec) = choose(&formats_of("request"), *by).and_then(registry::client_generate) else { return };
    if let Ok(request) = codec.decode_request(&view) {
        for codec in Format::ALL.iter().filter_map(|f| registry::upstream_generate(*f)) {
            for drop_params in [false, true] {
                let mut ctx = EncodeContext { drop_params, modify_params: true, ..EncodeContext::for_model("m") };
                let mut out = BytesMut::new();
                if codec.encode_request(&request, &mut ctx, &mut out).is_ok() {
                    is_json(&out);
                }
            }
        }
        for codec in Format::ALL.iter().filter_map(|f| registry::count(*f)) {
            let mut out = BytesMut::new();
            if codec.encode(&request, &mut EncodeContext::for_model("m"), &mut out).is_ok() {
                is_json(&out);
            }
        }
    }
    if let Ok(request) = registry::client_embed(Format::OpenAiEmbeddings).expect("there").decode_request(&view) {
        for codec in Format::ALL.iter().filter_map(|f| registry::upstream_embed(*f)) {
            let mut ctx = EncodeContext { drop_params: true, ..EncodeContext::for_model("m") };
            let _ = codec.encode_request(&request, &mut ctx, &mut BytesMut::new());
        }
    }
}

fn is_json(bytes: &[u8]) {
    let text = String::from_utf8(bytes.to_vec()).expect("a body is UTF-8");
    RawJson::parse(text).expect("a body is JSON");
}

/// An upstream's whole reply: read as an answer and as an error, and written for every client.
pub fn reply(data: &[u8]) {
    let [by, _, _, body @ ..] = data else { return };
    let Some(format) = choose(&formats_of("reply"), *by) else { return };
    let ctx = context(format);
    if let Some(codec) = registry::upstream_generate(format) {
        let _ = codec.decode_error(&view(400, body));
        let _ = codec.next(u32::from(*by), true, &view(200, body));
        if let Ok(answer) = codec.decode_response(&view(200, body), &ctx) {
            for client in Format::ALL.iter().filter_map(|f| registry::client_generate(*f)) {
                let mut out = BytesMut::new();
                client.encode_response(&answer, &ctx, &mut out);
                is_json(&out);
            }
        }
    }
    if let Some(codec) = registry::upstream_embed(format) {
        let _ = codec.decode_error(&view(400, body));
        if let Ok(vectors) = codec.decode_response(&view(200, body), &ctx) {
            let client = registry::client_embed(Format::OpenAiEmbeddings).expect("there");
            let mut out = BytesMut::new();
            client.encode_response(&vectors, &ctx, &mut out);
            is_json(&out);
        }
    }
    if let Some(codec) = registry::count(format) {
        let _ = codec.decode(body);
    }
    let _ = Whole::read(format, body);
    parts(format, body);
}

/// What is read of a reply beside it: its usage, an error inside a stream.
fn parts(format: Format, body: &[u8]) {
    let Some(raw) = std::str::from_utf8(body).ok().and_then(|t| RawJson::parse(t).ok()) else { return };
    let top = llm_wire::top::Top::parse(body).unwrap_or_default();
    for object in [Some(raw.get()), top.get("usage"), top.get("usageMetadata")].into_iter().flatten() {
        let object = RawJson::parse(object).expect("a value is JSON");
        let _ = llm_wire::usage::report(format, &[object.clone(), object]);
    }
    let _ = llm_wire::anthropic::error_in_stream(raw.get());
    let _ = llm_wire::gemini::error_in_stream(raw.get(), "fuzz");
    let _ = llm_wire::openai::errors::decode_in_stream(raw.get(), "fuzz", Default::default());
}

/// An upstream's stream in some chunks: the events keep the grammar, the stream does not end silently, and every client
/// can be told.
pub fn stream(data: &[u8]) {
    let [by, cut, asked, body @ ..] = data else { return };
    let Some(format) = choose(&formats_of("stream"), *by) else { return };
    let Some(codec) = registry::upstream_generate(format) else { return };
    let framing = if *by > 127 { Framing::Sse } else { codec.framing() };
    let Some(mut decoder) = codec.stream_decoder(&hinted(format, *asked)) else { return };
    let mut events: Vec<Event<'static>> = Vec::new();
    let mut sink = |e: Event<'_>| events.push(e.into_owned());
    let mut splitter = Splitter::new(framing, 1 << 16);
    let mut tell = |item: Item<'_>| {
        if let Item::Frame(frame) = item {
            decoder.frame(&frame, &mut sink);
        }
    };
    let mut broken = false;
    for chunk in body.chunks(usize::from(*cut).max(1)) {
        if splitter.feed(chunk, &mut tell).is_err() {
            broken = true; // the engine ends such a stream with an error
            break;
        }
    }
    if !broken {
        broken = splitter.finish(&mut tell).is_err();
        decoder.end(&mut sink);
        decoder.end(&mut sink);
    }
    let mut checker = Checker::default();
    events.iter().for_each(|e| checker.see(e));
    let problems = if broken { Vec::new() } else { checker.finish() };
    assert!(problems.is_empty(), "{format}: {problems:?}");
    let told = |e: &Event<'_>| matches!(e, Event::Error(_) | Event::Finish { .. });
    // An end marker is a word, even when nothing was said before it.
    let marked = body.windows(6).any(|w| w == b"[DONE]");
    assert!(broken || marked || events.iter().any(told), "{format}: a stream that ends silently");
    for client in Format::ALL.iter().filter_map(|f| registry::client_generate(*f)) {
        let Some(mut encoder) = client.stream_encoder(&context(format)) else { continue };
        let mut out = BytesMut::new();
        events.iter().for_each(|e| encoder.event(e, &mut out));
    }
}

/// A stream that is forwarded.
pub fn relay(data: &[u8]) {
    let [by, cut, _, body @ ..] = data else { return };
    let Some(format) = choose(&formats_of("relay"), *by) else { return };
    // the cutting changes neither the bytes nor what is seen
    let whole = relayed(format, *by > 127, body, body.len().max(1));
    let pieces = relayed(format, *by > 127, body, usize::from(*cut).max(1));
    if let (Some(whole), Some(pieces)) = (whole, pieces) {
        assert_eq!(whole, pieces, "{format}");
    }
}

/// What came out of a relay, and what it saw.
fn relayed(format: Format, hide_usage: bool, body: &[u8], size: usize) -> Option<(String, String)> {
    let mut out = Vec::new();
    let mut relay = StreamRelay::new(format, Some("name"), hide_usage, 1 << 16);
    for chunk in body.chunks(size) {
        out.extend_from_slice(&relay.chunk(Bytes::copy_from_slice(chunk)).ok()?);
    }
    out.extend_from_slice(&relay.finish());
    let seen = relay.take_seen();
    if !seen.usage.is_empty() {
        let _ = llm_wire::usage::report(format, &seen.usage);
    }
    // Empty lines behind an event say nothing: they go with this one or the next.
    let lines = String::from_utf8_lossy(&out).replace(['\r', '\n'], "");
    Some((lines, format!("{seen:?}")))
}

/// A task: a request of any fields, and any reply to it.
pub fn task(data: &[u8]) {
    const TASKS: [OperationKind; 11] = [
        OperationKind::Image,
        OperationKind::ImageEdit,
        OperationKind::ImageVariation,
        OperationKind::Transcribe,
        OperationKind::Translate,
        OperationKind::Speech,
        OperationKind::Moderate,
        OperationKind::Rerank,
        OperationKind::Ocr,
        OperationKind::Search,
        OperationKind::Video,
    ];
    let [by, kind, split, rest @ ..] = data else { return };
    let Some(codec) = choose(&formats_of("task"), *by).and_then(registry::task) else { return };
    let Some(operation) = choose(&TASKS, *kind) else { return };
    let (fields, body) = rest.split_at(usize::from(*split).min(rest.len()));
    let fields = std::str::from_utf8(fields).ok().and_then(|t| RawJson::parse(t).ok());
    let fields = fields.and_then(|f| f.read::<Json>().ok()).unwrap_or(Json::Object(Vec::new()));
    let mut request = TaskRequest { operation, model: "m".to_owned(), fields, files: Vec::new() };
    if codec.fetches(&request).is_some() {
        codec.put_fetched(&mut request, "data:application/pdf;base64,JVBERg==".to_owned());
    }
    let mut ctx = EncodeContext { drop_params: true, ..EncodeContext::for_model("m") };
    let _ = codec.encode(&request, &mut ctx);
    let _ = codec.streams(&request);
    let _ = codec.usage_of_request(&request);
    let _ = codec.usage_in_event(body);
    let _ = codec.next(&request, u32::from(*split), &view(200, body));
    let _ = codec.decode(&request, &view(200, body), &hinted(codec.format(), 255));
    let _ = codec.decode_error(&view(400, body));
}

/// What passes unread: usage noticed, forms filtered, frames of sessions, ids in texts. The cutting changes nothing.
pub fn passing(data: &[u8]) {
    let [by, size, _, body @ ..] = data else { return };
    let size = usize::from(*size).max(1);
    let kinds = ["application/json", "text/event-stream", "application/vnd.amazon.eventstream", "application/x-ndjson"];
    let path = if by & 0x80 == 0 { "/v1/chat/completions" } else { "/v1/images/generations" };
    let metered = |size: usize| {
        let mut meter = Meter::new(path, choose(&kinds, *by).expect("one")).expect("a kind that is read");
        body.chunks(size).for_each(|chunk| meter.feed(chunk));
        meter.finish(true).usage.map(|u| u.usage)
    };
    assert_eq!(metered(size), metered(body.len().max(1)));

    let filtered = |size: usize| {
        let mut filter = FormFilter::new("b", &["model"]);
        let mut out = Vec::new();
        for chunk in body.chunks(size) {
            match filter.feed(chunk) {
                Ok(piece) => out.extend_from_slice(&piece),
                Err(_) => return None,
            }
        }
        out.extend_from_slice(&filter.finish());
        Some(out)
    };
    if let (Some(pieces), Some(whole)) = (filtered(size), filtered(body.len().max(1))) {
        assert_eq!(pieces, whole);
    }

    let session = |size: usize| {
        let mut meter = SessionMeter::default();
        body.chunks(size).for_each(|chunk| meter.feed(chunk));
        (meter.usage(), meter.at_border(), meter.closed())
    };
    assert_eq!(session(size), session(body.len().max(1)));
    let text = String::from_utf8_lossy(body);
    let _ = ids::resolved(&text);
    for kind in [ids::Made::Video, ids::Made::Container, ids::Made::Response] {
        let _ = ids::decode_made(kind, &text);
    }
    let _ = llm_wire::text::as_tensors(body);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the fixtures of a format hold is no finding, and no target is without a first input.
    #[test]
    fn every_target_takes_its_seeds() {
        let fixtures = concat!(env!("CARGO_MANIFEST_DIR"), "/../crates/llm-wire/fixtures");
        for target in TARGETS {
            let seeds = seeds::of(target.name, fixtures.as_ref()).unwrap();
            assert!(!seeds.is_empty(), "{}", target.name);
            for (_, seed) in seeds {
                (target.run)(&seed);
            }
        }
    }
}
