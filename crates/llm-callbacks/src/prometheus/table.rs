//! The metrics that a record feeds: name, help, labels, value.
//!
//! Facts: LiteLLM 1.104, its published list of metrics and labels. Counters are shown with `_total` appended.

use llm_types::LogRecord;

use super::labels::Label;
use super::sets::*;
use super::values::*;
use crate::payload::overhead_us;

/// LiteLLM's bounds of latency histograms, in seconds; the last one is open.
pub(super) const LATENCY_BUCKETS: [f64; 17] =
    [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 420.0, 600.0];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    Counter,
    Gauge,
    Histogram,
}

/// A part of a record that metrics are fed with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// The call as a whole.
    Call,
    /// An attempt that failed.
    Failed,
    /// A fallback that answered, or failed.
    Hop { answered: bool },
    /// A limit of the caller: `requests` or `tokens`.
    Limit(&'static str),
}

/// What a part of a record adds; nothing when it has nothing to say.
#[derive(Debug, Clone, Copy)]
pub(super) enum Feed {
    /// Each call adds.
    Call(fn(&LogRecord) -> Option<f64>),
    /// Each attempt that failed adds one, and the call this.
    Attempts(fn(&LogRecord) -> Option<f64>),
    /// Each fallback that ended like this adds one.
    Hops { answered: bool },
    /// Each limit says what it is.
    Limits(fn(&LogRecord, &str) -> Option<f64>),
}

impl Feed {
    pub(super) fn of(self, r: &LogRecord, part: Part) -> Option<f64> {
        match (self, part) {
            (Self::Call(value) | Self::Attempts(value), Part::Call) => value(r),
            (Self::Attempts(_), Part::Failed) => Some(1.0),
            (Self::Hops { answered }, Part::Hop { answered: this }) => (answered == this).then_some(1.0),
            (Self::Limits(value), Part::Limit(kind)) => value(r, kind),
            _ => None,
        }
    }
}

/// One metric.
#[derive(Debug)]
pub(super) struct Metric {
    pub(super) name: &'static str,
    pub(super) help: &'static str,
    pub(super) shape: Shape,
    pub(super) labels: &'static [Label],
    /// What records add.
    pub(super) feed: Feed,
}

type Labels = &'static [Label];
type Value = fn(&LogRecord) -> Option<f64>;

const fn metric(shape: Shape, name: &'static str, help: &'static str, labels: Labels, feed: Feed) -> Metric {
    Metric { name, help, shape, labels, feed }
}

const fn counter(name: &'static str, help: &'static str, labels: Labels, value: Value) -> Metric {
    metric(Shape::Counter, name, help, labels, Feed::Call(value))
}

const fn gauge(name: &'static str, help: &'static str, labels: Labels, value: Value) -> Metric {
    metric(Shape::Gauge, name, help, labels, Feed::Call(value))
}

