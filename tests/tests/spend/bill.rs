//! What was spent here beside what OpenAI billed.

use chrono::{Days, Utc};
use llm_simulator::{Simulator, SimulatorConfig};
use llm_tests::{Canned, Config, Gateway, MASTER_KEY, Options};
use serde_json::{Value, json};

const ADMIN: &str = "sk-admin-0123456789";

#[tokio::test]
async fn the_bill_of_a_day_is_compared() {
    let sim = Simulator::start(SimulatorConfig::default()).await.unwrap();
    let today = Utc::now().date_naive();
    let yesterday = today.checked_sub_days(Days::new(1)).unwrap();
    let second = |day: chrono::NaiveDate| day.and_hms_opt(0, 0, 0).unwrap().and_utc().timestamp();
    let (first, last) = (second(yesterday), second(today));
    // Two pages, as the costs API gives them.
    let bill = Canned::start(move |asked| {
        if asked.header("authorization") != format!("Bearer {ADMIN}") {
            return (401, "application/json", json!({"error": {"message": "no"}}).to_string());
        }
        assert!(asked.path.starts_with(&format!("/v1/organization/costs?start_time={first}&")), "{}", asked.path);
        assert!(asked.path.contains("project_ids%5B%5D=proj_1"), "{}", asked.path);
        let bucket = |start: i64, usd: f64| {
            let amount = json!({"value": usd, "currency": "usd"});
            json!([{"object": "bucket", "start_time": start, "end_time": start + 86_400, "results": [{"amount": amount}]}])
        };
        let page = match asked.path.contains("&page=next") {
            false => json!({"data": bucket(first, 2.0), "has_more": true, "next_page": "next"}),
            true => json!({"data": bucket(last, 1.0), "has_more": false, "next_page": null}),
        };
        (200, "application/json", page.to_string())
    });
    let bill = bill.await.unwrap();
    let start = async |env: &[(&str, &str)]| {
        let env = env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let config = Config::standard(&sim).general("proxy_batch_write_at: 0.1").yaml();
        Gateway::start_with(&config, &Options { env, ..Options::default() }).await.unwrap()
    };
    let base = bill.base_url();
    let gateway = start(&[("OPENAI_ADMIN_KEY", ADMIN), ("OPENAI_ADMIN_API_BASE", &base)]).await;
    for model in ["gpt", "claude"] {
        let body = json!({"model": model, "messages": [{"role": "user", "content": "hi"}]});
        assert_eq!(gateway.ask("/v1/chat/completions", &body).await.unwrap().status, 200);
    }
    let path = format!("/spend/capture_rate?start_date={yesterday}&end_date={today}&project_ids=proj_1");
    let report: Value = gateway.get(&path, MASTER_KEY).await.unwrap().json();
    let usage = format!("/user/daily/activity?start_date={today}&end_date={today}&model=gpt-4o");
    let usage: Value = gateway.get(&usage, MASTER_KEY).await.unwrap().json();
    let openai = usage["metadata"]["total_spend"].as_f64().unwrap();
    assert!(openai > 0.0);
    assert_eq!(report["provider_spend"], 3.0, "{report}");
    assert_eq!(report["captured_spend"].as_f64().unwrap(), openai, "calls of others stand on no bill of OpenAI's");
    assert_eq!(report["days"][1]["date"], today.to_string());
    assert_eq!(report["days"][0]["captured_spend"], 0.0);
    assert_eq!(report["below_threshold"], true);
    let late = format!("/spend/capture_rate?start_date={today}&end_date={yesterday}");
    assert_eq!(gateway.get(&late, MASTER_KEY).await.unwrap().status, 400);

    let keyless = start(&[]).await;
    let refused = keyless.get(&path, MASTER_KEY).await.unwrap();
    assert_eq!(refused.status, 503, "{}", refused.text());
    let wrong = start(&[("OPENAI_ADMIN_KEY", "sk-other"), ("OPENAI_ADMIN_API_BASE", &base)]).await;
    let refused = wrong.get(&path, MASTER_KEY).await.unwrap();
    assert_eq!(refused.status, 502, "{}", refused.text());
}
