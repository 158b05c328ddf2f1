//! Conversations that Claude, or a client, has summed up: a block `compaction` stands for everything before it.
//! <https://docs.claude.com/en/docs/build-with-claude/compaction>

use llm_types::Json;
use llm_types::generate::{Part, PartKind, Role, Turn};

use super::MESSAGES;

/// What stands before a summary.
const PREFIX: &str = "What was said before, summed up: ";

/// Leaves out what the last summary stands for; the summary becomes the beginning of the instructions. One without words
/// stands for nothing.
pub(super) fn go_on_from(turns: &mut Vec<Turn>) {
    let last = turns.iter().enumerate().rev().find_map(|(at, turn)| {
        let (part, text) = turn.parts.iter().enumerate().rev().find_map(|(at, part)| Some((at, summary(part)?)))?;
        Some((at, part, text))
    });
    let Some((at, part, text)) = last else { return };
    let first = turns.iter().position(|turn| turn.role != Role::System).unwrap_or(at);
    let question =
        turns.iter().take(at).rposition(|turn| turn.role == Role::User).and_then(|at| turns.get(at).cloned());
    if let Some(turn) = turns.get_mut(at) {
        turn.parts.drain(..=part);
    }
    let mut rest = turns.split_off(at);
    rest.retain(|turn| !turn.parts.is_empty());
    turns.truncate(first);
    if !rest.iter().any(|turn| turn.role == Role::User) {
        rest.splice(0..0, question); // somebody has to ask something
    }
    instruct(turns, &text);
    turns.append(&mut rest);
}

fn summary(part: &Part) -> Option<String> {
    let PartKind::Opaque { format: MESSAGES, json } = &part.kind else { return None };
    let block = json.read::<Json>().ok()?;
    (block.text("type") == Some("compaction")).then_some(())?;
    block.text("content").filter(|text| !text.trim().is_empty()).map(str::to_owned)
}

/// Puts the summary before the instructions.
fn instruct(turns: &mut Vec<Turn>, summary: &str) {
    let parts = turns.first_mut().map(|turn| &mut turn.parts);
    match parts.and_then(|parts| {
        parts.iter_mut().find_map(|part| match &mut part.kind {
            PartKind::Text { text, .. } => Some(text),
            _ => None,
        })
    }) {
        Some(text) => text.insert_str(0, &format!("{PREFIX}{summary}\n\n")),
        None => turns.insert(0, Turn::text(Role::System, format!("{PREFIX}{summary}"))),
    }
}
