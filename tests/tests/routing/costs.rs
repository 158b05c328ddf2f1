//! What calls cost and would cost, and what is left of budgets of the router.

use super::*;

#[tokio::test]
async fn costs_are_told_without_a_call() {
    let sim = sim().await;
    let gateway = Gateway::start(&Config::empty(&sim).model("m", "openai/gpt-4o", &[]).yaml()).await.unwrap();
    let usage = json!({"prompt_tokens": 1000, "completion_tokens": 100, "total_tokens": 1100});
    for (body, wanted) in [
        (json!({"completion_response": {"model": "gpt-4o", "usage": usage}}), 0.0035),
        (json!({"model": "m", "completion_response": {"model": "x", "usage": usage}}), 0.0035),
        (
            json!({"completion_response": {"type": "message", "model": "claude-sonnet-4-5",
            "usage": {"input_tokens": 1000, "output_tokens": 100}}}),
            0.0045,
        ),
    ] {
        let cost = gateway.ask("/spend/calculate", &body).await.unwrap().json();
        assert!((cost["cost"].as_f64().unwrap_or_default() - wanted).abs() < 1e-9, "{body}: {cost}");
    }
    let prompt = json!({"model": "m", "messages": [{"role": "user", "content": "hello there"}]});
    let cost = gateway.ask("/spend/calculate", &prompt).await.unwrap().json();
    assert!(cost["cost"].as_f64().is_some_and(|cost| cost > 1e-5 && cost < 1e-4), "{cost}");
    let unknown = json!({"model": "no-such-model", "messages": []});
    for (bad, status) in [(json!({}), 400), (json!({"model": "m"}), 400), (unknown, 404)] {
        assert_eq!(gateway.ask("/spend/calculate", &bad).await.unwrap().status, status, "{bad}");
    }
    let wish = json!({"model": "m", "input_tokens": 1000, "output_tokens": 100, "num_requests_per_day": 10});
    let told = gateway.ask("/cost/estimate", &wish).await.unwrap().json();
    let near = |name: &str, wanted: f64| (told[name].as_f64().unwrap_or_default() - wanted).abs() < 1e-9;
    assert!(near("cost_per_request", 0.0035) && near("daily_cost", 0.035), "{told}");
    assert!(near("monthly_cost", 1.05) && told["provider"] == "openai", "{told}");
}

#[tokio::test]
async fn a_deployment_that_has_spent_its_budget_is_left_out() {
    let sim = sim().await;
    let dear = [
        "order: 1",
        "max_budget: 0.001",
        "budget_duration: 1d",
        "input_cost_per_token: 0.001",
        "output_cost_per_token: 0.001",
    ];
    let gateway = Gateway::start(&two(&sim, &dear, &["order: 2"]).yaml()).await.unwrap();
    let mut stream = say("hi");
    stream["stream"] = json!(true);
    assert_eq!(gateway.ask(CHAT, &stream).await.unwrap().status, 200);
    assert_eq!(gateway.ask(CHAT, &say("hi")).await.unwrap().status, 200);
    assert_eq!(places(&sim), ["east", "west"], "the bill of the stream was the first's whole budget");
    let only = Config::empty(&sim)
        .model("m", "openai/gpt-4o", &[])
        .router("provider_budget_config: {openai: {budget_limit: 0.0000001, time_period: 1d}}");
    let gateway = Gateway::start(&only.yaml()).await.unwrap();
    assert_eq!(gateway.ask(CHAT, &say("hi")).await.unwrap().status, 200);
    let refused = gateway.ask(CHAT, &say("hi")).await.unwrap();
    assert_eq!(refused.status, 429, "{}", refused.text());
    assert!(refused.text().contains("crossed budget"), "{}", refused.text());
    let told = gateway.get("/provider/budgets", MASTER_KEY).await.unwrap().json();
    let openai = &told["providers"]["openai"];
    assert_eq!((&openai["time_period"], &openai["budget_limit"]), (&json!("1d"), &json!(1e-7)), "{told}");
    assert!(openai["spend"].as_f64().unwrap() > 1e-7 && openai["budget_reset_at"].is_string(), "{told}");
}
