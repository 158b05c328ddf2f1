//! Requests.

use bytes::BytesMut;
use llm_types::generate::{
    FunctionTool, GenerateRequest, MediaSource, OutputFormat, Part, PartKind, Role, ToolChoice, ToolKind, Turn,
};
use llm_types::{Field, FieldSet, Format, RawJson};

use crate::codec::EncodeContext;
use crate::openai::chat;
use crate::openai::object::{Arr, Obj};
use crate::turns::texts;

/// Parameters with names of their own here.
const NAMED: FieldSet = FieldSet::of(&[
    Field::MaxTokens,
    Field::MaxCompletionTokens,
    Field::Temperature,
    Field::TopP,
    Field::TopK,
    Field::N,
    Field::Stop,
    Field::Seed,
    Field::FrequencyPenalty,
    Field::PresencePenalty,
    Field::Logprobs,
    Field::LogitBias,
    Field::ResponseFormat,
    Field::ReasoningEffort,
]);

/// Writes a request.
pub(super) fn encode(req: &GenerateRequest, ctx: &mut EncodeContext<'_>, out: &mut BytesMut) {
    let mut outer = Obj::open(out);
    {
        let mut obj = outer.obj("chatRequest");
        obj.str("apiFormat", "GENERIC");
        {
            let mut list = obj.arr("messages");
            req.turns.iter().for_each(|turn| messages(turn, ctx, &mut list));
        }
        options(req, &mut obj);
        tools(req, ctx, &mut obj);
        if req.stream {
            obj.bool("isStream", true);
        }
        chat::write_others(req, NAMED, &mut obj);
        chat::write_extras(req, |key| !chat::is_apart(key), &mut obj);
    }
    chat::write_extras(req, chat::is_apart, &mut outer);
    if req.extra.format() != Some(Format::OpenAiChat) {
        chat::lose_extra(&req.extra, "", ctx);
    }
}

