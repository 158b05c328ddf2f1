//! What operators do while the gateway runs: other files, other prices, other models; and what everybody may look at.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failure is a failed test"
)]

use std::path::Path;

use bytes::Bytes;
use http::Method;
use llm_simulator::{Running, Simulator, SimulatorConfig};
use llm_tests::{Canned, Config, Gateway, MASTER_KEY, Options, UPSTREAM_KEY, eventually};
use serde_json::{Value, json};

async fn models(gateway: &Gateway) -> Vec<String> {
    let reply = gateway.get("/v1/models", MASTER_KEY).await.unwrap().json();
    reply["data"].as_array().unwrap().iter().map(|m| m["id"].as_str().unwrap().to_owned()).collect()
}

fn model_list(sim: &Running, names: &[&str]) -> String {
    let entry = |name: &&str| {
        format!(
            "  - model_name: {name}\n    litellm_params:\n      model: openai/brand-new\n      api_base: {}/v1\n      api_key: {UPSTREAM_KEY}\n",
            sim.base_url()
        )
    };
    format!("model_list:\n{}", names.iter().map(entry).collect::<String>())
}

/// A price file with one model, which costs so much per token.
fn write_prices(file: &Path, price: f64) {
    let table = json!({"brand-new": {"litellm_provider": "openai", "mode": "chat", "input_cost_per_token": price,
        "output_cost_per_token": price, "max_input_tokens": 1000}});
    std::fs::write(file, table.to_string()).unwrap();
}

async fn estimate(gateway: &Gateway) -> Value {
    let asked = json!({"model": "first", "input_tokens": 10, "output_tokens": 10, "num_requests_per_day": 2});
    gateway.ask("/cost/estimate", &asked).await.unwrap().json()
}

async fn started(folder: &Path) -> (Running, Gateway) {
    let sim = Simulator::start(SimulatorConfig::default()).await.unwrap();
    std::fs::write(folder.join("models.yaml"), model_list(&sim, &["first"])).unwrap();
    write_prices(&folder.join("prices.json"), 0.001);
    let config = format!(
        "include: ['{0}/models.yaml']\nlitellm_settings:\n  model_cost_map_url: '{0}/prices.json'\n\
         general_settings:\n  master_key: '{MASTER_KEY}'\n  proxy_config_reload_interval_seconds: 0.2\n",
        folder.display()
    );
    let gateway = Gateway::start(&config).await.unwrap();
    (sim, gateway)
}

