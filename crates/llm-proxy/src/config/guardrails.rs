//! `guardrails` → settings of the guardrails. One that is not served is an error: a guardrail that silently does
//! nothing is worse than none.

use llm_guardrails::GuardrailConfig;
use llm_types::Json;

use super::Context;
use super::callbacks::refuse;
use super::node::Node;
use super::problem::nearest;
use super::section::Section;

const HINT_IGNORE: &str = "start with --ignore-unserved to run without it";
const HINT_PYTHON: &str = "call an address of yours with `guardrail: generic_guardrail_api`; or start with --ignore-python-hooks to run without it";

/// Reads the list; the entries that run, references resolved.
///
/// `of_file`: they stand in the file. Those of the database do not get a key out of the environment for an address of their own.
pub(crate) fn read(root: &Section<'_>, ctx: &Context<'_>, of_file: bool) -> Vec<Json> {
    let mut out = Vec::new();
    for (at, item) in root.list("guardrails").iter().enumerate() {
        let Some(entry) = Section::open(item, format!("guardrails[{at}]"), root.problems()) else { continue };
        if entry.text("guardrail_name").is_none_or(|n| n.is_empty()) {
            entry.error("guardrail_name", "a guardrail needs a guardrail_name");
        }
        let Some(params) = entry.section("litellm_params") else {
            entry.error("litellm_params", "a guardrail needs litellm_params");
            continue;
        };
        entry.accept("guardrail_info guardrail_id policy_template");
        entry.finish();
        params.flag("default_on");
        let whole = filled(item.json(), ctx, of_file);
        if served(&whole, item, &entry, &params, ctx) {
            out.push(whole);
        }
    }
    out
}

/// An entry with what variables of the environment say.
fn filled(mut entry: Json, ctx: &Context<'_>, of_file: bool) -> Json {
    let kind = entry.get("litellm_params").and_then(|params| params.text("guardrail")).unwrap_or_default().to_owned();
    let Some(params) = entry.get_mut("litellm_params") else { return entry };
    let said = |params: &Json, name: &str| params.get(name).is_some_and(|value| !value.is_null());
    let elsewhere = !of_file && said(params, "api_base");
    for (name, variables) in llm_guardrails::defaults(&kind) {
        if said(params, name) || (elsewhere && *name == "api_key") {
            continue;
        }
        if let Some(value) = variables.iter().find_map(|variable| ctx.env.filled(variable)) {
            params.set(name, value);
        }
    }
    entry
}

/// Builds the guardrail once, to learn what is wrong with it.
fn served(whole: &Json, item: &Node, entry: &Section<'_>, params: &Section<'_>, ctx: &Context<'_>) -> bool {
    let source = ctx.source;
    let Some(kind) = params.text("guardrail") else {
        params.error("guardrail", "a guardrail needs to say which one it is");
        return false;
    };
    let config: GuardrailConfig = match whole.to_raw().read() {
        Ok(config) => config,
        Err(e) => {
            let text = e.to_string();
            entry.problems().error(
                &item.mark,
                entry.path("litellm_params"),
                text.split(" at line ").next().unwrap_or_default(),
            );
            return false;
        }
    };
    let mut runs = true;
    for problem in llm_guardrails::build(&[config]).1 {
        let key = problem.key.strip_prefix("litellm_params.").unwrap_or(&problem.key);
        let top = key.split(['.', '[']).next().unwrap_or(key);
        let (mark, path) = (params.mark_of(top), params.path(key));
        let hint = || nearest(&kind, llm_guardrails::kinds()).map(|n| format!("did you mean `{n}`?"));
        match (problem.fatal, key) {
            (false, _) => entry.problems().warn(mark, path, problem.message),
            (true, "guardrail") if kind.contains('.') => {
                refuse(params, mark, path, problem.message, HINT_PYTHON, source.ignore_python_hooks);
            }
            (true, "guardrail") => {
                let hint = hint().unwrap_or_else(|| HINT_IGNORE.to_owned());
                refuse(params, mark, path, problem.message, &hint, source.ignore_unserved);
            }
            (true, _) => entry.problems().error(mark, path, problem.message),
        }
        runs &= !problem.fatal;
    }
    runs
}

/// `litellm_settings.guardrails`: the form before `guardrails:`, whose members are Python callbacks by name.
pub(crate) fn old_form(list: &Node, s: &Section<'_>, source: &super::Source) {
    let message = "guardrails in the old form are not served".to_owned();
    let hint = "write them as top-level `guardrails:`; or start with --ignore-unserved to run without them";
    refuse(s, &list.mark, s.path("guardrails"), message, hint, source.ignore_unserved);
}
