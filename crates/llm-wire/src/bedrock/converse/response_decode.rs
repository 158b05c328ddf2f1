//! An answer of the upstream, whole.

use llm_types::generate::{Choice, Finish, FinishReason, GenerateResponse, Part, PartKind, ToolCall};
use llm_types::{Error, Extra, Format, Json, Kind, RawJson, Result};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{FORMAT, JSON_TOOL, usage};
use crate::codec::{Hints, ReplyContext, ReplyView};
use crate::tool_names::original;
use crate::top::Top;

/// Reads an answer.
pub(super) fn decode(reply: &ReplyView<'_>, ctx: &ReplyContext) -> Result<GenerateResponse> {
    let top: Top<'_> = serde_json::from_slice(reply.body).map_err(|e| no_json(&e))?;
    let output = top.get("output").ok_or_else(|| invalid("'output'"))?;
    let output: Output<'_> = serde_json::from_str(output).map_err(|e| invalid(&format!("'output': {e}")))?;
    let mut parts = Vec::new();
    let mut message_extra = Extra::new(Format::OpenAiChat);
    read(&output.message.content, &ctx.hints, &mut parts, &mut message_extra)?;
    let mut finish = top.str("stopReason").map(|word| self::finish(&word));
    if ctx.hints.json_tool && json_from_tool(&mut parts) {
        finish = finish.map(|_| Finish::new(FinishReason::Stop));
    }
    let mut extra = Extra::new(Format::OpenAiChat);
    if let Some(trace) = top.get("trace").filter(|t| t.starts_with('{')) {
        extra.push(Format::OpenAiChat, "trace", RawJson::parse(trace).unwrap_or_default());
    }
    let tier = top.read::<Top<'_>>("serviceTier");
    Ok(GenerateResponse {
        id: String::new(),
        model: String::new(),
        created: None,
        choices: vec![Choice { parts, finish, message_extra, ..Choice::default() }],
        usage: top
            .get("usage")
            .filter(|u| u.starts_with('{'))
            .map(|u| usage::report(u, top.get("additionalModelResponseFields"))),
        service_tier: tier.and_then(|t| t.str("type").map(std::borrow::Cow::into_owned)),
        extra,
    })
}

#[derive(Deserialize)]
struct Output<'a> {
    #[serde(borrow, default)]
    message: Message<'a>,
}

#[derive(Deserialize, Default)]
struct Message<'a> {
    #[serde(borrow, default)]
    content: Vec<Block<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Block<'a> {
    #[serde(default)]
    text: Option<String>,
    #[serde(borrow, default)]
    tool_use: Option<ToolUse<'a>>,
    #[serde(borrow, default)]
    reasoning_content: Option<&'a RawValue>,
    #[serde(borrow, default)]
    citations_content: Option<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ToolUse<'a> {
    #[serde(default)]
    tool_use_id: String,
    #[serde(default)]
    name: String,
    #[serde(borrow, default)]
    input: Option<&'a RawValue>,
}

/// A thought: said, or hidden.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Reasoning {
    reasoning_text: Option<ReasoningText>,
    redacted_content: Option<String>,
}

#[derive(Deserialize)]
struct ReasoningText {
    #[serde(default)]
    text: String,
    signature: Option<String>,
}

#[derive(Deserialize)]
struct Cited {
    #[serde(default)]
    content: Vec<CitedText>,
}

#[derive(Deserialize)]
struct CitedText {
    #[serde(default)]
    text: String,
}

