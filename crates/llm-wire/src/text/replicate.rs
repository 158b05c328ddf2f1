//! Replicate: <https://replicate.com/docs/reference/http>. A prediction is created, then looked at until it has
//! succeeded; predictions that stream name an address of server-sent events.

use std::borrow::Cow;
use std::time::Duration;

use bytes::BytesMut;
use llm_types::generate::{GenerateRequest, GenerateResponse, Role};
use llm_types::stream::{EventSink, Start};
use llm_types::{Error, Field, FieldSet, Format, Kind, Result};
use serde_json::value::RawValue;

use super::{answer, failed, stop, write_apart, write_rest};
use crate::brackets::Brackets;
use crate::codec::{EncodeContext, Generate, ReplyContext, ReplyView, StreamDecoder, UpstreamCodec};
use crate::dialect;
use crate::openai::chat;
use crate::openai::errors::{cut_off, invalid_reply, of_status, provider_name};
use crate::openai::object::Obj;
use crate::openai::wire::{Text, view};
use crate::prompt;
use crate::sse::Frame;
use crate::task::{FollowUp, FollowUrl, Next, TaskBody};

const NAMED: FieldSet = FieldSet::of(&[
    Field::MaxTokens,
    Field::MaxCompletionTokens,
    Field::Temperature,
    Field::TopP,
    Field::Stop,
    Field::Seed,
]);

/// How long to wait between two looks.
const PAUSE: Duration = Duration::from_millis(500);

/// The codec, towards upstreams.
#[derive(Debug, Clone, Copy)]
pub struct Replicate;

/// The version in a model's name: 64 hexadecimal digits behind a colon.
#[must_use]
pub fn version(model: &str) -> Option<&str> {
    let (_, version) = model.rsplit_once(':')?;
    (version.len() == 64 && version.bytes().all(|b| b.is_ascii_hexdigit())).then_some(version)
}

/// What the family of a model calls the bound of an answer.
fn bound(model: &str) -> &'static str {
    if model.contains("vicuna") || model.contains("flan") {
        "max_length"
    } else if model.contains("meta/codellama-13b") {
        "max_tokens"
    } else {
        "max_new_tokens"
    }
}

view!(lenient ReplyIn {
    status = "status": Text<'a>,
    output = "output": Option<&'a RawValue>,
    error = "error": Option<&'a RawValue>,
    urls = "urls": UrlsIn<'a>,
});

view!(lenient UrlsIn {
    get = "get": Text<'a>,
    stream = "stream": Text<'a>,
});

impl UpstreamCodec<Generate> for Replicate {
    fn format(&self) -> Format {
        Format::Replicate
    }

    fn encode_request(&self, req: &GenerateRequest, ctx: &mut EncodeContext<'_>, out: &mut BytesMut) -> Result<()> {
        let mut obj = Obj::open(out);
        {
            let mut input = obj.obj("input");
            let mut req = Cow::Borrowed(req);
            // a family that has a field for instructions of its own
            let apart = ctx.model.contains("meta/llama-2") && ctx.model.contains("chat") && prompt::own(&req).is_none();
            if apart && let Some(at) = req.turns.iter().position(|t| t.role == Role::System) {
                let turn = req.to_mut().turns.remove(at);
                input.str("system_prompt", &prompt::said(&turn));
            }
            input.str("prompt", &prompt::of(&req, ctx.model));
            input.number("temperature", req.sampling.temperature.as_ref());
            input.number("top_p", req.sampling.top_p.as_ref());
            chat::write_stop(&req, "stop_sequences", &mut input);
            input.number(bound(ctx.model), req.max_output_tokens.as_ref());
            input.number("seed", req.sampling.seed.as_ref());
            write_rest(&req, NAMED, ctx, &mut input);
        }
        obj.opt_str("version", version(ctx.model));
        write_apart(req, &mut obj);
        Ok(())
    }

