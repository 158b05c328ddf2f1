//! Calls that the gateway makes beside a caller's: each has a row, and the caller's key pays for it, once.

use std::time::Duration;

use super::*;

/// A gateway whose models cost a cent per token, `m` with a second call after 0.2 s, `alike` choosing by vectors.
async fn gateway(sim: &Running, vectors: &str, more: &str) -> Gateway {
    let price = ["input_cost_per_token: 0.01", "output_cost_per_token: 0.01", "order: 1"];
    let routes = json!({"routes": [{"name": "m", "utterances": ["write code"], "score_threshold": 0.5}]}).to_string();
    let yaml = two(sim, &price, &price)
        .model_at(vectors, "vectors", "openai/e", &["input_cost_per_token: 0.5"])
        .router("routing_strategy: least-busy")
        .router("hedging: {delay: 0.2, max_extra: 1}")
        .general("proxy_batch_write_at: 1")
        .litellm(more)
        .yaml();
    let auto = format!(
        "model_list:\n  - model_name: alike\n    litellm_params: {{model: auto_router/routes, auto_router_config: '{routes}', \
         auto_router_default_model: m, auto_router_embedding_model: vectors}}\n"
    );
    Gateway::start(&yaml.replace("model_list:\n", &auto)).await.unwrap()
}

async fn vectors() -> Canned {
    Canned::start(|asked| {
        let data: Vec<Value> = match &asked.json["input"] {
            Value::Array(list) => list.iter().map(|_| json!({"embedding": [1.0, 0.0]})).collect(),
            _ => vec![json!({"index": 0, "embedding": [1.0, 0.0]})],
        };
        let usage = json!({"prompt_tokens": 3, "total_tokens": 3});
        (200, "application/json", json!({"object": "list", "data": data, "model": "e", "usage": usage}).to_string())
    })
    .await
    .unwrap()
}

pub(super) async fn key(gateway: &Gateway, body: &Value) -> (String, String) {
    let made = gateway.ask("/key/generate", body).await.unwrap().json();
    let text = |name: &str| made[name].as_str().unwrap().to_owned();
    (text("key"), text("token"))
}

/// The rows of a key once there are `count` of them, the oldest first, and what the key is said to have spent.
pub(super) async fn rows(gateway: &Gateway, token: &str, count: usize) -> (Vec<Value>, f64) {
    for _ in 0..200 {
        let rows = gateway.get(&format!("/spend/logs?api_key={token}"), MASTER_KEY).await.unwrap().json();
        let info = gateway.get(&format!("/key/info?key={token}"), MASTER_KEY).await.unwrap().json();
        let spent = info["info"]["spend"].as_f64().unwrap();
        let mut rows = rows.as_array().cloned().unwrap_or_default();
        rows.sort_by_key(|row| row["startTime"].as_str().unwrap().to_owned());
        let sum: f64 = rows.iter().map(|row| row["spend"].as_f64().unwrap()).sum();
        assert!(rows.len() <= count, "{rows:#?}");
        if rows.len() == count && (spent - sum).abs() < 1e-9 {
            return (rows, spent);
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("{count} rows did not come");
}

#[tokio::test]
async fn who_loses_against_a_second_call_is_billed_once() {
    let (sim, vectors) = (sim().await, vectors().await);
    let gateway = gateway(&sim, &vectors.base_url(), "drop_params: true").await;
    sim.script(Match::path("/east"), Script { delay_ms: Some(20_000), ..Script::default() });
    for stream in [false, true] {
        let (key, token) = key(&gateway, &json!({})).await;
        let mut body = say("hello there");
        body["stream"] = json!(stream);
        let reply = gateway.post(CHAT, &body, &key).await.unwrap();
        assert_eq!(reply.status, 200, "{}", reply.text());
        assert!(reply.header("x-litellm-model-api-base").contains("/west"), "{:?}", reply.headers);
        let (rows, spent) = rows(&gateway, &token, 2).await;
        assert!(spent > 0.0 && (rows[0]["spend"].as_f64() == rows[1]["spend"].as_f64()), "{rows:#?}");
        assert_ne!(rows[0]["model_id"], rows[1]["model_id"], "{rows:#?}");
        assert_ne!(rows[0]["request_id"], rows[1]["request_id"]);
        assert_eq!(rows[0]["total_tokens"], rows[1]["total_tokens"]);
    }

    // Neither is refused, and nobody pays twice: what is left covers one call, so there is no second one.
    let (poor, _) = key(&gateway, &json!({"max_budget": 0.5})).await;
    let before = calls(&sim).len();
    let mut body = say("hello there");
    (body["max_tokens"], body["timeout"], body["num_retries"]) = (json!(40), json!(0.6), json!(0));
    sim.script(Match::path("/west"), Script { delay_ms: Some(20_000), ..Script::default() });
    let reply = gateway.post(CHAT, &body, &poor).await.unwrap();
    assert_eq!((reply.status, calls(&sim).len() - before), (408, 1), "{}", reply.text());
}

#[tokio::test]
async fn vectors_that_choose_a_model_are_billed_to_who_asked() {
    let (sim, vectors) = (sim().await, vectors().await);
    let gateway = gateway(&sim, &vectors.base_url(), "drop_params: true").await;
    let (key, token) = key(&gateway, &json!({"models": ["alike", "m"]})).await;
    let mut body = say("please write code");
    body["model"] = json!("alike");
    assert_eq!(gateway.post(CHAT, &body, &key).await.unwrap().status, 200);
    let (told, _) = rows(&gateway, &token, 2).await;
    let vector = told.iter().find(|row| row["model_group"] == "vectors").expect("a row of its own");
    assert_eq!((vector["call_type"].as_str(), vector["spend"].as_f64()), (Some("aembedding"), Some(1.5)), "{vector:#}");
    assert_eq!(vectors.seen().len(), 2, "the examples once, and the question");
    assert_eq!(gateway.post(CHAT, &body, &key).await.unwrap().status, 200);
    let (told, spent) = rows(&gateway, &token, 4).await;
    assert!(spent > 3.0 && vectors.seen().len() == 3, "{spent} {told:#?}");
}

#[tokio::test]
async fn vectors_of_a_semantic_cache_are_billed_to_who_asked() {
    let (sim, vectors) = (sim().await, vectors().await);
    let cache = "cache: true\n  cache_params: {type: local-semantic, similarity_threshold: 0.9, semantic_cache_embedding_model: vectors}";
    let gateway = gateway(&sim, &vectors.base_url(), cache).await;
    let (key, token) = key(&gateway, &json!({})).await;
    for _ in 0..2 {
        assert_eq!(gateway.post(CHAT, &say("what is it"), &key).await.unwrap().status, 200);
    }
    let (told, spent) = rows(&gateway, &token, 4).await;
    let of_vectors: Vec<_> = told.iter().filter(|row| row["model_group"] == "vectors").collect();
    assert!(of_vectors.len() == 2 && of_vectors.iter().all(|row| row["spend"] == 1.5), "{told:#?}");
    assert!(spent >= 3.0, "{spent}");
}
