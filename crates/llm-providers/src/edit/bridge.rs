//! Conversations of Messages clients for hosts that speak another language: what the language of Anthropic says
//! differently, or what only Anthropic's own models understand, in words that everybody knows. The rules are LiteLLM's
//! but where it would lose a text.

mod compaction;

use std::collections::HashSet;

use llm_types::generate::{GenerateRequest, OutputFormat, Part, PartKind, Role, ToolChoice, ToolKind, Turn};
use llm_types::{Field, Format, Json, RawJson};
use llm_wire::ModelCaps;
use llm_wire::anthropic::{OPERATOR_NOTE, is_legal, legal_id, short_tool_name};

use super::thinking::effort_of_budget;
use crate::params::Params;
use crate::provider::Provider;
use crate::quirk::Quirk;

const MESSAGES: Format = Format::AnthropicMessages;

/// Where a conversation goes.
#[derive(Debug, Clone, Copy)]
pub struct Bridge<'a> {
    /// The host.
    pub provider: &'a dyn Provider,
    /// The model, as the provider knows it.
    pub model: &'a str,
    /// The deployment's parameters.
    pub params: &'a Params,
    /// What the model can do.
    pub caps: &'a ModelCaps,
    /// The host's language.
    pub upstream: Format,
}

impl Bridge<'_> {
    /// Rewrites a request. Answers the names of tools that had to be shortened, as (sent, original): the answer is told
    /// with the original ones.
    #[must_use]
    pub fn cross(&self, request: &mut GenerateRequest) -> Vec<(String, String)> {
        compaction::go_on_from(&mut request.turns);
        words(request);
        // Items of Responses stand for themselves: instructions stay where they are, texts apart.
        let items = self.upstream == Format::OpenAiResponses;
        empties(&mut request.turns);
        legal_ids(&mut request.turns);
        if !items {
            in_order(&mut request.turns);
        }
        if !items && !self.caps.mid_system {
            late_instructions(&mut request.turns);
        }
        if self.upstream == Format::BedrockConverse {
            unproven(&mut request.turns);
            // Betas of the context's management are unknown there.
            request.extra.remove("context_management");
        }
        if !self.reads_marks() {
            unmark(request);
        }
        own_words(request);
        self.efforts(request);
        self.cache_key(request);
        if !items {
            shape(request);
        }
        short_names(request)
    }

    /// Claude, wherever it is.
    fn is_claude(&self) -> bool {
        self.model.contains("claude") || self.is_profile()
    }

    /// A profile of Bedrock, whose name does not say which model it is: those of Messages clients are Claude.
    fn is_profile(&self) -> bool {
        self.model.contains("arn:") && self.model.contains(":bedrock:")
    }

    fn reads_marks(&self) -> bool {
        self.is_claude() || self.model.contains("gemini-")
    }

    /// How hard to think. `output_config.effort` says how much to spend, not that a model shall think: without
    /// `thinking` it means nothing to other models than Claude.
    fn efforts(&self, request: &mut GenerateRequest) {
        let given = &mut request.reasoning;
        let wanted = given.output_effort.take();
        let Some(thinking) = given.thinking.as_ref().and_then(|t| t.read::<Json>().ok()) else {
            if self.is_claude() && self.upstream != Format::OpenAiChat {
                given.output_effort = wanted;
            }
            return;
        };
        let adaptive = thinking.text("type") == Some("adaptive");
        let declared = wanted.clone().filter(|_| adaptive);
        if self.is_claude() {
            if self.upstream != Format::OpenAiChat {
                given.output_effort = wanted;
            } else if declared.is_some() && self.takes(Field::ReasoningEffort) {
                given.effort = given.effort.take().or(declared).map(|effort| self.nearest(effort));
            }
            return;
        }
        let effort = declared.or_else(|| effort_of(&thinking).map(str::to_owned));
        let effort = effort.filter(|effort| effort != "none" || self.may_rest());
        if given.effort.is_none() {
            given.effort = effort.map(|effort| self.nearest(effort));
        }
        given.summary = given.summary.take().or_else(|| thinking.text("summary").map(str::to_owned));
        given.thinking = None;
    }

    /// The effort `none` is understood. OpenAI's models refuse it, but for some; where no effort is taken at all nobody
    /// thinks anyway.
    fn may_rest(&self) -> bool {
        let openai = self.provider.quirks(self.model, self.params).has(Quirk::ReasoningFamilies);
        let responses = self.upstream == Format::OpenAiResponses;
        !responses && (!openai || self.caps.effort_none) && self.takes(Field::ReasoningEffort)
    }

    fn takes(&self, field: Field) -> bool {
        self.provider.supported(self.model, self.caps).has(field)
    }

    /// The effort that the model knows and that is nearest to one at the ends of the scale.
    fn nearest(&self, effort: String) -> String {
        let caps = self.caps;
        let known = match effort.as_str() {
            "max" if caps.effort_max => return effort,
            "max" | "xhigh" if caps.effort_xhigh => "xhigh",
            "max" | "xhigh" => "high",
            "minimal" if caps.effort_minimal => return effort,
            "minimal" => "low",
            _ => return effort,
        };
        known.to_owned()
    }

    /// The session that Claude Code writes into its user id is what prompts are cached by.
    fn cache_key(&self, request: &mut GenerateRequest) {
        let chat = self.upstream == Format::OpenAiChat;
        if !chat || request.extra.get("prompt_cache_key").is_some() || !self.takes(Field::PromptCacheKey) {
            return;
        }
        let user = request.metadata.as_ref().and_then(|m| m.read::<Json>().ok()?.text("user_id").map(str::to_owned));
        let user: Option<Json> = user.and_then(|user| serde_json::from_str(&user).ok());
        if let Some(session) = user.as_ref().and_then(|user| user.text("session_id")).filter(|s| !s.is_empty()) {
            let key: String = session.chars().take(64).collect();
            request.extra.push(MESSAGES, "prompt_cache_key", RawJson::string(&key));
        }
    }
}

