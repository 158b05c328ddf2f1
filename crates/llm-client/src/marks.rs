//! Cache marks that an operator wants in every request (`cache_control_injection_points` of a deployment), or in those of a key
//! (`enable_prompt_caching`). The rules are LiteLLM's: a client's own marks count and stay, four are the most that hosts take,
//! earlier points win.

use bytes::Bytes;
use llm_types::{Error, Format, Json, Result};
use llm_wire::top::Top;

/// Marks in one request at the most: Anthropic refuses more.
const MOST: usize = 4;

/// Where marks go.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Points {
    messages: Vec<Point>,
    /// Behind the tools, on Bedrock's Converse.
    tools: Option<Json>,
}

/// One place among the messages.
#[derive(Debug, Clone, PartialEq)]
struct Point {
    role: Option<String>,
    /// Negative ones count from the end; goes before the role.
    index: Option<i64>,
    /// The mark.
    control: Json,
}

impl Points {
    /// Reads the list of a configuration; places that nobody knows are left to others, as in LiteLLM.
    ///
    /// # Errors
    /// When it is no list of objects.
    pub(crate) fn parse(list: Option<&Json>) -> Result<Self> {
        let wrong =
            || Error::bad_request("cache_control_injection_points must be a list of objects with a \"location\"");
        let mut points = Self::default();
        let Some(list) = list.filter(|l| !l.is_null()) else { return Ok(points) };
        for point in list.as_array().ok_or_else(wrong)? {
            let control = point.get("control").filter(|c| !c.is_null()).cloned();
            let control = control.unwrap_or_else(|| Json::object([("type", "ephemeral")]));
            match point.text("location").ok_or_else(wrong)? {
                "message" => {
                    let index = point.get("index");
                    let index = index.and_then(|i| i.as_i64().or_else(|| i.as_str().and_then(|i| i.parse().ok())));
                    points.messages.push(Point { role: point.text("role").map(str::to_owned), index, control });
                }
                "tool_config" => points.tools = Some(control),
                _ => {}
            }
        }
        Ok(points)
    }

    /// The usual places: the system prompt and the end of the conversation. What is said again and again lies before them.
    pub(crate) fn usual(mark: &Json) -> Self {
        let point = |role: Option<&str>, index| Point { role: role.map(str::to_owned), index, control: mark.clone() };
        Self { messages: vec![point(Some("system"), None), point(None, Some(-1))], tools: None }
    }

    /// True where the operator wants none.
    pub(crate) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// A body with its marks; nothing when there are none to set.
    pub(crate) fn put_into(&self, body: &Bytes, format: Format, upstream: Format) -> Result<Option<Bytes>> {
        let known = matches!(format, Format::OpenAiChat | Format::AnthropicMessages);
        if !known || self.is_empty() {
            return Ok(None);
        }
        let top = Top::parse(body)?;
        let Some(Json::Array(mut messages)) = top.read::<Json>("messages") else { return Ok(None) };
        let mut system = top.read::<Json>("system").filter(|_| format == Format::AnthropicMessages);
        let tools = top.read::<Json>("tools");
        let tools = tools.filter(|t| t.as_array().is_some_and(|t| !t.is_empty()));
        let behind_tools = self.tools.as_ref().filter(|_| upstream == Format::BedrockConverse && tools.is_some());
        let outside =
            tools.as_ref().and_then(Json::as_array).unwrap_or_default().iter().filter(|t| is_marked(t)).count()
                + usize::from(top.get("cache_control").is_some_and(|c| c != "null"));
        let mut left = MOST.saturating_sub(outside + usize::from(behind_tools.is_some()));
        left =
            left.saturating_sub(messages.iter().map(marks).sum::<usize>() + system.as_ref().map_or(0, blocks_marked));
        let before = left;
        for point in &self.messages {
            if format == Format::AnthropicMessages && point.index.is_none() && point.role.as_deref() == Some("system") {
                if let Some(system) = system.as_mut().filter(|s| left > 0 && blocks_marked(s) == 0) {
                    left -= usize::from(mark_content(system, &point.control));
                }
                continue;
            }
            for at in point.targets(&messages) {
                let Some(message) = messages.get_mut(at).filter(|m| left > 0 && marks(m) == 0) else { continue };
                left -= usize::from(mark_message(message, &point.control, format));
            }
        }
        let mut edits: Vec<(&str, String)> = Vec::new();
        if left < before {
            edits.push(("messages", Json::Array(messages).to_string()));
            edits.extend(system.map(|system| ("system", system.to_string())));
        }
        if let (Some(control), Some(Json::Array(mut tools))) = (behind_tools, tools) {
            if let Some(last) = tools.last_mut().filter(|t| !is_marked(t)) {
                last.set("cache_control", control.clone());
            }
            edits.push(("tools", Json::Array(tools).to_string()));
        }
        let edits: Vec<_> = edits.iter().map(|(key, value)| (*key, Some(value.as_str()))).collect();
        Ok((!edits.is_empty()).then(|| top.edited(&edits)))
    }
}

impl Point {
    /// The messages that are meant, by their places.
    fn targets(&self, messages: &[Json]) -> Vec<usize> {
        match (self.index, &self.role) {
            (Some(index), _) => {
                let from_end = i64::try_from(messages.len()).unwrap_or(i64::MAX);
                let at = if index < 0 { from_end.saturating_add(index) } else { index };
                usize::try_from(at).ok().filter(|at| *at < messages.len()).into_iter().collect()
            }
            (None, Some(role)) => {
                let is = |(at, message): (usize, &Json)| (message.text("role") == Some(role)).then_some(at);
                messages.iter().enumerate().filter_map(is).collect()
            }
            (None, None) => Vec::new(),
        }
    }
}

