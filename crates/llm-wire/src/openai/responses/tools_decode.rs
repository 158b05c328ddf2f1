//! Tools, the choice among them, and the shape of the answer, of a request.

use llm_types::generate::{FunctionTool, GenerateRequest, OutputFormat, Tool, ToolChoice, ToolKind};
use llm_types::json::raw_str;
use llm_types::{Extra, RawJson, Result};
use serde_json::value::RawValue;

use super::content_decode::keep;
use super::{FORMAT, TEXT};
use crate::openai::chat::{missing, read};
use crate::openai::wire::{Str, view};
use crate::top::Top;

view!(strict FunctionIn {
    kind = "type": Option<Str<'a>>,
    name = "name": Option<Str<'a>>,
    description = "description": Option<Str<'a>>,
    parameters = "parameters": Option<&'a RawValue>,
    strict = "strict": Option<bool>,
});

/// Reads `tools`: functions, and everything else as it came.
pub(crate) fn tools(list: Vec<&RawValue>) -> Result<Vec<Tool>> {
    list.into_iter().enumerate().map(|(at, raw)| tool(raw, &format!("tools[{at}]"))).collect()
}

fn tool(raw: &RawValue, path: &str) -> Result<Tool> {
    let top: Top<'_> = read(raw, path)?;
    if top.str("type").is_some_and(|kind| kind != "function") {
        let kind = ToolKind::Hosted { format: FORMAT, json: RawJson::borrowed(raw) };
        return Ok(Tool { kind, cache_control: None, extra: Extra::new(FORMAT) });
    }
    let view: FunctionIn<'_> = read(raw, path)?;
    let own = |s: Option<Str<'_>>| s.map(|s| s.0.into_owned());
    let function = FunctionTool {
        name: own(view.name).ok_or_else(|| missing(&format!("{path}.name")))?,
        description: own(view.description),
        parameters: view.parameters.map(RawJson::borrowed),
        strict: view.strict,
        legacy: false,
    };
    let mut extra = Extra::new(FORMAT);
    keep(view.rest, "", &mut extra);
    Ok(Tool { kind: ToolKind::Function(function), cache_control: None, extra })
}

/// Reads `tool_choice`.
pub(crate) fn tool_choice(raw: &RawValue) -> ToolChoice {
    let other = || ToolChoice::Other { format: FORMAT, json: RawJson::borrowed(raw) };
    if let Some(word) = raw_str(raw.get()) {
        return match word.as_ref() {
            "auto" => ToolChoice::Auto,
            "none" => ToolChoice::None,
            "required" => ToolChoice::Required,
            _ => other(),
        };
    }
    let top: Top<'_> = serde_json::from_str(raw.get()).unwrap_or_default();
    match (top.str("type").as_deref(), top.str("name")) {
        (Some("function"), Some(name)) if top.iter().count() == 2 => ToolChoice::Function(name.into_owned()),
        _ => other(),
    }
}

view!(strict TextIn {
    format = "format": Option<&'a RawValue>,
});

view!(strict FormatIn {
    kind = "type": Option<Str<'a>>,
    name = "name": Option<Str<'a>>,
    description = "description": Option<Str<'a>>,
    schema = "schema": Option<&'a RawValue>,
    strict = "strict": Option<bool>,
});

/// Reads `text`.
pub(crate) fn text(raw: &RawValue, out: &mut GenerateRequest) -> Result<()> {
    let view: TextIn<'_> = read(raw, "text")?;
    out.output = view.format.map(output_format);
    keep(view.rest, TEXT, &mut out.extra);
    Ok(())
}

/// What is not exactly one of OpenAI's three shapes is carried as it came.
fn output_format(raw: &RawValue) -> OutputFormat {
    let other = || OutputFormat::Other(RawJson::borrowed(raw));
    let Ok(view) = serde_json::from_str::<FormatIn<'_>>(raw.get()) else { return other() };
    let own = |s: Option<Str<'_>>| s.map(|s| s.0.into_owned());
    match (view.kind.as_ref().map(|k| k.0.as_ref()), view.schema, view.rest.is_empty()) {
        (Some("text"), None, true) => OutputFormat::Text,
        (Some("json_object"), None, true) => OutputFormat::JsonObject,
        (Some("json_schema"), Some(schema), true) => OutputFormat::JsonSchema {
            name: own(view.name),
            description: own(view.description),
            schema: RawJson::borrowed(schema),
            strict: view.strict,
        },
        _ => other(),
    }
}