/// The effort that a `thinking` object amounts to.
fn effort_of(thinking: &Json) -> Option<&'static str> {
    match thinking.text("type")? {
        "disabled" => Some("none"),
        "adaptive" => Some("medium"),
        "enabled" => Some(effort_of_budget(thinking.get("budget_tokens").and_then(Json::as_i64).unwrap_or(0))),
        _ => None,
    }
}

/// Blocks that only Anthropic knows and that hold texts, as texts; other ones inside of results are gone, so that the
/// result is there without them.
fn words(request: &mut GenerateRequest) {
    for part in request.turns.iter_mut().flat_map(|turn| &mut turn.parts) {
        say(part);
        if let PartKind::ToolResult(result) = &mut part.kind {
            result.parts.iter_mut().for_each(say);
            let known = |p: &Part| !matches!(p.kind, PartKind::Opaque { .. } | PartKind::HostedTool { .. });
            result.parts.retain(known);
        }
    }
}

fn say(part: &mut Part) {
    let PartKind::Opaque { format: MESSAGES, json } = &part.kind else { return };
    let Some(tree) = json.read::<Json>().ok() else { return };
    let texts = |list: Option<&Json>| -> Vec<String> {
        list.and_then(Json::as_array)
            .unwrap_or_default()
            .iter()
            .filter_map(|b| b.text("text").map(str::to_owned))
            .collect()
    };
    let lines: Vec<String> = match tree.text("type") {
        Some("search_result") => {
            let head = ["title", "source"].iter().filter_map(|key| tree.text(key).map(str::to_owned));
            head.chain(texts(tree.get("content"))).collect()
        }
        Some("document") => texts(tree.get("source").and_then(|source| source.get("content"))),
        _ => return,
    };
    if !lines.is_empty() {
        part.kind = PartKind::Text { text: lines.join("\n"), citations: Vec::new() };
    }
}

/// Ids of calls in letters that every host takes; those with Gemini's signatures are Gemini's.
fn legal_ids(turns: &mut [Turn]) {
    for part in turns.iter_mut().flat_map(|turn| &mut turn.parts) {
        let id = match &mut part.kind {
            PartKind::ToolCall(call) => &mut call.id,
            PartKind::ToolResult(result) => &mut result.call_id,
            _ => continue,
        };
        if !id.contains(llm_wire::gemini::THOUGHT) && !id.chars().all(is_legal) {
            *id = legal_id(id).into_owned();
        }
    }
}

/// Texts and thoughts without a word, and turns that hold nothing else.
fn empties(turns: &mut Vec<Turn>) {
    let blank = |part: &Part| match &part.kind {
        PartKind::Text { text, .. } | PartKind::Thinking { text, .. } => text.trim().is_empty(),
        _ => false,
    };
    turns.retain_mut(|turn| {
        if turn.flat {
            return turn.role == Role::Assistant || !turn.parts.iter().all(|p| p.as_text() == Some(""));
        }
        if turn.role != Role::System {
            turn.parts.retain(|part| !blank(part));
        }
        !turn.parts.is_empty()
    });
}

/// Results come before what else the user says, and texts of one answer are one text.
fn in_order(turns: &mut [Turn]) {
    let is_result = |part: &Part| matches!(part.kind, PartKind::ToolResult(_));
    for turn in turns {
        match turn.role {
            Role::User => turn.parts.sort_by_key(|part| !is_result(part)),
            Role::Assistant if turn.parts.len() > 1 => join_texts(&mut turn.parts),
            _ => {}
        }
    }
}

fn join_texts(parts: &mut Vec<Part>) {
    let mut out: Vec<Part> = Vec::with_capacity(parts.len());
    for part in parts.drain(..) {
        let mark = part.cache_control.is_some();
        match (&part.kind, out.last_mut().map(|last| (last.cache_control.is_some(), &mut last.kind))) {
            (PartKind::Text { text: more, .. }, Some((false, PartKind::Text { text, citations }))) if !mark => {
                text.push_str(more);
                citations.clear();
            }
            _ => out.push(part),
        }
    }
    *parts = out;
}

