//! What the router is asked about a call: its wishes, and of its content what strategies and checks look at.

use std::sync::Arc;

use llm_router::{AffinityKey, RouteRequest, Router, Scope};
use llm_types::{Field, FieldSet, Format, OperationKind, RawJson};
use llm_wire::top::Top;

use crate::call::{Call, Controls};
use crate::count::Prompt;
use crate::engine::Gate;

/// A prompt cache is worth it from this many tokens on, as in LiteLLM; about four bytes each.
const CACHED_TOKENS: usize = 1024;
const BYTES_PER_TOKEN: usize = 4;

/// The question to the router.
pub(crate) fn route_request(router: &Router, call: &Call, gate: &dyn Gate) -> RouteRequest {
    let mut request = call.controls.request(Arc::clone(&call.model), call.route);
    request.stream = call.stream;
    request.names_resource = call.operation.family() != call.operation;
    request.who.admit = gate.admit();
    look_inside(router, call, &mut request);
    request
}

impl Controls {
    /// The caller, as the router sees it.
    #[must_use]
    pub fn scope(&self) -> Scope {
        Scope { team_id: self.team.clone(), ..Scope::default() }
    }

    /// The question to the router for a model group, without what the content says.
    #[must_use]
    pub fn request(&self, group: Arc<str>, route: &'static str) -> RouteRequest {
        let mut request = RouteRequest::new(group);
        request.route = route;
        request.num_retries = self.num_retries;
        request.timeout = self.timeout;
        request.stream_timeout = self.stream_timeout;
        request.max_fallbacks = self.max_fallbacks;
        request.fallbacks.clone_from(&self.fallbacks);
        request.context_window_fallbacks.clone_from(&self.context_window_fallbacks);
        request.content_policy_fallbacks.clone_from(&self.content_policy_fallbacks);
        // A key that a client brings along is shown to no other group's provider.
        request.disable_fallbacks = self.disable_fallbacks || self.own.is_some();
        request.tags.clone_from(&self.tags);
        request.inherited_tags.clone_from(&self.inherited_tags);
        request.user_agent.clone_from(&self.user_agent);
        request.region.clone_from(&self.region);
        request.priority = self.priority;
        request.key_hash.clone_from(&self.key_hash);
        request.session.clone_from(&self.session);
        request.settings.clone_from(&self.settings);
        request.who.team_id.clone_from(&self.team);
        request
    }
}

/// Reads the content, as far as somebody wants to know of it.
fn look_inside(router: &Router, call: &Call, request: &mut RouteRequest) {
    let needs = router.needs(request);
    if needs.asked {
        // For auto routers among the fallbacks. A conversation that cannot be read has no words.
        request.asked = crate::auto::asked(call, false).ok().map(Arc::new);
    }
    let encrypted = router.follows_encrypted_content() && call.format == Format::OpenAiResponses;
    if !needs.tokens && !needs.prefix && !needs.cached_prompts && !encrypted {
        return;
    }
    if needs.tokens {
        request.estimated_tokens = tokens(call);
    }
    let Ok(top) = Top::parse(&call.body) else { return };
    if wants_schema(call.format, &top) {
        request.fields = FieldSet::of(&[Field::ResponseFormat]);
    }
    if needs.prefix {
        request.prefix = prefix(&top);
    }
    if needs.cached_prompts && contains(&call.body, b"\"cache_control\"") {
        request.cached_prompts = cached_prompts(&top).into();
    }
    if encrypted {
        request.encrypted = encrypted_content(&call.body).into();
    }
}

/// Tokens of the prompt; 0 where there is none to count.
fn tokens(call: &Call) -> u64 {
    match call.operation {
        OperationKind::Generate => crate::tokens::here(call, &call.model).unwrap_or_default(),
        OperationKind::Embed => Prompt { body: call.body.clone(), format: None }.embedded(&call.model),
        _ => 0,
    }
}

/// True when the answer has to have a form: `response_format` and its kin in other languages.
fn wants_schema(format: Format, top: &Top<'_>) -> bool {
    let filled = |field: &str| top.get(field).filter(|v| *v != "null");
    let inside = |object: &str, field: &str| {
        filled(object).is_some_and(|raw| {
            Top::parse(raw.as_bytes()).is_ok_and(|inner| inner.get(field).is_some_and(|v| v != "null"))
        })
    };
    match format {
        Format::OpenAiResponses => inside("text", "format"),
        Format::GeminiGenerate => inside("generationConfig", "responseSchema"),
        _ => filled("response_format").is_some(),
    }
}

/// What stands before the conversation, in every client's language.
const HEAD: [&str; 5] = ["tools", "system", "instructions", "systemInstruction", "system_instruction"];
/// The conversation.
const TURNS: [&str; 3] = ["messages", "input", "contents"];

