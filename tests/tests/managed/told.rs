//! Services beside Langfuse that are told of calls: of all of them, of a team's.

use llm_simulator::{Simulator, SimulatorConfig};
use llm_tests::{Asked, Canned, Gateway, Options, eventually};
use serde_json::json;

use super::{config, key};

/// What came to a path.
fn at(service: &Canned, path: &str) -> Vec<Asked> {
    service.seen().into_iter().filter(|asked| asked.path == path).collect()
}

#[tokio::test]
async fn services_get_what_they_understand() {
    let sim = Simulator::start(SimulatorConfig::default()).await.unwrap();
    let service = Canned::start(|_: &Asked| (200, "application/json", "{}".to_owned())).await.unwrap();
    let config = config(&sim, "litellm_settings: {callbacks: [datadog, otel, lago, openmeter]}\n");
    let base = service.base_url();
    let port = base.rsplit(':').next().unwrap();
    let env = [
        ("LITELLM_DD_AGENT_HOST", "127.0.0.1"),
        ("LITELLM_DD_AGENT_PORT", port),
        ("DD_SERVICE", "gateway"),
        ("OTEL_ENDPOINT", &base),
        ("OTEL_HEADERS", "x-collector=secret-1"),
        ("LAGO_API_BASE", &base),
        ("LAGO_API_KEY", "lago-1"),
        ("LAGO_API_EVENT_CODE", "tokens"),
        ("LAGO_API_CHARGE_BY", "team_id"),
        ("OPENMETER_API_ENDPOINT", &base),
        ("OPENMETER_API_KEY", "meter-1"),
        ("POSTHOG_API_URL", &base),
        ("ARIZE_HTTP_ENDPOINT", &base),
    ];
    let env = env.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
    let gateway = Gateway::start_with(&config, &Options { env, ..Options::default() }).await.unwrap();
    let team = gateway.ask("/team/new", &json!({"team_id": "red", "team_alias": "Red"})).await.unwrap();
    assert_eq!(team.status, 200, "{}", team.text());
    let own = |name: &str, kind: &str, vars: serde_json::Value| json!({"callback_name": name, "callback_type": kind, "callback_vars": vars});
    for (body, status) in [
        (own("posthog", "success", json!({"posthog_api_key": "phc-red"})), 200),
        (own("arize", "success_and_failure", json!({"arize_space_key": "space", "arize_api_key": "ak-red"})), 200),
        (own("datadog", "success", json!({"dd_agent_host": "10.0.0.1"})), 400),
        (own("langfuse_otel", "success", json!({"langfuse_public_key": "pk"})), 400),
        (own("otel", "success", json!({})), 400),
    ] {
        let told = gateway.ask("/team/red/callback", &body).await.unwrap();
        assert_eq!(told.status, status, "{body}: {}", told.text());
    }
    let of_team = key(&gateway, json!({"team_id": "red", "key_alias": "of-red", "user_id": "ann"})).await;
    let body = json!({"model": "gpt", "messages": [{"role": "user", "content": "tell me a secret"}]});
    assert_eq!(gateway.post("/v1/chat/completions", &body, &of_team).await.unwrap().status, 200);
    let failing = json!({"model": "gpt", "messages": [{"role": "user", "content": "[[sim status=400]]"}]});
    assert_eq!(gateway.post("/v1/chat/completions", &failing, &of_team).await.unwrap().status, 400);

    eventually("all services", async || {
        let paths = ["/api/v2/logs", "/v1/traces", "/api/v1/events/batch", "/api/v1/events", "/batch/"];
        paths.iter().all(|path| !at(&service, path).is_empty()).then(|| json!(1))
    })
    .await;
    let failed_too = eventually("the failed call", async || {
        let logs: Vec<_> =
            at(&service, "/api/v2/logs").iter().flat_map(|asked| asked.json.as_array().cloned().unwrap()).collect();
        (logs.len() == 2).then(|| json!(logs))
    })
    .await;
    let log = &failed_too[0];
    assert_eq!((&log["service"], &log["status"]), (&json!("gateway"), &json!("info")), "{log}");
    assert!(log["ddtags"].as_str().unwrap().ends_with("team:red"), "{log}");
    assert!(log["message"].as_str().unwrap().contains("tell me a secret"));
    assert_eq!(failed_too[1]["status"], "error");

    let lago = &at(&service, "/api/v1/events/batch")[0];
    assert_eq!(lago.header("authorization"), "Bearer lago-1");
    assert_eq!(lago.json["events"][0]["external_subscription_id"], "red", "{}", lago.json);
    let meter = &at(&service, "/api/v1/events")[0];
    assert_eq!(
        (meter.header("content-type"), &meter.json[0]["subject"]),
        ("application/cloudevents-batch+json", &json!("ann"))
    );
    let event = &at(&service, "/batch/")[0];
    assert_eq!(
        (&event.json["api_key"], &event.json["batch"][0]["event"]),
        (&json!("phc-red"), &json!("$ai_generation"))
    );
    let spans = at(&service, "/v1/traces");
    let collector = spans.iter().find(|asked| asked.header("x-collector") == "secret-1").unwrap();
    assert_eq!(collector.header("content-type"), "application/x-protobuf");
    assert!(String::from_utf8_lossy(&collector.body).contains("gen_ai.usage.input_tokens"));
    let arize = spans.iter().find(|asked| asked.header("api_key") == "ak-red").unwrap();
    assert_eq!(arize.header("space_id"), "space");
    assert!(String::from_utf8_lossy(&arize.body).contains("openinference.span.kind"));
    for secret in ["lago-1", "meter-1", "phc-red", "ak-red", "secret-1"] {
        assert!(!gateway.logs().contains(secret), "{secret}");
    }
}

