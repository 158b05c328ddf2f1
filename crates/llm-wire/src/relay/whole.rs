//! Whole answers that may be forwarded.

use std::fmt;

use llm_types::Format;
use serde::de::{IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::top::Top;

/// Fields of a choice and of a message that clients of LiteLLM find where OpenAI writes them. Others have another place
/// there, so that the answer has to be read and written anew.
const CHOICE: [&str; 5] = ["index", "message", "finish_reason", "logprobs", "text"];
const MESSAGE: [&str; 7] =
    ["role", "content", "annotations", "audio", "tool_calls", "function_call", "reasoning_content"];
const FINISH: [&str; 5] = ["stop", "length", "tool_calls", "content_filter", "function_call"];

/// True when an answer of `format` may go to a client of the same format as it came, but for the model's name. What is
/// no answer at all (no `choices`) may not: reading it tells the error.
#[must_use]
pub fn is_plain(format: Format, top: &Top<'_>) -> bool {
    match format {
        Format::OpenAiChat => top.read::<Choices>("choices").is_some_and(|c| c.0),
        Format::OpenAiResponses => top.get("output").is_some_and(|o| o.starts_with('[')),
        Format::OpenAiCompletions => top.get("choices").is_some_and(|c| c.starts_with('[')),
        _ => true,
    }
}

/// A list of choices in which nothing is foreign.
struct Choices(bool);

impl<'de> Deserialize<'de> for Choices {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct ListVisitor;
        impl<'de> Visitor<'de> for ListVisitor {
            type Value = Choices;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Choices, A::Error> {
                let mut plain = true;
                while let Some(choice) = list.next_element::<Plain<Choice>>()? {
                    plain &= choice.0 && !(choice.1.stop && choice.1.tools);
                }
                Ok(Choices(plain))
            }
        }
        d.deserialize_seq(ListVisitor)
    }
}

/// What of an object's fields matters: whether a field may stand there with this value.
trait Shape: Default {
    fn field<'de, A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<bool, A::Error>;
}

/// An object, and whether nothing in it is foreign.
struct Plain<S>(bool, S);

impl<'de, S: Shape> Deserialize<'de> for Plain<S> {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct ObjectVisitor<S>(S);
        impl<'de, S: Shape> Visitor<'de> for ObjectVisitor<S> {
            type Value = Plain<S>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<Plain<S>, A::Error> {
                let mut plain = true;
                while let Some(key) = map.next_key::<&str>()? {
                    plain &= self.0.field(key, &mut map)?;
                }
                Ok(Plain(plain, self.0))
            }
        }
        d.deserialize_map(ObjectVisitor(S::default()))
    }
}

#[derive(Default)]
struct Choice {
    /// It says `stop`.
    stop: bool,
    /// It called tools.
    tools: bool,
}

impl Shape for Choice {
    fn field<'de, A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<bool, A::Error> {
        match key {
            "message" => {
                let message: Plain<Message> = map.next_value()?;
                self.tools = message.1.tools;
                Ok(message.0)
            }
            "finish_reason" => {
                let word: &RawValue = map.next_value()?;
                let word = word.get().trim_matches('"');
                self.stop = word == "stop";
                Ok(FINISH.contains(&word))
            }
            _ if CHOICE.contains(&key) => map.next_value::<IgnoredAny>().map(|_| true),
            _ => Ok(map.next_value::<&RawValue>()?.get() == "null"),
        }
    }
}

#[derive(Default)]
struct Message {
    tools: bool,
}

impl Shape for Message {
    fn field<'de, A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<bool, A::Error> {
        let raw: &RawValue = map.next_value()?;
        let raw = raw.get();
        match key {
            "content" => return Ok(!raw.starts_with('[')),
            "tool_calls" => self.tools = raw.len() > 2 && raw != "null",
            _ => {}
        }
        Ok(raw == "null" || MESSAGE.contains(&key))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(choices: &str) -> bool {
        let body = format!("{{\"id\":\"x\",\"choices\":{choices}}}");
        is_plain(Format::OpenAiChat, &Top::parse(body.as_bytes()).unwrap())
    }

    #[test]
    fn what_litellm_keeps_elsewhere_is_not_plain() {
        let ok = r#"[{"index":0,"message":{"role":"assistant","content":"a \"b\"","refusal":null,"annotations":[]},"finish_reason":"stop","logprobs":null,"stop_reason":null}]"#;
        assert!(plain(ok));
        for (from, to) in [
            ("\"refusal\":null", "\"refusal\":\"no\""),
            ("\"stop_reason\":null", "\"stop_reason\":7"),
            ("\"finish_reason\":\"stop\"", "\"finish_reason\":\"eos\""),
            ("\"annotations\":[]", "\"tool_calls\":[{\"id\":\"c\"}]"),
            ("\"content\":\"a \\\"b\\\"\"", "\"content\":[]"),
        ] {
            assert!(ok.contains(from) && !plain(&ok.replace(from, to)), "{to}");
        }
        assert!(plain(r#"[{"message":{"tool_calls":[{"id":"c"}]},"finish_reason":"tool_calls"}]"#));
        assert!(!plain("null") && !plain("{}"));
        assert!(!is_plain(Format::OpenAiChat, &Top::parse(b"{}").unwrap()));
        assert!(!is_plain(Format::OpenAiCompletions, &Top::parse(b"{}").unwrap()));
    }
}
