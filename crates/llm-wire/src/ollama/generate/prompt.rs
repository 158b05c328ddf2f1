//! A conversation as one prompt, in blocks per speaker.

use llm_types::generate::{PartKind, Role, Tool, ToolCall, ToolKind, Turn};
use llm_types::{Format, Json, RawJson};

use crate::prompt::said;
use crate::python;

/// Asks for calls of tools; LiteLLM's words.
const ASK: &str = "Produce JSON OUTPUT ONLY! Adhere to this format {\"name\": \"function_name\", \
                   \"arguments\":{\"argument_name\": \"argument_value\"}} The following functions are available to you:";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Speaker {
    User,
    System,
    Assistant,
}

/// The prompt. Turns of one speaker that follow each other are one block.
pub(super) fn render(turns: &[Turn], tools: &[Tool]) -> String {
    let request = tools_in_words(tools);
    let mut blocks: Vec<(Speaker, String)> = Vec::with_capacity(turns.len() + 1);
    let mut told = request.is_none();
    for turn in turns {
        let speaker = match turn.role {
            Role::System | Role::Developer => Speaker::System,
            Role::User | Role::Tool => Speaker::User,
            Role::Assistant => Speaker::Assistant,
        };
        let mut text = said(turn).into_owned();
        if let (Speaker::System, Some(request)) = (speaker, &request) {
            text.push(' ');
            text.push_str(request);
            told = true;
        }
        if speaker == Speaker::Assistant {
            text.push_str(&calls(turn));
        }
        push(&mut blocks, speaker, &text);
    }
    if let Some(request) = request.filter(|_| !told) {
        push(&mut blocks, Speaker::System, &request);
    }
    let mut out = String::new();
    for (speaker, text) in blocks.iter().filter(|(_, text)| !text.is_empty()) {
        let title = match speaker {
            Speaker::User => "User",
            Speaker::System => "System",
            Speaker::Assistant => "Assistant",
        };
        out.extend(["### ", title, ":\n", text, "\n\n"]);
    }
    out
}

fn push(blocks: &mut Vec<(Speaker, String)>, speaker: Speaker, text: &str) {
    match blocks.last_mut() {
        Some((last, before)) if *last == speaker => before.push_str(text),
        _ => blocks.push((speaker, text.to_owned())),
    }
}

/// The tools, described as Python would print them.
fn tools_in_words(tools: &[Tool]) -> Option<String> {
    if tools.is_empty() {
        return None;
    }
    let mut out = ASK.to_owned();
    for tool in tools {
        out.extend(["\n", &python::repr(&described(tool)), "\n"]);
    }
    Some(out)
}

fn described(tool: &Tool) -> Json {
    match &tool.kind {
        ToolKind::Hosted { json, .. } => Json::from(json),
        ToolKind::Function(function) => {
            let mut inner = Json::object([("name", Json::from(function.name.as_str()))]);
            let description = function.description.as_deref().map(|text| ("description", Json::from(text)));
            let parameters = function.parameters.as_ref().map(|schema| ("parameters", Json::from(schema)));
            // LiteLLM's order: that of its translation of Messages is another one
            let parts = match tool.extra.format() {
                Some(Format::AnthropicMessages) => [parameters, description],
                _ => [description, parameters],
            };
            parts.into_iter().flatten().for_each(|(key, value)| inner.set(key, value));
            if let Some(strict) = function.strict {
                inner.set("strict", strict);
            }
            if function.legacy {
                return inner;
            }
            Json::object([("type", Json::from("function")), ("function", inner)])
        }
    }
}

/// The calls of an answer, as they were.
fn calls(turn: &Turn) -> String {
    let calls: Vec<Json> = turn
        .parts
        .iter()
        .filter_map(|p| if let PartKind::ToolCall(call) = &p.kind { Some(call) } else { None })
        .filter(|call| !call.id.is_empty())
        .map(call)
        .collect();
    if calls.is_empty() {
        String::new()
    } else {
        format!("Tool Calls: {}", python::dumps_indented(&Json::Array(calls)))
    }
}

fn call(call: &ToolCall) -> Json {
    let arguments = RawJson::parse(call.arguments.as_str()).map(|raw| Json::from(&raw));
    let arguments = arguments.unwrap_or_else(|_| Json::from(call.arguments.as_str()));
    let function = Json::object([("name", Json::from(call.name.as_str())), ("arguments", arguments)]);
    Json::object([("id", Json::from(call.id.as_str())), ("type", Json::from("function")), ("function", function)])
}

#[cfg(test)]
mod tests {
    use llm_types::generate::{FunctionTool, Part};

    use super::*;

    #[test]
    fn speakers_have_blocks() {
        let calls = Part::new(PartKind::ToolCall(ToolCall {
            id: "c1".into(),
            name: "f".into(),
            arguments: r#"{"x":"é"}"#.into(),
        }));
        let turns = [
            Turn::text(Role::System, "One."),
            Turn::text(Role::System, "Two."),
            Turn::text(Role::User, "Hi"),
            Turn::of(Role::Assistant, vec![calls]),
        ];
        let expected = "### System:\nOne.Two.\n\n### User:\nHi\n\n### Assistant:\nTool Calls: [\n  {\n    \"id\": \"c1\",\n    \
                        \"type\": \"function\",\n    \"function\": {\n      \"name\": \"f\",\n      \"arguments\": {\n        \
                        \"x\": \"\\u00e9\"\n      }\n    }\n  }\n]\n\n";
        assert_eq!(render(&turns, &[]), expected);
    }

    #[test]
    fn tools_are_asked_for_in_words() {
        let function = FunctionTool { name: "ping".into(), ..FunctionTool::default() };
        let tool = Tool { kind: ToolKind::Function(function), cache_control: None, extra: llm_types::Extra::default() };
        let text = render(&[Turn::text(Role::User, "Hi")], std::slice::from_ref(&tool));
        assert!(text.starts_with("### User:\nHi\n\n### System:\nProduce JSON"), "{text}");
        assert!(text.ends_with("\n{'type': 'function', 'function': {'name': 'ping'}}\n\n\n"), "{text}");
        let text = render(&[Turn::text(Role::System, "Be kind."), Turn::text(Role::User, "Hi")], &[tool]);
        assert!(text.starts_with("### System:\nBe kind. Produce JSON"), "{text}");
    }
}