#[tokio::test]
async fn calls_are_objects_of_a_bucket() {
    let sim = Simulator::start(SimulatorConfig::default()).await.unwrap();
    let bucket = Canned::start(|_: &Asked| (200, "application/xml", String::new())).await.unwrap();
    let params = format!(
        "{{s3_bucket_name: calls, s3_path: llm/logs, s3_use_team_prefix: true, s3_endpoint_url: '{}', s3_region_name: eu-west-1,\n\
         \x20   s3_aws_access_key_id: os.environ/OWN_KEY, s3_aws_secret_access_key: s3-secret-1}}",
        bucket.base_url()
    );
    let more = format!("litellm_settings:\n  success_callback: [s3_v2]\n  s3_callback_params: {params}\n");
    let env = vec![("OWN_KEY".to_owned(), "s3-key-1".to_owned())];
    let gateway = Gateway::start_with(&config(&sim, &more), &Options { env, ..Options::default() }).await.unwrap();
    let team = gateway.ask("/team/new", &json!({"team_id": "red", "team_alias": "Red Team"})).await.unwrap();
    assert_eq!(team.status, 200, "{}", team.text());
    let of_team = key(&gateway, json!({"team_id": "red"})).await;
    let body = json!({"model": "gpt", "messages": [{"role": "user", "content": "keep this"}]});
    assert_eq!(gateway.post("/v1/chat/completions", &body, &of_team).await.unwrap().status, 200);
    eventually("the object", async || (!bucket.seen().is_empty()).then(|| json!(1))).await;
    let put = bucket.seen().remove(0);
    assert!(put.path.starts_with("/calls/llm/logs/Red_Team/20") && put.path.ends_with(".json"), "{}", put.path);
    assert_eq!((put.method.as_str(), put.header("content-type")), ("PUT", "application/json"));
    assert!(put.header("authorization").contains("Credential=s3-key-1/"), "signed");
    assert_eq!((&put.json["status"], &put.json["messages"][0]["content"]), (&json!("success"), &json!("keep this")));
    assert!(!gateway.logs().contains("s3-secret-1"));
}
