//! IBM watsonx.ai: <https://cloud.ibm.com/apidocs/watsonx-ai>. Project, space and token are the provider's to add.
//!
//! `{input, model_id, moderations, parameters}` gives `{results: [{generated_text, generated_token_count,
//! input_token_count, stop_reason}]}`, streams the same object piece by piece; `{inputs, model_id}` gives
//! `{results: [{embedding}], input_token_count}`.

use bytes::BytesMut;
use llm_types::embed::{EmbedRequest, EmbedResponse, Embedding};
use llm_types::generate::{Finish, FinishReason, GenerateRequest, GenerateResponse, UsageReport};
use llm_types::{Error, Field, FieldSet, Format, Kind, RawJson, Result};
use serde_json::value::RawValue;

use super::lines::{Ends, Lines, Piece, unreadable};
use super::{answer, failed, texts, write_apart, write_rest};
use crate::codec::{Embed, EncodeContext, Generate, ReplyContext, ReplyView, StreamDecoder, UpstreamCodec};
use crate::dialect;
use crate::openai::chat;
use crate::openai::errors::{invalid_reply, of_status, provider_name};
use crate::openai::object::Obj;
use crate::openai::usage::plain;
use crate::openai::wire::{Count, List, Text, view};
use crate::prompt;

const NAMED: FieldSet = FieldSet::of(&[
    Field::MaxTokens,
    Field::MaxCompletionTokens,
    Field::Temperature,
    Field::TopP,
    Field::Stop,
    Field::FrequencyPenalty,
    Field::Seed,
]);

/// Generation from a prompt, towards upstreams.
#[derive(Debug, Clone, Copy)]
pub struct WatsonxText;

/// Embeddings, towards upstreams.
#[derive(Debug, Clone, Copy)]
pub struct WatsonxEmbed;

/// Fields of the request itself: who pays.
const APART: [&str; 2] = ["project_id", "space_id"];

impl UpstreamCodec<Generate> for WatsonxText {
    fn format(&self) -> Format {
        Format::WatsonxText
    }

    fn encode_request(&self, req: &GenerateRequest, ctx: &mut EncodeContext<'_>, out: &mut BytesMut) -> Result<()> {
        let mut obj = Obj::open(out);
        obj.str("input", &prompt::of(req, ctx.model));
        obj.text("moderations", "{}");
        {
            let (s, mut parameters) = (&req.sampling, obj.obj("parameters"));
            parameters.number("temperature", s.temperature.as_ref());
            parameters.number("top_p", s.top_p.as_ref());
            parameters.bool("stream", req.stream);
            chat::write_stop(req, "stop_sequences", &mut parameters);
            parameters.number("max_new_tokens", req.max_output_tokens.as_ref());
            parameters.number("repetition_penalty", s.frequency_penalty.as_ref());
            parameters.number("random_seed", s.seed.as_ref());
            let mut own = req.clone();
            own.turns.clear();
            APART.iter().for_each(|key| drop(own.extra.remove(key)));
            write_rest(&own, NAMED, ctx, &mut parameters);
        }
        obj.str("model_id", ctx.model);
        chat::write_extras(req, |key| APART.contains(&key), &mut obj);
        if req.stream {
            obj.bool("stream", true);
        }
        write_apart(req, &mut obj);
        Ok(())
    }

    fn decode_response(&self, reply: &ReplyView<'_>, _: &ReplyContext) -> Result<GenerateResponse> {
        let view: ReplyIn<'_> = serde_json::from_slice(reply.body).map_err(|e| invalid_reply(reply, &e.to_string()))?;
        let results = view.results.0.unwrap_or_default();
        let result = results.first().filter(|r| r.generated_text.0.is_some());
        let result =
            result.ok_or_else(|| invalid_reply(reply, "provider returned a response with no 'generated_text'"))?;
        let text = result.generated_text.0.as_deref().unwrap_or_default();
        let mut answer = answer(text, finish(result.stop_reason.filled()), result.usage());
        view.model_id.filled().unwrap_or_default().clone_into(&mut answer.model);
        Ok(answer)
    }

    fn decode_error(&self, reply: &ReplyView<'_>) -> Error {
        dialect::error(reply, of_status(reply.status), &provider_name(reply.provider))
    }

