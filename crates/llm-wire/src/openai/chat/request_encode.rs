//! Requests to chat upstreams.
//!
//! What came from a chat client is written as it came. What came from another format is written as LiteLLM's
//! translation writes it; where the two differ in a choice, the recordings of LiteLLM decide.

use bytes::BytesMut;
use llm_types::generate::{FunctionTool, GenerateRequest, OutputFormat, Reasoning, Tool, ToolChoice, ToolKind};
use llm_types::{Extra, Field, Format};
use serde::Deserialize;
use serde_json::Number;

use super::message_encode;
use super::{FORMAT, keeps_marks};
use crate::codec::EncodeContext;
use crate::openai::object::{Arr, Obj};
use crate::top::{Top, write_str};

const STREAM_OPTIONS: &str = "stream_options.";

/// Writes a request.
pub(crate) fn encode(req: &GenerateRequest, ctx: &mut EncodeContext<'_>, out: &mut BytesMut) {
    let mut obj = Obj::open(out);
    obj.str("model", ctx.model);
    message_encode::conversation(&req.turns, ctx, &mut obj.arr("messages"));
    options(req, ctx, &mut obj);
}

/// Everything but the model and the conversation.
fn options(req: &GenerateRequest, ctx: &mut EncodeContext<'_>, obj: &mut Obj<'_>) {
    let from_anthropic = req.extra.format() == Some(Format::AnthropicMessages);
    let max = if req.max_output_is_completion { "max_completion_tokens" } else { "max_tokens" };
    sampling(req, max, obj);
    obj.raw("logprobs", req.sampling.logprobs.as_ref());
    obj.number("top_logprobs", req.sampling.top_logprobs.as_ref());
    reasoning(&req.reasoning, from_anthropic, ctx, obj);
    tools(req, ctx, obj);
    if let Some(format) = &req.output {
        output_format(format, obj);
    }
    if from_anthropic {
        let user = req.metadata.as_ref().and_then(|m| m.read::<Top<'_>>().ok()?.str("user_id").map(String::from));
        obj.opt_str("user", user.as_deref());
        // LiteLLM's translation sends none of these
        for (name, given) in [
            ("metadata", req.metadata.is_some() && user.is_none()),
            ("service_tier", req.service_tier.is_some()),
            ("parallel_tool_calls", req.parallel_tool_calls.is_some()),
        ] {
            if given {
                ctx.lost.push(name.to_owned());
            }
        }
    } else {
        obj.opt_bool("parallel_tool_calls", req.parallel_tool_calls);
        obj.opt_str("user", req.user.as_deref());
        obj.raw("metadata", req.metadata.as_ref());
        obj.opt_str("service_tier", req.service_tier.as_deref());
    }
    tail(req, ctx, obj);
}

/// The options that legacy text completions know; reports the others as lost.
pub(crate) fn text_options(req: &GenerateRequest, ctx: &mut EncodeContext<'_>, obj: &mut Obj<'_>) {
    sampling(req, "max_tokens", obj);
    let s = &req.sampling;
    match (&s.logprobs, &s.top_logprobs) {
        (Some(on), top) if on.get() == "true" => {
            obj.text("logprobs", &top.as_ref().map_or("1".to_owned(), Number::to_string))
        }
        (Some(off), _) if off.get() == "false" => {}
        (count, _) => obj.raw("logprobs", count.as_ref()),
    }
    for (name, given) in [
        ("tools", !req.tools.is_empty()),
        ("response_format", req.output.is_some()),
        ("reasoning_effort", req.reasoning.effort.is_some()),
        ("thinking", req.reasoning.thinking.is_some()),
        ("metadata", req.metadata.is_some()),
        ("service_tier", req.service_tier.is_some()),
    ] {
        if given {
            ctx.lost.push(name.to_owned());
        }
    }
    obj.opt_str("user", req.user.as_deref());
    tail(req, ctx, obj);
}

/// Streaming, and the fields that only their own format knows.
fn tail(req: &GenerateRequest, ctx: &mut EncodeContext<'_>, obj: &mut Obj<'_>) {
    stream(req, obj);
    obj.extra(&req.extra, FORMAT, |key| !key.starts_with(STREAM_OPTIONS) && key != "extra_body");
    extra_body(&req.extra, obj);
    if req.extra.format() != Some(Format::AnthropicMessages) {
        return lose_extra(&req.extra, "", ctx);
    }
    for (key, value) in req.extra.all() {
        if goes_along(key) {
            obj.any_key(key).extend_from_slice(value.get().as_bytes());
        } else {
            ctx.lost.push(key.to_owned());
        }
    }
}

/// True for fields of Messages clients that neither language knows: they are meant for the host. What is Anthropic's
/// own stays here, hosts refuse it; the servers of `mcp_servers` have tokens that are not the host's to see.
fn goes_along(key: &str) -> bool {
    const ANTHROPIC: [&str; 11] = [
        "cache_control",
        "compaction",
        "container",
        "context_management",
        "fallbacks",
        "inference_geo",
        "mcp_servers",
        "output_config",
        "output_format",
        "safeguards",
        "speed",
    ];
    key == "prompt_cache_key" || Field::from_name(key).is_none() && !ANTHROPIC.contains(&key)
}

/// `extra_body` is LiteLLM's: its fields go to the top level. It cannot choose another model.
fn extra_body(extra: &Extra, obj: &mut Obj<'_>) {
    let body = extra.fields_for(FORMAT).find(|(key, _)| *key == "extra_body");
    if let Some(body) = body.and_then(|(_, json)| json.read::<Top<'_>>().ok()) {
        for (key, value) in body.iter().filter(|(key, _)| *key != "model") {
            obj.any_key(key).extend_from_slice(value.as_bytes());
        }
    }
}

/// Reports extra fields of other formats as lost.
pub(crate) fn lose_extra(extra: &Extra, path: &str, ctx: &mut EncodeContext<'_>) {
    if extra.format() != Some(FORMAT) {
        ctx.lost.extend(extra.all().map(|(key, _)| format!("{path}{key}")));
    }
}

fn sampling(req: &GenerateRequest, max: &'static str, obj: &mut Obj<'_>) {
    let s = &req.sampling;
    obj.number(max, req.max_output_tokens.as_ref());
    obj.number("temperature", s.temperature.as_ref());
    obj.number("top_p", s.top_p.as_ref());
    obj.number("top_k", s.top_k.as_ref());
    if let Some(n) = s.n {
        obj.u64("n", n);
    }
    write_stop(req, "stop", obj);
    obj.number("presence_penalty", s.presence_penalty.as_ref());
    obj.number("frequency_penalty", s.frequency_penalty.as_ref());
    obj.raw("logit_bias", s.logit_bias.as_ref());
    obj.number("seed", s.seed.as_ref());
}

/// Writes the texts that end an answer: a bare text where the client sent one.
pub(crate) fn write_stop(req: &GenerateRequest, key: &'static str, obj: &mut Obj<'_>) {
    match req.stop.as_slice() {
        [one] if req.stop_flat => obj.str(key, one),
        [] => {}
        many => {
            let mut list = obj.arr(key);
            many.iter().for_each(|s| list.str(s));
        }
    }
}

fn stream(req: &GenerateRequest, obj: &mut Obj<'_>) {
    if req.stream {
        obj.bool("stream", true);
    }
    let more = req.extra.fields_for(FORMAT).any(|(k, _)| k.starts_with(STREAM_OPTIONS));
    if req.include_usage.is_some() || more {
        let mut options = obj.obj("stream_options");
        options.opt_bool("include_usage", req.include_usage);
        options.inner(&req.extra, FORMAT, STREAM_OPTIONS);
    }
}

/// `reasoning_effort`, and `thinking` where it can be said. For requests of Messages clients LiteLLM turns `thinking`
/// into an effort, unless the model is a Claude.
fn reasoning(given: &Reasoning, from_anthropic: bool, ctx: &mut EncodeContext<'_>, obj: &mut Obj<'_>) {
    let claude = ctx.model.contains("claude");
    let keep = given.thinking.as_ref().filter(|_| !from_anthropic || claude);
    obj.raw("thinking", keep);
    let effort = given.effort.as_deref().or(given.output_effort.as_deref());
    let derived = if keep.is_none() { given.thinking.as_ref().and_then(|t| effort_of(t.get())) } else { None };
    obj.opt_str("reasoning_effort", effort.or(derived));
    if given.summary.is_some() {
        ctx.lost.push("reasoning_effort.summary".to_owned());
    }
}

/// The effort that a `thinking` object amounts to.
pub(crate) fn effort_of(thinking: &str) -> Option<&'static str> {
    #[derive(Deserialize)]
    struct Thinking<'a> {
        r#type: &'a str,
        budget_tokens: Option<u64>,
    }
    let thinking: Thinking<'_> = serde_json::from_str(thinking).ok()?;
    match (thinking.r#type, thinking.budget_tokens) {
        ("enabled", Some(4096..)) => Some("high"),
        ("enabled", Some(2048..)) | ("adaptive", _) => Some("medium"),
        ("enabled", _) => Some("low"),
        _ => None,
    }
}

