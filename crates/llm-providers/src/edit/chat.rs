use llm_catalog::{Capability, Catalog};
use llm_types::{Error, FieldSet, Format, Json, Result};
use llm_wire::ModelCaps;
use llm_wire::codec::Hints;

use super::draft::Draft;
use super::{messages, rename, schema_tool, thinking, tools};
use crate::params::Params;
use crate::provider::Provider;
use crate::quirk::{Quirk, Quirks};
use crate::rules::{self, Family, Policy};

/// Who a chat body is edited for.
pub(super) struct Chat<'a> {
    pub provider: &'a dyn Provider,
    pub model: &'a str,
    pub params: &'a Params,
    pub caps: &'a ModelCaps,
    pub policy: &'a Policy,
}

impl Chat<'_> {
    pub(super) fn edit(&self, draft: &mut Draft<'_>, hints: &mut Hints) -> Result<()> {
        let quirks = self.provider.quirks(self.model, self.params);
        let family = if quirks.has(Quirk::ReasoningFamilies) { Family::of(self.rules_model()) } else { Family::Plain };
        // Neither is an answer's business: one is the gateway's, one the HTTP client's.
        draft.remove("metadata");
        draft.remove("max_retries");
        draft.drop_nulls();
        let none = |list: Option<&str>| list.is_none_or(|l| l.bytes().filter(|b| !b.is_ascii_whitespace()).eq(*b"[]"));
        if none(draft.get("tools")) && none(draft.get("functions")) {
            draft.remove("tool_choice");
        }
        if let Some(word) = draft.get("tool_choice").map(llm_wire::openai::tool_choice::judge).transpose()?.flatten() {
            draft.set("tool_choice", format!("\"{word}\""));
        }
        let dropped = self.check(draft)?;
        dropped.iter().for_each(|f| draft.lose(f.name()));
        if quirks.has(Quirk::SchemaByTool) {
            schema_tool::emulate(draft, self.provider.row(), self.model, self.caps, hints)?;
        }
        self.parameters(quirks, family, draft)?;
        if quirks.has(Quirk::SchemaFormatOnly)
            && draft.json("response_format").is_some_and(|f| f.text("type") != Some("json_schema"))
        {
            draft.remove("response_format");
        }
        rename(self.provider.row(), self.policy, draft);
        let keeps = quirks.has(Quirk::KeepCacheControl)
            || quirks.has(Quirk::KeepCacheControlAbroad) && !messages::at_home(self.provider.row(), self.params);
        let strip_cache = self.foreign_cache_marks() || !keeps;
        let system_is_user = family == Family::OSeries && !self.knows_system();
        let developer = family == Family::OSeries || quirks.has(Quirk::KeepDeveloper);
        let rules = messages::Rules { quirks, system_is_user, developer, strip_cache };
        let thinks = draft.json("thinking").is_some_and(|t| t.text("type") != Some("disabled"));
        if quirks.has(Quirk::RefuseFiles) && draft.get("messages").is_some_and(messages::has_files) {
            let name = self.provider.row().display_name;
            return Err(Error::bad_request(format!(
                "{name} does not take file content blocks. Send the pages of a PDF as images, or its text."
            )));
        }
        if let Some(new) = draft.get("messages").and_then(|m| messages::edit(m, &rules, thinks)) {
            draft.set("messages", new);
        }
        if quirks.has(Quirk::FunctionsOnly) {
            tools::functions_only(draft);
        }
        if let Some(new) = draft.get("tools").and_then(|t| tools::edit(t, quirks, strip_cache)) {
            draft.set("tools", new);
        }
        self.stream(quirks, draft);
        Ok(())
    }

    fn check(&self, draft: &Draft<'_>) -> Result<FieldSet> {
        rules::check(self.provider, self.model, self.params, self.caps, draft.known(), draft, self.policy)
    }

    fn rules_model(&self) -> &str {
        self.provider.rules_model(self.model, self.params)
    }

    /// The catalog says that the model understands system turns.
    fn knows_system(&self) -> bool {
        let entry = Catalog::builtin().lookup(self.provider.row().id, self.rules_model());
        entry.is_some_and(|m| m.supports(Capability::SystemMessages))
    }

    /// Names and values of parameters.
    fn parameters(&self, quirks: Quirks, family: Family, draft: &mut Draft<'_>) -> Result<()> {
        if family.completion_tokens() {
            draft.rename("max_tokens", "max_completion_tokens");
        }
        effort_text(draft);
        if quirks.has(Quirk::DropEffort) {
            draft.lose("reasoning_effort");
        }
        if quirks.has(Quirk::ThinksUnasked) {
            draft.lose("reasoning_effort");
            draft.lose("thinking");
        }
        if !quirks.has(Quirk::CacheRetention) && draft.get("prompt_cache_retention").is_some() {
            draft.lose("prompt_cache_retention");
        }
        if quirks.has(Quirk::BrowserSearch) {
            tools::browser_search(draft);
        }
        thinking::edit(draft, quirks, self.policy)?;
        tool_choice(draft, quirks, self.policy)?;
        if quirks.has(Quirk::ToolsOverFormat) && draft.get("tools").is_some() {
            draft.remove("response_format");
        }
        temperature(draft, quirks);
        if quirks.has(Quirk::UsageInclude) && draft.get("usage").is_none() {
            draft.set("usage", r#"{"include":true}"#);
        }
        if quirks.has(Quirk::MaxRetriesInBody)
            && let Some(retries) = self.params.get("max_retries")
        {
            draft.set("max_retries", retries.to_string());
        }
        Ok(())
    }

    /// Requests that came in another language go on without a word on streams.
    fn says_false(&self, quirks: Quirks) -> bool {
        let abroad = quirks.has(Quirk::ExplicitStreamAbroad);
        abroad || self.policy.client.is_none_or(|client| client == Format::OpenAiChat)
    }

    /// Marks of another language's caches mean something to its own house's models only.
    fn foreign_cache_marks(&self) -> bool {
        self.policy.client == Some(Format::AnthropicMessages) && !self.model.contains("claude")
    }

    fn stream(&self, quirks: Quirks, draft: &mut Draft<'_>) {
        if self.policy.client == Some(Format::OpenAiCompletions) {
            return;
        }
        if draft.is_true("stream") {
            if self.provider.row().stream_usage {
                ask_for_usage(draft);
            }
            return;
        }
        if !quirks.has(Quirk::ExplicitStream) {
            // No stream: not a word of it. OpenAI refuses options of a stream that is none.
            draft.remove("stream");
            draft.remove("stream_options");
        } else if quirks.has(Quirk::ExplicitStream) && self.says_false(quirks) && draft.get("stream").is_none() {
            draft.set("stream", "false");
        }
    }
}

