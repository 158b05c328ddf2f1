//! Tools, each with a flat list of parameters. OCI hosts the same language with keys of its own.

use bytes::BufMut as _;
use llm_types::Json;
use llm_types::generate::{FunctionTool, GenerateRequest, ToolKind};

use crate::codec::EncodeContext;
use crate::openai::object::{Arr, Obj};

/// Keys of a tool.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Keys {
    pub(crate) definitions: &'static str,
    pub(crate) required: &'static str,
}

/// Cohere's own keys.
pub(super) const KEYS: Keys = Keys { definitions: "parameter_definitions", required: "required" };

/// Writes `tools`, when there are any. Hosted ones cannot be said.
pub(crate) fn write(req: &GenerateRequest, keys: Keys, ctx: &mut EncodeContext<'_>, obj: &mut Obj<'_>) {
    if req.tools.is_empty() {
        return;
    }
    let mut list = obj.arr("tools");
    for tool in &req.tools {
        match &tool.kind {
            ToolKind::Function(function) => write_tool(function, keys, &mut list),
            ToolKind::Hosted { format, .. } => ctx.lost.push(format!("tools[{format}]")),
        }
    }
}

fn write_tool(function: &FunctionTool, keys: Keys, list: &mut Arr<'_>) {
    let schema: Json = function.parameters.as_ref().and_then(|p| p.read().ok()).unwrap_or_default();
    let required = schema.get("required").and_then(Json::as_array).unwrap_or_default();
    let mut obj = list.obj();
    obj.str("name", &function.name);
    obj.str("description", function.description.as_deref().unwrap_or_default());
    let mut definitions = obj.obj(keys.definitions);
    for (name, property) in schema.get("properties").and_then(Json::as_object).unwrap_or_default() {
        let text = |key: &str| property.text(key).unwrap_or_default();
        let definition = Json::object([
            ("description", Json::from(text("description"))),
            ("type", Json::from(text("type"))),
            (keys.required, Json::from(required.iter().any(|r| r.as_str() == Some(name)))),
        ]);
        definitions.any_key(name).put_slice(definition.to_string().as_bytes());
    }
}
