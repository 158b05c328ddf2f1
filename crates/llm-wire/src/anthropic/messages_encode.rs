//! Turns to `system` and `messages`.

use std::collections::{HashMap, HashSet};

use bytes::{BufMut, BytesMut};
use llm_types::generate::{Part, PartKind, Role, Turn};
use llm_types::{Error, RawJson, Result};
use serde_json::value::RawValue;

use super::FORMAT;
use super::block_encode::{Blocks, input};
use super::object::{Array, Object};
use crate::codec::EncodeContext;
use crate::top::{Top, write_str};

/// Stands for text that is empty: the upstream refuses empty text blocks.
pub const PLACEHOLDER: &str = "[System: Empty message content sanitised to satisfy protocol]";

/// Precedes instructions in the middle of a conversation, for models that only know them at the start.
pub const OPERATOR_NOTE: &str =
    "Operator note (not from the user): the following was originally a mid-conversation system-role reminder.";

/// Writes `system` from the leading instructions, when there are any.
pub(super) fn write_system(turns: &[Turn], blocks: &mut Blocks, body: &mut Object<'_>) {
    if let ([only], true) = (turns, blocks.native)
        && let Some(text) = flat_text(only)
    {
        return body.str("system", text);
    }
    let native = blocks.native;
    if !turns.iter().flat_map(|t| &t.parts).any(|p| native || !is_blank(p)) {
        return;
    }
    let mut list = Array::open(body.key("system"));
    for turn in turns {
        for part in turn.parts.iter().filter(|p| native || !is_blank(p)) {
            list.item_if(|out| blocks.part(part, turn.extra.get("cache_control"), out));
        }
    }
    list.close();
}

