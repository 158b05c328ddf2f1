//! Requests.

use bytes::BytesMut;
use llm_types::generate::{GenerateRequest, MediaSource, Part, PartKind};

use super::prompt::render;
use crate::codec::EncodeContext;
use crate::ollama::options;
use crate::openai::object::Obj;
use crate::prompt;

/// Writes a request. The template that a request brings goes before ours.
pub(super) fn encode(req: &GenerateRequest, ctx: &mut EncodeContext<'_>, out: &mut BytesMut) {
    let completion = prompt::is_prompt(req);
    let text = match prompt::own(req) {
        Some(text) => text,
        None if completion => prompt::of(req, ctx.model),
        None => render(&req.turns, &req.tools),
    };
    let asks_for_calls = !completion && !req.tools.is_empty();
    let mut obj = Obj::open(out);
    obj.str("model", ctx.model);
    obj.str("prompt", &text);
    options::write(req, "frequency_penalty", ctx, &mut obj);
    if asks_for_calls && req.output.is_none() {
        obj.str("format", "json");
    } else {
        options::format(req, &mut obj);
    }
    ctx.hints.calls_in_text =
        asks_for_calls || matches!(req.output, Some(llm_types::generate::OutputFormat::JsonObject));
    if !completion {
        let mut list = obj.arr("images");
        for part in req.turns.iter().flat_map(|t| &t.parts).flat_map(inside) {
            match &part.kind {
                PartKind::Image(media) => match &media.source {
                    MediaSource::Base64(data) | MediaSource::Url(data) => list.str(data),
                    MediaSource::Text(_) | MediaSource::FileId(_) => ctx.lost.push("messages.image".to_owned()),
                },
                PartKind::Text { .. } | PartKind::ToolCall(_) | PartKind::Thinking { .. } => {}
                _ => ctx.lost.push("messages.block without text".to_owned()),
            }
        }
    }
    options::think(&req.reasoning, ctx.model, &mut obj);
}

/// A part, or the parts of a tool's result.
fn inside(part: &Part) -> &[Part] {
    match &part.kind {
        PartKind::ToolResult(result) => &result.parts,
        _ => std::slice::from_ref(part),
    }
}