fn tools(req: &GenerateRequest, ctx: &mut EncodeContext<'_>, obj: &mut Obj<'_>) {
    let legacy = |t: &&Tool| matches!(&t.kind, ToolKind::Function(f) if f.legacy);
    let mut search = None;
    let mut sayable = Vec::with_capacity(req.tools.len());
    for tool in req.tools.iter().filter(|t| !legacy(t)) {
        match &tool.kind {
            ToolKind::Hosted { format, json } if *format != FORMAT => {
                let kind = hosted_type(json.get());
                if kind.starts_with("web_search") {
                    search = Some(search_options(*format, json.get()));
                }
                if !kind.starts_with("web_search") {
                    ctx.lost.push(format!("tools[{kind}]"));
                }
            }
            _ => sayable.push(tool),
        }
    }
    if !sayable.is_empty() {
        let mut list = obj.arr("tools");
        sayable.iter().for_each(|t| write_tool(t, ctx, &mut list));
    }
    if req.tools.iter().any(|t| legacy(&t)) {
        let mut list = obj.arr("functions");
        for tool in req.tools.iter().filter(legacy) {
            if let ToolKind::Function(f) = &tool.kind {
                write_function(f, &tool.extra, &mut list.obj());
            }
        }
    }
    if let Some(options) = search.filter(|_| req.extra.get("web_search_options").is_none()) {
        obj.text("web_search_options", &options);
    }
    let none = sayable.is_empty() && !req.tools.iter().any(|t| legacy(&t));
    if none {
        return; // LiteLLM drops a tool choice without tools: upstreams refuse it
    }
    if let Some(choice) = &req.tool_choice {
        tool_choice(choice, req.tools.iter().all(|t| legacy(&t)), ctx, obj);
    }
}

