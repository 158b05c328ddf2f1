//! Histories whose tool calls and results do not match, made acceptable. Only done where messages may be modified.

use std::borrow::Cow;
use std::collections::HashMap;

use llm_types::generate::{Part, PartKind, Role, ToolResult, Turn};

/// Gives every call of the assistant one result right behind it: missing ones are made up, orphans and all but the
/// last of several results are left out.
pub(super) fn repaired(turns: &[Turn]) -> Cow<'_, [Turn]> {
    if !turns.iter().flat_map(|t| &t.parts).any(|p| matches!(p.kind, PartKind::ToolCall(_) | PartKind::ToolResult(_))) {
        return Cow::Borrowed(turns);
    }
    let mut out = Vec::with_capacity(turns.len() + 1);
    let mut rest = turns;
    while let Some((turn, after)) = rest.split_first() {
        rest = after;
        if turn.role != Role::Assistant {
            let kept: Vec<Part> = turn.parts.iter().filter(|p| result(p).is_none()).cloned().collect();
            if !kept.is_empty() || turn.parts.is_empty() {
                out.push(Turn { parts: kept, ..turn.clone() });
            }
            continue;
        }
        out.push(turn.clone());
        let answers = rest.iter().take_while(|t| t.role != Role::Assistant).count();
        let (behind, _) = rest.split_at_checked(answers).unwrap_or((rest, &[]));
        // Of several results the last one counts.
        let given: HashMap<&str, &Part> =
            behind.iter().flat_map(|t| &t.parts).filter_map(|p| Some((result(p)?.call_id.as_str(), p))).collect();
        let results: Vec<Part> = calls(turn).map(|(id, name)| answer(given.get(id).copied(), id, name)).collect();
        if !results.is_empty() {
            out.push(Turn::of(Role::Tool, results));
        }
    }
    Cow::Owned(out)
}

fn calls(turn: &Turn) -> impl Iterator<Item = (&str, &str)> {
    turn.parts.iter().filter_map(|p| match &p.kind {
        PartKind::ToolCall(c) => Some((c.id.as_str(), c.name.as_str())),
        _ => None,
    })
}

fn result(part: &Part) -> Option<&ToolResult> {
    if let PartKind::ToolResult(r) = &part.kind { Some(r) } else { None }
}

fn answer(given: Option<&Part>, id: &str, name: &str) -> Part {
    given.cloned().unwrap_or_else(|| {
        let text =
            format!("[System: Tool execution skipped/interrupted by user. No result provided for tool '{name}'.]");
        Part::new(PartKind::ToolResult(ToolResult {
            call_id: id.to_owned(),
            name: Some(name.to_owned()),
            parts: vec![Part::text(text)],
            flat: true,
            is_error: None,
        }))
    })
}
