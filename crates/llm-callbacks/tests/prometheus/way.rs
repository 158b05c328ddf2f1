//! What happens on the way of a call, and what is read at a scrape.

use std::sync::Arc;
use std::time::Instant;

use llm_callbacks::prometheus::{BudgetNow, BudgetOwner, DeploymentNow, Scrape, Totals};
use llm_callbacks::testing::{answered, attempt, failed};
use llm_callbacks::{Prometheus, PrometheusSettings};
use llm_types::trail::{FailedAttempt, LimitLeft};
use llm_types::{RawJson, Trail};

use super::{Exposition, observe};

/// A call of `slow` that failed at a deployment, and that `fast` answered.
fn rescued() -> llm_types::LogRecord {
    let first = FailedAttempt { model_id: "deployment-0".into(), model: "gpt-4".into(), ..attempt("slow", 500) };
    let mut record = answered(0);
    record.fallbacks = 1;
    record.trail = Trail {
        asked: Some("slow".into()),
        fallback: Some("fast".into()),
        failed: vec![first, attempt("third", 429)],
        ..Trail::default()
    };
    record
}

#[test]
fn attempts_are_counted_and_fallbacks_are_told_with_the_first_failure() {
    let (_, seen) = observe(&PrometheusSettings::default(), vec![rescued()]);
    let at = |name: &str, id: &str| seen.with(name, &[("model_id", id)]);
    assert_eq!(at("litellm_deployment_failure_responses_total", "deployment-0"), Some(1.0));
    assert_eq!(at("litellm_llm_api_failed_requests_metric_total", "deployment-0"), Some(1.0));
    let of_group = |group: &str| {
        seen.with("litellm_deployment_total_requests_total", &[("model_group", group), ("requested_model", group)])
    };
    assert_eq!((of_group("slow"), of_group("third"), of_group("fast")), (Some(1.0), Some(1.0), Some(1.0)));
    let why =
        [("requested_model", "slow"), ("exception_status", "500"), ("exception_class", "Openai.InternalServerError")];
    let hop =
        |name: &str, to: &str| seen.with(name, &[&why[..], &[("fallback_model", to), ("model_id", "None")]].concat());
    assert_eq!(hop("litellm_deployment_successful_fallbacks_total", "fast"), Some(1.0));
    assert_eq!(hop("litellm_deployment_failed_fallbacks_total", "third"), Some(1.0));
    assert_eq!(hop("litellm_deployment_failed_fallbacks_total", "fast"), None);
    assert!(!seen.names().contains("litellm_proxy_failed_requests_metric_total"), "the client got its answer");
}

fn now(id: &str, cooling: bool, rests: Vec<(u16, u64)>) -> DeploymentNow {
    DeploymentNow { id: id.into(), group: "fast".into(), rpm: Some(60), tpm: None, cooling, rests }
}