fn options(req: &GenerateRequest, obj: &mut Obj<'_>) {
    let s = &req.sampling;
    obj.number("maxTokens", req.max_output_tokens.as_ref());
    obj.number("temperature", s.temperature.as_ref());
    obj.number("topP", s.top_p.as_ref());
    obj.number("topK", s.top_k.as_ref());
    obj.number("frequencyPenalty", s.frequency_penalty.as_ref());
    obj.number("presencePenalty", s.presence_penalty.as_ref());
    if !req.stop.is_empty() {
        let mut list = obj.arr("stop");
        req.stop.iter().for_each(|s| list.str(s));
    }
    obj.number("seed", s.seed.as_ref());
    // one answer is what is given anyway
    s.n.into_iter().filter(|n| *n != 1).for_each(|n| obj.u64("numGenerations", n));
    obj.raw("logProbs", s.logprobs.as_ref());
    obj.raw("logitBias", s.logit_bias.as_ref());
    let effort = req.reasoning.effort.as_deref().or(req.reasoning.output_effort.as_deref());
    obj.opt_str("reasoningEffort", effort.map(str::to_ascii_uppercase).as_deref());
    match &req.output {
        Some(OutputFormat::Text) => obj.text("responseFormat", r#"{"type":"TEXT"}"#),
        Some(OutputFormat::JsonObject) => obj.text("responseFormat", r#"{"type":"JSON_OBJECT"}"#),
        Some(OutputFormat::JsonSchema { name, description, schema, strict }) => {
            let mut format = obj.obj("responseFormat");
            format.str("type", "JSON_SCHEMA");
            let mut inner = format.obj("jsonSchema");
            inner.str("name", name.as_deref().unwrap_or("structured_output"));
            inner.opt_str("description", description.as_deref());
            inner.raw("schema", Some(schema));
            inner.opt_bool("isStrict", *strict);
        }
        Some(OutputFormat::Other(raw)) => obj.text("responseFormat", raw.get()),
        None => {}
    }
}

/// A turn is a message; results of tools are messages of their own, before what else the turn holds.
fn messages(turn: &Turn, ctx: &mut EncodeContext<'_>, list: &mut Arr<'_>) {
    let mut rest: Vec<&Part> = Vec::with_capacity(turn.parts.len());
    for part in &turn.parts {
        let PartKind::ToolResult(result) = &part.kind else {
            rest.push(part);
            continue;
        };
        let mut obj = list.obj();
        obj.str("role", "TOOL");
        text(&texts(&result.parts), &mut obj.arr("content"));
        obj.str("toolCallId", &result.call_id);
    }
    if rest.is_empty() && !turn.parts.is_empty() {
        return;
    }
    let mut obj = list.obj();
    obj.str(
        "role",
        match turn.role {
            Role::System | Role::Developer => "SYSTEM",
            Role::User | Role::Tool => "USER",
            Role::Assistant => "ASSISTANT",
        },
    );
    let is_call = |part: &&&Part| matches!(part.kind, PartKind::ToolCall(_));
    if rest.iter().any(|part| !is_call(&part)) {
        let mut content = obj.arr("content");
        rest.iter().filter(|part| !is_call(part)).for_each(|p| content_part(p, ctx, &mut content));
    }
    if rest.iter().any(|part| is_call(&part)) {
        let mut calls = obj.arr("toolCalls");
        for part in &rest {
            if let PartKind::ToolCall(call) = &part.kind {
                let mut obj = calls.obj();
                obj.str("id", &call.id);
                obj.str("type", "FUNCTION");
                obj.str("name", &call.name);
                obj.str("arguments", &call.arguments);
            }
        }
    }
}

fn text(text: &str, list: &mut Arr<'_>) {
    let mut obj = list.obj();
    obj.str("type", "TEXT");
    obj.str("text", text);
}

fn content_part(part: &Part, ctx: &mut EncodeContext<'_>, list: &mut Arr<'_>) {
    let PartKind::Image(media) = &part.kind else {
        match part.as_text() {
            Some(said) => text(said, list),
            None => ctx.lost.push("messages.block without text".to_owned()),
        }
        return;
    };
    let url = match &media.source {
        MediaSource::Base64(data) => {
            format!("data:{};base64,{data}", media.media_type.as_deref().unwrap_or("image/png"))
        }
        MediaSource::Url(url) => url.clone(),
        MediaSource::Text(_) | MediaSource::FileId(_) => return ctx.lost.push("messages.image".to_owned()),
    };
    let mut obj = list.obj();
    obj.str("type", "IMAGE");
    obj.obj("imageUrl").str("url", &url);
}

fn tools(req: &GenerateRequest, ctx: &mut EncodeContext<'_>, obj: &mut Obj<'_>) {
    if !req.tools.is_empty() {
        let mut list = obj.arr("tools");
        for tool in &req.tools {
            match &tool.kind {
                ToolKind::Function(f) => function(f, &mut list),
                ToolKind::Hosted { format, .. } => ctx.lost.push(format!("tools[{format}]")),
            }
        }
    }
    match &req.tool_choice {
        Some(ToolChoice::Auto) => obj.obj("toolChoice").str("type", "AUTO"),
        Some(ToolChoice::Required) => obj.obj("toolChoice").str("type", "REQUIRED"),
        Some(ToolChoice::None) => obj.obj("toolChoice").str("type", "NONE"),
        Some(ToolChoice::Function(name)) => {
            let mut choice = obj.obj("toolChoice");
            choice.str("type", "FUNCTION");
            choice.str("name", name);
        }
        Some(ToolChoice::Other { .. }) => ctx.lost.push("tool_choice".to_owned()),
        None => {}
    }
}

fn function(function: &FunctionTool, list: &mut Arr<'_>) {
    let mut obj = list.obj();
    obj.str("type", "FUNCTION");
    obj.str("name", &function.name);
    obj.opt_str("description", function.description.as_deref());
    obj.text("parameters", function.parameters.as_ref().map_or("{}", RawJson::get));
}
