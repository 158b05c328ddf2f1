//! Scripts written in a prompt marker, a header or a model name.

use serde_json::{Map, Value};

use crate::script::Script;

/// Fields whose bare words are text even when they look like numbers.
const TEXT_KEYS: &[&str] =
    &["fault", "retry_after", "message", "text", "reasoning", "refusal", "finish", "served_model"];

/// The first `[[sim ...]]` marker of a text: what stands inside, and the text without it.
pub(crate) fn find(text: &str) -> Option<(&str, String)> {
    let (before, tail) = text.split_once("[[sim")?;
    let end = marker_end(tail)?;
    let (inside, after) = tail.split_at_checked(end)?;
    let rest = format!("{}{}", before, after.strip_prefix("]]").unwrap_or(after));
    Some((inside.trim(), rest.trim().to_owned()))
}

/// Where `]]` closes the marker; `]]` inside JSON values does not count.
fn marker_end(text: &str) -> Option<usize> {
    let mut at = 0;
    loop {
        let rest = text.get(at..)?;
        let next = rest.find(['=', ']'])?;
        let here = rest.get(next..)?;
        if here.starts_with("]]") {
            return Some(at + next);
        }
        at += next + 1;
        if here.starts_with('=')
            && let Some((_, length)) = json_prefix(text.get(at..)?)
        {
            at += length;
        }
    }
}

/// A JSON object, array or string at the start of `text`, and its length.
fn json_prefix(text: &str) -> Option<(Value, usize)> {
    if !text.starts_with(['{', '[', '"']) {
        return None;
    }
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<Value>();
    let value = values.next()?.ok()?;
    Some((value, values.byte_offset()))
}

/// Reads the inside of a marker: `fault=cut after=3 tool=f args={"a":1}`.
pub(crate) fn parse(inside: &str) -> Result<Script, String> {
    let mut fields = Map::new();
    let mut tools: Vec<Value> = Vec::new();
    let mut rest = inside.trim_start();
    while !rest.is_empty() {
        let (word, after) = split_word(rest);
        let Some((key, _)) = word.split_once('=') else {
            // a bare key is a switch: `redacted`
            fields.insert(word.to_owned(), Value::Bool(true));
            rest = after.trim_start();
            continue;
        };
        let value_text = rest.get(key.len() + 1..).unwrap_or_default();
        let (raw, value, after) = match json_prefix(value_text) {
            Some((value, length)) => {
                let (raw, after) = value_text.split_at_checked(length).unwrap_or((value_text, ""));
                (raw, value, after)
            }
            None => {
                let (raw, after) = split_word(value_text);
                let value = if TEXT_KEYS.contains(&key) { None } else { serde_json::from_str(raw).ok() };
                (raw, value.unwrap_or_else(|| Value::String(raw.to_owned())), after)
            }
        };
        match key {
            "tool" => tools.push(serde_json::json!({ "name": value })),
            // the raw text keeps the order of keys and the spaces
            "args" => match tools.last_mut().and_then(Value::as_object_mut) {
                Some(tool) => drop(tool.insert("args".to_owned(), Value::String(raw.to_owned()))),
                None => return Err("args= must follow a tool=".to_owned()),
            },
            _ => drop(fields.insert(key.to_owned(), value)),
        }
        rest = after.trim_start();
    }
    if !tools.is_empty() {
        fields.insert("tools".to_owned(), Value::Array(tools));
    }
    serde_json::from_value(Value::Object(fields)).map_err(|e| e.to_string())
}

fn split_word(text: &str) -> (&str, &str) {
    let end = text.find(char::is_whitespace).unwrap_or(text.len());
    text.split_at_checked(end).unwrap_or((text, ""))
}

/// Reads the JSON of an `x-sim-script` header.
pub(crate) fn parse_header(json: &str) -> Result<Script, String> {
    serde_json::from_str(json).map_err(|e| e.to_string())
}

/// Reads `sim-error-429`, `sim-fault-cut`, each with an optional `-x2`; `None` for other model names.
pub(crate) fn parse_model(model: &str) -> Option<Result<Script, String>> {
    let name = model.rsplit('/').next().unwrap_or(model);
    let rest = name.strip_prefix("sim-error-").or_else(|| name.strip_prefix("sim-fault-"))?;
    let (fault, times) = match rest.rsplit_once("-x") {
        Some((fault, count)) if !count.is_empty() && count.bytes().all(|b| b.is_ascii_digit()) => {
            (fault, count.parse::<u32>().ok())
        }
        _ => (rest, None),
    };
    Some(fault.parse().map(|fault| Script { fault: Some(fault), times, ..Script::default() }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::faults::Fault;
    use crate::script::ToolCall;

    #[test]
    fn a_marker_is_cut_out_of_the_text() {
        let (inside, rest) = find("Hello [[sim fault=cut after=3]] world").unwrap();
        assert_eq!(inside, "fault=cut after=3");
        assert_eq!(rest, "Hello  world");
        assert!(find("no [[sim fault=cut").is_none());
        assert!(find("plain").is_none());
    }

    #[test]
    fn json_values_may_hold_spaces_and_brackets() {
        let (inside, rest) =
            find(r#"Go [[sim tool=f args={"a":[[1, 2]], "b":"x ]] y"} tool=g text="two words"]]!"#).unwrap();
        assert_eq!(rest, "Go !");
        let script = parse(inside).unwrap();
        assert_eq!(
            script.tools,
            vec![
                ToolCall { name: "f".into(), args: Some(r#"{"a":[[1, 2]], "b":"x ]] y"}"#.into()) },
                ToolCall { name: "g".into(), args: None },
            ]
        );
        assert_eq!(script.text.as_deref(), Some("two words"));
    }

    #[test]
    fn numbers_words_and_switches() {
        let script = parse("fault=429 retry_after=7 chunks=20 gap_ms=5 redacted text=42").unwrap();
        assert_eq!(script.fault, Some(Fault::Status(429)));
        assert_eq!(script.retry_after.as_deref(), Some("7"));
        assert_eq!((script.chunks, script.gap_ms), (Some(20), Some(5)));
        assert!(script.redacted);
        assert_eq!(script.text.as_deref(), Some("42"));
    }

    #[test]
    fn unreadable_scripts_say_why() {
        assert!(parse("fault=nonsense").unwrap_err().contains("nonsense"));
        assert!(parse("colour=red").unwrap_err().contains("colour"));
        assert!(parse("args={}").unwrap_err().contains("tool="));
        assert!(parse_header("{").is_err());
        assert!(parse_model("sim-error-frog").unwrap().is_err());
    }

    #[test]
    fn model_names_carry_faults() {
        let script = parse_model("openai/sim-error-503-x2").unwrap().unwrap();
        assert_eq!((script.fault, script.times), (Some(Fault::Status(503)), Some(2)));
        let script = parse_model("sim-fault-half-close").unwrap().unwrap();
        assert_eq!((script.fault, script.times), (Some(Fault::HalfClose), None));
        assert!(parse_model("gpt-4o").is_none());
    }
}
