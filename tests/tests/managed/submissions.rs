//! Guardrails that teams ask for, and what guardrails did.

use http::Method;
use llm_simulator::{Simulator, SimulatorConfig};
use llm_store::testing::PostgresServer;
use llm_tests::{Gateway, MASTER_KEY, Options, eventually, psql};
use serde_json::{Value, json};

use super::{chat, config, key, on_both_engines, send};

const LIST: &str = "/guardrails/submissions";

async fn get(gateway: &Gateway, key: &str, path: &str) -> (u16, Value) {
    send(gateway, key, Method::GET, path, &json!({})).await
}

async fn post(gateway: &Gateway, key: &str, path: &str, body: &Value) -> (u16, Value) {
    send(gateway, key, Method::POST, path, body).await
}

async fn lives(gateway: &Gateway) {
    for user in ["ann", "eve"] {
        let made = gateway.ask("/user/new", &json!({"user_id": user, "user_role": "internal_user"})).await.unwrap();
        assert_eq!(made.status, 200, "{}", made.text());
    }
    let members = json!([{"user_id": "ann", "role": "user"}]);
    let team = gateway.ask("/team/new", &json!({"team_id": "red", "members_with_roles": members})).await.unwrap();
    assert_eq!(team.status, 200, "{}", team.text());
    let ann = key(gateway, json!({"user_id": "ann", "team_id": "red"})).await;
    let eve = key(gateway, json!({"user_id": "eve"})).await;
    let wish = |name: &str| {
        let params = json!({"guardrail": "litellm_content_filter", "mode": "pre_call", "api_key": "sk-of-the-red-team",
            "blocked_words": [{"keyword": "albatross", "action": "BLOCK"}]});
        json!({"guardrail_name": name, "litellm_params": params, "guardrail_info": {"description": "no birds"}})
    };
    let with = |name: &str, field: &str, value: Value| {
        let mut out = wish(name);
        out["litellm_params"][field] = value;
        out
    };
    let (status, asked) = post(gateway, &ann, "/guardrails/register", &wish("birds")).await;
    assert_eq!((status, &asked["status"]), (200, &json!("pending_review")), "{asked}");
    let mut of_others = wish("other");
    of_others["team_id"] = json!("red");
    for (who, body, status) in [
        (&ann, wish("birds"), 400),
        (&ann, with("x", "guardrail", json!("presidio")), 400),
        (&ann, with("x", "guardrail", json!("generic_guardrail_api")), 400),
        (&ann, with("x", "api_key", json!("os.environ/LITELLM_MASTER_KEY")), 400),
        (&ann, with("x", "mode", json!("never")), 400),
        (&ann, json!({"guardrail_name": "x"}), 422),
        (&eve, wish("x"), 400),
        (&eve, of_others, 403),
    ] {
        let (told, answer) = post(gateway, who, "/guardrails/register", &body).await;
        assert_eq!(told, status, "{body}: {answer}");
    }

    // It waits: nobody runs it, and only the team and administrators see it.
    let path = format!("{LIST}/{}", asked["guardrail_id"].as_str().unwrap());
    let (_, listed) = get(gateway, &ann, LIST).await;
    assert_eq!(listed["summary"], json!({"total": 1, "pending_review": 1, "active": 0, "rejected": 0}), "{listed}");
    assert!(!listed.to_string().contains("sk-of-the-red-team"), "{listed}");
    assert_eq!(listed["submissions"][0]["submitted_by_user_id"], "ann");
    assert_eq!(get(gateway, &eve, LIST).await.1["submissions"], json!([]));
    assert_eq!(get(gateway, &eve, &format!("{LIST}?team_id=red")).await.0, 403);
    assert_eq!(get(gateway, &eve, &path).await.0, 403);
    assert_eq!(get(gateway, &ann, &path).await.0, 200);
    let shown = get(gateway, MASTER_KEY, "/guardrails/list").await.1.to_string();
    assert!(!shown.contains("birds"), "{shown}");
    assert_eq!(post(gateway, &ann, &format!("{path}/approve"), &json!({})).await.0, 401);

    let (status, approved) = post(gateway, MASTER_KEY, &format!("{path}/approve"), &json!({})).await;
    assert_eq!((status, &approved["status"]), (200, &json!("active")), "{approved}");
    assert_eq!(
        post(gateway, MASTER_KEY, &format!("{path}/reject"), &json!({})).await.0,
        400,
        "it does not wait any more"
    );
    let body =
        |text: &str| json!({"model": "gpt", "messages": [{"role": "user", "content": text}], "guardrails": ["birds"]});
    for (text, status) in [("an albatross", 400), ("a walrus", 200)] {
        let (told, answer) = post(gateway, &ann, "/v1/chat/completions", &body(text)).await;
        assert_eq!(told, status, "{answer}");
    }
    assert_eq!(chat(gateway, &ann, "an albatross").await.0, 200, "who does not ask for it does not run it");
    used(gateway, asked["guardrail_id"].as_str().unwrap()).await;
    assert_eq!(get(gateway, &ann, "/guardrails/usage/overview").await.0, 401);

    let (_, second) = post(gateway, &ann, "/guardrails/register", &wish("fish")).await;
    let path = format!("{LIST}/{}", second["guardrail_id"].as_str().unwrap());
    assert_eq!(post(gateway, MASTER_KEY, &format!("{path}/reject"), &json!({})).await.1["status"], "rejected");
    assert_eq!(
        get(gateway, MASTER_KEY, &format!("{LIST}?status=rejected&search=FIS")).await.1["submissions"][0]["status"],
        "rejected"
    );
    assert_eq!(get(gateway, MASTER_KEY, &format!("{LIST}/none")).await.0, 404);
}

