//! The suite that every sink must pass, and records to test with.

use std::sync::Arc;
use std::time::Duration;

use llm_types::record::{Caller, Cost, ErrorInfo, LogRecord, Status};
use llm_types::trail::FailedAttempt;
use llm_types::{OperationKind, RawJson, Trail, Usage};

use crate::bus::{Bus, BusSettings};
use crate::callback::{Callback, Needs};

/// An answered call, number `n`, one second long.
#[must_use]
pub fn answered(n: u64) -> LogRecord {
    let start_us = 1_760_000_000_000_000 + i64::try_from(n).unwrap_or(0) * 1_000;
    LogRecord {
        call_id: format!("call-{n}").into(),
        response_id: Some(format!("chatcmpl-{n}")),
        trace_id: None,
        session_id: None,
        operation: OperationKind::Generate,
        call_type: "acompletion",
        route: "/v1/chat/completions",
        stream: n % 2 == 1,
        status: Status::Success,
        caller: Caller { key_hash: Some("hash".into()), key_alias: Some("al\"ias".into()), ..Caller::default() },
        model_group: "fast".into(),
        model: "gpt-4o-mini".into(),
        model_id: Some("deployment-1".into()),
        provider: "openai".into(),
        api_base: Some("https://api.openai.com".into()),
        mcp_tool: None,
        usage: Usage { input_text: 10, cache_read: 5, output_text: 20, reasoning: 4, ..Usage::default() },
        usage_raw: None,
        cost: Cost { total: 0.25, input: 0.1, output: 0.15, ..Cost::default() },
        cost_problem: None,
        start_us,
        first_byte_us: Some(start_us + 400_000),
        end_us: start_us + 1_000_000,
        upstream_us: 990_000,
        retries: 0,
        fallbacks: 0,
        cache_hit: None,
        cache_key: None,
        saved_cost: 0.0,
        tags: vec!["a".to_owned()],
        client_ip: Some("10.0.0.1".to_owned()),
        user_agent: Some("openai/1.0".to_owned()),
        metadata: RawJson::parse(r#"{"b":1,"a":2}"#).ok(),
        guardrails: Vec::new(),
        guardrail_information: None,
        messages: RawJson::parse(r#"[{"role":"user","content":"secret words"}]"#).ok(),
        parameters: RawJson::parse(r#"{"temperature":0.5}"#).ok(),
        response: RawJson::parse(r#"{"choices":[]}"#).ok(),
        unredacted: false,
        untold: Vec::new(),
        error: None,
        trail: Trail::default(),
    }
}

/// A failed call, number `n`.
#[must_use]
pub fn failed(n: u64) -> LogRecord {
    LogRecord {
        status: Status::Failure,
        response_id: None,
        mcp_tool: None,
        usage: Usage::default(),
        cost: Cost::default(),
        error: Some(ErrorInfo {
            class: "RateLimitError",
            status: 429,
            message: "slow down, secret words".to_owned(),
            provider: Some("openai".into()),
        }),
        trail: Trail { failed: vec![attempt("fast", 429)], ..Trail::default() },
        ..answered(n)
    }
}

/// An attempt at a deployment of a group that failed with this status.
#[must_use]
pub fn attempt(group: &str, status: u16) -> FailedAttempt {
    FailedAttempt {
        group: group.into(),
        model_id: "deployment-1".into(),
        model: "gpt-4o-mini".into(),
        provider: "openai".into(),
        api_base: Some("https://api.openai.com".into()),
        class: if status == 429 { "RateLimitError" } else { "InternalServerError" },
        status,
        upstream: true,
    }
}

/// What a run of the suite saw: the records of each kind that were pushed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pushed {
    /// Answered calls.
    pub answered: u64,
    /// Failed calls.
    pub failed: u64,
}

/// Sends a mixed load through a bus to the sink and checks what every sink must do: take every batch it asked for,
/// of any size, with the extremes of a record, and confirm it in time. Returns what was pushed, so that the caller
/// can look for it where the sink put it.
///
/// # Panics
/// When the sink breaks a rule.
#[allow(clippy::panic, clippy::manual_assert, reason = "the suite is a test")]
pub async fn conformance(sink: Arc<dyn Callback>) -> Pushed {
    let needs = sink.needs();
    if needs == Needs::NONE || needs == Needs::CONTENT {
        panic!("{} asks for no calls", sink.name());
    }
    if sink.name().is_empty() || sink.name().contains(char::is_whitespace) {
        panic!("`{}` is no name for a callback", sink.name());
    }
    let bus = Bus::start(vec![Arc::clone(&sink)], BusSettings::default(), &tokio::runtime::Handle::current());
    let mut pushed = Pushed { answered: 0, failed: 0 };
    for n in 0..1500 {
        let record = match n % 3 {
            0 => failed(n),
            1 => answered(n),
            _ => extreme(n),
        };
        match record.status {
            Status::Success => pushed.answered += 1,
            Status::Failure => pushed.failed += 1,
        }
        bus.push(Arc::new(record));
    }
    let unconfirmed = bus.shutdown(Duration::from_secs(30)).await;
    let wanted = if needs.has(Needs::SUCCESS) { pushed.answered } else { 0 }
        + if needs.has(Needs::FAILURE) { pushed.failed } else { 0 };
    match bus.report().as_slice() {
        [r] if unconfirmed == 0 && r.delivered == wanted && r.failed + r.dropped == 0 => pushed,
        other => panic!("{wanted} records were wanted, {unconfirmed} not confirmed: {other:?}"),
    }
}

/// An answered call with odd values in every place.
fn extreme(n: u64) -> LogRecord {
    LogRecord {
        response_id: None,
        caller: Caller { key_alias: Some("line\nbreak \u{2028} \u{1F600} \"quote\" \\".into()), ..Caller::default() },
        model_group: "".into(),
        model_id: None,
        mcp_tool: None,
        usage: Usage { input_text: u64::MAX, output_text: u64::MAX, ..Usage::default() },
        cost: Cost { total: f64::NAN, ..Cost::default() },
        start_us: i64::MAX,
        first_byte_us: Some(i64::MIN),
        end_us: i64::MIN,
        upstream_us: u64::MAX,
        cache_hit: Some(n.is_multiple_of(2)),
        messages: None,
        parameters: None,
        response: None,
        ..answered(n)
    }
}
