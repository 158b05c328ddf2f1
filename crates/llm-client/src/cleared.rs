//! Old results of tools make way where a conversation grows long: the edit `clear_tool_uses_20250919` of Messages clients,
//! which Anthropic's own hosts make themselves, made here for hosts of other languages.
//! <https://docs.anthropic.com/en/docs/build-with-claude/context-editing>

use std::collections::HashSet;

use llm_types::Json;
use llm_types::generate::{GenerateRequest, Part, PartKind};

const MANAGEMENT: &str = "context_management";
const CLEAR: &str = "clear_tool_uses_20250919";
/// What stands where a result was, in LiteLLM's words.
const CLEARED: &str = "[Cleared by context management]";
/// Tokens of a request above which results make way, unless the client says otherwise.
const TRIGGER: u64 = 100_000;
/// Calls whose results stay, unless the client says otherwise.
const KEPT: u64 = 3;

/// Makes the edits that the request asks for; those of other kinds stay in it. `tokens` counts the request as it came, and a
/// text; `bytes` is how long the request is, which its tokens never exceed.
pub(crate) fn clear(request: &mut GenerateRequest, bytes: usize, tokens: &dyn Fn(Option<&str>) -> u64) {
    let Some(mut management) = request.extra.get(MANAGEMENT).and_then(|raw| raw.read::<Json>().ok()) else { return };
    let Some(Json::Array(edits)) = management.get_mut("edits") else { return };
    let (mine, others): (Vec<Json>, Vec<Json>) =
        std::mem::take(edits).into_iter().partition(|edit| edit.text("type") == Some(CLEAR));
    if mine.is_empty() {
        return;
    }
    mine.iter().for_each(|edit| make(request, edit, bytes, tokens));
    request.extra.remove(MANAGEMENT);
    if !others.is_empty() {
        management.set("edits", Json::Array(others));
        request.extra.push(llm_types::Format::AnthropicMessages, MANAGEMENT, management.to_raw());
    }
}

fn make(request: &mut GenerateRequest, edit: &Json, bytes: usize, tokens: &dyn Fn(Option<&str>) -> u64) {
    let number = |of: &str| edit.get(of).and_then(|of| of.get("value")).and_then(Json::as_i64);
    let number = |of: &str| number(of).and_then(|n| u64::try_from(n).ok());
    let calls: Vec<(String, String)> = parts(request)
        .filter_map(|part| match &part.kind {
            PartKind::ToolCall(call) => Some((call.id.clone(), call.name.clone())),
            _ => None,
        })
        .collect();
    let due = match edit.get("trigger").and_then(|trigger| trigger.text("type")) {
        Some("tool_uses") => number("trigger").is_some_and(|most| calls.len() as u64 > most),
        _ => {
            let most = number("trigger").unwrap_or(TRIGGER);
            bytes as u64 > most && tokens(None) > most
        }
    };
    let kept = usize::try_from(number("keep").unwrap_or(KEPT)).unwrap_or(usize::MAX);
    if !due || calls.len() <= kept {
        return;
    }
    let spared: Vec<&str> = edit.texts("exclude_tools").collect();
    let old = calls.iter().take(calls.len() - kept);
    let mut ids: HashSet<&str> =
        old.filter(|(_, name)| !spared.contains(&name.as_str())).map(|(id, _)| id.as_str()).collect();
    // What the model is about to answer stays.
    let last = parts(request).filter_map(|part| match &part.kind {
        PartKind::ToolResult(result) => Some(result.call_id.clone()),
        _ => None,
    });
    let last = last.last().unwrap_or_default();
    ids.remove(last.as_str());
    if let Some(least) = number("clear_at_least") {
        let gone: Vec<&str> = parts(request)
            .filter_map(|part| match &part.kind {
                PartKind::ToolResult(result) if ids.contains(result.call_id.as_str()) => Some(&result.parts),
                _ => None,
            })
            .flatten()
            .filter_map(Part::as_text)
            .collect();
        if tokens(Some(&gone.join("\n"))) < least {
            return; // a cache of the prompt would be lost for little
        }
    }
    let inputs = edit.get("clear_tool_inputs");
    let with_inputs =
        |name: &str| inputs == Some(&Json::Bool(true)) || edit.texts("clear_tool_inputs").any(|one| one == name);
    for part in request.turns.iter_mut().flat_map(|turn| &mut turn.parts) {
        match &mut part.kind {
            PartKind::ToolResult(result) if ids.contains(result.call_id.as_str()) => {
                result.parts = vec![Part::text(CLEARED)];
                result.flat = true;
            }
            PartKind::ToolCall(call) if ids.contains(call.id.as_str()) && with_inputs(&call.name) => {
                "{}".clone_into(&mut call.arguments);
            }
            _ => {}
        }
    }
}

