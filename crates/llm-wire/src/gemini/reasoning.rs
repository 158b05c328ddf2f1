//! `reasoning_effort` and `thinking` to `thinkingConfig`.

use llm_types::generate::GenerateRequest;
use llm_types::{Error, Json, Kind, RawJson, Result};

use super::model::Model;
use super::tools_encode::lose;
use crate::codec::EncodeContext;
use crate::top::Top;

/// The configuration that the request asks for; nothing when it says nothing about thinking. `thinking` outranks an
/// effort: levels and budgets cannot be mixed.
pub(super) fn thinking_config(
    req: &GenerateRequest,
    model: Model,
    ctx: &mut EncodeContext<'_>,
) -> Result<Option<Json>> {
    let r = &req.reasoning;
    if let Some(thinking) = r.thinking.as_ref().filter(|t| !t.is_null()) {
        let adaptive = kind(thinking) == "adaptive";
        return match r.output_effort.as_deref().filter(|_| adaptive) {
            Some(effort) => by_effort(known(effort), model, ctx),
            None => Ok(Some(by_object(thinking, model, adaptive))),
        };
    }
    match (r.effort.as_deref(), r.output_effort.as_deref()) {
        (Some(effort), _) => by_effort(effort, model, ctx),
        (None, Some(effort)) => by_effort(known(effort), model, ctx),
        (None, None) => Ok(None),
    }
}

/// Anthropic's words for more than much.
fn known(effort: &str) -> &str {
    if matches!(effort, "xhigh" | "max") { "high" } else { effort }
}

fn by_effort(effort: &str, model: Model, ctx: &mut EncodeContext<'_>) -> Result<Option<Json>> {
    let off = matches!(effort, "none" | "disable");
    if !off && !matches!(effort, "minimal" | "low" | "medium" | "high") {
        if ctx.drop_params {
            lose(ctx, "reasoning_effort");
            return Ok(None);
        }
        let text = format!(
            "litellm.UnsupportedParamsError: reasoning_effort={effort} is not one of none, minimal, low, medium, high"
        );
        return Err(Error::new(Kind::UnsupportedParams, text));
    }
    let mut config = Json::Object(Vec::new());
    if model.is_three() {
        let level = if off || effort == "minimal" { model.lowest_level() } else { effort };
        config.set("thinkingLevel", level);
    } else {
        let budget = match effort {
            "minimal" => model.minimal_budget(),
            "low" => 1024,
            "medium" => 2048,
            "high" => 4096,
            _ => 0,
        };
        config.set("thinkingBudget", budget);
    }
    config.set("includeThoughts", !off);
    Ok(Some(config))
}

fn by_object(thinking: &RawJson, model: Model, adaptive: bool) -> Json {
    let budget: Option<u64> = thinking.read::<Top<'_>>().ok().and_then(|t| t.read("budget_tokens"));
    let mut config = Json::Object(Vec::new());
    if adaptive || (kind(thinking) == "enabled" && budget != Some(0)) {
        config.set("includeThoughts", true);
    } else if model.is_three() {
        config.set("includeThoughts", false);
    }
    if let (Some(budget), false) = (budget, model.is_three()) {
        config.set("thinkingBudget", budget);
    }
    config
}

fn kind(thinking: &RawJson) -> String {
    thinking.read::<Top<'_>>().ok().and_then(|t| t.str("type").map(Into::into)).unwrap_or_default()
}
