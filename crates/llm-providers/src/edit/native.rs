//! Requests of Messages clients for hosts that speak Messages, bent to what the model takes. Clients such as Claude Code
//! say the same to every model: `thinking: adaptive` and `output_config.effort` are refused by models before 4.6,
//! `budget_tokens` by those from 4.7 on, a temperature beside thoughts by the older ones.
//! <https://platform.claude.com/docs/en/build-with-claude/adaptive-thinking>

use llm_types::{Error, Json, Result};
use llm_wire::ModelCaps;
use llm_wire::anthropic::adaptive_effort;
use llm_wire::top::Top;

use super::draft::Draft;
use super::history::acceptable;
use super::scan::has;
use super::thinking::budget_of;
use super::tools::plain_schemas;
use crate::anthropic::guest::{BILLING, is_billing_text, items};
use crate::quirk::{Quirk, Quirks};
use crate::row::{ProviderRow, RowFormat};

/// The least budget that thoughts may have.
const LEAST_BUDGET: u64 = 1024;

/// Edits a body.
///
/// # Errors
/// `BadRequest` for an effort that nobody knows.
pub(super) fn edit(draft: &mut Draft<'_>, row: &ProviderRow, quirks: Quirks, caps: &ModelCaps) -> Result<()> {
    if let Some(kept) = draft.get("messages").and_then(acceptable) {
        draft.set("messages", kept);
    }
    known_metadata(draft);
    if quirks.has(Quirk::StripSchemaUri)
        && let Some(plain) = draft.get("tools").and_then(plain_schemas)
    {
        draft.set("tools", plain);
    }
    if row.format != RowFormat::Anthropic {
        instructions(draft);
    }
    if caps.known {
        let room = draft.get("max_tokens").and_then(|n| n.parse().ok());
        by_effort(draft, caps, room)?;
        to_adaptive(draft, caps);
        from_adaptive(draft, caps, room)?;
        temperature(draft, caps);
    }
    Ok(())
}

