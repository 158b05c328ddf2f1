//! Managed prompts: a call names one (`prompt_id`) and gives its variables; the call's messages, and what the prompt says of
//! model and parameters, are filled in before anything else looks at it. So every check holds for what is really asked.
//!
//! | file | what |
//! |---|---|
//! | here | the prompts that are served, and filling a call |
//! | `dotprompt` | one prompt: head, template, messages |
//! | `render` | templates |

mod dotprompt;
mod render;

use bytes::Bytes;
use llm_accounts::{Identity, Permission};
use llm_types::{Error, Format, Json, Kind, OperationKind, RawJson, Result};
use llm_wire::top::Top;

pub use dotprompt::Dotprompt;

use crate::core::Core;
use crate::flow::Context;

/// The path that tries a prompt which is not kept.
pub const TRY_OUT: &str = "/prompts/test";

/// Fields of a call that are the gateway's.
const FIELDS: [&str; 5] = ["prompt_id", "prompt_variables", "prompt_label", "prompt_version", "prompt_environment"];

/// A prompt that is served.
#[derive(Debug, Clone)]
pub struct Prompt {
    /// Its id, without a version.
    pub id: String,
    /// Its version.
    pub version: i64,
    /// Its environment.
    pub environment: String,
    /// It lies in the database.
    pub stored: bool,
    /// What its entry says.
    pub params: Json,
    /// Callers choose the model.
    pub any_model: bool,
    /// The head's parameters do not count.
    pub no_parameters: bool,
    /// Head and template.
    pub template: Dotprompt,
}

/// The prompts that are served.
#[derive(Debug, Default)]
pub struct Templates(Vec<Prompt>);

impl Templates {
    /// Of these prompts.
    #[must_use]
    pub const fn new(prompts: Vec<Prompt>) -> Self {
        Self(prompts)
    }

    /// The prompts.
    pub fn iter(&self) -> impl Iterator<Item = &Prompt> {
        self.0.iter()
    }

    /// The prompt that a call means: this version, or the newest; in this environment, or the first one that serves.
    #[must_use]
    pub fn find(&self, id: &str, version: Option<i64>, environment: Option<&str>) -> Option<&Prompt> {
        let (base, own) = llm_accounts::prompt_version(id);
        let version = version.or(own);
        let all = || self.0.iter().filter(|prompt| prompt.id == base);
        let usual = || llm_accounts::serving_environment(all().map(|prompt| prompt.environment.as_str()));
        let environment = environment.or_else(usual)?;
        let served = all().filter(|prompt| prompt.environment == environment);
        match version {
            Some(version) => served.into_iter().find(|prompt| prompt.version == version),
            None => served.max_by_key(|prompt| prompt.version),
        }
    }
}

/// The body of a call that names a prompt, filled; nothing for calls that name none.
///
/// # Errors
/// 400 for a prompt that is not there and variables that do not fit, 403 for one that the caller may not use.
pub fn fill(core: &Core, ctx: &Context, who: &Identity, top: &Top<'_>) -> Result<Option<Bytes>> {
    if ctx.route == TRY_OUT {
        core.app.accounts.authorize(who, Permission::Admin, TRY_OUT, false)?;
        return tried(top).map(Some);
    }
    let templates = &ctx.snapshot.templates;
    let knows = matches!(ctx.format, Format::OpenAiChat | Format::OpenAiResponses);
    if templates.0.is_empty() || !knows || ctx.operation != OperationKind::Generate {
        return Ok(None);
    }
    let Some(raw) = top.get("prompt_id").filter(|raw| *raw != "null") else { return Ok(None) };
    let wrong = |why: String| Error::bad_request(why).with_param("prompt_id");
    let id = llm_types::json::raw_str(raw).ok_or_else(|| wrong("prompt_id is a text".to_owned()))?;
    let (base, _) = llm_accounts::prompt_version(&id);
    if !who.may_prompt(base) {
        let why = format!("This key may not use the prompt {base}");
        return Err(Error::new(Kind::PermissionDenied, why).with_param("prompt_id"));
    }
    let prompt = templates.find(&id, version(top)?, top.str("prompt_environment").as_deref());
    let prompt = prompt.ok_or_else(|| wrong(format!("Prompt {id} not found")))?;
    let made = prompt.template.messages(&variables(top)?)?;
    filled(ctx.format, prompt, &made, top).map(Some)
}

/// `prompt_version`: a whole number, also written as a text; other texts say nothing, as in LiteLLM.
fn version(top: &Top<'_>) -> Result<Option<i64>> {
    let Some(raw) = top.get("prompt_version").filter(|raw| *raw != "null") else { return Ok(None) };
    if let Some(text) = llm_types::json::raw_str(raw) {
        return Ok(text.parse().ok());
    }
    let wrong = |_| Error::bad_request("prompt_version is a whole number").with_param("prompt_version");
    serde_json::from_str(raw).map(Some).map_err(wrong)
}

fn variables(top: &Top<'_>) -> Result<Json> {
    let given: Json = top.read("prompt_variables").unwrap_or_default();
    match given {
        Json::Null | Json::Object(_) => Ok(given),
        _ => Err(Error::bad_request("prompt_variables is a map").with_param("prompt_variables")),
    }
}