    fn decode_response(&self, reply: &ReplyView<'_>, _: &ReplyContext) -> Result<GenerateResponse> {
        let view: ReplyIn<'_> = serde_json::from_slice(reply.body).map_err(|e| invalid_reply(reply, &e.to_string()))?;
        let output =
            view.output.ok_or_else(|| invalid_reply(reply, "provider returned a response with no 'output'"))?;
        let text = match serde_json::from_str::<Vec<Text<'_>>>(output.get()) {
            Ok(pieces) => pieces.iter().filter_map(|p| p.0.as_deref()).collect(),
            Err(_) => llm_types::json::raw_str(output.get()).map_or_else(|| output.get().to_owned(), Cow::into_owned),
        };
        Ok(answer(&text, stop(), None))
    }

    fn decode_error(&self, reply: &ReplyView<'_>) -> Error {
        let text = String::from_utf8_lossy(reply.body);
        let kind = match reply.status {
            _ if text.contains("Incorrect authentication token") => Kind::Authentication,
            _ if text.contains("input is too long") => Kind::ContextWindow,
            _ if text.contains("Request was throttled") => Kind::RateLimit,
            400 | 413 => Kind::BadRequest,
            422 => Kind::Unprocessable,
            500 => Kind::Unavailable,
            status => of_status(status),
        };
        dialect::error(reply, kind, &provider_name(reply.provider))
    }

    fn stream_decoder(&self, ctx: &ReplyContext) -> Option<Box<dyn StreamDecoder>> {
        Some(Box::new(Decoder { brackets: Brackets::default(), provider: ctx.provider.clone() }))
    }

    fn next(&self, _: u32, stream: bool, reply: &ReplyView<'_>) -> Result<Next> {
        let view: ReplyIn<'_> = serde_json::from_slice(reply.body).map_err(|e| invalid_reply(reply, &e.to_string()))?;
        let said = || view.error.map_or("", RawValue::get);
        match view.status.filled() {
            Some("starting" | "processing" | "queued") => {}
            Some(word @ ("failed" | "canceled" | "aborted")) => {
                let text = format!("the prediction {word}: {}", said());
                return Err(failed(Kind::Unprocessable, reply.provider, &text));
            }
            _ => return Ok(Next::Done),
        }
        let follow = |url: &str, streams| FollowUp {
            method: "GET",
            url: FollowUrl::Absolute(url.to_owned()),
            body: TaskBody::None,
            streams,
        };
        if let Some(url) = view.urls.stream.filled().filter(|_| stream) {
            return Ok(Next::Send { after: Duration::ZERO, request: Box::new(follow(url, true)) });
        }
        let url = view.urls.get.filled().ok_or_else(|| invalid_reply(reply, "provider named no address to look at"))?;
        Ok(Next::Send { after: PAUSE, request: Box::new(follow(url, false)) })
    }
}

/// Reads a stream: events `output`, `error`, `done`; `logs` are not for clients.
#[derive(Debug)]
struct Decoder {
    brackets: Brackets,
    provider: String,
}

impl StreamDecoder for Decoder {
    fn frame(&mut self, frame: &Frame<'_>, sink: &mut dyn EventSink) {
        if self.brackets.over() {
            return;
        }
        let text = String::from_utf8_lossy(&frame.data);
        match frame.event.as_deref() {
            Some("output") => {
                self.brackets.start(Start::default, sink);
                self.brackets.text(text, sink);
            }
            Some("error") => self.brackets.fail(failed(Kind::Api, &self.provider, &text), sink),
            Some("done") if text.contains("\"reason\"") => {
                let text = format!("the prediction ended early: {text}");
                self.brackets.fail(failed(Kind::MidStream, &self.provider, &text), sink);
            }
            Some("done") => self.brackets.complete(sink),
            _ => {}
        }
    }

    fn end(&mut self, sink: &mut dyn EventSink) {
        self.brackets.fail(cut_off(&self.provider), sink);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn next(body: &str, stream: bool) -> Result<Next> {
        Replicate.next(
            0,
            stream,
            &ReplyView { status: 201, provider: "replicate", headers: &[], body: body.as_bytes() },
        )
    }

    #[test]
    fn predictions_are_looked_at_until_they_have_succeeded() {
        let urls =
            r#""urls":{"get":"https://api.replicate.com/v1/predictions/x","stream":"https://stream.replicate.com/x"}"#;
        let Next::Send { after, request } = next(&format!(r#"{{"status":"starting",{urls}}}"#), false).unwrap() else {
            panic!("it is not done")
        };
        assert_eq!((after, request.streams), (PAUSE, false));
        let Next::Send { request, .. } = next(&format!(r#"{{"status":"starting",{urls}}}"#), true).unwrap() else {
            panic!("it streams")
        };
        assert!(request.streams);
        assert!(matches!(next(r#"{"status":"succeeded","output":["a"]}"#, false), Ok(Next::Done)));
        assert!(next(r#"{"status":"failed","error":"oom"}"#, false).unwrap_err().message.contains("oom"));
    }

    #[test]
    fn versions_stand_behind_a_colon() {
        let hex = "a".repeat(64);
        assert_eq!(version(&format!("meta/llama:{hex}")), Some(hex.as_str()));
        assert_eq!(version("meta/llama:latest"), None);
    }
}