/// Writes the list of messages. Turns of one side that follow each other become one message, except in a request
/// that came in this format.
pub(super) fn write_messages(
    turns: &[Turn],
    blocks: &mut Blocks,
    ctx: &EncodeContext<'_>,
    out: &mut BytesMut,
) -> Result<()> {
    let mut list = Array::open(out);
    let mut rest = turns;
    while let Some(first) = rest.first() {
        let role = wire_role(first, blocks.native, ctx);
        let same = || rest.iter().take_while(|t| wire_role(t, blocks.native, ctx) == role).count();
        let (group, after) = rest.split_at_checked(if blocks.native { 1 } else { same() }).unwrap_or((rest, &[]));
        rest = after;
        list.item_if(|out| message(role, group, rest.is_empty(), blocks, out));
    }
    if list.len() == 0 && !blocks.native {
        if !ctx.modify_params {
            return Err(Error::bad_request(
                "litellm.BadRequestError: Anthropic requires at least one non-system message. Either provide one, or set \
                 `litellm.modify_params = True` // `litellm_settings::modify_params: True` to add the dummy user message \
                 - {'role': 'user', 'content': 'Please continue.'}.",
            ));
        }
        list.item().put_slice(br#"{"role":"user","content":[{"type":"text","text":"Please continue."}]}"#);
    }
    list.close();
    Ok(())
}

fn wire_role(turn: &Turn, native: bool, ctx: &EncodeContext<'_>) -> &'static str {
    match turn.role {
        Role::Assistant => "assistant",
        Role::System | Role::Developer if native || ctx.caps.mid_system => "system",
        _ => "user",
    }
}

fn message(role: &str, group: &[Turn], last: bool, blocks: &mut Blocks, out: &mut BytesMut) -> bool {
    let mut o = Object::open(out);
    o.str("role", role);
    if let ([only], true) = (group, blocks.native) {
        match flat_text(only) {
            Some(text) => o.str("content", text),
            None => {
                let mut list = Array::open(o.key("content"));
                for part in &only.parts {
                    list.item_if(|out| blocks.part(part, None, out));
                }
                list.close();
            }
        }
        for (key, value) in only.extra.fields_for(FORMAT) {
            o.raw(key, value.get());
        }
        o.close();
        return true;
    }
    let mut list = Array::open(o.key("content"));
    let mut calls = HashSet::new();
    for (at, turn) in group.iter().enumerate() {
        let last = last && at + 1 == group.len();
        match role {
            "assistant" => assistant(turn, last, &mut calls, blocks, &mut list),
            _ => user(turn, role, blocks, &mut list),
        }
    }
    let wrote = list.len() > 0;
    list.close();
    o.close();
    wrote
}

fn user(turn: &Turn, role: &str, blocks: &mut Blocks, list: &mut Array<'_>) {
    if role == "user" && matches!(turn.role, Role::System | Role::Developer) && !turn.parts.iter().all(is_blank) {
        text_block(OPERATOR_NOTE, None, list);
    }
    let count = turn.parts.len();
    for (at, part) in turn.parts.iter().enumerate() {
        let mark = turn.extra.get("cache_control").filter(|_| at + 1 == count);
        if is_blank(part) {
            text_block(PLACEHOLDER, part.cache_control.as_ref().or(mark), list);
        } else {
            list.item_if(|out| blocks.part(part, mark, out));
        }
    }
    if count == 0 && turn.role == Role::User {
        text_block(PLACEHOLDER, None, list);
    }
}

fn assistant<'a>(turn: &'a Turn, last: bool, calls: &mut HashSet<&'a str>, blocks: &mut Blocks, list: &mut Array<'_>) {
    let before = list.len();
    let results = hosted_results(turn);
    let thinks = |p: &&Part| matches!(p.kind, PartKind::Thinking { .. } | PartKind::RedactedThinking { .. });
    let (first, then): (Vec<&Part>, Vec<&Part>) = turn.parts.iter().partition(thinks);
    let count = turn.parts.len();
    for (at, part) in first.into_iter().chain(then).enumerate() {
        let mark = turn.extra.get("cache_control").filter(|_| at + 1 == count);
        match &part.kind {
            PartKind::Text { .. } if is_blank(part) => {
                text_block(PLACEHOLDER, part.cache_control.as_ref().or(mark), list);
            }
            PartKind::Text { text, .. } if last && at + 1 == count => {
                // a reply is continued from here: the upstream refuses white space at its end
                text_block(text.trim_end(), part.cache_control.as_ref().or(mark), list);
            }
            PartKind::ToolCall(call) => {
                if !calls.insert(&call.id) && !call.id.is_empty() {
                    continue;
                }
                match results.get(&call.id) {
                    Some(result) => {
                        let mut o = Object::open(list.item());
                        o.str("type", "server_tool_use");
                        o.str("id", &call.id);
                        o.str("name", &call.name);
                        o.raw("input", &input(&call.arguments));
                        o.close();
                        list.item().put_slice(result.get().as_bytes());
                    }
                    None => drop(list.item_if(|out| blocks.part(part, mark, out))),
                }
            }
            _ => drop(list.item_if(|out| blocks.part(part, mark, out))),
        }
    }
    let said_nothing = list.len() == before && turn.parts.iter().all(is_blank);
    if said_nothing && !turn.parts.is_empty() {
        text_block(PLACEHOLDER, None, list);
    }
}

/// Results of tools that the provider ran, as chat clients send them back: `provider_specific_fields` of the message.
fn hosted_results(turn: &Turn) -> HashMap<String, &RawValue> {
    let mut out = HashMap::new();
    let hosted = |p: &Part| matches!(&p.kind, PartKind::ToolCall(c) if c.id.starts_with("srvtoolu_"));
    if !turn.parts.iter().any(hosted) {
        return out;
    }
    let fields = turn.extra.get("provider_specific_fields").and_then(|f| f.read::<Top<'_>>().ok());
    let Some(fields) = fields else { return out };
    let lists = ["web_search_results", "tool_results"].into_iter().filter_map(|key| fields.read::<Vec<&RawValue>>(key));
    for block in lists.flatten() {
        let id = serde_json::from_str::<Top<'_>>(block.get())
            .ok()
            .and_then(|top| Some(top.str("tool_use_id")?.into_owned()));
        if let Some(id) = id {
            out.entry(id).or_insert(block);
        }
    }
    out
}

fn text_block(text: &str, mark: Option<&RawJson>, list: &mut Array<'_>) {
    let out = list.item();
    out.put_slice(br#"{"type":"text","text":"#);
    write_str(text, out);
    if let Some(mark) = mark {
        out.put_slice(br#","cache_control":"#);
        out.put_slice(mark.get().as_bytes());
    }
    out.put_u8(b'}');
}

fn flat_text(turn: &Turn) -> Option<&str> {
    match turn.parts.as_slice() {
        [only] if turn.flat && only.cache_control.is_none() => only.as_text(),
        _ => None,
    }
}

fn is_blank(part: &Part) -> bool {
    part.as_text().is_some_and(|t| t.trim().is_empty())
}
