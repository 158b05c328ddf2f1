//! Imagen: pictures for the instances of a prediction.

use serde_json::Value;

use crate::content::PICTURE;
use crate::prompt::text_field;
use crate::reply::Reply;
use crate::service::Call;
use crate::template::fill;

use super::errors::ApiError;
use super::request::field;
use super::{frames, json_reply};

pub(super) fn reply(call: &Call<'_>) -> Result<Reply, ApiError> {
    let instances = call.body.get("instances").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let asked = instances.first().and_then(|instance| text_field(instance, "prompt"));
    if asked.is_none_or(str::is_empty) {
        return Err(ApiError::invalid("Text prompt cannot be empty."));
    }
    let parameters = field(call.body, "parameters").unwrap_or(&Value::Null);
    let count = field(parameters, "sampleCount").map_or(Some(4), Value::as_u64);
    let Some(count) = count.filter(|count| (1..=8).contains(count)) else {
        return Err(ApiError::invalid("sampleCount must be between 1 and 8."));
    };
    let picture = fill(frames::PICTURE, &[("data", PICTURE)]);
    let all: Vec<&str> = (0..count).map(|_| picture.as_str()).collect();
    Ok(json_reply(fill(frames::PREDICTIONS, &[("predictions", &all.join(","))])))
}
