//! A request of this format's own clients, written back as it came, in camel case.

use bytes::{BufMut, BytesMut};
use llm_types::generate::{GenerateRequest, Part, PartKind, Role, ToolChoice, ToolKind, Turn};
use llm_types::{Extra, RawJson};
use serde::Serialize;
use serde_json::value::RawValue;

use super::FORMAT;
use super::config_decode::PREFIX;
use super::media::Blob;
use super::request_decode::is;
use super::tools_decode::{JSON_SCHEMA, PARAMETERS};
use crate::openai::object::{Arr, Obj};

/// What stands before fields of `toolConfig` among the extra fields of a request.
const TOOL_CONFIG: &str = "toolConfig.";

/// Writes the request.
pub(super) fn encode(req: &GenerateRequest, out: &mut BytesMut) {
    let mut body = Obj::open(out);
    let first = req.turns.first().is_some_and(|t| t.role == Role::System);
    let (system, turns) = req.turns.split_at_checked(usize::from(first)).unwrap_or((&[], &req.turns));
    if let [turn] = system {
        let mut obj = body.obj("systemInstruction");
        obj.extra(&turn.extra, FORMAT, |_| true);
        parts(&turn.parts, &mut obj);
    }
    let mut list = body.arr("contents");
    for turn in turns {
        content(turn, &mut list);
    }
    drop(list);
    tools(req, &mut body);
    tool_config(req, &mut body);
    config(req, &mut body);
    let beside = |key: &str| !key.starts_with(PREFIX) && !key.starts_with(TOOL_CONFIG);
    // a tier that somebody took out of the typed request must not come back
    let tier = |key: &str| !is(key, "serviceTier") || req.service_tier.is_some();
    body.extra(&req.extra, FORMAT, |key| beside(key) && tier(key));
}

fn content(turn: &Turn, list: &mut Arr<'_>) {
    let mut obj = list.obj();
    obj.str(
        "role",
        match turn.role {
            Role::Assistant => "model",
            Role::System | Role::Developer => "system",
            Role::User | Role::Tool => "user",
        },
    );
    obj.extra(&turn.extra, FORMAT, |_| true);
    parts(&turn.parts, &mut obj);
}

fn parts(parts: &[Part], obj: &mut Obj<'_>) {
    let mut list = obj.arr("parts");
    parts.iter().for_each(|p| part(p, true, &mut list));
}

/// Writes a part in Google's own spelling. `native`: it came from an upstream or client of this format; calls of others
/// show their ids.
pub(super) fn part(part: &Part, native: bool, list: &mut Arr<'_>) {
    let mut obj = match &part.kind {
        PartKind::Opaque { format: FORMAT, json } | PartKind::HostedTool { format: FORMAT, json } => {
            return list.text(json.get());
        }
        PartKind::Opaque { .. } | PartKind::HostedTool { .. } | PartKind::RedactedThinking { .. } => return,
        _ => list.obj(),
    };
    let inner = |name: &str, obj: &mut Obj<'_>| {
        obj.inner(&part.extra, FORMAT, name);
    };
    match &part.kind {
        PartKind::Text { text, .. } | PartKind::Refusal(text) => obj.str("text", text),
        PartKind::Thinking { text, signature } => {
            obj.str("text", text);
            obj.bool("thought", true);
            obj.opt_str("thoughtSignature", signature.as_deref());
        }
        PartKind::ToolCall(call) => {
            let mut inside = obj.obj("functionCall");
            if !native {
                inside.str("id", super::wire::split_call_id(&call.id).0);
            }
            inner("functionCall.", &mut inside);
            inside.str("name", &call.name);
            raw_object("args", &call.arguments, &mut inside);
        }
        PartKind::ToolResult(result) => {
            let mut inside = obj.obj("functionResponse");
            inner("functionResponse.", &mut inside);
            inside.opt_str("name", result.name.as_deref());
            let text: String = result.parts.iter().filter_map(Part::as_text).collect();
            raw_object("response", &text, &mut inside);
            let more: Vec<&Part> = result.parts.iter().filter(|p| p.as_text().is_none()).collect();
            if !more.is_empty() {
                let mut list = inside.arr("parts");
                more.iter().for_each(|p| self::part(p, native, &mut list));
            }
        }
        kind => {
            if let Some(blob) = Blob::of(kind) {
                blob.write(true, &part.extra, &mut obj);
            }
        }
    }
    obj.extra(&part.extra, FORMAT, |key| !key.contains('.'));
}

