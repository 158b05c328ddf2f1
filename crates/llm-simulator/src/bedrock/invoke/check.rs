//! The complaints about the makers' requests.

use serde_json::Value;

use crate::service::Call;

use super::super::errors::ApiError;
use super::families::{Family, Maker};

/// Some models answer only whole.
pub(super) fn streams(call: &Call<'_>, maker: Maker) -> Result<(), ApiError> {
    let streams = match maker {
        Maker::Anthropic | Maker::Nova => true,
        Maker::Text(family) => family.pieces.is_some(),
        _ => false,
    };
    if call.prompt.stream && !streams {
        return Err(ApiError::invalid("The model is unsupported for streaming"));
    }
    Ok(())
}

pub(super) fn text(call: &Call<'_>, family: &Family) -> Result<(), ApiError> {
    let names = call.body.as_object().into_iter().flat_map(|fields| fields.keys());
    if let Some(name) = names.into_iter().find(|name| !family.fields.contains(&name.as_str())) {
        return Err(ApiError::invalid(format!(
            "Malformed input request: #: extraneous key [{name}] is not permitted, please reformat your input and try \
             again."
        )));
    }
    let told = call.body.pointer(family.prompt);
    if told.is_none_or(|told| told.as_str() == Some("") || told.as_array().is_some_and(Vec::is_empty)) {
        return Err(missing(family.prompt.trim_start_matches('/')));
    }
    match call.body.pointer(family.limit) {
        Some(limit) if limit.as_u64().is_none_or(|limit| limit == 0) => Err(ApiError::invalid(format!(
            "Malformed input request: #{}: {limit} is not greater or equal to 1, please reformat your input and try \
             again.",
            family.limit
        ))),
        _ => Ok(()),
    }
}

/// A text at a place of the body.
pub(super) fn told<'a>(body: &'a Value, pointer: &str) -> Result<&'a str, ApiError> {
    let text = body.pointer(pointer).and_then(Value::as_str).filter(|text| !text.is_empty());
    text.ok_or_else(|| missing(pointer.rsplit('/').next().unwrap_or_default()))
}

fn missing(name: &str) -> ApiError {
    ApiError::invalid(format!(
        "Malformed input request: #: required key [{name}] not found, please reformat your input and try again."
    ))
}
