//! Bytez: `{messages: [{role, content: [typed parts]}], stream, params}` to `{error, output: {content: [{text}]}}`;
//! streams are bare text.

use bytes::BytesMut;
use llm_types::generate::{GenerateRequest, GenerateResponse, MediaSource, Part, PartKind, Turn};
use llm_types::{Error, Field, FieldSet, Format, Kind, Result};
use serde_json::value::RawValue;

use super::bare::Bare;
use super::{answer, failed, stop, write_apart, write_rest};
use crate::codec::{EncodeContext, Generate, ReplyContext, ReplyView, StreamDecoder, UpstreamCodec};
use crate::dialect;
use crate::framing::Framing;
use crate::openai::errors::{invalid_reply, of_status, provider_name};
use crate::openai::object::{Arr, Obj};
use crate::openai::wire::{Text, view};
use crate::prompt::role;

const NAMED: FieldSet =
    FieldSet::of(&[Field::MaxTokens, Field::MaxCompletionTokens, Field::Temperature, Field::TopP, Field::N]);

/// The codec, towards upstreams.
#[derive(Debug, Clone, Copy)]
pub struct Bytez;

view!(lenient ReplyIn {
    error = "error": Text<'a>,
    output = "output": Option<&'a RawValue>,
});

view!(lenient OutputIn {
    content = "content": Option<&'a RawValue>,
});

view!(lenient PartIn {
    text = "text": Text<'a>,
});

impl UpstreamCodec<Generate> for Bytez {
    fn format(&self) -> Format {
        Format::Bytez
    }

    fn framing(&self) -> Framing {
        Framing::Text
    }

    fn encode_request(&self, req: &GenerateRequest, ctx: &mut EncodeContext<'_>, out: &mut BytesMut) -> Result<()> {
        let mut obj = Obj::open(out);
        {
            let mut list = obj.arr("messages");
            req.turns.iter().for_each(|turn| message(turn, &mut list));
        }
        obj.bool("stream", req.stream);
        {
            let (s, mut params) = (&req.sampling, obj.obj("params"));
            params.number("max_new_tokens", req.max_output_tokens.as_ref());
            params.number("temperature", s.temperature.as_ref());
            params.number("top_p", s.top_p.as_ref());
            s.n.into_iter().for_each(|n| params.u64("num_return_sequences", n));
            let mut rest = req.clone();
            rest.turns.clear();
            write_rest(&rest, NAMED, ctx, &mut params);
        }
        write_apart(req, &mut obj);
        Ok(())
    }

    fn decode_response(&self, reply: &ReplyView<'_>, _: &ReplyContext) -> Result<GenerateResponse> {
        let view: ReplyIn<'_> = serde_json::from_slice(reply.body).map_err(|e| invalid_reply(reply, &e.to_string()))?;
        if let Some(said) = view.error.filled() {
            return Err(failed(Kind::Api, reply.provider, said));
        }
        let output =
            view.output.ok_or_else(|| invalid_reply(reply, "provider returned a response with no 'output'"))?;
        if let Some(text) = llm_types::json::raw_str(output.get()) {
            return Ok(answer(&text, stop(), None));
        }
        let unread = |e: serde_json::Error| invalid_reply(reply, &e.to_string());
        let message: OutputIn<'_> = serde_json::from_str(output.get()).map_err(unread)?;
        let content = message.content.map_or("null", RawValue::get);
        if let Some(text) = llm_types::json::raw_str(content) {
            return Ok(answer(&text, stop(), None));
        }
        let parts: Option<Vec<PartIn<'_>>> = serde_json::from_str(content).map_err(unread)?;
        let text: String = parts.iter().flatten().filter_map(|p| p.text.0.as_deref()).collect();
        Ok(answer(&text, stop(), None))
    }

    fn decode_error(&self, reply: &ReplyView<'_>) -> Error {
        dialect::error(reply, of_status(reply.status), &provider_name(reply.provider))
    }

    fn stream_decoder(&self, ctx: &ReplyContext) -> Option<Box<dyn StreamDecoder>> {
        Some(Box::new(Bare::new(ctx)))
    }
}

fn message(turn: &Turn, list: &mut Arr<'_>) {
    let mut obj = list.obj();
    obj.str("role", role(turn));
    let mut content = obj.arr("content");
    turn.parts.iter().for_each(|p| part(p, &mut content));
}

fn part(part: &Part, list: &mut Arr<'_>) {
    let (kind, media) = match &part.kind {
        PartKind::Text { text, .. } => {
            let mut obj = list.obj();
            obj.str("type", "text");
            return obj.str("text", text);
        }
        PartKind::ToolResult(result) => return result.parts.iter().for_each(|p| self::part(p, list)),
        PartKind::Image(media) => ("image", media),
        PartKind::Audio(media) => ("audio", media),
        PartKind::Video(media) => ("video", media),
        _ => return,
    };
    let mut obj = list.obj();
    obj.str("type", kind);
    match &media.source {
        MediaSource::Base64(data) => {
            let usual = if kind == "image" { "image/png" } else { "audio/wav" };
            obj.str("base64", &format!("data:{};base64,{data}", media.media_type.as_deref().unwrap_or(usual)));
        }
        MediaSource::Url(t) | MediaSource::Text(t) | MediaSource::FileId(t) => obj.str("url", t),
    }
}
