//! Relays to a model group: the rules of routing hold for bodies that nobody reads.

use super::*;

const VLLM: &str = "/vllm/v1/chat/completions";

#[tokio::test]
async fn tags_orders_and_cooldowns_hold_for_what_is_passed_through() {
    let sim = sim().await;
    let model = "hosted_vllm/served";
    let config = Config::empty(&sim)
        .model_below("m", model, "/east", &["tags: [free]"])
        .model_below("m", model, "/west", &["tags: [paid, default]"])
        .model_below("n", model, "/first", &["order: 1", "tags: [default]"])
        .model_below("n", model, "/second", &["order: 2", "tags: [default]"])
        .router("enable_tag_filtering: true")
        .router("num_retries: 0")
        .router("fallbacks: [{n: [m]}]");
    let gateway = Gateway::start(&config.yaml()).await.unwrap();
    let passed = async |model: &str, headers: &[(&str, &str)]| {
        let body = json!({"model": model, "messages": [{"role": "user", "content": "hi"}]});
        let bearer = format!("Bearer {MASTER_KEY}");
        let mut all = vec![("authorization", bearer.as_str()), ("content-type", "application/json")];
        all.extend_from_slice(headers);
        gateway.send(Method::POST, VLLM, &all, Bytes::from(body.to_string())).await.unwrap()
    };
    for _ in 0..3 {
        assert_eq!(passed("m", &[("x-litellm-tags", "free")]).await.status, 200);
        assert_eq!(passed("m", &[]).await.status, 200);
    }
    assert_eq!(places(&sim), ["east", "west", "east", "west", "east", "west"]);

    sim.script(Match::path("/first"), Script::fault(Fault::Status(401)));
    let reply = passed("n", &[]).await;
    assert_eq!((reply.status, places(&sim).pop().unwrap().as_str()), (200, "second"), "{}", reply.text());
    let told =
        gateway.get(&format!("/router/decisions/{}", reply.header("x-llm-decision-id")), MASTER_KEY).await.unwrap();
    let told = told.json();
    let outcomes: Vec<_> = told["choices"].as_array().unwrap().iter().map(|c| c["outcome"].as_str().unwrap()).collect();
    assert_eq!(outcomes, ["AuthenticationError", "ok"], "{told}");
    let before = calls(&sim).len();
    assert_eq!(passed("n", &[]).await.status, 200);
    assert_eq!(
        (calls(&sim).len() - before, places(&sim).pop().unwrap().as_str()),
        (1, "second"),
        "the first one rests"
    );

    // Nobody is left: the upstream's own words, no other group, and the decision.
    sim.script(Match::path("/second"), Script::fault(Fault::Status(401)));
    let reply = passed("n", &[]).await;
    assert_eq!((reply.status, reply.header("x-llm-decision-id").len()), (401, 16), "{}", reply.text());
    let refused = passed("n", &[]).await;
    assert_eq!((refused.status, refused.header("x-llm-decision-id").len()), (429, 16), "{}", refused.text());
    let refused = passed("m", &[("x-litellm-tags", "!free, &other")]).await;
    assert_eq!(refused.status, 401, "{}", refused.text());
    assert!(places(&sim).iter().filter(|place| *place == "east").count() == 3, "fallbacks do not hold for relays");
}

#[tokio::test]
async fn keys_in_addresses_are_told_to_nobody() {
    let sim = sim().await;
    let config = Config::empty(&sim)
        .model_below("m", "hosted_vllm/served", "/east?key=sk-in-the-address", &[])
        .router("num_retries: 0");
    let gateway = Gateway::start(&config.yaml()).await.unwrap();
    sim.script(Match::any(), Script::fault(Fault::Status(401)));
    let body = json!({"model": "m", "messages": [{"role": "user", "content": "hi"}]});
    let reply = gateway.ask(VLLM, &body).await.unwrap();
    assert_eq!(reply.status, 401, "{}", reply.text());
    let told = gateway.get("/metrics", MASTER_KEY).await.unwrap().text();
    assert!(told.contains("litellm_deployment_failure_responses_total{") && told.contains("/east"), "{told}");
    assert!(!told.contains("sk-in-the-address"), "{told}");
    assert!(!reply.text().contains("sk-in-the-address") && !gateway.logs().contains("sk-in-the-address"));
}
