//! Requests: the last message, parameters, tools with a flat list of parameters.

use bytes::BytesMut;
use llm_types::RawJson;
use llm_types::generate::{GenerateRequest, PartKind, Role, ToolCall, ToolResult, Turn};

use super::tools;
use crate::codec::EncodeContext;
use crate::cohere::options;
use crate::openai::object::Obj;
use crate::turns::texts;

/// Writes a request.
pub(super) fn encode(req: &GenerateRequest, ctx: &mut EncodeContext<'_>, out: &mut BytesMut) {
    let mut obj = Obj::open(out);
    options::write(req, ctx, &mut obj);
    tools::write(req, tools::KEYS, ctx, &mut obj);
    let Some((last, before)) = req.turns.split_last() else { return };
    match last_result(last) {
        Some(result) => tool_result(result, before, &mut obj),
        None => obj.str("message", &texts(&last.parts)),
    }
    // Turns that say nothing, such as calls without a word, are none here.
    let told = before.iter().rev().find(|t| last_result(t).is_some() || !texts(&t.parts).is_empty());
    if told.is_some_and(|t| matches!(t.role, Role::User | Role::Tool) && last_result(t).is_none()) {
        obj.bool("force_single_step", true);
    }
    if !before.is_empty() {
        ctx.lost.push("messages.history".to_owned());
    }
    ctx.lost.push("model".to_owned());
}

fn last_result(turn: &Turn) -> Option<&ToolResult> {
    turn.parts.iter().rev().find_map(|p| if let PartKind::ToolResult(result) = &p.kind { Some(result) } else { None })
}

/// `tool_results: [{call: {name, parameters}, outputs: [{..}]}]`; the call is found in the turns before.
fn tool_result(result: &ToolResult, before: &[Turn], obj: &mut Obj<'_>) {
    let mut calls = before.iter().flat_map(|t| &t.parts).filter_map(|p| match &p.kind {
        PartKind::ToolCall(call) => Some(call),
        _ => None,
    });
    let call: Option<&ToolCall> = calls.rfind(|c| c.id == result.call_id);
    let mut list = obj.arr("tool_results");
    let mut item = list.obj();
    {
        let name = call.map(|c| c.name.as_str()).or(result.name.as_deref());
        let mut said = item.obj("call");
        said.str("name", name.unwrap_or_default());
        said.text("parameters", call.and_then(|c| object(&c.arguments)).as_ref().map_or("{}", RawJson::get));
    }
    let text = texts(&result.parts);
    let mut outputs = item.arr("outputs");
    match object(&text) {
        Some(output) => outputs.text(output.get()),
        None => outputs.obj().str("result", &text),
    }
}

/// A text that is a JSON object.
fn object(text: &str) -> Option<RawJson> {
    RawJson::parse(text.trim()).ok().filter(|json| json.get().starts_with('{'))
}
