//! Trying guardrails out on texts, outside of any call: those in force, and those that somebody is about to make.

use std::collections::BTreeSet;
use std::sync::Arc;

use bytes::Bytes;
use http::Response;
use llm_accounts::Identity;
use llm_guardrails::{CallContext, Direction, GuardrailConfig};
use llm_types::{Error, Json, Kind, Result};

use crate::body::Reply;
use crate::core::Core;
use crate::models::answer;
use crate::snapshot::Snapshot;

/// Inputs of one call at the most, and texts of one input.
const INPUTS: usize = 100;
/// Guardrails of one call at the most.
const GUARDRAILS: usize = 50;
/// Words of a file that are told to be wrong at the most.
const WRONG: usize = 100;

fn list<'j>(body: &'j Json, name: &'static str, most: usize) -> Result<&'j [Json]> {
    let field = body.get(name).filter(|field| !field.is_null());
    let Some(field) = field else { return Ok(&[]) };
    let wrong = |why: String| Error::bad_request(why).with_param(name);
    let items = field.as_array().ok_or_else(|| wrong(format!("{name} must be a list")))?;
    if items.len() > most {
        return Err(wrong(format!("{name} may have {most} entries")));
    }
    Ok(items)
}

fn names<'j>(body: &'j Json, name: &'static str) -> Result<Vec<&'j str>> {
    let wrong = || Error::bad_request(format!("{name} must be a list of names")).with_param(name);
    list(body, name, GUARDRAILS)?.iter().map(|item| item.as_str().ok_or_else(wrong)).collect()
}

/// `POST /utils/test_policies_and_guardrails`: each input under the guardrails that are named and those of the policies that are.
/// What one of them stops is told, and the others go on.
///
/// # Errors
/// 400 for a body that cannot be understood, for more than is looked at at once and for `agent_id`: no model is called here. 404
/// for a policy or a guardrail that is not there.
pub(super) async fn inputs(
    core: &Core,
    snapshot: &Snapshot,
    who: Option<&Arc<Identity>>,
    body: &Bytes,
) -> Result<Response<Reply>> {
    let asked = crate::read::json(body)?;
    if asked.get("agent_id").is_some_and(|id| !id.is_null()) {
        let why = "agent_id is not served: this call looks at inputs and calls no model";
        return Err(Error::bad_request(why).with_param("agent_id"));
    }
    let direction = direction(&asked)?;
    let mut wanted: BTreeSet<String> = names(&asked, "guardrail_names")?.into_iter().map(str::to_owned).collect();
    for name in names(&asked, "policy_names")? {
        let missing = || Error::new(Kind::NotFound, format!("Policy '{name}' not found")).with_param("policy_names");
        wanted.extend(snapshot.policies.resolved(name).ok_or_else(missing)?);
    }
    if let Some(name) = wanted.iter().find(|name| !snapshot.guardrails.names().any(|known| known == **name)) {
        let why = format!("Guardrail '{name}' not found");
        return Err(Error::new(Kind::NotFound, why).with_param("guardrail_names"));
    }
    let caller = who.map(|who| who.caller()).unwrap_or_default();
    let call = CallContext::new("", "", &caller).through(&core.wire);
    let mut results = Vec::new();
    for input in list(&asked, "inputs_list", INPUTS)? {
        let mut texts: Vec<String> = list(input, "texts", INPUTS)?
            .iter()
            .map(|text| text.as_str().map(str::to_owned).ok_or_else(|| Error::bad_request("texts must be texts")))
            .collect::<Result<_>>()?;
        let mut errors = Vec::new();
        for name in &wanted {
            if let Err(error) = judge(snapshot, name, direction, &mut texts, &call).await {
                errors.push(Json::object([("guardrail_name", name.as_str()), ("message", error.message.as_str())]));
            }
        }
        let mut after = input.clone();
        after.set("texts", Json::Array(texts.into_iter().map(Json::from).collect()));
        results.push(Json::object([("inputs", after), ("guardrail_errors", Json::Array(errors))]));
    }
    Ok(answer(&Json::object([("results", Json::Array(results))])))
}

/// Runs one guardrail on texts; they stay as they were where it stops one of them.
async fn judge(
    snapshot: &Snapshot,
    name: &str,
    direction: Direction,
    texts: &mut Vec<String>,
    call: &CallContext<'_>,
) -> Result<()> {
    let mut after = Vec::with_capacity(texts.len());
    for text in texts.iter() {
        let passed = snapshot.guardrails.apply(name, direction, text, call).await;
        after.push(passed.unwrap_or_else(|| Ok(text.clone()))?);
    }
    *texts = after;
    Ok(())
}

fn direction(asked: &Json) -> Result<Direction> {
    match asked.text("input_type") {
        None | Some("request") => Ok(Direction::Request),
        Some("response") => Ok(Direction::Response),
        Some(_) => Err(Error::bad_request("input_type is request or response").with_param("input_type")),
    }
}

/// What became of a text, from nothing to the worst.
const ACTIONS: [&str; 5] = ["passed", "unsupported", "error", "masked", "blocked"];

