//! LiteLLM's `guardrails:` list.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use llm_types::Json;
use serde::Deserialize;

use crate::filter::{Action, ContentFilter, FilterSettings, KeywordRule, PatternRule};
use crate::guardrail::{Guardrail, Mode, Modes};
use crate::service;
use crate::sessions::SessionRules;
use crate::set::GuardrailSet;

/// An entry of the list.
#[derive(Debug, Clone, Deserialize)]
pub struct GuardrailConfig {
    /// Name by which requests, keys and teams ask for it.
    pub guardrail_name: String,
    /// What it is.
    pub litellm_params: GuardrailParams,
    /// For people and user interfaces.
    #[serde(default)]
    pub guardrail_info: Json,
}

/// `litellm_params` of an entry.
#[derive(Clone, Deserialize)]
pub struct GuardrailParams {
    /// Kind of the guardrail (`litellm_content_filter`).
    pub guardrail: String,
    /// When it runs: a name or a list of names; `pre_call` when it is missing.
    #[serde(default)]
    pub mode: Json,
    /// It runs unless opted out.
    #[serde(default)]
    pub default_on: bool,
    /// Everything else.
    #[serde(flatten)]
    pub rest: BTreeMap<String, Json>,
}

// The rest may hold secrets.
impl fmt::Debug for GuardrailParams {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GuardrailParams").field("guardrail", &self.guardrail).finish_non_exhaustive()
    }
}

/// What is wrong with an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Name of the guardrail.
    pub guardrail: String,
    /// The key below the entry (`litellm_params.mode`).
    pub key: String,
    /// What is wrong.
    pub message: String,
    /// The guardrail cannot run (true), or runs without that key (false).
    pub fatal: bool,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "guardrail `{}`: {}: {}", self.guardrail, self.key, self.message)
    }
}

/// LiteLLM's kinds that are not served yet.
const LATER: &[&str] = &[
    "agent_365",
    "aim",
    "akto",
    "alice",
    "block_code_execution",
    "cato_networks",
    "cisco_ai_defense",
    "compresr",
    "conduct",
    "crowdstrike_aidr",
    "custom_code",
    "decision_model",
    "deepkeep",
    "dynamoai",
    "enkryptai",
    "grayswan",
    "guardrails_ai",
    "headroom",
    "hiddenlayer",
    "hide-secrets",
    "ibm_guardrails",
    "javelin",
    "lakera",
    "lasso",
    "llm_as_a_judge",
    "mcp_end_user_permission",
    "mcp_jwt_signer",
    "mcp_security",
    "microsoft_purview",
    "model_armor",
    "noma",
    "noma_v2",
    "onyx",
    "ovalix",
    "pangea",
    "panw_prisma_airs",
    "pillar",
    "prompt_security",
    "promptguard",
    "qostodian_nexus",
    "qualifire",
    "repelloai",
    "rubrik",
    "semantic_guard",
    "singulr",
    "straiker",
    "tool_permission",
    "typesafe",
    "vigil_guard",
    "xecguard",
    "zscaler_ai_guard",
];

/// Keys that a filter, which asks nobody, has no use for.
const IDLE: &[&str] =
    &["api_base", "api_key", "extra_headers", "fail_on_error", "timeout", "unreachable_fallback", "guardrail_info"];

/// The guardrails of the list, and everything that is wrong with it. A guardrail with a fatal problem is not in the
/// set: whoever starts with such a list has to refuse, or to be told to go on without it.
#[must_use]
pub fn build(configs: &[GuardrailConfig]) -> (GuardrailSet, Vec<Problem>) {
    let mut problems = Vec::new();
    let mut guardrails: Vec<Arc<dyn Guardrail>> = Vec::new();
    for config in configs {
        let mut entry = Entry { config, problems: Vec::new() };
        let built = entry.build();
        let fatal = entry.problems.iter().any(|p| p.fatal);
        problems.append(&mut entry.problems);
        guardrails.extend(built.filter(|_| !fatal));
    }
    (GuardrailSet::new(guardrails), problems)
}

impl ContentFilter {
    /// The filter of one entry.
    ///
    /// # Errors
    /// The problems, when one of them is fatal.
    pub fn from_config(config: &GuardrailConfig) -> Result<Self, Vec<Problem>> {
        let mut entry = Entry { config, problems: Vec::new() };
        match entry.filter() {
            Some(filter) if !entry.problems.iter().any(|p| p.fatal) => Ok(filter),
            _ => Err(entry.problems),
        }
    }
}

struct Entry<'a> {
    config: &'a GuardrailConfig,
    problems: Vec<Problem>,
}