/// Streams say what they consumed, whatever the client wants to see of it: somebody has to pay.
fn ask_for_usage(draft: &mut Draft<'_>) {
    let Some(mut options) = draft.json("stream_options") else {
        return draft.set("stream_options", r#"{"include_usage":true}"#);
    };
    if options.get("include_usage").and_then(Json::as_bool) != Some(true) && options.as_object().is_some() {
        options.set("include_usage", true);
        draft.set("stream_options", options.to_string());
    }
}

/// `{"effort": "low", "summary": ..}` is how another interface says it; chat takes the word.
fn effort_text(draft: &mut Draft<'_>) {
    if draft.get("reasoning_effort").is_some_and(|e| e.starts_with('{'))
        && let Some(effort) = draft.json("reasoning_effort").and_then(|e| e.get("effort").cloned())
    {
        draft.set("reasoning_effort", effort.to_string());
    }
}

fn tool_choice(draft: &mut Draft<'_>, quirks: Quirks, policy: &Policy) -> Result<()> {
    let Some(choice) = draft.get("tool_choice") else { return Ok(()) };
    let required = choice == "\"required\"";
    if quirks.has(Quirk::NoNamedChoice) && choice.starts_with('{') {
        draft.lose("tool_choice");
    } else if quirks.has(Quirk::ToolChoiceAutoOnly) && choice == "\"auto\"" {
        draft.remove("tool_choice");
    } else if quirks.has(Quirk::RequiredIsAny) && required {
        draft.set("tool_choice", "\"any\"");
    } else if quirks.has(Quirk::NoRequiredChoice) && required
        || quirks.has(Quirk::ToolChoiceAutoOnly) && choice != "\"auto\"" && choice != "\"none\""
    {
        if !policy.drop_params {
            let message = format!("tool_choice={choice} is not supported here. To drop it, set drop_params");
            return Err(Error::new(llm_types::Kind::UnsupportedParams, message));
        }
        draft.lose("tool_choice");
    } else if quirks.has(Quirk::RequiredInWords) && required {
        draft.remove("tool_choice");
        if let Some(list) = draft.get("messages").and_then(|m| m.trim_end().strip_suffix(']')) {
            let comma = if list.trim_end().ends_with('[') { "" } else { "," };
            let turn = r#"{"role":"user","content":"Please select a tool to handle the current issue."}"#;
            let new = format!("{list}{comma}{turn}]");
            draft.set("messages", new);
        }
    }
    Ok(())
}

fn temperature(draft: &mut Draft<'_>, quirks: Quirks) {
    let Some(value) = draft.get("temperature").and_then(|t| t.parse::<f64>().ok()) else { return };
    let several = draft.get("n").and_then(|n| n.parse::<u64>().ok()).is_some_and(|n| n > 1);
    if quirks.has(Quirk::TemperatureToOne) {
        let floor = if several { 0.3 } else { 0.0 };
        let clamped = value.clamp(floor, 1.0);
        if (clamped - value).abs() > f64::EPSILON {
            draft.set("temperature", Json::from(clamped).to_string());
        }
    } else if quirks.has(Quirk::TemperatureBelowTwo) && value > 1.99 {
        draft.set("temperature", "1.99");
    }
}
