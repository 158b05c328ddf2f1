//! Laws of languages that only upstreams speak: no client writes them, so there is no round trip. What reaches them of
//! every client's request is one snapshot per language, `fixtures/<format>/snapshots/requests.json`.
//!
//! Streams are `<case>.stream.sse`, `.stream.jsonl` or `.stream.txt`; the codec says how they are cut.

use std::fs;

use bytes::BytesMut;
use llm_types::grammar::Checker;
use llm_types::stream::Event;
use llm_types::{Format, Json};
use llm_wire::framing::{Framing, Splitter};
use llm_wire::registry::{client_embed, client_generate, upstream_embed, upstream_generate};
use llm_wire::sse::Item;
use llm_wire::{ReplyView, RequestView};

use super::files::{
    Fixture, GENERATE, encode_context, fixtures, prefixes, pretty, reply_context, report, root, tree, written,
};

fn generating() -> Vec<Format> {
    let foreign = |f: &Format| upstream_generate(*f).is_some() && client_generate(*f).is_none();
    Format::ALL.iter().copied().filter(foreign).collect()
}

fn embedding() -> Vec<Format> {
    let foreign = |f: &Format| upstream_embed(*f).is_some() && client_embed(*f).is_none();
    Format::ALL.iter().copied().filter(foreign).collect()
}

fn reply(status: u16, body: &[u8]) -> ReplyView<'_> {
    ReplyView { status, provider: "provider", headers: &[("retry-after", "7")], body }
}

/// Compares with the snapshot of a whole format, or rewrites it.
fn snapshot(format: Format, what: &str, text: &str, wrong: &mut Vec<String>) {
    let path = root().join(format.name()).join("snapshots").join(what);
    if std::env::var_os("UPDATE").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        return fs::write(&path, text).unwrap();
    }
    let old = fs::read_to_string(&path).unwrap_or_default();
    if let Some((was, now)) = old.lines().zip(text.lines()).find(|(was, now)| was != now) {
        wrong.push(format!("{}:\n  was: {was}\n  now: {now}", path.display()));
    } else if old != text {
        wrong.push(format!("{}: missing or of another length; run with UPDATE=1 and review it", path.display()));
    }
}

fn strings(items: &[String]) -> Json {
    Json::Array(items.iter().map(|l| Json::from(l.as_str())).collect())
}

#[test]
fn requests_of_every_client_reach_them() {
    let mut wrong = Vec::new();
    for format in generating() {
        let mut all = Vec::new();
        for fixture in fixtures(&GENERATE, "request.json") {
            let view = RequestView { path: "/", query: "", body: &fixture.body };
            let req = client_generate(fixture.format).unwrap().decode_request(&view).unwrap();
            let mut ctx = encode_context("target-model");
            let mut out = BytesMut::new();
            let result = upstream_generate(format).unwrap().encode_request(&req, &mut ctx, &mut out);
            let shown = match result {
                Ok(()) => ("body", tree(&out)),
                Err(e) => ("error", Json::from(e.message.as_str())),
            };
            all.push((fixture.name(), Json::object([("lost", strings(&ctx.lost)), shown])));
        }
        snapshot(format, "requests.json", &pretty(&Json::object(all)), &mut wrong);
    }
    report(&wrong);
}

#[test]
fn answers_reach_every_client() {
    let mut wrong = Vec::new();
    for fixture in fixtures(&generating(), "response.json") {
        let ctx = reply_context(fixture.format);
        let resp = match upstream_generate(fixture.format).unwrap().decode_response(&reply(200, &fixture.body), &ctx) {
            Ok(resp) => resp,
            Err(e) => {
                fixture.snapshot("error.json", &pretty(&error(&e)), &mut wrong);
                continue;
            }
        };
        let told = |format: Format| {
            let out = written(|out| client_generate(format).unwrap().encode_response(&resp, &ctx, out));
            (format.name(), tree(&out))
        };
        fixture.snapshot("told.json", &pretty(&Json::object(GENERATE.map(told))), &mut wrong);
    }
    report(&wrong);
}

fn error(e: &llm_types::Error) -> Json {
    Json::object([
        ("kind", Json::from(format!("{:?}", e.kind))),
        ("status", Json::from(u64::from(e.status()))),
        ("type", Json::from(e.openai_type())),
        ("retry_after", Json::from(e.retry_after.map(|d| d.as_secs()))),
        ("message", Json::from(e.message.as_str())),
    ])
}

#[test]
fn errors_keep_their_meaning() {
    let mut wrong = Vec::new();
    for fixture in fixtures(&generating(), "error.json") {
        let e = upstream_generate(fixture.format).unwrap().decode_error(&reply(fixture.status(), &fixture.body));
        fixture.snapshot("decoded.json", &pretty(&error(&e)), &mut wrong);
    }
    for fixture in fixtures(&embedding(), "error.json") {
        let e = upstream_embed(fixture.format).unwrap().decode_error(&reply(fixture.status(), &fixture.body));
        fixture.snapshot("decoded.json", &pretty(&error(&e)), &mut wrong);
    }
    report(&wrong);
}

fn streams() -> Vec<Fixture> {
    ["stream.sse", "stream.jsonl", "stream.txt"].into_iter().flat_map(|kind| fixtures(&generating(), kind)).collect()
}

