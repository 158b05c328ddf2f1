//! The address that the editor Cursor is given as its OpenAI base (`/cursor`). It sends Responses bodies to the chat path, or
//! chat bodies whose tools are written as those of Responses, and wants chat answers to both; and it puts the effort into the
//! model's name. As LiteLLM's `/cursor/chat/completions`.

use bytes::{Bytes, BytesMut};
use llm_accounts::Identity;
use llm_types::{Error, Format, Json, OperationKind, Result};
use llm_wire::codec::{EncodeContext, RequestView};
use llm_wire::registry;

use crate::scope;
use crate::snapshot::Snapshot;

/// The path.
pub(crate) const CHAT: &str = "/cursor/chat/completions";

/// What chat bodies say in other words, or cannot say.
const OF_RESPONSES: [&str; 13] = [
    "background",
    "conversation",
    "include",
    "input",
    "instructions",
    "max_output_tokens",
    "max_tool_calls",
    "messages",
    "previous_response_id",
    "prompt",
    "reasoning",
    "text",
    "truncation",
];

/// Efforts that stand in names of models, as in `gpt-5-thinking-high`.
const EFFORTS: [&str; 6] = ["none", "minimal", "low", "medium", "high", "xhigh"];

/// Fields of a tool, by its kind.
const TOOLS: [(&str, &[&str]); 2] =
    [("custom", &["name", "description", "format"]), ("function", &["name", "description", "parameters", "strict"])];

/// A body as a chat body.
///
/// # Errors
/// `BadRequest` for what is neither.
pub(crate) fn as_chat(snapshot: &Snapshot, who: &Identity, body: &[u8]) -> Result<Bytes> {
    let mut body = crate::read::json(body)?;
    if body.as_object().is_none() {
        return Err(Error::bad_request("the body is no JSON object"));
    }
    let engine = &snapshot.engine;
    let serves = |model: &str| {
        let group = scope::group(&engine.router, who, model);
        engine.language(group, &scope::of(who), OperationKind::Generate, Format::OpenAiChat).is_some()
    };
    let effort = plain_model(&mut body, serves);
    let talks = body.get("messages").and_then(Json::as_array).is_some_and(|messages| !messages.is_empty());
    if !talks && body.get("input").is_some() {
        body = from_responses(&body)?;
    }
    if let Some(effort) = effort.filter(|_| body.get("reasoning_effort").is_none_or(|own| *own == Json::Null)) {
        body.set("reasoning_effort", effort.as_str());
    }
    if let Some(tools) = body.get("tools").and_then(Json::as_array) {
        let tools: Vec<Json> = tools.iter().map(enveloped).collect();
        body.set("tools", Json::Array(tools));
    }
    if let Some(choice) = body.get("tool_choice").map(enveloped) {
        body.set("tool_choice", choice);
    }
    Ok(Bytes::from(body.to_string()))
}

/// Puts the model in place of a variant that nobody serves: `-fast` goes, and the effort of `-thinking-EFFORT` is told.
fn plain_model(body: &mut Json, serves: impl Fn(&str) -> bool) -> Option<String> {
    let name = body.text("model")?;
    let slow = name.strip_suffix("-fast").unwrap_or(name);
    let (model, effort) = match slow.rsplit_once("-thinking-") {
        Some((model, effort)) if !model.is_empty() && EFFORTS.contains(&effort) => (model, Some(effort.to_owned())),
        _ => (slow, None),
    };
    if model == name || serves(name) || !serves(model) {
        return None;
    }
    let model = model.to_owned();
    body.set("model", model);
    effort
}

/// A Responses body in the words of chat; what neither format knows stays.
fn from_responses(body: &Json) -> Result<Json> {
    let codecs =
        registry::client_generate(Format::OpenAiResponses).zip(registry::upstream_generate(Format::OpenAiChat));
    let (from, to) = codecs.ok_or_else(|| Error::internal("no codec for Responses bodies"))?;
    if body.text("previous_response_id").is_some() {
        let why = "chat answers are not kept: send the whole conversation";
        return Err(Error::bad_request(why).with_param("previous_response_id"));
    }
    // Tools and their choice go on as they are, but for their envelope.
    let mut bare = body.clone();
    for field in ["tools", "tool_choice", "stream_options", "messages"] {
        bare.remove(field);
    }
    let bare = bare.to_string();
    let request = from.decode_request(&RequestView { path: "/v1/responses", query: "", body: bare.as_bytes() })?;
    let mut out = BytesMut::new();
    let model = body.text("model").unwrap_or_default();
    to.encode_request(&request, &mut EncodeContext::for_model(model), &mut out)?;
    let mut chat = crate::read::json(&out)?;
    let rest = body.as_object().unwrap_or_default().iter();
    let rest: Vec<_> =
        rest.filter(|(name, _)| !OF_RESPONSES.contains(&name.as_str()) && chat.get(name).is_none()).cloned().collect();
    chat.extend(rest);
    Ok(chat)
}

