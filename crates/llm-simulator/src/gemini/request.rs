//! Reading Gemini's requests leniently, for what shapes the answer. Field names come in both of protobuf's spellings.

use serde_json::{Map, Value, json};

use crate::prompt::{Forced, Output, Prompt, Tool, characters, strings, text_field, text_of};
use crate::route::Operation;
use crate::service::Call;

/// A field in either spelling.
pub(super) fn field<'a>(object: &'a Value, camel: &str) -> Option<&'a Value> {
    object.get(camel).or_else(|| object.get(snake(camel)))
}

fn snake(camel: &str) -> String {
    let mut out = String::with_capacity(camel.len() + 4);
    for c in camel.chars() {
        if c.is_ascii_uppercase() {
            out.push('_');
        }
        out.push(c.to_ascii_lowercase());
    }
    out
}

/// Whether `name` is one of `known` (camel case) in either spelling.
pub(super) fn is_known(name: &str, known: &[&str]) -> bool {
    known.iter().any(|camel| *camel == name || snake(camel) == name)
}

/// Whether a stream is to come as server-sent events; without `alt=sse` it is a JSON array.
pub(super) fn as_events(call: &Call<'_>) -> bool {
    call.query.split('&').any(|pair| pair == "alt=sse")
}

pub(super) fn prompt(call: &Call<'_>) -> Prompt {
    let body = call.body;
    if let Some(prompt) = other(call) {
        return prompt;
    }
    let config = field(body, "generationConfig").unwrap_or(&Value::Null);
    let mut prompt = Prompt {
        model: call.route.model.clone().unwrap_or_default(),
        max_tokens: field(config, "maxOutputTokens").and_then(Value::as_u64),
        stops: strings(field(config, "stopSequences")),
        stream: call.route.operation == Operation::StreamGenerate,
        ..Prompt::default()
    };
    let empty = Vec::new();
    let contents = body.get("contents").and_then(Value::as_array).unwrap_or(&empty);
    let said = contents.iter().rev().filter(|content| text_field(content, "role") != Some("model"));
    let texts = said.filter_map(|content| content.get("parts")).map(text_of);
    if let Some(text) = texts.into_iter().find(|text| !text.is_empty()) {
        prompt.set_user_text(&text);
    }
    let last = contents.last().and_then(|content| content.get("parts")).and_then(Value::as_array);
    let result = last.and_then(|parts| parts.iter().find_map(|part| field(part, "functionResponse")));
    prompt.tool_result = result.and_then(|result| result.get("response")).map(Value::to_string);
    let read = ["systemInstruction", "contents", "tools"];
    prompt.characters = read.iter().filter_map(|name| field(body, name)).map(characters).sum();
    let lists = body.get("tools").and_then(Value::as_array).into_iter().flatten();
    let declared = lists.filter_map(|tool| field(tool, "functionDeclarations")?.as_array()).flatten();
    prompt.tools = declared.filter_map(tool).collect();
    prompt.forced = forced(body, &prompt.tools);
    if let Some(schema) = ["responseJsonSchema", "responseSchema"].iter().find_map(|name| field(config, name)) {
        prompt.output = Output::Schema(lowered(schema));
    } else if field(config, "responseMimeType").and_then(Value::as_str) == Some("application/json") {
        prompt.output = Output::Json;
    }
    let thinking = field(config, "thinkingConfig");
    prompt.thinking = thinking.and_then(|c| field(c, "includeThoughts")).and_then(Value::as_bool) == Some(true);
    prompt
}

fn tool(declaration: &Value) -> Option<Tool> {
    let schema = ["parametersJsonSchema", "parameters"].iter().find_map(|name| field(declaration, name));
    let schema = schema.map_or_else(|| json!({"type": "object"}), lowered);
    Some(Tool { name: text_field(declaration, "name")?.to_owned(), schema })
}

fn forced(body: &Value, tools: &[Tool]) -> Forced {
    let config = field(body, "toolConfig").and_then(|config| field(config, "functionCallingConfig"));
    let Some(config) = config.filter(|config| text_field(config, "mode") == Some("ANY")) else {
        return Forced::No;
    };
    let allowed = strings(field(config, "allowedFunctionNames"));
    match allowed.into_iter().find(|name| tools.iter().any(|tool| tool.name == *name)) {
        Some(name) => Forced::Named(name),
        None => Forced::Any,
    }
}

/// What predictions and embeddings ask for: a text.
fn other(call: &Call<'_>) -> Option<Prompt> {
    let text = match call.route.operation {
        Operation::Predict => call.body.pointer("/instances/0/prompt").map(text_of),
        Operation::EmbedContent => call.body.pointer("/content/parts").map(text_of),
        Operation::BatchEmbedContents => call.body.pointer("/requests/0/content/parts").map(text_of),
        _ => return None,
    };
    let mut prompt = Prompt {
        model: call.route.model.clone().unwrap_or_default(),
        characters: characters(call.body),
        ..Prompt::default()
    };
    prompt.set_user_text(&text.unwrap_or_default());
    Some(prompt)
}

/// The schema with its types in JSON Schema's spelling (`OBJECT` is `object`).
fn lowered(schema: &Value) -> Value {
    match schema {
        Value::Object(fields) => {
            let lower = |(name, value): (&String, &Value)| match value {
                Value::String(kind) if name == "type" => (name.clone(), Value::String(kind.to_ascii_lowercase())),
                value => (name.clone(), lowered(value)),
            };
            Value::Object(fields.iter().map(lower).collect::<Map<_, _>>())
        }
        Value::Array(items) => items.iter().map(lowered).collect(),
        other => other.clone(),
    }
}