/// Reads the blocks. What has no place among parts is kept for chat clients, as LiteLLM names it.
fn read(blocks: &[Block<'_>], hints: &Hints, parts: &mut Vec<Part>, extra: &mut Extra) -> Result<()> {
    let (mut thoughts, mut cited) = (Vec::new(), Vec::new());
    for block in blocks {
        if let Some(text) = &block.text {
            let (thought, rest) = split_thought(text);
            if let Some(thought) = thought {
                thoughts.push(Json::object([("reasoningText", Json::object([("text", thought)]))]));
                parts.push(Part::new(PartKind::Thinking { text: thought.to_owned(), signature: None }));
            }
            parts.push(Part::text(rest));
        }
        if let Some(call) = &block.tool_use {
            parts.push(Part::new(PartKind::ToolCall(ToolCall {
                id: call.tool_use_id.clone(),
                name: original(&hints.tool_names, &call.name).to_owned(),
                arguments: call.input.map_or("{}", RawValue::get).to_owned(),
            })));
        }
        if let Some(raw) = block.reasoning_content {
            let read: Reasoning =
                serde_json::from_str(raw.get()).map_err(|e| invalid(&format!("'reasoningContent': {e}")))?;
            thoughts.push(serde_json::from_str(raw.get()).unwrap_or_default());
            parts.extend(thought(read).map(Part::new));
        }
        if let Some(raw) = block.citations_content {
            cited.push(raw.get());
        }
    }
    if !parts.iter().any(|p| p.as_text().is_some_and(|t| !t.is_empty())) {
        let texts = cited.iter().filter_map(|raw| serde_json::from_str::<Cited>(raw).ok());
        let text: String = texts.flat_map(|c| c.content).map(|t| t.text).collect();
        if !text.is_empty() {
            parts.push(Part::text(text));
        }
    }
    if !thoughts.is_empty() {
        extra.push(Format::OpenAiChat, "reasoningContentBlocks", Json::Array(thoughts).to_raw());
    }
    if !cited.is_empty() {
        let list = RawJson::parse(format!("[{}]", cited.join(","))).unwrap_or_default();
        extra.push(Format::OpenAiChat, "citationsContent", list);
    }
    Ok(())
}

fn thought(read: Reasoning) -> Option<PartKind> {
    match (read.reasoning_text, read.redacted_content) {
        (Some(t), _) => Some(PartKind::Thinking { text: t.text, signature: t.signature.filter(|s| !s.is_empty()) }),
        (None, Some(data)) => Some(PartKind::RedactedThinking { data }),
        (None, None) => None,
    }
}

/// Models without a place for thoughts write them at the head of the text.
fn split_thought(text: &str) -> (Option<&str>, &str) {
    let inside = |open: &str, close: &str| text.strip_prefix(open)?.split_once(close);
    let found = inside("<think>", "</think>").or_else(|| inside("<thinking>", "</thinking>"));
    found.map_or((None, text), |(thought, rest)| (Some(thought), rest))
}

/// Reads a `stopReason`.
pub(super) fn finish(word: &str) -> Finish {
    use FinishReason as R;
    let reason = match word {
        "stop_sequence" => R::StopSequence,
        "max_tokens" | "model_context_window_exceeded" => R::Length,
        "tool_use" => R::ToolCalls,
        "content_filtered" | "guardrail_intervened" => R::ContentFilter,
        _ => R::Stop, // end_turn, and whatever is new: the answer did end
    };
    Finish { reason, raw: Some((FORMAT, word.to_owned())), stop_sequence: None }
}

/// Turns the call of the JSON tool into the answer's text, when no other tool was called.
fn json_from_tool(parts: &mut Vec<Part>) -> bool {
    let is_json = |p: &Part| matches!(&p.kind, PartKind::ToolCall(c) if c.name == JSON_TOOL);
    let others = parts.iter().any(|p| matches!(p.kind, PartKind::ToolCall(_)) && !is_json(p));
    if !parts.iter().any(is_json) {
        return false;
    }
    if others {
        // the JSON is one call among several: the others are what the client waits for
        parts.retain(|p| !is_json(p));
        return false;
    }
    parts.retain(|p| p.as_text().is_none());
    for part in parts.iter_mut() {
        if let PartKind::ToolCall(call) = &part.kind {
            *part = Part::text(unwrapped(&call.arguments));
        }
    }
    true
}

/// The value below the only field, where the schema or the model wrapped it, else all of it.
fn unwrapped(arguments: &str) -> String {
    let top: Top<'_> = serde_json::from_str(arguments).unwrap_or_default();
    let mut fields = top.iter();
    match (fields.next(), fields.next()) {
        (Some(("values" | "properties", value)), None) => value.to_owned(),
        _ => arguments.to_owned(),
    }
}

fn invalid(why: &str) -> Error {
    Error::new(Kind::InvalidReply, format!("litellm.APIConnectionError: {why}"))
}

/// LiteLLM tells clients with the status 422 that a reply is no JSON.
fn no_json(why: &serde_json::Error) -> Error {
    let text = format!("litellm.BadRequestError: BedrockException - Error converting to valid response block={why}");
    let error = Error::new(Kind::InvalidReply, text).with_status(422);
    Error { openai_type: Some("invalid_request_error".to_owned()), ..error }
}
