//! `allowed_model_region` and `default_model` of end users: they hold for calls, relays, realtime sessions and resources.

use llm_tests::Options;

use super::*;

const VLLM: &str = "/vllm/v1/chat/completions";
const PASSED: &str = "/openai_passthrough/v1/chat/completions";

async fn customer(gateway: &Gateway, fields: Value) {
    let made = gateway.ask("/customer/new", &fields).await.unwrap();
    assert_eq!(made.status, 200, "{}", made.text());
}

#[tokio::test]
async fn end_users_stay_in_their_region_whatever_is_called() {
    let sim = sim().await;
    let config = two(&sim, &["region_name: us-east-1"], &["region_name: eu"])
        .model_below("n", "openai/gpt-4o-mini", "/north", &[])
        .model_below("home", "openai/gpt-4o", "/home", &["region_name: eu-west-1"])
        .model_below("v", "hosted_vllm/served", "/east", &["region_name: us-east-1"])
        .model_below("v", "hosted_vllm/served", "/west", &["region_name: eu"]);
    let env = [("OPENAI_API_BASE", format!("{}/v1", sim.base_url())), ("OPENAI_API_KEY", "sk-env".to_owned())];
    let env = env.map(|(name, value)| (name.to_owned(), value)).to_vec();
    let gateway = Gateway::start_with(&config.yaml(), &Options { env, ..Options::default() }).await.unwrap();
    customer(&gateway, json!({"user_id": "ada", "allowed_model_region": "eu", "default_model": "home"})).await;
    customer(&gateway, json!({"user_id": "bob", "allowed_model_region": "eu"})).await;

    // nobody knows where `n` runs: the default model answers, for whom there is one and who may use it
    let body = |model: &str, user: &str| json!({"model": model, "user": user, "messages": [{"role": "user", "content": "hi"}]});
    let reply = gateway.ask(CHAT, &body("n", "ada")).await.unwrap();
    assert_eq!((reply.status, places(&sim).pop().unwrap().as_str()), (200, "home"), "{}", reply.text());
    assert_eq!(reply.header("x-litellm-model-group"), "home");
    assert_eq!(gateway.ask(CHAT, &body("n", "bob")).await.unwrap().status, 429);
    let key = gateway.ask("/key/generate", &json!({"models": ["n"]})).await.unwrap().json();
    let refused = gateway.post(CHAT, &body("n", "ada"), key["key"].as_str().unwrap()).await.unwrap();
    assert_eq!(refused.status, 429, "the key may not use the default: {}", refused.text());
    assert_eq!(gateway.ask(CHAT, &body("n", "eve")).await.unwrap().status, 200, "who is bound to nothing");
    // a client may narrow itself, but not widen
    let mut own = body("m", "eve");
    own["allowed_model_region"] = json!("us");
    assert_eq!(gateway.ask(CHAT, &own).await.unwrap().status, 200);
    assert_eq!(places(&sim).pop().unwrap(), "east");
    own["user"] = json!("bob");
    assert_eq!(gateway.ask(CHAT, &own).await.unwrap().status, 200);
    assert_eq!(places(&sim).pop().unwrap(), "west");

    for _ in 0..3 {
        let passed = gateway.ask(VLLM, &body("v", "bob")).await.unwrap();
        assert_eq!((passed.status, places(&sim).pop().unwrap().as_str()), (200, "west"), "{}", passed.text());
    }
    let before = calls(&sim).len();
    let bearer = format!("Bearer {MASTER_KEY}");
    let headers = [("authorization", bearer.as_str()), ("x-litellm-end-user-id", "bob")];
    let passed = gateway.ask(PASSED, &body("gpt-4o", "bob")).await.unwrap();
    assert_eq!((passed.status, calls(&sim).len()), (403, before), "{}", passed.text());
    let file = gateway.send(Method::GET, "/v1/files?model=n", &headers, Bytes::new()).await.unwrap();
    assert_eq!((file.status, calls(&sim).len()), (403, before), "{}", file.text());
    let free = gateway.ask(PASSED, &body("gpt-4o", "eve")).await.unwrap();
    assert_eq!(free.status, 200, "{}", free.text());
}