/// Thoughts without a proof, which came from another model, are texts: proofs are demanded.
fn unproven(turns: &mut [Turn]) {
    for part in turns.iter_mut().flat_map(|turn| &mut turn.parts) {
        if let PartKind::Thinking { text, signature } = &mut part.kind
            && signature.as_deref().is_none_or(str::is_empty)
        {
            part.kind = PartKind::Text { text: std::mem::take(text), citations: Vec::new() };
        }
    }
}

/// A schema for the answer in the words of chat, whose strict mode wants every property named as needed and no other.
fn shape(request: &mut GenerateRequest) {
    let Some(OutputFormat::JsonSchema { name, schema, strict, .. }) = &mut request.output else { return };
    name.get_or_insert_with(|| "structured_output".to_owned());
    strict.get_or_insert(true);
    if let Ok(mut tree) = schema.read::<Json>() {
        close(&mut tree);
        *schema = tree.to_raw();
    }
}

/// Closes the objects of a schema, at every depth.
fn close(schema: &mut Json) {
    let names: Option<Vec<Json>> = match (schema.text("type"), schema.get("properties").and_then(Json::as_object)) {
        (Some("object"), Some(fields)) => Some(fields.iter().map(|(name, _)| Json::from(name.as_str())).collect()),
        _ => None,
    };
    if let Some(names) = names {
        schema.set("additionalProperties", false);
        schema.set("required", Json::Array(names));
    }
    for key in ["properties", "$defs", "definitions"] {
        if let Some(Json::Object(fields)) = schema.get_mut(key) {
            fields.iter_mut().for_each(|(_, inner)| close(inner));
        }
    }
    for key in ["anyOf", "oneOf", "allOf"] {
        if let Some(Json::Array(list)) = schema.get_mut(key) {
            list.iter_mut().for_each(close);
        }
    }
    if let Some(items) = schema.get_mut("items") {
        close(items);
    }
}

/// Instructions in the middle of a conversation become turns of the user that say what they are. Nothing may stand
/// between calls and their results: those there follow behind the results.
fn late_instructions(turns: &mut Vec<Turn>) {
    let leading = turns.iter().position(|turn| turn.role != Role::System).unwrap_or(turns.len());
    if !turns.iter().skip(leading).any(|turn| turn.role == Role::System) {
        return;
    }
    let mut out: Vec<Turn> = Vec::with_capacity(turns.len());
    let mut waiting: Vec<Turn> = Vec::new();
    for (at, mut turn) in turns.drain(..).enumerate() {
        if at >= leading && turn.role == Role::System {
            turn.role = Role::User;
            turn.flat = false;
            turn.parts.insert(0, Part::text(OPERATOR_NOTE));
            waiting.push(turn);
        } else if turn.role == Role::User
            && matches!(turn.parts.first().map(|p| &p.kind), Some(PartKind::ToolResult(_)))
        {
            out.push(turn);
            out.append(&mut waiting);
        } else {
            out.append(&mut waiting);
            out.push(turn);
        }
    }
    out.append(&mut waiting);
    *turns = out;
}

/// Takes marks for Anthropic's prompt caches out.
fn unmark(request: &mut GenerateRequest) {
    for part in request.turns.iter_mut().flat_map(|turn| &mut turn.parts) {
        part.cache_control = None;
        if let PartKind::ToolResult(result) = &mut part.kind {
            result.parts.iter_mut().for_each(|inner| inner.cache_control = None);
        }
    }
    request.tools.iter_mut().for_each(|tool| tool.cache_control = None);
}

/// Fields of chat that Messages clients of LiteLLM send beside their own.
fn own_words(request: &mut GenerateRequest) {
    let mut take = |name: &str| request.extra.remove(name).filter(|value| !value.is_null());
    let effort = take("reasoning_effort").and_then(|v| v.as_str().map(std::borrow::Cow::into_owned));
    let (seed, n) = (take("seed"), take("n"));
    let (frequency, presence) = (take("frequency_penalty"), take("presence_penalty"));
    if request.reasoning.effort.is_none() {
        request.reasoning.effort = effort;
    }
    let sampling = &mut request.sampling;
    sampling.seed = seed.and_then(|v| v.read().ok());
    sampling.n = n.and_then(|v| v.read().ok());
    sampling.frequency_penalty = frequency.and_then(|v| v.read().ok());
    sampling.presence_penalty = presence.and_then(|v| v.read().ok());
}

/// Names of tools that are longer than most hosts take.
fn short_names(request: &mut GenerateRequest) -> Vec<(String, String)> {
    let (mut told, mut known) = (Vec::new(), HashSet::new());
    let mut shorten = |name: &mut String| {
        if let Some(short) = short_tool_name(name) {
            let long = std::mem::replace(name, short);
            if known.insert(name.clone()) {
                told.push((name.clone(), long));
            }
        }
    };
    for tool in &mut request.tools {
        if let ToolKind::Function(function) = &mut tool.kind {
            shorten(&mut function.name);
        }
    }
    if let Some(ToolChoice::Function(name)) = &mut request.tool_choice {
        shorten(name);
    }
    for part in request.turns.iter_mut().flat_map(|turn| &mut turn.parts) {
        if let PartKind::ToolCall(call) = &mut part.kind {
            shorten(&mut call.name);
        }
    }
    told
}

#[cfg(test)]
mod tests;
