//! Cached contents: the beginning of a conversation that lies with Google, for requests that begin the same way.
//! <https://ai.google.dev/api/caching>, <https://cloud.google.com/vertex-ai/generative-ai/docs/context-cache/context-cache-create>
//!
//! Clients mark what is to be kept as Anthropic's do (`cache_control`). From the first marked turn to the last all is
//! kept, the tools with it: a request that names a cached content may not bring tools or instructions of its own.

use std::ops::Range;

use bytes::BytesMut;
use llm_types::generate::{GenerateRequest, PartKind, Role, Turn};
use llm_types::{Format, Json, RawJson, Result};
use sha2::{Digest, Sha256};

use super::{FORMAT, request_encode};
use crate::codec::EncodeContext;
use crate::top::Top;

/// Fields of a request that a cached content takes over, and what they are called there.
const KEPT: [(&str, &str); 4] = [
    ("contents", "contents"),
    ("systemInstruction", "systemInstruction"),
    ("system_instruction", "systemInstruction"),
    ("tools", "tools"),
];
/// The same, which differs in spelling between writers of requests.
const CHOICE: [&str; 2] = ["toolConfig", "tool_config"];

/// What is kept.
#[derive(Debug, Clone)]
pub struct Content {
    /// Its name for people, by which it is found again: made of everything that it holds.
    pub key: String,
    /// The request that makes it.
    pub body: String,
}

/// The turns that a request's marks cover. Nothing when there is no mark, when a cached content is named already, when
/// nothing would be left to ask, or when they end with the model's words, which Google refuses.
#[must_use]
pub fn marked(req: &GenerateRequest) -> Option<Range<usize>> {
    let named =
        ["cached_content", "cachedContent"].iter().any(|name| req.extra.get(name).is_some_and(|v| !v.is_null()));
    if named || req.extra.format() == Some(FORMAT) {
        return None;
    }
    let first = req.turns.iter().position(is_marked)?;
    let last = req.turns.iter().rposition(is_marked)?;
    let kept = req.turns.get(first..=last)?;
    let left = req.turns.iter().take(first).chain(req.turns.iter().skip(last + 1));
    let spoken = |turn: &&Turn| !matches!(turn.role, Role::System | Role::Developer);
    let ends_well = kept.iter().rfind(spoken).is_none_or(|turn| turn.role == Role::User);
    (ends_well && left.filter(spoken).count() > 0).then_some(first..last + 1)
}

fn is_marked(turn: &Turn) -> bool {
    turn.parts.iter().any(|part| {
        matches!(part.kind, PartKind::Text { .. })
            && mark(part.cache_control.as_ref(), "type").as_deref() == Some("ephemeral")
    })
}

fn mark(control: Option<&RawJson>, field: &str) -> Option<String> {
    control?.read::<Top<'_>>().ok()?.str(field).map(std::borrow::Cow::into_owned)
}

/// How long it shall be kept: the first mark that says so in seconds (`3600s`).
fn ttl(turns: &[Turn]) -> Option<String> {
    let marks = turns.iter().flat_map(|turn| &turn.parts).filter_map(|part| mark(part.cache_control.as_ref(), "ttl"));
    let seconds = |ttl: &str| ttl.strip_suffix('s').and_then(|n| n.parse::<f64>().ok()).is_some_and(|n| n > 0.0);
    marks.into_iter().find(|ttl| seconds(ttl))
}

/// The texts that are kept, to be counted: too little is not worth it.
#[must_use]
pub fn texts(req: &GenerateRequest, range: &Range<usize>) -> String {
    let turns = req.turns.get(range.clone()).unwrap_or_default();
    crate::turns::texts(turns.iter().flat_map(|turn| &turn.parts))
}

/// Writes what makes a cached content of some turns. `model` is its name there, as Google's paths have it.
///
/// # Errors
/// What the writing of a request says.
pub fn content(
    req: &GenerateRequest,
    range: &Range<usize>,
    model: &str,
    ctx: &mut EncodeContext<'_>,
) -> Result<Content> {
    let turns = req.turns.get(range.clone()).unwrap_or_default().to_vec();
    let ttl = ttl(&turns);
    let kept = GenerateRequest {
        turns,
        tools: req.tools.clone(),
        tool_choice: req.tool_choice.clone(),
        ..GenerateRequest::default()
    };
    let mut out = BytesMut::new();
    request_encode::encode(&kept, ctx, &mut out)?;
    let top = Top::parse(&out)?;
    let mut body = Json::object([("model", model)]);
    let mut put = |name: &str, raw: &str| {
        if let Ok(value) = serde_json::from_str::<Json>(raw) {
            body.set(name, value);
        }
    };
    for (name, own) in KEPT {
        top.get(name).into_iter().for_each(|raw| put(own, raw));
    }
    CHOICE.iter().filter_map(|name| top.get(name)).for_each(|raw| put("toolConfig", raw));
    let key = Sha256::digest(body.to_string()).iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    body.set("displayName", key.as_str());
    if let Some(ttl) = ttl {
        body.set("ttl", ttl);
    }
    Ok(Content { key, body: body.to_string() })
}