fn parts(request: &GenerateRequest) -> impl Iterator<Item = &Part> {
    request.turns.iter().flat_map(|turn| &turn.parts)
}

#[cfg(test)]
mod tests {
    use llm_types::Format;
    use llm_types::generate::{Role, ToolCall, ToolResult, Turn};

    use super::*;

    /// A request of four calls with their results, and what is left of them.
    fn left(management: &str) -> (String, Option<String>) {
        let mut request = GenerateRequest::default();
        for at in 1..=4 {
            let (id, name) = (format!("c{at}"), if at == 1 { "look" } else { "read" }.to_owned());
            let call = ToolCall { id: id.clone(), name, arguments: r#"{"a":1}"#.to_owned() };
            let result = ToolResult { call_id: id, parts: vec![Part::text(format!("r{at}"))], ..ToolResult::default() };
            request.turns.push(Turn::of(Role::Assistant, vec![Part::new(PartKind::ToolCall(call))]));
            request.turns.push(Turn::of(Role::User, vec![Part::new(PartKind::ToolResult(result))]));
        }
        let raw = serde_json::from_str::<Json>(management).unwrap().to_raw();
        request.extra.push(Format::AnthropicMessages, MANAGEMENT, raw);
        clear(&mut request, 1000, &|text| text.map_or(500, |text| text.len() as u64));
        let told = parts(&request).filter_map(|part| match &part.kind {
            PartKind::ToolResult(result) => result.parts[0].as_text().map(|text| text.replace(CLEARED, "-")),
            PartKind::ToolCall(call) => Some(if call.arguments == "{}" { "no" } else { "" }.to_owned()),
            _ => None,
        });
        (told.collect(), request.extra.get(MANAGEMENT).map(|raw| raw.get().to_owned()))
    }

    #[test]
    fn old_results_make_way() {
        let edit = |more: &str| format!(r#"{{"edits":[{{"type":"{CLEAR}"{more}}}]}}"#);
        let of = |more: &str| left(&edit(more)).0;
        let due = r#","trigger":{"type":"tool_uses","value":2}"#;
        assert_eq!(left(&edit(due)), ("-r2r3r4".to_owned(), None), "three stay");
        assert_eq!(of(""), "r1r2r3r4", "the request is short");
        assert_eq!(
            of(r#","trigger":{"type":"input_tokens","value":499},"keep":{"type":"tool_uses","value":1}"#),
            "---r4"
        );
        assert_eq!(of(r#","trigger":{"type":"input_tokens","value":500}"#), "r1r2r3r4");
        assert_eq!(of(&format!(r#"{due},"keep":{{"value":0}}"#)), "---r4", "the latest stays");
        assert_eq!(of(&format!(r#"{due},"keep":{{"value":1}},"exclude_tools":["look"]"#)), "r1--r4");
        assert_eq!(of(&format!(r#"{due},"clear_at_least":{{"value":3}}"#)), "r1r2r3r4", "too little would be gained");
        assert_eq!(of(&format!(r#"{due},"clear_tool_inputs":true"#)), "no-r2r3r4");
    }

    #[test]
    fn other_edits_stay() {
        let both = format!(r#"{{"edits":[{{"type":"compact_20260112"}},{{"type":"{CLEAR}"}}]}}"#);
        assert_eq!(left(&both).1.as_deref(), Some(r#"{"edits":[{"type":"compact_20260112"}]}"#));
        assert_eq!(left(r#"{"edits":7}"#).1.as_deref(), Some(r#"{"edits":7}"#));
    }
}
