//! Counting chat messages the way OpenAI frames them: 3 tokens per message, 1 per name, 3 to prime the answer.

use llm_types::Json;

use super::{DEFAULT_IMAGE_TOKENS, Detail, Encoding, image_tokens, tools};

const PER_MESSAGE: usize = 3;
const PER_NAME: usize = 1;
const PRIMING: usize = 3;
const TOOLS: usize = 9;
/// Tools are told in the system message, so its frame is shared.
const TOOLS_WITH_SYSTEM: usize = 4;
const NAMED_TOOL_CHOICE: usize = 7;

/// Why messages could not be counted.
#[derive(Debug, thiserror::Error)]
pub enum CountError {
    /// Not JSON.
    #[error("cannot count tokens: {0}")]
    Json(#[from] serde_json::Error),
    /// JSON of another shape.
    #[error("cannot count tokens: {0}")]
    Shape(&'static str),
}

/// What belongs to a prompt besides its messages.
#[derive(Debug, Clone, Copy, Default)]
pub struct MessageOptions<'a> {
    /// JSON list of tools, as in a chat or Messages request.
    pub tools: Option<&'a str>,
    /// JSON of the tool choice.
    pub tool_choice: Option<&'a str>,
    /// Count every image as [`DEFAULT_IMAGE_TOKENS`] instead of looking at it.
    pub flat_images: bool,
    /// The messages are an answer: nothing primes another one.
    pub answer: bool,
}

/// Counts the prompt tokens of a JSON list of messages (OpenAI chat or Anthropic Messages).
///
/// # Errors
/// When the text is not a list of messages, or a part is of a type that nobody can count.
pub fn count_messages(model: &str, messages: &str, options: &MessageOptions<'_>) -> Result<usize, CountError> {
    let counter = Counter { encoding: Encoding::of(model), flat_images: options.flat_images };
    let messages: Json = serde_json::from_str(messages)?;
    let messages = messages.as_array().ok_or(CountError::Shape("messages must be a list"))?;
    let mut total = 0;
    let mut system = false;
    for message in messages {
        total += counter.message(message)?;
        system |= message.text("role") == Some("system");
    }
    if options.answer {
        return Ok(total);
    }
    total += PRIMING;
    if let Some(tools) = options.tools {
        let tools: Json = serde_json::from_str(tools)?;
        let tools = tools.as_array().ok_or(CountError::Shape("tools must be a list"))?;
        if !tools.is_empty() {
            total += counter.text(&tools::definitions(tools)) + TOOLS;
            total -= if system { TOOLS_WITH_SYSTEM } else { 0 };
        }
    }
    if let Some(choice) = options.tool_choice {
        let choice: Json = serde_json::from_str(choice)?;
        if choice.as_str() == Some("none") {
            total += 1;
        } else if choice.as_object().is_some() {
            let name = choice.get("function").unwrap_or(&choice).text("name");
            total += NAMED_TOOL_CHOICE + name.map_or(0, |name| counter.text(name));
        }
    }
    Ok(total)
}

struct Counter {
    encoding: Encoding,
    flat_images: bool,
}

impl Counter {
    fn text(&self, text: &str) -> usize {
        self.encoding.count(text)
    }

    fn opt(&self, value: Option<&Json>) -> usize {
        value.and_then(Json::as_str).map_or(0, |text| self.text(text))
    }

    fn message(&self, message: &Json) -> Result<usize, CountError> {
        let fields = message.as_object().ok_or(CountError::Shape("a message must be an object"))?;
        let mut total = PER_MESSAGE;
        for (key, value) in fields {
            total += match (key.as_str(), value) {
                ("tool_calls", Json::Array(calls)) => calls
                    .iter()
                    .map(|call| self.opt(call.get("function").and_then(|function| function.get("arguments"))))
                    .sum(),
                ("function_call", call) => self.opt(call.get("arguments")),
                ("content", Json::Array(parts)) => self.parts(parts)?,
                ("name", Json::String(name)) => self.text(name) + PER_NAME,
                (_, Json::String(text)) => self.text(text),
                _ => 0,
            };
        }
        Ok(total)
    }

    fn parts(&self, parts: &[Json]) -> Result<usize, CountError> {
        parts.iter().try_fold(0, |sum, part| Ok(sum + self.part(part)?))
    }

    fn part(&self, part: &Json) -> Result<usize, CountError> {
        if let Some(text) = part.as_str() {
            return Ok(self.text(text));
        }
        let kind = part.text("type").ok_or(CountError::Shape("a part must have a type"))?;
        Ok(match kind {
            "text" | "input_text" | "output_text" => self.opt(part.get("text")),
            "image_url" => {
                let image = part.get("image_url").ok_or(CountError::Shape("an image must have a URL"))?;
                let url = image.as_str().or_else(|| image.text("url"));
                let high = image.text("detail") == Some("high");
                let url =
                    url.filter(|url| !url.trim().is_empty()).ok_or(CountError::Shape("an image must have a URL"))?;
                self.image(url, if high { Detail::High } else { Detail::Low })
            }
            "image" => self.image("", Detail::Low),
            "document" => self.document(part)?,
            "file" => {
                let file = part.get("file");
                let has_data = file.and_then(|file| file.get("file_data")).is_some();
                let data = if has_data { self.image("", Detail::Low) } else { 0 };
                self.opt(file.and_then(|file| file.get("filename"))) + data
            }
            "tool_use" => {
                let mut input = String::new();
                if let Some(value) = part.get("input") {
                    spaced(value, &mut input);
                }
                self.opt(part.get("name")) + self.text(&input)
            }
            "tool_result" => match part.get("content") {
                Some(Json::Array(parts)) => self.parts(parts)?,
                content => self.opt(content),
            },
            // The signature and the encrypted text are no prompt tokens.
            "thinking" | "redacted_thinking" => self.opt(part.get("thinking")),
            "tool_reference" => self.opt(part.get("tool_name")),
            _ => return Err(CountError::Shape("a part of unknown type")),
        })
    }

