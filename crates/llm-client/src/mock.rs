//! Canned answers of deployments that have a `mock_response`, and injected faults.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use http::HeaderMap;
use llm_router::Attempt;
use llm_types::embed::{EmbedResponse, Embedding};
use llm_types::generate::{Choice, Finish, FinishReason, GenerateResponse, Part, UsageReport};
use llm_types::{Error, Json, Kind, OperationKind, RawJson, Usage};
use llm_wire::codec::ReplyContext;

use crate::StreamBody;
use crate::answer::{Answer, Head, Report};
use crate::call::Call;
use crate::count::Counter;
use crate::engine::Engine;
use crate::target::Target;

/// Tokens that a canned answer bills, as in LiteLLM.
const PROMPT_TOKENS: u64 = 10;
const COMPLETION_TOKENS: u64 = 20;

/// Answers without an upstream.
///
/// # Errors
/// The error that the mock names (`litellm.RateLimitError`, ...).
pub(crate) fn answer(
    engine: &Engine,
    call: &Call,
    at: Attempt,
    target: &Arc<Target>,
    model: &Arc<str>,
    mock: &Json,
) -> Result<Answer, Error> {
    if let Some(error) = mock.as_str().and_then(|text| named_error(text, model)) {
        return Err(error);
    }
    let counter = Counter::new(engine, target, model, call.format, call);
    let head = Head {
        deployment: Arc::clone(&at.deployment),
        model: Arc::clone(model),
        provider: target.provider_id(),
        api_base: None,
        upstream_headers: HeaderMap::new(),
        content_type: None,
        retries: 0,
        max_retries: 0,
        fallbacks: at.fallbacks,
        sent: Instant::now(),
        upstream: Duration::ZERO,
        lost: Vec::new(),
        timeout: Some(at.timeouts.limit.as_secs_f64()),
        decision: None,
        auto: None,
        trail: llm_types::Trail::default(),
    };
    let echo = if at.fallbacks > 0 { None } else { call.echo.as_deref() };
    let ctx = ReplyContext {
        model: Some(echo.unwrap_or(model).to_owned()),
        fallback_id: format!("chatcmpl-{}", call.id),
        created: crate::plan::now_seconds(),
        include_usage: call.include_usage,
        ..ReplyContext::default()
    };
    if call.operation == OperationKind::Embed {
        return embeddings(head, &ctx, &counter, mock);
    }
    let response = canned(&ctx, mock);
    let codec = llm_wire::registry::client_generate(call.format)
        .ok_or_else(|| Error::internal(format!("no codec for {}", call.format)))?;
    if call.stream {
        let mut body = StreamBody::replay(&response, Vec::new(), call.want_content, codec, ctx, counter)?;
        body.keep(at.in_flight);
        return Ok(Answer::Stream { head, body: Box::new(body) });
    }
    let mut report = Box::new(Report { response_id: Some(response.id.clone()), ..Report::default() });
    counter.book(response.usage.clone(), 0, &mut report);
    let mut out = BytesMut::new();
    codec.encode_response(&response, &ctx, &mut out);
    report.content = call.want_content.then(|| Box::new(response));
    Ok(Answer::Whole { head, body: out.freeze(), report })
}

fn canned(ctx: &ReplyContext, mock: &Json) -> GenerateResponse {
    let text = mock.as_str().map_or_else(|| mock.to_string(), str::to_owned);
    let usage = Usage { input_text: PROMPT_TOKENS, output_text: COMPLETION_TOKENS, ..Usage::default() };
    GenerateResponse {
        id: ctx.fallback_id.clone(),
        model: ctx.model.clone().unwrap_or_default(),
        created: Some(ctx.created),
        choices: vec![Choice {
            parts: vec![Part::text(text)],
            finish: Some(Finish::new(FinishReason::Stop)),
            ..Choice::default()
        }],
        usage: Some(UsageReport { usage, raw: None }),
        ..GenerateResponse::default()
    }
}

fn embeddings(head: Head, ctx: &ReplyContext, counter: &Counter, mock: &Json) -> Result<Answer, Error> {
    let vector = match mock {
        Json::Array(_) => mock.to_raw(),
        _ => RawJson::of(&[0.0_f32; 8]).unwrap_or_default(),
    };
    let usage = Usage { input_text: PROMPT_TOKENS, ..Usage::default() };
    let response = EmbedResponse {
        model: ctx.model.clone().unwrap_or_default(),
        data: vec![Embedding { index: 0, vector }],
        usage: Some(UsageReport { usage, raw: None }),
        ..EmbedResponse::default()
    };
    let codec = llm_wire::registry::client_embed(llm_types::Format::OpenAiEmbeddings)
        .ok_or_else(|| Error::internal("no codec for embeddings"))?;
    let mut report = Box::<Report>::default();
    counter.book(response.usage.clone(), 0, &mut report);
    let mut out = BytesMut::new();
    codec.encode_response(&response, ctx, &mut out);
    Ok(Answer::Whole { head, body: out.freeze(), report })
}

/// `litellm.RateLimitError` and its like raise that error.
fn named_error(text: &str, model: &str) -> Option<Error> {
    let class = text.strip_prefix("litellm.").or_else(|| text.strip_prefix("Exception: litellm."))?;
    let kind = Kind::from_class(class.trim())?;
    let mut error = Error::new(kind, format!("litellm.{class}: this is a mock {class} error for model={model}"));
    error.side = llm_types::Side::Upstream;
    Some(error)
}
