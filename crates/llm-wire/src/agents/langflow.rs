//! Langflow: `POST /api/v1/run/{flow}`: <https://docs.langflow.org/api-flows-run>.
//!
//! `{input_value, input_type, output_type, session_id}` gives `{outputs: [{outputs: [{results: {message: {text}}}]}]}`.
//! The flow is told the last message only. It is not asked to stream. `tweaks`, which change the flow, are refused.

use bytes::{BufMut, BytesMut};
use llm_types::generate::{GenerateRequest, GenerateResponse, Role};
use llm_types::{Error, Format, Result};

use super::{answer, error, lose};
use crate::codec::{EncodeContext, Generate, ReplyContext, ReplyView, StreamDecoder, UpstreamCodec};
use crate::openai::chat;
use crate::openai::errors::invalid_reply;
use crate::openai::object::Obj;
use crate::openai::wire::{List, Text, view};
use crate::prompt::said;

/// The codec, towards flows.
#[derive(Debug, Clone, Copy)]
pub struct Langflow;

view!(lenient ReplyIn {
    outputs = "outputs": List<RunIn<'a>>,
});

view!(lenient RunIn {
    outputs = "outputs": List<OutputIn<'a>>,
});

view!(lenient OutputIn {
    results = "results": ResultsIn<'a>,
});

view!(lenient ResultsIn {
    message = "message": MessageIn<'a>,
});

view!(lenient MessageIn {
    text = "text": Text<'a>,
});

impl UpstreamCodec<Generate> for Langflow {
    fn format(&self) -> Format {
        Format::Langflow
    }

    fn encode_request(&self, req: &GenerateRequest, ctx: &mut EncodeContext<'_>, out: &mut BytesMut) -> Result<()> {
        if req.extra.get("tweaks").is_some() {
            let text = "'tweaks' may not be set by a request: they change the flow";
            return Err(Error::bad_request(text).with_param("tweaks"));
        }
        let last = req.turns.iter().rfind(|t| t.role == Role::User);
        let mut obj = Obj::open(out);
        obj.str("input_value", &last.map(said).unwrap_or_default());
        obj.str("input_type", "chat");
        obj.str("output_type", "chat");
        if let Some(session) = req.extra.get("session_id") {
            obj.key("session_id").put_slice(session.get().as_bytes());
        }
        chat::write_extras(req, chat::is_apart, &mut obj);
        lose(req, ctx);
        if req.turns.len() > 1 {
            ctx.lost.push("messages.history".to_owned());
        }
        Ok(())
    }

    fn decode_response(&self, reply: &ReplyView<'_>, _: &ReplyContext) -> Result<GenerateResponse> {
        let view: ReplyIn<'_> = serde_json::from_slice(reply.body).map_err(|e| invalid_reply(reply, &e.to_string()))?;
        let outputs = view.outputs.0.iter().flatten().flat_map(|run| run.outputs.0.iter().flatten());
        let mut texts = outputs.filter_map(|o| o.results.message.text.0.as_deref());
        let text = texts.next().ok_or_else(|| invalid_reply(reply, "the flow answered no message"))?;
        Ok(answer(text))
    }

    fn decode_error(&self, reply: &ReplyView<'_>) -> Error {
        error(reply)
    }

    fn stream_decoder(&self, _: &ReplyContext) -> Option<Box<dyn StreamDecoder>> {
        None
    }
}
