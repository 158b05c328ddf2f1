//! Settings, headers and parameters that an operator or a client may set, and what comes of them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "a failure is a failed test")]

#[path = "settings/bounds.rs"]
mod bounds;

use bytes::Bytes;
use http::Method;
use llm_simulator::{Running, Simulator, SimulatorConfig};
use llm_tests::{Config, Gateway, MASTER_KEY, calls, eventually};
use serde_json::{Value, json};

const CHAT: &str = "/v1/chat/completions";

fn say(model: &str, text: &str) -> Value {
    json!({"model": model, "messages": [{"role": "user", "content": text}]})
}

async fn start(change: impl FnOnce(Config) -> Config) -> (Running, Gateway) {
    let sim = Simulator::start(SimulatorConfig::default()).await.unwrap();
    let gateway = Gateway::start(&change(Config::standard(&sim)).yaml()).await.unwrap();
    (sim, gateway)
}

async fn ask_with(gateway: &Gateway, body: &Value, headers: &[(&str, &str)]) -> llm_tests::Reply {
    let key = format!("Bearer {MASTER_KEY}");
    let mut all = vec![("authorization", key.as_str()), ("content-type", "application/json")];
    all.extend_from_slice(headers);
    gateway.send(Method::POST, CHAT, &all, Bytes::from(body.to_string())).await.unwrap()
}

/// The rows of calls, once there are so many.
async fn rows(gateway: &Gateway, count: usize) -> Vec<Value> {
    eventually("the rows of the calls", async || {
        let rows = gateway.get("/spend/logs?summarize=false", MASTER_KEY).await.unwrap().json();
        rows.as_array().filter(|rows| rows.len() >= count).cloned()
    })
    .await
}

