//! Calls whose prompts were cached by their hosts, and what that saved.

use chrono::{TimeDelta, Utc};
use llm_simulator::{Simulator, SimulatorConfig};
use llm_tests::{Config, Gateway, MASTER_KEY};
use serde_json::{Value, json};

const PATH: &str = "/cost_optimization/prompt_caching/requests";

#[tokio::test]
async fn cached_prompts_and_what_they_saved() {
    let sim = Simulator::start(SimulatorConfig::default()).await.unwrap();
    let gateway = Gateway::start(&Config::standard(&sim).general("proxy_batch_write_at: 0.1").yaml()).await.unwrap();
    let (key, token) = gateway.new_key(&json!({})).await.unwrap();
    for (model, script) in [
        ("gpt", "prompt_tokens=1000"),
        ("gpt", "prompt_tokens=1000 cached_tokens=800"),
        ("claude", "prompt_tokens=1000 cache_write_tokens=800"),
    ] {
        let say = json!({"model": model, "messages": [{"role": "user", "content": format!("hi [[sim {script}]]")}]});
        assert_eq!(gateway.post("/v1/chat/completions", &say, &key).await.unwrap().status, 200);
    }
    gateway.spend_rows(&token, 3).await.unwrap();
    let day = |days: i64| (Utc::now() + TimeDelta::days(days)).format("%Y-%m-%dT%H:%M:%SZ").to_string();
    let path = format!("{PATH}?start_date={}&end_date={}", day(-1), day(1));
    let ask = async |more: &str| -> Value { gateway.get(&format!("{path}{more}"), MASTER_KEY).await.unwrap().json() };
    let all = ask("").await;
    let told =
        |row: &Value| (row["cache_read_tokens"].as_i64().unwrap(), row["cache_creation_tokens"].as_i64().unwrap());
    let rows: Vec<(i64, i64)> = all["requests"].as_array().unwrap().iter().map(told).collect();
    assert_eq!(rows, [(0, 800), (800, 0)], "{all}");
    let saved = |at: usize| all["requests"][at]["net_savings"].as_f64().unwrap();
    assert!((saved(1) - 800.0 * 1.25e-6).abs() < 1e-9 && saved(0) < 0.0, "{all}");
    assert_eq!((&all["has_more"], &all["next_cursor"], &all["page_size"]), (&json!(false), &Value::Null, &json!(50)));
    let hits = ask("&filter=hits").await;
    assert_eq!(hits["requests"].as_array().unwrap().len(), 1, "{hits}");
    assert_eq!(ask("&filter=injected").await["requests"], json!([]));
    // Page by page.
    let first = ask("&page_size=1").await;
    let cursor = &first["next_cursor"];
    assert_eq!((&first["has_more"], first["requests"].as_array().unwrap().len()), (&json!(true), 1), "{first}");
    let (at, id) = (cursor["start_time"].as_str().unwrap(), cursor["request_id"].as_str().unwrap());
    let second = ask(&format!("&page_size=1&cursor_start_time={at}&cursor_request_id={id}")).await;
    assert_eq!(second["requests"], json!([all["requests"][1]]), "{second}");
    for wrong in ["&page_size=0", "&filter=some", "&cursor_request_id=x", "&end_date=never"] {
        let path = if wrong.contains("end_date") {
            format!("{PATH}?start_date=2026-01-01{wrong}")
        } else {
            format!("{path}{wrong}")
        };
        assert_eq!(gateway.get(&path, MASTER_KEY).await.unwrap().status, 400, "{wrong}");
    }
    assert!(matches!(gateway.get(&path, &key).await.unwrap().status, 401 | 403));
}