#[test]
fn a_scrape_tells_states_limits_budgets_and_totals() {
    let sink = Prometheus::new(&PrometheusSettings::default());
    sink.observe(&[Arc::new(rescued())], Instant::now());
    let budget = BudgetNow {
        owner: BudgetOwner::Key,
        id: "hash".into(),
        alias: Some("a".into()),
        max: Some(2.0),
        spent: 0.5,
        hours: Some(12.0),
    };
    let free =
        BudgetNow { owner: BudgetOwner::Team, id: "t".into(), alias: None, max: None, hours: None, ..budget.clone() };
    let customer = BudgetNow { owner: BudgetOwner::Customer, ..budget.clone() };
    let scrape = Scrape {
        deployments: vec![now("deployment-0", true, vec![(500, 3)]), now("deployment-1", false, Vec::new())],
        providers: vec![("openai".into(), 7.5)],
        budgets: vec![budget, free, customer],
        totals: Some(Totals { users: 4, teams: 2 }),
    };
    let seen = Exposition::read(&sink.encode_at(&scrape));
    let state = |id: &str| seen.with("litellm_deployment_state", &[("model_id", id)]);
    assert_eq!((state("deployment-0"), state("deployment-1")), (Some(2.0), Some(0.0)));
    let (labels, cooled) = seen.one("litellm_deployment_cooled_down_total");
    assert_eq!((cooled, &*labels["exception_status"], &*labels["litellm_model_name"]), (3.0, "500", "gpt-4"));
    assert_eq!(seen.with("litellm_deployment_rpm_limit", &[("model_id", "deployment-1")]), Some(60.0));
    assert!(!seen.names().contains("litellm_deployment_tpm_limit"));
    let (labels, left) = seen.one("litellm_remaining_api_key_budget_metric");
    assert_eq!((left, &*labels["hashed_api_key"], &*labels["api_key_alias"]), (1.5, "hash", "a"));
    assert_eq!(seen.one("litellm_api_key_max_budget_metric").1, 2.0);
    assert_eq!(seen.one("litellm_api_key_budget_remaining_hours_metric").1, 12.0);
    assert_eq!(seen.one("litellm_remaining_team_budget_metric").1, f64::INFINITY);
    assert!(!seen.names().contains("litellm_team_max_budget_metric"));
    assert!(!seen.names().contains("litellm_remaining_customer_budget_metric"), "end users are not told apart");
    assert_eq!(seen.one("litellm_provider_remaining_budget_metric").1, 7.5);
    assert_eq!((seen.one("litellm_total_users").1, seen.one("litellm_teams_count").1), (4.0, 2.0));

    let gone = Scrape { deployments: vec![now("deployment-1", false, Vec::new())], ..Scrape::default() };
    let seen = Exposition::read(&sink.encode_at(&gone));
    assert_eq!(seen.one("litellm_deployment_state").1, 0.0, "what was taken out of the configuration is not told of");
}

#[test]
fn a_failure_that_is_the_requests_own_says_nothing_of_the_deployment() {
    let sink = Prometheus::new(&PrometheusSettings::default());
    let mut wrong = failed(0);
    wrong.trail.failed = vec![attempt("fast", 400)];
    sink.observe(&[Arc::new(answered(0)), Arc::new(wrong), Arc::new(failed(1))], Instant::now());
    let scrape = Scrape { deployments: vec![now("deployment-1", false, Vec::new())], ..Scrape::default() };
    assert_eq!(Exposition::read(&sink.encode_at(&scrape)).one("litellm_deployment_state").1, 1.0);
    let mut wrong = failed(2);
    wrong.trail.failed = vec![attempt("fast", 400)];
    sink.observe(&[Arc::new(answered(2)), Arc::new(wrong)], Instant::now());
    assert_eq!(Exposition::read(&sink.encode_at(&scrape)).one("litellm_deployment_state").1, 0.0);
}

#[test]
fn what_clients_choose_is_bounded() {
    let mut records: Vec<_> = (0..5000)
        .map(|n| {
            let mut r = answered(0);
            r.user_agent = Some(format!("agent {n}"));
            r
        })
        .collect();
    records.extend((0..5000).map(|n| {
        let mut r = failed(0);
        (r.model_group, r.model, r.model_id) = (format!("nope {n}").into(), format!("nope {n}").into(), None);
        r.trail = Trail { unknown_model: true, ..Trail::default() };
        r
    }));
    let (sink, seen) = observe(&PrometheusSettings::default(), records);
    assert_eq!(seen.values("user_agent").len(), 101);
    assert_eq!(seen.values("requested_model").into_iter().filter(|m| m.starts_with("nope")).count(), 0);
    assert!(seen.values("model").contains("other"));
    assert_eq!(sink.series(), 102);
    assert_eq!(seen.with("litellm_requests_metric_total", &[("user_agent", "other")]), Some(4900.0), "nothing is lost");
    assert_eq!(seen.with("litellm_proxy_failed_requests_metric_total", &[("requested_model", "other")]), Some(5000.0));
    let bytes = sink.encode().len();
    assert!(bytes < 400_000, "{bytes}");
}