#[tokio::test]
async fn files_and_prices_change_while_it_runs() {
    let folder = tempfile::tempdir().unwrap();
    let (sim, gateway) = started(folder.path()).await;
    let file = folder.path().join("models.yaml");

    // The file: a new model, then a broken file, then a mended one.
    assert_eq!(models(&gateway).await, ["first"]);
    std::fs::write(&file, model_list(&sim, &["first", "second"])).unwrap();
    eventually("the second model", async || models(&gateway).await.contains(&"second".to_owned()).then_some(())).await;
    std::fs::write(&file, "model_list: [").unwrap();
    eventually("a loud word", async || gateway.logs().contains("IS NOT SERVED").then_some(())).await;
    assert_eq!(models(&gateway).await, ["first", "second"], "the last good one is served");
    std::fs::write(&file, "").unwrap();
    let chat = json!({"model": "second", "messages": [{"role": "user", "content": "hi"}]});
    assert_eq!(gateway.ask("/v1/chat/completions", &chat).await.unwrap().status, 200);
    // As editors do it: another file in the place of the old one.
    let other = folder.path().join("new.yaml");
    std::fs::write(&other, model_list(&sim, &["first", "third"])).unwrap();
    std::fs::rename(&other, &file).unwrap();
    eventually("the third model", async || models(&gateway).await.contains(&"third".to_owned()).then_some(())).await;
    assert!(!models(&gateway).await.contains(&"second".to_owned()));

    // Prices: named in the configuration, so they are there from the start; a broken table changes nothing.
    let cost = eventually("the named prices", async || estimate(&gateway).await["cost_per_request"].as_f64()).await;
    assert!((cost - 0.02).abs() < 1e-12, "{cost}");
    let told = gateway.get("/model/cost_map/source", MASTER_KEY).await.unwrap().json();
    assert_eq!(told["source"], "remote", "{told}");
    for broken in ["{\"brand-new\":{\"input_cost_per_token\":-1}}", "[]", "<html>"] {
        std::fs::write(folder.path().join("prices.json"), broken).unwrap();
        let refused = gateway.ask("/reload/model_cost_map", &json!({})).await.unwrap();
        assert_eq!(refused.status, 500, "{}", refused.text());
    }
    assert_eq!(estimate(&gateway).await["cost_per_request"].as_f64(), Some(cost));
    write_prices(&folder.path().join("prices.json"), 0.002);
    let reloaded = gateway.ask("/reload/model_cost_map", &json!({})).await.unwrap();
    assert_eq!((reloaded.status, &reloaded.json()["status"]), (200, &json!("success")), "{}", reloaded.text());
    let dearer = estimate(&gateway).await;
    assert!((dearer["cost_per_request"].as_f64().unwrap() - 2.0 * cost).abs() < 1e-12, "{dearer}");
    assert!((dearer["monthly_cost"].as_f64().unwrap() - 120.0 * cost).abs() < 1e-9, "{dearer}");
    let reply =
        gateway.ask("/v1/chat/completions", &json!({"model": "first", "messages": chat["messages"]})).await.unwrap();
    let usage = reply.json()["usage"].clone();
    let billed: f64 = reply.header("x-litellm-response-cost").parse().unwrap();
    assert!((billed - usage["total_tokens"].as_f64().unwrap() * 0.002).abs() < 1e-9, "{billed} for {usage}");
    let schedule = gateway.ask("/schedule/model_cost_map_reload?hours=6", &json!({})).await.unwrap();
    assert_eq!(schedule.json()["interval_hours"], 6.0, "{}", schedule.text());
    let status = gateway.get("/schedule/model_cost_map_reload/status", MASTER_KEY).await.unwrap().json();
    assert_eq!((&status["scheduled"], status["next_run"].is_string()), (&json!(true), true), "{status}");
    assert_eq!(gateway.ask("/schedule/model_cost_map_reload?hours=0", &json!({})).await.unwrap().status, 400);
    let public = gateway.get("/public/litellm_model_cost_map", "").await.unwrap().json();
    assert_eq!(public["brand-new"]["input_cost_per_token"], 0.002);
}

