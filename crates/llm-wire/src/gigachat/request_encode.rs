//! Requests.

use bytes::BytesMut;
use llm_types::generate::{
    FunctionTool, GenerateRequest, Media, MediaSource, OutputFormat, Part, PartKind, Role, ToolCall, ToolChoice,
    ToolKind, Turn,
};
use llm_types::{Error, Field, FieldSet, Format, Json, RawJson, Result};

use crate::codec::EncodeContext;
use crate::openai::chat;
use crate::openai::object::{Arr, Obj};
use crate::turns::texts;

/// The function that stands for a JSON schema, when the schema has no name.
const SCHEMA: &str = "structured_output";

const NAMED: FieldSet = FieldSet::of(&[
    Field::MaxTokens,
    Field::MaxCompletionTokens,
    Field::Temperature,
    Field::TopP,
    Field::Stop,
    Field::ResponseFormat,
]);

/// Writes a request.
pub(super) fn encode(req: &GenerateRequest, ctx: &mut EncodeContext<'_>, out: &mut BytesMut) -> Result<()> {
    let mut obj = Obj::open(out);
    obj.str("model", ctx.model);
    {
        let mut list = obj.arr("messages");
        let mut first = true;
        for turn in &req.turns {
            messages(turn, std::mem::take(&mut first), ctx, &mut list)?;
        }
    }
    sampling(req, ctx, &mut obj);
    functions(req, ctx, &mut obj);
    if req.stream {
        obj.bool("stream", true);
    }
    chat::write_others(req, NAMED, &mut obj);
    chat::write_extras(req, |_| true, &mut obj);
    if req.extra.format() != Some(Format::OpenAiChat) {
        chat::lose_extra(&req.extra, "", ctx);
    }
    Ok(())
}

/// No randomness is said by `top_p`: the host takes no temperature of zero.
fn sampling(req: &GenerateRequest, ctx: &mut EncodeContext<'_>, obj: &mut Obj<'_>) {
    let s = &req.sampling;
    let zero = s.temperature.as_ref().and_then(serde_json::Number::as_f64) == Some(0.0);
    if zero {
        obj.u64("top_p", 0);
    } else {
        obj.number("temperature", s.temperature.as_ref());
        obj.number("top_p", s.top_p.as_ref());
    }
    obj.number("max_tokens", req.max_output_tokens.as_ref());
    if !req.stop.is_empty() {
        ctx.lost.push("stop".to_owned());
    }
}

/// A turn is a message; results of tools are messages of their own, before what else the turn holds. Instructions
/// behind the first message are the user's.
fn messages(turn: &Turn, first: bool, ctx: &mut EncodeContext<'_>, list: &mut Arr<'_>) -> Result<()> {
    let mut rest: Vec<&Part> = Vec::with_capacity(turn.parts.len());
    let mut pictures: Vec<&str> = Vec::new();
    for part in &turn.parts {
        match &part.kind {
            PartKind::ToolResult(result) => {
                let mut obj = list.obj();
                obj.str("role", "function");
                obj.opt_str("name", result.name.as_deref());
                obj.str("content", &as_json(&texts(&result.parts)));
            }
            PartKind::Image(Media { source: MediaSource::FileId(id), .. }) => pictures.push(id),
            PartKind::Image(_) => return Err(picture()),
            _ => rest.push(part),
        }
    }
    if rest.is_empty() && pictures.is_empty() && !turn.parts.is_empty() {
        return Ok(());
    }
    let role = match turn.role {
        Role::System | Role::Developer if first => "system",
        Role::System | Role::Developer | Role::User | Role::Tool => "user",
        Role::Assistant => "assistant",
    };
    let mut obj = list.obj();
    obj.str("role", role);
    obj.str("content", &texts(rest.iter().copied()));
    if !pictures.is_empty() {
        let mut list = obj.arr("attachments");
        pictures.iter().for_each(|id| list.str(id));
    }
    let mut calls = rest.iter().filter_map(|p| if let PartKind::ToolCall(call) = &p.kind { Some(call) } else { None });
    if let Some(call) = calls.next() {
        function_call(call, &mut obj)?;
    }
    if calls.next().is_some() {
        ctx.lost.push("messages.tool_calls".to_owned());
    }
    if rest.iter().any(|p| p.as_text().is_none() && !matches!(p.kind, PartKind::ToolCall(_))) {
        ctx.lost.push("messages.block without text".to_owned());
    }
    Ok(())
}

