//! Whole answers that may be forwarded.

use std::fmt;
use std::sync::LazyLock;

use llm_types::generate::UsageReport;
use llm_types::{Format, RawJson};
use memchr::memmem::Finder;
use serde::de::{IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::gemini::Grounding;

/// Fields of a choice and of a message that clients of LiteLLM find where OpenAI writes them. Others have another place
/// there, so that the answer has to be read and written anew.
const CHOICE: [&str; 5] = ["index", "message", "finish_reason", "logprobs", "text"];
const MESSAGE: [&str; 7] =
    ["role", "content", "annotations", "audio", "tool_calls", "function_call", "reasoning_content"];
const FINISH: [&str; 5] = ["stop", "length", "tool_calls", "content_filter", "function_call"];

/// What a relay has to know of a whole answer, read in one pass.
#[derive(Debug)]
pub struct Whole<'a> {
    /// The upstream's id of the answer.
    pub id: Option<&'a RawValue>,
    /// The model as the upstream named it.
    pub model: Option<&'a RawValue>,
    usage: Option<&'a RawValue>,
    /// Gemini's: what they looked up is billed.
    candidates: Option<&'a RawValue>,
}

impl<'a> Whole<'a> {
    /// Reads an answer of `format` that may go to a client of the same format as it came, but for the model's name.
    /// Nothing for an answer that has to be read and written anew; reading what is no answer at all tells the error.
    #[must_use]
    pub fn read(format: Format, body: &'a [u8]) -> Option<Self> {
        let head: Head<'a> = serde_json::from_slice(body).ok()?;
        let list = |raw: Option<&RawValue>| raw.is_some_and(|r| r.get().starts_with('['));
        let plain = match format {
            Format::OpenAiChat => head.choices.as_ref().is_some_and(|c| c.plain),
            Format::OpenAiCompletions => head.choices.as_ref().is_some_and(|c| c.list),
            Format::OpenAiResponses => list(head.output),
            _ => true,
        };
        let error = head.error.is_some_and(|e| e.get() != "null");
        let known = |raw: Option<&'a RawValue>| raw.filter(|r| r.get() != "null");
        let (id, model, usage) = (known(head.id), known(head.model), known(head.usage));
        let told = known(head.usage).is_none_or(|usage| format != Format::OpenAiChat || is_openais(usage.get()));
        (plain && told && !error).then_some(Self { id, model, usage, candidates: head.candidates })
    }

    /// What was consumed; nothing when the upstream did not say it.
    #[must_use]
    pub fn report(&self, format: Format) -> Option<UsageReport> {
        let mut grounding = Grounding::default();
        if let Some(candidates) = self.candidates {
            grounding.add_candidates(candidates.get());
        }
        crate::usage::with_grounding(format, &[RawJson::borrowed(self.usage?)], grounding)
    }
}

#[derive(Deserialize)]
struct Head<'a> {
    #[serde(borrow, default, alias = "responseId")]
    id: Option<&'a RawValue>,
    #[serde(borrow, default, alias = "modelVersion")]
    model: Option<&'a RawValue>,
    #[serde(borrow, default, alias = "usageMetadata")]
    usage: Option<&'a RawValue>,
    #[serde(borrow, default)]
    error: Option<&'a RawValue>,
    #[serde(borrow, default)]
    output: Option<&'a RawValue>,
    #[serde(borrow, default)]
    candidates: Option<&'a RawValue>,
    #[serde(default)]
    choices: Option<Choices>,
}

/// The choices, and whether nothing in them is foreign.
struct Choices {
    list: bool,
    plain: bool,
}

impl<'de> Deserialize<'de> for Choices {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct ListVisitor;
        impl<'de> Visitor<'de> for ListVisitor {
            type Value = Choices;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list")
            }
            fn visit_unit<E>(self) -> Result<Choices, E> {
                Ok(Choices { list: false, plain: false })
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Choices, A::Error> {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Choices { list: false, plain: false })
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Choices, A::Error> {
                let mut plain = true;
                while let Some(choice) = list.next_element::<Plain<Choice>>()? {
                    plain &= choice.0 && !(choice.1.stop && choice.1.tools);
                }
                Ok(Choices { list: true, plain })
            }
        }
        d.deserialize_any(ListVisitor)
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
            "content" => return Ok(!raw.starts_with('[') && !raw.starts_with("\"<think")),
            "tool_calls" => {
                self.tools = raw.len() > 2 && raw != "null";
                return Ok(
                    !self.tools || serde_json::from_str::<Vec<Call<'_>>>(raw).is_ok_and(|c| c.iter().all(Call::plain))
                );
            }
            _ => {}
        }
        Ok(raw == "null" || MESSAGE.contains(&key))
    }
}

/// A call as OpenAI writes it, read only as far as clients rely on it.
#[derive(Deserialize)]
struct Call<'a> {
    #[serde(borrow)]
    id: &'a RawValue,
    #[serde(borrow, rename = "type")]
    kind: &'a RawValue,
    #[serde(borrow, default)]
    function: Option<Function<'a>>,
}

#[derive(Deserialize)]
struct Function<'a> {
    #[serde(borrow)]
    arguments: &'a RawValue,
}

impl Call<'_> {
    fn plain(&self) -> bool {
        let text = |raw: &RawValue| raw.get().starts_with('"') && raw.get().len() > 2;
        text(self.id) && text(self.kind) && self.function.as_ref().is_none_or(|f| f.arguments.get().starts_with('"'))
    }
}

/// False for counts that clients of OpenAI look for elsewhere.
fn is_openais(usage: &str) -> bool {
    // Made once: of a short text the searching costs less than getting ready for it.
    static ELSEWHERE: LazyLock<[Finder<'static>; 4]> = LazyLock::new(|| {
        [
            "\"prompt_cache_hit_tokens\"",
            "\"cache_read_input_tokens\"",
            "\"cache_creation_input_tokens\"",
            "\"cache_write_tokens\"",
        ]
        .map(Finder::new)
    });
    !ELSEWHERE.iter().any(|key| key.find(usage.as_bytes()).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(choices: &str) -> bool {
        let body = format!("{{\"id\":\"x\",\"choices\":{choices}}}");
        Whole::read(Format::OpenAiChat, body.as_bytes()).is_some()
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
        let call = r#"[{"message":{"tool_calls":[{"id":"c","type":"function","function":{"name":"f","arguments":"{}"}}]},"finish_reason":"tool_calls"}]"#;
        assert!(
            plain(call)
                && plain(
                    &call.replace("\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}", "\"custom\"")
                )
        );
        for (from, to) in [("\"c\"", "\"\""), ("\"type\":\"function\",", ""), ("\"{}\"", "{}"), ("\"{}\"", "null")] {
            assert!(call.contains(from) && !plain(&call.replace(from, to)), "{to}");
        }
        assert!(!plain(&ok.replace("a \\\"b\\\"", "<think>a</think>b")));
        let told = |usage: &str| format!("{{\"choices\":{ok},\"usage\":{usage}}}");
        let goes_on = |usage: &str| Whole::read(Format::OpenAiChat, told(usage).as_bytes()).is_some();
        assert!(goes_on(r#"{"prompt_tokens":1}"#) && !goes_on(r#"{"prompt_tokens":1,"prompt_cache_hit_tokens":1}"#));
        assert!(!plain("null") && !plain("{}"));
        assert!(Whole::read(Format::OpenAiChat, b"{}").is_none());
        assert!(Whole::read(Format::OpenAiCompletions, b"{}").is_none());
        assert!(Whole::read(Format::OpenAiChat, b"{\"error\":{},\"choices\":[]}").is_none());
    }
}
