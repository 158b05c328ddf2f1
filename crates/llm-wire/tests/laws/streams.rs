//! Laws of streams.

use bytes::BytesMut;
use llm_types::grammar::Checker;
use llm_types::stream::{Assembler, Event, EventSink};
use llm_types::{Format, Json};
use llm_wire::registry::{client_generate, upstream_generate};
use llm_wire::sse::{Item, Splitter};

use super::files::{Fixture, GENERATE, fixtures, prefixes, reply_context, report};

type Events = Vec<Event<'static>>;

/// What a decoder tells of a stream that arrives in these chunks.
fn decode<'a>(format: Format, chunks: impl Iterator<Item = &'a [u8]>) -> Events {
    let mut events = Events::new();
    let mut decoder = upstream_generate(format).unwrap().stream_decoder(&reply_context(format)).unwrap();
    let mut splitter = Splitter::new(1 << 20);
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

fn encode(format: Format, upstream: Format, events: &[Event<'_>]) -> BytesMut {
    let mut out = BytesMut::new();
    let mut encoder = client_generate(format).unwrap().stream_encoder(&reply_context(upstream)).unwrap();
    events.iter().for_each(|e| encoder.event(e, &mut out));
    out
}

fn lines(events: &[Event<'_>]) -> String {
    events.iter().map(|e| format!("{e:?}\n")).collect()
}

fn breaches(events: &[Event<'_>]) -> Vec<String> {
    let mut checker = Checker::default();
    events.iter().for_each(|e| checker.see(e));
    checker.finish()
}

fn check_grammar(what: &str, events: &[Event<'_>], wrong: &mut Vec<String>) {
    wrong.extend(breaches(events).into_iter().map(|b| format!("{what}: {b}")));
    let ends = events.iter().filter(|e| matches!(e, Event::End)).count();
    if ends != 1 || !matches!(events.last(), Some(Event::End)) {
        wrong.push(format!("{what}: does not end with one End"));
    }
}

fn streams() -> Vec<Fixture> {
    fixtures(&GENERATE, "stream.sse")
}

#[test]
fn chunks_do_not_matter_and_the_grammar_holds() {
    let mut wrong = Vec::new();
    for fixture in streams() {
        let whole = decode(fixture.format, std::iter::once(&fixture.body[..]));
        check_grammar(&fixture.name(), &whole, &mut wrong);
        fixture.snapshot("events.txt", &lines(&whole), &mut wrong);
        for size in [1, 2, 3, 7, 64, 1000] {
            if lines(&decode(fixture.format, fixture.body.chunks(size))) != lines(&whole) {
                wrong.push(format!("{}: other events in chunks of {size}", fixture.name()));
            }
        }
    }
    report(&wrong);
}

#[test]
fn streams_reach_every_client() {
    let mut wrong = Vec::new();
    for fixture in streams() {
        let events = decode(fixture.format, std::iter::once(&fixture.body[..]));
        for format in GENERATE {
            let out = encode(format, fixture.format, &events);
            fixture.snapshot(&format!("as.{format}.sse"), std::str::from_utf8(&out).unwrap(), &mut wrong);
        }
    }
    report(&wrong);
}

/// What a client puts together from the stream that we write is what the upstream said.
#[test]
fn streams_survive_their_own_format() {
    let mut wrong = Vec::new();
    for fixture in streams() {
        let events = decode(fixture.format, std::iter::once(&fixture.body[..]));
        let written = encode(fixture.format, fixture.format, &events);
        let again = decode(fixture.format, std::iter::once(&written[..]));
        check_grammar(&format!("{} written again", fixture.name()), &again, &mut wrong);
        let (before, after) = (said(&events), said(&again));
        if before != after {
            wrong.push(format!("{}:\n  was: {before}\n  now: {after}", fixture.name()));
        }
    }
    report(&wrong);
}

/// The answer that the events amount to, without ids and counts.
fn said(events: &[Event<'_>]) -> String {
    let mut whole = Assembler::default();
    events.iter().for_each(|e| whole.event(e.clone()));
    let (answer, error) = whole.finish();
    let choices: Vec<_> =
        answer.choices.iter().map(|c| (c.index, &c.parts, c.finish.as_ref().map(|f| f.reason))).collect();
    format!("{choices:?} failed: {}", error.is_some())
}

#[test]
fn cut_streams_never_end_silently() {
    let mut wrong = Vec::new();
    for fixture in streams() {
        let complete = |events: &[Event<'_>]| events.iter().any(|e| matches!(e, Event::Finish { .. }));
        for part in prefixes(&fixture.body) {
            let events = decode(fixture.format, std::iter::once(part));
            let what = format!("{} cut at {}", fixture.name(), part.len());
            check_grammar(&what, &events, &mut wrong);
            let failed = events.iter().any(|e| matches!(e, Event::Error(_)));
            if !failed && !complete(&events) {
                wrong.push(format!("{what}: ends as if nothing had happened"));
            }
        }
    }
    wrong.truncate(20);
    report(&wrong);
}

/// What LiteLLM's chat clients rely on.
#[test]
fn chat_streams_are_well_formed() {
    let mut wrong = Vec::new();
    for fixture in streams() {
        let events = decode(fixture.format, std::iter::once(&fixture.body[..]));
        let out = encode(Format::OpenAiChat, fixture.format, &events);
        let text = std::str::from_utf8(&out).unwrap();
        let frames: Vec<&str> = text.split_terminator("\n\n").filter_map(|f| f.strip_prefix("data: ")).collect();
        let failed = events.iter().any(|e| matches!(e, Event::Error(_)));
        let done = frames.last() == Some(&"[DONE]");
        if done == failed {
            wrong.push(format!("{}: [DONE] after an error, or none without one", fixture.name()));
        }
        let chunks: Vec<Json> =
            frames.iter().filter(|f| **f != "[DONE]").map(|f| serde_json::from_str(f).unwrap()).collect();
        let choices: Vec<&Json> = chunks.iter().filter_map(|c| c.get("choices")?.as_array()?.first()).collect();
        let role = choices.first().and_then(|c| c.get("delta")?.get("role")?.as_str());
        // hosts that have no role of their own may end without any
        let ends = choices.first().is_some_and(|c| c.get("finish_reason").is_some());
        if !choices.is_empty() && role != Some("assistant") && !ends {
            wrong.push(format!("{}: no role on the first chunk", fixture.name()));
        }
        let with_finish = choices.iter().filter(|c| c.get("finish_reason").is_some());
        if with_finish.clone().any(|c| c.get("delta").is_none_or(|d| d.get("content").is_some())) {
            wrong.push(format!("{}: a finish reason beside content", fixture.name()));
        }
        let finished = events.iter().filter(|e| matches!(e, Event::Finish { .. })).count();
        if with_finish.count() != finished {
            wrong.push(format!("{}: not one finish chunk for each choice", fixture.name()));
        }
    }
    report(&wrong);
}
