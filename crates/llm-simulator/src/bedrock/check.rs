//! The service's complaints about Converse requests. Fields it does not know are ignored, as AWS does.

use serde_json::Value;

use crate::prompt::text_field;

use super::errors::ApiError;

const BLOCKS: &[&str] = &[
    "audio",
    "cachePoint",
    "citationsContent",
    "document",
    "guardContent",
    "image",
    "reasoningContent",
    "searchResult",
    "text",
    "toolResult",
    "toolUse",
    "video",
];

pub(super) fn converse(body: &Value) -> Result<(), ApiError> {
    if !body.is_object() {
        return Err(ApiError::invalid("The request body must be a JSON object."));
    }
    let messages = body.get("messages").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    if messages.is_empty() {
        return Err(ApiError::invalid("messages: at least one message is required"));
    }
    limits(body)?;
    let mut open: Vec<&str> = Vec::new();
    let mut before = None;
    for (index, message) in messages.iter().enumerate() {
        let role = role(index, message)?;
        if before == Some(role) {
            return Err(ApiError::invalid(
                "A conversation must alternate between user and assistant roles. Make sure the conversation alternates \
                 between user and assistant roles and try again.",
            ));
        }
        before = Some(role);
        open = one_message(index, message, &open, body.get("toolConfig").is_some())?;
    }
    Ok(())
}

fn role(index: usize, message: &Value) -> Result<&str, ApiError> {
    let role = text_field(message, "role").unwrap_or("null");
    if !["user", "assistant"].contains(&role) {
        return Err(ApiError::invalid(format!(
            "1 validation error detected: Value '{role}' at 'messages.{}.member.role' failed to satisfy constraint: \
             Member must satisfy enum value set: [user, assistant]",
            index + 1
        )));
    }
    if index == 0 && role == "assistant" {
        return Err(ApiError::invalid(
            "A conversation must start with a user message. Try again with a conversation that starts with a user \
             message.",
        ));
    }
    Ok(role)
}

fn limits(body: &Value) -> Result<(), ApiError> {
    let wrong = |name: &str, value: &Value, rule: &str| {
        Err(ApiError::invalid(format!(
            "1 validation error detected: Value '{value}' at 'inferenceConfig.{name}' failed to satisfy constraint: \
             Member must have value {rule}"
        )))
    };
    let config = body.get("inferenceConfig").unwrap_or(&Value::Null);
    if let Some(max) = config.get("maxTokens").filter(|max| !max.is_null())
        && max.as_i64().is_none_or(|max| max < 1)
    {
        return wrong("maxTokens", max, "greater than or equal to 1");
    }
    for name in ["temperature", "topP"] {
        if let Some(value) = config.get(name).filter(|value| !value.is_null())
            && value.as_f64().is_none_or(|number| !(0.0..=1.0).contains(&number))
        {
            return wrong(name, value, "between 0 and 1");
        }
    }
    Ok(())
}

/// Checks one message; takes the tool calls the message before left open and gives those it leaves open itself.
fn one_message<'a>(index: usize, message: &'a Value, open: &[&str], tools: bool) -> Result<Vec<&'a str>, ApiError> {
    let blocks = message.get("content").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    if blocks.is_empty() {
        return Err(ApiError::invalid(format!(
            "The content field in the Message object at messages.{index} is empty. Add a ContentBlock object to the \
             content field and try again."
        )));
    }
    let mut calls = Vec::new();
    let mut answered = Vec::new();
    for (at, block) in blocks.iter().enumerate() {
        let place = format!("messages.{index}.content.{at}");
        if BLOCKS.iter().filter(|name| block.get(**name).is_some()).count() != 1 {
            return Err(ApiError::invalid(format!(
                "ContentBlock object at {place} must set one of the following keys: {}.",
                BLOCKS.join(", ")
            )));
        }
        if text_field(block, "text").is_some_and(|text| text.trim().is_empty()) {
            return Err(ApiError::invalid(format!(
                "The text field in the ContentBlock object at {place} is blank. Add text to the text field, and try \
                 again."
            )));
        }
        calls.extend(block.pointer("/toolUse/toolUseId").and_then(Value::as_str));
        answered.extend(block.pointer("/toolResult/toolUseId").and_then(Value::as_str));
    }
    let uses_tools = !calls.is_empty() || !answered.is_empty();
    if uses_tools && !tools {
        return Err(ApiError::invalid(
            "The toolConfig field must be defined when using toolUse and toolResult content blocks.",
        ));
    }
    if answered.iter().any(|id| !open.contains(id)) {
        return Err(ApiError::invalid(format!(
            "The number of toolResult blocks at messages.{index}.content exceeds the number of toolUse blocks of \
             previous turn."
        )));
    }
    let missing: Vec<&str> = open.iter().filter(|id| !answered.contains(id)).copied().collect();
    if !missing.is_empty() {
        return Err(ApiError::invalid(format!(
            "Expected toolResult blocks at messages.{index}.content for the following Ids: {}",
            missing.join(", ")
        )));
    }
    Ok(calls)
}
