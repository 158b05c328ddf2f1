//! Requests of other languages for Claude, in the shapes that LiteLLM sends here: lone texts are bare strings, results
//! of tools are turns of their own, nothing stands for texts that are empty, tools carry no cache marks, and no tool is
//! made up for a history that called some.

use bytes::Bytes;
use llm_types::{Json, Result};
use llm_wire::anthropic::PLACEHOLDER;
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
    let custom = |t: &Json| t.text("type") == Some("custom");
    let mut tools: Vec<Json> = tools.into_iter().filter(|t| !named(t)).collect();
    for tool in tools.iter_mut().filter(|t| custom(t)) {
        tool.remove("type");
        tool.remove("cache_control");
    }
    tools
}

fn named(tool: &Json) -> bool {
    tool.text("name") == Some(MADE_UP)
}

fn is_result(block: &Json) -> bool {
    block.text("type") == Some("tool_result")
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

/// A lone text as a bare string; an empty one is no text beside other blocks.
fn flat(mut message: Json) -> Json {
    if let Some(Json::Array(blocks)) = message.get_mut("content") {
        let empty = |block: &Json| block.text("text") == Some(PLACEHOLDER);
        if blocks.iter().all(empty) {
            message.set("content", "");
            return message;
        }
        blocks.retain(|block| !empty(block));
    }
    let text = match message.get("content").and_then(Json::as_array) {
        Some([one]) if one.as_object().is_some_and(|o| o.len() == 2) => one.text("text"),
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
