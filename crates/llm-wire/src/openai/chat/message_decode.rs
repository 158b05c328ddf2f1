//! Messages of a request.

use llm_types::generate::{Part, PartKind, Role, ToolCall, ToolResult, Turn};
use llm_types::{Error, Extra, RawJson, Result};
use serde_json::value::RawValue;

use super::FORMAT;
use super::content_decode;
use super::error::{invalid, problem, read};
use super::message_view::{FunctionView, MessageIn, ThinkingView, ToolCallView};
use super::request_decode::{inner, rest, text};
use crate::openai::wire::Content;

/// Reads the conversation.
pub(crate) fn turns(messages: Vec<MessageIn<'_>>) -> Result<Vec<Turn>> {
    messages.into_iter().enumerate().map(|(at, m)| turn(m, &format!("messages[{at}]"))).collect()
}

/// Finds the message, and the field of it, that made the list unreadable.
pub(crate) fn diagnose(raw: &str, error: &serde_json::Error) -> Error {
    let Ok(list) = serde_json::from_str::<Vec<&RawValue>>(raw) else {
        return invalid("messages", "expected a list of messages");
    };
    for (at, message) in list.iter().enumerate() {
        let Err(e) = serde_json::from_str::<MessageIn<'_>>(message.get()) else { continue };
        let path = format!("messages[{at}]");
        let Ok(top) = serde_json::from_str::<crate::top::Top<'_>>(message.get()) else {
            return Error { param: Some("messages".to_owned()), ..invalid(&path, problem(&e)) };
        };
        for (key, value) in top.iter() {
            let one = format!("{{{}:{value}}}", RawJson::string(key).get());
            if let Err(e) = serde_json::from_str::<MessageIn<'_>>(&one) {
                return invalid(&format!("{path}.{key}"), problem(&e));
            }
        }
    }
    invalid("messages", problem(error))
}

/// LiteLLM reads a message without a role as the assistant's.
fn role(word: Option<&str>, path: &str) -> Result<Role> {
    Ok(match word {
        Some("system") => Role::System,
        Some("developer") => Role::Developer,
        Some("user") => Role::User,
        Some("assistant") | None => Role::Assistant,
        Some("tool" | "function") => Role::Tool,
        Some(other) => {
            let what = format!("'{other}' is not one of system, developer, user, assistant, tool, function");
            return Err(invalid(&format!("{path}.role"), what));
        }
    })
}

fn turn(view: MessageIn<'_>, path: &str) -> Result<Turn> {
    let legacy = view.role.as_ref().is_some_and(|r| r.0 == "function");
    let role = role(view.role.as_ref().map(|r| r.0.as_ref()), path)?;
    let mut extra = rest(view.rest);
    let mut parts = Vec::new();
    if role != Role::Tool {
        thoughts(&view.thinking_blocks.0.unwrap_or_default(), &mut parts);
        reasoning_text(view.reasoning_content.0, "reasoning_content", &mut parts, &mut extra);
        reasoning_text(view.reasoning.0, "reasoning", &mut parts, &mut extra);
    }
    let flat = !matches!(view.content, Content::Parts(_));
    let content = content_decode::parts(view.content, &format!("{path}.content"))?;
    let cache_control = view.cache_control.map(RawJson::borrowed);
    if role == Role::Tool {
        return Ok(tool_turn(content, flat, legacy, view.tool_call_id, view.name, cache_control, extra));
    }
    parts.extend(content);
    match (parts.last_mut(), cache_control) {
        (Some(part), Some(mark)) if flat && part.as_text().is_some() => part.cache_control = Some(mark),
        (_, Some(mark)) => extra.push(FORMAT, "cache_control", mark),
        (_, None) => {}
    }
    match view.refusal {
        Some(refusal) if flat => parts.push(Part::new(PartKind::Refusal(refusal.0.into_owned()))),
        Some(refusal) => extra.push(FORMAT, "refusal", RawJson::string(&refusal.0)),
        None => {}
    }
    for (at, raw) in view.tool_calls.unwrap_or_default().into_iter().enumerate() {
        parts.push(tool_call(raw, at, &format!("{path}.tool_calls[{at}]"))?);
    }
    if let Some(raw) = view.function_call {
        let function: FunctionView<'_> = read(raw, &format!("{path}.function_call"))?;
        let mut part = Part::new(PartKind::ToolCall(ToolCall {
            id: String::new(),
            name: function.name.0.unwrap_or_default().into_owned(),
            arguments: function.arguments.text().into_owned(),
        }));
        inner(function.rest, "function.", &mut part.extra);
        parts.push(part);
    }
    if let Some(id) = view.tool_call_id {
        extra.push(FORMAT, "tool_call_id", RawJson::string(&id.0));
    }
    Ok(Turn { role, parts, flat, name: text(view.name), extra })
}

fn tool_turn(
    parts: Vec<Part>,
    flat: bool,
    legacy: bool,
    id: Option<crate::openai::wire::Str<'_>>,
    name: Option<crate::openai::wire::Str<'_>>,
    cache_control: Option<RawJson>,
    extra: Extra,
) -> Turn {
    let call_id = if legacy { String::new() } else { text(id).unwrap_or_default() };
    let result = ToolResult { call_id, name: text(name), parts, flat, is_error: None };
    let part = Part { kind: PartKind::ToolResult(result), cache_control, extra: Extra::new(FORMAT) };
    Turn { role: Role::Tool, parts: vec![part], flat: false, name: None, extra }
}

/// Thoughts with their proofs, and encrypted ones.
pub(crate) fn thoughts(blocks: &[ThinkingView<'_>], parts: &mut Vec<Part>) {
    for block in blocks {
        let mut part = Part::new(match block.data.filled() {
            Some(data) => PartKind::RedactedThinking { data: data.to_owned() },
            None => PartKind::Thinking {
                text: content_decode::joined(&block.thinking),
                signature: block.signature.filled().map(str::to_owned),
            },
        });
        part.cache_control = block.cache_control.map(RawJson::borrowed);
        parts.push(part);
    }
}

/// Thoughts as a plain text. They become a part unless blocks said the same; which field held them is kept as an
/// extra field, so that the same one is written again.
fn reasoning_text(said: Option<std::borrow::Cow<'_, str>>, field: &str, parts: &mut Vec<Part>, extra: &mut Extra) {
    let Some(said) = said else { return };
    extra.push(FORMAT, field, RawJson::string(&said));
    if parts.is_empty() {
        parts.push(Part::new(PartKind::Thinking { text: said.into_owned(), signature: None }));
    }
}

fn tool_call(raw: &RawValue, at: usize, path: &str) -> Result<Part> {
    let view: ToolCallView<'_> = read(raw, path)?;
    if !raw.get().starts_with('{') {
        return Err(invalid(path, "expected an object"));
    }
    if view.kind.filled().is_some_and(|k| k != "function") {
        return Ok(Part::new(PartKind::HostedTool { format: FORMAT, json: RawJson::borrowed(raw) }));
    }
    let mut extra = rest(view.rest);
    inner(view.function.rest, "function.", &mut extra);
    let id = view.id.filled().map_or_else(|| format!("call_{at}"), str::to_owned);
    let name = view.function.name.0.unwrap_or_default().into_owned();
    let call = ToolCall { id, name, arguments: view.function.arguments.text().into_owned() };
    let cache_control = view.cache_control.map(RawJson::borrowed);
    Ok(Part { kind: PartKind::ToolCall(call), cache_control, extra })
}
