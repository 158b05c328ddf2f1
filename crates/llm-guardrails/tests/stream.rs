//! Guardrails on streams: nothing objectionable is released, the grammar holds, everything else goes through.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

use std::borrow::Cow;
use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, ready};
use llm_guardrails::{
    CallContext, Content, Guardrail, GuardrailConfig, GuardrailSession, GuardrailSet, Guards, Mode, Modes, RunStatus,
    TextGate, Verdict, Wanted, build,
};
use llm_types::generate::{Finish, FinishReason, GenerateResponse, PartKind};
use llm_types::grammar::Checker;
use llm_types::record::Caller;
use llm_types::stream::{Assembler, Delta, Event, EventSink, PartStart, Start};
use llm_types::{Error, Format, Kind};

fn guards() -> Guards {
    let configs: Vec<GuardrailConfig> = serde_json::from_str(
        r#"[{"guardrail_name":"words","litellm_params":{"guardrail":"litellm_content_filter","mode":"post_call","default_on":true,
             "blocked_words":[{"keyword":"xylophone","action":"BLOCK"},{"keyword":"falcon","action":"MASK"}]}},
            {"guardrail_name":"tags","litellm_params":{"guardrail":"custom_regex","mode":"post_call","default_on":true,
             "keyword_redaction_tag":"[tag]","blocked_words":[{"keyword":"[KEYWORD_REDACTED] lands","action":"MASK"}]}}]"#,
    )
    .unwrap();
    let (set, problems) = build(&configs);
    assert_eq!(problems, []);
    set.open(&Wanted::default(), &CallContext::new("c", "m", &Caller::default()))
}

/// What came out of a filter.
#[derive(Default)]
struct Seen {
    events: Vec<Event<'static>>,
    response: GenerateResponse,
    error: Option<Error>,
}

fn run(guards: &Guards, events: Vec<Event<'static>>) -> Seen {
    let mut filter = guards.stream_filter().unwrap();
    let mut seen = Seen::default();
    events.into_iter().for_each(|e| filter.event(e, &mut |e: Event<'_>| seen.events.push(e.into_owned())));
    let (mut checker, mut assembler) = (Checker::default(), Assembler::default());
    for event in &seen.events {
        checker.see(event);
        assembler.event(event.clone());
    }
    assert_eq!(checker.finish(), Vec::<String>::new());
    (seen.response, seen.error) = assembler.finish();
    seen
}

fn start() -> Event<'static> {
    Event::Start(Box::<Start>::default())
}

fn begin(choice: u32, part: u32, kind: PartStart<'static>) -> Event<'static> {
    Event::PartStart { choice, part, kind }
}

fn delta(choice: u32, part: u32, delta: Delta<'static>) -> Event<'static> {
    Event::Delta { choice, part, delta }
}

fn text(choice: u32, part: u32, text: &str) -> Event<'static> {
    delta(choice, part, Delta::Text(Cow::Owned(text.to_owned())))
}

fn end(choice: u32, part: u32) -> Event<'static> {
    Event::PartEnd { choice, part }
}

fn finish(choice: u32) -> Event<'static> {
    Event::Finish { choice, finish: Finish::new(FinishReason::Stop) }
}

/// A stream of one text in pieces.
fn one_text(pieces: &[&str]) -> Vec<Event<'static>> {
    let mut events = vec![start(), begin(0, 0, PartStart::Text)];
    events.extend(pieces.iter().map(|p| text(0, 0, p)));
    events.extend([end(0, 0), finish(0), Event::End]);
    events
}

fn released(seen: &Seen) -> String {
    let texts = seen.events.iter().filter_map(|e| match e {
        Event::Delta {
            delta: Delta::Text(t) | Delta::Thinking(t) | Delta::Arguments(t) | Delta::Refusal(t), ..
        } => Some(&**t),
        _ => None,
    });
    texts.collect()
}

#[test]
fn a_blocked_word_ends_the_stream_wherever_it_is_cut() {
    let whole = "we play the xylophone in a long sentence after it";
    for a in 0..=whole.len() {
        for b in a..=whole.len() {
            let guards = guards();
            let seen = run(&guards, one_text(&[&whole[..a], &whole[a..b], &whole[b..]]));
            let error = seen.error.as_ref().unwrap();
            assert_eq!((error.kind, error.status()), (Kind::Guardrail, 400));
            assert_eq!(error.message, "Content blocked: keyword 'xylophone' detected");
            assert!(matches!(seen.events.as_slice(), [.., Event::Error(_), Event::End]));
            let sent = released(&seen);
            assert!(whole.starts_with(&sent) && !sent.contains('x'), "{a} {b}: {sent}");
            let records = guards.records();
            assert_eq!(
                records.iter().map(|r| r.status).collect::<Vec<_>>(),
                [RunStatus::GuardrailIntervened, RunStatus::Success]
            );
            assert_eq!(records[0].reason.as_deref(), Some("Content blocked: keyword 'xylophone' detected"));
        }
    }
}