/// A tool, or the choice of one, in the envelope of chat: `{"type": "function", "function": {...}}`.
fn enveloped(tool: &Json) -> Json {
    let kind = tool.text("type").unwrap_or_default();
    let Some((kind, fields)) = TOOLS.iter().find(|(known, _)| *known == kind) else { return tool.clone() };
    let inside = tool.get(kind).filter(|inside| inside.as_object().is_some());
    let field = |name: &&str| {
        let value = inside.and_then(|inside| inside.get(name)).or_else(|| tool.get(name))?;
        Some(((*name).to_owned(), if *name == "format" { grammar(value) } else { value.clone() }))
    };
    let said = Json::object(fields.iter().filter_map(field));
    if said.get("name").is_none() {
        return tool.clone();
    }
    Json::object([("type", Json::from(*kind)), (kind, said)])
}

/// The form of a free text: Responses writes a grammar's parts beside its type, chat into an object of their own.
fn grammar(format: &Json) -> Json {
    if format.text("type") != Some("grammar") || format.get("grammar").is_some() {
        return format.clone();
    }
    let parts = ["definition", "syntax"].into_iter().filter_map(|name| Some((name, format.get(name)?.clone())));
    Json::object([("type", Json::from("grammar")), ("grammar", Json::object(parts))])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(text: &str) -> Json {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn variants_of_models_name_an_effort() {
        let read = |name: &str| {
            let mut body = Json::object([("model", name)]);
            let effort = plain_model(&mut body, |model| model == "gpt-5" || model == "kept-fast");
            (body.text("model").unwrap_or_default().to_owned(), effort)
        };
        assert_eq!(read("gpt-5-thinking-high-fast"), ("gpt-5".to_owned(), Some("high".to_owned())));
        assert_eq!(read("gpt-5-fast"), ("gpt-5".to_owned(), None));
        assert_eq!(read("gpt-5-thinking-hardest"), ("gpt-5-thinking-hardest".to_owned(), None));
        assert_eq!(read("kept-fast"), ("kept-fast".to_owned(), None), "somebody serves it");
        assert_eq!(read("other-thinking-low"), ("other-thinking-low".to_owned(), None), "nobody serves it");
    }

    #[test]
    fn tools_are_put_into_envelopes() {
        let flat =
            json(r#"{"type":"custom","name":"patch","format":{"type":"grammar","definition":"x","syntax":"lark"}}"#);
        let chat = r#"{"type":"custom","custom":{"name":"patch","format":{"type":"grammar","grammar":{"definition":"x","syntax":"lark"}}}}"#;
        assert_eq!(enveloped(&flat), json(chat));
        assert_eq!(enveloped(&json(chat)), json(chat), "those of chat stay");
        for other in [r#""auto""#, r#"{"type":"web_search"}"#, r#"{"type":"function"}"#] {
            assert_eq!(enveloped(&json(other)), json(other));
        }
    }

    #[test]
    fn responses_bodies_become_chat_bodies() {
        let body = json(
            r#"{"model":"gpt-5","instructions":"Be short.","input":[{"role":"user","content":[{"type":"input_text","text":"Hi"}]}],
            "reasoning":{"effort":"low"},"max_output_tokens":20,"stream":true,"store":false,"metadata":{"tag":"a"},"fallbacks":["b"]}"#,
        );
        let chat = from_responses(&body).unwrap();
        assert_eq!(chat.text("reasoning_effort"), Some("low"));
        assert_eq!(chat.get("fallbacks"), body.get("fallbacks"), "what is the gateway's stays");
        assert!(OF_RESPONSES.iter().all(|name| *name == "messages" || chat.get(name).is_none()), "{chat}");
        let messages = chat.get("messages").and_then(Json::as_array).unwrap();
        assert_eq!(messages.len(), 2, "{chat}");
        let kept = json(r#"{"input":"a","previous_response_id":"resp_1"}"#);
        assert_eq!(from_responses(&kept).unwrap_err().param.as_deref(), Some("previous_response_id"));
    }
}
