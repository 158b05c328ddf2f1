//! The conversation of a request.

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

/// The calls so far that were not answered: id and name.
#[derive(Debug, Default)]
struct Calls {
    open: Vec<(String, String)>,
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
                self.open.push((call.id.clone(), call.name.clone()));
            }
            PartKind::ToolResult(result) => {
                let of = |(id, name): &(String, String)| match result.call_id.as_str() {
                    "" => result.name.as_ref() == Some(name),
                    known => known == id,
                };
                if let Some(at) = self.open.iter().position(of) {
                    result.call_id = self.open.remove(at).0;
                } else if result.call_id.is_empty() {
                    result.call_id = format!("call_{}", self.count);
                    self.count += 1;
                }
            }
            _ => {}
        }
    }
}
