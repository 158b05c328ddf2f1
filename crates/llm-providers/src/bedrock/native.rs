//! Messages of Anthropic's clients for Claude on Bedrock, which refuses every field that it does not know.
//! <https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-anthropic-claude-messages-request-response.html>

use bytes::Bytes;
use llm_catalog::{Capability, Catalog};
use llm_types::{Format, Json, Result};
use llm_wire::bedrock::model::Family;
use llm_wire::top::Top;
use memchr::memmem;

use super::route::Model;
use crate::anthropic::guest;
use crate::provider::Call;

/// What the body may hold. The other fields that Anthropic knows are taken out; `model` and `stream` are in the path.
const KNOWN: [&str; 16] = [
    "anthropic_beta",
    "anthropic_version",
    "context_management",
    "max_tokens",
    "messages",
    "metadata",
    "output_config",
    "safeguards",
    "stop_sequences",
    "system",
    "temperature",
    "thinking",
    "tool_choice",
    "tools",
    "top_k",
    "top_p",
];
/// Edits of the context that are known here, and the betas that they need.
const CONTEXT_EDITS: [(&str, &str); 2] =
    [("compact_20260112", "compact-2026-01-12"), ("clear_tool_uses_20250919", "context-management-2025-06-27")];
/// Tools that use computers, and the betas that they need.
const COMPUTERS: [(&str, &str); 2] =
    [("\"computer_20250124\"", "computer-use-2025-01-24"), ("\"computer_20251124\"", "computer-use-2025-11-24")];
/// What tools carry that is not known here.
const TOOL_FIELDS: [&str; 2] = ["eager_input_streaming", "custom"];

/// The body without what is not known here. Adds the betas that what stays needs.
///
/// # Errors
/// When the body is no object.
pub(super) fn known(call: &Call<'_>, body: &Bytes, betas: &mut Vec<String>) -> Result<Bytes> {
    if call.client_format != Format::AnthropicMessages || Family::of(Model::of(call.model).name) != Family::Claude {
        return Ok(body.clone());
    }
    let top = Top::parse(body)?;
    // The body's edits of the context are judged here, one by one.
    let said = |beta: &String| {
        let headers = call.client_headers.iter().any(|(_, value)| value.contains(beta.as_str()));
        headers || !CONTEXT_EDITS.iter().any(|(_, of_edit)| of_edit == beta)
    };
    betas.retain(said);
    Ok(guest::edited(body, &top, &edits(call, &top, betas)))
}

fn edits<'t>(call: &Call<'_>, top: &'t Top<'_>, betas: &mut Vec<String>) -> Vec<(&'t str, Option<String>)> {
    let mut out: Vec<(&str, Option<String>)> = Vec::new();
    for (name, raw) in top.iter() {
        match name {
            "context_management" => out.extend(context(raw, betas).map(|new| (name, new))),
            "output_config" | "output_format" => {} // below
            "tools" => {
                of_computers(raw, betas);
                out.extend(tools(raw).map(|new| (name, Some(new))));
            }
            _ if KNOWN.contains(&name) => {}
            _ => out.push((name, None)),
        }
    }
    output(call, top, &mut out);
    out
}

/// What the answer must look like stands in `output_config` here, for models that know it; others are told the schema.
/// Efforts are for models that know them.
fn output<'t>(call: &Call<'_>, top: &'t Top<'_>, out: &mut Vec<(&'t str, Option<String>)>) {
    let (given, older) = (top.get("output_config"), top.get("output_format").filter(|f| *f != "null"));
    if given.is_none() && older.is_none() {
        return;
    }
    let entry = Catalog::builtin().lookup("bedrock", Model::of(call.model).name);
    let mut config = given.and_then(|raw| serde_json::from_str(raw).ok()).unwrap_or_default();
    if !matches!(config, Json::Object(_)) {
        config = Json::Object(Vec::new());
    }
    if let Some(format) = older.and_then(|raw| serde_json::from_str::<Json>(raw).ok()) {
        config.set("format", format);
    }
    let efforts = [Capability::OutputConfig, Capability::MaxReasoningEffort, Capability::XhighReasoningEffort];
    if entry.as_ref().is_some_and(|entry| !efforts.iter().any(|can| entry.supports(*can))) {
        config.remove("effort");
    }
    let unknown = entry.is_some_and(|entry| !entry.supports(Capability::NativeStructuredOutput));
    let schema = config.get("format").and_then(|format| format.get("schema")).filter(|_| unknown);
    if let Some(told) = schema.and_then(|schema| with_schema(top.get("messages")?, schema)) {
        config.remove("format");
        out.push(("messages", Some(told)));
    }
    let empty = config.as_object().is_none_or(<[_]>::is_empty);
    out.push(("output_format", None));
    out.push(("output_config", (!empty).then(|| config.to_string())));
}

/// The conversation with a schema as the last words of the user; nothing when the user said nothing.
fn with_schema(messages: &str, schema: &Json) -> Option<String> {
    let mut list: Vec<Json> = serde_json::from_str(messages).ok()?;
    let last = list.iter_mut().rfind(|message| message.text("role") == Some("user"))?;
    let text = |text: &str| Json::object([("type", "text"), ("text", text)]);
    let mut blocks = match last.remove("content")? {
        Json::String(words) => vec![text(&words)],
        Json::Array(blocks) => blocks,
        _ => return None,
    };
    blocks.push(text(&schema.to_string()));
    last.set("content", Json::Array(blocks));
    Some(Json::Array(list).to_string())
}

