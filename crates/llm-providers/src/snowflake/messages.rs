//! Requests of other languages for Claude, in the shapes that LiteLLM sends here: lone texts are bare strings, results
//! of tools are turns of their own, and no tool is made up for a history that called some.

use bytes::Bytes;
use llm_types::{Json, Result};
use llm_wire::top::Top;

/// The tool that our writer makes up.
const MADE_UP: &str = "dummy_tool";

/// Rewrites a translated request.
pub(super) fn rewrite(body: &[u8]) -> Result<Bytes> {
    let top = Top::parse(body)?;
    let messages: Vec<Json> = top.read::<Vec<Json>>("messages").unwrap_or_default();
    let messages = Json::Array(messages.into_iter().flat_map(split).map(flat).collect()).to_string();
    let mut edits = vec![("messages", Some(messages.as_str()))];
    if top.get("stream").is_none() {
        edits.push(("stream", Some("false")));
    }
    let tools = top.read::<Vec<Json>>("tools").map(untyped);
    let written = tools.filter(|t| !t.is_empty()).map(|t| Json::Array(t).to_string());
    if top.get("tools").is_some() {
        edits.push(("tools", written.as_deref()));
    }
    Ok(top.edited(&edits))
}

/// The client's tools, without the word that says so.
fn untyped(tools: Vec<Json>) -> Vec<Json> {
    let custom = |t: &Json| t.get("type").and_then(Json::as_str) == Some("custom");
    let mut tools: Vec<Json> = tools.into_iter().filter(|t| !named(t)).collect();
    for tool in tools.iter_mut().filter(|t| custom(t)) {
        tool.remove("type");
    }
    tools
}

fn named(tool: &Json) -> bool {
    tool.get("name").and_then(Json::as_str) == Some(MADE_UP)
}

fn is_result(block: &Json) -> bool {
    block.get("type").and_then(Json::as_str) == Some("tool_result")
}

/// Results of tools, then the rest of the turn.
fn split(message: Json) -> Vec<Json> {
    let blocks = message.get("content").and_then(Json::as_array).unwrap_or_default();
    let (results, rest): (Vec<Json>, Vec<Json>) = blocks.iter().cloned().partition(is_result);
    if results.is_empty() || rest.is_empty() {
        return vec![message];
    }
    let turn = |blocks: Vec<Json>| {
        let mut turn = message.clone();
        turn.set("content", Json::Array(blocks));
        turn
    };
    vec![turn(results), turn(rest)]
}

/// A lone text as a bare string.
fn flat(mut message: Json) -> Json {
    let text = match message.get("content").and_then(Json::as_array) {
        Some([one]) if one.as_object().is_some_and(|o| o.len() == 2) => one.get("text").and_then(Json::as_str),
        _ => None,
    };
    if let Some(text) = text.map(str::to_owned) {
        message.set("content", text);
    }
    message
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_are_litellms() {
        let body = br#"{"messages":[{"role":"user","content":[{"type":"text","text":"Hi"}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"t","content":"21C"},{"type":"text","text":"Go"}]}],"tools":[{"name":"dummy_tool"}],"max_tokens":1}"#;
        let expected = r#"{"messages":[{"role":"user","content":"Hi"},{"role":"user","content":[{"type":"tool_result","tool_use_id":"t","content":"21C"}]},{"role":"user","content":"Go"}],"max_tokens":1,"stream":false}"#;
        assert_eq!(std::str::from_utf8(&rewrite(body).unwrap()).unwrap(), expected);
    }
}