/// What a decoder tells of a stream that arrives in these chunks.
fn decode<'a>(format: Format, chunks: impl Iterator<Item = &'a [u8]>) -> Vec<Event<'static>> {
    let mut events = Vec::new();
    let codec = upstream_generate(format).unwrap();
    let mut decoder = codec.stream_decoder(&reply_context(format)).unwrap();
    // people cannot write AWS's binary frames: their events stand in the fixtures as server-sent ones
    let framing = match codec.framing() {
        Framing::AwsEventStream | Framing::AwsChunks | Framing::AwsPayload => Framing::Sse,
        other => other,
    };
    let mut splitter = Splitter::new(framing, 1 << 20);
    let mut sink = |e: Event<'_>| events.push(e.into_owned());
    let mut tell = |item: Item<'_>| {
        if let Item::Frame(frame) = item {
            decoder.frame(&frame, &mut sink);
        }
    };
    chunks.for_each(|c| splitter.feed(c, &mut tell).unwrap());
    splitter.finish(&mut tell).unwrap();
    decoder.end(&mut sink);
    decoder.end(&mut sink);
    events
}

fn lines(events: &[Event<'_>]) -> String {
    events.iter().map(|e| format!("{e:?}\n")).collect()
}

fn check_grammar(what: &str, events: &[Event<'_>], wrong: &mut Vec<String>) {
    let mut checker = Checker::default();
    events.iter().for_each(|e| checker.see(e));
    wrong.extend(checker.finish().into_iter().map(|b| format!("{what}: {b}")));
    let ends = events.iter().filter(|e| matches!(e, Event::End)).count();
    if ends != 1 || !matches!(events.last(), Some(Event::End)) {
        wrong.push(format!("{what}: does not end with one End"));
    }
}

#[test]
fn streams_are_read_whatever_the_chunks() {
    let mut wrong = Vec::new();
    for fixture in streams() {
        let whole = decode(fixture.format, std::iter::once(&fixture.body[..]));
        check_grammar(&fixture.name(), &whole, &mut wrong);
        fixture.snapshot("events.txt", &lines(&whole), &mut wrong);
        let bare = upstream_generate(fixture.format).unwrap().framing() == llm_wire::framing::Framing::Text;
        for size in [1, 2, 3, 7, 64, 1000] {
            let cut = decode(fixture.format, fixture.body.chunks(size));
            check_grammar(&format!("{} in chunks of {size}", fixture.name()), &cut, &mut wrong);
            // bare text has no events of its own: its pieces are those of the network
            if !bare && lines(&cut) != lines(&whole) {
                wrong.push(format!("{}: other events in chunks of {size}", fixture.name()));
            }
        }
        for format in [Format::OpenAiChat, Format::AnthropicMessages] {
            let mut out = BytesMut::new();
            let ctx = reply_context(fixture.format);
            let mut encoder = client_generate(format).unwrap().stream_encoder(&ctx).unwrap();
            whole.iter().for_each(|e| encoder.event(e, &mut out));
            fixture.snapshot(&format!("as.{format}.sse"), std::str::from_utf8(&out).unwrap(), &mut wrong);
        }
    }
    report(&wrong);
}

#[test]
fn cut_streams_of_theirs_never_end_silently() {
    let mut wrong = Vec::new();
    for fixture in streams() {
        for part in prefixes(&fixture.body) {
            let events = decode(fixture.format, std::iter::once(part));
            let what = format!("{} cut at {}", fixture.name(), part.len());
            check_grammar(&what, &events, &mut wrong);
            let told = |e: &Event<'_>| matches!(e, Event::Error(_) | Event::Finish { .. });
            if !events.iter().any(told) {
                wrong.push(format!("{what}: ends as if nothing had happened"));
            }
        }
    }
    wrong.truncate(20);
    report(&wrong);
}

#[test]
fn half_a_body_is_an_error_or_at_least_no_panic() {
    for kind in ["response.json", "error.json"] {
        for fixture in fixtures(&generating(), kind) {
            let codec = upstream_generate(fixture.format).unwrap();
            let whole = fixture.body.trim_ascii_end().len();
            for part in prefixes(&fixture.body) {
                let read = codec.decode_response(&reply(200, part), &reply_context(fixture.format));
                assert!(part.len() >= whole || read.is_err(), "{} cut at {}", fixture.name(), part.len());
                let _ = codec.decode_error(&reply(500, part));
            }
        }
    }
}

#[test]
fn vectors_come_and_go() {
    let mut wrong = Vec::new();
    for format in embedding() {
        let codec = upstream_embed(format).unwrap();
        let mut all = Vec::new();
        for fixture in fixtures(&[Format::OpenAiEmbeddings], "request.json") {
            let view = RequestView { path: "/", query: "", body: &fixture.body };
            let req = client_embed(Format::OpenAiEmbeddings).unwrap().decode_request(&view).unwrap();
            let mut ctx = encode_context("target-model");
            let mut out = BytesMut::new();
            let shown = match codec.encode_request(&req, &mut ctx, &mut out) {
                Ok(()) => ("body", tree(&out)),
                Err(e) => ("error", Json::from(e.message.as_str())),
            };
            all.push((fixture.name(), Json::object([("lost", strings(&ctx.lost)), shown])));
        }
        snapshot(format, "requests.json", &pretty(&Json::object(all)), &mut wrong);
        for fixture in fixtures(&[format], "response.json") {
            let ctx = reply_context(format);
            let resp = codec.decode_response(&reply(200, &fixture.body), &ctx).unwrap();
            let client = client_embed(Format::OpenAiEmbeddings).unwrap();
            let out = written(|out| client.encode_response(&resp, &ctx, out));
            fixture.snapshot("told.json", &pretty(&tree(&out)), &mut wrong);
        }
    }
    report(&wrong);
}
