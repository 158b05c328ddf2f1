//! How a stream ends: with the whole answer, or with an error.

use bytes::{BufMut, BytesMut};
use llm_types::generate::{Part, PartKind};
use llm_types::{Error, Format};

use super::FORMAT;
use super::response_encode::{Answer, ending, response_id};
use super::stream_encode::{ResponsesStreamEncoder, Style};
use super::stream_write::Writer;
use crate::openai::chat::shape;
use crate::openai::errors;
use crate::openai::usage::Shape;

/// LiteLLM's last word names a model of Bedrock without the interface that its first one names.
fn without_route(model: &str) -> &str {
    model.strip_prefix("converse/").unwrap_or(model)
}

/// What went wrong, as a word: the error's own, else LiteLLM's for the status.
fn failure_code(error: &Error) -> &str {
    let own = error.code.as_deref().filter(|code| !code.is_empty() && !code.bytes().all(|b| b.is_ascii_digit()));
    own.unwrap_or_else(|| match error.status() {
        401 => "authentication_error",
        403 => "permission_error",
        404 => "not_found_error",
        408 => "request_timeout",
        429 => "rate_limit_exceeded",
        400..=499 => "invalid_request_error",
        _ => "server_error",
    })
}

/// The proof of a thought.
fn proof(part: &Part) -> Option<&str> {
    match &part.kind {
        PartKind::Thinking { signature, .. } => signature.as_deref(),
        _ => None,
    }
}

impl ResponsesStreamEncoder {
    /// Closes what is open and repeats the answer.
    pub(super) fn end(&mut self, out: &mut BytesMut) {
        self.done = true;
        if !self.begun {
            return;
        }
        if self.style == Style::Blocks && self.is_silent() {
            self.empty_message(out); // LiteLLM's stream of an answer without anything has an empty one
        }
        self.close(|_| true, out);
        let response = self.whole.response();
        let native = self.style == Style::Native;
        let kind = match ending(self.finish.as_ref()).0 {
            // LiteLLM's bridges say so of every answer
            "incomplete" if native => "response.incomplete",
            _ => "response.completed",
        };
        let calls = |k: &PartKind| matches!(k, PartKind::ToolCall(_));
        let tool_calls = response.choices.first().is_some_and(|c| c.parts.iter().any(|p| calls(&p.kind)));
        let answer = Answer {
            id: &response.id,
            created: response.created,
            model: self.ctx.upstream_model.as_deref().map_or(&response.model, without_route),
            service_tier: response.service_tier.as_deref(),
            parts: response.choices.first().map(|c| c.parts.as_slice()).unwrap_or_default(),
            finish: self.finish.as_ref(),
            usage: response.usage.as_ref(),
            shape: Shape { stream: true, tool_calls, ..shape(response) },
            sources: self.sources.clone(),
            // where calls come whole, no message opens before them
            empty_message: !tool_calls || (self.style == Style::Blocks && self.opens_without_words()),
        };
        let mut event = self.writer.event(kind, out);
        let mut obj = event.obj("response");
        answer.write(&self.ctx, &mut obj);
        obj.extra(&response.extra, FORMAT, |_| native);
        if self.ctx.upstream == Some(Format::BedrockConverse)
            && let Some(proof) = answer.parts.iter().rev().find_map(proof)
        {
            // what LiteLLM's bridge keeps of the fields of its chunks
            obj.obj("provider_specific_fields").obj("reasoningContent").str("signature", proof);
        }
        drop(obj);
        drop(event);
        Writer::close(out);
        out.put_slice(b"data: [DONE]\n\n");
    }

    /// LiteLLM's stream of this upstream begins with a message, whatever comes.
    const fn opens_without_words(&self) -> bool {
        !matches!(
            self.ctx.upstream,
            None | Some(Format::GeminiGenerate | Format::OpenAiChat | Format::OpenAiCompletions)
        )
    }

    /// Tells the error: in an event of its own where the upstream speaks this format, else as a response that failed.
    pub(super) fn fail(&mut self, error: &Error, out: &mut BytesMut) {
        self.done = true;
        if self.begun && self.style != Style::Native {
            return self.fail_response(error, out);
        }
        let mut body = BytesMut::new();
        errors::encode(error, &mut body);
        let top: crate::top::Top<'_> = serde_json::from_slice(&body).unwrap_or_default();
        let mut event = self.writer.event("error", out);
        event.str("code", error.code.as_deref().unwrap_or(&error.status().to_string()));
        event.str("message", &error.message);
        match &error.param {
            Some(param) => event.str("param", param),
            None => event.text("param", "null"),
        }
        event.text("error", top.get("error").unwrap_or("null"));
        drop(event);
        Writer::close(out);
    }

    /// The last event of LiteLLM's bridges, and its words for what went wrong.
    fn fail_response(&mut self, error: &Error, out: &mut BytesMut) {
        let response = self.whole.response();
        let mut event = self.writer.event("response.failed", out);
        let mut obj = event.obj("response");
        obj.str("id", &response_id(&response.id, &self.ctx));
        obj.str("object", "response");
        obj.u64("created_at", response.created.unwrap_or(self.ctx.created));
        obj.str("status", "failed");
        let mut told = obj.obj("error");
        told.str("code", failure_code(error));
        told.str("message", &error.message);
        drop(told);
        obj.str("model", self.ctx.upstream_model.as_deref().unwrap_or(&response.model));
        obj.text("output", "[]");
        drop(obj);
        drop(event);
        Writer::close(out);
        out.put_slice(b"data: [DONE]\n\n");
    }
}
