//! Budgets that run out are told to webhooks, once, and nobody is stopped by a soft one.

use super::*;
use llm_tests::Canned;

/// Bodies of the posts to a path.
fn told(hooks: &Canned, path: &str) -> Vec<Value> {
    hooks.seen().into_iter().filter(|asked| asked.path == path).map(|asked| asked.json).collect()
}

#[tokio::test]
async fn budgets_that_run_out_are_told_once() {
    let sim = Simulator::start(SimulatorConfig::default()).await.unwrap();
    let hooks = Canned::start(|_| (200, "text/plain", "ok".to_owned())).await.unwrap();
    let config = Config::standard(&sim)
        .general("alerting: [slack, webhook]")
        .litellm("default_key_max_budget_alert_emails: {'50': [owner@example.org]}");
    let env = |name: &str, path: &str| (name.to_owned(), format!("{}{path}", hooks.base_url()));
    let options =
        Options { env: vec![env("SLACK_WEBHOOK_URL", "/slack"), env("WEBHOOK_URL", "/hook")], ..Options::default() };
    let gateway = Gateway::start_with(&config.yaml(), &options).await.unwrap();
    let team = gateway.ask("/team/new", &json!({"team_alias": "soft team", "soft_budget": 0.005})).await.unwrap();
    assert_eq!(team.status, 200, "{}", team.text());
    let team = team.json()["team_id"].as_str().unwrap().to_owned();
    let soft = new_key(&gateway, &json!({"key_alias": "soft", "soft_budget": 0.005, "team_id": team})).await;
    let hard = new_key(&gateway, &json!({"key_alias": "hard", "max_budget": 0.011})).await;
    // one call costs a cent
    let mut body = say("gpt", "hi [[sim prompt_tokens=10 completion_tokens=1000]]");
    body["max_tokens"] = json!(1000);
    for _ in 0..3 {
        assert_eq!(gateway.post(CHAT, &body, &soft).await.unwrap().status, 200, "a soft budget stops nobody");
    }
    assert_eq!(gateway.post(CHAT, &body, &hard).await.unwrap().status, 200);
    let statuses = [gateway.post(CHAT, &body, &hard).await.unwrap(), gateway.post(CHAT, &body, &hard).await.unwrap()];
    assert_eq!(statuses.map(|reply| reply.status), [200, 422], "the hard one does");

    eventually("all alerts", async || (told(&hooks, "/hook").len() >= 5).then(|| json!(1))).await;
    let mut events: Vec<(String, String)> = told(&hooks, "/hook")
        .iter()
        .map(|event| [&event["event"], &event["event_group"]].map(|text| text.as_str().unwrap().to_owned()).into())
        .collect();
    events.sort_unstable();
    let wanted = [
        ("budget_crossed", "key"),
        ("max_budget_alert", "key"),
        ("soft_budget_crossed", "key"),
        ("soft_budget_crossed", "team"),
        ("threshold_crossed", "key"),
    ];
    assert_eq!(events, wanted.map(|(event, group)| (event.to_owned(), group.to_owned())));
    let of = |event: &str, group: &str| {
        told(&hooks, "/hook").into_iter().find(|e| e["event"] == event && e["event_group"] == group).unwrap()
    };
    let team_event = of("soft_budget_crossed", "team");
    assert_eq!((&team_event["team_id"], &team_event["soft_budget"]), (&json!(team), &json!(0.005)), "{team_event}");
    assert_eq!(of("max_budget_alert", "key")["alert_emails"], json!(["owner@example.org"]));
    let text = told(&hooks, "/slack").iter().map(Value::to_string).collect::<String>();
    assert!(text.contains("Key Budget: Soft Budget Crossed") && text.contains("*key_alias:* `hard`"), "{text}");
    for key in [soft, hard] {
        assert!(!text.contains(&key) && !gateway.logs().contains(&key), "keys are told to nobody");
    }
    assert!(!gateway.logs().contains("/slack"), "addresses of webhooks are secrets");
}

#[tokio::test]
async fn calls_that_hang_are_told_while_they_do() {
    let sim = Simulator::start(SimulatorConfig::default()).await.unwrap();
    let hooks = Canned::start(|_| (200, "text/plain", "ok".to_owned())).await.unwrap();
    let config = Config::standard(&sim)
        .general("alerting: [slack]")
        .general("alert_types: [llm_requests_hanging]")
        .general("alerting_threshold: 0.3");
    let url = ("SLACK_WEBHOOK_URL".to_owned(), format!("{}/slack", hooks.base_url()));
    let options = Options { env: vec![url], ..Options::default() };
    let gateway = Gateway::start_with(&config.yaml(), &options).await.unwrap();
    let key = new_key(&gateway, &json!({"key_alias": "patient"})).await;
    assert_eq!(gateway.post(CHAT, &say("gpt", "quick"), &key).await.unwrap().status, 200);
    let slow = say("gpt", "hi [[sim delay_ms=1500]]");
    assert_eq!(gateway.post(CHAT, &slow, &key).await.unwrap().status, 200);
    let text = eventually("the alert", async || {
        let all = told(&hooks, "/slack");
        (!all.is_empty()).then(|| json!(all.iter().map(Value::to_string).collect::<String>()))
    })
    .await;
    let text = text.as_str().unwrap();
    assert!(text.contains("Requests are hanging - 0.3s+") && text.contains("*Key Alias:* `patient`"), "{text}");
    assert!(!text.contains("Num Alerts") && !text.contains(&key), "one call, told once: {text}");
}

