//! Tools to `tools` and `mcp_servers`.

use bytes::{BufMut, BytesMut};
use llm_types::generate::{FunctionTool, GenerateRequest, PartKind, Tool, ToolKind};
use llm_types::json::raw_str;
use llm_types::{Json, RawJson, Result};
use serde_json::value::RawValue;

use super::object::{Array, Object};
use super::unsupported::{error, lose};
use super::{FORMAT, schema};
use crate::codec::EncodeContext;
use crate::tool_names::ToolNames;
use crate::top::Top;

/// Keys of this format that a chat client may set beside `function`.
const OWN_KEYS: [&str; 4] = ["defer_loading", "allowed_callers", "input_examples", "eager_input_streaming"];

/// Beginnings of the types of tools that the upstream runs or knows itself.
const HOSTED: [&str; 9] = [
    "bash_",
    "text_editor_",
    "web_search_2",
    "web_fetch_",
    "code_execution_",
    "memory_",
    "tool_search_tool_",
    "advisor",
    "computer_",
];

/// The tools as they will be written.
#[derive(Debug, Default)]
pub(super) struct Tools {
    /// Items of `tools`, with commas between.
    pub items: BytesMut,
    /// Items of `mcp_servers`.
    pub mcp_servers: Vec<Json>,
    /// Types of the hosted tools, for the beta headers.
    pub types: Vec<String>,
}

impl Tools {
    pub(super) fn item(&mut self) -> &mut BytesMut {
        if !self.items.is_empty() {
            self.items.put_u8(b',');
        }
        &mut self.items
    }

    fn hosted(&mut self, kind: &str, json: &str) {
        self.types.push(kind.to_owned());
        self.item().put_slice(json.as_bytes());
    }

    /// Writes the tool that only says that there are tools: the upstream refuses tool calls in a history without any.
    pub(super) fn dummy(&mut self) {
        self.item().put_slice(
            br#"{"name":"dummy_tool","input_schema":{"type":"object","properties":{}},"type":"custom","description":"This is a dummy tool call"}"#,
        );
    }

    /// Writes the tools of the request.
    pub(super) fn write(
        &mut self,
        req: &GenerateRequest,
        legacy: bool,
        names: &ToolNames,
        ctx: &mut EncodeContext<'_>,
    ) -> Result<()> {
        for tool in &req.tools {
            match &tool.kind {
                ToolKind::Function(f) if legacy || !f.legacy => function(tool, f, names, self.item()),
                ToolKind::Function(_) => {}
                ToolKind::Hosted { format: FORMAT, json } => {
                    let kind = json.read::<Top<'_>>().ok().and_then(|t| t.str("type").map(String::from));
                    self.hosted(&kind.unwrap_or_default(), json.get());
                }
                ToolKind::Hosted { json, .. } => self.foreign(json.get(), ctx)?,
            }
        }
        Ok(())
    }

    /// A tool that a client of another format wrote.
    fn foreign(&mut self, json: &str, ctx: &mut EncodeContext<'_>) -> Result<()> {
        let Ok(top) = serde_json::from_str::<Top<'_>>(json) else { return Ok(()) };
        let kind = top.str("type").unwrap_or_default().into_owned();
        match kind.as_str() {
            "mcp" | "url" => self.mcp_servers.push(mcp_server(&top)),
            "web_search" | "web_search_preview" => {
                let location = top.get("user_location").and_then(|l| location(l, false));
                self.web_search(context_size(&top), location);
            }
            "namespace" => {
                for tool in top.read::<Vec<&RawValue>>("tools").unwrap_or_default() {
                    self.foreign(tool.get(), ctx)?;
                }
            }
            k if k.starts_with("computer_") && top.get("function").is_some() => {
                let tool = computer(&top);
                self.hosted(k, &tool.to_string());
            }
            "function" if top.get("function").is_some() || top.get("name").is_some() => {
                nested_function(&top, self.item())
            }
            _ if top.get("input_schema").is_some() => self.hosted(&kind, json),
            k if HOSTED.iter().any(|h| k.starts_with(h)) => self.hosted(k, json),
            _ if ctx.drop_params => lose(ctx, &format!("tools.{kind}")),
            _ => return Err(error(ctx, &[&format!("tools.{kind}")])),
        }
        Ok(())
    }

    /// OpenAI's `web_search_options`.
    pub(super) fn web_search_options(&mut self, options: &RawJson) {
        let Ok(top) = options.read::<Top<'_>>() else { return };
        let location = top.get("user_location").and_then(|l| location(l, true));
        self.web_search(context_size(&top), location);
    }

    fn web_search(&mut self, uses: Option<u64>, location: Option<Json>) {
        let mut tool = Json::object([("type", "web_search_20250305"), ("name", "web_search")]);
        if let Some(uses) = uses {
            tool.set("max_uses", uses);
        }
        if let Some(location) = location {
            tool.set("user_location", location);
        }
        self.hosted("web_search_20250305", &tool.to_string());
    }
}