#[test]
fn masks_of_several_guardrails_are_chained_however_the_text_is_cut() {
    let whole = "A falcon lands. A FALCON flies.";
    for a in 0..=whole.len() {
        let guards = guards();
        let seen = run(&guards, one_text(&[&whole[..a], &whole[a..]]));
        assert!(seen.error.is_none());
        assert_eq!(seen.response.text(), "A [tag]. A [KEYWORD_REDACTED] flies.");
        let records = guards.records();
        assert_eq!(records[0].masked, [("KEYWORD".to_owned(), 2)]);
        assert_eq!(records[1].masked, [("KEYWORD".to_owned(), 1)]);
    }
}

#[test]
fn harmless_streams_arrive_whole_and_in_order() {
    let events = vec![
        start(),
        begin(0, 0, PartStart::Thinking),
        delta(0, 0, Delta::Thinking("hm, ".into())),
        delta(0, 0, Delta::Thinking("well".into())),
        delta(0, 0, Delta::Signature("sig".into())),
        end(0, 0),
        begin(0, 1, PartStart::Text),
        text(0, 1, "fal"),
        Event::Ping,
        text(0, 1, "l"),
        Event::Logprobs { choice: 0, json: "{\"content\":[]}".into() },
        end(0, 1),
        begin(0, 2, PartStart::ToolCall { id: "t".into(), name: "f".into() }),
        delta(0, 2, Delta::Arguments("{\"a\":".into())),
        delta(0, 2, Delta::Arguments("1}".into())),
        end(0, 2),
        Event::Opaque { choice: 0, format: Format::OpenAiChat, key: "images".into(), json: "[{\"a\":1}]".into() },
        finish(0),
        Event::End,
    ];
    let guards = guards();
    let seen = run(&guards, events);
    let parts: Vec<_> = seen.response.choices[0].parts.iter().map(|p| p.kind.clone()).collect();
    assert!(
        matches!(&parts[0], PartKind::Thinking { text, signature } if text == "hm, well" && signature.as_deref() == Some("sig"))
    );
    assert!(matches!(&parts[1], PartKind::Text { text, .. } if text == "fall"));
    assert!(matches!(&parts[2], PartKind::ToolCall(call) if call.arguments == "{\"a\":1}"));
    assert!(seen.response.choices[0].logprobs.is_some());
    assert_eq!(seen.response.choices[0].message_extra.get("images").unwrap().get(), "[{\"a\":1}]");
    assert!(guards.records().iter().all(|r| r.status == RunStatus::Success && r.mode == Mode::PostCall));
}

#[test]
fn choices_and_parts_are_judged_apart() {
    let events = vec![
        start(),
        begin(0, 0, PartStart::Text),
        begin(1, 0, PartStart::Text),
        text(0, 0, "xylo"),
        text(1, 0, "phone"),
        text(0, 0, "-"),
        end(0, 0),
        begin(0, 1, PartStart::Text),
        text(0, 1, "phone"),
        end(0, 1),
        end(1, 0),
        finish(0),
        finish(1),
        Event::End,
    ];
    let seen = run(&guards(), events);
    assert!(seen.error.is_none());
    assert_eq!(seen.response.choices.iter().map(|c| c.parts.len()).collect::<Vec<_>>(), [2, 1]);
    assert_eq!(seen.response.text(), "xylo-phone");
}

