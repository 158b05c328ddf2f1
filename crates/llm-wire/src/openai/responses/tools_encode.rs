//! Tools, the choice among them, and the shape of the answer.

use llm_types::Format;
use llm_types::generate::{GenerateRequest, OutputFormat, Tool, ToolChoice, ToolKind};

use super::FORMAT;
use crate::codec::EncodeContext;
use crate::openai::object::{Arr, Obj};
use crate::top::Top;

/// Writes `tools`, `tool_choice` and `parallel_tool_calls`.
pub(crate) fn tools(req: &GenerateRequest, ctx: &mut EncodeContext<'_>, obj: &mut Obj<'_>) {
    let sayable: Vec<&Tool> = req.tools.iter().filter(|t| is_sayable(t, ctx)).collect();
    let search = req.extra.format() != Some(FORMAT) && req.extra.get("web_search_options").is_some();
    if !sayable.is_empty() || search {
        let mut list = obj.arr("tools");
        sayable.iter().for_each(|t| tool(t, &mut list));
        if let Some(options) = req.extra.get("web_search_options").filter(|_| search) {
            web_search(options.get(), &mut list.obj());
        }
    }
    if let Some(choice) = &req.tool_choice {
        tool_choice(choice, ctx, obj);
    }
    if req.extra.format() != Some(Format::AnthropicMessages) {
        obj.opt_bool("parallel_tool_calls", req.parallel_tool_calls);
    } else if req.parallel_tool_calls.is_some() {
        // LiteLLM's translation does not send it
        ctx.lost.push("parallel_tool_calls".to_owned());
    }
}

fn is_sayable(tool: &Tool, ctx: &mut EncodeContext<'_>) -> bool {
    match &tool.kind {
        ToolKind::Hosted { format, json } if *format != FORMAT => {
            let kind = hosted_type(json.get());
            let known = kind.starts_with("web_search") || (*format == Format::OpenAiChat && kind == "custom");
            if !known {
                ctx.lost.push(format!("tools[{kind}]"));
            }
            known
        }
        _ => true,
    }
}

fn hosted_type(json: &str) -> String {
    let top: Top<'_> = serde_json::from_str(json).unwrap_or_default();
    top.str("type").map_or_else(|| "hosted".to_owned(), std::borrow::Cow::into_owned)
}

fn tool(tool: &Tool, list: &mut Arr<'_>) {
    match &tool.kind {
        ToolKind::Hosted { format: FORMAT, json } => list.text(json.get()),
        ToolKind::Hosted { format: Format::AnthropicMessages, .. } => list.obj().str("type", "web_search_preview"),
        ToolKind::Hosted { json, .. } => custom(json.get(), &mut list.obj()),
        ToolKind::Function(function) => {
            let mut obj = list.obj();
            obj.str("type", "function");
            obj.str("name", &function.name);
            obj.opt_str("description", function.description.as_deref());
            obj.raw("parameters", function.parameters.as_ref());
            // this format is strict unless told otherwise; Anthropic's is not
            let lax = (tool.extra.format() == Some(Format::AnthropicMessages)).then_some(false);
            obj.opt_bool("strict", function.strict.or(lax));
            obj.extra(&tool.extra, FORMAT, |_| true);
        }
    }
}

/// Chat wraps the fields of a tool of another type in an object of that name.
fn custom(json: &str, obj: &mut Obj<'_>) {
    let top: Top<'_> = serde_json::from_str(json).unwrap_or_default();
    let kind = top.str("type").unwrap_or_default();
    obj.str("type", &kind);
    let inner: Top<'_> = top.read(&kind).unwrap_or_default();
    let fields = top.iter().filter(|(key, _)| *key != "type" && *key != kind.as_ref());
    fields.chain(inner.iter()).for_each(|(key, value)| obj.any_key(key).extend_from_slice(value.as_bytes()));
}

fn web_search(options: &str, obj: &mut Obj<'_>) {
    obj.str("type", "web_search");
    let top: Top<'_> = serde_json::from_str(options).unwrap_or_default();
    top.iter().for_each(|(key, value)| obj.any_key(key).extend_from_slice(value.as_bytes()));
}

fn tool_choice(choice: &ToolChoice, ctx: &mut EncodeContext<'_>, obj: &mut Obj<'_>) {
    match choice {
        ToolChoice::Auto => obj.str("tool_choice", "auto"),
        ToolChoice::None => obj.str("tool_choice", "none"),
        ToolChoice::Required => obj.str("tool_choice", "required"),
        ToolChoice::Function(name) => {
            let mut choice = obj.obj("tool_choice");
            choice.str("type", "function");
            choice.str("name", name);
        }
        ToolChoice::Other { format: FORMAT, json } => obj.text("tool_choice", json.get()),
        ToolChoice::Other { .. } => ctx.lost.push("tool_choice".to_owned()),
    }
}

/// Writes `text`: the format of the answer and how wordy it is.
pub(crate) fn text(req: &GenerateRequest, ctx: &mut EncodeContext<'_>, obj: &mut Obj<'_>) {
    let native = req.extra.format() == Some(FORMAT);
    let inner = req.extra.fields_for(FORMAT).any(|(key, _)| key.starts_with(super::TEXT));
    let verbosity = req.extra.get("verbosity").filter(|_| !native);
    let output = req.output.as_ref().filter(|o| native || !matches!(o, OutputFormat::Other(_)));
    if req.output.is_some() && output.is_none() {
        ctx.lost.push("response_format".to_owned());
    }
    if output.is_none() && verbosity.is_none() && !inner {
        return;
    }
    let mut text = obj.obj("text");
    if let Some(output) = output {
        output_format(output, req.extra.format(), &mut text);
    }
    text.raw("verbosity", verbosity);
    text.inner(&req.extra, FORMAT, super::TEXT);
}

fn output_format(format: &OutputFormat, origin: Option<Format>, text: &mut Obj<'_>) {
    match format {
        OutputFormat::Text => text.text("format", r#"{"type":"text"}"#),
        OutputFormat::JsonObject => text.text("format", r#"{"type":"json_object"}"#),
        OutputFormat::Other(json) => text.text("format", json.get()),
        OutputFormat::JsonSchema { name, description, schema, strict } => {
            let anthropic = origin == Some(Format::AnthropicMessages);
            let mut format = text.obj("format");
            format.str("type", "json_schema");
            let default = if anthropic { "structured_output" } else { "response_schema" };
            format.str("name", name.as_deref().unwrap_or(default));
            format.opt_str("description", description.as_deref());
            format.raw("schema", Some(schema));
            format.opt_bool("strict", strict.or(anthropic.then_some(false)));
        }
    }
}
