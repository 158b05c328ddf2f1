//! What a record says to a metric. Times are seconds.

use llm_types::LogRecord;
use llm_types::record::Status;
use llm_types::trail::{GuardrailRun, LimitLeft};

pub(super) fn good(r: &LogRecord, value: f64) -> Option<f64> {
    (r.status == Status::Success).then_some(value)
}

pub(super) fn bad(r: &LogRecord) -> Option<f64> {
    (r.status == Status::Failure).then_some(1.0)
}

/// Tokens of one kind: only when there are some.
pub(super) fn some(r: &LogRecord, tokens: u64) -> Option<f64> {
    (r.status == Status::Success && tokens > 0).then_some(tokens as f64)
}

/// A call that reached a deployment.
pub(super) fn sent(r: &LogRecord) -> bool {
    r.model_id.is_some() && r.cache_hit != Some(true)
}

/// A call that a deployment answered.
pub(super) fn answered(r: &LogRecord) -> Option<f64> {
    if sent(r) { good(r, 1.0) } else { None }
}

/// Seconds that the guardrails took that stand before and behind the call.
pub(super) fn guarded(r: &LogRecord) -> f64 {
    let beside = |run: &&GuardrailRun| matches!(run.hook, "pre_call" | "post_call");
    seconds(r.trail.guardrails.iter().filter(beside).map(|run| run.took_us as f64).sum())
}

/// A call of an MCP server's tool that was made.
pub(super) fn tool(r: &LogRecord, value: f64) -> Option<f64> {
    if r.mcp_tool.is_some() { good(r, value) } else { None }
}

/// A limit of the caller.
fn left<'r>(r: &'r LogRecord, whose: &str, kind: &str) -> Option<&'r LimitLeft> {
    r.trail.limits.iter().find(|left| left.whose == whose && left.kind == kind)
}

/// How much it is.
pub(super) fn limit(r: &LogRecord, whose: &str, kind: &str) -> Option<f64> {
    left(r, whose, kind).map(|left| left.limit as f64)
}

/// What is left of it.
pub(super) fn remaining(r: &LogRecord, whose: &str, kind: &str) -> Option<f64> {
    left(r, whose, kind).map(|left| left.remaining as f64)
}

/// What is used of it.
pub(super) fn used(r: &LogRecord, whose: &str, kind: &str) -> Option<f64> {
    left(r, whose, kind).map(|left| (left.limit - left.remaining) as f64)
}

pub(super) fn seconds(us: f64) -> f64 {
    us / 1e6
}

pub(super) fn upstream(r: &LogRecord) -> Option<f64> {
    if sent(r) { good(r, seconds(r.upstream_us as f64)) } else { None }
}

pub(super) fn first_token(r: &LogRecord) -> Option<f64> {
    let first = r.first_byte_us.filter(|_| r.stream && sent(r))?;
    // The gateway's own share before the upstream was called is small and not recorded apart.
    let before = r.end_us.saturating_sub(first);
    good(r, seconds((r.upstream_us as f64 - before as f64).max(0.0)))
}

pub(super) fn per_token(r: &LogRecord) -> Option<f64> {
    let tokens = r.usage.total_output();
    if tokens == 0 { None } else { upstream(r).map(|s| s / tokens as f64) }
}