    fn image(&self, url: &str, detail: Detail) -> usize {
        if self.flat_images { DEFAULT_IMAGE_TOKENS } else { image_tokens(url, detail) }
    }

    fn document(&self, part: &Json) -> Result<usize, CountError> {
        let about = self.opt(part.get("title")) + self.opt(part.get("context"));
        let source = part.get("source").ok_or(CountError::Shape("a document must have a source"))?;
        let body = match source.text("type") {
            Some("text") => self.opt(source.get("data")),
            Some("content") => match source.get("content") {
                Some(Json::Array(parts)) => self.parts(parts)?,
                content => self.opt(content),
            },
            _ => self.image("", Detail::Low),
        };
        Ok(about + body)
    }
}

/// Writes a value as LiteLLM counts it: as Python shows it, which sets a space behind commas and colons and has its own words
/// and quotes.
fn spaced(value: &Json, out: &mut String) {
    let comma = |at: usize, out: &mut String| out.push_str(if at > 0 { ", " } else { "" });
    match value {
        Json::Object(fields) => {
            out.push('{');
            for (at, (key, value)) in fields.iter().enumerate() {
                comma(at, out);
                quoted(key, out);
                out.push_str(": ");
                spaced(value, out);
            }
            out.push('}');
        }
        Json::Array(items) => {
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                comma(at, out);
                spaced(item, out);
            }
            out.push(']');
        }
        Json::String(text) => quoted(text, out),
        Json::Bool(true) => out.push_str("True"),
        Json::Bool(false) => out.push_str("False"),
        Json::Null => out.push_str("None"),
        Json::Number(number) => out.push_str(&number.to_string()),
    }
}

/// A text in Python's quotes: double ones where single ones, but no double ones, stand in it.
fn quoted(text: &str, out: &mut String) {
    let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    out.push(quote);
    for c in text.chars() {
        match c {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c == quote || c == '\\' => out.extend(['\\', c]),
            c if c.is_control() => out.push_str(&format!("\\x{:02x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push(quote);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(messages: &str, options: &MessageOptions<'_>) -> usize {
        count_messages("gpt-4", messages, options).unwrap()
    }

    #[test]
    fn the_cookbook_conversation() {
        // OpenAI's cookbook states 129 prompt tokens for this conversation on gpt-4.
        let messages = include_str!("../../fixtures/tokens/cookbook.json");
        assert_eq!(count(messages, &MessageOptions::default()), 129);
    }

    #[test]
    fn tools_cost_their_definitions() {
        let messages = r#"[{"role":"user","content":"hi"}]"#;
        let tools = r#"[{"type":"function","function":{"name":"f","description":"d","parameters":{"type":"object",
            "properties":{"a":{"type":"string","enum":["x","y"]},"b":{"type":"array","items":{"type":"integer"}}},
            "required":["a"]}}}]"#;
        let plain = count(messages, &MessageOptions::default());
        let text = "namespace functions {\n\n// d\ntype f = (_: {\na: \"x\" | \"y\",\nb?: number[],\n}) => any;\n\n} // namespace functions";
        let with = MessageOptions { tools: Some(tools), ..MessageOptions::default() };
        assert_eq!(count(messages, &with), plain + super::super::count("gpt-4", text) + 9);
        let none = MessageOptions { tool_choice: Some("\"none\""), ..MessageOptions::default() };
        assert_eq!(count(messages, &none), plain + 1);
        let answer = MessageOptions { answer: true, ..MessageOptions::default() };
        assert_eq!(count(messages, &answer), plain - 3);
    }

    #[test]
    fn arguments_are_counted_as_python_shows_them() {
        let value: Json = serde_json::from_str(
            r#"{"a":[1,true,false,null,"it's"],"b":{"c":"say \"it's\"\n\t\\ \u0001 ü"},"d":[],"e":{}}"#,
        )
        .unwrap();
        let mut shown = String::new();
        spaced(&value, &mut shown);
        // `repr` of Python 3.13.
        let wanted =
            r#"{'a': [1, True, False, None, "it's"], 'b': {'c': 'say "it\'s"\n\t\\ \x01 ü'}, 'd': [], 'e': {}}"#;
        assert_eq!(shown, wanted);
    }

    #[test]
    fn parts_of_every_format_are_counted() {
        let empty = count(r#"[{"role":"user","content":[]}]"#, &MessageOptions::default());
        let of = |part: &str| {
            count(&format!(r#"[{{"role":"user","content":[{part}]}}]"#), &MessageOptions::default()) - empty
        };
        assert_eq!(of(r#"{"type":"text","text":"hello"}"#), 1);
        assert_eq!(of(r#"{"type":"image_url","image_url":{"url":"https://x","detail":"auto"}}"#), 85);
        assert_eq!(of(r#"{"type":"image","source":{"type":"base64","data":"aa"}}"#), 85);
        assert_eq!(of(r#"{"type":"tool_result","tool_use_id":"t","content":"hello"}"#), 1);
        assert_eq!(of(r#"{"type":"thinking","thinking":"hello","signature":"zzzzzz"}"#), 1);
        let unknown = r#"[{"role":"user","content":[{"type":"hologram"}]}]"#;
        assert!(count_messages("gpt-4", unknown, &MessageOptions::default()).is_err());
        assert!(count_messages("gpt-4", "{}", &MessageOptions::default()).is_err());
    }
}
