//! Limits that come from models: defaults for keys, shares of priorities, budgets of access groups.

use super::*;

#[tokio::test]
async fn models_limit_keys_priorities_and_groups() {
    let sim = Simulator::start(SimulatorConfig::default()).await.unwrap();
    let yaml = Config::standard(&sim)
        .model("bounded", "openai/gpt-4o", &["default_api_key_rpm_limit: 2"])
        .model("shared", "openai/gpt-4o", &["rpm: 10"])
        .model("premium", "openai/gpt-4o", &[])
        .litellm("callbacks: [dynamic_rate_limiter_v3]")
        .litellm("priority_reservation: {prod: 0.8, dev: 0.2}")
        .litellm("budget_exceeded_throttle_percentage: 0.1")
        .yaml()
        .replace("model_name: 'premium'\n", "model_name: 'premium'\n    model_info: {access_groups: [tier]}\n");
    let gateway = Gateway::start(&yaml).await.unwrap();
    let statuses = async |model: &str, key: &str, calls: usize| {
        let mut statuses = Vec::new();
        for _ in 0..calls {
            statuses.push(gateway.post(CHAT, &say(model, "hi"), key).await.unwrap().status);
        }
        statuses
    };
    let plain = new_key(&gateway, &json!({})).await;
    assert_eq!(statuses("bounded", &plain, 3).await, [200, 200, 429], "the deployment's limit for keys");
    assert_eq!(statuses("gpt", &plain, 3).await, [200, 200, 200]);

    let dev = new_key(&gateway, &json!({"metadata": {"priority": "dev"}})).await;
    let prod = new_key(&gateway, &json!({"metadata": {"priority": "prod"}})).await;
    assert_eq!(statuses("shared", &dev, 6).await, [200, 200, 200, 200, 200, 429], "half of ten is for anybody");
    assert_eq!(statuses("shared", &prod, 6).await, [200, 200, 200, 200, 200, 429], "ten are all");

    let slowed = json!({"max_budget": 0.005, "rpm_limit": 20, "metadata": {"throttle_on_budget_exceeded": true}});
    let slowed = new_key(&gateway, &slowed).await;
    let mut dear = say("gpt", "hi [[sim prompt_tokens=10 completion_tokens=1000]]");
    dear["max_tokens"] = json!(1000);
    assert_eq!(gateway.post(CHAT, &dear, &slowed).await.unwrap().status, 200);
    assert_eq!(statuses("gpt", &slowed, 2).await, [200, 429], "a tenth of twenty is left, one was used");

    let bearer = format!("Bearer {MASTER_KEY}");
    let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
    let budget = bytes::Bytes::from(json!({"max_budget": 0.005}).to_string());
    let set = gateway.send(http::Method::PUT, "/access_group/tier/budget", &headers, budget).await.unwrap();
    assert_eq!(set.status, 200, "{}", set.text());
    dear["model"] = json!("premium");
    assert_eq!(gateway.post(CHAT, &dear, &plain).await.unwrap().status, 200);
    let over = gateway.post(CHAT, &dear, &prod).await.unwrap();
    assert_error(&over, 422, "budget_exceeded");
    assert!(over.text().contains("Model Access Group=tier"), "everybody shares it: {}", over.text());
    eventually("the group's spend", async || {
        let info = gateway.get("/access_group/tier/info", MASTER_KEY).await.unwrap().json();
        info["spend"].as_f64().filter(|spend| *spend > 0.0).map(|_| info)
    })
    .await;
}
