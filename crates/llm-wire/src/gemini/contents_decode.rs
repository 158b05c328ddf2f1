//! The conversation of a request.

use std::collections::{HashMap, VecDeque};

use llm_types::generate::{Part, PartKind, Role, Turn};
use llm_types::json::raw_str;
use llm_types::{Extra, Result};

use super::FORMAT;
use super::part_decode::parts;
use super::request_decode::{bad, get, list, read, rest, str};
use crate::top::Top;

/// Reads `contents` and adds the turns. Calls without ids get some, and so do the answers to them, by their names.
pub(super) fn contents(raw: &str, turns: &mut Vec<Turn>) -> Result<()> {
    if let Some(text) = raw_str(raw) {
        turns.push(Turn { extra: Extra::new(FORMAT), ..Turn::text(Role::User, text) });
        return Ok(());
    }
    let mut calls = Calls::default();
    for (at, content) in list(raw, "contents")?.into_iter().enumerate() {
        let path = format!("contents[{at}]");
        let mut turn = turn(content.get(), &path)?;
        turn.parts.iter_mut().for_each(|p| calls.name(p));
        turns.push(turn);
    }
    Ok(())
}

fn turn(raw: &str, path: &str) -> Result<Turn> {
    let top: Top<'_> = read(raw, path)?;
    let role = match str(&top, "role").as_deref() {
        Some("model" | "assistant") => Role::Assistant,
        Some("user" | "function" | "tool" | "") | None => Role::User,
        Some("system") => Role::System,
        Some(other) => {
            return Err(bad(&format!("{path}.role"), format!("'{other}' is not one of user, model, function")));
        }
    };
    let mut extra = Extra::new(FORMAT);
    rest(&top, &["role", "parts"], "", &mut extra);
    let parts = match get(&top, "parts") {
        Some(raw) => parts(raw, path)?,
        None => Vec::new(),
    };
    Ok(Turn { extra, flat: is_one_text(&parts), ..Turn::of(role, parts) })
}

/// One text, which other languages write as a bare string.
pub(super) fn is_one_text(parts: &[Part]) -> bool {
    matches!(parts, [one] if one.as_text().is_some() && one.extra.is_empty())
}

/// The calls so far that were not answered.
#[derive(Debug, Default)]
struct Calls {
    /// Ids, in order; nothing for those that were answered.
    open: Vec<Option<String>>,
    /// Where the calls of an id and of a name are, the first ones in front.
    by_id: HashMap<String, VecDeque<usize>>,
    by_name: HashMap<String, VecDeque<usize>>,
    count: usize,
}

impl Calls {
    fn name(&mut self, part: &mut Part) {
        match &mut part.kind {
            PartKind::ToolCall(call) => {
                if call.id.is_empty() {
                    call.id = format!("call_{}", self.count);
                }
                self.count += 1;
                self.by_id.entry(call.id.clone()).or_default().push_back(self.open.len());
                self.by_name.entry(call.name.clone()).or_default().push_back(self.open.len());
                self.open.push(Some(call.id.clone()));
            }
            PartKind::ToolResult(result) => {
                let places = match result.call_id.as_str() {
                    "" => result.name.as_ref().and_then(|name| self.by_name.get_mut(name)),
                    known => self.by_id.get_mut(known),
                };
                let open = &mut self.open;
                let first = |places: &mut VecDeque<usize>| {
                    std::iter::from_fn(|| places.pop_front()).find_map(|at| open.get_mut(at)?.take())
                };
                if let Some(id) = places.and_then(first) {
                    result.call_id = id;
                } else if result.call_id.is_empty() {
                    result.call_id = format!("call_{}", self.count);
                    self.count += 1;
                }
            }
            _ => {}
        }
    }
}
