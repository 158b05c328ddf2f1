//! Tools to `toolConfig`.

use llm_types::generate::{FunctionTool, GenerateRequest, PartKind, Tool, ToolChoice, ToolKind};
use llm_types::{Format, Json, RawJson, Result};

use super::block_encode::Blocks;
use super::{JSON_TOOL, schema};
use crate::anthropic::{lose, unsupported};
use crate::bedrock::model::Family;
use crate::codec::EncodeContext;
use crate::openai::object::{Arr, Obj};
use crate::top::{Top, write_json};

/// Beginnings of the types of tools that Claude knows itself, and the betas they need.
const OWN: [(&str, Option<&str>); 7] = [
    ("computer_20251124", Some("computer-use-2025-11-24")),
    ("computer_20250124", Some("computer-use-2025-01-24")),
    ("computer_", Some("computer-use-2024-10-22")),
    ("bash_", None),
    ("text_editor_", None),
    ("memory_", None),
    ("tool_search_tool_", None),
];

/// What becomes of the tools.
#[derive(Debug, Default)]
pub(super) struct Tools {
    /// Items of `toolConfig.tools`, written.
    items: Vec<Vec<u8>>,
    /// Tools that only the model knows.
    pub own: Vec<Json>,
    /// The schema of the answer, for models that take one: name, description, schema.
    pub answer: Option<Answer>,
}

/// What the answer must look like.
#[derive(Debug)]
pub(super) struct Answer {
    name: Option<String>,
    description: Option<String>,
    schema: RawJson,
}

impl Tools {
    /// Sorts the tools of a request.
    ///
    /// # Errors
    /// `UnsupportedParams` for tools that nobody here knows, unless they may be dropped.
    pub(super) fn of(
        req: &GenerateRequest,
        family: Family,
        blocks: &mut Blocks,
        ctx: &mut EncodeContext<'_>,
    ) -> Result<Self> {
        let mut tools = Self::default();
        for tool in &req.tools {
            match &tool.kind {
                ToolKind::Function(f) => {
                    tools.function(f, family, blocks);
                    let mark = tool.cache_control.as_ref().or_else(|| tool.extra.get("function.cache_control"));
                    tools.cache_point(mark, blocks);
                }
                ToolKind::Hosted { json, .. } => tools.hosted(tool, json, family, blocks, ctx)?,
            }
        }
        if let Some(options) = req.extra.get("web_search_options").filter(|o| !o.is_null()) {
            match family {
                Family::Nova | Family::Nova2 => tools.grounding(),
                _ if !options.is_null() => lose(ctx, "web_search_options"),
                _ => {}
            }
        }
        if let Some(answer) = wanted(req) {
            if ctx.caps.structured_output {
                tools.answer = Some(answer);
            } else {
                tools.answer_by_tool(&answer, family);
                ctx.hints.json_tool = true;
            }
        }
        if ctx.modify_params && tools.items.is_empty() && history_calls(req) {
            let dummy = FunctionTool {
                name: "dummy_tool".to_owned(),
                description: Some("This is a dummy tool call".to_owned()),
                ..FunctionTool::default()
            };
            tools.function(&dummy, family, blocks);
        }
        Ok(tools)
    }

    /// True when there are none: the upstream then refuses calls in the history.
    pub(super) const fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// Writes `toolConfig`, and the choice unless the model thinks: then it cannot be forced.
    ///
    /// # Errors
    /// `UnsupportedParams` for a choice that the format cannot say, unless it may be dropped.
    pub(super) fn write(
        &self,
        req: &GenerateRequest,
        thinks: bool,
        blocks: &Blocks,
        ctx: &mut EncodeContext<'_>,
        body: &mut Obj<'_>,
    ) -> Result<bool> {
        if self.items.is_empty() {
            return Ok(false);
        }
        let choice = self.choice(req, thinks, blocks, ctx)?;
        let mut config = body.obj("toolConfig");
        let mut list = config.arr("tools");
        self.items.iter().for_each(|item| list.item().extend_from_slice(item));
        drop(list);
        if let Some(choice) = &choice {
            write_json(choice, config.key("toolChoice"));
        }
        Ok(choice.is_some())
    }

