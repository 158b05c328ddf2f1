//! Responses of upstreams that answer only in streams (ChatGPT subscriptions): a whole answer is read from the event
//! that ends the stream.

use bytes::BytesMut;
use llm_types::generate::{GenerateRequest, GenerateResponse};
use llm_types::{Error, Format, Result};
use serde_json::value::RawValue;

use super::{Responses, error, response_decode};
use crate::codec::{EncodeContext, Generate, ReplyContext, ReplyView, StreamDecoder, UpstreamCodec};
use crate::openai::errors::{decode_in_stream, invalid_reply};
use crate::openai::wire::{List, Text, view};
use crate::sse::{Frame, Item, Splitter};
use crate::top::Top;

/// The codec, towards upstreams.
#[derive(Debug, Clone, Copy)]
pub struct StreamedResponses;

view!(lenient EventIn {
    kind = "type": Text<'a>,
    item = "item": Option<&'a RawValue>,
    response = "response": Option<&'a RawValue>,
    error = "error": Option<&'a RawValue>,
});

view!(lenient OutputIn {
    output = "output": List<&'a RawValue>,
});

impl UpstreamCodec<Generate> for StreamedResponses {
    fn format(&self) -> Format {
        Format::StreamedResponses
    }

    fn encode_request(&self, req: &GenerateRequest, ctx: &mut EncodeContext<'_>, out: &mut BytesMut) -> Result<()> {
        UpstreamCodec::<Generate>::encode_request(&Responses, req, ctx, out)
    }

    fn decode_response(&self, reply: &ReplyView<'_>, ctx: &ReplyContext) -> Result<GenerateResponse> {
        if reply.body.trim_ascii_start().starts_with(b"{") {
            return response_decode::decode(reply, ctx);
        }
        let body = whole(reply)?;
        response_decode::decode(&ReplyView { body: &body, ..*reply }, ctx)
    }

    fn decode_error(&self, reply: &ReplyView<'_>) -> Error {
        error::decode(reply)
    }

    fn stream_decoder(&self, ctx: &ReplyContext) -> Option<Box<dyn StreamDecoder>> {
        UpstreamCodec::<Generate>::stream_decoder(&Responses, ctx)
    }
}

/// What a stream told so far.
#[derive(Debug, Default)]
struct Told {
    items: Vec<String>,
    last: Option<String>,
    error: Option<String>,
}

impl Told {
    fn frame(&mut self, frame: &Frame<'_>) {
        let Ok(event) = serde_json::from_slice::<EventIn<'_>>(&frame.data) else { return };
        match event.kind.filled() {
            Some("response.output_item.done") => self.items.extend(event.item.map(|item| item.get().to_owned())),
            Some("response.completed" | "response.incomplete" | "response.failed") => {
                self.last = event.response.map(|r| r.get().to_owned());
            }
            Some("error") => {
                let said = event.error.map(|e| e.get().to_owned());
                self.error = said.or_else(|| Some(String::from_utf8_lossy(&frame.data).into_owned()));
            }
            _ => {}
        }
    }
}

/// The answer that a stream told. Its items are taken from the stream where the last event does not repeat them.
fn whole(reply: &ReplyView<'_>) -> Result<Vec<u8>> {
    let mut told = Told::default();
    let mut splitter = Splitter::new(reply.body.len().saturating_add(1));
    let mut tell = |item: Item<'_>| {
        if let Item::Frame(frame) = item {
            told.frame(&frame);
        }
    };
    let read = splitter.feed(reply.body, &mut tell).and_then(|()| splitter.finish(&mut tell));
    read.map_err(|_| invalid_reply(reply, "an event of the stream is too long"))?;
    if let Some(said) = &told.error {
        return Err(decode_in_stream(said, reply.provider, crate::codec::StreamErrors::ByCode));
    }
    let last = told.last.ok_or_else(|| invalid_reply(reply, "the stream ended before the answer was complete"))?;
    let output: OutputIn<'_> = serde_json::from_str(&last).unwrap_or_default();
    if output.output.0.is_some_and(|list| !list.is_empty()) || told.items.is_empty() {
        return Ok(last.into_bytes());
    }
    let items = format!("[{}]", told.items.join(","));
    Ok(Top::parse(last.as_bytes())?.edited(&[("output", Some(&items))]).to_vec())
}
