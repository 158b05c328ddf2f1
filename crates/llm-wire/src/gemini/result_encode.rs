//! Answers of functions.

use bytes::BufMut;
use llm_types::generate::{Part, ToolResult};
use llm_types::{Extra, Result};
use serde_json::value::RawValue;

use super::contents_encode::orphan;
use super::media::Blob;
use super::model::Model;
use super::wire::split_call_id;
use crate::openai::object::Obj;

/// Writes a `function_response` part. Its name is that of the call that it answers.
///
/// # Errors
/// `BadRequest` when no call has its id and it has no name.
pub(super) fn write(result: &ToolResult, called: Option<&str>, model: Model, part: &mut Obj<'_>) -> Result<()> {
    let name = called.or(result.name.as_deref()).ok_or_else(|| orphan(&result.call_id))?;
    let mut response = part.obj("function_response");
    response.str("name", name);
    content(&result.parts, &mut response);
    if model.is_three() && !result.call_id.is_empty() {
        response.str("id", split_call_id(&result.call_id).0);
    }
    let blobs: Vec<Blob<'_>> = result.parts.iter().filter_map(|p| Blob::of(&p.kind)).collect();
    if blobs.is_empty() {
        return Ok(());
    }
    blobs.iter().try_for_each(Blob::check)?;
    let mut list = response.arr("parts");
    blobs.iter().for_each(|blob| blob.write(false, &Extra::default(), &mut list.obj()));
    Ok(())
}

/// An object goes as it is; anything else is the `content` of one.
fn content(parts: &[Part], response: &mut Obj<'_>) {
    let text: String = parts.iter().filter_map(Part::as_text).collect();
    let object = serde_json::from_str::<&RawValue>(text.trim()).ok().filter(|raw| raw.get().starts_with('{'));
    match object {
        Some(raw) => response.key("response").put_slice(raw.get().as_bytes()),
        None => response.obj("response").str("content", &text),
    }
}
