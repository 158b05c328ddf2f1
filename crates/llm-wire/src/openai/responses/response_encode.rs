//! Answers to Responses clients.

use bytes::BytesMut;
use llm_types::generate::{Choice, Finish, FinishReason, GenerateResponse, Part, UsageReport};
use llm_types::{Format, RawJson};

use super::content_encode::flat_source;
use super::output_encode::Bridged;
use super::{FORMAT, output_encode, usage};
use crate::codec::ReplyContext;
use crate::openai::chat::{self, shape, sources};
use crate::openai::object::Obj;
use crate::openai::usage::Shape;

/// Writes an answer.
pub(crate) fn encode(resp: &GenerateResponse, ctx: &ReplyContext, out: &mut BytesMut) {
    let empty = Choice::default();
    let choice = resp.choices.first().unwrap_or(&empty);
    let answer = Answer {
        id: &resp.id,
        created: resp.created,
        model: ctx.model.as_deref().unwrap_or(&resp.model),
        service_tier: resp.service_tier.as_deref(),
        parts: &choice.parts,
        finish: choice.finish.as_ref(),
        usage: resp.usage.as_ref(),
        shape: shape(resp),
        // its texts are there in LiteLLM's eyes, others are null
        empty_message: ctx.upstream == Some(Format::BedrockConverse),
        sources: if is_native(ctx) { Vec::new() } else { sources(choice).iter().map(flat_source).collect() },
    };
    let mut obj = Obj::open(out);
    answer.write(ctx, &mut obj);
    if ctx.upstream == Some(Format::AnthropicMessages) {
        chat::anthropic_fields(&resp.extra, &choice.parts, &mut obj.obj("provider_specific_fields"));
    }
    obj.extra(&resp.extra, FORMAT, |_| true);
}

/// What an answer says, whole or at the end of a stream.
#[derive(Debug)]
pub(crate) struct Answer<'a> {
    pub(crate) id: &'a str,
    pub(crate) created: Option<u64>,
    pub(crate) model: &'a str,
    pub(crate) service_tier: Option<&'a str>,
    pub(crate) parts: &'a [Part],
    pub(crate) finish: Option<&'a Finish>,
    pub(crate) usage: Option<&'a UsageReport>,
    pub(crate) shape: Shape,
    /// A message stands in the output even when nothing was said.
    pub(crate) empty_message: bool,
    /// Where an upstream of another format has its text from, in this format's words.
    pub(crate) sources: Vec<RawJson>,
}

impl Answer<'_> {
    /// Writes its fields, but for those that only the upstream knows.
    pub(crate) fn write(&self, ctx: &ReplyContext, obj: &mut Obj<'_>) {
        let native = is_native(ctx);
        let (status, reason) = ending(self.finish);
        obj.str("id", &response_id(self.id, ctx));
        obj.str("object", "response");
        obj.u64("created_at", self.created.unwrap_or(ctx.created));
        obj.str("status", status);
        obj.text("error", "null");
        match reason {
            Some(reason) => obj.obj("incomplete_details").str("reason", reason),
            None => obj.text("incomplete_details", "null"),
        }
        obj.str("model", self.model);
        let seed = if self.id.is_empty() { &ctx.fallback_id } else { self.id };
        let mut list = obj.arr("output");
        if native {
            output_encode::native(self.parts, seed, &mut list);
        } else {
            let message = if status == "incomplete" { "incomplete" } else { "completed" };
            let bridged = Bridged {
                parts: self.parts,
                seed,
                status: message,
                always_message: self.empty_message,
                sources: &self.sources,
                hints: &ctx.hints,
            };
            output_encode::bridged(&bridged, &mut list);
        }
        drop(list);
        if !native {
            let choice = ctx.tool_choice.as_ref().map_or(r#""auto""#, RawJson::get);
            obj.text("tool_choice", choice);
            // LiteLLM's bridge does not look at the request
            for (key, value) in [
                ("metadata", "{}"),
                ("parallel_tool_calls", "false"),
                ("temperature", "0.0"),
                ("tools", "[]"),
                ("text", "{}"),
            ] {
                obj.text(key, value);
            }
        }
        if let Some(report) = self.usage {
            usage::encode(report, self.shape, obj.key("usage"));
        }
        obj.opt_str("service_tier", self.service_tier.filter(|_| native));
    }
}

/// The upstream speaks this format too.
pub(crate) fn is_native(ctx: &ReplyContext) -> bool {
    matches!(ctx.upstream, Some(FORMAT))
}

/// The upstream's id where it is one of this format.
pub(crate) fn response_id(id: &str, ctx: &ReplyContext) -> String {
    if id.starts_with("resp_") || (is_native(ctx) && !id.is_empty()) {
        return id.to_owned();
    }
    let seed = if ctx.fallback_id.is_empty() { id } else { &ctx.fallback_id };
    format!("resp_{}", seed.trim_start_matches("chatcmpl-"))
}

/// The status of an answer, and why it is not complete.
pub(crate) fn ending(finish: Option<&Finish>) -> (&str, Option<&str>) {
    let Some(finish) = finish else { return ("in_progress", None) };
    match (&finish.raw, finish.reason) {
        (_, FinishReason::Length) => ("incomplete", Some("max_output_tokens")),
        (_, FinishReason::ContentFilter) => ("incomplete", Some("content_filter")),
        (Some((Format::OpenAiResponses, word)), _) => (word, None),
        (_, FinishReason::Refusal) => ("incomplete", Some("content_filter")),
        _ => ("completed", None),
    }
}
