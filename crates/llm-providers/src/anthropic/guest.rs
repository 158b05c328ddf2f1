//! Messages for hosts that are not the language's own house: Bedrock, Vertex AI, Azure. They want instructions as a list
//! of blocks, know user and assistant only, do not know how far a cache reaches (`scope`), and have no use for what
//! Claude Code tells Anthropic's books.

use bytes::Bytes;
use llm_catalog::Catalog;
use llm_types::{Format, Json, RawJson};
use llm_wire::anthropic::OPERATOR_NOTE;
use llm_wire::top::Top;
use memchr::memmem;
use serde_json::value::RawValue;

use crate::provider::Call;
use crate::row::ProviderRow;
use crate::rules;

/// How the block begins that Claude Code puts before its instructions. It is another one with each request, so no cache
/// of a prompt would ever hit behind it.
pub(crate) const BILLING: &str = "x-anthropic-billing-header:";

/// The fields of a body that have to change: `system` and `messages`, by their new text, `None` to take it out.
pub(crate) fn edits(row: &ProviderRow, call: &Call<'_>, top: &Top<'_>) -> Vec<(&'static str, Option<String>)> {
    let native = call.client_format == Format::AnthropicMessages;
    if !native && top.get("system").is_none_or(|s| s.starts_with('[')) {
        return Vec::new();
    }
    let messages = top.get("messages").filter(|m| native && memmem::find(m.as_bytes(), b"\"system\"").is_some());
    let messages: Vec<&str> = messages.map(items).unwrap_or_default();
    let first = messages.iter().position(|m| !instructs(m)).unwrap_or(messages.len());
    let (leading, rest) = messages.split_at_checked(first).unwrap_or_default();
    let mut out = Vec::new();
    out.extend(system(top.get("system"), leading).map(|new| ("system", new)));
    let late = rest.iter().any(|m| instructs(m)) && !knows_late_instructions(row, call);
    if late {
        out.push(("messages", Some(listed(&as_user_turns(rest)))));
    } else if !leading.is_empty() {
        out.push(("messages", Some(listed(rest))));
    }
    for name in ["system", "messages", "tools"] {
        let at = out.iter().position(|(n, _)| *n == name);
        let text = at.map_or_else(|| top.get(name), |at| out.get(at).and_then(|(_, new)| new.as_deref()));
        if let Some(new) = text.and_then(without_scopes) {
            match at.and_then(|at| out.get_mut(at)) {
                Some((_, old)) => *old = Some(new),
                None => out.push((name, Some(new))),
            }
        }
    }
    out
}

/// A body with fields that have to change; as it is, where none has.
pub(crate) fn edited(body: &Bytes, top: &Top<'_>, edits: &[(&str, Option<String>)]) -> Bytes {
    if edits.is_empty() {
        return body.clone();
    }
    let edits: Vec<(&str, Option<&str>)> = edits.iter().map(|(name, new)| (*name, new.as_deref())).collect();
    top.edited(&edits)
}

/// Models of late take instructions in the middle of a conversation.
fn knows_late_instructions(row: &ProviderRow, call: &Call<'_>) -> bool {
    let model = crate::by_id(row.id).map_or(call.model, |provider| provider.rules_model(call.model, call.params));
    rules::caps(Catalog::builtin(), row.id, model).mid_system
}

/// A list of blocks, messages or tools without the reach of their caches; nothing when none has one.
fn without_scopes(list: &str) -> Option<String> {
    fn walk(value: &mut Json) -> bool {
        match value {
            Json::Array(items) => items.iter_mut().fold(false, |any, item| walk(item) | any),
            Json::Object(_) => {
                let here = value.get_mut("cache_control").is_some_and(|mark| mark.remove("scope").is_some());
                value.get_mut("content").is_some_and(walk) | here
            }
            _ => false,
        }
    }
    memmem::find(list.as_bytes(), b"\"scope\"")?;
    let mut tree: Json = serde_json::from_str(list).ok()?;
    walk(&mut tree).then(|| tree.to_string())
}

/// The instructions as blocks, those that lead the conversation behind the others; nothing when they stay as they are.
fn system(given: Option<&str>, leading: &[&str]) -> Option<Option<String>> {
    let given = given.filter(|g| *g != "null");
    let books = given.is_some_and(|g| memmem::find(g.as_bytes(), BILLING.as_bytes()).is_some());
    if leading.is_empty() && !books && given.is_none_or(|g| !g.starts_with('"')) {
        return None;
    }
    let mut all: Vec<String> = given.map(blocks).unwrap_or_default();
    for message in leading {
        let content = Top::parse(message.as_bytes()).ok().and_then(|m| m.get("content").map(blocks));
        all.extend(content.unwrap_or_default());
    }
    all.retain(|block| !is_billing(block));
    Some((!all.is_empty()).then(|| listed(&all)))
}

/// Instructions in the middle become turns of the user that say what they are. Those between a call and its results
/// come behind the results: nothing may stand between.
fn as_user_turns(messages: &[&str]) -> Vec<String> {
    let mut out = Vec::with_capacity(messages.len());
    let mut waiting: Vec<String> = Vec::new();
    for message in messages {
        if instructs(message) {
            waiting.push(as_user(message));
            continue;
        }
        if opens_with_results(message) {
            out.push((*message).to_owned());
            out.append(&mut waiting);
        } else {
            out.append(&mut waiting);
            out.push((*message).to_owned());
        }
    }
    out.append(&mut waiting);
    out
}

