//! Petals, over HTTP: `{model, inputs, max_new_tokens, ..}` to `{outputs}`. It does not stream.

use bytes::BytesMut;
use llm_types::generate::{GenerateRequest, GenerateResponse};
use llm_types::{Error, Field, FieldSet, Format, Result};

use super::{answer, stop, write_apart, write_rest};
use crate::codec::{EncodeContext, Generate, ReplyContext, ReplyView, StreamDecoder, UpstreamCodec};
use crate::dialect;
use crate::openai::errors::{invalid_reply, of_status, provider_name};
use crate::openai::object::Obj;
use crate::openai::wire::{Text, view};
use crate::prompt;

const NAMED: FieldSet = FieldSet::of(&[Field::MaxTokens, Field::MaxCompletionTokens, Field::Temperature, Field::TopP]);

/// The codec, towards upstreams.
#[derive(Debug, Clone, Copy)]
pub struct Petals;

view!(lenient ReplyIn {
    outputs = "outputs": Text<'a>,
});

impl UpstreamCodec<Generate> for Petals {
    fn format(&self) -> Format {
        Format::Petals
    }

    fn encode_request(&self, req: &GenerateRequest, ctx: &mut EncodeContext<'_>, out: &mut BytesMut) -> Result<()> {
        let mut obj = Obj::open(out);
        obj.str("model", ctx.model);
        obj.str("inputs", &prompt::of(req, ctx.model));
        obj.number("max_new_tokens", req.max_output_tokens.as_ref());
        obj.number("temperature", req.sampling.temperature.as_ref());
        obj.number("top_p", req.sampling.top_p.as_ref());
        write_rest(req, NAMED, ctx, &mut obj);
        write_apart(req, &mut obj);
        Ok(())
    }

    fn decode_response(&self, reply: &ReplyView<'_>, _: &ReplyContext) -> Result<GenerateResponse> {
        let view: ReplyIn<'_> = serde_json::from_slice(reply.body).map_err(|e| invalid_reply(reply, &e.to_string()))?;
        let text = view.outputs.0.ok_or_else(|| invalid_reply(reply, "provider returned no 'outputs'"))?;
        Ok(answer(&text, stop(), None))
    }

    fn decode_error(&self, reply: &ReplyView<'_>) -> Error {
        dialect::error(reply, of_status(reply.status), &provider_name(reply.provider))
    }

    fn stream_decoder(&self, _: &ReplyContext) -> Option<Box<dyn StreamDecoder>> {
        None
    }
}
