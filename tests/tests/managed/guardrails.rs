//! Guardrails of the database, and which of them keys and teams run.

use http::Method;
use llm_simulator::{Simulator, SimulatorConfig};
use llm_tests::{Asked, Canned, Gateway, MASTER_KEY, Options, calls, eventually};
use serde_json::{Value, json};

use super::{chat, config, key, send};

fn guardrail(name: &str, word: &str, default_on: bool) -> Value {
    let params = json!({"guardrail": "litellm_content_filter", "mode": "pre_call", "default_on": default_on,
        "api_key": "sk-of-the-guardrail-0123",
        "blocked_words": [{"keyword": word, "action": "BLOCK"}]});
    json!({"guardrail": {"guardrail_name": name, "litellm_params": params, "guardrail_info": {"for": "tests"}}})
}

#[tokio::test]
async fn guardrails_of_the_database_judge_calls() {
    let sim = Simulator::start(SimulatorConfig::default()).await.unwrap();
    let file = "guardrails:\n  - guardrail_name: of-the-file\n    litellm_params:\n      guardrail: litellm_content_filter\n      mode: pre_call\n      blocked_words: [{keyword: walrus, action: BLOCK}]\n";
    let gateway = Gateway::start(&config(&sim, file)).await.unwrap();
    let plain = key(&gateway, json!({"key_alias": "plain"})).await;
    assert_eq!(chat(&gateway, &plain, "an albatross").await.0, 200);

    let (status, made) =
        send(&gateway, MASTER_KEY, Method::POST, "/guardrails", &guardrail("birds", "albatross", true)).await;
    assert_eq!(status, 200, "{made}");
    assert!(!made.to_string().contains("sk-of-the-guardrail-0123"), "{made}");
    let path = format!("/guardrails/{}", made["guardrail_id"].as_str().unwrap());
    let (status, refused) = chat(&gateway, &plain, "an albatross").await;
    assert_eq!(status, 400, "{refused}");

    // What could not be served is refused, and what is in force stays.
    for (wrong, status) in [
        (guardrail("birds", "x", true), 400),
        (guardrail("of-the-file", "x", true), 400),
        (
            json!({"guardrail": {"guardrail_name": "n", "litellm_params": {"guardrail": "presidio", "mode": "pre_call"}}}),
            400,
        ),
        (json!({"guardrail": {"guardrail_name": "n"}}), 422),
        (json!({}), 422),
    ] {
        let (told, answer) = send(&gateway, MASTER_KEY, Method::POST, "/guardrails", &wrong).await;
        assert_eq!(told, status, "{wrong}: {answer}");
    }
    let wrong = json!({"litellm_params": {"mode": "never"}});
    assert_eq!(send(&gateway, MASTER_KEY, Method::PATCH, &path, &wrong).await.0, 400);
    assert_eq!(chat(&gateway, &plain, "an albatross").await.0, 400);

    // Not by itself any more: who asks for it runs it.
    let off = json!({"litellm_params": {"default_on": false}});
    let (status, changed) = send(&gateway, MASTER_KEY, Method::PATCH, &path, &off).await;
    assert_eq!((status, &changed["litellm_params"]["default_on"]), (200, &json!(false)), "{changed}");
    assert_eq!(chat(&gateway, &plain, "an albatross").await.0, 200);
    assert_eq!(
        gateway.ask("/team/new", &json!({"team_id": "red", "guardrails": ["birds"]})).await.unwrap().status,
        200
    );
    let of_team = key(&gateway, json!({"team_id": "red", "key_alias": "of-team"})).await;
    let user = gateway.ask("/user/new", &json!({"user_id": "ann", "user_role": "internal_user"})).await.unwrap();
    assert_eq!(user.status, 200);
    let guarded = key(&gateway, json!({"user_id": "ann", "guardrails": ["of-the-file", "birds"]})).await;
    for (key, text, status) in [
        (&of_team, "an albatross", 400),
        (&of_team, "a walrus", 200),
        (&guarded, "a walrus", 400),
        (&guarded, "an albatross", 400),
        (&guarded, "a sparrow", 200),
    ] {
        let told = chat(&gateway, key, text).await;
        assert_eq!(told.0, status, "{text}: {}", told.1);
    }

    // Its owner does not lift a key's guardrails.
    let own = key(&gateway, json!({"user_id": "ann", "key_alias": "ann"})).await;
    for (body, status) in [
        (json!({"key": guarded, "guardrails": ["birds"]}), 403),
        (json!({"key": guarded, "metadata": {}}), 403),
        (json!({"key": own, "metadata": {"opted_out_global_guardrails": ["birds"]}}), 403),
        (json!({"key": guarded, "guardrails": ["of-the-file", "birds", "more"]}), 200),
    ] {
        let told = gateway.post("/key/update", &body, &own).await.unwrap();
        assert_eq!(told.status, status, "{body}: {}", told.text());
    }

    // Lists, and a text on its own.
    let all = gateway.get("/v2/guardrails/list", &own).await.unwrap().json();
    let names: Vec<_> = all["guardrails"].as_array().unwrap().iter().map(|g| g["guardrail_name"].clone()).collect();
    assert_eq!(names, [json!("of-the-file"), json!("birds")]);
    assert!(!all.to_string().contains("walrus"), "{all}");
    let seen = gateway.get("/guardrails/list", MASTER_KEY).await.unwrap().text();
    assert!(seen.contains("walrus") && !seen.contains("sk-of-the-guardrail"), "{seen}");
    for (name, text, status) in [("birds", "an albatross", 400), ("birds", "a sparrow", 200), ("nobody", "x", 404)] {
        let body = json!({"guardrail_name": name, "text": text});
        let told = gateway.post("/apply_guardrail", &body, &plain).await.unwrap();
        assert_eq!(told.status, status, "{}", told.text());
        if status == 200 {
            assert_eq!(told.json()["response_text"], "a sparrow");
        }
    }

    assert_eq!(send(&gateway, MASTER_KEY, Method::DELETE, &path, &json!({})).await.0, 200);
    assert_eq!(send(&gateway, MASTER_KEY, Method::GET, &path, &json!({})).await.0, 404);
    let before = calls(&sim).len();
    assert_eq!(chat(&gateway, &of_team, "an albatross").await.0, 200);
    assert_eq!(calls(&sim).len(), before + 1);
}

