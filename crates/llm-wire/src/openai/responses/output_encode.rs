//! Items of an output.
//!
//! Answers of a Responses upstream are written as they came. Of other answers LiteLLM makes one item of thoughts, one
//! message and the calls, each with what its own types demand.

use bytes::BytesMut;
use llm_types::RawJson;
use llm_types::generate::{Part, PartKind, ToolCall};

use super::input_encode::message_run;
use super::{FORMAT, ITEM, client_tools, content_encode, reasoning};
use crate::codec::{EncodeContext, Hints};
use crate::openai::chat;
use crate::openai::object::{Arr, Obj};

/// Writes the items of an answer that came from a Responses upstream. `seed` makes ids for items without one.
pub(crate) fn native(parts: &[Part], seed: &str, list: &mut Arr<'_>) {
    let parts: Vec<&Part> = parts.iter().collect();
    let mut rest = parts.as_slice();
    let mut count = 0_usize;
    while let Some((first, _)) = rest.split_first() {
        let thoughts = reasoning::run(rest);
        let taken = if thoughts > 0 {
            reasoning::encode_output(rest.get(..thoughts).unwrap_or(rest), &item_id("rs", seed, count), list);
            thoughts
        } else if content_encode::is_content(first) {
            let taken = message_run(rest);
            native_message(rest.get(..taken).unwrap_or(rest), &item_id("msg", seed, count), list);
            taken
        } else {
            other(first, &item_id("fc", seed, count), list);
            1
        };
        count += 1;
        rest = rest.get(taken..).unwrap_or_default();
    }
}

/// An id for an item that has none.
pub(crate) fn item_id(kind: &str, seed: &str, at: usize) -> String {
    let seed = seed.trim_start_matches("chatcmpl-").trim_start_matches("msg_").trim_start_matches("resp_");
    format!("{kind}_{seed}_{at}")
}

fn native_message(parts: &[&Part], id: &str, list: &mut Arr<'_>) {
    let own = |key: &str| parts.first().is_some_and(|p| p.extra.fields_for(FORMAT).any(|(k, _)| k == key));
    let mut obj = list.obj();
    obj.str("role", "assistant");
    for (key, value) in [("type", "message"), ("id", id), ("status", "completed")] {
        if !own(&format!("{ITEM}{key}")) {
            obj.any_key(key).extend_from_slice(llm_types::RawJson::string(value).get().as_bytes());
        }
    }
    content(parts, true, &mut obj);
    if let Some(first) = parts.first() {
        obj.inner(&first.extra, FORMAT, ITEM);
    }
}

/// Writes the content of an assistant's message. `cites`: the sources of its texts are in this format.
pub(crate) fn content(parts: &[&Part], cites: bool, obj: &mut Obj<'_>) {
    let mut content = obj.arr("content");
    for part in parts {
        match &part.kind {
            PartKind::Text { text, citations } => {
                let mut obj = content.obj();
                obj.str("type", "output_text");
                obj.str("text", text);
                if part.extra.fields_for(FORMAT).all(|(key, _)| key != "annotations") {
                    let mut list = obj.arr("annotations");
                    citations.iter().filter(|_| cites).for_each(|c| list.text(c.get()));
                }
                obj.extra(&part.extra, FORMAT, |key| !key.starts_with(ITEM));
            }
            _ => content_encode::part(
                part,
                llm_types::generate::Role::Assistant,
                &mut EncodeContext::for_model(""),
                &mut content,
            ),
        }
    }
}

fn other(part: &Part, id: &str, list: &mut Arr<'_>) {
    match &part.kind {
        PartKind::ToolCall(of) => {
            let own = |key: &str| part.extra.fields_for(FORMAT).any(|(k, _)| k == key);
            let mut obj = list.obj();
            client_tools::write(None, &of.id, &of.name, &of.arguments, &mut obj);
            if !own("id") {
                obj.str("id", id);
            }
            if !own("status") {
                obj.str("status", "completed");
            }
            obj.extra(&part.extra, FORMAT, |_| true);
        }
        PartKind::HostedTool { format: FORMAT, json } => list.text(json.get()),
        _ => {} // of another language: it has no item
    }
}