/// The edits that are known; nothing when all are.
fn context(raw: &str, betas: &mut Vec<String>) -> Option<Option<String>> {
    let Ok(mut tree) = serde_json::from_str::<Json>(raw) else { return Some(None) };
    let Some(Json::Array(edits)) = tree.get_mut("edits") else { return Some(None) };
    let before = edits.len();
    let known =
        |edit: &Json| CONTEXT_EDITS.iter().find(|(kind, _)| edit.text("type") == Some(kind)).map(|(_, beta)| *beta);
    edits.retain(|edit| known(edit).is_some());
    for beta in edits.iter().filter_map(known) {
        if !betas.iter().any(|b| b == beta) {
            betas.push(beta.to_owned());
        }
    }
    let (all, none) = (edits.len() == before, edits.is_empty());
    (none || !all).then(|| (!none).then(|| tree.to_string()))
}

/// The betas of tools that use computers: here the client need not name them.
fn of_computers(raw: &str, betas: &mut Vec<String>) {
    for (kind, beta) in COMPUTERS {
        let there = memmem::find(raw.as_bytes(), kind.as_bytes()).is_some();
        if there && !betas.iter().any(|b| b == beta) {
            betas.push(beta.to_owned());
        }
    }
}

/// Tools without fields that are not known here; nothing when there are none.
fn tools(raw: &str) -> Option<String> {
    if !TOOL_FIELDS.iter().any(|name| memmem::find(raw.as_bytes(), format!("\"{name}\"").as_bytes()).is_some()) {
        return None;
    }
    let mut list: Vec<Json> = serde_json::from_str(raw).ok()?;
    let mut changed = false;
    for tool in &mut list {
        changed |= tool.remove("eager_input_streaming").is_some();
        let Some(custom) = tool.remove("custom") else { continue };
        changed = true;
        if let Some(deferred) = custom.get("defer_loading").filter(|_| tool.get("defer_loading").is_none()) {
            tool.set("defer_loading", deferred.clone());
        }
    }
    changed.then(|| Json::Array(list).to_string())
}

#[cfg(test)]
mod tests {
    use llm_types::OperationKind;

    use super::*;
    use crate::params::Params;

    #[test]
    fn what_bedrock_does_not_know_stays_here() {
        let params = Params::without_env::<String>([]);
        let call = Call {
            client_format: Format::AnthropicMessages,
            ..Call::new(
                OperationKind::Generate,
                Format::AnthropicMessages,
                "invoke/anthropic.claude-sonnet-4-20250514-v1:0",
                &params,
            )
        };
        let body = br#"{"max_tokens":9,"speed":"fast","mcp_servers":[],"output_config":{"effort":"low","format":{"type":"x"}},"context_management":{"edits":[{"type":"clear_thinking_20251015"},{"type":"clear_tool_uses_20250919"}]},"tools":[{"type":"custom","name":"custom","custom":{"defer_loading":true},"eager_input_streaming":true}]}"#;
        let mut betas = Vec::new();
        let known = known(&call, &Bytes::from_static(body), &mut betas).unwrap();
        let expected = r#"{"max_tokens":9,"output_config":{"format":{"type":"x"}},"context_management":{"edits":[{"type":"clear_tool_uses_20250919"}]},"tools":[{"type":"custom","name":"custom","defer_loading":true}]}"#;
        assert_eq!(std::str::from_utf8(&known).unwrap(), expected);
        assert_eq!(betas, ["context-management-2025-06-27"]);
        assert_eq!(context(r#"{"edits":[{"type":"clear_thinking_20251015"}]}"#, &mut betas), Some(None));
        assert_eq!(tools(r#"[{"name":"custom"}]"#), None);
    }

    #[test]
    fn schemas_are_told_to_models_that_know_no_formats() {
        let params = Params::without_env::<String>([]);
        let body =
            r#"{"messages":[{"role":"user","content":"Hi"}],"output_format":{"type":"json_schema","schema":{"a":1}}}"#;
        let sent = |model: &str| {
            let call = Call {
                client_format: Format::AnthropicMessages,
                ..Call::new(OperationKind::Generate, Format::AnthropicMessages, model, &params)
            };
            let sent = known(&call, &Bytes::from_static(body.as_bytes()), &mut Vec::new()).unwrap();
            String::from_utf8(sent.to_vec()).unwrap()
        };
        let told = r#"{"messages":[{"role":"user","content":[{"type":"text","text":"Hi"},{"type":"text","text":"{\"a\":1}"}]}]}"#;
        assert_eq!(sent("us.anthropic.claude-opus-4-7"), told);
        let native = r#"{"messages":[{"role":"user","content":"Hi"}],"output_config":{"format":{"type":"json_schema","schema":{"a":1}}}}"#;
        assert_eq!(sent("us.anthropic.claude-sonnet-4-5-20250929-v1:0"), native);
    }
}
