//! Addresses and keys that clients bring along.

use llm_simulator::{Simulator, SimulatorConfig};
use llm_tests::{Canned, Gateway, MASTER_KEY, UPSTREAM_KEY, calls};
use serde_json::{Value, json};

fn model(name: &str, base: &str, may: &Value) -> Value {
    json!({"model_name": name, "litellm_params": {"model": "openai/gpt-4o", "api_base": format!("{base}/v1"), "api_key": UPSTREAM_KEY,
        "organization": "org-of-the-operator", "configurable_clientside_auth_params": may}})
}

#[tokio::test]
async fn clients_bring_addresses_and_keys_where_they_may() {
    let sim = Simulator::start(SimulatorConfig::default()).await.unwrap();
    let answer = json!({"id": "c1", "object": "chat.completion", "created": 1, "model": "m",
        "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "from elsewhere"}}],
        "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}});
    let theirs = Canned::start(move |_| (200, "application/json", answer.to_string())).await.unwrap();
    let base = sim.base_url();
    let named = json!(["api_key", {"api_base": "http://127\\.0\\.0\\.1:[0-9]+/v1"}]);
    let models = [
        model("gpt", &base, &named),
        model("plain", &base, &Value::Null),
        model("any", &base, &json!(["api_base", "api_key"])),
    ];
    let config = json!({"model_list": models, "general_settings": {"master_key": MASTER_KEY}, "router_settings": {"num_retries": 2}});
    let gateway = Gateway::start(&config.to_string()).await.unwrap();
    let ask = async |model: &str, more: Value| {
        let mut body = json!({"model": model, "messages": [{"role": "user", "content": "hi"}]});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let reply = gateway.post("/v1/chat/completions", &body, MASTER_KEY).await.unwrap();
        (reply.status, reply.json())
    };
    let own = format!("{}/v1", theirs.base_url());

    let (status, told) = ask("gpt", json!({"api_base": own, "api_key": "sk-theirs"})).await;
    assert_eq!((status, &told["choices"][0]["message"]["content"]), (200, &json!("from elsewhere")), "{told}");
    let asked = theirs.seen().remove(0);
    assert_eq!((asked.path.as_str(), asked.header("authorization")), ("/v1/chat/completions", "Bearer sk-theirs"));
    assert!(asked.header("openai-organization").is_empty() && !asked.text().contains("sk-theirs"), "{asked:?}");
    assert!(!asked.text().contains("api_base") && calls(&sim).is_empty());

    assert_eq!(ask("gpt", json!({"api_base": own})).await.0, 400, "the operator's key goes nowhere else");
    for elsewhere in ["http://127.0.0.1:1/v1/evil", "https://evil.example/v1"] {
        let (status, told) = ask("gpt", json!({"api_base": elsewhere, "api_key": "k"})).await;
        assert_eq!((status, &told["error"]["type"]), (401, &json!("auth_error")), "{told}");
    }
    assert_eq!(ask("plain", json!({"api_base": own, "api_key": "k"})).await.0, 401);
    assert_eq!(ask("any", json!({"metadata": {"api_base": own}})).await.0, 401);

    // A key alone, at the operator's address; where nobody allows it, it has no effect.
    for (model, key) in [("gpt", "Bearer sk-theirs".to_owned()), ("plain", format!("Bearer {UPSTREAM_KEY}"))] {
        assert_eq!(ask(model, json!({"api_key": "sk-theirs"})).await.0, 200);
        assert_eq!(calls(&sim).last().unwrap().headers["authorization"], key, "{model}");
    }

    // An address that the operator did not name leads to public hosts only, and is no fault of the deployment.
    let before = theirs.seen().len();
    for _ in 0..5 {
        assert!(ask("any", json!({"api_base": own, "api_key": "k"})).await.0 >= 400);
    }
    assert_eq!(theirs.seen().len(), before);
    assert_eq!(ask("any", json!({})).await.0, 200);
}