    fn choice(
        &self,
        req: &GenerateRequest,
        thinks: bool,
        blocks: &Blocks,
        ctx: &mut EncodeContext<'_>,
    ) -> Result<Option<Json>> {
        let plain = |word: &str| Json::object([(word, Json::Object(Vec::new()))]);
        let named = |name: &str| Json::object([("tool", Json::object([("name", name)]))]);
        let wanted = match &req.tool_choice {
            None if ctx.hints.json_tool && !thinks && ctx.caps.tool_choice => return Ok(Some(named(JSON_TOOL))),
            None => return Ok(None),
            Some(ToolChoice::Other { json, .. }) => &other_choice(json),
            Some(choice) => choice,
        };
        let choice = match wanted {
            ToolChoice::Auto => plain("auto"),
            ToolChoice::Required | ToolChoice::Function(_) if thinks => {
                lose(ctx, "tool_choice");
                plain("auto")
            }
            ToolChoice::Required => plain("any"),
            ToolChoice::Function(name) => named(blocks.names.written(name)),
            ToolChoice::None | ToolChoice::Other { .. } => {
                if !ctx.drop_params {
                    return Err(unsupported(ctx, &["tool_choice"]));
                }
                lose(ctx, "tool_choice");
                return Ok(None);
            }
        };
        Ok(Some(choice))
    }

