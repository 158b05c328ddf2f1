//! Earlier turns of Messages clients, made such as Anthropic's API takes them.

use std::borrow::Cow;

use llm_types::Json;
use llm_wire::anthropic::{is_legal, legal_id};
use llm_wire::gemini::split_call_id;
use memchr::memmem;
use serde_json::value::RawValue;

use super::scan::has;

/// What blocks of answers hold that came from hosts of other languages.
const TOLD: &str = "provider_specific_fields";

/// Messages without what the API refuses and clients send back as history: texts and thoughts without a word, messages
/// that held nothing else, fields that the gateway told of other hosts, and those hosts' ids of calls. Nothing when there
/// are none; messages without such blocks keep their bytes.
pub(super) fn acceptable(messages: &str) -> Option<String> {
    if !worth_reading(messages) {
        return None;
    }
    let mut changed = false;
    let mut out: Vec<Cow<'_, str>> = Vec::new();
    for message in serde_json::from_str::<Vec<&RawValue>>(messages).ok()? {
        let text = message.get();
        let mut tree: Json = if worth_reading(text) { serde_json::from_str(text).ok()? } else { Json::Null };
        let Some(Json::Array(blocks)) = tree.get_mut("content") else {
            out.push(text.into());
            continue;
        };
        let before = blocks.len();
        blocks.retain(|block| !is_empty(block));
        let bent = blocks.iter_mut().fold(false, |any, block| block.remove(TOLD).is_some() | mend_id(block) | any);
        if blocks.len() == before && !bent {
            out.push(text.into());
            continue;
        }
        changed = true;
        if !blocks.is_empty() {
            out.push(tree.to_string().into());
        }
    }
    changed.then(|| format!("[{}]", out.join(",")))
}

fn is_empty(block: &Json) -> bool {
    let key = match block.text("type") {
        Some("text") => "text",
        Some("thinking") => "thinking",
        _ => return false,
    };
    block.text(key).is_none_or(|text| text.trim().is_empty())
}

/// Makes the id of a call one that the API takes, here and in its result; true when it was none.
fn mend_id(block: &mut Json) -> bool {
    let key = match block.text("type") {
        Some("tool_use") => "id",
        Some("tool_result") => "tool_use_id",
        _ => return false,
    };
    let Some(id) = block.text(key).filter(|id| !id.chars().all(is_legal)) else { return false };
    let legal = legal_id(split_call_id(id).0).into_owned();
    block.set(key, legal);
    true
}

/// True when an id in the JSON may hold what the API does not take.
fn strange_ids(raw: &str, key: &str) -> bool {
    memmem::find_iter(raw.as_bytes(), key.as_bytes()).any(|at| {
        let value = raw.get(at + key.len()..).unwrap_or_default().trim_start().strip_prefix(':').map(str::trim_start);
        let value = value.and_then(|v| v.strip_prefix('"'));
        value.is_some_and(|v| v.chars().take_while(|c| *c != '"').any(|c| !is_legal(c)))
    })
}

/// True when something in the JSON may have to change: a look at bytes, most bodies are as they should be.
fn worth_reading(raw: &str) -> bool {
    let blank = |key: &str| {
        memmem::find_iter(raw.as_bytes(), key.as_bytes()).any(|at| {
            let value = raw.get(at + key.len()..).unwrap_or_default().trim_start();
            let value = value.strip_prefix(':').map(str::trim_start);
            value.is_some_and(|v| v.strip_prefix('"').is_none_or(|v| !starts_with_word(v)))
        })
    };
    let strange = strange_ids(raw, "\"tool_use_id\"") || strange_ids(raw, "\"id\"");
    strange || blank("\"text\"") || blank("\"thinking\"") || has(raw, TOLD)
}

/// True when a string, of which the quote was read, begins with something that is no white space.
fn starts_with_word(text: &str) -> bool {
    let mut rest = text;
    loop {
        rest = rest.trim_start();
        let Some(escape) = rest.strip_prefix('\\') else { return !rest.starts_with('"') };
        match escape.as_bytes().first() {
            Some(b'n' | b't' | b'r' | b'f') => rest = escape.get(1..).unwrap_or_default(),
            Some(b'u') => return false, // perhaps a blank of another script: it is read to be sure
            _ => return true,
        }
    }
}

#[cfg(test)]
mod tests {
    use llm_wire::top::Top;

    use super::*;

    #[test]
    fn blocks_without_a_word_are_gone_and_others_keep_their_bytes() {
        let cases = [
            (
                r#"{"messages":[{"role":"user","content":[{"type":"text","text":" \n"},{"type":"text","text":"a"}]}]}"#,
                r#"{"messages":[{"role":"user","content":[{"type":"text","text":"a"}]}]}"#,
            ),
            (
                r#"{"messages":[{"role":"assistant","content":[{"type":"thinking","thinking":"","signature":"s"}]},{"role":"user", "content":""}]}"#,
                r#"{"messages":[{"role":"user", "content":""}]}"#,
            ),
            (
                r#"{"messages":[{"role":"assistant","content":[{"type":"tool_use","id":"f.Bash:0__thought__c2ln==","input":{}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"f.Bash:0__thought__c2ln=="}]}]}"#,
                r#"{"messages":[{"role":"assistant","content":[{"type":"tool_use","id":"f_Bash_0","input":{}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"f_Bash_0"}]}]}"#,
            ),
            (
                r#"{"messages":[{"role":"assistant","content":[{"type":"tool_use","input":{},"provider_specific_fields":{"signature":"s"}}]}]}"#,
                r#"{"messages":[{"role":"assistant","content":[{"type":"tool_use","input":{}}]}]}"#,
            ),
            (
                r#"{"messages":[{"role":"user","content":[{"type":"text", "text" : "\u0061"}]}]}"#,
                r#"{"messages":[{"role":"user","content":[{"type":"text", "text" : "\u0061"}]}]}"#,
            ),
        ];
        for (body, expected) in cases {
            let list = |body: &str| Top::parse(body.as_bytes()).unwrap().get("messages").unwrap().to_owned();
            let (body, expected) = (list(body), list(expected));
            assert_eq!(acceptable(&body).unwrap_or(body), expected);
        }
    }
}