fn as_user(message: &str) -> String {
    let mut content = vec![text_block(RawJson::string(OPERATOR_NOTE).get())];
    content.extend(Top::parse(message.as_bytes()).ok().and_then(|m| m.get("content").map(blocks)).unwrap_or_default());
    format!(r#"{{"role":"user","content":{}}}"#, listed(&content))
}

fn instructs(message: &str) -> bool {
    Top::parse(message.as_bytes()).is_ok_and(|m| m.str("role").as_deref() == Some("system"))
}

fn opens_with_results(message: &str) -> bool {
    let Ok(message) = Top::parse(message.as_bytes()) else { return false };
    let first = message.get("content").filter(|_| message.str("role").as_deref() == Some("user")).map(items);
    let first =
        first.and_then(|list| Top::parse(list.first()?.as_bytes()).ok()?.str("type").map(|t| t == "tool_result"));
    first == Some(true)
}

fn is_billing(block: &str) -> bool {
    Top::parse(block.as_bytes()).is_ok_and(|b| b.str("text").is_some_and(|text| is_billing_text(&text)))
}

/// True for what Claude Code tells Anthropic's books.
pub(crate) fn is_billing_text(text: &str) -> bool {
    text.starts_with(BILLING)
}

/// The blocks of a content: a text is one block.
fn blocks(content: &str) -> Vec<String> {
    match content.as_bytes().first() {
        Some(b'"') => vec![text_block(content)],
        _ => items(content).into_iter().map(str::to_owned).collect(),
    }
}

fn text_block(quoted: &str) -> String {
    format!(r#"{{"type":"text","text":{quoted}}}"#)
}

/// The items of a list; none where there is no list.
pub(crate) fn items(list: &str) -> Vec<&str> {
    serde_json::from_str::<Vec<&RawValue>>(list).unwrap_or_default().into_iter().map(RawValue::get).collect()
}

fn listed<T: AsRef<str>>(items: &[T]) -> String {
    let items: Vec<&str> = items.iter().map(AsRef::as_ref).collect();
    format!("[{}]", items.join(","))
}

#[cfg(test)]
mod tests {
    use llm_types::OperationKind;

    use super::*;
    use crate::generated;
    use crate::params::Params;

    fn edited(model: &str, body: &str) -> String {
        let params = Params::without_env::<String>([]);
        let call = Call {
            client_format: Format::AnthropicMessages,
            ..Call::new(OperationKind::Generate, Format::AnthropicMessages, model, &params)
        };
        let top = Top::parse(body.as_bytes()).unwrap();
        let edits = edits(&generated::AZURE_AI, &call, &top);
        let edits: Vec<(&str, Option<&str>)> = edits.iter().map(|(k, v)| (*k, v.as_deref())).collect();
        String::from_utf8(top.edited(&edits).to_vec()).unwrap()
    }

    #[test]
    fn instructions_are_blocks_without_bookkeeping() {
        let sonnet = |body: &str| edited("claude-sonnet-4-5", body);
        let cases = [
            (r#"{"system":"Be brief."}"#, r#"{"system":[{"type":"text","text":"Be brief."}]}"#),
            (r#"{"system":"x-anthropic-billing-header: a=b"}"#, "{}"),
            (
                r#"{"system":[{"type":"text","text":"x-anthropic-billing-header: a"},{"type":"text","text":"S"}]}"#,
                r#"{"system":[{"type":"text","text":"S"}]}"#,
            ),
            (
                r#"{"system":[{"type":"text","text":"S"}],"messages":[]}"#,
                r#"{"system":[{"type":"text","text":"S"}],"messages":[]}"#,
            ),
        ];
        for (body, expected) in cases {
            assert_eq!(sonnet(body), expected);
        }
    }

    #[test]
    fn caches_have_no_scope() {
        let body = r#"{"system":[{"type":"text","text":"scope","cache_control":{"type":"ephemeral","scope":"global"}}],"messages":[{"role":"user","content":[{"type":"text","text":"a","cache_control":{"scope":"global","type":"ephemeral"}}]}]}"#;
        let expected = body.replace(r#","scope":"global""#, "").replace(r#""scope":"global","#, "");
        assert_eq!(edited("claude-sonnet-4-5", body), expected);
    }

    #[test]
    fn instructions_among_messages_move() {
        let body = r#"{"system":"A","messages":[{"role":"system","content":"B"},{"role":"user","content":"Hi"},{"role":"assistant","content":[{"type":"tool_use"}]},{"role":"system","content":"C"},{"role":"user","content":[{"type":"tool_result"}]}]}"#;
        let note = RawJson::string(OPERATOR_NOTE);
        let expected = format!(
            r#"{{"system":[{{"type":"text","text":"A"}},{{"type":"text","text":"B"}}],"messages":[{{"role":"user","content":"Hi"}},{{"role":"assistant","content":[{{"type":"tool_use"}}]}},{{"role":"user","content":[{{"type":"tool_result"}}]}},{{"role":"user","content":[{{"type":"text","text":{}}},{{"type":"text","text":"C"}}]}}]}}"#,
            note.get()
        );
        assert_eq!(edited("claude-sonnet-4-5", body), expected);
    }
}