#[tokio::test]
async fn guardrails_of_logs_mask_logs_alone() {
    let sim = Simulator::start(SimulatorConfig::default()).await.unwrap();
    let logger = Canned::start(|_: &Asked| (200, "application/json", "{}".to_owned())).await.unwrap();
    let more = "litellm_settings: {success_callback: [generic_api]}\nguardrails:\n  - guardrail_name: logs\n    litellm_params:\n      guardrail: litellm_content_filter\n      mode: logging_only\n      blocked_words: [{keyword: albatross, action: MASK}]\n";
    let env = vec![("GENERIC_LOGGER_ENDPOINT".to_owned(), logger.base_url())];
    let gateway = Gateway::start_with(&config(&sim, more), &Options { env, ..Options::default() }).await.unwrap();
    let plain = key(&gateway, json!({"key_alias": "plain"})).await;
    sim.script(llm_simulator::Match::any(), llm_simulator::Script::text("an albatross of mine"));
    let (status, answer) = chat(&gateway, &plain, "an albatross").await;
    assert_eq!((status, &answer["choices"][0]["message"]["content"]), (200, &json!("an albatross of mine")));
    assert!(String::from_utf8_lossy(&calls(&sim)[0].body).contains("albatross"), "the model reads all of it");
    let logged = || logger.seen().iter().map(|asked| asked.json.to_string()).collect::<String>();
    let told = eventually("the call is told", async || Some(logged()).filter(|all| all.contains("plain"))).await;
    assert!(!told.contains("albatross") && told.matches("[KEYWORD_REDACTED]").count() >= 2, "{told}");

    let embed = json!({"model": "gpt", "input": "an albatross to embed"});
    assert_eq!(gateway.post("/v1/embeddings", &embed, &plain).await.unwrap().status, 200);
    let told =
        eventually("the other call is told", async || Some(logged()).filter(|all| all.contains("to embed"))).await;
    assert!(!told.contains("albatross"), "calls that generate nothing are masked too: {told}");
}
