//! A request to the upstream.

use bytes::BytesMut;
use llm_types::generate::{GenerateRequest, OutputFormat, PartKind, Role, Turn};
use llm_types::{Field, FieldSet, Json, RawJson, Result};

use super::betas::{self, Facts};
use super::block_encode::Blocks;
use super::extras_encode::{user_id, write_carried, write_mcp_servers};
use super::messages_encode::{write_messages, write_system};
use super::names::RULE;
use super::object::Object;
use super::reasoning::{self, Plan};
use super::repair::repaired;
use super::tools_encode::{Tools, history_calls, write_items};
use super::unsupported::{check, lose, write_allowed};
use super::{FORMAT, JSON_TOOL, schema, tool_choice};
use crate::codec::EncodeContext;
use crate::tool_names::ToolNames;

/// What the request is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// An answer.
    Generate,
    /// The number of tokens of the prompt.
    CountTokens,
}

/// Writes a request: as it came when it came in this format, else translated.
pub(super) fn encode(
    req: &GenerateRequest,
    ctx: &mut EncodeContext<'_>,
    purpose: Purpose,
    out: &mut BytesMut,
) -> Result<()> {
    if req.extra.format() == Some(FORMAT) { native(req, ctx, purpose, out) } else { foreign(req, ctx, purpose, out) }
}

fn native(req: &GenerateRequest, ctx: &mut EncodeContext<'_>, purpose: Purpose, out: &mut BytesMut) -> Result<()> {
    let mut blocks = Blocks { native: true, ..Blocks::default() };
    let mut tools = Tools::default();
    let mut body = Object::open(out);
    body.str("model", ctx.model);
    let (system, turns) = native_system(req);
    write_system(system, &mut blocks, &mut body);
    write_messages(turns, &mut blocks, ctx, body.key("messages"))?;
    tools.write(req, true, &ToolNames::default(), ctx)?;
    if !req.tools.is_empty() {
        write_items(&tools.items, body.key("tools"));
    }
    tool_choice::write(req, &ToolNames::default(), false, ctx, &mut body)?;
    if let Some(thinking) = &req.reasoning.thinking {
        body.raw("thinking", thinking.get());
    }
    for (key, value) in req.extra.fields_for(FORMAT) {
        // structured output that somebody dropped from the typed request must not come back
        match key {
            "output_format" if req.output.is_none() => {}
            "output_config" if req.output.is_none() => {
                let mut config: Json = value.read().unwrap_or_default();
                config.remove("format");
                body.json(key, &config);
            }
            _ => body.raw(key, value.get()),
        }
    }
    if purpose == Purpose::Generate {
        if let Some(n) = &req.max_output_tokens {
            body.json("max_tokens", n);
        }
        sampling(req, FieldSet::EMPTY, &mut body);
        if !req.stop.is_empty() {
            body.json("stop_sequences", &req.stop);
        }
        if let Some(metadata) = &req.metadata {
            body.raw("metadata", metadata.get());
        }
        if let Some(tier) = &req.service_tier {
            body.str("service_tier", tier);
        }
        body.json("stream", &req.stream);
    }
    body.close();
    let facts = Facts {
        files: blocks.files,
        uploads: blocks.uploads,
        mcp_servers: req.extra.get("mcp_servers").is_some_and(|m| m.get() != "[]"),
        effort: req.reasoning.output_effort.is_some(),
        schema: req.output.is_some(),
        tool_types: &tools.types,
    };
    betas::collect(req, &facts, ctx);
    Ok(())
}

/// The turn that was `system`: instructions in the list of messages have stayed there.
fn native_system(req: &GenerateRequest) -> (&[Turn], &[Turn]) {
    let first = req.turns.first().is_some_and(|t| t.role == Role::System);
    req.turns.split_at_checked(usize::from(first)).unwrap_or((&[], &req.turns))
}

