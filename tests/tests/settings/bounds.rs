//! What clients may not do with their bodies, and what a gateway of one plane does not serve.

use http::Method;
use llm_simulator::{Fault, Match, Script, Simulator, SimulatorConfig};
use llm_tests::{Config, Gateway, MASTER_KEY, Options, calls};
use serde_json::json;

use super::{CHAT, ask_with, say, start};

#[tokio::test]
async fn what_is_judged_and_counted_stands_in_the_body_itself() {
    let (sim, gateway) = start(|config| config).await;
    for hidden in [
        json!({"messages": [{"role": "user", "content": "unseen"}]}),
        json!({"max_tokens": 99999}),
        json!({"n": 50}),
        json!({"tools": []}),
        json!({"previous_response_id": "resp_1"}),
        json!({"Con_tents": []}),
        json!({"suffix": "unseen"}),
        json!({"prediction": {"type": "content", "content": "unseen"}}),
    ] {
        let mut body = say("gpt", "hello");
        body["extra_body"] = hidden.clone();
        let reply = ask_with(&gateway, &body, &[]).await;
        assert_eq!((reply.status, &reply.json()["error"]["param"]), (400, &json!("extra_body")), "{hidden}");
    }
    let twice = r#"{"model":"gpt","messages":[],"extra_body":{"n":50},"extra_body":null}"#;
    let key = format!("Bearer {MASTER_KEY}");
    let headers = [("authorization", key.as_str()), ("content-type", "application/json")];
    assert_eq!(gateway.send(Method::POST, CHAT, &headers, twice.into()).await.unwrap().status, 400);
    assert!(calls(&sim).is_empty());
    let mut body = say("gpt", "hello");
    body["extra_body"] = json!({"seed": 1});
    assert_eq!(ask_with(&gateway, &body, &[]).await.status, 200);
}

#[tokio::test]
async fn clients_ask_for_ten_retries_at_the_most_and_keys_may_refuse_fallbacks() {
    let sim = Simulator::start(SimulatorConfig::default()).await.unwrap();
    sim.script(Match::path("/fails"), Script::fault(Fault::Status(500)));
    let config = Config::empty(&sim)
        .model_below("fails", "openai/gpt-4o", "/fails", &[])
        .model_below("fails", "openai/gpt-4o-mini", "/fails", &[])
        .model_below("spare", "openai/gpt-4o", "/spare", &[])
        .router("fallbacks: [{fails: [spare]}]")
        .router("retry_after: 0")
        .router("disable_cooldowns: true");
    let gateway = Gateway::start(&config.yaml()).await.unwrap();
    let mut body = say("fails", "hello");
    body["num_retries"] = json!(1000);
    body["disable_fallbacks"] = json!(true);
    assert_eq!(ask_with(&gateway, &body, &[]).await.status, 500);
    assert!(calls(&sim).len() <= 11, "{}", calls(&sim).len());
    assert_eq!(ask_with(&gateway, &say("fails", "hello"), &[]).await.status, 200, "the spare answers");
    let made = gateway.ask("/key/generate", &json!({"metadata": {"disable_fallbacks": true}})).await.unwrap().json();
    let refused = gateway.post(CHAT, &say("fails", "hello"), made["key"].as_str().unwrap()).await.unwrap();
    assert_eq!(refused.status, 500, "{}", refused.text());
}

#[tokio::test]
async fn a_list_of_routes_leaves_the_probes_open() {
    let (_sim, gateway) = start(|config| config.general("allowed_routes: [/v1/chat/completions]")).await;
    for probe in ["/health/liveliness", "/health/readiness"] {
        assert_eq!(gateway.get(probe, "").await.unwrap().status, 200, "{probe}");
    }
    assert_eq!(gateway.get("/v1/models", MASTER_KEY).await.unwrap().status, 403);
    assert_eq!(gateway.ask(CHAT, &say("gpt", "hello")).await.unwrap().status, 200);
}

#[tokio::test]
async fn a_gateway_serves_one_plane_where_it_is_told_so() {
    let sim = Simulator::start(SimulatorConfig::default()).await.unwrap();
    for (variable, calls, keys) in [("DISABLE_ADMIN_ENDPOINTS", 200, 403), ("DISABLE_LLM_API_ENDPOINTS", 403, 200)] {
        let env = vec![(variable.to_owned(), "true".to_owned())];
        let options = Options { env, ..Options::default() };
        let own = format!("pass_through_endpoints: [{{path: /mine, target: '{}/v1/models'}}]", sim.base_url());
        let gateway = Gateway::start_with(&Config::standard(&sim).general(&own).yaml(), &options).await.unwrap();
        assert_eq!(gateway.get("/mine", MASTER_KEY).await.unwrap().status, calls, "{variable}: the operator's own");
        assert_eq!(gateway.ask(CHAT, &say("gpt", "hello")).await.unwrap().status, calls, "{variable}");
        assert_eq!(gateway.get("/key/list", MASTER_KEY).await.unwrap().status, keys, "{variable}");
        let public = gateway.ask("/v1/mcp/make_public", &json!({"mcp_server_ids": []})).await.unwrap().status;
        assert_eq!(public == 403, keys == 403, "{variable}: what is public is management's to say: {public}");
        assert_eq!(gateway.get("/health/readiness", "").await.unwrap().status, 200, "{variable}");
    }
}

#[tokio::test]
async fn pages_of_other_origins_may_call() {
    let (_sim, gateway) = start(|config| config).await;
    let asks = [
        ("origin", "https://page.test"),
        ("access-control-request-method", "POST"),
        ("access-control-request-headers", "authorization"),
    ];
    let reply = gateway.send(Method::OPTIONS, CHAT, &asks, bytes::Bytes::new()).await.unwrap();
    assert_eq!((reply.status, reply.header("access-control-allow-origin")), (200, "*"));
    assert_eq!(reply.header("access-control-allow-headers"), "authorization");
    let reply = ask_with(&gateway, &say("gpt", "hello"), &[("origin", "https://page.test")]).await;
    assert_eq!((reply.status, reply.header("access-control-allow-origin")), (200, "*"));
}

#[tokio::test]
async fn what_is_said_stands_in_no_row_where_nothing_is_logged() {
    let (_sim, gateway) = start(|config| {
        config
            .litellm("turn_off_message_logging: true")
            .general("store_prompts_in_spend_logs: true")
            .general("proxy_batch_write_at: 1")
    })
    .await;
    assert_eq!(ask_with(&gateway, &say("gpt", "a secret word"), &[]).await.status, 200);
    let rows = super::rows(&gateway, 1).await;
    assert!(!rows[0].to_string().contains("secret word"), "{}", rows[0]);
}
