//! Turns to `system` and `messages`.

use bytes::{BufMut, BytesMut};
use llm_types::generate::{Part, PartKind, Role, Turn};
use llm_types::{Error, Result};

use super::block_encode::Blocks;
use crate::anthropic::OPERATOR_NOTE;
use crate::codec::EncodeContext;
use crate::openai::object::{Arr, Obj};

/// Stands in for a user's words: a conversation must begin with some.
const CONTINUE: &str = "Please continue.";
/// A document wants a text beside it.
const BESIDE_DOCUMENT: &str = ".";

/// Writes `system` from the leading instructions, when there are any.
pub(super) fn write_system(turns: &[Turn], blocks: &mut Blocks, body: &mut Obj<'_>) {
    let said = |p: &Part| p.as_text().is_some_and(|t| !t.trim().is_empty());
    if !turns.iter().flat_map(|t| &t.parts).any(said) {
        return;
    }
    let mut list = body.arr("system");
    for turn in turns {
        let count = turn.parts.len();
        for (at, part) in turn.parts.iter().enumerate() {
            let Some(text) = part.as_text().filter(|t| !t.trim().is_empty()) else {
                if part.as_text().is_none() {
                    blocks.lose("content");
                }
                continue;
            };
            list.obj().str("text", text);
            let mark = turn.extra.get("cache_control").filter(|_| at + 1 == count);
            blocks.cache_point(part.cache_control.as_ref().or(mark), &mut list);
        }
    }
}

/// Writes the list of messages: sides take turns, so that what follows each other on one side becomes one message.
pub(super) fn write_messages(
    turns: &[Turn],
    blocks: &mut Blocks,
    ctx: &EncodeContext<'_>,
    out: &mut BytesMut,
) -> Result<()> {
    if turns.is_empty() && !ctx.modify_params {
        return Err(Error::bad_request(
            "litellm.BadRequestError: bedrock requires at least one non-system message. Either provide one, or set \
             `litellm.modify_params = True` // `litellm_settings::modify_params: True` to add the dummy user message \
             - {'role': 'user', 'content': 'Please continue.'}.",
        ));
    }
    let guarded = std::mem::take(&mut blocks.guarded);
    let mut list = Arr::open(out);
    if ctx.modify_params && turns.first().is_none_or(|t| t.role == Role::Assistant) {
        let mut message = list.obj();
        message.str("role", "user");
        message.arr("content").obj().str("text", CONTINUE);
    }
    let mut pending: Option<(bool, BytesMut)> = None;
    let mut rest = turns;
    while let Some(first) = rest.first() {
        let assistant = first.role == Role::Assistant;
        let same = rest.iter().take_while(|t| (t.role == Role::Assistant) == assistant).count();
        let (group, after) = rest.split_at_checked(same).unwrap_or((rest, &[]));
        rest = after;
        // guardrails judge what the user said last
        blocks.guarded = guarded && rest.is_empty() && !assistant;
        let content = content(group, assistant, blocks)?;
        pending = match pending {
            _ if content.len() <= 2 => pending, // a turn without anything that could be said
            Some((side, mut before)) if side == assistant => {
                before.truncate(before.len() - 1);
                before.put_u8(b',');
                before.extend_from_slice(content.get(1..).unwrap_or_default());
                Some((side, before))
            }
            before => {
                write_message(before, &mut list);
                Some((assistant, content))
            }
        };
    }
    write_message(pending, &mut list);
    Ok(())
}

fn write_message(message: Option<(bool, BytesMut)>, list: &mut Arr<'_>) {
    if let Some((assistant, content)) = message {
        let mut message = list.obj();
        message.str("role", if assistant { "assistant" } else { "user" });
        message.key("content").extend_from_slice(&content);
    }
}

/// The list of blocks of a message.
fn content(group: &[Turn], assistant: bool, blocks: &mut Blocks) -> Result<BytesMut> {
    let mut content = BytesMut::new();
    blocks.begin();
    {
        let mut inner = Arr::open(&mut content);
        if assistant {
            group.iter().for_each(|turn| said(turn, blocks, &mut inner));
        } else {
            asked(group, blocks, &mut inner)?;
        }
    }
    Ok(content)
}

/// The user's side. Results of tools stand right behind the calls: instructions that came between wait.
fn asked(group: &[Turn], blocks: &mut Blocks, list: &mut Arr<'_>) -> Result<()> {
    let results = group.iter().rposition(|t| t.parts.iter().any(|p| matches!(p.kind, PartKind::ToolResult(_))));
    let waits = |at: usize, t: &Turn| is_instruction(t) && results.is_some_and(|last| at < last);
    for (at, turn) in group.iter().enumerate() {
        if !waits(at, turn) {
            write_turn(turn, blocks, list)?;
        }
        if results == Some(at) {
            for (_, turn) in group.iter().enumerate().filter(|(at, t)| waits(*at, t)) {
                write_turn(turn, blocks, list)?;
            }
        }
    }
    if blocks.has_document && !blocks.has_text {
        blocks.text(BESIDE_DOCUMENT, list);
    }
    Ok(())
}

fn write_turn(turn: &Turn, blocks: &mut Blocks, list: &mut Arr<'_>) -> Result<()> {
    if is_instruction(turn) && turn.parts.iter().any(|p| p.as_text().is_some_and(|t| !t.trim().is_empty())) {
        blocks.text(OPERATOR_NOTE, list);
    }
    let count = turn.parts.len();
    for (at, part) in turn.parts.iter().enumerate() {
        blocks.user(turn, part, at + 1 == count, list)?;
    }
    Ok(())
}

fn is_instruction(turn: &Turn) -> bool {
    matches!(turn.role, Role::System | Role::Developer)
}

/// The model's side: thoughts, then words, then calls.
fn said(turn: &Turn, blocks: &mut Blocks, list: &mut Arr<'_>) {
    let rank = |p: &Part| match p.kind {
        PartKind::Thinking { .. } | PartKind::RedactedThinking { .. } => 0,
        PartKind::ToolCall(_) => 2,
        _ => 1,
    };
    let last = turn.parts.len().saturating_sub(1);
    for wanted in 0..=2 {
        for (at, part) in turn.parts.iter().enumerate().filter(|(_, p)| rank(p) == wanted) {
            match &part.kind {
                PartKind::Text { text, .. } | PartKind::Refusal(text) => {
                    if !blocks.text(text, list) {
                        continue;
                    }
                }
                PartKind::ToolCall(call) if call.id.is_empty() => continue, // a legacy function, told by its result
                PartKind::ToolCall(call) => blocks.tool_use(call, list),
                PartKind::Thinking { .. } | PartKind::RedactedThinking { .. } => blocks.thought(part, list),
                _ => {
                    blocks.lose("content");
                    continue;
                }
            }
            let mark = turn.extra.get("cache_control").filter(|_| at == last);
            blocks.cache_point(part.cache_control.as_ref().or(mark), list);
        }
    }
}