/// What a search tool of another language says about the search, in chat's words.
fn search_options(format: Format, json: &str) -> String {
    if format != Format::OpenAiResponses {
        return "{}".to_owned();
    }
    let top: Top<'_> = serde_json::from_str(json).unwrap_or_default();
    let [size, place] = ["search_context_size", "user_location"].map(|field| top.get(field).unwrap_or("null"));
    format!(r#"{{"search_context_size":{size},"user_location":{place}}}"#)
}

fn hosted_type(json: &str) -> String {
    #[derive(Deserialize)]
    struct Typed {
        r#type: String,
    }
    serde_json::from_str::<Typed>(json).map_or_else(|_| "hosted".to_owned(), |t| t.r#type)
}

pub(crate) fn write_tool(tool: &Tool, ctx: &EncodeContext<'_>, list: &mut Arr<'_>) {
    match &tool.kind {
        ToolKind::Hosted { json, .. } => list.text(json.get()),
        ToolKind::Function(function) => {
            let mut obj = list.obj();
            obj.str("type", "function");
            write_function(function, &tool.extra, &mut obj.obj("function"));
            obj.raw("cache_control", tool.cache_control.as_ref().filter(|_| keeps_marks(&tool.extra, ctx)));
            obj.extra(&tool.extra, FORMAT, |key| !key.starts_with("function."));
        }
    }
}

fn write_function(function: &FunctionTool, extra: &Extra, obj: &mut Obj<'_>) {
    obj.str("name", &function.name);
    obj.opt_str("description", function.description.as_deref());
    obj.raw("parameters", function.parameters.as_ref());
    obj.opt_bool("strict", function.strict);
    obj.inner(extra, FORMAT, "function.");
}

fn tool_choice(choice: &ToolChoice, legacy: bool, ctx: &mut EncodeContext<'_>, obj: &mut Obj<'_>) {
    let key = if legacy { "function_call" } else { "tool_choice" };
    match choice {
        ToolChoice::Auto => obj.str(key, "auto"),
        ToolChoice::None => obj.str(key, "none"),
        ToolChoice::Required => obj.str(key, "required"),
        ToolChoice::Function(name) if legacy => obj.obj(key).str("name", name),
        ToolChoice::Function(name) => {
            let mut choice = obj.obj(key);
            choice.str("type", "function");
            choice.obj("function").str("name", name);
        }
        ToolChoice::Other { format, json } if *format == FORMAT => obj.text(key, json.get()),
        ToolChoice::Other { .. } => ctx.lost.push("tool_choice".to_owned()),
    }
}

pub(crate) fn output_format(format: &OutputFormat, obj: &mut Obj<'_>) {
    match format {
        OutputFormat::Text => obj.text("response_format", r#"{"type":"text"}"#),
        OutputFormat::JsonObject => obj.text("response_format", r#"{"type":"json_object"}"#),
        OutputFormat::Other(json) => obj.text("response_format", json.get()),
        OutputFormat::JsonSchema { name, description, schema, strict } => {
            let mut format = obj.obj("response_format");
            format.str("type", "json_schema");
            let mut inner = format.obj("json_schema");
            write_str(name.as_deref().unwrap_or("structured_output"), inner.key("name"));
            inner.opt_str("description", description.as_deref());
            inner.raw("schema", Some(schema));
            inner.opt_bool("strict", strict.or(name.is_none().then_some(true)));
        }
    }
}