impl Entry<'_> {
    fn problem(&mut self, key: &str, message: impl Into<String>, fatal: bool) {
        let key = format!("litellm_params.{key}");
        let guardrail = self.config.guardrail_name.clone();
        self.problems.push(Problem { guardrail, key, message: message.into(), fatal });
    }

    fn build(&mut self) -> Option<Arc<dyn Guardrail>> {
        let config = self.config;
        if !service::is_served(&config.litellm_params.guardrail) {
            return self.filter().map(|filter| Arc::new(filter) as Arc<dyn Guardrail>);
        }
        let modes = self.modes();
        let built = service::read(config, modes, &mut |key, why, fatal| self.problem(key, why, fatal));
        built.map(|built| Arc::new(built) as Arc<dyn Guardrail>)
    }

    fn filter(&mut self) -> Option<ContentFilter> {
        let params = &self.config.litellm_params;
        let provider = match params.guardrail.as_str() {
            "litellm_content_filter" => "litellm_content_filter",
            "custom_regex" => "custom_regex",
            kind => {
                let message = if LATER.contains(&kind) {
                    format!("the guardrail `{kind}` of LiteLLM is not served yet")
                } else if kind.contains('.') {
                    format!("the guardrail `{kind}` is Python code, which cannot run here")
                } else {
                    format!("there is no guardrail `{kind}`")
                };
                self.problem("guardrail", message, true);
                return None;
            }
        };
        let modes = self.modes();
        let mut settings = FilterSettings {
            name: self.config.guardrail_name.clone(),
            provider,
            modes,
            default_on: params.default_on,
            ..FilterSettings::default()
        };
        for (key, value) in params.rest.iter().filter(|(key, _)| !SessionRules::KEYS.contains(&key.as_str())) {
            self.key(key, value, &mut settings);
        }
        settings.sessions = SessionRules::read(&params.rest, &mut |key, why, fatal| self.problem(key, why, fatal));
        if settings.keywords.is_empty() && settings.patterns.is_empty() {
            self.problem("patterns", "there are neither words nor patterns to look for", true);
        }
        match ContentFilter::new(settings) {
            Ok(filter) => Some(filter),
            Err(wrong) => {
                wrong.into_iter().for_each(|(place, why)| self.problem(&place, why, true));
                None
            }
        }
    }

    fn modes(&mut self) -> Modes {
        let names: Vec<&Json> = match &self.config.litellm_params.mode {
            Json::Null => return Modes::from_iter([Mode::PreCall]),
            Json::Array(list) => list.iter().collect(),
            one => vec![one],
        };
        let mut modes = Vec::new();
        for name in names {
            match name.as_str().map(|n| (n, Mode::from_name(n))) {
                Some((_, Some(mode))) => modes.push(mode),
                Some((name, None)) => self.problem("mode", format!("the mode `{name}` is not served yet"), true),
                None => self.problem("mode", "modes are names; modes by tag are not served yet", true),
            }
        }
        modes.into_iter().collect()
    }

    fn key(&mut self, key: &str, value: &Json, settings: &mut FilterSettings) {
        let text = |value: &Json| value.as_str().map(str::to_owned);
        match key {
            _ if value.is_null() => {}
            "blocked_words" => self.list(key, value, |word| keyword(word).map(|k| settings.keywords.push(k))),
            "patterns" => self.list(key, value, |item| pattern(item).map(|p| settings.patterns.push(p))),
            "pattern_redaction_format" | "keyword_redaction_tag" | "violation_message_template" => match text(value) {
                None => self.problem(key, "must be a text", true),
                Some(text) if key == "pattern_redaction_format" => settings.pattern_redaction = text,
                Some(text) if key == "keyword_redaction_tag" => settings.keyword_redaction = text,
                Some(text) => settings.message = Some(text),
            },
            _ if IDLE.contains(&key) => self.problem(key, "has no effect here", false),
            // Such a key may widen what is looked for: going on without it would let content pass.
            _ => self.problem(key, "is not served yet", true),
        }
    }

    fn list(&mut self, key: &str, value: &Json, mut each: impl FnMut(&Json) -> Result<(), String>) {
        let Some(items) = value.as_array() else { return self.problem(key, "must be a list", true) };
        for (n, item) in items.iter().enumerate() {
            if let Err(why) = each(item) {
                self.problem(&format!("{key}[{n}]"), why, true);
            }
        }
    }
}

fn field<'a>(item: &'a Json, key: &str) -> Option<&'a str> {
    item.text(key)
}

fn action(item: &Json) -> Result<Action, String> {
    match field(item, "action") {
        Some(a) if a.eq_ignore_ascii_case("block") => Ok(Action::Block),
        Some(a) if a.eq_ignore_ascii_case("mask") => Ok(Action::Mask),
        _ => Err("action must be BLOCK or MASK".to_owned()),
    }
}

fn keyword(item: &Json) -> Result<KeywordRule, String> {
    let keyword = field(item, "keyword").ok_or("keyword is missing")?.to_owned();
    Ok(KeywordRule { keyword, action: action(item)?, description: field(item, "description").map(str::to_owned) })
}

fn pattern(item: &Json) -> Result<PatternRule, String> {
    let action = action(item)?;
    match field(item, "pattern_type") {
        Some("prebuilt") => {
            let name = field(item, "pattern_name").ok_or("pattern_name is missing")?.to_owned();
            Ok(PatternRule { name, expression: None, action })
        }
        Some("regex") | None => {
            let expression = field(item, "pattern").ok_or("pattern is missing")?.to_owned();
            let name = field(item, "name").unwrap_or("custom_regex").to_owned();
            Ok(PatternRule { name, expression: Some(expression), action })
        }
        Some(other) => Err(format!("pattern_type `{other}` is neither prebuilt nor regex")),
    }
}