#[test]
fn labels_of_the_operator_and_only_his_metrics() {
    let settings: PrometheusSettings = serde_json::from_str(
        r#"{"custom_prometheus_metadata_labels":["metadata.place.city","user_api_key_alias","user_api_key_team_id"],
            "custom_prometheus_tags":["a","User-Agent: curl/*"],
            "prometheus_metrics_config":[{"group":"g","metrics":["litellm_requests_metric","litellm_deployment_state"],
                "include_labels":["model","metadata_place_city","user_api_key_alias","user_api_key_team_id",
                    "tag_a","tag_User_Agent__curl__"]},
                {"group":"h","metrics":["litellm_guardrail_requests_total"]}]}"#,
    )
    .unwrap();
    let mut record = answered(0);
    record.metadata = RawJson::parse(
        r#"{"place":{"city":"Ulm"},"user_api_key_alias":"somebody else","user_api_key_team_id":"theirs"}"#,
    )
    .ok();
    let (_, seen) = observe(&settings, vec![record]);
    let (labels, _) = seen.one("litellm_requests_metric_total");
    let labels: Vec<_> = labels.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let want = [
        ("metadata_place_city", "Ulm"),
        ("model", "gpt-4o-mini"),
        ("tag_User_Agent__curl__", "false"),
        ("tag_a", "true"),
        ("user_api_key_alias", "al\"ias"),
        ("user_api_key_team_id", "None"),
    ];
    assert_eq!(labels, want);
    assert_eq!(seen.names().len(), 1, "{:?}", seen.names());
    let faults = settings.faults();
    assert_eq!(faults.not_here, ["the label model of litellm_deployment_state"], "another metric has it");
    assert!(faults.unknown.is_empty(), "{:?}", faults.unknown);
    let wrong: PrometheusSettings = serde_json::from_str(
        r#"{"prometheus_exclude_metrics":["litellm_nothing","litellm_spend_capture_rate"],"prometheus_exclude_labels":["x","user_agent"]}"#,
    )
    .unwrap();
    let faults = wrong.faults();
    assert_eq!(faults.unknown, ["the metric litellm_nothing", "the label x"]);
    assert_eq!(faults.not_here, ["the metric litellm_spend_capture_rate"]);
}

#[test]
fn limits_tools_prices_and_the_master_key() {
    let mut limited = answered(0);
    let left = |whose, kind, limit, remaining| LimitLeft { whose, kind, limit, remaining };
    limited.trail.limits = vec![left("api_key", "requests", 10, 7), left("model_per_key", "tokens", 100, 90)];
    (limited.trail.remaining_requests, limited.trail.queue_us) = (Some(99), Some(2000));
    limited.cost_problem = Some("no price".to_owned());
    let mut tool = answered(0);
    (tool.mcp_tool, tool.model_id) = (Some("github/search".into()), None);
    tool.caller.key_hash = Some("litellm_proxy_master_key".into());
    tool.caller.key_alias = tool.caller.key_hash.clone();
    let (_, seen) = observe(&PrometheusSettings::default(), vec![limited, tool]);
    let kind = [("rate_limit_type", "requests"), ("hashed_api_key", "hash")];
    assert_eq!(seen.with("litellm_api_key_rate_limit_allowed_metric", &kind), Some(10.0));
    assert_eq!(seen.with("litellm_api_key_rate_limit_used_metric", &kind), Some(3.0));
    assert!(!seen.names().contains("litellm_team_rate_limit_allowed_metric"));
    let (labels, left) = seen.one("litellm_remaining_api_key_tokens_for_model");
    assert_eq!((left, &*labels["model"]), (90.0, "fast"));
    assert!(!seen.names().contains("litellm_remaining_api_key_requests_for_model"));
    assert_eq!(seen.one("litellm_remaining_requests_metric").1, 99.0);
    let queue = seen.one("litellm_request_queue_time_seconds_sum").1;
    assert!((queue - 0.002).abs() < 1e-9, "{queue}");
    assert_eq!(&*seen.one("litellm_zero_cost_requests_total").0["reason"], "missing_pricing_key");
    let (labels, _) = seen.one("litellm_mcp_tool_calls_total");
    assert_eq!((&*labels["mcp_server_name"], &*labels["mcp_tool_name"]), ("github", "search"));
    assert_eq!(&*labels["api_key_alias"], "None");
}
