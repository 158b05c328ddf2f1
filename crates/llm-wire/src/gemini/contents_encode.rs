//! The conversation of another format as `contents` and `system_instruction`.
//!
//! Instructions are lifted out wherever they stand; turns of one side that follow each other become one content, answers
//! of functions one of their own.

use std::collections::HashMap;

use llm_types::generate::{GenerateRequest, Part, PartKind, Role, ToolResult, Turn};
use llm_types::{Error, Result};

use super::model::Model;
use super::part_encode::Parts;
use super::result_encode;
use super::tools_encode::lose;
use crate::codec::EncodeContext;
use crate::openai::object::{Arr, Obj};

/// Somebody says something.
enum Said<'a> {
    User(&'a Turn),
    Model(&'a Turn),
    /// A function answered.
    Result(&'a ToolResult),
}

/// Writes `contents` and `system_instruction`. Answers how closely pictures are to be looked at, where that is a matter
/// of the whole request.
pub(super) fn write<'r>(
    req: &'r GenerateRequest,
    model: Model,
    ctx: &mut EncodeContext<'_>,
    body: &mut Obj<'_>,
) -> Result<Option<&'static str>> {
    let lifted = |t: &&Turn| model.takes_system() && is_instruction(t);
    let (system, turns): (Vec<&'r Turn>, Vec<&'r Turn>) = req.turns.iter().partition(|t| lifted(t));
    let said: Vec<Said<'r>> = turns.iter().flat_map(|t| sayings(t)).collect();
    let called = called(&turns);
    let mut parts = Parts::new(model);
    let mut list = body.arr("contents");
    let mut wrote = false;
    let mut rest = said.as_slice();
    while let Some(first) = rest.first() {
        let same = rest.iter().take_while(|s| std::mem::discriminant(*s) == std::mem::discriminant(first)).count();
        let (run, after) = rest.split_at_checked(same).unwrap_or((rest, &[]));
        rest = after;
        wrote |= run_of(run, &called, &mut parts, &mut list)?;
    }
    if !wrote {
        let text = if system.is_empty() { " " } else { "." };
        content("user", &mut list, |parts| {
            parts.obj().str("text", text);
            Ok(())
        })?;
    }
    drop(list);
    parts.lost.iter().for_each(|name| lose(ctx, name));
    instructions(&system, body);
    Ok(parts.resolution())
}

/// The functions that were called, by the ids of the calls; of two with the same id the last one.
fn called<'r>(turns: &[&'r Turn]) -> HashMap<&'r str, &'r str> {
    let calls = turns.iter().flat_map(|t| &t.parts).filter_map(|p| match &p.kind {
        PartKind::ToolCall(call) if !call.id.is_empty() => Some((call.id.as_str(), call.name.as_str())),
        _ => None,
    });
    calls.collect()
}

/// True for instructions that are lifted out; an empty text stays where it is, as LiteLLM has it.
fn is_instruction(turn: &Turn) -> bool {
    let empty = turn.flat && turn.parts.iter().all(|p| p.as_text() == Some(""));
    matches!(turn.role, Role::System | Role::Developer) && !empty
}

/// What a turn amounts to: answers of functions stand before the rest of it.
fn sayings(turn: &Turn) -> Vec<Said<'_>> {
    if turn.role == Role::Assistant {
        return vec![Said::Model(turn)];
    }
    let result = |p: &'_ Part| matches!(p.kind, PartKind::ToolResult(_));
    let mut out: Vec<Said<'_>> = Vec::new();
    for part in &turn.parts {
        if let PartKind::ToolResult(answer) = &part.kind {
            out.push(Said::Result(answer));
        }
    }
    if turn.parts.iter().any(|p| !result(p)) || (out.is_empty() && turn.role != Role::Tool) {
        out.push(Said::User(turn));
    }
    out
}

/// Writes one content, or nothing when nothing was said.
fn run_of(run: &[Said<'_>], called: &HashMap<&str, &str>, parts: &mut Parts, list: &mut Arr<'_>) -> Result<bool> {
    match run.first() {
        Some(Said::Model(_)) => {
            let models: Vec<&Turn> =
                run.iter().filter_map(|s| if let Said::Model(t) = s { Some(*t) } else { None }).collect();
            let said = models.iter().any(|t| parts.says_anything(t));
            if said {
                content("model", list, |out| models.iter().try_for_each(|t| parts.assistant(t, out)))?;
            }
            Ok(said)
        }
        Some(Said::Result(_)) => {
            content("user", list, |out| {
                for said in run {
                    if let Said::Result(result) = said {
                        let name = called.get(result.call_id.as_str()).copied();
                        result_encode::write(result, name, parts.model(), &mut out.obj())?;
                    }
                }
                Ok(())
            })?;
            Ok(true)
        }
        _ => user(run, parts, list),
    }
}

/// A content without any text gets a blank one: Google refuses it otherwise.
fn user(run: &[Said<'_>], parts: &mut Parts, list: &mut Arr<'_>) -> Result<bool> {
    let turns = run.iter().filter_map(|s| if let Said::User(t) = s { Some(*t) } else { None });
    let all: Vec<(&Part, &Turn)> = turns.flat_map(|t| t.parts.iter().map(move |p| (p, t))).collect();
    let written: Vec<&Part> = all.iter().filter(|(p, t)| parts.is_said(p, t)).map(|(part, _)| *part).collect();
    if written.is_empty() {
        return Ok(false);
    }
    content("user", list, |out| {
        let mut text = false;
        for part in written {
            text |= part.as_text().is_some();
            parts.user(part, out)?;
        }
        if !text {
            out.obj().str("text", " ");
        }
        Ok(())
    })?;
    Ok(true)
}

fn content(role: &str, list: &mut Arr<'_>, parts: impl FnOnce(&mut Arr<'_>) -> Result<()>) -> Result<()> {
    let mut obj = list.obj();
    obj.str("role", role);
    parts(&mut obj.arr("parts"))
}

fn instructions(turns: &[&Turn], body: &mut Obj<'_>) {
    let texts: Vec<String> = turns
        .iter()
        .filter(|t| t.parts.iter().any(|p| p.as_text().is_some()))
        .map(|t| t.parts.iter().filter_map(Part::as_text).collect())
        .collect();
    if texts.is_empty() {
        return;
    }
    let mut system = body.obj("system_instruction");
    let mut parts = system.arr("parts");
    texts.iter().for_each(|text| parts.obj().str("text", text)); // one for each turn, as LiteLLM has it
}

/// The call that a function's answer belongs to is not there.
pub(super) fn orphan(call_id: &str) -> Error {
    Error::bad_request(format!(
        "Missing corresponding tool call for tool response message. Received - tool_call_id={call_id}"
    ))
    .with_param("messages")
}
