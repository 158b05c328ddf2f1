//! A client's request.
//!
//! `output_config` and `output_format` stay among the unknown fields too, beside what is read from them: they are
//! written back as they came as long as the typed value is still wanted.

use llm_types::generate::{GenerateRequest, OutputFormat, Role, Turn};
use llm_types::json::raw_str;
use llm_types::{Extra, Result};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::FORMAT;
use super::block_decode::{bad, content, raw_json, rest};
use super::tools_decode::{tool_choice, tools};
use crate::top::Top;

/// Reads a request. `max_tokens` may be missing: `count_tokens` has none.
pub(super) fn decode(body: &[u8]) -> Result<GenerateRequest> {
    let top = Top::parse(body)?;
    let mut req = GenerateRequest { extra: Extra::new(FORMAT), ..GenerateRequest::default() };
    if let Some(system) = top.get("system").filter(|s| *s != "null") {
        let (parts, flat) = content(system, "system")?;
        req.turns.push(Turn { flat, ..Turn::of(Role::System, parts) });
    }
    let messages = top.get("messages").ok_or_else(|| bad("messages", "Field required"))?;
    read_messages(messages, &mut req.turns)?;
    for (key, value) in top.iter() {
        if value != "null" && !matches!(key, "system" | "messages") {
            field(key, value, &mut req)?;
        }
    }
    Ok(req)
}

fn field(key: &str, value: &str, req: &mut GenerateRequest) -> Result<()> {
    match key {
        "model" => req.model = text(key, value)?,
        "max_tokens" => req.max_output_tokens = Some(read(key, value)?),
        "temperature" => req.sampling.temperature = Some(read(key, value)?),
        "top_p" => req.sampling.top_p = Some(read(key, value)?),
        "top_k" => req.sampling.top_k = Some(read(key, value)?),
        "stop_sequences" => req.stop = read(key, value)?,
        "stream" => req.stream = read(key, value)?,
        "service_tier" => req.service_tier = Some(text(key, value)?),
        "metadata" => req.metadata = Some(raw_json(value)),
        "thinking" => req.reasoning.thinking = Some(raw_json(value)),
        "tools" => req.tools = tools(value)?,
        "tool_choice" => (req.tool_choice, req.parallel_tool_calls) = tool_choice(value)?,
        "output_config" | "output_format" => {
            output(key, value, req);
            req.extra.push(FORMAT, key, raw_json(value));
        }
        _ => req.extra.push(FORMAT, key, raw_json(value)),
    }
    Ok(())
}

fn output(key: &str, value: &str, req: &mut GenerateRequest) {
    let Ok(top) = serde_json::from_str::<Top<'_>>(value) else { return };
    if key == "output_config" {
        req.reasoning.output_effort = top.str("effort").map(Into::into);
        if let Some(format) = top.get("format").filter(|f| *f != "null") {
            req.output = Some(output_format(format));
        }
    } else {
        req.output = Some(output_format(value));
    }
}

fn output_format(raw: &str) -> OutputFormat {
    let top = serde_json::from_str::<Top<'_>>(raw).unwrap_or_default();
    match (top.str("type").as_deref(), top.get("schema")) {
        (Some("json_schema"), Some(schema)) => OutputFormat::JsonSchema {
            name: top.str("name").map(Into::into),
            description: None,
            schema: raw_json(schema),
            strict: None,
        },
        (Some("text"), _) => OutputFormat::Text,
        _ => OutputFormat::Other(raw_json(raw)),
    }
}

fn read_messages(raw: &str, turns: &mut Vec<Turn>) -> Result<()> {
    let list: Vec<&RawValue> =
        serde_json::from_str(raw).map_err(|e| bad("messages", format!("must be a list: {e}")))?;
    turns.reserve(list.len());
    for (at, message) in list.into_iter().enumerate() {
        let param = format!("messages.{at}");
        let top: Top<'_> =
            serde_json::from_str(message.get()).map_err(|e| bad(&param, format!("must be an object: {e}")))?;
        let role = match &*top.str("role").unwrap_or_default() {
            "user" => Role::User,
            "assistant" => Role::Assistant,
            "system" => Role::System,
            other => return Err(bad(&param, format!("unknown role '{other}'"))),
        };
        let raw = top.get("content").ok_or_else(|| bad(&param, "content: Field required"))?;
        let (parts, flat) = content(raw, &param)?;
        turns.push(Turn { role, parts, flat, name: None, extra: rest(&top, &["role", "content"]) });
    }
    Ok(())
}

fn text(key: &str, value: &str) -> Result<String> {
    raw_str(value).map(Into::into).ok_or_else(|| bad(key, "must be a string"))
}

fn read<'a, T: Deserialize<'a>>(key: &str, value: &'a str) -> Result<T> {
    serde_json::from_str(value).map_err(|e| bad(key, e))
}
