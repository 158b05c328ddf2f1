//! Embeddings of one content and of several: unit vectors fixed by the text.

use serde_json::Value;

use crate::ids::{Sequence, hash};
use crate::prompt::text_of;
use crate::reply::Reply;
use crate::route::Operation;
use crate::service::Call;
use crate::template::fill;

use super::errors::ApiError;
use super::request::{field, is_known};
use super::{frames, json_reply};

const FIELDS: &[&str] = &["content", "embedContentConfig", "model", "outputDimensionality", "taskType", "title"];

pub(super) fn reply(call: &Call<'_>) -> Result<Reply, ApiError> {
    if call.route.operation == Operation::EmbedContent {
        let values = fill(frames::VALUES, &[("values", &vector(call.body, &call.prompt.model)?)]);
        return Ok(json_reply(fill(frames::EMBEDDING, &[("values", values.trim_start())])));
    }
    let requests = call.body.get("requests").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    if requests.is_empty() {
        return Err(ApiError::invalid("* BatchEmbedContentsRequest.requests: at least one request is required\n"));
    }
    let mut rows = Vec::new();
    for (index, request) in requests.iter().enumerate() {
        let wanted = format!("models/{}", call.prompt.model);
        if request.get("model").and_then(Value::as_str) != Some(&wanted) {
            return Err(ApiError::invalid(format!(
                "* BatchEmbedContentsRequest.requests[{index}].model: unexpected model name format, expected {wanted}\n"
            )));
        }
        rows.push(fill(frames::VALUES, &[("values", &vector(request, &call.prompt.model)?)]));
    }
    Ok(json_reply(fill(frames::EMBEDDINGS, &[("embeddings", &rows.join(","))])))
}

fn vector(request: &Value, model: &str) -> Result<String, ApiError> {
    let names = request.as_object().into_iter().flat_map(|fields| fields.keys());
    if let Some(name) = names.into_iter().find(|name| !is_known(name, FIELDS)) {
        return Err(ApiError::unknown_field(name, None));
    }
    let parts = request.get("content").and_then(|content| content.get("parts"));
    let Some(parts) = parts.filter(|parts| parts.as_array().is_some_and(|parts| !parts.is_empty())) else {
        return Err(ApiError::invalid("* EmbedContentRequest.content: contents is required\n"));
    };
    let full = if model.starts_with("gemini-") { 3072 } else { 768 };
    let wanted = field(request, "outputDimensionality").and_then(Value::as_u64).and_then(|n| usize::try_from(n).ok());
    let vector = Sequence::new(hash(text_of(parts).as_bytes())).unit_vector(wanted.unwrap_or(full).min(full));
    let numbers: Vec<String> = vector.iter().map(|x| format!("\n        {x}")).collect();
    Ok(numbers.join(","))
}