#[tokio::test]
async fn what_operators_and_everybody_look_at() {
    let sim = Simulator::start(SimulatorConfig::default()).await.unwrap();
    let gateway = Gateway::start(&Config::standard(&sim).yaml()).await.unwrap();

    // The API document and its page.
    let headers = [("accept", "text/html")];
    for path in ["/docs", "/redoc", "/"] {
        let page = gateway.send(Method::GET, path, &headers, Bytes::new()).await.unwrap();
        assert_eq!((page.status, page.header("content-type")), (200, "text/html; charset=utf-8"), "{path}");
        assert!(page.header("content-security-policy").starts_with("default-src 'none'"), "{path}");
    }
    let api = gateway.get("/openapi.json", "").await.unwrap().json();
    for path in ["/v1/chat/completions", "/key/generate", "/fallback/{model}", "/docs", "/v1/responses/{response_id}"] {
        assert!(api["paths"][path].is_object(), "{path}");
    }

    // Fallbacks of a model, by the API.
    let set = json!({"model": "gpt", "fallback_models": ["claude"]});
    let made = gateway.ask("/fallback", &set).await.unwrap();
    assert_eq!(made.status, 200, "{}", made.text());
    let told = gateway.get("/fallback/gpt", MASTER_KEY).await.unwrap().json();
    assert_eq!(told["fallback_models"], json!(["claude"]), "{told}");
    let settings = gateway.get("/router/settings", MASTER_KEY).await.unwrap().json();
    assert_eq!(settings["current_values"]["fallbacks"], json!([{"gpt": ["claude"]}]), "{settings}");
    for (wrong, status) in [
        (json!({"model": "none", "fallback_models": ["gpt"]}), 404),
        (json!({"model": "gpt", "fallback_models": ["gpt"]}), 400),
        (json!({"model": "gpt", "fallback_models": ["none"]}), 400),
        (json!({"model": "gpt", "fallback_models": ["claude"], "fallback_type": "odd"}), 400),
        (json!({"fallback_models": ["claude"]}), 422),
    ] {
        assert_eq!(gateway.ask("/fallback", &wrong).await.unwrap().status, status, "{wrong}");
    }
    let key = [("authorization", &*format!("Bearer {MASTER_KEY}"))];
    assert_eq!(gateway.send(Method::DELETE, "/fallback/gpt", &key, Bytes::new()).await.unwrap().status, 200);
    assert_eq!(gateway.get("/fallback/gpt", MASTER_KEY).await.unwrap().status, 404);

    // A model is tried out before it is stored.
    let params =
        |base: String| json!({"litellm_params": {"model": "openai/gpt-4o", "api_base": base, "api_key": UPSTREAM_KEY}});
    let good = gateway.ask("/health/test_connection", &params(format!("{}/v1", sim.base_url()))).await.unwrap();
    assert_eq!(good.json()["status"], "success", "{}", good.text());
    let bad = gateway.ask("/health/test_connection", &params("http://127.0.0.1:9/v1".to_owned())).await.unwrap();
    assert_eq!((bad.status, &bad.json()["status"]), (200, &json!("error")), "{}", bad.text());
    let stolen = json!({"litellm_params": {"model": "openai/gpt-4o", "api_key": "os.environ/HOME"}});
    assert_eq!(gateway.ask("/health/test_connection", &stolen).await.unwrap().status, 400);

    // What is public is what was made so.
    assert_eq!(gateway.get("/public/model_hub", "").await.unwrap().json(), json!([]));
    let public = gateway.ask("/model_group/make_public", &json!({"model_groups": ["gpt"]})).await.unwrap();
    assert_eq!(public.status, 200, "{}", public.text());
    let hub = gateway.get("/public/model_hub", "").await.unwrap().json();
    assert_eq!((hub.as_array().unwrap().len(), &hub[0]["model_group"]), (1, &json!("gpt")), "{hub}");
    let providers = gateway.get("/public/providers", "").await.unwrap().json();
    assert!(providers.as_array().unwrap().contains(&json!("openai")));

    // Discounts, and prices after them.
    let patch = |body: Value| {
        let (gateway, key) = (&gateway, key);
        async move {
            let body = Bytes::from(body.to_string());
            gateway.send(Method::PATCH, "/config/cost_discount_config", &key, body).await.unwrap()
        }
    };
    let asked = json!({"model": "gpt", "input_tokens": 1000, "output_tokens": 0});
    let before = gateway.ask("/cost/estimate", &asked).await.unwrap().json()["cost_per_request"].as_f64().unwrap();
    assert_eq!(patch(json!({"openai": 1.5})).await.status, 400);
    let done = patch(json!({"openai": 0.5})).await;
    assert_eq!(done.status, 200, "{}", done.text());
    let after = gateway.ask("/cost/estimate", &asked).await.unwrap().json()["cost_per_request"].as_f64().unwrap();
    assert!((after - before / 2.0).abs() < 1e-12, "{before} {after}");

    // Vector stores of a key.
    let made = gateway.ask("/key/generate", &json!({"object_permission": {"vector_stores": ["vs_a"]}})).await.unwrap();
    let limited = made.json()["key"].as_str().unwrap().to_owned();
    let search = json!({"query": "x"});
    let denied = gateway.post("/v1/vector_stores/vs_b/search", &search, &limited).await.unwrap();
    assert_eq!((denied.status, &denied.json()["error"]["type"]), (403, &json!("key_vector_store_access_denied")));
    let named = json!({"model": "gpt", "messages": [{"role": "user", "content": "hi"}],
        "tools": [{"type": "file_search", "vector_store_ids": ["vs_b"]}]});
    assert_eq!(gateway.post("/v1/chat/completions", &named, &limited).await.unwrap().status, 403);
    let plain = json!({"model": "gpt", "messages": [{"role": "user", "content": "hi"}]});
    assert_eq!(gateway.post("/v1/chat/completions", &plain, &limited).await.unwrap().status, 200);
}