const fn histogram(name: &'static str, help: &'static str, labels: Labels, value: Value) -> Metric {
    metric(Shape::Histogram, name, help, labels, Feed::Call(value))
}

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
        TOKEN_DETAILS,
        |r| some(r, r.usage.total_cache_read()),
    ),
    counter(
        "litellm_provider_cache_read_input_tokens_metric",
        "Tokens that the provider read from its prompt cache",
        CACHE,
        |r| some(r, r.usage.total_cache_read()),
    ),
    counter(
        "litellm_input_cache_creation_tokens_metric",
        "Tokens in that the provider wrote to its prompt cache",
        TOKEN_DETAILS,
        |r| some(r, r.usage.total_cache_write()),
    ),
    counter(
        "litellm_provider_cache_creation_input_tokens_metric",
        "Tokens that the provider wrote to its prompt cache",
        CACHE,
        |r| some(r, r.usage.total_cache_write()),
    ),
    counter("litellm_input_audio_tokens_metric", "Tokens of sound in", TOKEN_DETAILS, |r| {
        some(r, r.usage.input_audio.saturating_add(r.usage.cache_read_audio))
    }),
    counter("litellm_output_audio_tokens_metric", "Tokens of sound out", TOKEN_DETAILS, |r| {
        some(r, r.usage.output_audio)
    }),
    counter("litellm_output_reasoning_tokens_metric", "Tokens of thinking", TOKEN_DETAILS, |r| {
        some(r, r.usage.reasoning)
    }),
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
    histogram("litellm_request_queue_time_seconds", "Seconds from arrival to admission", QUEUE, |r| {
        good(r, seconds(r.trail.queue_us? as f64))
    }),
    histogram(
        "litellm_overhead_latency_metric",
        "Seconds that the gateway itself took, without guardrails",
        OVERHEAD,
        |r| {
            if sent(r) { good(r, (seconds(overhead_us(r)) - guarded(r)).max(0.0)) } else { None }
        },
    ),
    histogram(
        "litellm_overhead_with_guardrails_latency_metric",
        "Seconds that the gateway itself took, guardrails before and behind the call included",
        OVERHEAD,
        |r| if sent(r) { good(r, seconds(overhead_us(r))) } else { None },
    ),
    metric(
        Shape::Counter,
        "litellm_llm_api_failed_requests_metric",
        "Attempts that failed, and calls that failed before one was made",
        API_FAILED,
        Feed::Attempts(|r| if r.trail.failed.is_empty() { bad(r) } else { None }),
    ),
    metric(
        Shape::Counter,
        "litellm_deployment_total_requests",
        "Attempts at a deployment",
        DEPLOYMENT,
        Feed::Attempts(answered),
    ),
    counter("litellm_deployment_success_responses", "Attempts that a deployment answered", DEPLOYMENT, answered),
    metric(
        Shape::Counter,
        "litellm_deployment_failure_responses",
        "Attempts that failed at a deployment",
        DEPLOYMENT_FAILED,
        Feed::Attempts(|_| None),
    ),
    histogram("litellm_deployment_latency_per_output_token", "Seconds per token out", PER_TOKEN, per_token),
    metric(
        Shape::Counter,
        "litellm_deployment_successful_fallbacks",
        "Fallbacks that answered",
        FALLBACK,
        Feed::Hops { answered: true },
    ),
    metric(
        Shape::Counter,
        "litellm_deployment_failed_fallbacks",
        "Fallbacks that failed",
        FALLBACK,
        Feed::Hops { answered: false },
    ),
    gauge("litellm_remaining_requests_metric", "Requests that the deployment still takes", OVERHEAD, |r| {
        good(r, r.trail.remaining_requests? as f64)
    }),
    gauge("litellm_remaining_tokens_metric", "Tokens that the deployment still takes", OVERHEAD, |r| {
        good(r, r.trail.remaining_tokens? as f64)
    }),
    gauge(
        "litellm_remaining_api_key_requests_for_model",
        "Requests that are left of a key's limit for a model",
        KEY_AND_MODEL,
        |r| remaining(r, "model_per_key", "requests"),
    ),
    gauge(
        "litellm_remaining_api_key_tokens_for_model",
        "Tokens that are left of a key's limit for a model",
        KEY_AND_MODEL,
        |r| remaining(r, "model_per_key", "tokens"),
    ),
    metric(
        Shape::Gauge,
        "litellm_api_key_rate_limit_allowed_metric",
        "Limit of a key",
        KEY_LIMIT,
        Feed::Limits(|r, kind| limit(r, "api_key", kind)),
    ),
    metric(
        Shape::Gauge,
        "litellm_api_key_rate_limit_used_metric",
        "What is used of the limit of a key",
        KEY_LIMIT,
        Feed::Limits(|r, kind| used(r, "api_key", kind)),
    ),
    metric(
        Shape::Gauge,
        "litellm_team_rate_limit_allowed_metric",
        "Limit of a team",
        TEAM_LIMIT,
        Feed::Limits(|r, kind| limit(r, "team", kind)),
    ),
    metric(
        Shape::Gauge,
        "litellm_team_rate_limit_used_metric",
        "What is used of the limit of a team",
        TEAM_LIMIT,
        Feed::Limits(|r, kind| used(r, "team", kind)),
    ),
    counter("litellm_zero_cost_requests", "Calls that cost nothing because their price is not known", UNPRICED, |r| {
        if r.cost_problem.is_some() { good(r, 1.0) } else { None }
    }),
    counter("litellm_images_generated_metric", "Images that were made", TOKENS, |r| some(r, r.usage.images_out)),
    counter("litellm_video_duration_seconds_metric", "Seconds of video that were made", TOKENS, |r| {
        good(r, r.usage.video_seconds_out).filter(|seconds| *seconds > 0.0)
    }),
    counter("litellm_mcp_tool_calls", "Calls of tools of MCP servers", TOOL, |r| tool(r, 1.0)),
    counter("litellm_mcp_tool_call_spend_metric", "Spend on tools of MCP servers in US dollars", TOOL, |r| {
        tool(r, r.cost.total).filter(|spend| *spend > 0.0)
    }),
    counter("litellm_cache_hits_metric", "Calls that the response cache answered", CACHE, |r| {
        (r.cache_hit == Some(true)).then_some(1.0)
    }),
    counter("litellm_cache_misses_metric", "Answered calls that the response cache did not know", CACHE, |r| {
        if r.cache_hit == Some(false) { good(r, 1.0) } else { None }
    }),
    counter("litellm_cached_tokens_metric", "Tokens that the response cache saved", CACHE, |r| {
        (r.cache_hit == Some(true)).then_some(r.usage.total_tokens() as f64)
    }),
];
