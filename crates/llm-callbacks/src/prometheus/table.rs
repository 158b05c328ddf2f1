//! The metrics that a record feeds: name, help, labels, value.
//!
//! Facts: LiteLLM 1.104, its published list of metrics and labels. Counters are shown with `_total` appended.

use llm_types::LogRecord;
use llm_types::record::Status;

use super::labels::Label::{self, *};
use crate::payload::overhead_us;

/// LiteLLM's bounds of latency histograms, in seconds; the last one is open.
pub(super) const LATENCY_BUCKETS: [f64; 17] =
    [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 420.0, 600.0];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    Counter,
    Histogram,
}

/// One metric.
#[derive(Debug)]
pub(super) struct Metric {
    pub(super) name: &'static str,
    pub(super) help: &'static str,
    pub(super) shape: Shape,
    pub(super) labels: &'static [Label],
    /// What a record adds; nothing when it has nothing to say.
    pub(super) value: fn(&LogRecord) -> Option<f64>,
}

const fn counter(
    name: &'static str,
    help: &'static str,
    labels: &'static [Label],
    value: fn(&LogRecord) -> Option<f64>,
) -> Metric {
    Metric { name, help, shape: Shape::Counter, labels, value }
}

const fn histogram(
    name: &'static str,
    help: &'static str,
    labels: &'static [Label],
    value: fn(&LogRecord) -> Option<f64>,
) -> Metric {
    Metric { name, help, shape: Shape::Histogram, labels, value }
}

fn good(r: &LogRecord, value: f64) -> Option<f64> {
    (r.status == Status::Success).then_some(value)
}

fn bad(r: &LogRecord) -> Option<f64> {
    (r.status == Status::Failure).then_some(1.0)
}

/// Tokens of one kind: only when there are some.
fn some(r: &LogRecord, tokens: u64) -> Option<f64> {
    (r.status == Status::Success && tokens > 0).then_some(tokens as f64)
}

/// A call that reached a deployment.
fn sent(r: &LogRecord) -> bool {
    r.model_id.is_some() && r.cache_hit != Some(true)
}

fn seconds(us: f64) -> f64 {
    us / 1e6
}

fn upstream(r: &LogRecord) -> Option<f64> {
    if sent(r) { good(r, seconds(r.upstream_us as f64)) } else { None }
}

fn first_token(r: &LogRecord) -> Option<f64> {
    let first = r.first_byte_us.filter(|_| r.stream && sent(r))?;
    // The gateway's own share before the upstream was called is small and not recorded apart.
    let before = r.end_us.saturating_sub(first);
    good(r, seconds((r.upstream_us as f64 - before as f64).max(0.0)))
}

fn per_token(r: &LogRecord) -> Option<f64> {
    let tokens = r.usage.total_output();
    if tokens == 0 { None } else { upstream(r).map(|s| s / tokens as f64) }
}

const REQUESTS: &[Label] = &[
    EndUser,
    KeyHash,
    KeyAlias,
    RequestedModel,
    Team,
    TeamAlias,
    User,
    StatusCode,
    UserEmail,
    Route,
    ClientIp,
    UserAgent,
    ModelId,
    Provider,
    OrgId,
    OrgAlias,
    Stream,
];
const FAILED: &[Label] = &[
    EndUser,
    KeyHash,
    KeyAlias,
    RequestedModel,
    Team,
    TeamAlias,
    User,
    UserEmail,
    ExceptionStatus,
    ExceptionClass,
    Route,
    ClientIp,
    UserAgent,
    ModelId,
    Provider,
    OrgId,
    OrgAlias,
];
const CALLS: &[Label] = &[
    EndUser,
    KeyHash,
    KeyAlias,
    Model,
    Team,
    TeamAlias,
    User,
    UserEmail,
    ClientIp,
    UserAgent,
    RequestedModel,
    ModelId,
    Provider,
    OrgId,
    OrgAlias,
];
const SPEND: &[Label] = &[
    EndUser,
    KeyHash,
    KeyAlias,
    Model,
    Team,
    TeamAlias,
    User,
    UserEmail,
    ClientIp,
    UserAgent,
    RequestedModel,
    ModelId,
    Provider,
    OrgId,
    OrgAlias,
    Tier,
];
const TOKENS: &[Label] = &[
    EndUser,
    KeyHash,
    KeyAlias,
    Model,
    Team,
    TeamAlias,
    User,
    UserEmail,
    RequestedModel,
    ModelId,
    Provider,
    OrgId,
    OrgAlias,
];
const LATENCY: &[Label] = &[
    EndUser,
    KeyHash,
    KeyAlias,
    RequestedModel,
    Team,
    TeamAlias,
    User,
    Model,
    ModelId,
    Provider,
    Tier,
    OrgId,
    OrgAlias,
];
const OVERHEAD: &[Label] = &[ModelGroup, Provider, ApiBase, ModelName, KeyHash, KeyAlias, ModelId];
const API_FAILED: &[Label] = &[EndUser, KeyHash, KeyAlias, Model, Team, TeamAlias, User, ModelId];
const DEPLOYMENT: &[Label] =
    &[RequestedModel, ModelName, ModelId, ApiBase, Provider, KeyHash, KeyAlias, Team, TeamAlias, ClientIp, UserAgent];
