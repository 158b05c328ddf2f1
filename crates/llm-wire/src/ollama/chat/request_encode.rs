//! Requests.

use bytes::BytesMut;
use llm_types::generate::{
    FunctionTool, GenerateRequest, MediaSource, Part, PartKind, Role, Tool, ToolCall, ToolKind, ToolResult, Turn,
};
use llm_types::{Error, Format, RawJson, Result};

use crate::codec::EncodeContext;
use crate::ollama::options;
use crate::openai::chat;
use crate::openai::object::{Arr, Obj};
use crate::turns::texts;

/// Writes a request.
pub(super) fn encode(req: &GenerateRequest, ctx: &mut EncodeContext<'_>, out: &mut BytesMut) -> Result<()> {
    let mut obj = Obj::open(out);
    obj.str("model", ctx.model);
    {
        let mut list = obj.arr("messages");
        req.turns.iter().try_for_each(|turn| messages(turn, ctx, &mut list))?;
    }
    options::write(req, "repeat_penalty", ctx, &mut obj);
    options::format(req, &mut obj);
    options::think(&req.reasoning, ctx.model, &mut obj);
    tools(req, ctx, &mut obj);
    Ok(())
}

/// A turn is a message; results of tools are messages of their own, before what else the turn holds.
fn messages(turn: &Turn, ctx: &mut EncodeContext<'_>, list: &mut Arr<'_>) -> Result<()> {
    let mut rest: Vec<&Part> = Vec::with_capacity(turn.parts.len());
    for part in &turn.parts {
        match &part.kind {
            PartKind::ToolResult(result) => tool_result(result, ctx, list),
            _ => rest.push(part),
        }
    }
    if !rest.is_empty() || turn.parts.is_empty() {
        message(turn.role, &rest, ctx, list)?;
    }
    Ok(())
}

fn tool_result(result: &ToolResult, ctx: &mut EncodeContext<'_>, list: &mut Arr<'_>) {
    let mut obj = list.obj();
    let legacy = result.call_id.is_empty() && result.name.is_some();
    obj.str("role", if legacy { "function" } else { "tool" });
    obj.str("content", &texts(&result.parts));
    images(result.parts.iter(), ctx, &mut obj);
    if !result.call_id.is_empty() {
        obj.str("tool_call_id", &result.call_id);
    }
}

fn message(role: Role, parts: &[&Part], ctx: &mut EncodeContext<'_>, list: &mut Arr<'_>) -> Result<()> {
    let mut obj = list.obj();
    obj.str(
        "role",
        match role {
            Role::System | Role::Developer => "system",
            Role::User | Role::Tool => "user",
            Role::Assistant => "assistant",
        },
    );
    let thoughts: String = parts
        .iter()
        .filter_map(|p| if let PartKind::Thinking { text, .. } = &p.kind { Some(text.as_str()) } else { None })
        .collect();
    if !thoughts.is_empty() {
        obj.str("thinking", &thoughts);
    }
    obj.str("content", &texts(parts.iter().copied()));
    images(parts.iter().copied(), ctx, &mut obj);
    calls(parts, ctx, &mut obj)
}

/// Writes `images`, always: bytes as base64. An address that is still one could not be fetched: it goes as it is, for
/// Ollama to refuse.
fn images<'a>(parts: impl Iterator<Item = &'a Part>, ctx: &mut EncodeContext<'_>, obj: &mut Obj<'_>) {
    let mut list = obj.arr("images");
    for part in parts {
        match &part.kind {
            PartKind::Image(media) => match &media.source {
                MediaSource::Base64(data) | MediaSource::Url(data) => list.str(data),
                MediaSource::Text(_) | MediaSource::FileId(_) => ctx.lost.push("messages.image".to_owned()),
            },
            PartKind::Text { .. } | PartKind::Thinking { .. } | PartKind::ToolCall(_) => {}
            _ => ctx.lost.push("messages.block without text".to_owned()),
        }
    }
}

fn calls(parts: &[&Part], ctx: &mut EncodeContext<'_>, obj: &mut Obj<'_>) -> Result<()> {
    let calls = || {
        parts.iter().filter_map(|p| match &p.kind {
            PartKind::ToolCall(call) => Some(call),
            _ => None,
        })
    };
    if calls().any(|c| c.id.is_empty()) {
        ctx.lost.push("messages.function_call".to_owned());
    }
    if calls().all(|c| c.id.is_empty()) {
        return Ok(());
    }
    let mut list = obj.arr("tool_calls");
    for call in calls().filter(|c| !c.id.is_empty()) {
        let arguments = object(call)?;
        let mut item = list.obj();
        let mut function = item.obj("function");
        function.str("name", &call.name);
        function.text("arguments", arguments.as_ref().map_or("{}", RawJson::get));
    }
    Ok(())
}

/// The arguments as an object; nothing for none.
fn object(call: &ToolCall) -> Result<Option<RawJson>> {
    let text = call.arguments.trim();
    if text.is_empty() {
        return Ok(None);
    }
    RawJson::parse(text).map(Some).map_err(|_| {
        let what = format!("the arguments of the call of '{}' are not JSON", call.name);
        Error::bad_request(format!("Invalid value for 'messages': {what}")).with_param("messages")
    })
}

/// Tools in chat's shape; functions of the legacy list stand among them.
fn tools(req: &GenerateRequest, ctx: &mut EncodeContext<'_>, obj: &mut Obj<'_>) {
    if req.tools.is_empty() {
        return;
    }
    let mut list = obj.arr("tools");
    for tool in &req.tools {
        match &tool.kind {
            ToolKind::Function(function) if function.legacy => {
                let kind = ToolKind::Function(FunctionTool { legacy: false, ..function.clone() });
                chat::write_tool(&Tool { kind, ..tool.clone() }, ctx, &mut list);
            }
            ToolKind::Function(_) => chat::write_tool(tool, ctx, &mut list),
            ToolKind::Hosted { format: Format::OpenAiChat, json } => list.text(json.get()),
            ToolKind::Hosted { format, .. } => ctx.lost.push(format!("tools[{format}]")),
        }
    }
}
