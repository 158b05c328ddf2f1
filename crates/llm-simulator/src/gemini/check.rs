//! The service's complaints about content requests.

use serde_json::Value;

use crate::prompt::text_field;
use crate::service::Call;

use super::errors::ApiError;
use super::request::{field, is_known};

const FIELDS: &[&str] = &[
    "cachedContent",
    "contents",
    "generationConfig",
    "labels",
    "model",
    "safetySettings",
    "serviceTier",
    "store",
    "systemInstruction",
    "toolConfig",
    "tools",
];

const CONFIG_FIELDS: &[&str] = &[
    "audioTimestamp",
    "candidateCount",
    "enableEnhancedCivicAnswers",
    "frequencyPenalty",
    "imageConfig",
    "logprobs",
    "maxOutputTokens",
    "mediaResolution",
    "presencePenalty",
    "responseJsonSchema",
    "responseLogprobs",
    "responseMimeType",
    "responseModalities",
    "responseSchema",
    "seed",
    "speechConfig",
    "stopSequences",
    "temperature",
    "thinkingConfig",
    "topK",
    "topP",
];

/// What a part may hold; exactly one of them.
const DATA: &[&str] = &[
    "codeExecutionResult",
    "executableCode",
    "fileData",
    "functionCall",
    "functionResponse",
    "inlineData",
    "text",
    "toolCall",
    "toolResponse",
];

pub(super) fn generate(call: &Call<'_>) -> Result<(), ApiError> {
    let body = call.body;
    let Some(fields) = body.as_object() else {
        return Err(ApiError::invalid("Invalid JSON payload received. Expected an object."));
    };
    if let Some(name) = fields.keys().find(|name| !is_known(name, FIELDS)) {
        return Err(ApiError::unknown_field(name, None));
    }
    if let Some(config) = field(body, "generationConfig") {
        generation(config)?;
    }
    let Some(contents) = body.get("contents").filter(|contents| !contents.is_null()) else {
        return Err(ApiError::invalid("* GenerateContentRequest.contents: contents is not specified\n"));
    };
    let contents = match contents {
        Value::Array(list) => list.as_slice(),
        // protobuf takes one item for a list
        one => std::slice::from_ref(one),
    };
    if contents.is_empty() {
        return Err(ApiError::invalid("* GenerateContentRequest.contents: contents is not specified\n"));
    }
    let mut open = 0;
    for (index, content) in contents.iter().enumerate() {
        open = one_content(index, content, open)?;
    }
    Ok(())
}

fn generation(config: &Value) -> Result<(), ApiError> {
    let names = config.as_object().into_iter().flat_map(|fields| fields.keys());
    if let Some(name) = names.into_iter().find(|name| !is_known(name, CONFIG_FIELDS)) {
        return Err(ApiError::unknown_field(name, Some("generation_config")));
    }
    if let Some(temperature) = field(config, "temperature").and_then(Value::as_f64)
        && !(0.0..=2.0).contains(&temperature)
    {
        return Err(ApiError::invalid(
            "* GenerateContentRequest.generation_config.temperature: temperature must be in the range [0.0, 2.0].\n",
        ));
    }
    if let Some(max) = field(config, "maxOutputTokens").filter(|max| !max.is_null())
        && max.as_i64().is_none_or(|max| max < 1)
    {
        return Err(ApiError::invalid(
            "* GenerateContentRequest.generation_config.max_output_tokens: max_output_tokens must be positive.\n",
        ));
    }
    if let Some(stops) = field(config, "stopSequences").and_then(Value::as_array)
        && stops.len() > 5
    {
        return Err(ApiError::invalid(
            "* GenerateContentRequest.generation_config.stop_sequences: at most 5 stop sequences are supported.\n",
        ));
    }
    Ok(())
}

/// Checks one content; takes the number of calls the content before left open and gives its own.
fn one_content(index: usize, content: &Value, open: usize) -> Result<usize, ApiError> {
    let role = text_field(content, "role");
    if role.is_some_and(|role| !["user", "model", "function"].contains(&role)) {
        return Err(ApiError::invalid("Please use a valid role: user, model."));
    }
    let parts = content.get("parts").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    if parts.is_empty() {
        return Err(ApiError::invalid(format!(
            "* GenerateContentRequest.contents[{index}].parts: contents.parts must not be empty.\n"
        )));
    }
    for (at, part) in parts.iter().enumerate() {
        let held = DATA.iter().filter(|name| field(part, name).is_some_and(|value| !value.is_null())).count();
        if held != 1 {
            return Err(ApiError::invalid(format!(
                "* GenerateContentRequest.contents[{index}].parts[{at}].data: required oneof field 'data' must have \
                 one initialized field\n"
            )));
        }
    }
    let count = |name: &str| parts.iter().filter(|part| field(part, name).is_some()).count();
    let answers = count("functionResponse");
    if answers != open && (answers > 0 || role != Some("model")) {
        return Err(ApiError::invalid(
            "Please ensure that the number of function response parts is equal to the number of function call parts of \
             the function call turn.",
        ));
    }
    Ok(count("functionCall"))
}
