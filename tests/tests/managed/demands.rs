//! What keys and the operator demand of bodies, and how large an answer may be.

use llm_simulator::{Simulator, SimulatorConfig};

use super::*;

async fn with(gateway: &Gateway, key: &str, more: Value) -> (u16, Value) {
    let mut body = json!({"model": "gpt", "messages": [{"role": "user", "content": "hi"}]});
    for (name, value) in more.as_object().unwrap() {
        body[name] = value.clone();
    }
    let reply = gateway.post("/v1/chat/completions", &body, key).await.unwrap();
    (reply.status, reply.json())
}

#[tokio::test]
async fn bodies_have_what_is_demanded() {
    let sim = Simulator::start(SimulatorConfig::default()).await.unwrap();
    let yaml = config(&sim, "").replace(
        "general_settings: {",
        "general_settings: {enforced_params: [user], service_account_settings: {enforced_params: [metadata.job]}, ",
    );
    let gateway = Gateway::start(&yaml).await.unwrap();
    let plain = key(&gateway, json!({})).await;
    let demanding = key(&gateway, json!({"enforced_params": ["metadata.generation_name"]})).await;
    let service = key(&gateway, json!({"metadata": {"service_account_id": "nightly"}})).await;
    let named = json!({"user": "u", "metadata": {"generation_name": "g"}});
    for (key, body, missing) in [
        (&plain, json!({}), Some("user")),
        (&plain, json!({"user": null}), Some("user")),
        (&plain, json!({"user": "u"}), None),
        (&demanding, json!({"user": "u"}), Some("metadata.generation_name")),
        (&demanding, json!({"user": "u", "metadata": {"generation_name": null}}), Some("metadata.generation_name")),
        (&demanding, named.clone(), None),
        (&service, named, Some("metadata.job")),
        (&service, json!({"user": "u", "metadata": {"job": 7}}), None),
    ] {
        let before = llm_tests::calls(&sim).len();
        let (status, answer) = with(&gateway, key, body.clone()).await;
        let Some(missing) = missing else {
            assert_eq!(status, 200, "{body}: {answer}");
            continue;
        };
        assert_eq!((status, &answer["error"]["param"]), (400, &json!(missing)), "{body}: {answer}");
        assert_eq!(answer["error"]["type"], "bad_request_error");
        assert_eq!(llm_tests::calls(&sim).len(), before, "nobody was asked");
    }
    // The owner of a key cannot lift what it demands; an administrator can.
    let lift = json!({"key": demanding, "enforced_params": []});
    assert_eq!(gateway.ask("/key/update", &lift).await.unwrap().status, 200);
    assert_eq!(with(&gateway, &demanding, json!({"user": "u"})).await.0, 200);
}

#[tokio::test]
async fn keys_say_what_may_be_said_of_the_cache() {
    let sim = Simulator::start(SimulatorConfig::default()).await.unwrap();
    let more = "litellm_settings: {cache: true, cache_params: {type: local}}\n";
    let gateway = Gateway::start(&config(&sim, more)).await.unwrap();
    let bound = key(&gateway, json!({"allowed_cache_controls": ["no-cache"]})).await;
    let free = key(&gateway, json!({})).await;
    for (key, cache, status) in [
        (&bound, json!({"no-cache": true}), 200),
        (&bound, json!({"no-store": true}), 403),
        (&bound, json!({"no-cache": true, "ttl": 5}), 403),
        (&bound, json!({}), 200),
        (&free, json!({"ttl": 5, "no-store": true}), 200),
    ] {
        let (got, answer) = with(&gateway, key, json!({"cache": cache})).await;
        assert_eq!(got, status, "{cache}: {answer}");
        if status == 403 {
            let message = answer["error"]["message"].as_str().unwrap();
            assert!(message.starts_with("Not allowed to set ") && message.contains("cache control"), "{answer}");
        }
    }
}

#[tokio::test]
async fn long_answers_are_not_read_to_their_end() {
    let sim = Simulator::start(SimulatorConfig::default()).await.unwrap();
    let yaml = config(&sim, "")
        .replace("general_settings: {", "general_settings: {proxy_batch_write_at: 1, max_response_size_mb: 0.002, ");
    let gateway = Gateway::start(&yaml).await.unwrap();
    let key = key(&gateway, json!({})).await;
    assert_eq!(chat(&gateway, &key, "short [[sim completion_tokens=5]]").await.0, 200);
    let before = llm_tests::calls(&sim).len();
    // It says again what it was told.
    let (status, answer) = chat(&gateway, &key, &"long ".repeat(1000)).await;
    assert!(status >= 400, "{answer}");
    assert!(answer["error"]["message"].as_str().unwrap().starts_with("Response size is too large."), "{answer}");
    assert_eq!(llm_tests::calls(&sim).len(), before + 1, "it is not asked for again");
}