fn tags(row: &Value) -> Vec<String> {
    let tags = &row["request_tags"];
    let list = tags.as_str().map_or_else(|| tags.clone(), |text| serde_json::from_str(text).unwrap());
    list.as_array().unwrap().iter().map(|tag| tag.as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn tags_end_users_and_metadata_of_rows_are_the_operators_and_the_clients_to_say() {
    let (_sim, gateway) = start(|config| {
        config
            .litellm("extra_spend_tag_headers: [X-Cost-Center]")
            .litellm("disable_add_user_agent_to_request_tags: true")
            .litellm("disable_end_user_cost_tracking: true")
            .general("proxy_batch_write_at: 1")
            .general("disable_error_logs: true")
    })
    .await;
    let mut body = say("gpt", "hello");
    body["user"] = json!("ann");
    body["metadata"] = json!({"spend_logs_metadata": {"a": 1}});
    assert_eq!(ask_with(&gateway, &say("nobody", "hello"), &[]).await.status, 400);
    let headers = [("x-cost-center", "7"), ("user-agent", "tool/1.0"), ("x-litellm-agent-id", "helper")];
    assert_eq!(ask_with(&gateway, &body, &headers).await.status, 200);
    let header = [("x-litellm-spend-logs-metadata", r#"{"b":2}"#)];
    assert_eq!(ask_with(&gateway, &body, &header).await.status, 200);
    let rows = rows(&gateway, 2).await;
    assert_eq!(rows.len(), 2, "the failed call has no row: {rows:?}");
    let first = rows.iter().find(|row| row["metadata"]["spend_logs_metadata"]["a"] == 1).unwrap();
    let second = rows.iter().find(|row| row["metadata"]["spend_logs_metadata"]["b"] == 2).unwrap();
    assert_eq!(tags(first), ["X-Cost-Center: 7"]);
    assert_eq!((&first["end_user"], &first["agent_id"]), (&Value::Null, &json!("helper")));
    assert!(tags(second).is_empty(), "{second}");
}

#[tokio::test]
async fn headers_go_on_for_the_groups_that_are_named_with_who_calls() {
    let (sim, gateway) = start(|config| {
        config
            .litellm("add_user_information_to_llm_headers: true")
            .litellm("model_group_settings: {forward_client_headers_to_llm_api: ['gp*']}")
    })
    .await;
    for model in ["gpt", "claude"] {
        let headers = [("x-mine", "1"), ("x-litellm-user_api_key_hash", "forged"), ("x-subscription-token", "theirs")];
        let mut body = say(model, "hello");
        body["extra_headers"] = json!({"API_Key": "theirs", "x-plain": "2", "X-HF-Bill-To": "theirs"});
        assert_eq!(ask_with(&gateway, &body, &headers).await.status, 200, "{model}");
    }
    for call in calls(&sim) {
        assert_eq!(call.header("x-plain"), Some("2"));
        for account in ["x-subscription-token", "api_key", "x-hf-bill-to"] {
            assert_eq!(call.header(account), None, "{account} chooses somebody's account");
        }
    }
    let seen = calls(&sim);
    assert_eq!(seen[0].header("x-mine"), Some("1"));
    assert_eq!(seen[0].header("x-litellm-user_api_key_request_route"), Some(CHAT));
    assert_ne!(seen[0].header("x-litellm-user_api_key_hash"), Some("forged"));
    assert_eq!(seen[1].header("x-mine"), None);
    assert_eq!(seen[1].header("x-litellm-user_api_key_request_route"), None);
}

#[tokio::test]
async fn prompts_are_marked_for_caches_before_they_go_out() {
    let points = "cache_control_injection_points: [{location: message, role: system}, {location: message, index: -1}]";
    let (sim, gateway) = start(|config| config.model("marked", "anthropic/claude-sonnet-4-5", &[points])).await;
    let mut body = say("marked", "hello");
    body["messages"] = json!([{"role": "system", "content": "be kind"}, {"role": "user", "content": "hello"}]);
    let mark = json!({"type": "ephemeral"});
    let sent = |sim: &Running| calls(sim).pop().unwrap().json();
    let reply = gateway.ask(CHAT, &body).await.unwrap();
    assert_eq!(reply.status, 200, "{}", reply.text());
    assert_eq!(sent(&sim)["system"][0]["cache_control"], mark);
    assert_eq!(sent(&sim)["messages"][0]["content"][0]["cache_control"], mark);
    let body = json!({"model": "marked", "max_tokens": 9, "system": "be kind", "messages": [{"role": "user", "content": "hi"}]});
    let reply = gateway.ask("/v1/messages", &body).await.unwrap();
    assert_eq!(reply.status, 200, "{}", reply.text());
    assert_eq!(sent(&sim)["system"][0], json!({"type": "text", "text": "be kind", "cache_control": mark}));
    assert_eq!(sent(&sim)["messages"][0]["content"][0]["cache_control"], mark);
}

#[tokio::test]
async fn prompts_of_a_key_are_marked_where_the_client_marks_nothing() {
    let wanted = |config: Config| {
        config.model("plain", "anthropic/claude-sonnet-4-5", &[]).litellm("anthropic_prompt_caching_ttl: 1h")
    };
    let (sim, gateway) = start(wanted).await;
    let sent = |sim: &Running| calls(sim).pop().unwrap().json();
    let (marking, _) = gateway.new_key(&json!({"enable_prompt_caching": true})).await.unwrap();
    let (other, _) = gateway.new_key(&json!({})).await.unwrap();
    let mark = json!({"type": "ephemeral", "ttl": "1h"});
    let system = json!({"role": "system", "content": "be kind"});
    let body = json!({"model": "plain", "messages": [system, {"role": "user", "content": "hello"}]});
    let own = json!({"model": "plain", "messages": [{"role": "user", "content": [
        {"type": "text", "text": "a", "cache_control": {"type": "ephemeral"}}, {"type": "text", "text": "b"}]}]});
    for (key, body, marks) in [(&marking, &body, 2), (&other, &body, 0), (&marking, &own, 1)] {
        let reply = gateway.post(CHAT, body, key).await.unwrap();
        assert_eq!(reply.status, 200, "{}", reply.text());
        assert_eq!(sent(&sim).to_string().matches("cache_control").count(), marks, "{}", sent(&sim));
    }
    let native = json!({"model": "plain", "max_tokens": 9, "system": "be kind", "messages": [{"role": "user", "content": "hi"}]});
    assert_eq!(gateway.post("/v1/messages", &native, &marking).await.unwrap().status, 200);
    assert_eq!(sent(&sim)["system"][0]["cache_control"], mark);
    // Others are not asked to keep anything.
    assert_eq!(gateway.post(CHAT, &say("gpt", "hello"), &marking).await.unwrap().status, 200);
    assert!(!sent(&sim).to_string().contains("cache_control"));
    let (sim, gateway) = start(|config| wanted(config).litellm("enable_anthropic_prompt_caching: true")).await;
    assert_eq!(gateway.ask(CHAT, &body).await.unwrap().status, 200);
    assert_eq!(sent(&sim)["messages"][0]["content"][0]["cache_control"], mark);
}

#[tokio::test]
async fn moderations_and_pictures_have_models_of_their_own() {
    let (sim, gateway) = start(|config| {
        config
            .model("judge", "openai/omni-moderation-latest", &[])
            .model("painter", "openai/dall-e-3", &[])
            .general("moderation_model: judge")
            .general("image_generation_model: painter")
    })
    .await;
    for body in [json!({"input": "hello"}), json!({"model": "another", "input": "hello"})] {
        let reply = gateway.ask("/v1/moderations", &body).await.unwrap();
        assert_eq!(reply.status, 200, "{}", reply.text());
    }
    let reply = gateway.ask("/v1/images/generations", &json!({"prompt": "a cat"})).await.unwrap();
    assert_eq!(reply.status, 200, "{}", reply.text());
    let models: Vec<Value> = calls(&sim).iter().map(|call| call.json()["model"].clone()).collect();
    assert_eq!(models, ["omni-moderation-latest", "omni-moderation-latest", "dall-e-3"]);
    // Without the setting: what OpenAI's own API takes, where it is served.
    let (_sim, gateway) =
        start(|config| config.model("omni-moderation-latest", "openai/omni-moderation-latest", &[])).await;
    assert_eq!(gateway.ask("/v1/moderations", &json!({"input": "hello"})).await.unwrap().status, 200);
}

#[tokio::test]
async fn headers_of_answers_tell_limits_spend_and_names_as_asked_for() {
    let (_sim, gateway) = start(|config| {
        config
            .model("slow", "anthropic/claude-sonnet-4-5", &["rpm: 100", "tpm: 5000"])
            .model("oai/*", "openai/*", &[])
            .router("model_group_alias: {al: slow}")
    })
    .await;
    let reply = gateway.ask(CHAT, &say("al", "hello")).await.unwrap();
    assert_eq!(reply.status, 200, "{}", reply.text());
    let header = |name: &str| reply.header(name).to_owned();
    assert_eq!(header("x-ratelimit-limit-requests"), "100");
    assert_eq!(header("x-ratelimit-remaining-requests"), "99");
    assert_eq!(header("x-ratelimit-limit-tokens"), "5000");
    assert_eq!(header("x-litellm-model-group"), "al");
    assert_eq!(header("x-litellm-key-spend"), header("x-litellm-response-cost"), "the master key's");
    let reply = gateway.ask(CHAT, &say("oai/gpt-4o-mini", "hello")).await.unwrap();
    assert_eq!(reply.header("x-litellm-model-group"), "oai/gpt-4o-mini");
    assert_eq!(reply.header("x-litellm-model-name"), "openai/gpt-4o-mini");
    let reply = gateway.ask(CHAT, &say("nobody", "hello")).await.unwrap();
    assert_eq!((reply.status, reply.header("x-litellm-key-spend")), (400, "0"));
    assert_eq!(reply.header("x-litellm-timeout"), "6000");
    for (method, path, status) in [
        (Method::GET, "/v1/models", 200),
        (Method::GET, "/nowhere", 404),
        (Method::DELETE, CHAT, 405),
        (Method::GET, "/key/info", 200),
    ] {
        let key = format!("Bearer {MASTER_KEY}");
        let reply = gateway.send(method, path, &[("authorization", &key)], Bytes::new()).await.unwrap();
        assert_eq!(reply.header("x-frame-options"), "DENY", "{path}");
        assert_eq!(reply.header("x-content-type-options"), "nosniff", "{path}");
        assert!(reply.header("content-security-policy").contains("frame-ancestors 'none'"), "{path}");
        if status == 405 {
            assert_eq!((reply.status, reply.header("allow")), (405, "POST"));
        }
    }
}

#[tokio::test]
async fn lists_of_models_tell_modes_limits_and_fallbacks() {
    let (_sim, gateway) = start(|config| {
        config
            .model("judge", "openai/omni-moderation-latest", &[])
            .router("fallbacks: [{gpt: [claude]}]")
            .router("context_window_fallbacks: [{gpt: [judge]}]")
    })
    .await;
    let get = async |path: &str| gateway.get(path, MASTER_KEY).await.unwrap();
    let find = |list: &Value, name: &str| {
        list["data"].as_array().unwrap().iter().find(|row| row["id"] == name).unwrap().clone()
    };
    let gpt = find(&get("/v1/models").await.json(), "gpt");
    assert_eq!(gpt["mode"], "chat");
    assert!(gpt["max_input_tokens"].as_u64().unwrap() > 1000 && gpt["max_output_tokens"].as_u64().unwrap() > 1000);
    assert!(gpt.get("metadata").is_none());
    assert_eq!(get("/v1/models/gpt").await.json(), gpt);
    let general = find(&get("/v1/models?include_metadata=true").await.json(), "gpt");
    assert_eq!(general["metadata"]["fallbacks"], json!(["claude"]));
    let path = "/v1/models/gpt?include_metadata=True&fallback_type=context_window";
    assert_eq!(get(path).await.json()["metadata"]["fallbacks"], json!(["judge"]));
    assert_eq!(get("/v1/models?scope=all").await.status, 400);
    assert_eq!(get("/v1/models?include_metadata=1&fallback_type=x").await.status, 400);
}

#[tokio::test]
async fn a_gateway_that_runs_is_asked_by_flags() {
    let (_sim, gateway) = start(|config| config).await;
    let port = gateway.addr().port().to_string();
    let env = [("LITELLM_MASTER_KEY", MASTER_KEY)];
    let (code, told) = Gateway::command(&["--health", "--port", &port], &env).await.unwrap();
    assert_eq!(code, Some(0), "{told}");
    assert!(told.contains("healthy_endpoints"), "{told}");
    let (code, told) = Gateway::command(&["--test", &gateway.url(), "--model", "gpt"], &env).await.unwrap();
    assert_eq!(code, Some(0), "{told}");
    assert!(told.contains("chat.completion"), "{told}");
    let (code, told) = Gateway::command(&["--test", "--port", "1"], &env).await.unwrap();
    assert_eq!(code, Some(1), "{told}");
}

#[tokio::test]
async fn files_are_judged_by_the_ends_of_their_names() {
    let (sim, gateway) = start(|config| config.general("allowed_file_extensions: ['.jsonl']")).await;
    let key = format!("Bearer {MASTER_KEY}");
    let form = "--b\r\ncontent-disposition: form-data; name=\"purpose\"\r\n\r\nbatch\r\n--b\r\ncontent-disposition: form-data; name=\"file\"; filename=\"a.exe\"\r\n\r\nx\r\n--b--\r\n";
    let headers = [("authorization", key.as_str()), ("content-type", "multipart/form-data; boundary=b")];
    let reply = gateway.send(Method::POST, "/v1/files", &headers, Bytes::from(form)).await.unwrap();
    assert_eq!(reply.status, 400, "{}", reply.text());
    assert!(
        reply.text().contains("File extension '.exe' is not in this proxy's allowed_file_extensions"),
        "{}",
        reply.text()
    );
    assert!(calls(&sim).is_empty());
}
