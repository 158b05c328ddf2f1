//! Embeddings of Titan and Cohere: unit vectors fixed by the text.

use serde_json::Value;

use crate::content::Usage;
use crate::ids::{Sequence, hash, tokens};
use crate::prompt::strings;
use crate::reply::Reply;
use crate::service::Call;
use crate::template::{fill, quote};

use super::super::errors::ApiError;
use super::super::json_reply;
use super::check::told;
use super::families::Maker;
use super::{frames, stream};

pub(super) fn reply(call: &Call<'_>, maker: Maker) -> Result<Reply, ApiError> {
    let body = match maker {
        Maker::TitanEmbed => titan(call)?,
        _ => cohere(call)?,
    };
    let counts = Usage { prompt: read(call), ..Usage::default() };
    Ok(stream::counted(json_reply(call, body), counts))
}

fn titan(call: &Call<'_>) -> Result<String, ApiError> {
    let text = told(call.body, "/inputText")?;
    let second = call.prompt.model.contains("v2");
    let size = call.body.get("dimensions").and_then(Value::as_u64).and_then(|n| usize::try_from(n).ok());
    let vector = vector(text, size.unwrap_or(if second { 1024 } else { 1536 }));
    let template = if second { frames::TITAN_EMBED_2 } else { frames::TITAN_EMBED };
    Ok(fill(template, &[("vector", &vector), ("tokens", &read(call).to_string())]))
}

fn cohere(call: &Call<'_>) -> Result<String, ApiError> {
    let texts = strings(call.body.get("texts"));
    if texts.is_empty() {
        return Err(ApiError::invalid("Malformed input request: texts or images must be given"));
    }
    if call.body.get("input_type").is_none() {
        return Err(ApiError::invalid("Malformed input request: #: required key [input_type] not found"));
    }
    let size = call.body.get("output_dimension").and_then(Value::as_u64).and_then(|n| usize::try_from(n).ok());
    let rows: Vec<String> = texts.iter().map(|text| vector(text, size.unwrap_or(1024))).collect();
    let asked = Value::from(texts).to_string();
    let template =
        if call.body.get("embedding_types").is_some() { frames::COHERE_EMBED_TYPES } else { frames::COHERE_EMBED };
    let id = quote(&call.word("id", 36));
    Ok(fill(template, &[("id", &id), ("rows", &rows.join(",")), ("texts", &asked)]))
}

fn vector(text: &str, size: usize) -> String {
    let numbers: Vec<String> =
        Sequence::new(hash(text.as_bytes())).unit_vector(size).iter().map(ToString::to_string).collect();
    format!("[{}]", numbers.join(","))
}

fn read(call: &Call<'_>) -> u64 {
    call.script.prompt_tokens.unwrap_or_else(|| tokens(call.prompt.characters).max(1))
}
