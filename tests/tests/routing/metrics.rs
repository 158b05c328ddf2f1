//! `/metrics` tells of attempts, fallbacks, rests and limits, and of names that strangers make up under one name.

use llm_tests::{Config, Gateway, MASTER_KEY};
use serde_json::json;

use super::{CHAT, sim};

/// The value of the one line of a metric that has all of these labels.
fn value(text: &str, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
    let wanted: Vec<String> = labels.iter().map(|(label, value)| format!("{label}=\"{value}\"")).collect();
    let fits = |line: &&str| {
        line.split_once('{').is_some_and(|(n, _)| n == name) && wanted.iter().all(|part| line.contains(part.as_str()))
    };
    let lines: Vec<&str> = text.lines().filter(fits).collect();
    assert!(lines.len() < 2, "{lines:?}");
    lines.first().and_then(|line| line.rsplit_once(' ')?.1.parse().ok())
}

#[tokio::test]
async fn an_outage_that_fallbacks_hide_is_seen() {
    let sim = sim().await;
    let config = Config::empty(&sim)
        .model_below("m", "openai/gpt-4o", "/good", &["rpm: 100"])
        .model_below("fail", "openai/sim-error-500", "/bad", &[])
        .model_below("two", "openai/sim-error-429", "/busy", &["order: 1"])
        .model_below("two", "openai/gpt-4o", "/free", &["order: 2"])
        .router("fallbacks: [{fail: [m]}]")
        .litellm("cache: true")
        .litellm("cache_params: {type: local}");
    let gateway = Gateway::start(&config.yaml()).await.unwrap();
    let ask = async |model: &str, text: &str| {
        let body = json!({"model": model, "messages": [{"role": "user", "content": text}]});
        gateway.ask(CHAT, &body).await.unwrap().status
    };
    assert_eq!(ask("m", "a").await, 200);
    assert_eq!(ask("m", "a").await, 200, "from the cache");
    assert_eq!(ask("fail", "b").await, 200);
    assert_eq!(ask("two", "c").await, 200);
    for n in 0..3 {
        assert_eq!(ask(&format!("made-up-{n}"), "d").await, 400);
    }
    let text = gateway.get("/metrics", MASTER_KEY).await.unwrap().text();
    let all = |name: &str, labels: &[(&str, &str)]| value(&text, name, labels);

    let failed = [("model_group", "fail"), ("requested_model", "fail"), ("litellm_model_name", "sim-error-500")];
    let why = [("exception_status", "500"), ("exception_class", "Openai.InternalServerError")];
    assert_eq!(all("litellm_deployment_failure_responses_total", &[&failed[..], &why].concat()), Some(1.0), "{text}");
    assert_eq!(all("litellm_deployment_total_requests_total", &failed), Some(1.0));
    let hop = [("requested_model", "fail"), ("fallback_model", "m")];
    assert_eq!(all("litellm_deployment_successful_fallbacks_total", &[&hop[..], &why].concat()), Some(1.0));
    assert_eq!(all("litellm_deployment_success_responses_total", &[("model_group", "m")]), Some(2.0));

    let state = |model: &str| all("litellm_deployment_state", &[("litellm_model_name", model)]);
    assert_eq!((state("sim-error-500"), state("sim-error-429")), (Some(1.0), Some(2.0)), "{text}");
    let rested = [("litellm_model_name", "sim-error-429"), ("exception_status", "429")];
    assert_eq!(all("litellm_deployment_cooled_down_total", &rested), Some(1.0));
    assert_eq!(all("litellm_deployment_rpm_limit", &[("model_group", "m")]), Some(100.0));
    assert_eq!(all("litellm_remaining_requests_metric", &[("model_group", "m")]), Some(9999.0), "as the host says");

    assert_eq!(all("litellm_cache_hits_metric_total", &[("model", "gpt-4o"), ("api_provider", "openai")]), Some(1.0));
    assert!(!text.contains("made-up"), "{text}");
    let unknown = [("requested_model", "other"), ("status_code", "400"), ("api_key_alias", "None")];
    assert_eq!(all("litellm_proxy_total_requests_metric_total", &unknown), Some(3.0));
    assert!(all("litellm_cache_misses_metric_total", &[("model_id", "None")]).is_none(), "nobody asked the cache");
    assert_eq!(all("litellm_request_queue_time_seconds_count", &[("requested_model", "two")]), Some(1.0));
    assert!(text.ends_with("# EOF\n"));
}

#[tokio::test]
async fn the_operator_chooses_metrics_and_adds_labels() {
    let sim = sim().await;
    let config = Config::empty(&sim)
        .model_below("m", "openai/gpt-4o", "/good", &[])
        .litellm("custom_prometheus_metadata_labels: ['metadata.city']")
        .litellm("custom_prometheus_tags: ['night*']")
        .litellm("prometheus_metrics_config: [{group: a, metrics: [litellm_requests_metric], include_labels: [model, metadata_city, tag_night_]}]");
    let gateway = Gateway::start(&config.yaml()).await.unwrap();
    let body = json!({"model": "m", "messages": [{"role": "user", "content": "a"}],
        "metadata": {"city": "Ulm", "tags": ["nightly"]}});
    assert_eq!(gateway.ask(CHAT, &body).await.unwrap().status, 200);
    let text = gateway.get("/metrics", MASTER_KEY).await.unwrap().text();
    let line = text.lines().find(|line| line.starts_with("litellm_requests_metric_total")).unwrap();
    for part in ["model=\"gpt-4o\"", "metadata_city=\"Ulm\"", "tag_night_=\"true\""] {
        assert!(line.contains(part), "{line}");
    }
    assert!(!line.contains("hashed_api_key") && !text.contains("litellm_spend_metric"), "{text}");
}
