//! The exposition: readable by the rules of OpenMetrics, with LiteLLM's names, labels and sums.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

#[path = "prometheus/exposition.rs"]
mod exposition;
#[path = "prometheus/way.rs"]
mod way;

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use exposition::Exposition;
use llm_callbacks::testing::{answered, attempt, failed};
use llm_callbacks::{Callback, Prometheus, PrometheusSettings};
use llm_types::trail::GuardrailRun;
use llm_types::{LogRecord, Trail};

fn observe(settings: &PrometheusSettings, records: Vec<LogRecord>) -> (Prometheus, Exposition) {
    let sink = Prometheus::new(settings);
    let records: Vec<_> = records.into_iter().map(Arc::new).collect();
    sink.observe(&records, Instant::now());
    let text = sink.encode();
    (sink, Exposition::read(&text))
}

#[test]
fn an_answered_call_feeds_litellms_metrics() {
    let (_, seen) = observe(&PrometheusSettings::default(), vec![answered(0), answered(2)]);
    let (labels, value) = seen.one("litellm_proxy_total_requests_metric_total");
    assert_eq!(value, 2.0);
    let want = [
        ("status_code", "200"),
        ("requested_model", "fast"),
        ("model_id", "deployment-1"),
        ("api_provider", "openai"),
        ("hashed_api_key", "hash"),
        ("api_key_alias", "al\"ias"),
        ("team", "None"),
        ("end_user", "None"),
        ("route", "/v1/chat/completions"),
        ("client_ip", "10.0.0.1"),
        ("user_agent", "openai/1.0"),
    ];
    for (label, value) in want {
        assert_eq!(labels[label], value, "{label}");
    }
    assert!(!labels.contains_key("stream"));
    for (name, value) in [
        ("litellm_requests_metric_total", 2.0),
        ("litellm_spend_metric_total", 0.5),
        ("litellm_total_tokens_metric_total", 78.0),
        ("litellm_input_tokens_metric_total", 30.0),
        ("litellm_output_tokens_metric_total", 48.0),
        ("litellm_input_cached_tokens_metric_total", 10.0),
        ("litellm_output_reasoning_tokens_metric_total", 8.0),
        ("litellm_deployment_total_requests_total", 2.0),
        ("litellm_deployment_success_responses_total", 2.0),
        ("litellm_request_total_latency_metric_count", 2.0),
        ("litellm_request_total_latency_metric_sum", 2.0),
        ("litellm_llm_api_latency_metric_sum", 1.98),
    ] {
        let seen = seen.one(name).1;
        assert!((seen - value).abs() < 1e-9, "{name}: {seen}");
    }
    let overhead = seen.one("litellm_overhead_latency_metric_sum").1;
    assert!((overhead - 0.02).abs() < 1e-9, "{overhead}");
    for absent in [
        "litellm_proxy_failed_requests_metric_total",
        "litellm_cache_hits_metric_total",
        "litellm_input_audio_tokens_metric_total",
        "litellm_llm_api_time_to_first_token_metric_count",
    ] {
        assert!(!seen.names().contains(absent), "{absent}");
    }
    let le: HashSet<_> = seen.samples.keys().filter_map(|(_, l)| l.get("le").map(String::as_str)).collect();
    assert!(le.contains("0.005") && le.contains("600.0") && le.contains("+Inf"), "{le:?}");
}

#[test]
fn failures_streams_caches_and_fallbacks_have_their_metrics() {
    let mut hit = answered(4);
    hit.cache_hit = Some(true);
    let mut miss = answered(6);
    (miss.cache_hit, miss.fallbacks) = (Some(false), 1);
    let (asked, fallback, failed_first) = (Some("slow".into()), Some("fast".into()), vec![attempt("slow", 500)]);
    miss.trail = Trail { asked, fallback, failed: failed_first, ..Trail::default() };
    let (_, seen) = observe(&PrometheusSettings::default(), vec![failed(0), answered(1), hit, miss]);
    let (labels, value) = seen.one("litellm_proxy_failed_requests_metric_total");
    assert_eq!(value, 1.0);
    assert_eq!((&*labels["exception_class"], &*labels["exception_status"]), ("Openai.RateLimitError", "429"));
    let failures =
        |status: &str| seen.with("litellm_deployment_failure_responses_total", &[("exception_status", status)]);
    assert_eq!((failures("429"), failures("500")), (Some(1.0), Some(1.0)));
    let first = seen.one("litellm_llm_api_time_to_first_token_metric_sum").1;
    assert!((first - 0.39).abs() < 1e-9, "{first}");
    assert_eq!(seen.one("litellm_cache_hits_metric_total").1, 1.0);
    assert_eq!(seen.one("litellm_cache_misses_metric_total").1, 1.0);
    assert_eq!(seen.one("litellm_cached_tokens_metric_total").1, 39.0);
    assert_eq!(seen.one("litellm_deployment_successful_fallbacks_total").1, 1.0);
    let total = seen.with("litellm_deployment_total_requests_total", &[("model_group", "fast")]);
    assert_eq!(total, Some(3.0), "a cache hit calls no deployment");
}

