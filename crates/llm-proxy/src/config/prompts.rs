//! `prompts` → the managed prompts. One of the file that cannot be served is an error; one of the database is left out with
//! a warning, so that one bad row does not take the others along.

use std::path::Path;

use llm_accounts::{PROMPT_ENVIRONMENT, Stored};
use llm_types::Json;

use super::Context;
use super::callbacks::refuse;
use super::node::Node;
use super::problem::Mark;
use super::section::Section;
use crate::templates::{Dotprompt, Prompt};

/// Ends the problems of prompts that are left out.
pub(super) const NOT_SERVED: &str = "the prompt is not served";

/// The integration that is served.
// A kind of prompt. tidy: provider-id
const DOTPROMPT: &str = "dotprompt";
/// Largest file of a prompt, in bytes.
const LARGEST: u64 = 1 << 20;

/// The prompts of the file.
pub(super) fn read(top: &Section<'_>, ctx: &Context<'_>) -> Vec<Prompt> {
    let list = top.list("prompts").iter().enumerate();
    list.filter_map(|(at, item)| one(item, Section::open(item, format!("prompts[{at}]"), ctx.problems)?, ctx)).collect()
}

fn one(item: &Node, entry: Section<'_>, ctx: &Context<'_>) -> Option<Prompt> {
    let id = entry.text("prompt_id").filter(|id| !id.is_empty());
    let Some(id) = id else {
        entry.error("prompt_id", "a prompt needs a prompt_id");
        return None;
    };
    let Some(params) = entry.section("litellm_params") else {
        entry.error("litellm_params", "a prompt needs litellm_params");
        return None;
    };
    entry.accept("prompt_info");
    entry.finish();
    let json = item.json();
    let given = json.get("litellm_params").cloned().unwrap_or_default();
    let integration = given.text("prompt_integration").unwrap_or_default();
    if integration != DOTPROMPT {
        let key = "prompt_integration";
        let message = format!("prompts of `{integration}` are not served; `{DOTPROMPT}` is");
        let hint = "start with --ignore-unserved to run without it";
        refuse(&params, params.mark_of(key), params.path(key), message, hint, ctx.source.ignore_unserved);
        return None;
    }
    match prompt(&id, None, json.get("prompt_info"), given, true) {
        Ok(prompt) => Some(prompt),
        Err((key, why)) => {
            params.error(key, why);
            None
        }
    }
}

/// The prompts of the database.
pub(super) fn stored(stored: &Stored, ctx: &Context<'_>) -> Vec<Prompt> {
    let read = |row: &llm_accounts::StoredPrompt| {
        let mark = Mark::whole(format!("database, prompt {}.v{} ({})", row.id, row.version, row.environment));
        let left_out = |key: &str, why: &str| ctx.problems.warn(&mark, key, format!("{why}; {NOT_SERVED}"));
        let integration = row.params.text("prompt_integration").unwrap_or_default();
        if integration != DOTPROMPT {
            left_out("prompt_integration", &format!("prompts of `{integration}` are not served"));
            return None;
        }
        let made = prompt(&row.id, Some(row.version), None, row.params.clone(), false);
        let made = made.map_err(|(key, why)| left_out(key, &why)).ok()?;
        Some(Prompt { environment: row.environment.clone(), stored: true, ..made })
    };
    stored.prompts.iter().filter_map(read).collect()
}

type Wrong = (&'static str, String);

/// A prompt of its entry. Files are the operator's: only a file names one.
fn prompt(id: &str, version: Option<i64>, info: Option<&Json>, params: Json, files: bool) -> Result<Prompt, Wrong> {
    let (base, own) = llm_accounts::prompt_version(id);
    let environment =
        info.and_then(|info| info.get("environment")).and_then(Json::as_str).unwrap_or(PROMPT_ENVIRONMENT);
    let flag = |name: &str| params.get(name).and_then(Json::as_bool).unwrap_or(false);
    Ok(Prompt {
        id: base.to_owned(),
        version: version.or(own).unwrap_or(1),
        environment: environment.to_owned(),
        stored: false,
        any_model: flag("ignore_prompt_manager_model"),
        no_parameters: flag("ignore_prompt_manager_optional_params"),
        template: template(base, &params, files)?,
        params,
    })
}

/// Where a template may stand, in the order in which LiteLLM looks: data, a file, the content of a file.
fn template(id: &str, params: &Json, files: bool) -> Result<Dotprompt, Wrong> {
    let text = |name: &str| params.text(name).filter(|text| !text.is_empty());
    if let Some(data) = params.get("prompt_data").filter(|data| !data.is_null()) {
        let named = text("prompt_id").unwrap_or(id);
        return data_of(named, data).map_err(|why| ("prompt_data", why));
    }
    if text("prompt_directory").is_some() {
        return Err(("prompt_directory", "a prompt is one file: name it with prompt_file".to_owned()));
    }
    match (text("prompt_file"), text("dotprompt_content")) {
        (Some(_), _) if !files => Err(("prompt_file", "files are named in the configuration file only".to_owned())),
        (Some(path), _) => file(Path::new(path)).map_err(|why| ("prompt_file", why)),
        (None, Some(content)) => Dotprompt::read(content).map_err(|why| ("dotprompt_content", why)),
        (None, None) => {
            Err(("dotprompt_content", "a prompt needs dotprompt_content, prompt_data or prompt_file".to_owned()))
        }
    }
}

/// `{content, metadata}`, or a map of such; also as JSON text.
fn data_of(id: &str, data: &Json) -> Result<Dotprompt, String> {
    let parsed;
    let data = match data {
        Json::String(text) => {
            parsed = serde_json::from_str::<Json>(text).map_err(|e| format!("it is no JSON: {e}"))?;
            &parsed
        }
        other => other,
    };
    let fields = data.as_object().ok_or("expected a map")?;
    let one = match (data.get("content"), data.get(id), fields) {
        (Some(_), ..) => data,
        (None, Some(one), _) => one,
        (None, None, [(_, one)]) => one,
        _ => return Err(format!("it has no template named {id}")),
    };
    let content = one.text("content").ok_or("a template needs content")?;
    Dotprompt::of(one.get("metadata").cloned().unwrap_or_default(), content)
}

fn file(path: &Path) -> Result<Dotprompt, String> {
    let about = |e: std::io::Error| format!("{}: {e}", path.display());
    if std::fs::metadata(path).map_err(about)?.len() > LARGEST {
        return Err(format!("{}: larger than {LARGEST} bytes", path.display()));
    }
    Dotprompt::read(&std::fs::read_to_string(path).map_err(about)?)
}