const DEPLOYMENT_FAILED: &[Label] = &[
    RequestedModel,
    ModelName,
    ModelId,
    ApiBase,
    Provider,
    ExceptionStatus,
    ExceptionClass,
    KeyHash,
    KeyAlias,
    Team,
    TeamAlias,
    ClientIp,
    UserAgent,
];
const PER_TOKEN: &[Label] =
    &[ModelName, ModelId, ApiBase, Provider, KeyHash, KeyAlias, Team, TeamAlias, OrgId, OrgAlias];
const FALLBACK: &[Label] =
    &[RequestedModel, FallbackModel, KeyHash, KeyAlias, Team, TeamAlias, ExceptionStatus, ExceptionClass, ModelId];
const CACHE: &[Label] = &[Model, KeyHash, KeyAlias, Team, TeamAlias, EndUser, User, ModelId, Provider];

/// Every metric that records feed.
pub(super) static METRICS: &[Metric] = &[
    counter("litellm_proxy_total_requests_metric", "Requests that clients made", REQUESTS, |_| Some(1.0)),
    counter("litellm_proxy_failed_requests_metric", "Requests that clients got an error for", FAILED, bad),
    counter("litellm_requests_metric", "Calls of models that were answered", CALLS, |r| good(r, 1.0)),
    counter("litellm_spend_metric", "Spend in US dollars", SPEND, |r| good(r, r.cost.total.max(0.0))),
    counter("litellm_total_tokens_metric", "Tokens in and out", TOKENS, |r| good(r, r.usage.total_tokens() as f64)),
    counter("litellm_input_tokens_metric", "Tokens in", TOKENS, |r| good(r, r.usage.total_input() as f64)),
    counter("litellm_output_tokens_metric", "Tokens out", TOKENS, |r| good(r, r.usage.total_output() as f64)),
    counter(
        "litellm_input_cached_tokens_metric",
        "Tokens in that the provider read from its prompt cache",
        TOKENS,
        |r| some(r, r.usage.total_cache_read()),
    ),
    counter(
        "litellm_provider_cache_read_input_tokens_metric",
        "Tokens that the provider read from its prompt cache",
        TOKENS,
        |r| some(r, r.usage.total_cache_read()),
    ),
    counter(
        "litellm_input_cache_creation_tokens_metric",
        "Tokens in that the provider wrote to its prompt cache",
        TOKENS,
        |r| some(r, r.usage.total_cache_write()),
    ),
    counter(
        "litellm_provider_cache_creation_input_tokens_metric",
        "Tokens that the provider wrote to its prompt cache",
        TOKENS,
        |r| some(r, r.usage.total_cache_write()),
    ),
    counter("litellm_input_audio_tokens_metric", "Tokens of sound in", TOKENS, |r| {
        some(r, r.usage.input_audio.saturating_add(r.usage.cache_read_audio))
    }),
    counter("litellm_output_audio_tokens_metric", "Tokens of sound out", TOKENS, |r| some(r, r.usage.output_audio)),
    counter("litellm_output_reasoning_tokens_metric", "Tokens of thinking", TOKENS, |r| some(r, r.usage.reasoning)),
    histogram("litellm_request_total_latency_metric", "Seconds from request to end of answer", LATENCY, |r| {
        good(r, seconds(r.end_us.saturating_sub(r.start_us).max(0) as f64))
    }),
    histogram("litellm_llm_api_latency_metric", "Seconds that the model host took", LATENCY, upstream),
    histogram(
        "litellm_llm_api_time_to_first_token_metric",
        "Seconds until the first byte of a stream",
        LATENCY,
        first_token,
    ),
    histogram("litellm_overhead_latency_metric", "Seconds that the gateway itself took", OVERHEAD, |r| {
        if sent(r) { good(r, seconds(overhead_us(r))) } else { None }
    }),
    counter("litellm_llm_api_failed_requests_metric", "Calls of models that failed", API_FAILED, bad),
    counter("litellm_deployment_total_requests", "Calls of a deployment", DEPLOYMENT, |r| sent(r).then_some(1.0)),
    counter("litellm_deployment_success_responses", "Calls that a deployment answered", DEPLOYMENT, |r| {
        if sent(r) { good(r, 1.0) } else { None }
    }),
    counter("litellm_deployment_failure_responses", "Calls that failed at a deployment", DEPLOYMENT_FAILED, |r| {
        if sent(r) { bad(r) } else { None }
    }),
    histogram("litellm_deployment_latency_per_output_token", "Seconds per token out", PER_TOKEN, per_token),
    counter("litellm_deployment_successful_fallbacks", "Calls that a fallback answered", FALLBACK, |r| {
        if r.fallbacks > 0 { good(r, 1.0) } else { None }
    }),
    counter("litellm_deployment_failed_fallbacks", "Calls that failed after fallbacks", FALLBACK, |r| {
        if r.fallbacks > 0 { bad(r) } else { None }
    }),
    counter("litellm_cache_hits_metric", "Calls that the response cache answered", CACHE, |r| {
        (r.cache_hit == Some(true)).then_some(1.0)
    }),
    counter("litellm_cache_misses_metric", "Calls that the response cache could not answer", CACHE, |r| {
        (r.cache_hit == Some(false)).then_some(1.0)
    }),
    counter("litellm_cached_tokens_metric", "Tokens that the response cache saved", CACHE, |r| {
        (r.cache_hit == Some(true)).then_some(r.usage.total_tokens() as f64)
    }),
];
