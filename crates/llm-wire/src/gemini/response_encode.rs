//! An answer for a client, whole.

use bytes::BytesMut;
use llm_types::generate::{Choice, GenerateResponse};

use super::response_decode::{FEEDBACK, LOGPROBS};
use super::{FORMAT, finish, logprobs, native_encode, usage};
use crate::codec::ReplyContext;
use crate::openai::object::{Arr, Obj};

/// Writes an answer.
pub(super) fn encode(resp: &GenerateResponse, ctx: &ReplyContext, out: &mut BytesMut) {
    let native = ctx.upstream == Some(FORMAT);
    let mut obj = Obj::open(out);
    let refused = resp.extra.fields_for(FORMAT).any(|(key, _)| key == FEEDBACK);
    let silent = |c: &Choice| c.parts.is_empty() && c.finish.as_ref().is_none_or(|f| f.raw.is_none());
    if !(refused && resp.choices.iter().all(silent)) {
        let mut list = obj.arr("candidates");
        resp.choices.iter().for_each(|c| candidate(c, native, &mut list));
    }
    if let Some(report) = &resp.usage {
        usage::write(report, &mut obj);
    }
    obj.str("modelVersion", ctx.model.as_deref().unwrap_or(&resp.model));
    let id = if resp.id.is_empty() { &ctx.fallback_id } else { &resp.id };
    obj.str("responseId", id);
    obj.extra(&resp.extra, FORMAT, |_| true);
    if !native {
        // LiteLLM's bridge says the text once more
        obj.str("text", &resp.text());
    }
}

fn candidate(choice: &Choice, native: bool, list: &mut Arr<'_>) {
    let mut obj = list.obj();
    let mut content = obj.obj("content");
    if !choice.parts.is_empty() {
        let mut parts = content.arr("parts");
        choice.parts.iter().for_each(|p| native_encode::part(p, native, &mut parts));
    }
    content.str("role", "model");
    drop(content);
    if let Some(finish) = &choice.finish {
        obj.str("finishReason", finish::encode(finish));
    }
    obj.u64("index", choice.index.into());
    if let (Some(openai), None) = (&choice.logprobs, choice.extra.fields_for(FORMAT).find(|(k, _)| *k == LOGPROBS)) {
        logprobs::encode(openai.get(), &mut obj);
    }
    obj.extra(&choice.extra, FORMAT, |_| true);
}
