//! A request to the upstream.

use std::borrow::Cow;

use bytes::BytesMut;
use llm_types::generate::{GenerateRequest, Part, PartKind, Sampling, ToolResult};
use llm_types::{Field, Json, Result};
use serde_json::Number;

use super::block_encode::Blocks;
use super::fields_encode::{self, More};
use super::messages_encode::{write_messages, write_system};
use super::names::RULE;
use super::reasoning::{self, Plan};
use super::tools_encode::{Tools, history_calls};
use crate::anthropic::{lose, unsupported};
use crate::bedrock::model::Family;
use crate::codec::EncodeContext;
use crate::openai::object::Obj;
use crate::tool_names::ToolNames;

/// Writes a request.
pub(super) fn encode(req: &GenerateRequest, ctx: &mut EncodeContext<'_>, out: &mut BytesMut) -> Result<()> {
    let family = Family::of(ctx.model);
    let mut more = More::default();
    fields_encode::collect(req, family, &mut more, ctx);
    let plan = reasoning::plan(req, family, &mut more, ctx)?;
    let sampling = sampling(req, ctx)?;
    let mut blocks = Blocks::new(ToolNames::of(req, &RULE), ctx);
    blocks.guarded = req.extra.get("guardrailConfig").is_some_and(|g| !g.is_null()) && !has_guarded_text(req);
    let tools = Tools::of(req, family, &mut blocks, ctx)?;
    let told = if tools.is_empty() && history_calls(req) { Cow::Owned(calls_as_text(req)) } else { Cow::Borrowed(req) };
    let (system, turns) = told.split_instructions();

    let mut body = Obj::open(out);
    write_messages(turns, &mut blocks, ctx, body.key("messages"))?;
    write_system(system, &mut blocks, &mut body);
    inference(req, &plan, &sampling, family, &mut body);
    let chosen = tools.write(req, plan.thinks, &blocks, ctx, &mut body)?;
    if let Some(answer) = &tools.answer {
        answer.write(&mut body);
    }
    parallel(req, chosen, &mut more, ctx);
    if !tools.own.is_empty() {
        more.set("tools", &Json::Array(tools.own).to_string());
    }
    more.write(&mut body);
    fields_encode::write_own(req, ctx, &mut body)?;
    drop(body);

    blocks.lost.iter().for_each(|name| lose(ctx, name));
    ctx.hints.tool_names = blocks.names.hints();
    Ok(())
}

/// Without tools the upstream refuses a history in which some were called: calls and results are told as text, in
/// LiteLLM's words.
fn calls_as_text(req: &GenerateRequest) -> GenerateRequest {
    let mut req = req.clone();
    for turn in &mut req.turns {
        let calls = turn.parts.iter().any(|p| matches!(p.kind, PartKind::ToolCall(_)));
        let mut lines = Vec::new();
        let mut kept = Vec::with_capacity(turn.parts.len());
        for part in std::mem::take(&mut turn.parts) {
            match &part.kind {
                PartKind::ToolCall(c) => lines.push(format!("[tool call {}: {}({})]", c.id, c.name, c.arguments)),
                PartKind::Text { text, .. } if calls && !text.trim().is_empty() => lines.push(text.clone()),
                PartKind::Text { .. } if calls => {}
                PartKind::ToolResult(r) => kept.push(Part::text(result_as_text(r))),
                _ => kept.push(part),
            }
        }
        if calls {
            kept.push(Part::text(lines.join("\n")));
        }
        turn.parts = kept;
    }
    req
}

fn result_as_text(result: &ToolResult) -> String {
    let said: String = result.parts.iter().filter_map(Part::as_text).collect();
    let said = if said.is_empty() { "<non-text tool result omitted>" } else { &said };
    format!("[tool result for {}: {said}]", result.call_id)
}

/// Clients may mark themselves what a guardrail shall judge.
fn has_guarded_text(req: &GenerateRequest) -> bool {
    let marked =
        |kind: &PartKind| matches!(kind, PartKind::Opaque { json, .. } if json.get().contains("\"guarded_text\""));
    req.turns.iter().flat_map(|t| &t.parts).any(|p| marked(&p.kind))
}

/// Randomness, without what the model does not take.
fn sampling(req: &GenerateRequest, ctx: &mut EncodeContext<'_>) -> Result<Sampling> {
    let mut sampling = req.sampling.clone();
    if !ctx.caps.known || ctx.caps.sampling_params {
        return Ok(sampling);
    }
    let mut refused = Vec::new();
    if sampling.temperature.as_ref().is_some_and(|t| t.as_f64() != Some(1.0)) && !ctx.allowed.has(Field::Temperature) {
        refused.push("temperature");
        sampling.temperature = None;
    }
    if sampling.top_p.is_some() && !ctx.allowed.has(Field::TopP) {
        refused.push("top_p");
        sampling.top_p = None;
    }
    if !refused.is_empty() && !ctx.drop_params {
        return Err(unsupported(ctx, &refused));
    }
    refused.into_iter().for_each(|name| lose(ctx, name));
    Ok(sampling)
}

fn inference(req: &GenerateRequest, plan: &Plan, sampling: &Sampling, family: Family, body: &mut Obj<'_>) {
    let mut config = body.obj("inferenceConfig");
    config.number("temperature", sampling.temperature.as_ref());
    config.number("topP", sampling.top_p.as_ref());
    if req.stop.iter().any(|s| !s.is_empty()) {
        let mut list = config.arr("stopSequences");
        req.stop.iter().filter(|s| !s.is_empty()).for_each(|s| list.str(s));
    }
    let least = matches!(family, Family::Gpt | Family::Grok).then(|| Number::from(16));
    let max = match (&plan.max_tokens, &least) {
        (Some(n), Some(least)) if n.as_f64() < least.as_f64() => Some(least),
        (given, _) => given.as_ref(),
    };
    config.number("maxTokens", max);
}

/// Whether several tools may be called at once: Claude's own word, where the model knows it.
fn parallel(req: &GenerateRequest, chosen: bool, more: &mut More, ctx: &mut EncodeContext<'_>) {
    let Some(parallel) = req.parallel_tool_calls else { return };
    if !ctx.caps.parallel_tool_config {
        return lose(ctx, "parallel_tool_calls");
    }
    let mut choice = Json::Object(Vec::new());
    if !chosen {
        choice.set("type", "auto");
    }
    choice.set("disable_parallel_tool_use", !parallel);
    more.set("tool_choice", &choice.to_string());
}