/// Takes what is kept out of a request, which names it instead.
pub fn leave(req: &mut GenerateRequest, range: &Range<usize>, name: &str) {
    if range.end <= req.turns.len() {
        req.turns.drain(range.clone());
    }
    req.tools.clear();
    req.tool_choice = None;
    req.parallel_tool_calls = None;
    let format = req.extra.format().unwrap_or(Format::OpenAiChat);
    req.extra.push(format, "cached_content", RawJson::string(name));
}

/// What a reply of `cachedContents` tells: name, key and end of each, and where the list goes on.
#[derive(Debug, Default)]
pub struct Listed {
    /// Contents: name, key, end as a date.
    pub contents: Vec<(String, String, String)>,
    /// The token of the next page.
    pub next: Option<String>,
}

/// Reads a list of cached contents, or the one that was made.
#[must_use]
pub fn listed(body: &[u8]) -> Listed {
    let tree: Json = serde_json::from_slice(body).unwrap_or_default();
    let text = |json: &Json, name: &str| json.text(name).unwrap_or_default().to_owned();
    let one = |json: &Json| (text(json, "name"), text(json, "displayName"), text(json, "expireTime"));
    let contents = match tree.get("cachedContents").and_then(Json::as_array) {
        Some(list) => list.iter().map(one).collect(),
        None if tree.get("name").is_some() => vec![one(&tree)],
        None => Vec::new(),
    };
    Listed { contents, next: Some(text(&tree, "nextPageToken")).filter(|token| !token.is_empty()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::RequestView;
    use crate::registry;

    fn read(body: &str) -> GenerateRequest {
        let view = RequestView { path: "", query: "", body: body.as_bytes() };
        registry::client_generate(Format::OpenAiChat).unwrap().decode_request(&view).unwrap()
    }

    const MARK: &str = r#""cache_control":{"type":"ephemeral","ttl":"600s"}"#;

    fn asked(turns: &str) -> GenerateRequest {
        let tools = r#"[{"type":"function","function":{"name":"f","parameters":{"type":"object","properties":{}}}}]"#;
        read(&format!(r#"{{"model":"m","messages":[{turns}],"tools":{tools},"tool_choice":"auto"}}"#))
    }

    #[test]
    fn marked_turns_are_kept_with_the_tools() {
        let system = format!(r#"{{"role":"system","content":[{{"type":"text","text":"Law","{}"#, &MARK[1..]) + "}]}";
        let mut req = asked(&format!(r#"{system},{{"role":"user","content":"Hi"}}"#));
        let range = marked(&req).unwrap();
        assert_eq!(range, 0..1);
        let model = "models/gemini-2.5-flash";
        let content = content(&req, &range, model, &mut EncodeContext::for_model("gemini-2.5-flash")).unwrap();
        let body: Json = serde_json::from_str(&content.body).unwrap();
        assert_eq!(body.text("model"), Some(model));
        assert_eq!(body.text("ttl"), Some("600s"));
        assert_eq!(body.text("displayName"), Some(content.key.as_str()));
        assert!(content.body.contains("Law") && body.get("tools").is_some() && body.get("toolConfig").is_some());
        leave(&mut req, &range, "cachedContents/1");
        let mut out = BytesMut::new();
        request_encode::encode(&req, &mut EncodeContext::for_model("gemini-2.5-flash"), &mut out).unwrap();
        let left = String::from_utf8(out.to_vec()).unwrap();
        assert!(left.contains(r#""cachedContent":"cachedContents/1""#), "{left}");
        assert!(!left.contains("Law") && !left.contains("tools") && left.contains("Hi"), "{left}");
        assert!(marked(&req).is_none(), "one is named already");
    }

    #[test]
    fn not_every_mark_can_be_followed() {
        let user = format!(r#"{{"role":"user","content":[{{"type":"text","text":"Hi",{MARK}}}]}}"#);
        let model = format!(r#"{{"role":"assistant","content":[{{"type":"text","text":"Yes",{MARK}}}]}}"#);
        let more = r#"{"role":"user","content":"And?"}"#;
        assert!(marked(&asked(more)).is_none(), "no mark");
        assert!(marked(&asked(&user)).is_none(), "nothing is left to ask");
        assert!(marked(&asked(&format!("{user},{model},{more}"))).is_none(), "the model's words are last");
        assert_eq!(marked(&asked(&format!("{user},{more},{user},{more}"))), Some(0..3));
    }

    #[test]
    fn lists_are_read() {
        let list =
            listed(br#"{"cachedContents":[{"name":"a","displayName":"k","expireTime":"t"}],"nextPageToken":"n"}"#);
        assert_eq!(list.contents, [("a".to_owned(), "k".to_owned(), "t".to_owned())]);
        assert_eq!(list.next.as_deref(), Some("n"));
        assert_eq!(listed(br#"{"name":"b"}"#).contents.len(), 1);
        assert!(listed(b"{}").contents.is_empty());
    }
}