/// One call passed, one was stopped.
async fn used(gateway: &Gateway, id: &str) {
    let overview = eventually("what the guardrail did", async || {
        let (_, told) = get(gateway, MASTER_KEY, "/guardrails/usage/overview").await;
        (told["totalRequests"] == 2).then_some(told)
    })
    .await;
    assert_eq!((&overview["totalBlocked"], &overview["passRate"]), (&json!(1), &json!(50.0)), "{overview}");
    let row = overview["rows"].as_array().unwrap().iter().find(|row| row["name"] == "birds").unwrap();
    assert_eq!(
        (&row["status"], &row["failRate"], &row["provider"]),
        (&json!("critical"), &json!(50.0), &json!("litellm_content_filter"))
    );
    let (status, detail) = get(gateway, MASTER_KEY, &format!("/guardrails/usage/detail/{id}")).await;
    assert_eq!((status, &detail["time_series"][0]["blocked"]), (200, &json!(1)), "{detail}");
    assert_eq!(get(gateway, MASTER_KEY, "/guardrails/usage/detail/none").await.0, 404);
    assert_eq!(get(gateway, MASTER_KEY, "/guardrails/usage/overview?start_date=x").await.0, 400);
    let (_, logs) = get(gateway, MASTER_KEY, &format!("/guardrails/usage/logs?guardrail_id={id}&action=blocked")).await;
    assert_eq!(logs["total"], 2, "{logs}");
    let log = &logs["logs"].as_array().unwrap()[0];
    assert_eq!((&log["action"], logs["logs"].as_array().unwrap().len()), (&json!("blocked"), 1), "{logs}");
    assert!(log["latency_ms"].is_number() && log["reason"].is_string(), "{log}");
    let (status, policies) = get(gateway, MASTER_KEY, "/policies/usage/overview").await;
    assert_eq!((status, &policies["passRate"]), (200, &json!(100.0)), "{policies}");
    let rows = get(gateway, MASTER_KEY, "/spend/logs").await.1;
    let stopped = rows.as_array().unwrap().iter().find(|row| row["status"] == "failure").unwrap();
    let told = &stopped["metadata"]["guardrail_information"][0];
    assert_eq!(
        (&told["guardrail_name"], &told["guardrail_status"]),
        (&json!("birds"), &json!("guardrail_intervened")),
        "{stopped}"
    );
}

#[tokio::test]
async fn a_store_that_fails_makes_nobody_a_stranger() {
    let sim = Simulator::start(SimulatorConfig::default()).await.unwrap();
    let Some(server) = PostgresServer::start().unwrap() else { return };
    let url = server.create().await.unwrap();
    let options = Options { env: vec![("DATABASE_URL".to_owned(), url.clone())], ..Options::default() };
    let gateway = Gateway::start_with(&config(&sim, ""), &options).await.unwrap();
    for (path, body) in [
        ("/user/new", json!({"user_id": "ann", "user_role": "internal_user"})),
        ("/team/new", json!({"team_id": "red", "members_with_roles": [{"user_id": "ann", "role": "user"}]})),
    ] {
        assert_eq!(post(&gateway, MASTER_KEY, path, &body).await.0, 200, "{path}");
    }
    let ann = key(&gateway, json!({"user_id": "ann"})).await;
    let words = json!([{"keyword": "albatross", "action": "BLOCK"}]);
    let params = json!({"guardrail": "litellm_content_filter", "mode": "pre_call", "blocked_words": words});
    let mut wish = json!({"guardrail_name": "birds", "litellm_params": params, "team_id": "red"});
    let (status, asked) = post(&gateway, &ann, "/guardrails/register", &wish).await;
    assert_eq!(status, 200, "{asked}");
    let path = format!("{LIST}/{}", asked["guardrail_id"].as_str().unwrap());
    assert_eq!(get(&gateway, &ann, &path).await.0, 200);
    psql(&url, &["-c", r#"ALTER TABLE "LiteLLM_TeamTable" RENAME TO "Away""#]);
    let (status, told) = get(&gateway, &ann, &path).await;
    assert!(status >= 500, "{status}: {told}");
    wish["guardrail_name"] = json!("fish");
    let (status, told) = post(&gateway, &ann, "/guardrails/register", &wish).await;
    assert!(status >= 500, "{status}: {told}");
}

#[tokio::test]
async fn teams_ask_for_guardrails_and_administrators_decide() {
    let sim = Simulator::start(SimulatorConfig::default()).await.unwrap();
    let (gateways, _server) = on_both_engines(&config(&sim, "")).await;
    for gateway in &gateways {
        lives(gateway).await;
    }
}