#[tokio::test]
async fn a_configuration_lies_in_a_bucket() {
    let sim = Simulator::start(SimulatorConfig::default()).await.unwrap();
    let text = Config::empty(&sim).model("gpt", "openai/gpt-4o", &[]).yaml();
    let bucket = Canned::start(move |asked| match asked.path.split('?').next() {
        Some("/configs/team/gateway.yaml") => (200, "text/yaml", text.clone()),
        _ => (404, "application/xml", "<Error><Code>NoSuchKey</Code></Error>".to_owned()),
    })
    .await
    .unwrap();
    let env = |object: &str| {
        let base = bucket.base_url();
        [
            ("LITELLM_CONFIG_BUCKET_NAME", "configs"),
            ("LITELLM_CONFIG_BUCKET_OBJECT_KEY", object),
            ("AWS_ENDPOINT_URL_S3", &*base),
            ("AWS_ACCESS_KEY_ID", "key"),
            ("AWS_SECRET_ACCESS_KEY", "secret"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec()
    };
    let options = |object| Options { env: env(object), without_file: true, ..Options::default() };
    let gateway = Gateway::start_with("", &options("team/gateway.yaml")).await.unwrap();
    assert_eq!(models(&gateway).await, ["gpt"]);
    assert!(bucket.seen().iter().all(|asked| asked.header("authorization").starts_with("AWS4-HMAC-SHA256")));
    let asked = bucket.seen().len();
    assert_eq!(gateway.ask("/config/reload", &json!({})).await.unwrap().status, 200);
    assert!(bucket.seen().len() > asked, "a reload asks again");
    let missing = Gateway::start_with("", &options("none.yaml")).await.unwrap_err().to_string();
    assert!(missing.contains("s3://configs/none.yaml"), "{missing}");
}

#[tokio::test]
async fn public_models_come_in_pages_and_routers_can_be_tried_out() {
    let sim = Simulator::start(SimulatorConfig::default()).await.unwrap();
    let config = Config::standard(&sim).litellm("public_model_groups: [gpt, claude, embed]");
    let gateway = Gateway::start(&config.yaml()).await.unwrap();
    let get = async |path: &str| gateway.get(path, "").await.unwrap().json();
    let names = |page: &Value| -> Vec<String> {
        page["data"].as_array().unwrap().iter().map(|g| g["model_group"].as_str().unwrap().to_owned()).collect()
    };
    let page = get("/public/v1/model_hub?page_size=2").await;
    assert_eq!(names(&page), ["claude", "embed"], "{page}");
    assert_eq!((&page["meta"]["total_count"], &page["meta"]["total_pages"]), (&json!(3), &json!(2)));
    let next = get(page["links"]["next"].as_str().unwrap()).await;
    assert_eq!((names(&next), &next["links"]["next"]), (vec!["gpt".to_owned()], &Value::Null));
    let dear = get("/public/v1/model_hub?sort=-input_cost_per_token&filter[mode][in]=chat").await;
    assert_eq!(names(&dear), ["claude", "gpt"], "{dear}");
    assert_eq!(names(&get("/public/v1/model_hub?filter%5Bproviders%5D%5Bin%5D=anthropic,x&q=CLA").await), ["claude"]);
    assert_eq!(get("/public/v1/model_hub/modes").await["data"], json!(["chat", "embedding"]));
    let providers = get("/public/v1/model_hub/providers?filter[mode][eq]=embedding").await;
    assert_eq!((&providers["data"], &providers["meta"]["has_more"]), (&json!(["openai"]), &json!(false)));
    assert_eq!(gateway.get("/public/v1/model_hub?color=red", "").await.unwrap().status, 400);
    let endpoints = get("/public/endpoints").await;
    let rerank = endpoints["endpoints"].as_array().unwrap().iter().find(|e| e["key"] == "rerank").unwrap();
    assert!(rerank["providers"].as_array().unwrap().iter().any(|p| p["slug"] == "cohere"), "{rerank}");
    assert_eq!(get("/public/complexity_router/scorer_defaults").await["tier_boundaries"]["medium_complex"], 0.35);

    let router = json!({"tiers": {"SIMPLE": "gpt", "REASONING": "claude-of-nobody"}});
    let asked = json!({"complexity_router_config": router, "prompt": "hi", "router_name": "mine"});
    let told = gateway.ask("/auto_router/test_routing", &asked).await.unwrap().json();
    assert_eq!((&told["routed_model"], &told["routed_model_configured"]), (&json!("gpt"), &json!(true)), "{told}");
    assert_eq!(told["routing_decision"]["router_model_name"], "mine");
    let hard = "Think step by step and reason through this: prove that it terminates. Explain your reasoning.";
    let asked = json!({"complexity_router_config": router, "messages": [{"role": "user", "content": hard}]});
    let told = gateway.ask("/auto_router/test_routing", &asked).await.unwrap().json();
    assert_eq!(told["routed_model_configured"], false, "{told}");
    assert_eq!(told["routing_decision"]["tier"], "REASONING");
    let wrong = json!({"complexity_router_config": {"tiers": {"EASY": "gpt"}}});
    let told = gateway.ask("/auto_router/validate_complexity_router_config", &wrong).await.unwrap().json();
    assert_eq!(told["valid"], false, "{told}");
    assert!(llm_tests::calls(&sim).is_empty(), "no model was called");
}