#[test]
fn words_are_found_in_every_kind_of_part() {
    let cases: Vec<(&str, PartStart<'static>, Vec<Delta<'static>>)> = vec![
        ("thinking", PartStart::Thinking, vec![Delta::Thinking("xylo".into()), Delta::Thinking("phone".into())]),
        ("refusal", PartStart::Refusal, vec![Delta::Refusal("no xylo".into()), Delta::Refusal("phones".into())]),
        (
            "escaped arguments",
            PartStart::ToolCall { id: "t".into(), name: "f".into() },
            vec![Delta::Arguments(r#"{"a":["x\u0079"#.into()), Delta::Arguments(r#"lophone"]}"#.into())],
        ),
        (
            "broken arguments",
            PartStart::ToolCall { id: "t".into(), name: "f".into() },
            vec![Delta::Arguments(r#"{"a":xylo"#.into()), Delta::Arguments("phone".into())],
        ),
        (
            "citation",
            PartStart::Text,
            vec![Delta::Citation { format: Format::AnthropicMessages, json: r#"{"cited_text":"a xylophone"}"#.into() }],
        ),
        ("block", PartStart::Opaque { format: Format::AnthropicMessages, json: r#"{"t":"xylophone"}"#.into() }, vec![]),
    ];
    for (name, kind, deltas) in cases {
        let mut events = vec![start(), begin(0, 0, kind)];
        events.extend(deltas.into_iter().map(|d| delta(0, 0, d)));
        events.extend([end(0, 0), finish(0), Event::End]);
        let seen = run(&guards(), events);
        assert!(seen.error.is_some(), "{name}");
        assert!(!format!("{:?}", seen.events[..seen.events.len() - 2].to_vec()).contains("ylophone"), "{name}");
    }
}

#[test]
fn what_repeats_masked_text_goes_too() {
    let events = vec![
        start(),
        begin(0, 0, PartStart::Thinking),
        delta(0, 0, Delta::Thinking("a falcon".into())),
        delta(0, 0, Delta::Signature("sig".into())),
        end(0, 0),
        begin(0, 1, PartStart::ToolCall { id: "t".into(), name: "f".into() }),
        delta(0, 1, Delta::Arguments(r#"{"b": "fal\u0063on", "a": 1.0}"#.into())),
        end(0, 1),
        Event::Logprobs { choice: 0, json: r#"{"token":"falcon"}"#.into() },
        finish(0),
        Event::End,
    ];
    let seen = run(&guards(), events);
    let parts = &seen.response.choices[0].parts;
    assert!(matches!(&parts[0].kind, PartKind::Thinking { text, signature: None } if text == "a [KEYWORD_REDACTED]"));
    assert!(matches!(&parts[1].kind, PartKind::ToolCall(c) if c.arguments == r#"{"b":"[KEYWORD_REDACTED]","a":1.0}"#));
    assert!(seen.response.choices[0].logprobs.is_none());
}

#[test]
fn held_text_is_judged_when_the_stream_breaks() {
    for (held, sent) in [("all fine", "all fine"), ("a xylophone", "")] {
        let broken = Error::new(Kind::MidStream, "broken");
        let events =
            vec![start(), begin(0, 0, PartStart::Text), text(0, 0, held), Event::Error(Box::new(broken)), Event::End];
        let seen = run(&guards(), events);
        let kind = if sent.is_empty() { Kind::Guardrail } else { Kind::MidStream };
        assert_eq!(seen.error.as_ref().unwrap().kind, kind);
        assert!(released(&seen) == sent);
    }
}

/// A guardrail that cannot judge streams.
#[derive(Debug)]
struct WholeOnly;

impl Guardrail for WholeOnly {
    fn name(&self) -> &str {
        "whole"
    }
    fn provider(&self) -> &str {
        "test"
    }
    fn modes(&self) -> Modes {
        Modes::from_iter([Mode::PostCall])
    }
    fn default_on(&self) -> bool {
        true
    }
    fn open(&self, _: &CallContext<'_>) -> Arc<dyn GuardrailSession> {
        Arc::new(Self)
    }
}

impl GuardrailSession for WholeOnly {
    fn check<'a>(&'a self, _: Content<'a>) -> BoxFuture<'a, llm_types::Result<Verdict>> {
        ready(Ok(Verdict::Pass)).boxed()
    }
    fn gate(&self) -> Option<Box<dyn TextGate>> {
        None
    }
}

#[test]
fn a_guardrail_that_cannot_judge_streams_lets_nothing_pass() {
    let set = GuardrailSet::new([Arc::new(WholeOnly) as Arc<dyn Guardrail>]);
    let guards = set.open(&Wanted::default(), &CallContext::new("c", "m", &Caller::default()));
    assert!(guards.needs_whole());
    let seen = run(&guards, one_text(&["hello"]));
    assert_eq!((released(&seen).as_str(), seen.error.unwrap().status()), ("", 500));
    assert_eq!(guards.records()[0].status, RunStatus::GuardrailFailedToRespond);
}

#[test]
fn nothing_follows_the_end() {
    let mut filter = guards().stream_filter().unwrap();
    let mut count = 0;
    for event in one_text(&["a xylophone"]).into_iter().chain(one_text(&["more"])) {
        filter.event(event, &mut |_: Event<'_>| count += 1);
    }
    assert_eq!(count, 4, "Start, PartStart, Error, End");
}
