//! `reasoning_effort` and `thinking` to what the model takes, and `maxTokens`, which depends on them.

use llm_types::generate::GenerateRequest;
use llm_types::{FieldSet, Json, RawJson, Result};
use serde_json::Number;

use super::fields_encode::More;
use crate::anthropic::{lose, thinking_plan};
use crate::bedrock::model::Family;
use crate::codec::EncodeContext;

/// The least budget that Claude takes.
const LEAST_BUDGET: i64 = 1024;
/// Tokens for the answer proper when only a thinking budget is given.
const ANSWER_TOKENS: i64 = 4096;

/// What will be written.
#[derive(Debug, Default)]
pub(super) struct Plan {
    /// `maxTokens`.
    pub max_tokens: Option<Number>,
    /// The model thinks Claude's way, so that no tool can be forced.
    pub thinks: bool,
}

/// Decides on thinking; what only the model knows is put into `more`.
pub(super) fn plan(
    req: &GenerateRequest,
    family: Family,
    more: &mut More,
    ctx: &mut EncodeContext<'_>,
) -> Result<Plan> {
    let effort = req.reasoning.effort.as_deref();
    let given = Plan { max_tokens: req.max_output_tokens.clone(), thinks: false };
    match family {
        Family::GptOss | Family::DeepSeek => {
            if let Some(effort) = effort {
                more.set("reasoning_effort", RawJson::string(effort).get());
            }
            lose_thinking(req, ctx);
            return Ok(given);
        }
        Family::DeepSeekR1 => {
            if effort.is_some() {
                lose(ctx, "reasoning_effort");
            }
            lose_thinking(req, ctx);
            return Ok(given);
        }
        Family::Gpt | Family::Grok => {
            if let Some(effort) = effort {
                more.set("reasoning", &Json::object([("effort", effort)]).to_string());
            }
            lose_thinking(req, ctx);
            return Ok(given);
        }
        Family::Nova2 => {
            if let Some(effort) = effort.map(nova_effort).or_else(|| budget(req.reasoning.thinking.as_ref())) {
                let config = match effort {
                    "" => Json::object([("type", "disabled")]),
                    word => Json::object([("type", "enabled"), ("maxReasoningEffort", word)]),
                };
                more.set("reasoningConfig", &config.to_string());
            }
            return Ok(given);
        }
        _ => {}
    }
    claude(req, given, more, ctx)
}

fn claude(req: &GenerateRequest, mut plan: Plan, more: &mut More, ctx: &mut EncodeContext<'_>) -> Result<Plan> {
    let r = &req.reasoning;
    if r.effort.is_none() && r.thinking.is_none() && r.output_effort.is_none() {
        return Ok(plan);
    }
    let planned = thinking_plan(req, FieldSet::EMPTY, ctx)?;
    if let Some(effort) = &planned.effort {
        more.set("output_config", &Json::object([("effort", effort.as_str())]).to_string());
    }
    let Some(thinking) = planned.thinking else { return Ok(plan) };
    let mut thinking: Json = thinking.read().unwrap_or_default();
    let budget = thinking.get("budget_tokens").and_then(Json::as_i64);
    if let Some(budget) = budget {
        let budget = budget.max(LEAST_BUDGET);
        thinking.set("budget_tokens", budget);
        plan.max_tokens = plan.max_tokens.or_else(|| Some(Number::from(budget + ANSWER_TOKENS)));
    }
    more.set("thinking", &thinking.to_string());
    more.tells_thinking_tokens = true;
    plan.thinks = planned.thinks;
    Ok(plan)
}

fn lose_thinking(req: &GenerateRequest, ctx: &mut EncodeContext<'_>) {
    if req.reasoning.thinking.is_some() {
        lose(ctx, "thinking");
    }
}

/// Nova knows three efforts; empty: none.
fn nova_effort(effort: &str) -> &'static str {
    match effort {
        "none" => "",
        "minimal" | "low" => "low",
        "medium" => "medium",
        _ => "high",
    }
}

fn budget(thinking: Option<&RawJson>) -> Option<&'static str> {
    let thinking: Json = thinking?.read().ok()?;
    match (thinking.text("type"), thinking.get("budget_tokens").and_then(Json::as_i64)) {
        (Some("disabled"), _) => Some(""),
        (_, Some(4096..)) => Some("high"),
        (_, Some(2048..)) => Some("medium"),
        _ => Some("low"),
    }
}
