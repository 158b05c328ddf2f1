//! Embeddings: unit vectors fixed by the text.

use base64::Engine;
use serde_json::Value;

use crate::ids::{Sequence, hash, tokens};
use crate::prompt::characters;
use crate::reply::Reply;
use crate::service::Call;
use crate::template::{fill, quote};

use super::errors::ApiError;
use super::{check, frames, json_reply, refuse, served_model};

pub(super) fn reply(call: &Call<'_>) -> Result<Reply, ApiError> {
    check::model(call)?;
    let inputs = inputs(call.body)?;
    let dimensions = dimensions(call)?;
    let base64 = match call.body.get("encoding_format").and_then(Value::as_str) {
        None | Some("float") => false,
        Some("base64") => true,
        Some(other) => {
            let text = format!("Invalid value: '{other}'. Supported values are: 'float' and 'base64'.");
            return refuse(ApiError::invalid(text).param("encoding_format").code("invalid_value"));
        }
    };
    let rows: Vec<String> = inputs
        .iter()
        .enumerate()
        .map(|(index, input)| {
            let vector = Sequence::new(hash(input.to_string().as_bytes())).unit_vector(dimensions);
            let text = if base64 { quote(&encoded(&vector)) } else { listed(&vector) };
            fill(frames::EMBEDDING, &[("index", &index.to_string()), ("embedding", &text)])
        })
        .collect();
    let counted: u64 = inputs.iter().map(|input| input_tokens(input)).sum();
    let prompt = call.script.prompt_tokens.unwrap_or(counted).to_string();
    let model = quote(&served_model(call));
    let body = fill(frames::EMBEDDINGS, &[("data", &rows.join(",")), ("model", &model), ("prompt", &prompt)]);
    Ok(json_reply(call, body))
}

/// One item per vector: texts, or lists of token numbers.
fn inputs(body: &Value) -> Result<Vec<&Value>, ApiError> {
    match body.get("input") {
        None => refuse(check::missing("input")),
        Some(Value::String(text)) if text.is_empty() => refuse(ApiError::invalid(
            "'$.input' is invalid. Please check the API reference: https://platform.openai.com/docs/api-reference.",
        )),
        Some(text @ Value::String(_)) => Ok(vec![text]),
        Some(list @ Value::Array(items)) => match items.first() {
            None => {
                let text = "Invalid 'input': empty array. Expected an array with minimum length 1, but got an empty \
                            array instead.";
                refuse(ApiError::invalid(text).param("input").code("empty_array"))
            }
            Some(Value::Number(_)) => Ok(vec![list]),
            Some(_) => Ok(items.iter().collect()),
        },
        Some(other) => refuse(check::wrong_type("input", "one of a string or array", other)),
    }
}

fn dimensions(call: &Call<'_>) -> Result<usize, ApiError> {
    let model = call.prompt.model.as_str();
    let full = if model.contains("3-large") { 3072 } else { 1536 };
    let Some(asked) = call.body.get("dimensions").filter(|v| !v.is_null()) else {
        return Ok(full);
    };
    if model.contains("ada-002") {
        return refuse(ApiError::invalid("This model does not support specifying dimensions."));
    }
    match asked.as_u64().and_then(|n| usize::try_from(n).ok()) {
        Some(n) if (1..=full).contains(&n) => Ok(n),
        _ => refuse(
            ApiError::invalid(format!("Invalid value for 'dimensions' = {asked}. Must be between 1 and {full}."))
                .param("dimensions"),
        ),
    }
}

fn input_tokens(input: &Value) -> u64 {
    match input {
        // token numbers count for themselves
        Value::Array(numbers) => u64::try_from(numbers.len()).unwrap_or(0),
        text => tokens(characters(text)).max(1),
    }
}

fn listed(vector: &[f32]) -> String {
    let numbers: Vec<String> = vector.iter().map(|x| format!("\n        {x}")).collect();
    format!("[{}\n      ]", numbers.join(","))
}

fn encoded(vector: &[f32]) -> String {
    let bytes: Vec<u8> = vector.iter().flat_map(|x| x.to_le_bytes()).collect();
    base64::engine::general_purpose::STANDARD.encode(bytes)
}
