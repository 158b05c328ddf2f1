//! Requests of this format's clients. Google takes field names in camel case and in snake case; so do we.

use llm_types::generate::{GenerateRequest, Role, Turn};
use llm_types::json::raw_str;
use llm_types::{Error, Extra, RawJson, Result};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::contents_decode::{contents, is_one_text};
use super::part_decode::parts;
use super::tools_decode::{tool_config, tools};
use super::{FORMAT, config_decode};
use crate::codec::RequestView;
use crate::top::Top;

/// Reads a request. The path tells the model and whether a stream is wanted, where it is known.
pub(super) fn decode(view: &RequestView<'_>) -> Result<GenerateRequest> {
    let top = Top::parse(view.body)?;
    let mut req = GenerateRequest { extra: Extra::new(FORMAT), ..GenerateRequest::default() };
    req.model = model_of(view.path);
    req.stream = view.path.contains("streamGenerateContent");
    if let Some(raw) = get(&top, "systemInstruction") {
        req.turns.push(instructions(raw)?);
    }
    let raw = get(&top, "contents").ok_or_else(|| bad("contents", "Field required"))?;
    contents(raw, &mut req.turns)?;
    if let Some(raw) = get(&top, "tools") {
        req.tools = tools(raw)?;
    }
    if let Some(raw) = get(&top, "generationConfig") {
        config_decode::decode(raw, &mut req)?;
    }
    for (key, value) in top.iter().filter(|(_, v)| *v != "null") {
        match () {
            () if is(key, "toolConfig") => tool_config(value, &mut req)?,
            () if is(key, "serviceTier") => {
                req.service_tier = raw_str(value).map(|word| tier(&word).to_owned());
                req.extra.push(FORMAT, key, raw_json(value));
            }
            () if key == "model" => req.model = raw_str(value).map(|m| bare(&m).to_owned()).unwrap_or_default(),
            () if ["systemInstruction", "contents", "tools", "generationConfig"].iter().any(|k| is(key, k)) => {}
            () => req.extra.push(FORMAT, key, raw_json(value)),
        }
    }
    Ok(req)
}

/// OpenAI's word for a tier.
fn tier(word: &str) -> &str {
    match word {
        "standard" | "STANDARD" | "SERVICE_TIER_STANDARD" => "default",
        "priority" | "PRIORITY" | "SERVICE_TIER_PRIORITY" => "priority",
        "flex" | "FLEX" | "SERVICE_TIER_FLEX" => "flex",
        other => other,
    }
}

/// The model between `models/` and the verb.
fn model_of(path: &str) -> String {
    let name = path.rsplit_once("/models/").map(|(_, tail)| tail).unwrap_or_default();
    let verbs = [":", "%3A", "%3a"];
    let end = verbs.iter().filter_map(|v| name.rfind(v)).max().unwrap_or(name.len());
    name.get(..end).unwrap_or(name).to_owned()
}

fn bare(model: &str) -> &str {
    model.strip_prefix("models/").unwrap_or(model)
}

/// `systemInstruction`: a content, or (from careless clients) a text.
fn instructions(raw: &str) -> Result<Turn> {
    const PATH: &str = "systemInstruction";
    if let Some(text) = raw_str(raw) {
        return Ok(Turn::text(Role::System, text));
    }
    let top: Top<'_> = read(raw, PATH)?;
    let list = get(&top, "parts").ok_or_else(|| bad("systemInstruction.parts", "Field required"))?;
    let mut extra = Extra::new(FORMAT);
    rest(&top, &["parts"], "", &mut extra);
    let parts = parts(list, PATH)?;
    Ok(Turn { extra, flat: is_one_text(&parts), ..Turn::of(Role::System, parts) })
}

/// True for a field's name in either spelling; `name` is the one in camel case.
pub(super) fn is(key: &str, name: &str) -> bool {
    let letters = key.bytes().filter(|b| *b != b'_').map(|b| b.to_ascii_lowercase());
    letters.eq(name.bytes().map(|b| b.to_ascii_lowercase()))
}

/// The raw text of a field in either spelling; nothing for null.
pub(super) fn get<'a>(top: &Top<'a>, name: &str) -> Option<&'a str> {
    top.iter().filter(|(key, _)| is(key, name)).map(|(_, value)| value).last().filter(|v| *v != "null")
}

/// The content of a string field in either spelling.
pub(super) fn str(top: &Top<'_>, name: &str) -> Option<String> {
    get(top, name).and_then(raw_str).map(Into::into)
}

/// Keeps the fields that are not in `known`, with `prefix` before their names.
pub(super) fn rest(top: &Top<'_>, known: &[&str], prefix: &str, extra: &mut Extra) {
    for (key, value) in top.iter() {
        if value != "null" && !known.iter().any(|k| is(key, k)) {
            extra.push(FORMAT, format!("{prefix}{key}"), raw_json(value));
        }
    }
}

/// A value that is a list; one alone counts as a list of one.
pub(super) fn list<'a>(raw: &'a str, path: &str) -> Result<Vec<&'a RawValue>> {
    if raw.starts_with('{') { Ok(vec![read(raw, path)?]) } else { read(raw, path) }
}

pub(super) fn read<'a, T: Deserialize<'a>>(raw: &'a str, path: &str) -> Result<T> {
    serde_json::from_str(raw).map_err(|e| bad(path, e))
}

/// JSON text that a parser has seen already.
pub(super) fn raw_json(text: &str) -> RawJson {
    RawJson::parse(text).unwrap_or_default()
}

/// A request that makes no sense at `param`.
pub(super) fn bad(param: &str, why: impl std::fmt::Display) -> Error {
    Error::bad_request(format!("{param}: {why}")).with_param(param)
}