fn foreign(req: &GenerateRequest, ctx: &mut EncodeContext<'_>, purpose: Purpose, out: &mut BytesMut) -> Result<()> {
    let refused = check(req, ctx)?;
    let mut plan = reasoning::plan(req, refused, ctx)?;
    let legacy = !refused.has(Field::Functions);
    let mut blocks = Blocks { names: ToolNames::of(req, &RULE), ..Blocks::default() };
    let repaired = if ctx.modify_params { repaired(&req.turns) } else { (&req.turns[..]).into() };
    let instructions = repaired.iter().take_while(|t| matches!(t.role, Role::System | Role::Developer)).count();
    let (system, turns) = repaired.split_at_checked(instructions).unwrap_or((&[], &repaired));
    unthinking_history(turns, &mut plan, ctx);

    let mut body = Object::open(out);
    body.str("model", ctx.model);
    write_messages(turns, &mut blocks, ctx, body.key("messages"))?;
    write_system(system, &mut blocks, &mut body);
    let mut tools = Tools::default();
    let schema = output(req, &mut tools, legacy, &blocks.names, ctx)?;
    if blocks.uploads {
        tools.item().extend_from_slice(br#"{"type":"code_execution_20250522","name":"code_execution"}"#);
    }
    if tools.items.is_empty() && history_calls(req) {
        tools.dummy();
    }
    if !tools.items.is_empty() {
        write_items(&tools.items, body.key("tools"));
    }
    if !refused.has(Field::ToolChoice) && !refused.has(Field::FunctionCall) {
        let force = ctx.hints.json_tool && !plan.thinks && (ctx.caps.forced_tool_use || !ctx.caps.known);
        tool_choice::write(req, &blocks.names, force, ctx, &mut body)?;
    }
    if let Some(thinking) = &plan.thinking {
        body.raw("thinking", thinking.get());
    }
    let effort = write_output(req, &plan, schema.as_ref(), &mut body);
    let mcp_servers = write_mcp_servers(req, &tools, &mut body);
    if purpose == Purpose::Generate {
        generation(req, &plan, refused, ctx, &mut body);
    }
    write_carried(req, refused, purpose == Purpose::Generate, ctx, &mut body);
    body.close();

    blocks.lost.iter().for_each(|name| lose(ctx, name));
    let facts = Facts {
        files: blocks.files,
        uploads: blocks.uploads,
        mcp_servers,
        effort,
        schema: schema.is_some() || req.extra.get("output_format").is_some(),
        tool_types: &tools.types,
    };
    betas::collect(req, &facts, ctx);
    ctx.hints.tool_names = blocks.names.hints();
    ctx.hints.prefix = prefix(req);
    Ok(())
}

/// A model that thinks refuses a history in which it called tools without thinking: then it must not think.
fn unthinking_history(turns: &[Turn], plan: &mut Plan, ctx: &mut EncodeContext<'_>) {
    if !plan.thinks || !ctx.modify_params {
        return;
    }
    let has = |t: &Turn, f: fn(&PartKind) -> bool| t.parts.iter().any(|p| f(&p.kind));
    let thought = |k: &PartKind| matches!(k, PartKind::Thinking { .. } | PartKind::RedactedThinking { .. });
    let last = turns.iter().rfind(|t| t.role == Role::Assistant);
    let called = last.is_some_and(|t| has(t, |k| matches!(k, PartKind::ToolCall(_))));
    if called && !turns.iter().any(|t| has(t, thought)) {
        plan.thinking = None;
        plan.thinks = false;
        lose(ctx, "thinking");
    }
}

/// Writes the tools, the one that stands for a JSON schema included; returns the schema for models that take it.
fn output(
    req: &GenerateRequest,
    tools: &mut Tools,
    legacy: bool,
    names: &ToolNames,
    ctx: &mut EncodeContext<'_>,
) -> Result<Option<Json>> {
    let wanted = wanted_schema(req);
    if let Some(wanted) = wanted.as_ref().filter(|_| !ctx.caps.structured_output) {
        answer_tool(wanted, tools, ctx);
    }
    tools.write(req, legacy, names, ctx)?;
    if let Some(options) = req.extra.get("web_search_options").filter(|o| !o.is_null()) {
        tools.web_search_options(options);
    }
    Ok(wanted.filter(|_| ctx.caps.structured_output).map(|wanted| schema::for_output(&wanted)))
}

/// The tool whose arguments are the answer: it comes first.
fn answer_tool(wanted: &RawJson, tools: &mut Tools, ctx: &mut EncodeContext<'_>) {
    let mut tool = Object::open(tools.item());
    tool.str("name", JSON_TOOL);
    if schema::needs_wrapping(wanted) {
        let properties = Json::object([("values", Json::from(wanted))]);
        let required = Json::from(vec![Json::from("values")]);
        let wrapped = [("type", Json::from("object")), ("properties", properties), ("required", required)];
        tool.json("input_schema", &Json::object(wrapped));
    } else {
        tool.raw("input_schema", wanted.get());
    }
    tool.close();
    ctx.hints.json_tool = true;
}

/// The schema of the answer; `response_schema` is an older spelling of chat clients.
fn wanted_schema(req: &GenerateRequest) -> Option<RawJson> {
    match req.output.as_ref()? {
        OutputFormat::JsonSchema { schema, .. } => Some(schema.clone()),
        OutputFormat::Other(raw) => {
            let tree: Json = raw.read().ok()?;
            tree.get("response_schema").or_else(|| tree.get("schema")).map(Json::to_raw)
        }
        OutputFormat::Text | OutputFormat::JsonObject => None,
    }
}

/// Writes `output_format` and `output_config`; true when an effort is among them.
fn write_output(req: &GenerateRequest, plan: &Plan, schema: Option<&Json>, body: &mut Object<'_>) -> bool {
    if let Some(schema) = schema {
        let format = Json::object([("type", Json::from("json_schema")), ("schema", schema.clone())]);
        body.json("output_format", &format);
    } else if let Some(raw) = req.extra.get("output_format") {
        body.raw("output_format", raw.get());
    }
    let given = req.extra.get("output_config");
    let mut config: Json = given.and_then(|c| c.read().ok()).unwrap_or_else(|| Json::Object(Vec::new()));
    if let (Some(effort), None) = (&plan.effort, config.get("effort")) {
        config.set("effort", effort.as_str());
    }
    let effort = config.get("effort").is_some();
    if config.as_object().is_some_and(|c| !c.is_empty()) {
        body.json("output_config", &config);
    }
    effort
}

/// Writes what steers generation.
fn generation(req: &GenerateRequest, plan: &Plan, refused: FieldSet, ctx: &EncodeContext<'_>, body: &mut Object<'_>) {
    if let Some(n) = &plan.max_tokens {
        body.json("max_tokens", n);
    }
    sampling(req, refused, body);
    let stop: Vec<&String> = req.stop.iter().filter(|s| !ctx.drop_params || !s.trim().is_empty()).collect();
    if !stop.is_empty() {
        body.json("stop_sequences", &stop);
    }
    if let Some(user) = user_id(req) {
        let mut metadata = Object::open(body.key("metadata"));
        metadata.str("user_id", &user);
        metadata.close();
    }
    if req.stream {
        body.json("stream", &true);
    }
    write_allowed(req, ctx.allowed, body);
}

fn sampling(req: &GenerateRequest, refused: FieldSet, body: &mut Object<'_>) {
    let s = &req.sampling;
    let all = [
        ("temperature", &s.temperature, Field::Temperature),
        ("top_p", &s.top_p, Field::TopP),
        ("top_k", &s.top_k, Field::TopK),
    ];
    for (key, value, field) in all {
        if let (Some(n), false) = (value, refused.has(field)) {
            body.json(key, n);
        }
    }
}

fn prefix(req: &GenerateRequest) -> Option<String> {
    let last = req.turns.last().filter(|t| t.role == Role::Assistant)?;
    last.extra.get("prefix").filter(|p| p.get() == "true")?;
    let text: String = last.parts.iter().filter_map(|p| p.as_text()).collect();
    (!text.is_empty()).then_some(text)
}
