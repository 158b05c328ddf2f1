//! Limits of some calls of a key, limits that a new configuration brings, and what operators hear of calls that fail.

use super::*;
use http::Method;
use llm_tests::{Asked, Canned, Said};

async fn call(gateway: &Gateway, key: &str, headers: &[(&str, &str)], more: &Value) -> Reply {
    let mut body = say("gpt", "hi");
    for (name, value) in more.as_object().unwrap() {
        body[name] = value.clone();
    }
    let bearer = format!("Bearer {key}");
    let mut all = vec![("authorization", bearer.as_str()), ("content-type", "application/json")];
    all.extend(headers);
    gateway.send(Method::POST, CHAT, &all, body.to_string().into()).await.unwrap()
}

fn message(reply: &Reply) -> String {
    reply.json()["error"]["message"].as_str().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn tags_and_sessions_have_limits_of_their_own() {
    let (_sim, gateway) = started().await;
    let key = new_key(&gateway, &json!({"tag_rpm_limit": {"a": 1}, "metadata": {"max_iterations": 2}})).await;
    let tagged = json!({"metadata": {"tags": ["a"]}});
    let first = call(&gateway, &key, &[], &tagged).await;
    assert_eq!(first.status, 200, "{}", first.text());
    assert_eq!(first.header("x-ratelimit-tag_per_key-remaining-requests"), "0");
    let second = call(&gateway, &key, &[("x-litellm-tags", "a")], &json!({})).await;
    assert_eq!((second.status, second.header("rate_limit_type")), (429, "requests"), "{}", second.text());
    assert!(message(&second).starts_with("Rate limit exceeded for tag_per_key: "), "{}", second.text());

    let session = json!({"metadata": {"session_id": "one"}});
    for _ in 0..2 {
        assert_eq!(call(&gateway, &key, &[], &session).await.status, 200);
    }
    let third = call(&gateway, &key, &[("x-litellm-session-id", "one")], &json!({})).await;
    let wanted = "Max iterations exceeded for session one. Current count: 3, max_iterations: 2.";
    assert_eq!((third.status, message(&third)), (429, wanted.to_owned()));
    assert_eq!(call(&gateway, &key, &[("x-litellm-session-id", "two")], &json!({})).await.status, 200);
}

/// A provider that is out.
fn out(_: &Asked) -> Said {
    (500, "application/json", json!({"error": {"message": "`out` <!here>", "type": "server_error"}}).to_string())
}

#[tokio::test]
async fn a_dynamic_limit_holds_while_the_model_fails_and_operators_hear_of_it() {
    let (model, hooks) = (Canned::start(out).await.unwrap(), Canned::start(|_| (200, "text/plain", "ok".to_owned())));
    let hooks = hooks.await.unwrap();
    let there = json!({"model": "openai/gpt-4o", "api_base": format!("{}/v1", model.base_url()), "api_key": "sk-up"});
    let config = json!({
        "model_list": [{"model_name": "gpt", "litellm_params": there}],
        "router_settings": {"num_retries": 0, "disable_cooldowns": true},
        "general_settings": {
            "master_key": MASTER_KEY, "alerting": ["slack"], "alert_types": ["llm_exceptions", "outage_alerts"],
            "alerting_args": {"minor_outage_alert_threshold": 2},
        },
    });
    let url = format!("{}/slack", hooks.base_url());
    let options = Options { env: vec![("SLACK_WEBHOOK_URL".to_owned(), url)], ..Options::default() };
    let gateway = Gateway::start_with(&config.to_string(), &options).await.unwrap();
    let key = new_key(&gateway, &json!({"key_alias": "flexible", "rpm_limit": 1, "rpm_limit_type": "dynamic"})).await;
    let mut statuses = Vec::new();
    for _ in 0..5 {
        statuses.push(call(&gateway, &key, &[], &json!({})).await.status);
    }
    assert_eq!(statuses, [500, 500, 500, 429, 429], "once it fails, one request a minute");
    let told = eventually("both alerts", async || {
        let all: Vec<String> = hooks.seen().into_iter().map(|asked| asked.json["text"].to_string()).collect();
        (all.len() >= 2).then(|| json!(all.concat()))
    })
    .await;
    let told = told.as_str().unwrap();
    assert!(told.contains("[Num Alerts: 3]") && told.contains("Alert type: `llm_exceptions`"), "{told}");
    assert!(told.contains("*Key Name:* `flexible`") && told.contains("&lt;!here&gt;"), "{told}");
    assert!(told.contains("*⚠️ Minor Service Outage*") && !told.contains(&key), "{told}");
}

#[tokio::test]
async fn limits_of_the_configuration_follow_it() {
    let (_sim, gateway) = started().await;
    let key = new_key(&gateway, &json!({"max_budget": 50})).await;
    assert_eq!(gateway.post(CHAT, &say("gpt", "hi"), &key).await.unwrap().status, 200);
    let update = |settings: Value| json!({"litellm_settings": settings});
    let bounded = update(json!({"upperbound_key_generate_params": {"max_budget": 10}, "max_budget": 1e-7}));
    let done = gateway.ask("/config/update", &bounded).await.unwrap();
    assert_eq!(done.status, 200, "{}", done.text());
    let refused = gateway.ask("/key/generate", &json!({"max_budget": 50})).await.unwrap();
    assert_eq!(refused.status, 400, "{}", refused.text());
    // What was spent before counts as soon as it is read.
    eventually("the budget of the proxy", async || {
        (gateway.post(CHAT, &say("gpt", "hi"), &key).await.unwrap().status == 422).then(|| json!(1))
    })
    .await;
}
