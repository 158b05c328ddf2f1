//! Streams: any chunking gives the same events, in order; what is written reads back the same.

use bytes::BytesMut;
use llm_types::generate::{Finish, FinishReason, UsageReport};
use llm_types::grammar::Checker;
use llm_types::stream::{Assembler, Delta, Event, EventSink, PartStart, Start};
use llm_types::{Error, Format, Kind, Usage};

use super::{fixtures, json};
use crate::anthropic::{FORMAT, Messages};
use crate::codec::{ClientCodec, Generate, Hints, ReplyContext, UpstreamCodec};
use crate::sse::{Item, Splitter};

fn decode(text: &str, chunk: usize, hints: Hints) -> Vec<Event<'static>> {
    let ctx = ReplyContext { hints, ..ReplyContext::default() };
    let mut decoder = UpstreamCodec::<Generate>::stream_decoder(&Messages, &ctx).unwrap();
    let mut events = Vec::new();
    let mut sink = |e: Event<'_>| events.push(e.into_owned());
    let mut splitter = Splitter::new(1 << 20);
    let mut tell = |item: Item<'_>| {
        if let Item::Frame(f) = item {
            decoder.frame(&f, &mut sink);
        }
    };
    text.as_bytes().chunks(chunk).for_each(|c| splitter.feed(c, &mut tell).unwrap());
    splitter.finish(&mut tell).unwrap();
    decoder.end(&mut sink);
    decoder.end(&mut sink);
    events
}

