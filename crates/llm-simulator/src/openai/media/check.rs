//! The services' complaints about these requests.

use serde_json::Value;

use crate::prompt::text_field;
use crate::route::Operation;
use crate::service::Call;

use super::super::check::{missing, model, wrong_type};
use super::super::errors::ApiError;
use super::super::refuse;
use super::request::number;

/// Formats of a transcript.
const TRANSCRIPTS: &[&str] = &["json", "text", "srt", "verbose_json", "vtt"];

pub(super) fn images(call: &Call<'_>) -> Result<(), ApiError> {
    if call.body.get("model").is_some() || call.route.model.is_some() {
        model(call)?;
    }
    let operation = call.route.operation;
    if operation != Operation::ImageVariations && text_field(call.body, "prompt").is_none_or(str::is_empty) {
        return refuse(missing("prompt"));
    }
    if operation != Operation::Images && !is_file(call.body.get("image")) {
        return refuse(missing("image"));
    }
    let most = if call.prompt.model == "dall-e-3" { 1 } else { 10 };
    match call.body.get("n").filter(|n| !n.is_null()) {
        Some(n) if number(Some(n)).is_none_or(|n| !(1..=most).contains(&n)) => {
            let text = format!("Invalid 'n': expected a value between 1 and {most}, but got {n} instead.");
            refuse(ApiError::invalid(text).param("n").code("invalid_value"))
        }
        _ => Ok(()),
    }
}

pub(super) fn transcription(call: &Call<'_>) -> Result<(), ApiError> {
    model(call)?;
    if !is_file(call.body.get("file")) {
        return refuse(missing("file"));
    }
    let format = text_field(call.body, "response_format").unwrap_or("json");
    let newer = call.prompt.model.starts_with("gpt-4o");
    if !TRANSCRIPTS.contains(&format) || (newer && !["json", "text"].contains(&format)) {
        let text = format!(
            "response_format '{format}' is not compatible with model '{}'. Use 'json' or 'text' instead.",
            call.prompt.model
        );
        return refuse(ApiError::invalid(text).param("response_format").code("unsupported_value"));
    }
    Ok(())
}

pub(super) fn speech(call: &Call<'_>) -> Result<(), ApiError> {
    model(call)?;
    for name in ["input", "voice"] {
        match call.body.get(name) {
            None => return refuse(missing(name)),
            Some(Value::String(_)) => {}
            // a voice of one's own
            Some(Value::Object(_)) if name == "voice" => {}
            Some(other) => return refuse(wrong_type(name, "a string", other)),
        }
    }
    let input = text_field(call.body, "input").unwrap_or_default();
    if input.is_empty() || input.chars().count() > 4096 {
        let text = "Invalid 'input': expected a string of 1 to 4096 characters.";
        return refuse(ApiError::invalid(text).param("input").code("string_above_max_length"));
    }
    Ok(())
}

pub(super) fn moderation(call: &Call<'_>) -> Result<(), ApiError> {
    match call.body.get("input") {
        None => refuse(missing("input")),
        Some(Value::String(_) | Value::Array(_)) => Ok(()),
        Some(other) => refuse(wrong_type("input", "one of a string or array", other)),
    }
}

pub(super) fn video(call: &Call<'_>) -> Result<(), ApiError> {
    if text_field(call.body, "prompt").is_none_or(str::is_empty) {
        return refuse(missing("prompt"));
    }
    match call.body.get("seconds").filter(|seconds| !seconds.is_null()) {
        Some(seconds) if !["4", "8", "12"].contains(&seconds.as_str().unwrap_or_default()) => {
            let text = format!("Invalid value: {seconds}. Supported values are: '4', '8', and '12'.");
            refuse(ApiError::invalid(text).param("seconds").code("invalid_value"))
        }
        _ => Ok(()),
    }
}

/// A file of a form, or several.
fn is_file(value: Option<&Value>) -> bool {
    match value {
        Some(Value::Array(files)) => files.first().is_some_and(Value::is_object),
        Some(value) => value.is_object(),
        None => false,
    }
}
