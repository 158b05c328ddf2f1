//! What several languages ask of a conversation.

use std::borrow::Cow;

use llm_types::generate::{Part, PartKind, Role, Turn};

/// The texts of some parts, joined. Files that are texts count.
pub(crate) fn texts<'a>(parts: impl IntoIterator<Item = &'a Part>) -> String {
    parts.into_iter().filter_map(Part::as_text).collect()
}

/// The conversation for hosts that know neither developers nor marks for prompt caches: developers speak as the
/// system, marks are gone. Copied only where something changes.
pub(crate) fn unmarked(turns: &[Turn]) -> Cow<'_, [Turn]> {
    let marked = |part: &Part| part.cache_control.is_some() || inside(part).iter().any(|p| p.cache_control.is_some());
    let as_it_is = |turn: &Turn| {
        turn.role != Role::Developer && turn.extra.get("cache_control").is_none() && !turn.parts.iter().any(marked)
    };
    if turns.iter().all(as_it_is) {
        return Cow::Borrowed(turns);
    }
    let mut turns = turns.to_vec();
    for turn in &mut turns {
        if turn.role == Role::Developer {
            turn.role = Role::System;
        }
        turn.extra.remove("cache_control");
        for part in &mut turn.parts {
            part.cache_control = None;
            if let PartKind::ToolResult(result) = &mut part.kind {
                result.parts.iter_mut().for_each(|p| p.cache_control = None);
            }
        }
    }
    Cow::Owned(turns)
}

/// The parts inside a part: those of a tool's result.
fn inside(part: &Part) -> &[Part] {
    if let PartKind::ToolResult(result) = &part.kind { &result.parts } else { &[] }
}
