//! Tool definitions in the text form that OpenAI's models are known to be shown: TypeScript types in a namespace.

use llm_types::Json;

/// The definitions of tools in chat, Messages or Gemini shape.
pub(super) fn definitions(tools: &[Json]) -> String {
    let mut lines = vec!["namespace functions {".to_owned(), String::new()];
    for tool in tools {
        let declared =
            ["function_declarations", "functionDeclarations"].iter().find_map(|key| tool.get(key)?.as_array());
        match (tool.get("function"), declared) {
            (Some(function), _) => definition(&mut lines, function, function.get("parameters")),
            (None, Some(functions)) => {
                for function in functions {
                    definition(&mut lines, function, function.get("parameters"));
                }
            }
            (None, None) => definition(&mut lines, tool, tool.get("input_schema").or_else(|| tool.get("parameters"))),
        }
    }
    lines.push("} // namespace functions".to_owned());
    lines.join("\n")
}

fn definition(lines: &mut Vec<String>, function: &Json, parameters: Option<&Json>) {
    let Some(name) = function.text("name").filter(|name| !name.is_empty()) else { return };
    if let Some(description) = function.text("description").filter(|text| !text.is_empty()) {
        lines.push(format!("// {description}"));
    }
    match parameters.and_then(properties) {
        Some(_) => {
            lines.push(format!("type {name} = (_: {{"));
            lines.push(object(parameters.unwrap_or(&Json::Null), 0));
            lines.push("}) => any;".to_owned());
        }
        None => lines.push(format!("type {name} = () => any;")),
    }
    lines.push(String::new());
}

fn properties(schema: &Json) -> Option<&[(String, Json)]> {
    schema.get("properties").and_then(Json::as_object).filter(|properties| !properties.is_empty())
}

/// Depth needs no bound of its own: the JSON parser already refuses deep nesting.
fn object(schema: &Json, indent: usize) -> String {
    let Some(properties) = properties(schema) else { return String::new() };
    let required = schema.get("required").and_then(Json::as_array).unwrap_or_default();
    let pad = " ".repeat(indent);
    let mut lines = Vec::new();
    for (key, value) in properties {
        if let Some(description) = value.text("description").filter(|text| !text.is_empty()) {
            lines.push(format!("{pad}// {description}"));
        }
        let optional = if required.iter().any(|name| name.as_str() == Some(key)) { "" } else { "?" };
        lines.push(format!("{pad}{key}{optional}: {},", type_of(value, indent)));
    }
    lines.join("\n")
}

fn type_of(schema: &Json, indent: usize) -> String {
    let choices = |plain: &str| match schema.get("enum").and_then(Json::as_array) {
        Some(values) => {
            let quoted = values.iter().map(|value| match value.as_str() {
                Some(text) => format!("\"{text}\""),
                None => format!("\"{value}\""),
            });
            quoted.collect::<Vec<_>>().join(" | ")
        }
        None => plain.to_owned(),
    };
    match schema.text("type") {
        Some("string") => choices("string"),
        Some("integer" | "number") => choices("number"),
        Some("boolean") => "boolean".to_owned(),
        Some("null") => "null".to_owned(),
        Some("array") => {
            let items = schema.get("items").map_or_else(|| "any".to_owned(), |items| type_of(items, indent));
            format!("{items}[]")
        }
        Some("object") => format!("{{\n{}\n}}", object(schema, indent + 2)),
        _ => "any".to_owned(),
    }
}
