use llm_types::generate::{Choice, Part, PartKind};
use llm_types::stream::{Event, Start};
use llm_types::{Format, RawJson, Usage};

use super::*;
use crate::row::BLANK;

fn row(quirks: &[Quirk]) -> ProviderRow {
    ProviderRow { quirks: Quirks::of(quirks), ..BLANK }
}

fn answer(parts: Vec<Part>) -> GenerateResponse {
    GenerateResponse { choices: vec![Choice { parts, ..Choice::default() }], ..GenerateResponse::default() }
}

#[test]
fn thinking_at_the_head_of_the_text_is_thinking() {
    let mut response = answer(vec![Part::text("<think>hm</think>yes")]);
    normalise(&row(&[Quirk::ThinkTags]), Format::OpenAiChat, &mut response);
    let kinds: Vec<_> = response.choices[0].parts.iter().map(|p| p.kind.clone()).collect();
    assert_eq!(kinds[0], PartKind::Thinking { text: "hm".into(), signature: None });
    assert_eq!(response.text(), "yes");
    let mut open = answer(vec![Part::text("<think>never closed")]);
    normalise(&row(&[Quirk::ThinkTags]), Format::OpenAiChat, &mut open);
    assert_eq!(open.text(), "<think>never closed");
}

#[test]
fn thoughts_that_are_counted_apart_are_added_once() {
    let report = |total: u64| {
        let raw = format!(r#"{{"prompt_tokens":10,"completion_tokens":5,"total_tokens":{total}}}"#);
        let usage = Usage { input_text: 10, output_text: 0, reasoning: 30, ..Usage::default() };
        UsageReport { usage, raw: Some((Format::OpenAiChat, RawJson::parse(raw).unwrap())) }
    };
    let mut apart = report(45);
    fold_reasoning(&mut apart);
    assert_eq!((apart.usage.output_text, apart.usage.total_tokens()), (5, 45));
    assert!(apart.raw.unwrap().1.get().contains("\"completion_tokens\":35"));
    let mut within = report(15);
    fold_reasoning(&mut within);
    assert_eq!(within.usage.output_text, 0);
}

#[test]
fn tiers_are_told_in_known_words() {
    for (own, told) in [("on_demand", "auto"), ("flex", "flex")] {
        let mut filters = filters(&row(&[Quirk::OwnServiceTier]));
        let mut seen = None;
        let start = Start { service_tier: Some(own.into()), ..Start::default() };
        let mut sink = |e: Event<'_>| {
            if let Event::Start(s) = e {
                seen = s.service_tier;
            }
        };
        filters[0].event(Event::Start(Box::new(start)), &mut sink);
        assert_eq!(seen.as_deref(), Some(told));
    }
    assert!(filters(&row(&[])).is_empty());
}

#[test]
fn reasoning_objects_are_thinking() {
    let json = r#"{"type":"reasoning","summary":[{"type":"summary_text","text":"hm","signature":"s"}]}"#;
    let opaque = PartKind::Opaque { format: Format::OpenAiChat, json: RawJson::parse(json).unwrap() };
    let mut response = answer(vec![Part::new(opaque), Part::text("yes")]);
    normalise(&row(&[Quirk::ReasoningParts]), Format::OpenAiChat, &mut response);
    let first = &response.choices[0].parts[0].kind;
    assert_eq!(*first, PartKind::Thinking { text: "hm".into(), signature: Some("s".into()) });
}

#[test]
fn own_fields_stay_where_the_provider_wrote_them() {
    let thought = PartKind::Thinking { text: "hm".into(), signature: None };
    let parts = vec![Part::new(thought), Part::new(PartKind::Refusal("no".into()))];
    let mut choice = Choice { parts, ..Choice::default() };
    choice.message_extra.push(Format::OpenAiChat, "reasoning", RawJson::string("hm"));
    let whole = |choice: Choice| GenerateResponse { choices: vec![choice], ..GenerateResponse::default() };
    let mut response = whole(choice.clone());
    normalise(&row(&[Quirk::OwnMessageFields]), Format::OpenAiChat, &mut response);
    let told = &response.choices[0];
    assert!(told.parts.is_empty());
    assert_eq!(told.message_extra.get("beside.reasoning").unwrap().get(), "\"hm\"");
    assert_eq!(told.message_extra.get("beside.refusal").unwrap().get(), "\"no\"");
    let mut other = whole(choice);
    normalise(&row(&[Quirk::OwnMessageFields]), Format::AnthropicMessages, &mut other);
    assert_eq!(other.choices[0].parts.len(), 2, "other clients read parts");
}

#[test]
fn errors_are_told_as_the_row_says() {
    use llm_wire::codec::StreamErrors;
    let broken = || {
        let body = br#"{"error":{"message":"Bad gateway","type":"invalid_request_error"}}"#;
        let reply = llm_wire::ReplyView { status: 502, provider: "x", headers: &[], body };
        llm_wire::openai::errors::decode(&reply)
    };
    let kind = |quirks: &[Quirk]| {
        let mut error = broken();
        super::error(&row(quirks), Format::OpenAiChat, &mut error);
        error.openai_type().to_owned()
    };
    assert_eq!(kind(&[]), "invalid_request_error");
    assert_eq!(kind(&[Quirk::ErrorTypeByStatus]), "internal_server_error");
    assert_eq!(super::stream_errors(&row(&[])), StreamErrors::Connection);
    assert_eq!(super::stream_errors(&row(&[Quirk::StreamErrorByCode])), StreamErrors::ByCode);
    assert_eq!(super::stream_errors(&row(&[Quirk::StreamErrorIsApi])), StreamErrors::Api);
}

#[test]
fn statuses_are_bent_where_the_house_bends_them() {
    let status = |row: &ProviderRow, status: u16| {
        let body = br#"{"type":"error","error":{"type":"x","message":"no"}}"#;
        let codec = llm_wire::registry::upstream_generate(Format::AnthropicMessages).unwrap();
        let mut error = codec.decode_error(&llm_wire::ReplyView { status, provider: "x", headers: &[], body });
        super::error(row, Format::AnthropicMessages, &mut error);
        error.status()
    };
    let house = ProviderRow { format: RowFormat::Anthropic, ..BLANK };
    assert_eq!((status(&house, 529), status(&row(&[]), 529)), (500, 529));
    assert_eq!((status(&row(&[]), 413), status(&row(&[]), 422)), (413, 422));
    assert_eq!(status(&row(&[Quirk::UnprocessableIsBad]), 422), 400);
}
