//! An answer of the upstream, whole.

use llm_types::generate::{Choice, Finish, FinishReason, GenerateResponse, Part, PartKind};
use llm_types::{Error, Extra, Json, Kind, Result, UsageSource};
use serde_json::value::RawValue;

use super::block_decode::{part, raw_json};
use super::{FORMAT, JSON_TOOL, error, usage};
use crate::codec::{Hints, ReplyContext, ReplyView};
use crate::tool_names::original;
use crate::top::Top;

/// Reads an answer.
pub(super) fn decode(reply: &ReplyView<'_>, ctx: &ReplyContext) -> Result<GenerateResponse> {
    let top: Top<'_> = serde_json::from_slice(reply.body).map_err(|e| invalid(&e.to_string()))?;
    let is_error =
        top.str("type").as_deref() == Some("error") || (top.get("content").is_none() && top.get("error").is_some());
    if is_error {
        return Err(error::decode(reply));
    }
    let content = top.get("content").ok_or_else(|| invalid("'content'"))?;
    let blocks: Vec<&RawValue> = serde_json::from_str(content).map_err(|e| invalid(&format!("'content': {e}")))?;
    let mut parts = blocks
        .into_iter()
        .map(|b| part(b.get(), "content"))
        .collect::<Result<Vec<_>>>()
        .map_err(|e| invalid(&e.message))?;
    let mut finish = top.str("stop_reason").map(|r| finish(&r, top.str("stop_sequence").as_deref()));
    restore_names(&mut parts, &ctx.hints);
    if ctx.hints.json_tool && !json_from_tool(&mut parts) {
        finish = finish.map(|_| Finish::new(FinishReason::Stop));
    }
    restore_prefix(&mut parts, &ctx.hints);
    let mut extra = Extra::new(FORMAT);
    const KNOWN: [&str; 8] = ["id", "type", "role", "model", "content", "stop_reason", "stop_sequence", "usage"];
    top.iter().filter(|(k, _)| !KNOWN.contains(k)).for_each(|(k, v)| extra.push(FORMAT, k, raw_json(v)));
    Ok(GenerateResponse {
        id: top.str("id").unwrap_or_default().into_owned(),
        model: top.str("model").unwrap_or_default().into_owned(),
        created: None,
        choices: vec![Choice { parts, finish, ..Choice::default() }],
        usage: top.get("usage").filter(|u| u.starts_with('{')).map(|u| usage::report(u, UsageSource::Reported)),
        service_tier: None,
        extra,
    })
}

/// Reads a `stop_reason`.
pub(super) fn finish(reason: &str, stop_sequence: Option<&str>) -> Finish {
    use FinishReason as R;
    let word = match reason {
        "stop_sequence" => R::StopSequence,
        "max_tokens" | "compaction" | "model_context_window_exceeded" => R::Length,
        "tool_use" => R::ToolCalls,
        "refusal" => R::Refusal,
        "content_filtered" => R::ContentFilter,
        "pause_turn" => R::Pause,
        _ => R::Stop, // end_turn, and whatever is new: the answer did end
    };
    Finish { reason: word, raw: Some((FORMAT, reason.to_owned())), stop_sequence: stop_sequence.map(Into::into) }
}

fn restore_names(parts: &mut [Part], hints: &Hints) {
    if hints.tool_names.is_empty() {
        return;
    }
    for part in parts {
        if let PartKind::ToolCall(call) = &mut part.kind {
            call.name = original(&hints.tool_names, &call.name).to_owned();
        }
    }
}

/// Turns calls of the JSON tool into text. True when other tools were called as well; without them the JSON is the
/// whole text.
fn json_from_tool(parts: &mut Vec<Part>) -> bool {
    let is_json = |p: &Part| matches!(&p.kind, PartKind::ToolCall(c) if c.name == JSON_TOOL);
    let others = parts.iter().any(|p| matches!(p.kind, PartKind::ToolCall(_)) && !is_json(p));
    if !parts.iter().any(is_json) {
        return true;
    }
    if !others {
        parts.retain(|p| p.as_text().is_none());
    }
    for part in parts.iter_mut() {
        if let PartKind::ToolCall(call) = &part.kind
            && call.name == JSON_TOOL
        {
            *part = Part::text(unwrapped(&call.arguments));
        }
    }
    others
}

/// The value below `values`, where the schema had to be wrapped, else all of it.
fn unwrapped(arguments: &str) -> String {
    let tree: Json = serde_json::from_str(arguments).unwrap_or_default();
    tree.get("values").map_or_else(|| arguments.to_owned(), ToString::to_string)
}

fn restore_prefix(parts: &mut [Part], hints: &Hints) {
    let Some(prefix) = &hints.prefix else { return };
    let first = parts.iter_mut().find_map(|p| match &mut p.kind {
        PartKind::Text { text, .. } => Some(text),
        _ => None,
    });
    if let Some(text) = first.filter(|t| !t.starts_with(prefix.as_str())) {
        text.insert_str(0, prefix);
    }
}

fn invalid(why: &str) -> Error {
    Error::new(Kind::InvalidReply, format!("litellm.APIConnectionError: {why}"))
}
