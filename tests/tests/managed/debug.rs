//! What operators ask of the process, and what LiteLLM's pages ask for and there is nothing of.

use http::Method;
use llm_simulator::{Simulator, SimulatorConfig};
use llm_tests::{Form, Gateway, MASTER_KEY, Options, eventually};
use serde_json::{Value, json};

use super::{config, key};

const DRAIN: &str = "/health/drain";

#[tokio::test]
async fn the_process_tells_what_it_uses_and_holds() {
    let sim = Simulator::start(SimulatorConfig::default()).await.unwrap();
    let gateway = Gateway::start(&config(&sim, "")).await.unwrap();
    let user = key(&gateway, json!({"key_alias": "known"})).await;
    assert_eq!(super::chat(&gateway, &user, "hi").await.0, 200);
    let get = async |path: &str| {
        let refused = gateway.get(path, &user).await.unwrap().status;
        assert!(matches!(refused, 401 | 403), "{path}: {refused}");
        let reply = gateway.get(path, MASTER_KEY).await.unwrap();
        assert_eq!(reply.status, 200, "{path}: {}", reply.text());
        reply.json()
    };
    let summary = get("/debug/memory/summary").await;
    assert!(summary["memory"]["ram_usage_mb"].as_f64().unwrap() > 1.0, "{summary}");
    assert_eq!(summary["caches"]["breakdown"]["user_api_keys"]["count"], json!(1), "{summary}");
    assert_eq!(summary["worker_pid"], json!(gateway.id().unwrap()));
    let details = get("/debug/memory/details").await;
    assert!(details["process_memory"]["threads"]["count"].as_u64().unwrap() > 1, "{details}");
    assert_eq!(details["router_memory"]["model_list"]["num_models"], json!(1), "{details}");
    let tasks = get("/debug/asyncio-tasks").await;
    let by_name: u64 = tasks["by_name"].as_object().unwrap().values().map(|count| count.as_u64().unwrap()).sum();
    assert_eq!(tasks["total_active_tasks"], json!(by_name), "{tasks}");
    assert_eq!(get("/debug/report").await["surface"], json!("proxy"));
    assert_eq!(get("/otel-spans").await["otel_spans"], json!([]));
    assert_eq!(get("/memory-usage-in-mem-cache").await["num_items_in_user_api_key_cache"], json!(1));
    let items = get("/memory-usage-in-mem-cache-items").await;
    let known: Vec<&Value> = items["user_api_key_cache"].as_object().unwrap().values().collect();
    assert_eq!(known, [&json!({"key_alias": "known", "user_id": null, "team_id": null})], "{items}");
    assert!(!items.to_string().contains(&user), "keys are told to nobody");
    let providers = get("/model/settings").await;
    let openai = providers.as_array().unwrap().iter().find(|one| one["name"] == "openai").unwrap();
    assert_eq!(openai["fields"][0]["field_name"], json!("api_key"), "{openai}");
    assert_eq!(get("/get/latest_release_info").await, Value::Null);
    assert_eq!(get("/schedule/anthropic_beta_headers_reload/status").await["scheduled"], json!(false));
    let warmed = gateway.post("/lazy/warm/guardrails", &json!({}), &user).await.unwrap();
    assert_eq!(warmed.status, 404, "{}", warmed.text());
}

#[tokio::test]
async fn a_prompt_of_a_file_becomes_json() {
    let sim = Simulator::start(SimulatorConfig::default()).await.unwrap();
    let gateway = Gateway::start(&config(&sim, "")).await.unwrap();
    let send = async |name: &str, text: &str| {
        let form = Form::default().file("file", name, text.as_bytes());
        gateway.post_form("/utils/dotprompt_json_converter", &form, MASTER_KEY).await.unwrap()
    };
    let made = send("greet.prompt", "---\nmodel: gpt\ntemperature: 0.5\n---\nUser: Hello {{name}}").await;
    let wanted = json!({
        "prompt_id": "greet",
        "json_data": {"content": "User: Hello {{name}}", "metadata": {"model": "gpt", "temperature": 0.5}},
    });
    assert_eq!((made.status, made.json()), (200, wanted));
    assert_eq!(send("greet.txt", "x").await.status, 400);
    assert_eq!(send("greet.prompt", "---\n- a\n---\nx").await.status, 400);
}

#[tokio::test]
async fn a_gateway_that_is_told_to_drain_lets_calls_end() {
    let sim = Simulator::start(SimulatorConfig::default()).await.unwrap();
    let plain = Gateway::start(&config(&sim, "")).await.unwrap();
    assert_eq!(plain.get(DRAIN, "").await.unwrap().status, 404, "it has to be switched on");
    let on = config(&sim, "").replace("master_key:", "enable_drain_endpoint: true, master_key:");
    let env = vec![("DRAIN_ENDPOINT_TOKEN".to_owned(), "t-of-drain".to_owned())];
    let gateway = Gateway::start_with(&on, &Options { env, ..Options::default() }).await.unwrap();
    let drain =
        async |token: &str| gateway.send(Method::GET, DRAIN, &[("x-drain-token", token)], "".into()).await.unwrap();
    assert_eq!(drain("wrong").await.status, 401);
    assert_eq!(gateway.get("/health/readiness", "").await.unwrap().status, 200, "nothing happened");
    let slow = json!({"model": "gpt", "messages": [{"role": "user", "content": "hi [[sim delay_ms=1500]]"}]});
    let call = async { gateway.post("/v1/chat/completions", &slow, MASTER_KEY).await.unwrap().status };
    let drained = async {
        eventually("the call is under way", async || {
            let backlog = gateway.get("/health/backlog", MASTER_KEY).await.unwrap().json();
            (backlog["in_flight_requests"] == json!(1)).then_some(())
        })
        .await;
        drain("t-of-drain").await
    };
    let (status, drained) = tokio::join!(call, drained);
    assert_eq!(status, 200, "calls under way end");
    assert_eq!((drained.status, drained.json()), (200, json!({"status": "drained", "drained_requests": 1})));
    for probe in ["/health/readiness", "/health/liveliness"] {
        assert_eq!(gateway.get(probe, "").await.unwrap().status, 503, "{probe}");
    }
}
