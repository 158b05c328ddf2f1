//! Requests to Responses upstreams: as they came when they came in this format, else as LiteLLM's bridges write them.

use bytes::BytesMut;
use llm_types::generate::{GenerateRequest, Part, Role, Turn};
use llm_types::{Format, Json, RawJson};
use serde_json::Number;

use super::{FORMAT, REASONING, TEXT, input_encode, tools_encode};
use crate::codec::EncodeContext;
use crate::openai::chat::effort_of;
use crate::openai::object::Obj;
use crate::top::Top;

/// Fields of chat requests that mean the same here.
const SHARED: [&str; 6] =
    ["store", "prompt_cache_key", "prompt_cache_retention", "safety_identifier", "context_management", "include"];

/// Fields of other formats that are written under another name.
const TRANSLATED: [(Format, &str); 6] = [
    (Format::OpenAiChat, "verbosity"),
    (Format::OpenAiChat, "web_search_options"),
    (Format::AnthropicMessages, "output_config"),
    (Format::AnthropicMessages, "output_format"),
    (Format::AnthropicMessages, "context_management"),
    (Format::AnthropicMessages, "prompt_cache_key"),
];

/// Ids of users are cut to this many characters, which is what OpenAI takes.
const USER_LIMIT: usize = 64;

/// The smallest bound that OpenAI takes here. Chat takes smaller ones.
const LEAST: u64 = 16;

/// Writes a request.
pub(crate) fn encode(req: &GenerateRequest, ctx: &mut EncodeContext<'_>, out: &mut BytesMut) {
    let mut obj = Obj::open(out);
    obj.str("model", ctx.model);
    let turns = instructions(req, &mut obj);
    input(turns, ctx, &mut obj);
    obj.number("max_output_tokens", bound(req).as_ref());
    obj.number("temperature", req.sampling.temperature.as_ref());
    obj.number("top_p", req.sampling.top_p.as_ref());
    obj.number("top_logprobs", req.sampling.top_logprobs.as_ref());
    tools_encode::tools(req, ctx, &mut obj);
    reasoning(req, &mut obj);
    tools_encode::text(req, ctx, &mut obj);
    match req.extra.format() {
        Some(Format::AnthropicMessages) => of_messages(req, ctx, &mut obj),
        _ => {
            obj.opt_str("user", req.user.as_deref());
            obj.raw("metadata", req.metadata.as_ref());
            obj.opt_str("service_tier", req.service_tier.as_deref());
        }
    }
    if req.stream {
        obj.bool("stream", true);
    } else if req.extra.format() == Some(Format::OpenAiChat) {
        obj.bool("stream", false);
    }
    obj.extra(&req.extra, FORMAT, |key| !key.starts_with(TEXT) && !key.starts_with(REASONING));
    foreign(req, ctx, &mut obj);
}

/// The bound of the answer's tokens.
fn bound(req: &GenerateRequest) -> Option<Number> {
    let given = req.max_output_tokens.clone()?;
    let small = req.extra.format() != Some(FORMAT) && given.as_u64().is_some_and(|n| n < LEAST);
    Some(if small { Number::from(LEAST) } else { given })
}

/// Writes `instructions`; tells the turns that are left for the input.
fn instructions<'r>(req: &'r GenerateRequest, obj: &mut Obj<'_>) -> &'r [Turn] {
    let bare = |t: &&Turn| match req.extra.format() {
        // in this format only the turn that was `instructions` is; messages of the system stay in the input
        Some(FORMAT) => t.role == Role::System && t.extra.format().is_none(),
        Some(Format::AnthropicMessages) => t.role == Role::System,
        _ => t.role == Role::System && t.parts.iter().all(|p| p.as_text().is_some()),
    };
    let count = req.turns.iter().take_while(bare).count();
    let (system, rest) = req.turns.split_at_checked(count).unwrap_or((&[], &req.turns));
    if system.is_empty() || (rest.is_empty() && req.extra.format() != Some(FORMAT)) {
        return &req.turns;
    }
    let joint = if req.extra.format() == Some(Format::AnthropicMessages) { "\n" } else { " " };
    let texts: Vec<&str> =
        system.iter().flat_map(|t| &t.parts).filter_map(Part::as_text).filter(|t| !t.is_empty()).collect();
    if !texts.is_empty() {
        obj.str("instructions", &texts.join(joint));
    }
    rest
}

fn input(turns: &[Turn], ctx: &mut EncodeContext<'_>, obj: &mut Obj<'_>) {
    match turns {
        [] => {}
        // an input that was one string
        [Turn { role: Role::User, flat: true, parts, extra, .. }] if extra.format().is_none() && parts.len() == 1 => {
            obj.opt_str("input", parts.first().and_then(Part::as_text));
        }
        many => input_encode::items(many, ctx, &mut obj.arr("input")),
    }
}

