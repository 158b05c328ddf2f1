//! What of a request is compared by meaning.

use llm_types::Json;
use sha2::{Digest, Sha256};

use crate::{Cache, CallType, KeyOptions, key};

/// Fields that say how an answer is given, not which.
const MANNER: &[&str] = &["stream", "stream_options"];

/// A request taken apart: the words that are compared, and the bucket of all that has to be equal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// What the user says.
    pub text: String,
    /// Digest of everything else: 64 hexadecimal digits.
    pub bucket: String,
}

impl Cache {
    /// Takes a request apart; nothing when the user says nothing, or the call is none whose words can be compared.
    ///
    /// `longest` is the number of characters that the embedding model reads; what is longer has to be equal from there on.
    #[must_use]
    pub fn question<'a>(
        &self,
        fields: impl IntoIterator<Item = (&'a str, &'a str)>,
        options: &KeyOptions<'_>,
        longest: Option<usize>,
    ) -> Option<Question> {
        let field = match options.call {
            CallType::Completion | CallType::AnthropicMessages => "messages",
            CallType::TextCompletion => "prompt",
            CallType::Responses => "input",
            CallType::Embedding | CallType::Transcription | CallType::Rerank => return None,
        };
        let fields: Vec<(&str, &str)> = fields.into_iter().collect();
        let content = fields.iter().rev().find(|(name, _)| *name == field)?.1;
        let mut said = Said::default();
        match serde_json::from_str(content).ok()? {
            Json::String(text) => said.say(&text),
            Json::Array(turns) => turns.iter().for_each(|turn| said.turn(turn)),
            _ => return None,
        }
        let mut text = said.text;
        let rest = longest.and_then(|most| text.char_indices().nth(most)).map(|(at, _)| text.split_off(at));
        if text.trim().is_empty() {
            return None;
        }
        said.rest.update(rest.unwrap_or_default());
        let others = fields.into_iter().filter(|(name, _)| *name != field && !MANNER.contains(name));
        let options = KeyOptions { namespace: None, ..self.complete(options) };
        said.rest.update(key(others, &options));
        said.rest.update(self.complete(&options).namespace.unwrap_or_default());
        Some(Question { text, bucket: hex::encode(said.rest.finalize()) })
    }
}

/// What is said in a conversation.
#[derive(Default)]
struct Said {
    text: String,
    rest: Sha256,
}

impl Said {
    fn say(&mut self, text: &str) {
        if !self.text.is_empty() {
            self.text.push('\n');
        }
        self.text.push_str(text);
        // Where the words stand has to be equal, the words need not.
        self.rest.update([0]);
    }

    fn keep(&mut self, json: &Json) {
        self.rest.update([1]);
        self.rest.update(json.to_string());
    }

    fn turn(&mut self, turn: &Json) {
        let fields = match turn {
            Json::Object(fields) if turn.text("role") == Some("user") => fields,
            Json::String(text) => return self.say(text),
            other => return self.keep(other),
        };
        for (name, value) in fields {
            self.rest.update([2]);
            self.rest.update(name.as_bytes());
            match value {
                Json::String(text) if name == "content" => self.say(text),
                Json::Array(parts) if name == "content" => parts.iter().for_each(|part| self.part(part)),
                other => self.keep(other),
            }
        }
    }

    fn part(&mut self, part: &Json) {
        let kind = part.text("type");
        match (kind, part.text("text")) {
            (Some("text" | "input_text"), Some(text)) => self.say(text),
            _ => self.keep(part),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{CacheSettings, CacheType};

    fn ask(body: &[(&str, &str)], tenant: &str) -> Option<Question> {
        let cache = Cache::in_memory(CacheSettings { kind: CacheType::LocalSemantic, ..CacheSettings::default() });
        let options = KeyOptions { tenant: Some(tenant), ..KeyOptions::new(CallType::Completion, "m") };
        cache.question(body.iter().copied(), &options, Some(40))
    }

    #[test]
    fn only_the_users_words_may_differ() {
        let one = r#"[{"role":"system","content":"Be brief."},{"role":"user","content":"What is Rust?"}]"#;
        let first = ask(&[("messages", one)], "t").unwrap();
        assert_eq!(first.text, "What is Rust?");
        let other = one.replace("What is Rust?", "Rust is what?");
        assert_eq!(ask(&[("messages", &other)], "t").unwrap().bucket, first.bucket);
        assert_eq!(ask(&[("stream", "true"), ("messages", one)], "t").unwrap().bucket, first.bucket);
        let parts =
            r#"[{"role":"user","content":[{"type":"text","text":"Who?"},{"type":"image_url","image_url":"A"}]}]"#;
        let picture = ask(&[("messages", parts)], "t").unwrap();
        assert_eq!(picture.text, "Who?");
        for (what, body, tenant) in [
            ("system prompt", one.replace("brief", "long"), "t"),
            ("role", one.replace("\"user\"", "\"assistant\""), "t"),
            ("another picture", parts.replace("\"A\"", "\"B\""), "t"),
            ("tenant", one.to_owned(), "u"),
        ] {
            let bucket = ask(&[("messages", &body)], tenant).map(|q| q.bucket);
            assert!(bucket.as_ref() != Some(&first.bucket) && bucket.as_ref() != Some(&picture.bucket), "{what}");
        }
        let hot = ask(&[("messages", one), ("temperature", "1")], "t").unwrap();
        assert_ne!(hot.bucket, first.bucket, "parameters have to be equal");
        assert_eq!(ask(&[("messages", "[]")], "t"), None);
        assert_eq!(ask(&[("messages", r#"[{"role":"user","content":" "}]"#)], "t"), None);
    }

    #[test]
    fn what_the_model_does_not_read_has_to_be_equal() {
        let long = |end: &str| {
            let text = format!(r#"[{{"role":"user","content":"{}{end}"}}]"#, "ä".repeat(40));
            ask(&[("messages", &text)], "t").unwrap()
        };
        assert_eq!(long("yes").text, long("no").text);
        assert_ne!(long("yes").bucket, long("no").bucket);
    }
}