fn picture() -> Error {
    let what = "GigaChat takes pictures only as files that were uploaded to it before, and this one was not";
    Error::bad_request(format!("Invalid value for 'messages': {what}")).with_param("messages")
}

/// Results are JSON: a text that is none becomes a string of JSON.
fn as_json(text: &str) -> String {
    match RawJson::parse(text.trim()) {
        Ok(json) => json.get().to_owned(),
        Err(_) => RawJson::string(text).get().to_owned(),
    }
}

fn function_call(call: &ToolCall, obj: &mut Obj<'_>) -> Result<()> {
    let text = call.arguments.trim();
    let arguments = RawJson::parse(if text.is_empty() { "{}" } else { text }).map_err(|_| {
        let what = format!("the arguments of the call of '{}' are not JSON", call.name);
        Error::bad_request(format!("Invalid value for 'messages': {what}")).with_param("messages")
    })?;
    let mut function = obj.obj("function_call");
    function.str("name", &call.name);
    function.text("arguments", arguments.get());
    Ok(())
}

/// Writes `functions` and `function_call`; a JSON schema is a function that must be called.
fn functions(req: &GenerateRequest, ctx: &mut EncodeContext<'_>, obj: &mut Obj<'_>) {
    let schema = schema_of(req, ctx);
    if !req.tools.is_empty() || schema.is_some() {
        let mut list = obj.arr("functions");
        for tool in &req.tools {
            match &tool.kind {
                ToolKind::Function(f) => function(f, &mut list),
                ToolKind::Hosted { format, .. } => ctx.lost.push(format!("tools[{format}]")),
            }
        }
        schema.iter().for_each(|f| function(f, &mut list));
    }
    if let Some(schema) = &schema {
        ctx.hints.json_tool = true;
        return obj.obj("function_call").str("name", &schema.name);
    }
    match &req.tool_choice {
        Some(ToolChoice::None) => obj.str("function_call", "none"),
        Some(ToolChoice::Auto | ToolChoice::Required) => obj.str("function_call", "auto"),
        Some(ToolChoice::Function(name)) => obj.obj("function_call").str("name", name),
        Some(ToolChoice::Other { .. }) => ctx.lost.push("tool_choice".to_owned()),
        None => {}
    }
}

fn function(function: &FunctionTool, list: &mut Arr<'_>) {
    let mut obj = list.obj();
    obj.str("name", &function.name);
    obj.opt_str("description", function.description.as_deref());
    obj.text("parameters", function.parameters.as_ref().map_or("{}", RawJson::get));
}

fn schema_of(req: &GenerateRequest, ctx: &mut EncodeContext<'_>) -> Option<FunctionTool> {
    match req.output.as_ref()? {
        OutputFormat::Text => None,
        OutputFormat::JsonSchema { name, description, schema, .. } => Some(FunctionTool {
            name: name.clone().unwrap_or_else(|| SCHEMA.to_owned()),
            description: description.clone(),
            parameters: Some(schema.clone()),
            ..FunctionTool::default()
        }),
        OutputFormat::Other(raw) if raw.read::<Json>().ok()?.get("type")?.as_str() == Some("text") => None,
        OutputFormat::JsonObject | OutputFormat::Other(_) => {
            ctx.lost.push("response_format".to_owned());
            None
        }
    }
}