/// Writes a call as LiteLLM's bridge does.
fn bridged_call(part: &Part, of: &ToolCall, seed: &str, at: usize, hints: &Hints, list: &mut Arr<'_>) {
    let tool = client_tools::find(hints, &of.name);
    let mut obj = list.obj();
    client_tools::write(tool, &of.id, &of.name, &of.arguments, &mut obj);
    obj.str("id", &item_id(client_tools::prefix(tool), seed, at));
    obj.str("status", "completed");
    chat::gemini_call(part, &mut obj);
}

/// An answer that was bridged.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bridged<'a> {
    pub(crate) parts: &'a [Part],
    pub(crate) seed: &'a str,
    /// The message's.
    pub(crate) status: &'a str,
    /// A message stands there even when nothing was said.
    pub(crate) always_message: bool,
    pub(crate) sources: &'a [RawJson],
    pub(crate) hints: &'a Hints,
}

/// All text of a message, with its sources.
fn one_text(parts: &[&Part], sources: &[RawJson]) -> Part {
    let text: String = parts.iter().filter_map(|p| p.as_text()).collect();
    Part::new(PartKind::Text { text, citations: sources.to_vec() })
}

/// Writes the items of an answer that was bridged: thoughts, message, calls.
pub(crate) fn bridged(bridged: &Bridged<'_>, list: &mut Arr<'_>) {
    let Bridged { parts, seed, status, always_message, sources, hints } = *bridged;
    bridged_thoughts(parts, seed, status, list);
    let content_parts: Vec<&Part> = parts.iter().filter(|p| content_encode::is_content(p)).collect();
    if !content_parts.is_empty() || always_message {
        let mut obj = list.obj();
        obj.str("type", "message");
        obj.str("id", &item_id("msg", seed, 0));
        obj.str("status", status);
        obj.str("role", "assistant");
        let empty = Part::text("");
        match content_parts.as_slice() {
            [] => content(&[&empty], false, &mut obj),
            many if many.iter().all(|p| p.as_text().is_some()) => content(&[&one_text(many, sources)], true, &mut obj),
            many => content(many, false, &mut obj),
        }
    }
    let calls = parts.iter().filter_map(|p| if let PartKind::ToolCall(c) = &p.kind { Some((p, c)) } else { None });
    for (at, (part, of)) in calls.enumerate() {
        bridged_call(part, of, seed, at, hints, list);
    }
}

/// The thoughts in the clear, and the signed blocks as JSON, so that they can come back.
fn bridged_thoughts(parts: &[Part], seed: &str, status: &str, list: &mut Arr<'_>) {
    let thought = |p: &&Part| matches!(p.kind, PartKind::Thinking { .. } | PartKind::RedactedThinking { .. });
    let thoughts: Vec<&Part> = parts.iter().filter(thought).collect();
    if thoughts.is_empty() {
        return;
    }
    let text: String = thoughts
        .iter()
        .filter_map(|p| if let PartKind::Thinking { text, .. } = &p.kind { Some(text.as_str()) } else { None })
        .collect();
    let mut obj = list.obj();
    obj.str("type", "reasoning");
    obj.str("id", &item_id("rs", seed, 0));
    obj.str("status", status);
    obj.str("role", "assistant");
    let told = Part::text(text);
    let said: &[&Part] = if told.as_text() == Some("") { &[] } else { &[&told] };
    content(said, false, &mut obj);
    let signed = |p: &&Part| !matches!(p.kind, PartKind::Thinking { signature: None, .. });
    if thoughts.iter().any(signed) {
        let mut blocks = BytesMut::new();
        {
            let mut list = Arr::open(&mut blocks);
            thoughts.iter().for_each(|p| chat::thinking_block(p, &mut list));
        }
        obj.str("encrypted_content", &String::from_utf8_lossy(&blocks));
    }
}