/// What all turns of a conversation have in common: tools, system prompt, and the turns up to the user's first.
fn prefix(top: &Top<'_>) -> Option<AffinityKey> {
    let turns = TURNS.iter().find_map(|field| top.get(field)).or_else(|| top.get("prompt"))?;
    let list = RawJson::parse(turns).ok().and_then(|raw| raw.read::<Vec<RawJson>>().ok());
    let mut parts: Vec<&str> = HEAD.iter().filter_map(|field| top.get(field)).collect();
    match &list {
        None => parts.push(turns),
        Some(list) => {
            let user = |item: &RawJson| {
                Top::parse(item.get().as_bytes()).is_ok_and(|top| top.str("role").as_deref() == Some("user"))
            };
            let first = list.iter().position(user).unwrap_or(0);
            parts.extend(list.iter().take(first + 1).map(RawJson::get));
        }
    }
    Some(AffinityKey::of(parts.iter().map(|p| p.as_bytes())))
}

/// The beginnings of the prompt that end at a `cache_control` and are long enough to be cached, the longest first.
fn cached_prompts(top: &Top<'_>) -> Vec<AffinityKey> {
    let turns = TURNS.iter().find_map(|field| top.read::<Vec<RawJson>>(field)).unwrap_or_default();
    let pieces = HEAD.iter().filter_map(|field| top.get(field)).chain(turns.iter().map(RawJson::get));
    let (mut before, mut length, mut keys) = (AffinityKey::of([]), 0, Vec::new());
    for piece in pieces {
        before = AffinityKey::of([&before.0.to_le_bytes()[..], piece.as_bytes()]);
        length += piece.len();
        if length >= CACHED_TOKENS * BYTES_PER_TOKEN && contains(piece.as_bytes(), b"\"cache_control\"") {
            keys.push(before);
        }
    }
    keys.reverse();
    keys
}

/// The keys of all encrypted content in a body.
#[must_use]
pub fn encrypted_content(body: &[u8]) -> Vec<AffinityKey> {
    const FIELD: &[u8] = b"\"encrypted_content\"";
    let mut keys = Vec::new();
    let mut rest = body;
    while let Some(at) = find(rest, FIELD) {
        rest = rest.get(at + FIELD.len()..).unwrap_or_default();
        let value = rest.trim_ascii_start().strip_prefix(b":").map(<[u8]>::trim_ascii_start);
        let Some(text) = value.and_then(|v| v.strip_prefix(b"\"")) else { continue };
        // Base64 holds no escapes.
        let Some(end) = text.iter().position(|b| *b == b'"') else { break };
        let (content, behind) = text.split_at(end);
        if !content.is_empty() {
            keys.push(llm_router::encrypted_key(content));
        }
        rest = behind;
    }
    keys
}

fn contains(body: &[u8], needle: &[u8]) -> bool {
    find(body, needle).is_some()
}

fn find(body: &[u8], needle: &[u8]) -> Option<usize> {
    body.windows(needle.len()).position(|w| w == needle)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn top_of<T>(text: &str, look: impl Fn(&Top<'_>) -> T) -> T {
        look(&Top::parse(text.as_bytes()).unwrap())
    }

    #[test]
    fn all_turns_of_a_conversation_have_the_same_prefix() {
        let first = r#"{"model":"m","system":"S","messages":[{"role":"user","content":"a"}]}"#;
        let second = r#"{"system":"S","messages":[{"role":"user","content":"a"},{"role":"assistant","content":"b"},{"role":"user","content":"c"}]}"#;
        assert_eq!(top_of(first, prefix), top_of(second, prefix));
        assert_ne!(top_of(first, prefix), top_of(&first.replace("\"S\"", "\"T\""), prefix));
        assert!(top_of(r#"{"input":"text"}"#, prefix).is_some());
        assert!(top_of("{}", prefix).is_none());
    }

    #[test]
    fn cached_beginnings_are_long_and_marked() {
        let long = "x".repeat(5000);
        let body = |turns: &str| {
            format!(
                r#"{{"system":[{{"type":"text","text":"{long}","cache_control":{{"type":"ephemeral"}}}}],"messages":[{turns}]}}"#
            )
        };
        let plain = r#"{"role":"user","content":"a"}"#;
        let marked = r#"{"role":"user","content":[{"text":"b","cache_control":{}}]}"#;
        let one = top_of(&body(plain), cached_prompts);
        let two = top_of(&body(&format!("{plain},{marked}")), cached_prompts);
        assert_eq!((one.len(), two.len()), (1, 2));
        assert_eq!(one[0], two[1], "the system prompt is in both");
        assert!(top_of(&body(plain).replace(&long, "short"), cached_prompts).is_empty());
    }

    #[test]
    fn encrypted_content_is_found_anywhere() {
        let keys = encrypted_content(
            br#"{"input":[{"encrypted_content": "gAA"},{"encrypted_content":null},{"encrypted_content":"gBB"}]}"#,
        );
        assert_eq!(keys, [llm_router::encrypted_key(b"gAA"), llm_router::encrypted_key(b"gBB")]);
    }
}
