//! How much to think, in the words of the row.

use llm_types::{Error, Format, Json, Result};

use super::draft::Draft;
use crate::quirk::{Quirk, Quirks};
use crate::rules::Policy;

/// Token budgets of the efforts, LiteLLM's.
const BUDGETS: [(&str, u64); 6] =
    [("minimal", 1024), ("low", 1024), ("medium", 2048), ("high", 4096), ("xhigh", 8192), ("max", 16_384)];

/// Room for the answer beside the thoughts, where nobody names a bound.
const ANSWER_ROOM: u64 = 4096;

pub(super) fn edit(draft: &mut Draft<'_>, quirks: Quirks, policy: &Policy) -> Result<()> {
    if quirks.has(Quirk::ThinkingSwitch) {
        switch(draft);
    }
    if quirks.has(Quirk::ThinkingToEffort) {
        to_effort(draft, policy);
    }
    if quirks.has(Quirk::ThinkingOverEffort) && draft.get("thinking").is_some() {
        draft.remove("reasoning_effort");
    }
    if quirks.has(Quirk::EffortToThinking) {
        to_budget(draft)?;
        room(draft);
    }
    if quirks.has(Quirk::EffortMaxIsXhigh) && draft.get("reasoning_effort") == Some("\"max\"") {
        draft.set("reasoning_effort", "\"xhigh\"");
    }
    Ok(())
}

fn switch(draft: &mut Draft<'_>) {
    if let Some(kind) = draft.json("thinking").and_then(|t| t.text("type").map(str::to_owned)) {
        let known = if kind == "disabled" { "disabled" } else { "enabled" };
        draft.set("thinking", format!(r#"{{"type":"{known}"}}"#));
        draft.remove("reasoning_effort");
    } else if let Some(effort) = draft.str("reasoning_effort").map(std::borrow::Cow::into_owned) {
        let known = if effort == "none" { "disabled" } else { "enabled" };
        draft.remove("reasoning_effort");
        draft.set("thinking", format!(r#"{{"type":"{known}"}}"#));
    }
}

/// An effort begins at its own budget; for Messages clients LiteLLM goes by its own translation.
fn to_effort(draft: &mut Draft<'_>, policy: &Policy) {
    const MESSAGES: [(i64, &str); 3] = [(10_000, "high"), (5_000, "medium"), (2_000, "low")];
    let Some(thinking) = draft.json("thinking") else { return };
    draft.remove("thinking");
    if draft.get("reasoning_effort").is_some() || thinking.text("type") == Some("disabled") {
        return;
    }
    let effort = match thinking.get("budget_tokens").and_then(Json::as_i64) {
        Some(budget) if policy.client == Some(Format::AnthropicMessages) => {
            MESSAGES.iter().find(|(from, _)| budget >= *from).map_or("minimal", |(_, effort)| effort)
        }
        Some(budget) => effort_of_budget(budget),
        None => "medium",
    };
    draft.set("reasoning_effort", format!("\"{effort}\""));
}

/// The effort that a budget amounts to.
pub(super) const fn effort_of_budget(budget: i64) -> &'static str {
    match budget {
        4096.. => "high",
        2048.. => "medium",
        1024.. => "low",
        _ => "minimal",
    }
}

/// The budget of an effort.
pub(super) fn budget_of(effort: &str) -> Option<u64> {
    BUDGETS.iter().find(|(name, _)| *name == effort).map(|(_, budget)| *budget)
}

fn to_budget(draft: &mut Draft<'_>) -> Result<()> {
    let Some(effort) = draft.str("reasoning_effort").map(std::borrow::Cow::into_owned) else { return Ok(()) };
    draft.remove("reasoning_effort");
    // Messages clients may let a model decide that needs a budget here.
    let decides = draft.json("thinking").is_some_and(|t| t.text("type") == Some("adaptive"));
    if effort == "none" || draft.get("thinking").is_some() && !decides {
        return Ok(());
    }
    let budget =
        budget_of(&effort).ok_or_else(|| Error::bad_request(format!("reasoning_effort={effort} is not known")))?;
    draft.set("thinking", format!(r#"{{"type":"enabled","budget_tokens":{budget}}}"#));
    Ok(())
}

/// A bound that leaves room for the answer: the host's own default may be smaller than the budget.
fn room(draft: &mut Draft<'_>) {
    let thinking = draft.json("thinking").filter(|t| t.text("type") == Some("enabled"));
    let budget =
        thinking.and_then(|t| t.get("budget_tokens").and_then(Json::as_i64)).and_then(|b| u64::try_from(b).ok());
    if let Some(budget) = budget
        && draft.get("max_tokens").is_none()
        && draft.get("max_completion_tokens").is_none()
    {
        draft.set("max_tokens", (budget + ANSWER_ROOM).to_string());
    }
}