/// The call with the prompt's messages before its own, the prompt's model and parameters in place of its own.
fn filled(format: Format, prompt: &Prompt, made: &[(&str, String)], top: &Top<'_>) -> Result<Bytes> {
    let field = if format == Format::OpenAiChat { "messages" } else { "input" };
    let own = own_turns(field, top.get(field))?;
    let turns = RawJson::parse(joined(made, &own)).map_err(|e| Error::internal(format!("a prompt: {e}")))?;
    let mut edits: Vec<(&str, Option<String>)> = FIELDS.into_iter().map(|name| (name, None)).collect();
    if !prompt.no_parameters {
        let set =
            prompt.template.parameters().filter(|(name, _)| name != "messages" && !FIELDS.contains(&name.as_str()));
        edits.extend(set.map(|(name, value)| (name.as_str(), Some(value.to_string()))));
    }
    let asked = top.str("model");
    let model = match prompt.template.model().filter(|_| !prompt.any_model) {
        Some(model) => Some(model),
        // What LiteLLM's users write before the model of such a call. tidy: provider-id
        None => asked.as_deref().and_then(|model| model.strip_prefix("dotprompt/")),
    };
    edits.extend(model.map(|model| ("model", Some(RawJson::string(model).get().to_owned()))));
    edits.push((field, Some(turns.get().to_owned())));
    let edits: Vec<_> = edits.iter().map(|(name, value)| (*name, value.as_deref())).collect();
    Ok(top.edited(&edits))
}

/// The items of a call's own turns, as text; empty without any.
fn own_turns(field: &'static str, raw: Option<&str>) -> Result<String> {
    let Some(raw) = raw.filter(|raw| *raw != "null") else { return Ok(String::new()) };
    if raw.starts_with('"') && field == "input" {
        return Ok(format!(r#"{{"role":"user","content":{raw}}}"#));
    }
    let items = raw.strip_prefix('[').and_then(|raw| raw.strip_suffix(']'));
    let wrong = || Error::bad_request(format!("{field} is a list")).with_param(field);
    items.map(|items| items.trim().to_owned()).ok_or_else(wrong)
}

fn joined(made: &[(&str, String)], own: &str) -> String {
    let turn =
        |(role, text): &(&str, String)| format!(r#"{{"role":"{role}","content":{}}}"#, RawJson::string(text).get());
    let mut turns: Vec<String> = made.iter().map(turn).collect();
    turns.extend((!own.is_empty()).then(|| own.to_owned()));
    format!("[{}]", turns.join(","))
}

/// `POST /prompts/test`: the call that a prompt makes, streamed.
fn tried(top: &Top<'_>) -> Result<Bytes> {
    let field = "dotprompt_content";
    let wrong = |why: String| Error::bad_request(why).with_param(field);
    let text = top.str(field).ok_or_else(|| wrong(format!("{field} is missing")))?;
    let template = Dotprompt::read(&text).map_err(wrong)?;
    let model = template.model().ok_or_else(|| wrong("Model is required in dotprompt metadata".to_owned()))?;
    let mut made = template.messages(&variables(top)?)?;
    if made.is_empty() {
        return Err(wrong("No messages found in rendered prompt".to_owned()));
    }
    let history = own_turns("conversation_history", top.get("conversation_history"))?;
    if !history.is_empty() {
        made.retain(|(role, _)| *role == "system");
    }
    let turns = joined(&made, &history);
    let turns = serde_json::from_str(&turns).map_err(|e| Error::internal(format!("a prompt: {e}")))?;
    let mut call = Json::Object(template.parameters().cloned().collect());
    call.set("model", model);
    call.set("messages", Json::Array(turns));
    call.set("stream", true);
    Ok(Bytes::from(call.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prompt(id: &str, version: i64, environment: &str) -> Prompt {
        Prompt {
            id: id.to_owned(),
            version,
            environment: environment.to_owned(),
            stored: true,
            params: Json::Null,
            any_model: false,
            no_parameters: false,
            template: Dotprompt::read("---\nmodel: m\ntemperature: 0.1\n---\nSystem: Be {{how}}.").unwrap(),
        }
    }

    #[test]
    fn the_newest_version_of_the_environment_that_serves() {
        let all = Templates::new(vec![
            prompt("a", 1, "development"),
            prompt("a", 9, "development"),
            prompt("a", 2, "staging"),
            prompt("b_very", 1, "x"),
        ]);
        let found =
            |id: &str, version, environment| all.find(id, version, environment).map(|p| (p.version, &*p.environment));
        assert_eq!(found("a", None, None), Some((2, "staging")));
        assert_eq!(found("a", None, Some("development")), Some((9, "development")));
        assert_eq!(found("a.v1", None, Some("development")), Some((1, "development")));
        assert_eq!(found("a", Some(1), None), None);
        assert_eq!(found("b_very", None, None), Some((1, "x")));
        assert_eq!(found("b", None, None), None);
    }

    #[test]
    fn the_call_is_filled() {
        let body = r#"{"model":"dotprompt/x","prompt_id":"a","prompt_variables":{"how":"\"kind\""},"messages":[{"role":"user","content":"hi"}],"temperature":1}"#;
        let top = Top::parse(body.as_bytes()).unwrap();
        let mut of = prompt("a", 1, "x");
        let made = of.template.messages(&variables(&top).unwrap()).unwrap();
        let out = filled(Format::OpenAiChat, &of, &made, &top).unwrap();
        assert_eq!(
            std::str::from_utf8(&out).unwrap(),
            r#"{"model":"m","messages":[{"role":"system","content":"Be \"kind\"."},{"role":"user","content":"hi"}],"temperature":0.1}"#
        );
        (of.any_model, of.no_parameters) = (true, true);
        let out = filled(
            Format::OpenAiResponses,
            &of,
            &made,
            &Top::parse(br#"{"model":"dotprompt/x","input":"hi"}"#).unwrap(),
        );
        assert_eq!(
            std::str::from_utf8(&out.unwrap()).unwrap(),
            r#"{"model":"x","input":[{"role":"system","content":"Be \"kind\"."},{"role":"user","content":"hi"}]}"#
        );
        assert!(filled(Format::OpenAiChat, &of, &made, &Top::parse(br#"{"messages":7}"#).unwrap()).is_err());
    }
}
