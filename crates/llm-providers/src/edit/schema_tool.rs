//! JSON schemas through a tool: the schema becomes the parameters of a tool that must be called; its arguments are
//! the answer.

use llm_types::{Error, Result};
use llm_wire::ModelCaps;
use llm_wire::codec::Hints;

use super::draft::Draft;
use crate::quirk::Quirk;
use crate::row::ProviderRow;

/// LiteLLM's name of the tool.
const TOOL: &str = "json_tool_call";

pub(super) fn emulate(
    draft: &mut Draft<'_>,
    row: &ProviderRow,
    model: &str,
    caps: &ModelCaps,
    hints: &mut Hints,
) -> Result<()> {
    if caps.known && caps.structured_output {
        return Ok(());
    }
    let Some(format) = draft.json("response_format") else { return Ok(()) };
    let schema = match format.text("type") {
        Some("json_schema") => format.get("json_schema").and_then(|s| s.get("schema")),
        _ => format.get("response_schema"),
    };
    let Some(schema) = schema else { return Ok(()) };
    let beside = draft.get("tools").filter(|_| row.quirks_for(model).has(Quirk::SchemaBesideTools)).map(str::to_owned);
    if draft.get("tools").is_some() && beside.is_none() {
        return Err(Error::bad_request(format!(
            "{} model '{model}' does not support native structured outputs. They are emulated with a tool for this \
             model, which is incompatible with tools of the request. Either use a model that supports native \
             structured outputs, or remove the tools parameter.",
            row.display_name
        )));
    }
    let own =
        beside.as_deref().and_then(|t| t.trim_end().strip_suffix(']')).map_or("[".to_owned(), |t| format!("{t},"));
    let tools = format!(r#"{own}{{"type":"function","function":{{"name":"{TOOL}","parameters":{schema}}}}}]"#);
    draft.remove("response_format");
    draft.set("tools", tools);
    // A model that thinks cannot be told which tool to call.
    if !thinks(draft, row.quirks_for(model).has(Quirk::EffortToThinking)) {
        draft.set("tool_choice", format!(r#"{{"type":"function","function":{{"name":"{TOOL}"}}}}"#));
    }
    hints.json_tool = true;
    Ok(())
}

/// True when thoughts are wished for; `effort`: an effort is such a wish.
fn thinks(draft: &Draft<'_>, effort: bool) -> bool {
    let asked = draft.json("thinking").is_some_and(|wish| wish.text("type").is_some_and(|kind| kind != "disabled"));
    asked || effort && draft.get("reasoning_effort").is_some_and(|word| !matches!(word, "null" | "\"none\""))
}
