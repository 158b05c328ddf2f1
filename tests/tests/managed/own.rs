//! Addresses and keys that clients bring along.

use llm_simulator::{Fault, Match, Script, Simulator, SimulatorConfig};
use llm_tests::{Canned, Gateway, MASTER_KEY, Options, UPSTREAM_KEY, calls};
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

#[tokio::test]
async fn nothing_of_the_environment_goes_to_a_clients_address() {
    let theirs = Canned::start(|_| (200, "application/json", "{}".to_owned())).await.unwrap();
    let bring = json!(["api_base", "api_key", {"api_base": "http://127\\.0\\.0\\.1:[0-9]+(/v1)?"}]);
    let model = |name: &str, model: &str| {
        json!({"model_name": name, "litellm_params": {"model": model, "api_base": "http://127.0.0.1:1", "api_key": "ours",
            "project_id": "p", "configurable_clientside_auth_params": bring}})
    };
    let models = [model("granite", "watsonx/ibm/granite-3-8b-instruct"), model("gpt", "openai/gpt-4o")];
    let config = json!({"model_list": models, "general_settings": {"master_key": MASTER_KEY}});
    for variable in ["WATSONX_TOKEN", "WATSONX_ZENAPIKEY"] {
        let env = [(variable, "hush"), ("OPENAI_ORGANIZATION", "hush"), ("OPENAI_PROJECT", "hush")];
        let env = env.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
        let gateway = Gateway::start_with(&config.to_string(), &Options { env, ..Options::default() }).await.unwrap();
        for model in ["granite", "gpt"] {
            let body = json!({"model": model, "messages": [{"role": "user", "content": "hi"}],
                "api_base": theirs.base_url(), "api_key": "sk-theirs"});
            gateway.ask("/v1/chat/completions", &body).await.unwrap();
        }
    }
    let seen = theirs.seen();
    assert!(!seen.is_empty(), "those that need no more than a key are asked");
    for asked in seen {
        assert!(!format!("{asked:?}").contains("hush"), "{asked:?}");
        assert_eq!(asked.header("authorization"), "Bearer sk-theirs");
    }
}

/// What a host of a client's answers: a stream without an end, or an answer that a filter cut, which costs a lot.
fn troublesome(streams: bool) -> llm_tests::Said {
    let told = json!({"id": "c1", "object": "chat.completion", "created": 1, "model": "m",
        "choices": [{"index": 0, "finish_reason": "content_filter", "message": {"role": "assistant", "content": "half"},
            "delta": {"content": "half"}}],
        "usage": {"prompt_tokens": 9_000_000, "completion_tokens": 1, "total_tokens": 9_000_001}});
    match streams {
        false => (200, "application/json", told.to_string()),
        true => {
            let mut chunk = told;
            chunk["choices"][0]["finish_reason"] = Value::Null;
            (200, "text/event-stream", format!("data: {chunk}\n\n"))
        }
    }
}

#[tokio::test]
async fn what_a_client_brings_says_nothing_of_the_deployment() {
    let sim = Simulator::start(SimulatorConfig::default()).await.unwrap();
    let theirs = Canned::start(|asked| troublesome(asked.json["stream"] == true)).await.unwrap();
    let base = sim.base_url();
    sim.script(
        Match::path("/breaks"),
        Script { text: Some("one two three".to_owned()), after: Some(2), ..Script::fault(Fault::Cut) }.times(1),
    );
    let may = json!(["api_key", {"api_base": "http://127\\.0\\.0\\.1:[0-9]+/v1"}]);
    let models = [
        model("gpt", &base, &may),
        model("breaks", &format!("{base}/breaks"), &may),
        model("spare", &format!("{base}/spare"), &Value::Null),
    ];
    let config = json!({"model_list": models, "general_settings": {"master_key": MASTER_KEY},
        "router_settings": {"num_retries": 0, "allowed_fails": 0, "cooldown_time": 600, "fallbacks": [{"*": ["spare"]}],
            "provider_budget_config": {"openai": {"budget_limit": 1, "time_period": "1d"}}}});
    let gateway = Gateway::start(&config.to_string()).await.unwrap();
    let ask = async |model: &str, stream: bool, more: Value| {
        let mut body = json!({"model": model, "stream": stream, "messages": [{"role": "user", "content": "hi"}]});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        gateway.ask("/v1/chat/completions", &body).await.unwrap()
    };
    let own = json!({"api_base": format!("{}/v1", theirs.base_url()), "api_key": "sk-theirs"});
    let whole = ask("gpt", false, own.clone()).await;
    assert_eq!(whole.status, 200, "{}", whole.text());
    assert_eq!(whole.json()["choices"][0]["message"]["content"], "half", "nobody else is asked");
    for _ in 0..3 {
        let broken = ask("gpt", true, own.clone()).await;
        assert!(broken.text().contains("half") && broken.text().contains("\"error\""), "{}", broken.text());
    }
    let broken = ask("breaks", true, json!({"api_key": "sk-theirs"})).await;
    assert!(broken.text().contains("\"error\""), "nobody goes on: {}", broken.text());

    let before = calls(&sim);
    assert!(before.iter().all(|call| !call.path.starts_with("/spare")), "the key is shown to nobody else");
    for model in ["gpt", "breaks"] {
        let plain = ask(model, false, json!({})).await;
        assert_eq!(plain.status, 200, "{model}: {}", plain.text());
    }
    let after = calls(&sim);
    assert_eq!(after.len(), before.len() + 2);
    assert!(after.iter().all(|call| !call.path.starts_with("/spare")), "no deployment rests, no budget is used up");
}
