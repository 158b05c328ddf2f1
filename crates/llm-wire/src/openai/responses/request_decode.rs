//! Requests of Responses clients.

use llm_types::generate::{GenerateRequest, Reasoning, Role, Turn};
use llm_types::json::raw_str;
use llm_types::{Error, Extra, RawJson, Result};
use serde_json::Number;
use serde_json::value::RawValue;

use super::content_decode::keep;
use super::item_decode::{self, Item};
use super::{FORMAT, REASONING, tools_decode};
use crate::openai::chat::{invalid, missing, problem};
use crate::openai::wire::{Str, view};
use crate::top::Top;

view!(strict RequestIn {
    model = "model": Option<Str<'a>>,
    input = "input": Option<&'a RawValue>,
    instructions = "instructions": Option<&'a RawValue>,
    tools = "tools": Option<Vec<&'a RawValue>>,
    tool_choice = "tool_choice": Option<&'a RawValue>,
    parallel_tool_calls = "parallel_tool_calls": Option<bool>,
    max_output_tokens = "max_output_tokens": Option<Number>,
    temperature = "temperature": Option<Number>,
    top_p = "top_p": Option<Number>,
    top_logprobs = "top_logprobs": Option<Number>,
    reasoning = "reasoning": Option<ReasoningIn<'a>>,
    text = "text": Option<&'a RawValue>,
    stream = "stream": Option<bool>,
    user = "user": Option<Str<'a>>,
    metadata = "metadata": Option<&'a RawValue>,
    service_tier = "service_tier": Option<Str<'a>>,
});

view!(strict ReasoningIn {
    effort = "effort": Option<Str<'a>>,
    summary = "summary": Option<Str<'a>>,
});

/// Reads a request.
pub(crate) fn decode(body: &[u8]) -> Result<GenerateRequest> {
    let view: RequestIn<'_> = serde_json::from_slice(body).map_err(|e| diagnose(body, &e))?;
    let mut extra = Extra::new(FORMAT);
    let own = |s: Option<Str<'_>>| s.map(|s| s.0.into_owned());
    // a stored prompt, an earlier answer or a conversation may stand for the input
    let elsewhere = |key: &str| matches!(key, "prompt" | "previous_response_id" | "conversation");
    let needs_input = !view.rest.iter().any(|(key, _)| elsewhere(key));
    keep(view.rest, "", &mut extra);
    let mut out = GenerateRequest { extra, ..GenerateRequest::default() };
    if let Some(raw) = view.instructions {
        instructions(raw, &mut out.turns)?;
    }
    match view.input {
        Some(raw) => input(raw, &mut out.turns)?,
        None if needs_input => return Err(missing("input")),
        None => {}
    }
    out.model = own(view.model).unwrap_or_default();
    out.tools = tools_decode::tools(view.tools.unwrap_or_default())?;
    out.tool_choice = view.tool_choice.map(tools_decode::tool_choice);
    out.parallel_tool_calls = view.parallel_tool_calls;
    out.max_output_tokens = view.max_output_tokens;
    out.sampling.temperature = view.temperature;
    out.sampling.top_p = view.top_p;
    out.sampling.top_logprobs = view.top_logprobs;
    if let Some(given) = view.reasoning {
        out.reasoning = Reasoning { effort: own(given.effort), summary: own(given.summary), ..Reasoning::default() };
        keep(given.rest, REASONING, &mut out.extra);
    }
    if let Some(raw) = view.text {
        tools_decode::text(raw, &mut out)?;
    }
    out.stream = view.stream.unwrap_or(false);
    out.user = own(view.user);
    out.metadata = view.metadata.map(RawJson::borrowed);
    out.service_tier = own(view.service_tier);
    Ok(out)
}

/// Finds the field that made the whole body unreadable.
fn diagnose(body: &[u8], error: &serde_json::Error) -> Error {
    let top = match Top::parse(body) {
        Ok(top) => top,
        Err(e) => return e,
    };
    for (key, raw) in top.iter() {
        let one = format!("{{{}:{raw}}}", RawJson::string(key).get());
        if let Err(e) = serde_json::from_str::<RequestIn<'_>>(&one) {
            return invalid(key, problem(&e));
        }
    }
    invalid("request_body", problem(error))
}

/// A text, or (from stored answers that are sent again) items.
fn instructions(raw: &RawValue, turns: &mut Vec<Turn>) -> Result<()> {
    match raw_str(raw.get()) {
        Some(text) => {
            turns.push(Turn::text(Role::System, text));
            Ok(())
        }
        None => items(raw, "instructions", turns),
    }
}

fn input(raw: &RawValue, turns: &mut Vec<Turn>) -> Result<()> {
    match raw_str(raw.get()) {
        Some(text) => {
            turns.push(Turn::text(Role::User, text));
            Ok(())
        }
        None => items(raw, "input", turns),
    }
}

fn items(raw: &RawValue, path: &str, turns: &mut Vec<Turn>) -> Result<()> {
    let list: Vec<&RawValue> =
        serde_json::from_str(raw.get()).map_err(|_| invalid(path, "expected a string or a list of items"))?;
    turns.reserve(list.len());
    for (at, raw) in list.into_iter().enumerate() {
        let path = format!("{path}[{at}]");
        check(raw, &path)?;
        let item = item_decode::item(raw, false).ok_or_else(|| {
            let known = "one of user, assistant, system, developer";
            invalid(&format!("{path}.role"), format!("expected {known}"))
        })?;
        add(item, turns);
    }
    Ok(())
}

/// What the lenient reader would pass over.
fn check(raw: &RawValue, path: &str) -> Result<()> {
    let top: Top<'_> = serde_json::from_str(raw.get()).map_err(|_| invalid(path, "expected an object"))?;
    let kind = top.get("type").map_or(Some("message".into()), raw_str);
    let Some(kind) = kind else { return Err(invalid(&format!("{path}.type"), "expected a string")) };
    let text_or_list = |key: &str| match top.get(key) {
        Some(value) if value == "null" || value.starts_with(['"', '[']) => Ok(()),
        Some(_) => Err(invalid(&format!("{path}.{key}"), "expected a string or a list")),
        None => Err(missing(&format!("{path}.{key}"))),
    };
    let text = |key: &str| match top.get(key) {
        Some(value) if value.starts_with('"') => Ok(()),
        Some(_) => Err(invalid(&format!("{path}.{key}"), "expected a string")),
        None => Err(missing(&format!("{path}.{key}"))),
    };
    match &*kind {
        "message" => text_or_list("content"),
        "function_call" => ["call_id", "name", "arguments"].into_iter().try_for_each(text),
        "function_call_output" => {
            let object = top.get("output").is_some_and(|o| o.starts_with('{'));
            text("call_id").and_then(|()| if object { Ok(()) } else { text_or_list("output") })
        }
        _ => Ok(()),
    }
}

/// Adds an item: to the assistant's last turn where it belongs to the same answer, else as a turn of its own.
fn add(item: Item, turns: &mut Vec<Turn>) {
    if let Some(last) = turns.last_mut()
        && item.role == Role::Assistant
        && last.role == Role::Assistant
        && last.extra.format() == Some(FORMAT)
        && !(item.message && last.parts.iter().any(super::content_encode::is_content))
    {
        last.flat |= item.flat;
        last.parts.extend(item.parts);
        return;
    }
    turns.push(Turn { role: item.role, parts: item.parts, flat: item.flat, name: None, extra: Extra::new(FORMAT) });
}