/// The values of `anthropic-beta` that the body of a Messages client makes necessary at a host that speaks Messages: those
/// that LiteLLM adds, the client says the others itself.
#[must_use]
pub fn betas(top: &Top<'_>) -> Vec<&'static str> {
    let mut out = Vec::new();
    let mut add = |beta, needed: bool| {
        if needed {
            out.push(beta);
        }
    };
    let there = |name: &str| top.get(name).filter(|v| *v != "null");
    let edits = there("context_management").and_then(|raw| serde_json::from_str::<Json>(raw).ok());
    let edits = edits.as_ref().and_then(|tree| tree.get("edits")?.as_array()).unwrap_or_default();
    let compacts = |edit: &Json| edit.text("type") == Some("compact_20260112");
    add("compact-2026-01-12", edits.iter().any(compacts));
    add("context-management-2025-06-27", edits.iter().any(|edit| !compacts(edit)));
    let shaped =
        there("output_config").and_then(|raw| Top::parse(raw.as_bytes()).ok()?.get("format").map(|f| f != "null"));
    add("structured-outputs-2025-11-13", there("output_format").is_some() || shaped == Some(true));
    add("fast-mode-2026-02-01", top.str("speed").as_deref() == Some("fast"));
    let tools = there("tools").unwrap_or_default();
    add("advisor-tool-2026-03-01", has(tools, "\"advisor_20260301\""));
    add("advanced-tool-use-2025-11-20", has(tools, "\"tool_search_tool_"));
    let messages = there("messages").filter(|raw| has(raw, "\"output_config\"")).map(items).unwrap_or_default();
    let steers = |message: &str| Top::parse(message.as_bytes()).is_ok_and(|m| m.get("output_config").is_some());
    add("per-turn-control-2026-07-01", messages.into_iter().any(steers));
    out
}

/// `metadata` holds `user_id`; the API refuses other fields.
fn known_metadata(draft: &mut Draft<'_>) {
    let Some(Json::Object(fields)) = draft.json("metadata") else { return };
    if fields.iter().any(|(key, _)| key != "user_id") {
        let user = fields.into_iter().filter(|(key, _)| key == "user_id");
        draft.set("metadata", Json::Object(user.collect()).to_string());
    }
}

/// Instructions without what Claude Code tells Anthropic's books, for hosts that are not Anthropic's: it differs from
/// request to request, so that no prompt cache would ever hit. Empty ones go.
fn instructions(draft: &mut Draft<'_>) {
    // They are long: most are not read.
    let said = draft.get("system").unwrap_or_default();
    if !matches!(said, "\"\"" | "[]") && !has(said, BILLING) {
        return;
    }
    match draft.json("system") {
        Some(Json::String(text)) if text.is_empty() || is_billing_text(&text) => {
            draft.remove("system");
        }
        Some(Json::Array(mut blocks)) => {
            let before = blocks.len();
            blocks.retain(|block| !block.text("text").is_some_and(is_billing_text));
            match (blocks.is_empty(), blocks.len() == before) {
                (true, _) => drop(draft.remove("system")),
                (false, true) => {}
                (false, false) => draft.set("system", Json::Array(blocks).to_string()),
            }
        }
        _ => {}
    }
}

/// `reasoning_effort`, which is OpenAI's word and LiteLLM's addition, in the words of the model. What the client says in
/// them wins.
fn by_effort(draft: &mut Draft<'_>, caps: &ModelCaps, room: Option<u64>) -> Result<()> {
    let Some(effort) = draft.str("reasoning_effort").map(std::borrow::Cow::into_owned) else { return Ok(()) };
    draft.remove("reasoning_effort");
    if effort == "none" {
        draft.remove("thinking");
        draft.remove("output_config");
        return Ok(());
    }
    let budget = known_budget(&effort)?;
    if !caps.adaptive_thinking {
        if let Some(fitting) = fitted(budget, room).filter(|_| draft.get("thinking").is_none()) {
            draft.set("thinking", enabled(fitting));
        }
        return Ok(());
    }
    let effort = if effort == "minimal" { "low".to_owned() } else { effort };
    if effort == "xhigh" && !caps.effort_xhigh {
        return Err(unknown_effort(&effort));
    }
    if draft.get("thinking").is_none() {
        draft.set("thinking", r#"{"type":"adaptive","display":"summarized"}"#);
    }
    set_effort(draft, &effort);
    Ok(())
}

/// Budgets become efforts for models that only think adaptively.
fn to_adaptive(draft: &mut Draft<'_>, caps: &ModelCaps) {
    if !caps.adaptive_thinking || caps.legacy_thinking {
        return;
    }
    let Some(thinking) = draft.json("thinking").filter(|t| t.text("type") == Some("enabled")) else { return };
    let budget = thinking.get("budget_tokens").and_then(Json::as_i64).and_then(|n| u64::try_from(n).ok());
    draft.set("thinking", r#"{"type":"adaptive"}"#);
    set_effort(draft, adaptive_effort(budget.unwrap_or(0), caps));
}

/// Adaptive thinking and efforts become budgets for models that know neither; each is left out where it cannot be said.
fn from_adaptive(draft: &mut Draft<'_>, caps: &ModelCaps, room: Option<u64>) -> Result<()> {
    if caps.adaptive_thinking {
        return Ok(());
    }
    let mut config = draft.json("output_config").unwrap_or_default();
    let effort = config.text("effort").map(str::to_owned);
    let adaptive = draft.json("thinking").is_some_and(|t| t.text("type") == Some("adaptive"));
    if effort.is_none() && !adaptive {
        return Ok(());
    }
    let takes = match effort.as_deref() {
        Some("max") => caps.effort_max,
        Some("xhigh") => caps.effort_xhigh,
        _ => true,
    };
    if caps.effort && (!adaptive || takes) {
        if adaptive {
            draft.remove("thinking");
        }
        return Ok(());
    }
    let budget = known_budget(effort.as_deref().unwrap_or("medium"))?;
    match fitted(budget, room).filter(|_| caps.reasoning) {
        Some(budget) => draft.set("thinking", enabled(budget)),
        None => draft.lose("thinking"),
    }
    if config.remove("effort").is_some() {
        match config.as_object() {
            Some([]) => drop(draft.remove("output_config")),
            _ => draft.set("output_config", config.to_string()),
        }
    }
    Ok(())
}

/// Models that think by a budget take no temperature but one beside their thoughts.
fn temperature(draft: &mut Draft<'_>, caps: &ModelCaps) {
    let other =
        draft.get("temperature").and_then(|t| t.parse::<f64>().ok()).is_some_and(|t| (t - 1.0).abs() > f64::EPSILON);
    if caps.adaptive_thinking || !other {
        return;
    }
    let thinks = draft.json("thinking").is_some_and(|t| t.text("type") == Some("enabled"));
    let tries = draft.json("output_config").is_some_and(|c| c.get("effort").is_some());
    if thinks || tries {
        draft.lose("temperature");
    }
}

fn set_effort(draft: &mut Draft<'_>, effort: &str) {
    let mut config = draft.json("output_config").filter(|c| c.as_object().is_some());
    let config = config.get_or_insert_with(|| Json::Object(Vec::new()));
    if config.get("effort").is_none() {
        config.set("effort", effort);
        draft.set("output_config", config.to_string());
    }
}

fn enabled(budget: u64) -> String {
    format!(r#"{{"type":"enabled","budget_tokens":{budget}}}"#)
}

/// A budget that leaves room for the answer; nothing when not even the least one does.
fn fitted(budget: u64, room: Option<u64>) -> Option<u64> {
    match room {
        Some(room) if room <= LEAST_BUDGET => None,
        Some(room) => Some(budget.min(room - 1)),
        None => Some(budget),
    }
}

fn known_budget(effort: &str) -> Result<u64> {
    budget_of(effort).ok_or_else(|| unknown_effort(effort))
}

fn unknown_effort(effort: &str) -> Error {
    Error::bad_request(format!("the effort '{effort}' is not known to this model")).with_param("output_config")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generated;

    fn caps() -> ModelCaps {
        ModelCaps { known: true, reasoning: true, ..ModelCaps::default() }
    }

    fn edited(caps: &ModelCaps, body: &str) -> String {
        let top = Top::parse(body.as_bytes()).unwrap();
        let mut draft = Draft::new(&top);
        edit(&mut draft, &generated::ANTHROPIC, Quirks::NONE, caps).unwrap();
        draft.finish().map_or_else(|| body.to_owned(), |e| String::from_utf8(e.body.to_vec()).unwrap())
    }

    #[test]
    fn each_model_is_asked_to_think_in_its_own_words() {
        let old = caps();
        let opus45 = ModelCaps { effort: true, ..caps() };
        let opus46 =
            ModelCaps { adaptive_thinking: true, legacy_thinking: true, effort: true, effort_max: true, ..caps() };
        let opus48 = ModelCaps { legacy_thinking: false, effort_xhigh: true, ..opus46 };
        let dull = ModelCaps { reasoning: false, ..caps() };
        let adaptive = r#"{"max_tokens":16000,"thinking":{"type":"adaptive"},"output_config":{"effort":"max"}}"#;
        let budget = r#"{"max_tokens":9000,"thinking":{"type":"enabled","budget_tokens":8192}}"#;
        let cases = [
            (&old, adaptive, r#"{"max_tokens":16000,"thinking":{"type":"enabled","budget_tokens":15999}}"#),
            (&opus45, adaptive, r#"{"max_tokens":16000,"thinking":{"type":"enabled","budget_tokens":15999}}"#),
            (&opus46, adaptive, adaptive),
            (&dull, adaptive, r#"{"max_tokens":16000}"#),
            (&old, budget, budget),
            (&opus46, budget, budget),
            (
                &opus48,
                budget,
                r#"{"max_tokens":9000,"thinking":{"type":"adaptive"},"output_config":{"effort":"xhigh"}}"#,
            ),
            (&old, r#"{"max_tokens":1024,"thinking":{"type":"adaptive"}}"#, r#"{"max_tokens":1024}"#),
            (
                &opus45,
                r#"{"max_tokens":9,"thinking":{"type":"adaptive"},"output_config":{"effort":"low"}}"#,
                r#"{"max_tokens":9,"output_config":{"effort":"low"}}"#,
            ),
            (
                &old,
                r#"{"max_tokens":4096,"output_config":{"effort":"low","format":{}},"temperature":0}"#,
                r#"{"max_tokens":4096,"output_config":{"format":{}},"thinking":{"type":"enabled","budget_tokens":1024}}"#,
            ),
            (
                &opus48,
                r#"{"max_tokens":4096,"reasoning_effort":"minimal"}"#,
                r#"{"max_tokens":4096,"thinking":{"type":"adaptive","display":"summarized"},"output_config":{"effort":"low"}}"#,
            ),
            (&old, r#"{"reasoning_effort":"none","thinking":{"type":"adaptive"}}"#, "{}"),
        ];
        for (caps, body, expected) in cases {
            assert_eq!(edited(caps, body), expected, "{body}");
        }
    }

    #[test]
    fn books_of_anthropic_are_told_to_nobody_else() {
        let sent = |body: &str| {
            let top = Top::parse(body.as_bytes()).unwrap();
            let mut draft = Draft::new(&top);
            edit(&mut draft, &generated::DEEPSEEK, Quirks::NONE, &ModelCaps::default()).unwrap();
            draft.finish().map(|e| String::from_utf8(e.body.to_vec()).unwrap())
        };
        let books = r#"{"type":"text","text":"x-anthropic-billing-header: a=b"}"#;
        assert_eq!(
            sent(&format!(r#"{{"system":[{books},{{"type":"text","text":"S"}}]}}"#)).as_deref(),
            Some(r#"{"system":[{"type":"text","text":"S"}]}"#)
        );
        assert_eq!(sent(&format!(r#"{{"system":[{books}]}}"#)).as_deref(), Some("{}"));
        assert_eq!(sent(r#"{"system":""}"#).as_deref(), Some("{}"));
        assert_eq!(sent(r#"{"system":"S"}"#), None);
    }

    #[test]
    fn metadata_names_the_user_only() {
        let metadata = r#"{"metadata":{"user_id":"u","team":"x"}}"#;
        assert_eq!(edited(&ModelCaps::default(), metadata), r#"{"metadata":{"user_id":"u"}}"#);
    }

    #[test]
    fn betas_of_bodies() {
        let cases = [
            (
                r#"{"context_management":{"edits":[{"type":"compact_20260112"},{"type":"x"}]}}"#,
                "compact-2026-01-12 context-management-2025-06-27",
            ),
            (r#"{"output_config":{"effort":"low"}}"#, ""),
            (
                r#"{"output_config":{"format":{"type":"json_schema"}},"speed":"fast"}"#,
                "structured-outputs-2025-11-13 fast-mode-2026-02-01",
            ),
            (r#"{"tools":[{"type":"tool_search_tool_bm25_20251119"}]}"#, "advanced-tool-use-2025-11-20"),
            (r#"{"messages":[{"role":"user","output_config":{}}]}"#, "per-turn-control-2026-07-01"),
            (r#"{"messages":[{"role":"user","content":"\"output_config\""}]}"#, ""),
        ];
        for (body, expected) in cases {
            assert_eq!(betas(&Top::parse(body.as_bytes()).unwrap()).join(" "), expected, "{body}");
        }
    }
}
