//! Who began a conversation and whether it has pictures: GitHub counts requests by the one and wants to be told the
//! other. Read from the bytes that are sent, which have system turns as assistant turns.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

/// What the headers say of a conversation.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Conversation {
    /// It goes on by itself: tools were called, or the model has answered before.
    pub(super) by_agent: bool,
    pub(super) has_images: bool,
}

#[derive(Deserialize)]
struct Request<'a> {
    #[serde(borrow, default)]
    messages: Vec<Turn<'a>>,
    #[serde(borrow)]
    input: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Turn<'a> {
    #[serde(borrow)]
    role: Option<Cow<'a, str>>,
    #[serde(borrow, rename = "type")]
    kind: Option<Cow<'a, str>>,
    #[serde(borrow)]
    content: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Part<'a> {
    #[serde(borrow, rename = "type")]
    kind: Option<Cow<'a, str>>,
    image_url: Option<serde::de::IgnoredAny>,
}

impl Conversation {
    /// Reads a chat or Responses request; anything else is a person's, without pictures.
    pub(super) fn read(body: &[u8]) -> Self {
        let Ok(request) = serde_json::from_slice::<Request<'_>>(body) else { return Conversation::default() };
        let input = request.input.and_then(|raw| serde_json::from_str::<Vec<Turn<'_>>>(raw.get()).ok());
        let turns = if request.messages.is_empty() { input.unwrap_or_default() } else { request.messages };
        // What stands before the first turn of the person was a system turn.
        let asked = turns.iter().position(|turn| turn.role.as_deref() == Some("user")).unwrap_or(turns.len());
        let by_agent = turns.iter().enumerate().any(|(at, turn)| match turn.role.as_deref() {
            Some("tool") => true,
            Some("assistant") => at > asked,
            Some(_) => false,
            // Responses: calls of tools and their results have no role.
            None => turn.kind.as_deref().is_some_and(|kind| kind.starts_with("function_call")),
        });
        Conversation { by_agent, has_images: turns.iter().any(Turn::has_images) }
    }
}

impl Turn<'_> {
    fn has_images(&self) -> bool {
        let parts = self.content.and_then(|raw| serde_json::from_str::<Vec<Part<'_>>>(raw.get()).ok());
        parts
            .unwrap_or_default()
            .iter()
            .any(|part| part.image_url.is_some() || matches!(part.kind.as_deref(), Some("image_url" | "input_image")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn persons_agents_and_pictures() {
        let (user, image) = (r#"{"role":"user","content":"x"}"#, r#"{"type":"image_url","image_url":{"url":"u"}}"#);
        let system = r#"{"role":"assistant","content":"Be brief."}"#;
        for (body, by_agent, has_images) in [
            (format!(r#"{{"messages":[{user}]}}"#), false, false),
            (format!(r#"{{"messages":[{system},{user}]}}"#), false, false),
            (format!(r#"{{"messages":[{user},{system},{user}]}}"#), true, false),
            (format!(r#"{{"messages":[{user},{{"role":"tool","content":"1"}}]}}"#), true, false),
            (format!(r#"{{"messages":[{{"role":"user","content":[{image}]}}]}}"#), false, true),
            (r#"{"input":"Hello"}"#.to_owned(), false, false),
            (
                r#"{"input":[{"role":"user","content":[{"type":"input_image","image_url":"u"}]}]}"#.to_owned(),
                false,
                true,
            ),
            (format!(r#"{{"input":[{user},{{"type":"function_call_output","output":"1"}}]}}"#), true, false),
            (r#"{"input":["text"]}"#.to_owned(), false, false),
            ("not json".to_owned(), false, false),
        ] {
            assert_eq!(Conversation::read(body.as_bytes()), Conversation { by_agent, has_images }, "{body}");
        }
    }
}