fn reasoning(req: &GenerateRequest, obj: &mut Obj<'_>) {
    let given = &req.reasoning;
    let thinking = given.thinking.as_ref();
    let effort = match thinking.map(RawJson::get) {
        Some(raw) if raw.contains("\"adaptive\"") => given.output_effort.as_deref().or_else(|| effort_of(raw)),
        Some(raw) => effort_of(raw),
        None => given.output_effort.as_deref(),
    };
    let effort = given.effort.as_deref().or(effort);
    let asked = thinking.and_then(|t| t.read::<Top<'_>>().ok()?.str("summary").map(String::from));
    let summary = given.summary.as_deref().or(asked.as_deref());
    let inner = req.extra.fields_for(FORMAT).any(|(key, _)| key.starts_with(REASONING));
    if effort.is_none() && summary.is_none() && !inner {
        return;
    }
    let mut reasoning = obj.obj("reasoning");
    reasoning.opt_str("effort", effort);
    reasoning.opt_str("summary", summary);
    reasoning.inner(&req.extra, FORMAT, REASONING);
}

/// What LiteLLM makes of the rest of a Messages request.
fn of_messages(req: &GenerateRequest, ctx: &mut EncodeContext<'_>, obj: &mut Obj<'_>) {
    // models that do not think refuse it
    if ctx.caps.reasoning || !ctx.caps.known {
        obj.text("include", r#"["reasoning.encrypted_content"]"#);
    }
    let user = req.metadata.as_ref().and_then(|m| m.read::<Top<'_>>().ok()?.str("user_id").map(String::from));
    let cut = |text: &str| text.chars().take(USER_LIMIT).collect::<String>();
    if let Some(user) = &user {
        obj.str("user", &cut(user));
    }
    // an explicit key, else the session that Claude Code writes into its JSON of a user id
    let session =
        user.as_deref().and_then(|u| serde_json::from_str::<Top<'_>>(u).ok()?.str("session_id").map(String::from));
    match (req.extra.get("prompt_cache_key"), session) {
        (Some(key), _) => obj.raw("prompt_cache_key", Some(key)),
        (None, Some(session)) => obj.str("prompt_cache_key", &cut(&session)),
        (None, None) => {}
    }
    if let Some(management) = req.extra.get("context_management") {
        let rules = compaction(management);
        if rules.iter().any(Option::is_none) {
            ctx.lost.push("context_management".to_owned());
        }
        let rules: Vec<Json> = rules.into_iter().flatten().collect();
        if !rules.is_empty() {
            obj.raw("context_management", Some(&Json::Array(rules).to_raw()));
        }
    }
    if req.service_tier.is_some() {
        ctx.lost.push("service_tier".to_owned());
    }
}

/// The edits of Anthropic's `{"edits": [{"type": "compact_...", "trigger": {"value": N}}]}` as this format's rules; nothing for
/// an edit that is none here.
fn compaction(management: &RawJson) -> Vec<Option<Json>> {
    let tree: Json = management.read().unwrap_or_default();
    let rule = |edit: &Json| {
        edit.text("type").filter(|kind| kind.starts_with("compact_"))?;
        let mut rule = Json::object([("type", "compaction")]);
        if let Some(bound) = edit.get("trigger").and_then(|t| t.get("value")?.as_i64()) {
            rule.set("compact_threshold", bound);
        }
        Some(rule)
    };
    tree.get("edits").and_then(Json::as_array).unwrap_or_default().iter().map(rule).collect()
}

/// Fields of other formats: what chat shares goes along, the rest is reported.
fn foreign(req: &GenerateRequest, ctx: &mut EncodeContext<'_>, obj: &mut Obj<'_>) {
    let Some(origin) = req.extra.format().filter(|f| *f != FORMAT) else { return };
    for (key, value) in req.extra.all() {
        if origin == Format::OpenAiChat && SHARED.contains(&key) {
            obj.any_key(key).extend_from_slice(value.get().as_bytes());
        } else if !TRANSLATED.contains(&(origin, key)) {
            ctx.lost.push(key.to_owned());
        }
    }
    let s = &req.sampling;
    for (name, given) in [
        ("stop", !req.stop.is_empty()),
        ("n", s.n.is_some_and(|n| n > 1)),
        ("top_k", s.top_k.is_some()),
        ("seed", s.seed.is_some()),
        ("logprobs", s.logprobs.is_some()),
        ("logit_bias", s.logit_bias.is_some()),
        ("presence_penalty", s.presence_penalty.is_some()),
        ("frequency_penalty", s.frequency_penalty.is_some()),
    ] {
        if given {
            ctx.lost.push(name.to_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_edit_of_the_context_that_is_none_here_is_no_rule() {
        let given = r#"{"edits":[{"type":"compact_20260112","trigger":{"type":"input_tokens","value":9}},{"type":"clear_tool_uses_20250919"}]}"#;
        let [Some(rule), None] = &compaction(&RawJson::parse(given).unwrap())[..] else { panic!("one of two") };
        assert_eq!(rule.to_string(), r#"{"type":"compaction","compact_threshold":9}"#);
        assert!(compaction(&RawJson::parse("[]").unwrap()).is_empty());
    }
}