/// True when the assistant called tools in the history.
pub(super) fn history_calls(req: &GenerateRequest) -> bool {
    // the legacy kind has no id and does not count
    req.turns.iter().flat_map(|t| &t.parts).any(|p| matches!(&p.kind, PartKind::ToolCall(c) if !c.id.is_empty()))
}

fn function(tool: &Tool, f: &FunctionTool, names: &ToolNames, out: &mut BytesMut) {
    let native = tool.extra.format() == Some(FORMAT);
    let mut o = Object::open(out);
    o.str("name", names.written(&f.name));
    match (&f.parameters, native) {
        (Some(schema), true) => o.raw("input_schema", schema.get()),
        (None, true) => {}
        (schema, false) => o.raw("input_schema", &schema::of_tool(schema.as_ref())),
    }
    if !native {
        o.str("type", "custom");
    }
    if let Some(text) = &f.description {
        o.str("description", text);
    }
    if let (Some(strict), true) = (f.strict, native) {
        o.json("strict", &strict);
    }
    if let Some(mark) = tool.cache_control.as_ref().or_else(|| tool.extra.get("function.cache_control")) {
        o.raw("cache_control", mark.get());
    }
    for key in OWN_KEYS {
        let inner = format!("function.{key}");
        let given = tool.extra.get(key).or_else(|| tool.extra.get(&inner));
        if let Some(value) = given.filter(|_| !native) {
            o.raw(key, value.get());
        }
    }
    for (key, value) in tool.extra.fields_for(FORMAT) {
        o.raw(key, value.get());
    }
    o.close();
}

/// A function inside a namespace, as chat or Responses clients write it.
fn nested_function(top: &Top<'_>, out: &mut BytesMut) {
    let inner = top.read::<Top<'_>>("function");
    let f = inner.as_ref().unwrap_or(top);
    let parameters = f.get("parameters").and_then(|p| RawJson::parse(p).ok());
    let mut o = Object::open(out);
    o.str("name", &f.str("name").unwrap_or_default());
    o.raw("input_schema", &schema::of_tool(parameters.as_ref()));
    o.str("type", "custom");
    if let Some(text) = f.get("description").and_then(raw_str) {
        o.str("description", &text);
    }
    o.close();
}

fn computer(top: &Top<'_>) -> Json {
    let function = top.read::<Top<'_>>("function").unwrap_or_default();
    let parameters = function.read::<Top<'_>>("parameters").unwrap_or_default();
    let mut tool = Json::object([
        ("type", top.str("type").unwrap_or_default().into_owned()),
        ("name", function.str("name").map_or_else(|| "computer".to_owned(), Into::into)),
    ]);
    for key in ["display_width_px", "display_height_px", "display_number"] {
        if let Some(value) = parameters.read::<Json>(key) {
            tool.set(key, value);
        }
    }
    tool
}

fn mcp_server(top: &Top<'_>) -> Json {
    if top.get("url").is_some() {
        return Json::Object(
            top.iter().map(|(k, v)| (k.to_owned(), serde_json::from_str(v).unwrap_or_default())).collect(),
        );
    }
    let text = |key: &str| Json::from(top.str(key).map(String::from));
    let mut server =
        Json::object([("type", Json::from("url")), ("url", text("server_url")), ("name", text("server_label"))]);
    if let Some(tools) = top.read::<Json>("allowed_tools") {
        server.set("tool_configuration", Json::object([("allowed_tools", tools)]));
    }
    let headers = top.read::<Top<'_>>("headers").unwrap_or_default();
    let token = headers.iter().find(|(k, _)| k.eq_ignore_ascii_case("authorization")).and_then(|(_, v)| raw_str(v));
    if let Some(token) = token {
        server.set("authorization_token", token.strip_prefix("Bearer ").unwrap_or(&token));
    }
    server
}

fn context_size(top: &Top<'_>) -> Option<u64> {
    match &*top.str("search_context_size")? {
        "low" => Some(1),
        "medium" => Some(5),
        "high" => Some(10),
        _ => None,
    }
}

fn location(raw: &str, nested: bool) -> Option<Json> {
    let top: Top<'_> = serde_json::from_str(raw).ok()?;
    let inner = if nested { top.read::<Top<'_>>("approximate")? } else { top };
    let mut location = Json::object([("type", "approximate")]);
    for key in ["city", "region", "country", "timezone"] {
        if let Some(value) = inner.str(key) {
            location.set(key, &*value);
        }
    }
    Some(location)
}

/// Writes an array whose items are written already.
pub(super) fn write_items(items: &[u8], out: &mut BytesMut) {
    let mut list = Array::open(out);
    list.item().put_slice(items);
    list.close();
}
