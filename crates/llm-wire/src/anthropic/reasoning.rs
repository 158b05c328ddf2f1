//! `reasoning_effort` and `thinking` to what the model takes.

use llm_types::generate::GenerateRequest;
use llm_types::{Error, FieldSet, RawJson, Result};
use llm_types::{Field, Json};
use serde_json::Number;

use super::unsupported::lose;
use crate::ModelCaps;
use crate::codec::EncodeContext;
use crate::top::Top;

/// Tokens for the answer proper when only a thinking budget is given, and where nothing is known of the model.
const DEFAULT_MAX_TOKENS: u64 = 4096;

/// What will be written.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    /// The `thinking` object.
    pub thinking: Option<RawJson>,
    /// `output_config.effort`.
    pub effort: Option<String>,
    /// `max_tokens`.
    pub max_tokens: Option<Number>,
    /// The model will think, so that no tool can be forced.
    pub thinks: bool,
}

/// Decides on thinking and on `max_tokens`, which depend on each other.
pub(crate) fn plan(req: &GenerateRequest, refused: FieldSet, ctx: &mut EncodeContext<'_>) -> Result<Plan> {
    let mut plan = Plan { max_tokens: req.max_output_tokens.as_ref().map(whole), ..Plan::default() };
    let effort = req.reasoning.effort.as_deref().filter(|_| !refused.has(Field::ReasoningEffort));
    match effort {
        None => {}
        Some("none") => {
            plan.max_tokens = plan.max_tokens.or_else(|| Some(model_maximum(ctx)));
            return Ok(plan);
        }
        Some(effort) => by_effort(effort, ctx, &mut plan)?,
    }
    if let Some(thinking) = req.reasoning.thinking.as_ref().filter(|_| !refused.has(Field::Thinking)) {
        by_object(thinking, ctx, &mut plan);
    }
    if plan.effort.is_none() {
        plan.effort.clone_from(&req.reasoning.output_effort);
    }
    let budget = plan.thinking.as_ref().and_then(budget);
    plan.thinks = plan.thinking.as_ref().is_some_and(|t| kind(t) != "disabled");
    if plan.max_tokens.is_none() {
        plan.max_tokens = Some(budget.map_or_else(|| model_maximum(ctx), |b| Number::from(b + DEFAULT_MAX_TOKENS)));
    }
    Ok(plan)
}

fn model_maximum(ctx: &EncodeContext<'_>) -> Number {
    Number::from(ctx.caps.max_output_tokens.unwrap_or(DEFAULT_MAX_TOKENS))
}

fn by_effort(effort: &str, ctx: &EncodeContext<'_>, plan: &mut Plan) -> Result<()> {
    let caps = &ctx.caps;
    let refuse = |why: &str| Error::bad_request(format!("reasoning_effort='{effort}' {why}"));
    let (word, budget) = match effort {
        // 1024 is the least budget that this format takes
        "minimal" => ("low", 1024),
        "low" => ("low", 1024),
        "medium" => ("medium", 2048),
        "high" => ("high", 4096),
        // a model that thinks by a budget takes any
        "xhigh" if caps.effort_xhigh || !caps.adaptive_thinking => ("xhigh", 8192),
        "max" => ("max", 16384),
        "xhigh" => return Err(refuse(&format!("is not supported by {}", ctx.model))),
        _ => return Err(refuse("is not one of none, minimal, low, medium, high, xhigh, max")),
    };
    if caps.adaptive_thinking {
        plan.thinking = RawJson::parse(r#"{"type":"adaptive","display":"summarized"}"#).ok();
        plan.effort = Some(word.to_owned());
    } else {
        plan.thinking = Some(enabled(budget));
    }
    Ok(())
}

fn by_object(thinking: &RawJson, ctx: &mut EncodeContext<'_>, plan: &mut Plan) {
    let caps = ctx.caps;
    match &*kind(thinking) {
        "adaptive" if caps.known && !caps.adaptive_thinking => {
            lose(ctx, "thinking");
            let room = plan.max_tokens.as_ref().and_then(Number::as_u64).unwrap_or(u64::MAX);
            plan.thinking = (room > 1024).then(|| enabled(2048.min(room - 1)));
        }
        "enabled" if caps.adaptive_thinking && !caps.legacy_thinking => {
            lose(ctx, "thinking");
            plan.thinking = RawJson::parse(r#"{"type":"adaptive"}"#).ok();
            plan.effort = Some(adaptive_effort(budget(thinking).unwrap_or(0), &caps).to_owned());
        }
        _ => plan.thinking = Some(thinking.clone()),
    }
}

/// The effort that a budget of thoughts amounts to, for models that only think adaptively.
#[must_use]
pub const fn adaptive_effort(budget: u64, caps: &ModelCaps) -> &'static str {
    match budget {
        8192.. if caps.effort_xhigh => "xhigh",
        4096.. => "high",
        2048.. => "medium",
        _ => "low",
    }
}

fn enabled(budget: u64) -> RawJson {
    Json::object([("type", Json::from("enabled")), ("budget_tokens", Json::from(budget))]).to_raw()
}

fn kind(thinking: &RawJson) -> String {
    thinking.read::<Top<'_>>().ok().and_then(|t| t.str("type").map(Into::into)).unwrap_or_default()
}

fn budget(thinking: &RawJson) -> Option<u64> {
    thinking.read::<Top<'_>>().ok().filter(|t| t.str("type").as_deref() == Some("enabled"))?.read("budget_tokens")
}

/// A whole number of tokens, at least one; whole numbers of clients keep their spelling.
fn whole(n: &Number) -> Number {
    match (n.as_u64(), n.as_f64()) {
        (Some(1..), _) => n.clone(),
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "clamped; larger than any model's bound"
        )]
        (None, Some(f)) => Number::from(f.round().clamp(1.0, 1e15) as u64),
        _ => Number::from(1),
    }
}
