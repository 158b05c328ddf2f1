//! Models that stand for others: by quality, by what was learned, by priority, and as a fallback.

use super::*;

/// `small` and `large`, with what they say for auto routers, and routers over them.
fn config(sim: &Running) -> String {
    let auto = |name: &str, kind: &str, config: &str| {
        format!("  - {{model_name: {name}, litellm_params: {{model: auto_router/{kind}, {kind}_config: {config}}}}}\n")
    };
    let routers = [
        auto("wise", "quality_router", "{available_models: [small, large], default_model: small}"),
        auto(
            "learns",
            "adaptive_router",
            "{available_models: [small, large], exploration_rate: 0, weights: {quality: 1.0, cost: 0.0}}",
        ),
        auto("smart", "complexity_router", "{tiers: {SIMPLE: small, REASONING: large}}"),
    ];
    let prefers = |tier: u8, words: &str| {
        format!(
            "\n    model_info: {{litellm_routing_preferences: {{quality_tier: {tier}, keywords: [{words}]}}, \
             adaptive_router_preferences: {{quality_tier: {tier}}}}}\n"
        )
    };
    let (small, large) = (prefers(1, "haiku"), prefers(3, ""));
    Config::empty(sim)
        .model_below("small", "openai/gpt-4o-mini", "/small", &[small.trim_start_matches('\n').trim()])
        .model_below("large", "openai/gpt-4o", "/large", &[large.trim_start_matches('\n').trim()])
        .model_below("broken", "openai/gpt-4o", "/broken", &[])
        .router("fallbacks: [{broken: [smart]}]")
        .router("routing_groups: [{group_name: ranked, models: [small, large], routing_strategy: priority, model_priorities: {small: 2, large: 1}}]")
        .router("cooldown_time: 0")
        .yaml()
        .replace("      model_info:", "    model_info:")
        .replace("model_list:\n", &format!("model_list:\n{}", routers.concat()))
}

#[tokio::test]
async fn quality_learning_and_priority_choose_models() {
    let sim = sim().await;
    sim.script(Match::path("/broken"), Script::fault(Fault::Status(500)));
    let gateway = Gateway::start(&config(&sim)).await.unwrap();
    let asked = async |model: &str, turns: Value, headers: &[(&str, &str)]| {
        let reply = ask(&gateway, &json!({"model": model, "messages": turns}), headers).await;
        assert_eq!(reply.status, 200, "{model}: {}", reply.text());
        (places(&sim).pop().unwrap(), reply)
    };
    let says = |text: &str| json!([{"role": "user", "content": text}]);
    let hard = "Think step by step and analyze what follows from this";

    let (place, reply) = asked("wise", says(hard), &[]).await;
    assert_eq!(place, "large");
    let header = |reply: &Reply, name: &str| reply.header(&format!("x-litellm-quality-router-{name}")).to_owned();
    assert_eq!(
        ["model", "via", "tier", "complexity"].map(|n| header(&reply, n)),
        ["large", "quality_tier", "4", "REASONING"]
    );
    let (place, reply) = asked("wise", says(&format!("{hard}, as a Haiku")), &[]).await;
    assert_eq!((place.as_str(), header(&reply, "keyword").as_str()), ("small", "haiku"));

    // as a fallback it chooses by the same words
    for (text, place) in [("hi", "small"), (hard, "large")] {
        assert_eq!(asked("broken", says(text), &[]).await.0, place, "{text}");
    }

    // the better model answers until its users are displeased, a few times over
    let (place, reply) = asked("learns", says("hello"), &[]).await;
    assert_eq!((place.as_str(), reply.header("x-litellm-adaptive-router-model")), ("large", "large"));
    let turn = |role: &str, text: &str| json!({"role": role, "content": text});
    for talk in 0..14 {
        let mut turns = vec![
            turn("user", &format!("topic {talk}")),
            turn("assistant", "yes"),
            turn("user", "more"),
            turn("assistant", "well"),
        ];
        for text in ["go on", "forget it, stop"] {
            turns.push(turn("user", text));
            asked("learns", json!(turns), &[]).await;
            turns.push(turn("assistant", text));
        }
    }
    assert_eq!(asked("learns", says("hello"), &[]).await.0, "small", "7 of 10 sank to 7 of 24, below 0.3");
    let state = gateway.get("/adaptive_router/state", MASTER_KEY).await.unwrap().json();
    let cells = state["routers"][0]["cells"].as_array().unwrap();
    let of = |model: &str| cells.iter().find(|c| c["model"] == model && c["request_type"] == "general").unwrap();
    assert_eq!((&of("large")["samples"], &of("large")["alpha"]), (&json!(14), &json!(7.0)), "{state}");
    assert_eq!(of("small")["quality_mean"], json!(0.3));
    let at_least = [("x-litellm-min-quality-tier", "3")];
    assert_eq!(asked("learns", says("hello"), &at_least).await.0, "large");
    let refused =
        ask(&gateway, &json!({"model": "learns", "messages": says("hi")}), &[("x-litellm-min-quality-tier", "9")])
            .await;
    assert_eq!(refused.status, 400, "{}", refused.text());

    for _ in 0..3 {
        assert_eq!(asked("ranked", says("hi"), &[]).await.0, "large", "the lowest number first");
    }
    assert_eq!(asked("small", says("hi"), &[]).await.0, "small", "by its own name a model is itself");
    sim.script(Match::path("/large"), Script::fault(Fault::Status(500)));
    assert_eq!(asked("ranked", says("hi"), &[]).await.0, "small", "then the next");
}