fn is_marked(block: &Json) -> bool {
    let own = |of: &Json| of.get("cache_control").is_some_and(|c| !c.is_null());
    own(block) || block.get("function").is_some_and(own)
}

fn blocks_marked(content: &Json) -> usize {
    content.as_array().unwrap_or_default().iter().filter(|block| is_marked(block)).count()
}

/// Marks of a message.
fn marks(message: &Json) -> usize {
    usize::from(is_marked(message)) + message.get("content").map_or(0, blocks_marked)
}

/// Marks a message: chat's texts have it beside them, blocks have it in the last one. True when there was a place for it.
fn mark_message(message: &mut Json, control: &Json, format: Format) -> bool {
    if format == Format::OpenAiChat && message.get("content").is_some_and(|c| c.as_str().is_some()) {
        message.set("cache_control", control.clone());
        return true;
    }
    message.get_mut("content").is_some_and(|content| mark_content(content, control))
}

/// Marks the last block; a bare text becomes one.
fn mark_content(content: &mut Json, control: &Json) -> bool {
    if let Json::String(text) = content {
        let block = [("type", Json::from("text")), ("text", Json::from(text.as_str()))];
        *content = Json::Array(vec![Json::object(block)]);
    }
    let Json::Array(blocks) = content else { return false };
    let Some(last) = blocks.last_mut().filter(|block| block.as_object().is_some()) else { return false };
    last.set("cache_control", control.clone());
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(points: &str, body: &'static str, format: Format) -> String {
        let points: Json = serde_json::from_str(points).unwrap();
        let points = Points::parse(Some(&points)).unwrap();
        let body = Bytes::from_static(body.as_bytes());
        let put = points.put_into(&body, format, Format::BedrockConverse).unwrap().unwrap_or(body);
        String::from_utf8(put.to_vec()).unwrap()
    }

    #[test]
    fn marks_go_where_the_operator_wants_them() {
        let chat =
            r#"{"messages":[{"role":"system","content":"s"},{"role":"user","content":[{"type":"text","text":"a"}]}]}"#;
        let both = r#"[{"location":"message","role":"system"},{"location":"message","index":-1,"control":{"type":"ephemeral","ttl":"1h"}}]"#;
        assert_eq!(
            put(both, chat, Format::OpenAiChat),
            r#"{"messages":[{"role":"system","content":"s","cache_control":{"type":"ephemeral"}},{"role":"user","content":[{"type":"text","text":"a","cache_control":{"type":"ephemeral","ttl":"1h"}}]}]}"#
        );
        let native = r#"{"system":"s","messages":[{"role":"user","content":"a"}]}"#;
        assert_eq!(
            put(both, native, Format::AnthropicMessages),
            r#"{"system":[{"type":"text","text":"s","cache_control":{"type":"ephemeral"}}],"messages":[{"role":"user","content":[{"type":"text","text":"a","cache_control":{"type":"ephemeral","ttl":"1h"}}]}]}"#
        );
        let tools = r#"{"messages":[],"tools":[{"type":"function"}]}"#;
        assert_eq!(
            put(r#"[{"location":"tool_config"}]"#, tools, Format::OpenAiChat),
            r#"{"messages":[],"tools":[{"type":"function","cache_control":{"type":"ephemeral"}}]}"#
        );
    }

    #[test]
    fn the_usual_places_are_the_system_prompt_and_the_end() {
        let mark: Json = serde_json::from_str(r#"{"type":"ephemeral","ttl":"1h"}"#).unwrap();
        let chat = r#"{"messages":[{"role":"system","content":"s"},{"role":"user","content":"a"},{"role":"user","content":"b"}]}"#;
        let put = Points::usual(&mark).put_into(&Bytes::from(chat), Format::OpenAiChat, Format::AnthropicMessages);
        let put = String::from_utf8(put.unwrap().unwrap().to_vec()).unwrap();
        let marked = r#","cache_control":{"type":"ephemeral","ttl":"1h"}}"#;
        assert_eq!(
            put,
            chat.replace(r#""s"}"#, &format!(r#""s"{marked}"#)).replace(r#""b"}"#, &format!(r#""b"{marked}"#))
        );
    }

    #[test]
    fn no_more_than_hosts_take_and_never_over_a_clients_own() {
        let users = r#"[{"location":"message","role":"user"}]"#;
        let five = r#"{"messages":[{"role":"user","content":"1"},{"role":"user","content":"2"},{"role":"user","content":"3"},{"role":"user","content":"4"},{"role":"user","content":"5"}]}"#;
        assert_eq!(put(users, five, Format::OpenAiChat).matches("cache_control").count(), MOST);
        let own = r#"{"messages":[{"role":"user","content":"1","cache_control":{"type":"own"}}]}"#;
        assert_eq!(put(users, own, Format::OpenAiChat), own);
        let nobody = r#"[{"location":"message","index":7},{"location":"elsewhere"}]"#;
        assert_eq!(put(nobody, own, Format::OpenAiChat), own);
        for bad in ["{}", "[1]", r#"[{"role":"user"}]"#] {
            assert!(Points::parse(Some(&serde_json::from_str(bad).unwrap())).is_err(), "{bad}");
        }
    }
}