fn encode(events: &[Event<'_>], upstream: Format) -> String {
    let ctx = ReplyContext {
        upstream: Some(upstream),
        fallback_id: "msg_1".into(),
        prompt_tokens_estimate: 7,
        ..ReplyContext::default()
    };
    let mut encoder = ClientCodec::<Generate>::stream_encoder(&Messages, &ctx).unwrap();
    let mut out = BytesMut::new();
    events.iter().for_each(|e| encoder.event(e, &mut out));
    String::from_utf8(out.to_vec()).unwrap()
}

fn assembled(events: &[Event<'static>]) -> String {
    let mut assembler = Assembler::default();
    events.iter().for_each(|e| assembler.event(e.clone()));
    let (mut resp, error) = assembler.finish();
    let usage = resp.usage.take().map(|u| u.usage);
    format!("{resp:?} {usage:?} {:?}", error.map(|e| e.kind))
}

fn stream(wanted: &str) -> String {
    fixtures(".stream.sse").into_iter().find(|(n, _)| n.starts_with(wanted)).unwrap().1
}

#[test]
fn every_cut_gives_the_same_events_in_order() {
    for (name, text) in fixtures(".stream.sse") {
        let whole = decode(&text, usize::MAX >> 1, Hints::default());
        let mut checker = Checker::default();
        whole.iter().for_each(|e| checker.see(e));
        assert_eq!(checker.finish(), Vec::<String>::new(), "{name}");
        for size in [1, 7, 64] {
            let cut = decode(&text, size, Hints::default());
            assert_eq!(format!("{cut:?}"), format!("{whole:?}"), "{name} in chunks of {size}");
        }
    }
}

#[test]
fn what_is_written_reads_back() {
    for (name, text) in fixtures(".stream.sse") {
        if name.starts_with("error") || name.starts_with("cut-before") {
            continue;
        }
        let events = decode(&text, 4096, Hints::default());
        let again = decode(&encode(&events, FORMAT), 4096, Hints::default());
        assert_eq!(assembled(&again), assembled(&events), "{name}");
    }
}

#[test]
fn text_costs_no_allocation() {
    let line = br#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"plain"}}"#;
    let mut decoder = UpstreamCodec::<Generate>::stream_decoder(&Messages, &ReplyContext::default()).unwrap();
    let mut borrowed = false;
    let mut sink = |e: Event<'_>| {
        if let Event::Delta { delta: Delta::Text(std::borrow::Cow::Borrowed(_)), .. } = e {
            borrowed = true;
        }
    };
    decoder.frame(&crate::sse::Frame::data(line), &mut sink);
    assert!(borrowed);
}

#[test]
fn usage_merges_and_calls_without_arguments_get_an_object() {
    let events = decode(&stream("two-tools"), 4096, Hints::default());
    let mut assembler = Assembler::default();
    events.iter().for_each(|e| assembler.event(e.clone()));
    let (resp, error) = assembler.finish();
    let usage = resp.usage.unwrap();
    assert_eq!((usage.usage.input_text, usage.usage.cache_read, usage.usage.output_text), (21, 5, 9));
    assert!(usage.raw.unwrap().1.get().contains("\"input_tokens\":21"));
    let parts = format!("{:?}", resp.choices[0].parts);
    assert!(
        parts.contains(r#"arguments: "{\"location\": \"Paris\"}""#) && parts.contains(r#"arguments: "{}""#),
        "{parts}"
    );
    assert!(error.is_none());
}

#[test]
fn every_stream_ends_in_words() {
    let last_error = |name: &str| {
        decode(&stream(name), 4096, Hints::default()).into_iter().find_map(|e| match e {
            Event::Error(e) => Some((e.kind, e.message)),
            _ => None,
        })
    };
    let first = last_error("error-first").unwrap();
    assert_eq!(first, (Kind::Internal, "litellm.InternalServerError: AnthropicError - Overloaded".to_owned()));
    assert_eq!(last_error("error-middle").unwrap().0, Kind::Internal);
    assert_eq!(last_error("cut-before").unwrap().0, Kind::MidStream);
    assert_eq!(last_error("cut-after"), None);
    assert_eq!(last_error("text"), None);
    let garbage = decode("data: {\"type\": \n\n", 4096, Hints::default());
    assert!(matches!(&garbage[..], [Event::Error(e), Event::End] if e.kind == Kind::InvalidReply));
}

#[test]
fn the_json_tool_streams_as_text() {
    let text = stream("two-tools").replace("get_weather", "json_tool_call").replace("ping", "json_tool_call");
    let events = decode(&text, 4096, Hints { json_tool: true, ..Hints::default() });
    let finish =
        events.iter().find_map(|e| if let Event::Finish { finish, .. } = e { Some(finish.reason) } else { None });
    assert_eq!(finish, Some(FinishReason::Stop));
    assert!(!format!("{events:?}").contains("ToolCall {"));
    let named = decode(
        &stream("two-tools"),
        4096,
        Hints { tool_names: vec![("ping".into(), "p.ing".into())], ..Hints::default() },
    );
    assert!(format!("{named:?}").contains("\"p.ing\""));
}

fn start() -> Event<'static> {
    Event::Start(Box::new(Start { id: "chatcmpl-1".into(), model: "gpt".into(), ..Start::default() }))
}

fn part(part: u32, kind: PartStart<'static>) -> Event<'static> {
    Event::PartStart { choice: 0, part, kind }
}

fn delta(part: u32, delta: Delta<'static>) -> Event<'static> {
    Event::Delta { choice: 0, part, delta }
}

fn call(id: &'static str) -> PartStart<'static> {
    PartStart::ToolCall { id: id.into(), name: "f".into() }
}

/// `type index what` of each event, for comparison.
fn outline(text: &str) -> Vec<String> {
    let events = text.split_terminator("\n\n").map(|event| {
        let (head, data) = event.split_once("\ndata: ").unwrap();
        let tree = json(data.as_bytes());
        let kind = tree.get("type").unwrap().as_str().unwrap();
        assert_eq!(head, format!("event: {kind}"));
        let index = tree.get("index").map(|i| format!(" {i}")).unwrap_or_default();
        let block = tree.get("content_block").and_then(|b| b.get("type")).map(|t| format!(" {t}"));
        let delta = tree.get("delta").filter(|_| kind == "content_block_delta");
        let grown = delta.and_then(|d| d.as_object()).and_then(|d| d.last()).map(|(_, v)| format!(" {v}"));
        format!("{kind}{index}{}{}", block.unwrap_or_default(), grown.unwrap_or_default())
            .replace("content_block", "block")
    });
    events.collect()
}

#[test]
fn blocks_never_interleave() {
    let args = |p, text: &'static str| delta(p, Delta::Arguments(text.into()));
    let events = [
        start(),
        part(0, PartStart::Text),
        part(1, call("a")),
        args(1, "{"),
        part(2, call("b")),
        args(2, "{\"x\":"),
        args(1, "}"),
        delta(0, Delta::Text("late".into())),
        args(2, "1}"),
        Event::PartEnd { choice: 0, part: 0 },
        Event::PartEnd { choice: 0, part: 1 },
        Event::PartEnd { choice: 0, part: 2 },
        Event::Finish { choice: 0, finish: Finish::new(FinishReason::ToolCalls) },
        Event::Usage(Box::new(UsageReport { usage: Usage { output_text: 3, ..Usage::default() }, raw: None })),
        Event::End,
    ];
    let text = encode(&events, Format::OpenAiChat);
    assert_eq!(
        outline(&text),
        [
            "message_start",
            "block_start 0 \"tool_use\"",
            "block_delta 0 \"{\"",
            "block_delta 0 \"}\"",
            "block_stop 0",
            "block_start 1 \"tool_use\"",
            "block_delta 1 \"{\\\"x\\\":\"",
            "block_delta 1 \"1}\"",
            "block_stop 1",
            "block_start 2 \"text\"",
            "block_delta 2 \"late\"",
            "block_stop 2",
            "message_delta",
            "message_stop",
        ]
    );
    assert!(text.contains(r#""id":"msg_1""#) && text.contains(r#""usage":{"input_tokens":7,"output_tokens":0"#));
    assert!(text.contains(r#""stop_reason":"tool_use""#) && text.contains(r#""output_tokens":3"#));
}

#[test]
fn a_text_goes_on_behind_a_call() {
    let text = |t: &'static str| delta(0, Delta::Text(t.into()));
    let events = [
        start(),
        part(0, PartStart::Text),
        text("one"),
        part(1, call("a")),
        Event::PartEnd { choice: 0, part: 1 },
        text("two"),
        Event::PartEnd { choice: 0, part: 0 },
        Event::Finish { choice: 0, finish: Finish::new(FinishReason::Stop) },
        Event::End,
    ];
    let outline = outline(&encode(&events, Format::OpenAiChat));
    assert_eq!(outline.iter().filter(|l| l.starts_with("block_start")).count(), 3);
    assert!(outline.contains(&"block_delta 2 \"two\"".to_owned()));
}

#[test]
fn an_error_is_the_last_word() {
    let error = || Event::Error(Box::new(Error::new(Kind::MidStream, "gone")));
    let events = [start(), part(0, PartStart::Text), delta(0, Delta::Text("x".into())), error(), Event::End];
    let text = encode(&events, Format::OpenAiChat);
    assert!(text.ends_with(
        "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"gone\"}}\n\n"
    ));
    assert_eq!(outline(&encode(&[error(), Event::End], FORMAT)), ["error"]);
    assert_eq!(encode(&[Event::Ping, Event::End], FORMAT), "");
}