    fn item(&mut self, write: impl FnOnce(&mut Obj<'_>)) {
        let mut out = bytes::BytesMut::new();
        write(&mut Obj::open(&mut out));
        self.items.push(out.to_vec());
    }

    fn cache_point(&mut self, mark: Option<&RawJson>, blocks: &Blocks) {
        let mut out = bytes::BytesMut::new();
        blocks.cache_point(mark, &mut Arr::open(&mut out));
        if let Some(point) = out.get(1..out.len() - 1).filter(|p| !p.is_empty()) {
            self.items.push(point.to_vec());
        }
    }

    fn function(&mut self, f: &FunctionTool, family: Family, blocks: &Blocks) {
        let name = blocks.names.written(&f.name);
        self.item(|o| {
            let mut spec = o.obj("toolSpec");
            spec.str("name", name);
            spec.str("description", f.description.as_deref().filter(|d| !d.is_empty()).unwrap_or(name));
            let input = schema::of_tool(f.parameters.as_ref(), family == Family::Claude);
            write_json(&input, spec.obj("inputSchema").key("json"));
            spec.opt_bool("strict", f.strict.filter(|strict| *strict && family == Family::Claude));
        });
    }

    fn answer_by_tool(&mut self, answer: &Answer, family: Family) {
        let wrapped;
        let parameters = if schema::needs_wrapping(&answer.schema) {
            let properties = Json::object([("values", Json::from(&answer.schema))]);
            let required = Json::from(vec![Json::from("values")]);
            let fields = [("type", Json::from("object")), ("properties", properties), ("required", required)];
            wrapped = Json::object(fields).to_raw();
            &wrapped
        } else {
            &answer.schema
        };
        let before = std::mem::take(&mut self.items);
        self.item(|o| {
            let mut spec = o.obj("toolSpec");
            spec.str("name", JSON_TOOL);
            spec.str("description", answer.description.as_deref().unwrap_or(JSON_TOOL));
            let input = schema::of_tool(Some(parameters), family == Family::Claude);
            write_json(&input, spec.obj("inputSchema").key("json"));
        });
        self.items.extend(before); // LiteLLM's stands first
    }

    /// Nova's search of the web.
    fn grounding(&mut self) {
        self.item(|o| o.obj("systemTool").str("name", "nova_grounding"));
    }

    fn hosted(
        &mut self,
        tool: &Tool,
        json: &RawJson,
        family: Family,
        blocks: &Blocks,
        ctx: &mut EncodeContext<'_>,
    ) -> Result<()> {
        let top = json.read::<Top<'_>>().unwrap_or_default();
        let own = ["toolSpec", "systemTool", "cachePoint"].iter().any(|key| top.get(key).is_some());
        if own {
            self.items.push(json.get().as_bytes().to_vec());
            return Ok(());
        }
        let kind = top.str("type").unwrap_or_default().into_owned();
        let function = top.read::<Top<'_>>("function");
        let claude = family == Family::Claude;
        let known = OWN.iter().find(|(head, _)| kind.starts_with(head));
        if let Some((_, beta)) = known.filter(|(head, _)| claude || head.starts_with("computer_")) {
            if let Some(beta) = beta
                && claude
                && !ctx.betas.contains(beta)
            {
                ctx.betas.push(beta);
            }
            self.own.push(own_tool(&top, function.as_ref()));
            return Ok(());
        }
        let bare = kind.is_empty() && top.get("input_schema").is_some();
        if let Some(name) = top.str("name").filter(|_| bare || matches!(kind.as_str(), "function" | "custom")) {
            // tools of the Responses API, and Anthropic's with a type
            let parameters = top.get("parameters").or_else(|| top.get("input_schema"));
            let f = FunctionTool {
                name: name.into_owned(),
                description: top.str("description").map(Into::into),
                parameters: parameters.and_then(|p| RawJson::parse(p).ok()),
                ..FunctionTool::default()
            };
            self.function(&f, family, blocks);
            self.cache_point(tool.cache_control.as_ref(), blocks);
            return Ok(());
        }
        let known = [Format::OpenAiResponses, Format::AnthropicMessages];
        let searches = matches!(&tool.kind, ToolKind::Hosted { format, .. } if known.contains(format));
        if searches && kind.starts_with("web_search") && matches!(family, Family::Nova | Family::Nova2) {
            self.grounding();
            return Ok(());
        }
        // what Bedrock does not know LiteLLM leaves out unasked
        lose(ctx, &format!("tools.{kind}"));
        Ok(())
    }
}

impl Answer {
    /// Writes `outputConfig`.
    pub(super) fn write(&self, body: &mut Obj<'_>) {
        let mut config = body.obj("outputConfig");
        let mut format = config.obj("textFormat");
        format.str("type", "json_schema");
        let mut structure = format.obj("structure");
        let mut inner = structure.obj("jsonSchema");
        inner.str("schema", &schema::of_answer(&self.schema).to_string());
        inner.opt_str("name", self.name.as_deref());
        inner.opt_str("description", self.description.as_deref());
    }
}

/// The schema of the answer; `response_schema` is an older spelling of chat clients.
fn wanted(req: &GenerateRequest) -> Option<Answer> {
    use llm_types::generate::OutputFormat as O;
    match req.output.as_ref()? {
        O::JsonSchema { name, description, schema, .. } => {
            Some(Answer { name: name.clone(), description: description.clone(), schema: schema.clone() })
        }
        O::Other(raw) => {
            let tree: Json = raw.read().ok()?;
            let schema = tree.get("response_schema").or_else(|| tree.get("schema"))?.to_raw();
            Some(Answer { name: None, description: None, schema })
        }
        O::Text | O::JsonObject => None,
    }
}

/// True when tools were called in the history, by calls that have ids.
pub(super) fn history_calls(req: &GenerateRequest) -> bool {
    req.turns.iter().flat_map(|t| &t.parts).any(|p| match &p.kind {
        PartKind::ToolCall(c) => !c.id.is_empty(),
        PartKind::ToolResult(r) => !r.call_id.is_empty(),
        _ => false,
    })
}

/// Chat clients may write Anthropic's `{"type": "tool", "name": ...}` and the like.
fn other_choice(json: &RawJson) -> ToolChoice {
    let top = json.read::<Top<'_>>().unwrap_or_default();
    match (&*top.str("type").unwrap_or_default(), top.str("name")) {
        ("auto", _) => ToolChoice::Auto,
        ("any" | "required", _) => ToolChoice::Required,
        ("tool", Some(name)) => ToolChoice::Function(name.into_owned()),
        ("none", _) => ToolChoice::None,
        _ => ToolChoice::Other { format: Format::OpenAiChat, json: json.clone() },
    }
}

/// A tool that the model knows itself, in its own language. Chat clients write its fields below `function`.
fn own_tool(top: &Top<'_>, function: Option<&Top<'_>>) -> Json {
    let field = |(key, value): (&str, &str)| (key.to_owned(), serde_json::from_str(value).unwrap_or_default());
    let Some(function) = function else { return Json::Object(top.iter().map(field).collect()) };
    let mut tool = Json::object([("type", Json::from(top.str("type").map(String::from)))]);
    let usual = if top.str("type").is_some_and(|t| t.starts_with("computer_")) { "computer" } else { "" };
    tool.set("name", function.str("name").map_or_else(|| usual.to_owned(), Into::into));
    let parameters = function.read::<Top<'_>>("parameters").unwrap_or_default();
    tool.extend(parameters.iter().map(field));
    tool
}