/// `POST /policy/templates/test`: a text under guardrails that nobody made yet; those that ask a service are not tried.
///
/// # Errors
/// 400 without a text, and for more guardrails than are tried at once.
pub(super) async fn definitions(who: Option<&Arc<Identity>>, body: &Bytes) -> Result<Response<Reply>> {
    let asked = crate::read::json(body)?;
    let text = asked.text("text").ok_or_else(|| Error::bad_request("text is missing").with_param("text"))?;
    let caller = who.map(|who| who.caller()).unwrap_or_default();
    let call = CallContext::new("", "", &caller);
    let mut results = Vec::new();
    let mut worst = 0;
    for definition in list(&asked, "guardrail_definitions", GUARDRAILS)? {
        let name = definition.text("guardrail_name").unwrap_or("unknown");
        let (action, output, details) = tried(definition, name, text, &call).await;
        worst = worst.max(ACTIONS.iter().position(|known| *known == action).unwrap_or_default());
        results.push(Json::object([
            ("guardrail_name", name),
            ("action", action),
            ("output_text", output.as_str()),
            ("details", details.as_str()),
        ]));
    }
    let overall = ACTIONS.get(worst).copied().unwrap_or_default();
    Ok(answer(&Json::object([("overall_action", Json::from(overall)), ("results", Json::Array(results))])))
}

async fn tried(definition: &Json, name: &str, text: &str, call: &CallContext<'_>) -> (&'static str, String, String) {
    let kind = definition.get("litellm_params").and_then(|params| params.text("guardrail")).unwrap_or_default();
    if !["litellm_content_filter", "custom_regex"].contains(&kind) {
        let why = format!("Preview not available for guardrail type: {kind}");
        return ("unsupported", text.to_owned(), why);
    }
    let config: std::result::Result<GuardrailConfig, _> = definition.to_raw().read();
    let (set, problems) = match &config {
        Ok(config) => llm_guardrails::build(std::slice::from_ref(config)),
        Err(error) => return ("error", text.to_owned(), error.to_string()),
    };
    if let Some(problem) = problems.iter().find(|problem| problem.fatal) {
        return ("error", text.to_owned(), problem.to_string());
    }
    match set.apply(name, Direction::Request, text, call).await {
        Some(Ok(passed)) if passed == text => ("passed", passed, "No issues detected".to_owned()),
        Some(Ok(passed)) => ("masked", passed, "Content was modified (masked)".to_owned()),
        Some(Err(error)) => ("blocked", String::new(), error.message),
        None => ("error", text.to_owned(), "The guardrail has no name".to_owned()),
    }
}

/// `POST /guardrails/validate_blocked_words_file`: whether a file of words can be used, and what is wrong with it.
///
/// # Errors
/// 400 for a body that is no JSON.
pub(super) fn words(body: &Bytes) -> Result<Response<Reply>> {
    let asked = crate::read::json(body)?;
    let text = asked.text("file_content").unwrap_or_default();
    let told = match of_file(text) {
        Ok(count) => Json::object([
            ("valid", Json::from(true)),
            ("message", Json::from(format!("Valid YAML file with {count} blocked word(s)"))),
        ]),
        Err(Wrong::File(why)) => Json::object([("valid", Json::from(false)), ("error", Json::from(why))]),
        Err(Wrong::Words(all)) => {
            let all = all.into_iter().map(Json::from).collect();
            Json::object([("valid", Json::from(false)), ("errors", Json::Array(all))])
        }
    };
    Ok(answer(&told))
}

enum Wrong {
    File(String),
    Words(Vec<String>),
}

fn of_file(text: &str) -> std::result::Result<usize, Wrong> {
    if text.is_empty() {
        return Err(Wrong::File("No file content provided".to_owned()));
    }
    let file = crate::config::yaml_json(text).map_err(|why| Wrong::File(format!("Invalid YAML syntax: {why}")))?;
    let Some(list) = file.get("blocked_words") else {
        return Err(Wrong::File("Invalid format: file must contain 'blocked_words' key with a list".to_owned()));
    };
    let Some(words) = list.as_array() else {
        return Err(Wrong::File("'blocked_words' must be a list".to_owned()));
    };
    let wrong: Vec<String> = words.iter().enumerate().flat_map(|(at, word)| of_word(at, word)).take(WRONG).collect();
    if wrong.is_empty() { Ok(words.len()) } else { Err(Wrong::Words(wrong)) }
}

fn of_word(at: usize, word: &Json) -> Vec<String> {
    if word.as_object().is_none() {
        return vec![format!("Entry {at}: must be an object")];
    }
    let mut out = Vec::new();
    match word.get("keyword") {
        None => out.push(format!("Entry {at}: missing 'keyword' field")),
        Some(keyword) if keyword.as_str().is_none() => out.push(format!("Entry {at}: 'keyword' must be a string")),
        Some(_) => {}
    }
    match word.get("action") {
        None => out.push(format!("Entry {at}: missing 'action' field")),
        Some(action) if !matches!(action.as_str(), Some("BLOCK" | "MASK")) => {
            let got = action.as_str().map_or_else(|| action.to_string(), str::to_owned);
            out.push(format!("Entry {at}: action must be 'BLOCK' or 'MASK', got '{got}'"));
        }
        Some(_) => {}
    }
    if word.get("description").is_some_and(|text| text.as_str().is_none()) {
        out.push(format!("Entry {at}: 'description' must be a string"));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_words_say_what_is_wrong_with_each() {
        let told = |text: &str| match of_file(text) {
            Ok(count) => count.to_string(),
            Err(Wrong::File(why)) => why,
            Err(Wrong::Words(all)) => all.join("; "),
        };
        assert_eq!(told("blocked_words:\n  - {keyword: a, action: BLOCK}\n  - {keyword: b, action: MASK}"), "2");
        assert_eq!(told(""), "No file content provided");
        assert_eq!(told("words: []"), "Invalid format: file must contain 'blocked_words' key with a list");
        assert_eq!(told("blocked_words: 7"), "'blocked_words' must be a list");
        assert!(told("a: [").starts_with("Invalid YAML syntax"));
        let wrong = "Entry 0: missing 'keyword' field; Entry 0: action must be 'BLOCK' or 'MASK', got 'x'; Entry 1: must be an object";
        assert_eq!(told("blocked_words:\n  - {action: x}\n  - word"), wrong);
    }
}
