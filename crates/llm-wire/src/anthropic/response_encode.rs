//! An answer for a client, whole.

use bytes::{BufMut, BytesMut};
use llm_types::generate::{Choice, Finish, FinishReason, GenerateResponse, Part, PartKind};
use llm_types::{Extra, Format, RawJson};

use super::block_encode::Blocks;
use super::object::{Array, Object};
use super::{FORMAT, usage};
use crate::codec::ReplyContext;
use crate::tool_names::ToolNames;

/// A text without a word.
const EMPTY_TEXT: &[u8] = br#"{"type":"text","text":""}"#;

/// Writes an answer.
pub(super) fn encode(resp: &GenerateResponse, ctx: &ReplyContext, out: &mut BytesMut) {
    let native = is_native(ctx);
    let empty = Choice::default();
    let choice = resp.choices.first().unwrap_or(&empty);
    let mut o = Object::open(out);
    o.str("id", message_id(&resp.id, ctx));
    o.str("type", "message");
    o.str("role", "assistant");
    o.str("model", ctx.model.as_deref().unwrap_or(&resp.model));
    let mut blocks = Blocks { native, names: ToolNames::back(&ctx.hints.tool_names), ..Blocks::default() };
    let mut list = Array::open(o.key("content"));
    let keep_empty = keeps_empty(ctx);
    // LiteLLM's answers of Bedrock always have a text, and be it empty
    let mut silent =
        ctx.upstream == Some(Format::BedrockConverse) && !choice.parts.iter().any(|p| p.as_text().is_some());
    for part in choice.parts.iter().filter(|p| keep_empty || native || p.as_text() != Some("")) {
        if matches!(part.kind, PartKind::ToolCall(_)) && std::mem::take(&mut silent) {
            list.item().put_slice(EMPTY_TEXT);
        }
        list.item_if(|out| block(part, &mut blocks, ctx, out));
    }
    if silent {
        list.item().put_slice(EMPTY_TEXT);
    }
    list.close();
    let finish =
        choice.finish.as_ref().map(|finish| if native { finish.clone() } else { refused(finish, &choice.parts) });
    stop(finish.as_ref(), &mut o);
    if !native {
        stop_details(finish.as_ref(), &choice.parts, &mut o);
    }
    for (key, value) in resp.extra.fields_for(FORMAT) {
        o.raw(key, value.get());
    }
    usage::write(resp.usage.as_ref(), o.key("usage"));
    o.close();
}

/// The upstream speaks this format too, so that nothing must be made to fit.
pub(super) fn is_native(ctx: &ReplyContext) -> bool {
    ctx.upstream == Some(FORMAT)
}

/// The upstream's empty texts are told, as LiteLLM does: its messages always have a text.
const fn keeps_empty(ctx: &ReplyContext) -> bool {
    matches!(ctx.upstream, Some(Format::OllamaChat | Format::BedrockConverse))
}

/// The upstream's id where it is one of this format.
pub(super) fn message_id<'a>(id: &'a str, ctx: &'a ReplyContext) -> &'a str {
    let fits = !id.is_empty() && (is_native(ctx) || id.starts_with("msg_"));
    if fits || ctx.fallback_id.is_empty() { id } else { &ctx.fallback_id }
}

/// Writes `stop_details`: an answer that was refused says so, in the model's words where there are some.
fn stop_details(finish: Option<&Finish>, parts: &[Part], o: &mut Object<'_>) {
    if finish.map(stop_reason) != Some("refusal") {
        return o.raw("stop_details", "null");
    }
    let words = parts.iter().find_map(|p| if let PartKind::Refusal(text) = &p.kind { Some(text) } else { None });
    let mut details = Object::open(o.key("stop_details"));
    details.str("type", "refusal");
    details.raw("category", "null");
    details.json("explanation", &words);
    details.close();
}

/// A model of another house that declines says so in its answer; here the reason does.
fn refused(finish: &Finish, parts: &[Part]) -> Finish {
    let declines = parts.iter().any(|p| matches!(&p.kind, PartKind::Refusal(text) if !text.is_empty()));
    match finish.reason {
        FinishReason::Stop if declines => Finish::new(FinishReason::Refusal),
        _ => finish.clone(),
    }
}

/// Writes `stop_reason` and `stop_sequence`.
pub(super) fn stop(finish: Option<&Finish>, o: &mut Object<'_>) {
    match finish {
        Some(f) => o.str("stop_reason", stop_reason(f)),
        None => o.raw("stop_reason", "null"),
    }
    o.json("stop_sequence", &finish.and_then(|f| f.stop_sequence.as_deref()));
}

fn stop_reason(finish: &Finish) -> &str {
    if let Some((FORMAT, raw)) = &finish.raw {
        return raw;
    }
    match finish.reason {
        FinishReason::Stop => "end_turn",
        FinishReason::StopSequence => "stop_sequence",
        FinishReason::Length => "max_tokens",
        FinishReason::ToolCalls | FinishReason::FunctionCall => "tool_use",
        FinishReason::ContentFilter | FinishReason::Refusal => "refusal",
        FinishReason::Pause => "pause_turn",
    }
}

fn block(part: &Part, blocks: &mut Blocks, ctx: &ReplyContext, out: &mut BytesMut) -> bool {
    match &part.kind {
        // pictures and sound that a model made have no block here
        PartKind::Image(_) if !blocks.native => false,
        PartKind::Thinking { text, signature } if !blocks.native => {
            let mut o = Object::open(out);
            o.str("type", "thinking");
            o.str("thinking", text);
            match signature {
                // as LiteLLM tells unproven thoughts of Gemini
                None if ctx.upstream == Some(Format::GeminiGenerate) => o.str("signature", ""),
                proof => o.json("signature", proof),
            }
            o.close();
            true
        }
        PartKind::ToolCall(_) if part.extra.get("thoughtSignature").is_some() => blocks.part(&signed(part), None, out),
        PartKind::HostedTool { format: FORMAT, json } | PartKind::Opaque { format: FORMAT, json } => raw(json, out),
        _ => blocks.part(part, None, out),
    }
}

/// A call with the proof of Gemini's thoughts where LiteLLM's clients find it and send it back.
fn signed(part: &Part) -> Part {
    let mut part = part.clone();
    if let Some(signature) = part.extra.get("thoughtSignature") {
        let field = format!(r#"{{"signature":{}}}"#, signature.get());
        let mut extra = Extra::new(FORMAT);
        extra.push(FORMAT, "provider_specific_fields", RawJson::parse(field).unwrap_or_default());
        part.extra = extra;
    }
    part
}

fn raw(json: &RawJson, out: &mut BytesMut) -> bool {
    out.put_slice(json.get().as_bytes());
    true
}
