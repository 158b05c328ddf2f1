//! The usage object of answers to Responses clients.
//!
//! Of other formats' counts LiteLLM first makes chat's object and then gives its fields these names.

use bytes::{BufMut, BytesMut};
use llm_types::generate::UsageReport;

use super::FORMAT;
use crate::openai::object::Obj;
use crate::openai::usage::{self, Shape};
use crate::top::Top;

/// Fields of chat's details that have a place here.
const DETAILS: [&str; 7] = [
    "cached_tokens",
    "text_tokens",
    "audio_tokens",
    "image_tokens",
    "video_tokens",
    "cache_write_tokens",
    "reasoning_tokens",
];

/// Writes a usage object.
pub(crate) fn encode(report: &UsageReport, shape: Shape, out: &mut BytesMut) {
    if let Some((FORMAT, raw)) = &report.raw {
        return out.put_slice(raw.get().as_bytes());
    }
    let mut chat = BytesMut::new();
    usage::encode(report, shape, &mut chat);
    let top: Top<'_> = serde_json::from_slice(&chat).unwrap_or_default();
    let mut obj = Obj::open(out);
    obj.u64("input_tokens", report.usage.total_input());
    let cached = ("cached_tokens", report.usage.cache_read);
    details("input_tokens_details", top.get("prompt_tokens_details"), cached, &mut obj);
    obj.u64("output_tokens", report.usage.total_output());
    let thought = ("reasoning_tokens", report.usage.reasoning);
    details("output_tokens_details", top.get("completion_tokens_details"), thought, &mut obj);
    obj.u64("total_tokens", report.usage.total_tokens());
}

/// Clients rely on the field that is needed; some upstreams tell it beside the details.
fn details(key: &'static str, raw: Option<&str>, (needed, count): (&str, u64), obj: &mut Obj<'_>) {
    let top: Top<'_> = raw.and_then(|r| serde_json::from_str(r).ok()).unwrap_or_default();
    let mut obj = obj.obj(key);
    if top.get(needed).is_none_or(|n| n == "null") {
        obj.any_key(needed).put_slice(count.to_string().as_bytes());
    }
    for (key, value) in top.iter().filter(|(key, value)| DETAILS.contains(key) && *value != "null") {
        obj.any_key(key).put_slice(value.as_bytes());
    }
}