    fn stream_decoder(&self, ctx: &ReplyContext) -> Option<Box<dyn StreamDecoder>> {
        Some(Box::new(Lines::new(read, Ends::Marked, ctx)))
    }
}

view!(lenient ReplyIn {
    model_id = "model_id": Text<'a>,
    results = "results": List<ResultIn<'a>>,
    input_token_count = "input_token_count": Count,
    errors = "errors": Option<&'a RawValue>,
});

view!(lenient ResultIn {
    generated_text = "generated_text": Text<'a>,
    generated_token_count = "generated_token_count": Count,
    input_token_count = "input_token_count": Count,
    stop_reason = "stop_reason": Text<'a>,
    embedding = "embedding": Option<&'a RawValue>,
});

impl ResultIn<'_> {
    fn usage(&self) -> Option<UsageReport> {
        self.generated_token_count.0.or(self.input_token_count.0)?;
        Some(plain(self.input_token_count.0.unwrap_or(0), self.generated_token_count.0.unwrap_or(0)))
    }
}

fn finish(word: Option<&str>) -> Finish {
    let reason = match word {
        Some("max_tokens" | "token_limit") => FinishReason::Length,
        Some("stop_sequence") => FinishReason::StopSequence,
        _ => FinishReason::Stop,
    };
    Finish { raw: word.map(|w| (Format::WatsonxText, w.to_owned())), ..Finish::new(reason) }
}

fn read<'a>(data: &'a [u8], provider: &str) -> Result<Piece<'a>, Error> {
    let line: ReplyIn<'_> = serde_json::from_slice(data).map_err(|e| unreadable(provider, &e))?;
    if let Some(errors) = line.errors {
        return Err(failed(Kind::Api, provider, errors.get()));
    }
    let Some(result) = line.results.0.and_then(|r| r.into_iter().next()) else { return Ok(Piece::default()) };
    let word = result.stop_reason.filled().filter(|w| !w.eq_ignore_ascii_case("not_finished"));
    let (ends, usage) = (word.map(|w| finish(Some(w))), result.usage());
    Ok(Piece {
        usage: if ends.is_some() { usage } else { None },
        finish: ends,
        text: result.generated_text.0.unwrap_or_default(),
    })
}

impl UpstreamCodec<Embed> for WatsonxEmbed {
    fn format(&self) -> Format {
        Format::WatsonxEmbed
    }

    fn encode_request(&self, req: &EmbedRequest, ctx: &mut EncodeContext<'_>, out: &mut BytesMut) -> Result<()> {
        let texts = texts(req)?;
        let mut obj = Obj::open(out);
        {
            let mut list = obj.arr("inputs");
            texts.iter().for_each(|t| list.str(t));
        }
        obj.str("model_id", ctx.model);
        {
            let mut parameters = obj.obj("parameters");
            parameters.extra(&req.extra, Format::OpenAiEmbeddings, |key| !APART.contains(&key));
        }
        obj.extra(&req.extra, Format::OpenAiEmbeddings, |key| APART.contains(&key));
        Ok(())
    }

    fn decode_response(&self, reply: &ReplyView<'_>, _: &ReplyContext) -> Result<EmbedResponse> {
        let view: ReplyIn<'_> = serde_json::from_slice(reply.body).map_err(|e| invalid_reply(reply, &e.to_string()))?;
        let results = view.results.0.ok_or_else(|| invalid_reply(reply, "provider returned no 'results'"))?;
        let one = |(at, r): (usize, &ResultIn<'_>)| Embedding {
            index: u32::try_from(at).unwrap_or(u32::MAX),
            vector: r.embedding.map(RawJson::borrowed).unwrap_or_default(),
        };
        Ok(EmbedResponse {
            model: view.model_id.filled().unwrap_or_default().to_owned(),
            data: results.iter().enumerate().map(one).collect(),
            usage: view.input_token_count.0.map(|n| plain(n, 0)),
            ..EmbedResponse::default()
        })
    }

    fn decode_error(&self, reply: &ReplyView<'_>) -> Error {
        dialect::error(reply, of_status(reply.status), &provider_name(reply.provider))
    }

    fn stream_decoder(&self, _: &ReplyContext) -> Option<Box<dyn StreamDecoder>> {
        None
    }
}