/// JSON that is an object as it is, anything else as the `output` of one.
fn raw_object(key: &'static str, text: &str, obj: &mut Obj<'_>) {
    match serde_json::from_str::<&RawValue>(text.trim()) {
        Ok(raw) if raw.get().starts_with('{') => obj.text(key, raw.get()),
        _ if text.is_empty() => obj.text(key, "{}"),
        _ => obj.obj(key).str("output", text),
    }
}

fn tools(req: &GenerateRequest, body: &mut Obj<'_>) {
    if req.tools.is_empty() {
        return;
    }
    let mut list = body.arr("tools");
    if req.tools.iter().any(|t| matches!(t.kind, ToolKind::Function(_))) {
        let mut entry = list.obj();
        let mut functions = entry.arr("functionDeclarations");
        for tool in &req.tools {
            let ToolKind::Function(function) = &tool.kind else { continue };
            let mut obj = functions.obj();
            obj.str("name", &function.name);
            obj.opt_str("description", function.description.as_deref());
            if tool.extra.get(JSON_SCHEMA).is_some() {
                obj.raw(JSON_SCHEMA, function.parameters.as_ref());
            } else {
                obj.raw(PARAMETERS, tool.extra.get(PARAMETERS).or(function.parameters.as_ref()));
            }
            obj.extra(&tool.extra, FORMAT, |key| key != PARAMETERS && key != JSON_SCHEMA);
        }
    }
    for tool in &req.tools {
        if let ToolKind::Hosted { format: FORMAT, json } = &tool.kind {
            list.text(json.get());
        }
    }
}

fn tool_config(req: &GenerateRequest, body: &mut Obj<'_>) {
    let others = has(&req.extra, TOOL_CONFIG);
    if req.tool_choice.is_none() && !others {
        return;
    }
    let mut config = body.obj("toolConfig");
    match &req.tool_choice {
        None => {}
        Some(ToolChoice::Other { json, .. }) => config.text("functionCallingConfig", json.get()),
        Some(choice) => {
            let mut calling = config.obj("functionCallingConfig");
            calling.str(
                "mode",
                match choice {
                    ToolChoice::Auto => "AUTO",
                    ToolChoice::None => "NONE",
                    _ => "ANY",
                },
            );
            if let ToolChoice::Function(name) = choice {
                calling.arr("allowedFunctionNames").str(name);
            }
        }
    }
    config.inner(&req.extra, FORMAT, TOOL_CONFIG);
}

fn has(extra: &Extra, prefix: &str) -> bool {
    extra.fields_for(FORMAT).any(|(key, _)| key.starts_with(prefix))
}

fn config(req: &GenerateRequest, body: &mut Obj<'_>) {
    let s = &req.sampling;
    let mut out = BytesMut::new();
    {
        let mut obj = Obj::open(&mut out);
        let mut put = |key: &'static str, json: Option<RawJson>| obj.raw(key, json.as_ref());
        fn of<T: Serialize>(value: Option<&T>) -> Option<RawJson> {
            value.and_then(|v| RawJson::of(v).ok())
        }
        put("temperature", of(s.temperature.as_ref()));
        put("topP", of(s.top_p.as_ref()));
        put("topK", of(s.top_k.as_ref()));
        put("candidateCount", of(s.n.as_ref()));
        put("maxOutputTokens", of(req.max_output_tokens.as_ref()));
        put("stopSequences", of(Some(&req.stop).filter(|stop| !stop.is_empty())));
        put("presencePenalty", of(s.presence_penalty.as_ref()));
        put("frequencyPenalty", of(s.frequency_penalty.as_ref()));
        put("seed", of(s.seed.as_ref()));
        put("responseLogprobs", s.logprobs.clone());
        put("logprobs", of(s.top_logprobs.as_ref()));
        for (key, value) in req.extra.fields_for(FORMAT) {
            let Some(key) = key.strip_prefix(PREFIX) else { continue };
            // what somebody took out of the typed request must not come back
            let output = ["responseMimeType", "responseSchema", "responseJsonSchema"].iter().any(|k| is(key, k));
            let thinking = is(key, "thinkingConfig");
            let gone = (output && req.output.is_none())
                || (thinking && req.reasoning.effort.is_none() && req.reasoning.thinking.is_none() && is_typed(value));
            if !gone {
                obj.any_key(key).put_slice(value.get().as_bytes());
            }
        }
    }
    if out.len() > 2 {
        body.key("generationConfig").put_slice(&out);
    }
}

/// True for a thinking configuration that the typed request knows in part.
fn is_typed(config: &RawJson) -> bool {
    let text = config.get();
    ["thinkingLevel", "thinking_level", "thinkingBudget", "thinking_budget"].iter().any(|k| text.contains(k))
}