#[tokio::test]
async fn teams_gets_cards_and_whoever_is_on_call_is_paged() {
    let sim = Simulator::start(SimulatorConfig::default()).await.unwrap();
    let hooks = Canned::start(|_| (202, "text/plain", "ok".to_owned())).await.unwrap();
    let nobody = format!("http://{}", std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap());
    let config = Config::standard(&sim)
        .model_at(&nobody, "dead", "openai/gpt-4o", &[])
        .litellm("callbacks: [pagerduty]")
        .general("alerting: [ms_teams]")
        .general("alert_types: [llm_exceptions]")
        .general("alert_type_config: {llm_exceptions: {digest: true, digest_interval: 3}}")
        .general("alerting_args: {failure_threshold: 2, hanging_threshold_seconds: 0.3, hanging_threshold_fails: 1}")
        .router("disable_cooldowns: true");
    let env = vec![
        ("MS_TEAMS_WEBHOOK_URL".to_owned(), format!("{}/teams", hooks.base_url())),
        ("PAGERDUTY_API_BASE".to_owned(), hooks.base_url()),
        ("PAGERDUTY_API_KEY".to_owned(), "pd-routing-key".to_owned()),
    ];
    let gateway = Gateway::start_with(&config.yaml(), &Options { env, ..Options::default() }).await.unwrap();
    let key = new_key(&gateway, &json!({"key_alias": "patient"})).await;
    for _ in 0..2 {
        assert_eq!(gateway.post(CHAT, &say("dead", "hi"), &key).await.unwrap().status, 500);
    }
    assert_eq!(gateway.post(CHAT, &say("gpt", "hi [[sim delay_ms=1500]]"), &key).await.unwrap().status, 200);
    eventually("the pages and the card", async || {
        let all = [told(&hooks, "/v2/enqueue").len(), told(&hooks, "/teams").len()];
        (all == [2, 1]).then(|| json!(1))
    })
    .await;
    let pages = told(&hooks, "/v2/enqueue");
    let of = |dedup: &str| pages.iter().find(|page| page["dedup_key"] == dedup).unwrap().clone();
    let failing = of("llm-api-failures");
    assert_eq!((&failing["routing_key"], &failing["event_action"]), (&json!("pd-routing-key"), &json!("trigger")));
    assert_eq!(failing["payload"]["severity"], "critical");
    let calls = failing["payload"]["custom_details"]["failing_events"].as_array().unwrap().clone();
    assert_eq!(calls.len(), 2, "{failing}");
    assert_eq!((&calls[0]["model_group"], &calls[0]["user_api_key_alias"]), (&json!("dead"), &json!("patient")));
    assert!(of("llm-requests-hanging").to_string().contains("patient"), "{pages:?}");
    let card = &told(&hooks, "/teams")[0]["attachments"][0];
    assert_eq!(card["contentType"], "application/vnd.microsoft.card.adaptive");
    let text = card["content"]["body"][0]["text"].as_str().unwrap();
    assert!(text.starts_with("[Num Alerts: 2]") && text.contains("llm_exceptions"), "one digest of both: {text}");
    let services = gateway.get("/health/services?service=ms_teams", MASTER_KEY).await.unwrap();
    assert_eq!(services.status, 200, "{}", services.text());
    assert!(!gateway.logs().contains("pd-routing-key") && !gateway.logs().contains("/teams"), "secrets");
}

#[tokio::test]
async fn a_host_that_cannot_be_reached_is_told() {
    let sim = Simulator::start(SimulatorConfig::default()).await.unwrap();
    let hooks = Canned::start(|_| (200, "text/plain", "ok".to_owned())).await.unwrap();
    // Nobody listens on a port that was free a moment ago.
    let nobody = format!("http://{}", std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap());
    let config = Config::standard(&sim)
        .model_at(&nobody, "dead", "openai/gpt-4o", &[])
        .general("alerting: [slack]")
        .general("alert_types: [llm_exceptions, outage_alerts]")
        .general("alerting_args: {minor_outage_alert_threshold: 1}")
        .router("disable_cooldowns: true");
    let url = ("SLACK_WEBHOOK_URL".to_owned(), format!("{}/slack", hooks.base_url()));
    let gateway = Gateway::start_with(&config.yaml(), &Options { env: vec![url], ..Options::default() }).await.unwrap();
    let reply = gateway.post(CHAT, &say("dead", "hi"), MASTER_KEY).await.unwrap();
    assert_eq!(reply.status, 500, "{}", reply.text());
    let text = eventually("both alerts", async || {
        let all = told(&hooks, "/slack");
        (all.len() >= 2).then(|| json!(all.iter().map(Value::to_string).collect::<String>()))
    })
    .await;
    let text = text.as_str().unwrap();
    assert!(text.contains("LLM API call failed") && text.contains("Minor Service Outage"), "{text}");
}