#[test]
fn settings_take_metrics_and_labels_away_or_add_them() {
    let settings: PrometheusSettings = serde_json::from_str(
        r#"{"prometheus_latency_buckets":[1,2],"prometheus_exclude_metrics":["litellm_spend_metric"],
            "prometheus_exclude_labels":["user_agent","client_ip"],"prometheus_emit_stream_label":true,
            "enable_end_user_cost_tracking_prometheus_only":true}"#,
    )
    .unwrap();
    let mut records: Vec<_> = (0..10).map(answered).collect();
    for (n, r) in records.iter_mut().enumerate() {
        r.user_agent = Some(format!("agent {n}"));
        r.caller.end_user = Some("someone".into());
    }
    let (sink, seen) = observe(&settings, records);
    assert_eq!(sink.series(), 2, "streams and whole answers, whatever the agent");
    assert!(!seen.kinds.contains_key("litellm_spend_metric"));
    let streams: HashSet<_> = seen.samples.keys().filter_map(|(_, l)| l.get("stream").map(String::as_str)).collect();
    assert_eq!(streams, HashSet::from(["True", "False"]));
    assert!(seen.samples.keys().all(|(_, l)| !l.contains_key("user_agent")));
    assert_eq!(seen.one("litellm_requests_metric_total").0["end_user"], "someone");
}

#[test]
fn too_many_series_share_one() {
    let settings = PrometheusSettings { max_series: 20, ..PrometheusSettings::default() };
    let records: Vec<_> = (0..1000)
        .map(|n| {
            let mut r = answered(0);
            r.user_agent = Some(format!("agent {n}"));
            r
        })
        .collect();
    let (sink, seen) = observe(&settings, records);
    assert_eq!(sink.series(), 21);
    let total: f64 =
        seen.samples.iter().filter(|((n, _), _)| n == "litellm_requests_metric_total").map(|(_, v)| v).sum();
    assert_eq!(total, 1000.0, "nothing is lost");
}

#[test]
fn idle_series_go_and_busy_ones_stay() {
    let settings = PrometheusSettings { idle: Duration::from_secs(10), ..PrometheusSettings::default() };
    let sink = Prometheus::new(&settings);
    let mut idle = answered(0);
    idle.user_agent = Some("gone".to_owned());
    let (busy, begun) = (Arc::new(answered(0)), Instant::now());
    sink.observe(&[Arc::new(idle), Arc::clone(&busy)], begun);
    assert!(sink.encode().contains("gone"));
    sink.observe(&[Arc::clone(&busy)], begun + Duration::from_secs(8));
    sink.observe(&[busy], begun + Duration::from_secs(12));
    let text = sink.encode();
    assert!(!text.contains("gone"));
    let seen = Exposition::read(&text);
    assert_eq!(seen.one("litellm_requests_metric_total").1, 3.0);
    assert_eq!(seen.one("litellm_output_tokens_metric_total").1, 96.0, "a cell that both fed keeps its sum");
}

#[test]
fn what_does_not_come_from_records_is_there_too() {
    let sink = Prometheus::new(&PrometheusSettings::default());
    sink.set_in_flight(7);
    sink.lost("langfuse", 3);
    let run = GuardrailRun { name: "w".into(), hook: "pre_call", status: "success", took_us: 3000 };
    let failed = GuardrailRun { status: "error", ..run.clone() };
    let mut record = answered(0);
    record.trail.guardrails = vec![run, failed];
    sink.observe(&[Arc::new(record)], Instant::now());
    let seen = Exposition::read(&sink.encode());
    assert_eq!(seen.one("litellm_in_flight_requests").1, 7.0);
    assert_eq!(seen.one("litellm_callback_logging_failures_metric_total").1, 3.0);
    assert_eq!(seen.one("litellm_guardrail_errors_total").1, 1.0);
    assert_eq!(
        seen.with("litellm_guardrail_requests_total", &[("status", "success"), ("hook_type", "pre_call")]),
        Some(1.0)
    );
    let (without, with) = (
        seen.one("litellm_overhead_latency_metric_sum").1,
        seen.one("litellm_overhead_with_guardrails_latency_metric_sum").1,
    );
    assert!((with - without - 0.006).abs() < 1e-9, "{with} {without}");
    assert_eq!(seen.kinds["litellm_guardrail_latency_seconds"], "histogram");
}

#[test]
fn settings_hold_for_what_does_not_come_from_records() {
    let settings: PrometheusSettings = serde_json::from_str(
        r#"{"prometheus_latency_buckets":[1,2],"prometheus_exclude_labels":["callback_name","hook_type"]}"#,
    )
    .unwrap();
    let sink = Prometheus::new(&settings);
    sink.lost("langfuse", 3);
    sink.lost("datadog", 4);
    let mut record = answered(0);
    record.trail.guardrails = ["pre_call", "post_call"]
        .map(|hook| GuardrailRun { name: "w".into(), hook, status: "error", took_us: 3000 })
        .to_vec();
    sink.observe(&[Arc::new(record)], Instant::now());
    let seen = Exposition::read(&sink.encode());
    let (labels, lost) = seen.one("litellm_callback_logging_failures_metric_total");
    assert!(labels.is_empty() && lost == 7.0, "{labels:?} {lost}");
    for name in ["litellm_guardrail_requests_total", "litellm_guardrail_errors_total"] {
        assert_eq!(seen.one(name).1, 2.0, "{name}");
    }
    assert_eq!(seen.one("litellm_guardrail_latency_seconds_count").1, 2.0);
    assert!(seen.values("hook_type").is_empty());
    assert_eq!(seen.values("le"), ["1.0", "2.0", "+Inf"].into());
}

#[test]
fn odd_values_stay_readable() {
    let mut r = answered(0);
    r.user_agent = Some("a\\b\"c\nd é \u{2028}".to_owned());
    let (_, seen) = observe(&PrometheusSettings::default(), vec![r]);
    assert_eq!(seen.one("litellm_requests_metric_total").0["user_agent"], "a\\b\"c\nd é \u{2028}");
}
