//! `tools` and `tool_choice` of a request.

use llm_types::generate::{FunctionTool, Tool, ToolChoice, ToolKind};
use llm_types::{Extra, RawJson, Result};
use serde_json::value::RawValue;

use super::FORMAT;
use super::block_decode::{bad, cache_control, raw_json, rest};
use crate::top::Top;

/// Reads `tools`.
pub(super) fn tools(raw: &str) -> Result<Vec<Tool>> {
    let list: Vec<&RawValue> = serde_json::from_str(raw).map_err(|e| bad("tools", format!("must be a list: {e}")))?;
    list.into_iter().map(|t| tool(t.get())).collect()
}

fn tool(raw: &str) -> Result<Tool> {
    let top: Top<'_> = serde_json::from_str(raw).map_err(|e| bad("tools", format!("a tool must be an object: {e}")))?;
    let custom = top.get("type").is_none_or(|t| t == "\"custom\"" || t == "null");
    let (true, Some(name)) = (custom, top.str("name")) else {
        let kind = ToolKind::Hosted { format: FORMAT, json: raw_json(raw) };
        return Ok(Tool { kind, cache_control: None, extra: Extra::new(FORMAT) });
    };
    let function = FunctionTool {
        name: name.into_owned(),
        description: top.str("description").map(Into::into),
        parameters: top.get("input_schema").map(raw_json),
        strict: top.read("strict"),
        legacy: false,
    };
    // `type` stays among the unknown fields, so that it is written back only when it was there
    let extra = rest(&top, &["name", "description", "input_schema", "strict"]);
    Ok(Tool { kind: ToolKind::Function(function), cache_control: cache_control(&top), extra })
}

/// Reads `tool_choice`: the choice, and whether several tools may be called where it says so.
pub(super) fn tool_choice(raw: &str) -> Result<(Option<ToolChoice>, Option<bool>)> {
    let top: Top<'_> = serde_json::from_str(raw).map_err(|e| bad("tool_choice", format!("must be an object: {e}")))?;
    let parallel = top.read::<bool>("disable_parallel_tool_use").map(|off| !off);
    let choice = match (&*top.str("type").unwrap_or_default(), top.str("name")) {
        ("auto", _) => ToolChoice::Auto,
        ("any", _) => ToolChoice::Required,
        ("none", _) => ToolChoice::None,
        ("tool", Some(name)) => ToolChoice::Function(name.into_owned()),
        _ => ToolChoice::Other { format: FORMAT, json: RawJson::parse(raw).unwrap_or_default() },
    };
    Ok((Some(choice), parallel))
}
