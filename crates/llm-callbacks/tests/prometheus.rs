//! The exposition: readable by the rules of OpenMetrics, with LiteLLM's names, labels and sums.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use llm_callbacks::prometheus::GuardrailRun;
use llm_callbacks::testing::{answered, failed};
use llm_callbacks::{Callback, Prometheus, PrometheusSettings};
use llm_types::LogRecord;

type Labels = BTreeMap<String, String>;

/// A small reader of OpenMetrics text that stops at the first breach of its rules.
#[derive(Debug, Default)]
struct Exposition {
    kinds: HashMap<String, String>,
    samples: HashMap<(String, Labels), f64>,
}

impl Exposition {
    fn read(text: &str) -> Self {
        let mut out = Self::default();
        let body = text.strip_suffix("# EOF\n").expect("ends with EOF");
        let mut family = String::new();
        for line in body.lines() {
            if let Some(rest) = line.strip_prefix("# TYPE ") {
                let (name, kind) = rest.split_once(' ').unwrap();
                assert!(out.kinds.insert(name.to_owned(), kind.to_owned()).is_none(), "{name} twice");
                name.clone_into(&mut family);
            } else if let Some(rest) = line.strip_prefix("# HELP ") {
                assert!(rest.split_once(' ').is_some_and(|(_, help)| !help.is_empty()), "{line}");
            } else {
                out.sample(&family, line);
            }
        }
        out.check_histograms();
        out
    }

    fn sample(&mut self, family: &str, line: &str) {
        let (name, labels, value) = match line.split_once('{') {
            Some((name, rest)) => {
                let (labels, rest) = read_labels(rest);
                (name, labels, rest)
            }
            None => {
                let (name, value) = line.split_once(' ').unwrap();
                (name, Labels::new(), value)
            }
        };
        let suffixes: &[&str] = match self.kinds.get(family).map(String::as_str) {
            Some("counter") => &["_total"],
            Some("histogram") => &["_bucket", "_sum", "_count"],
            Some("gauge") => &[""],
            other => panic!("{line}: kind {other:?}"),
        };
        assert!(suffixes.iter().any(|s| name.strip_prefix(family) == Some(s)), "{line} within {family}");
        assert!(name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_'), "{name}");
        let value: f64 = value.trim().parse().unwrap_or_else(|_| panic!("{line}"));
        let old = self.samples.insert((name.to_owned(), labels), value);
        assert!(old.is_none(), "a series twice: {line}");
    }

    fn check_histograms(&self) {
        for (name, _) in self.kinds.iter().filter(|(_, kind)| *kind == "histogram") {
            let counts = self.samples.iter().filter(|((n, _), _)| *n == format!("{name}_count"));
            for ((_, labels), count) in counts {
                let mut buckets: Vec<(f64, f64)> = self
                    .samples
                    .iter()
                    .filter(|((n, l), _)| {
                        *n == format!("{name}_bucket") && labels.iter().all(|(k, v)| l.get(k) == Some(v))
                    })
                    .map(|((_, l), v)| (l["le"].replace("+Inf", "inf").parse().unwrap(), *v))
                    .collect();
                buckets.sort_by(|a, b| a.0.total_cmp(&b.0));
                assert!(buckets.windows(2).all(|w| w[0].1 <= w[1].1), "{name}: buckets only grow");
                assert_eq!(buckets.last().map(|b| (b.0.is_infinite(), b.1)), Some((true, *count)), "{name}");
                assert!(self.samples.contains_key(&(format!("{name}_sum"), labels.clone())));
            }
        }
    }

    /// The only sample of a name.
    fn one(&self, name: &str) -> (&Labels, f64) {
        let mut all = self.samples.iter().filter(|((n, _), _)| n == name);
        let ((_, labels), value) = all.next().unwrap_or_else(|| panic!("no {name}"));
        assert!(all.next().is_none(), "several {name}");
        (labels, *value)
    }

    fn names(&self) -> HashSet<&str> {
        self.samples.keys().map(|(n, _)| n.as_str()).collect()
    }
}

/// Reads `a="b",c="d"} value` with escapes; the labels and what follows them.
fn read_labels(text: &str) -> (Labels, &str) {
    let (mut labels, mut rest) = (Labels::new(), text);
    loop {
        if let Some(end) = rest.strip_prefix('}') {
            return (labels, end);
        }
        let (key, after) = rest.split_once("=\"").unwrap();
        let (mut value, mut escaped, mut end) = (String::new(), false, None);
        for (at, c) in after.char_indices() {
            match (escaped, c) {
                (true, 'n') => value.push('\n'),
                (true, '"' | '\\') => value.push(c),
                (true, other) => panic!("\\{other} is no escape"),
                (false, '\\') => {}
                (false, '"') => {
                    end = Some(at);
                    break;
                }
                (false, '\n') => panic!("a bare line break"),
                (false, _) => value.push(c),
            }
            escaped = !escaped && c == '\\';
        }
        assert!(labels.insert(key.to_owned(), value).is_none(), "label {key} twice");
        rest = after[end.unwrap() + 1..].trim_start_matches(',');
    }
}

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
    let (_, seen) = observe(&PrometheusSettings::default(), vec![failed(0), answered(1), hit, miss]);
    let (labels, value) = seen.one("litellm_proxy_failed_requests_metric_total");
    assert_eq!(value, 1.0);
    assert_eq!((&*labels["exception_class"], &*labels["exception_status"]), ("Openai.RateLimitError", "429"));
    assert_eq!(seen.one("litellm_deployment_failure_responses_total").1, 1.0);
    let first = seen.one("litellm_llm_api_time_to_first_token_metric_sum").1;
    assert!((first - 0.39).abs() < 1e-9, "{first}");
    assert_eq!(seen.one("litellm_cache_hits_metric_total").1, 1.0);
    assert_eq!(seen.one("litellm_cache_misses_metric_total").1, 1.0);
    assert_eq!(seen.one("litellm_cached_tokens_metric_total").1, 39.0);
    assert_eq!(seen.one("litellm_deployment_successful_fallbacks_total").1, 1.0);
    assert_eq!(seen.one("litellm_deployment_total_requests_total").1, 3.0, "a cache hit calls no deployment");
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
    let run =
        GuardrailRun { name: "w", status: "success", hook: "pre_call", error: None, took: Duration::from_millis(3) };
    sink.guardrail(&run);
    sink.guardrail(&GuardrailRun { error: Some("Timeout"), status: "guardrail_failed_to_respond", ..run });
    let seen = Exposition::read(&sink.encode());
    assert_eq!(seen.one("litellm_in_flight_requests").1, 7.0);
    assert_eq!(seen.one("litellm_callback_logging_failures_metric_total").1, 3.0);
    assert_eq!(seen.one("litellm_guardrail_errors_total").1, 1.0);
    assert_eq!(seen.kinds["litellm_guardrail_latency_seconds"], "histogram");
}

#[test]
fn odd_values_stay_readable() {
    let mut r = answered(0);
    r.user_agent = Some("a\\b\"c\nd é \u{2028}".to_owned());
    let (_, seen) = observe(&PrometheusSettings::default(), vec![r]);
    assert_eq!(seen.one("litellm_requests_metric_total").0["user_agent"], "a\\b\"c\nd é \u{2028}");
}
