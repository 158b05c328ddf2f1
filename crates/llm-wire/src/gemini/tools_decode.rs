//! `tools` and `toolConfig`.

use llm_types::generate::{FunctionTool, GenerateRequest, Tool, ToolChoice, ToolKind};
use llm_types::{Extra, Json, RawJson, Result};

use super::request_decode::{bad, get, is, list, raw_json, read, rest, str};
use super::{FORMAT, schema};
use crate::top::Top;

/// Holds the parameters of a function as they came, where other formats get them in another shape.
pub(super) const PARAMETERS: &str = "parameters";
/// The parameters came as JSON schema proper.
pub(super) const JSON_SCHEMA: &str = "parametersJsonSchema";

/// Reads `tools`: functions one by one, every other tool as a whole.
pub(super) fn tools(raw: &str) -> Result<Vec<Tool>> {
    let mut out = Vec::new();
    for (at, entry) in list(raw, "tools")?.into_iter().enumerate() {
        let path = format!("tools[{at}]");
        let top: Top<'_> = read(entry.get(), &path)?;
        for (key, value) in top.iter().filter(|(_, v)| *v != "null") {
            if is(key, "functionDeclarations") {
                let path = format!("{path}.functionDeclarations");
                for (at, function) in list(value, &path)?.into_iter().enumerate() {
                    out.push(function_tool(function.get(), &format!("{path}[{at}]"))?);
                }
            } else {
                let json = Json::Object(vec![(key.to_owned(), Json::from(&raw_json(value)))]).to_raw();
                let kind = ToolKind::Hosted { format: FORMAT, json };
                out.push(Tool { kind, cache_control: None, extra: Extra::new(FORMAT) });
            }
        }
    }
    Ok(out)
}

fn function_tool(raw: &str, path: &str) -> Result<Tool> {
    let top: Top<'_> = read(raw, path)?;
    let mut extra = Extra::new(FORMAT);
    rest(&top, &["name", "description", PARAMETERS, JSON_SCHEMA], "", &mut extra);
    let parameters = match (get(&top, JSON_SCHEMA), get(&top, PARAMETERS)) {
        (Some(schema), _) => {
            extra.push(FORMAT, JSON_SCHEMA, RawJson::of(&true).unwrap_or_default());
            Some(raw_json(schema))
        }
        (None, Some(own)) => {
            extra.push(FORMAT, PARAMETERS, raw_json(own));
            Some(schema::to_json_schema(&raw_json(own)))
        }
        (None, None) => None,
    };
    let name = str(&top, "name").ok_or_else(|| bad(&format!("{path}.name"), "Field required"))?;
    let description = str(&top, "description");
    let function = FunctionTool { name, description, parameters, strict: None, legacy: false };
    Ok(Tool { kind: ToolKind::Function(function), cache_control: None, extra })
}

/// Reads `toolConfig`. What is not about the choice of functions is kept as it came.
pub(super) fn tool_config(raw: &str, req: &mut GenerateRequest) -> Result<()> {
    let top: Top<'_> = read(raw, "toolConfig")?;
    for (key, value) in top.iter().filter(|(_, v)| *v != "null") {
        if is(key, "functionCallingConfig") {
            req.tool_choice = choice(value)?;
        } else {
            req.extra.push(FORMAT, format!("toolConfig.{key}"), raw_json(value));
        }
    }
    Ok(())
}

fn choice(raw: &str) -> Result<Option<ToolChoice>> {
    let top: Top<'_> = read(raw, "toolConfig.functionCallingConfig")?;
    let names: Vec<String> =
        get(&top, "allowedFunctionNames").and_then(|n| serde_json::from_str(n).ok()).unwrap_or_default();
    let plain = top.iter().all(|(key, _)| is(key, "mode") || is(key, "allowedFunctionNames"));
    let mode = str(&top, "mode").map(|m| m.to_ascii_uppercase());
    Ok(Some(match (mode.as_deref(), names.as_slice()) {
        (Some("AUTO"), []) if plain => ToolChoice::Auto,
        (Some("NONE"), []) if plain => ToolChoice::None,
        (Some("ANY"), []) if plain => ToolChoice::Required,
        (Some("ANY"), [name]) if plain => ToolChoice::Function(name.clone()),
        _ => ToolChoice::Other { format: FORMAT, json: raw_json(raw) },
    }))
}
