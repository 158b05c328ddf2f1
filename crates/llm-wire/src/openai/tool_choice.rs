//! `tool_choice` of chat and Responses: which spellings are taken, and what those of OpenAI's own mean elsewhere.

use llm_types::generate::{GenerateRequest, ToolChoice, ToolKind};
use llm_types::{Error, Format, Json, Result};

use crate::top::Top;

/// Words that may stand in an object (`{"type": "auto"}`).
const WORDS: [&str; 3] = ["auto", "none", "required"];
/// Kinds of choices of OpenAI's that name no function.
const KINDS: [&str; 2] = ["allowed_tools", "custom"];

/// Judges the choice of a chat client by LiteLLM's rule: a word, a word in an object, or `{"type": .., "function": {..}}`.
/// OpenAI's newer kinds pass, too. Answers the word that an object stands for.
///
/// # Errors
/// `BadRequest` for anything else.
pub fn judge(raw: &str) -> Result<Option<&'static str>> {
    let raw = raw.trim_ascii();
    if raw.starts_with('"') || raw == "null" {
        return Ok(None);
    }
    let invalid = || {
        let why = format!("Invalid tool choice, tool_choice={raw}. Please ensure tool_choice follows the OpenAI spec");
        Error::bad_request(why)
    };
    let top = Top::parse(raw.as_bytes()).map_err(|_| invalid())?;
    let kind = top.str("type").unwrap_or_default();
    let function = top.get("function").filter(|f| *f != "null");
    match WORDS.iter().find(|word| **word == kind) {
        Some(word) if top.get("function").is_none() => Ok(Some(word)),
        _ if KINDS.contains(&kind.as_ref()) => Ok(None),
        _ if top.get("type").is_some_and(|t| t != "null") && function.is_some() => Ok(None),
        _ => Err(invalid()),
    }
}

/// `allowed_tools`, for hosts that do not know it: the tools that are not allowed are not shown, and the choice is the mode.
pub fn narrow(request: &mut GenerateRequest) {
    let Some(ToolChoice::Other { format: Format::OpenAiChat | Format::OpenAiResponses, json }) = &request.tool_choice
    else {
        return;
    };
    let Some(choice) = json.read::<Json>().ok().filter(|c| c.text("type") == Some("allowed_tools")) else { return };
    // Chat puts mode and tools into an object, Responses beside the type.
    let inside = choice.get("allowed_tools").unwrap_or(&choice);
    let name = |tool: &Json| {
        let own = tool.text("name").or_else(|| tool.get("function").and_then(|f| f.text("name")));
        own.or_else(|| tool.text("type")).map(str::to_owned)
    };
    let allowed: Vec<String> =
        inside.get("tools").and_then(Json::as_array).unwrap_or_default().iter().filter_map(name).collect();
    let mode = if inside.text("mode") == Some("required") { ToolChoice::Required } else { ToolChoice::Auto };
    request.tools.retain(|tool| match &tool.kind {
        ToolKind::Function(f) => allowed.contains(&f.name),
        ToolKind::Hosted { json, .. } => {
            json.read::<Json>().is_ok_and(|tool| name(&tool).is_some_and(|name| allowed.contains(&name)))
        }
    });
    request.tool_choice = (!request.tools.is_empty()).then_some(mode);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_a_choice() {
        for (raw, expected) in [
            (r#""auto""#, Some(None)),
            (r#"{"type":"auto"}"#, Some(Some("auto"))),
            (r#"{"type": "required"}"#, Some(Some("required"))),
            (r#"{"type":"function","function":{"name":"f"}}"#, Some(None)),
            (r#"{"type":"allowed_tools","allowed_tools":{"mode":"auto","tools":[]}}"#, Some(None)),
            (r#"{"type":"function","name":"f"}"#, None),
            (r#"{"type":"any"}"#, None),
            (r#"{"type":"tool","name":"f"}"#, None),
            ("[]", None),
            ("1", None),
        ] {
            assert_eq!(judge(raw).ok(), expected, "{raw}");
        }
    }

    #[test]
    fn tools_that_are_not_allowed_are_not_shown() {
        let choices = [
            r#""allowed_tools":{"mode":"required","tools":[{"type":"function","function":{"name":"b"}}]}"#,
            r#""mode":"required","tools":[{"type":"function","name":"b"}]"#,
        ];
        for (choice, format) in choices.into_iter().zip([Format::OpenAiChat, Format::OpenAiResponses]) {
            let codec = crate::registry::client_generate(Format::OpenAiChat).unwrap();
            let tool = |name: &str| format!(r#"{{"type":"function","function":{{"name":"{name}"}}}}"#);
            let body = format!(r#"{{"messages":[],"tools":[{},{}]}}"#, tool("a"), tool("b"));
            let view = crate::RequestView { path: "", query: "", body: body.as_bytes() };
            let mut request = codec.decode_request(&view).unwrap();
            let json = llm_types::RawJson::parse(format!(r#"{{"type":"allowed_tools",{choice}}}"#)).unwrap();
            request.tool_choice = Some(ToolChoice::Other { format, json });
            narrow(&mut request);
            assert_eq!(request.tool_choice, Some(ToolChoice::Required));
            let names: Vec<_> = request.tools.iter().map(|t| format!("{:?}", t.kind)).collect();
            assert!(matches!(names.as_slice(), [one] if one.contains("\"b\"")), "{names:?}");
        }
    }
}
