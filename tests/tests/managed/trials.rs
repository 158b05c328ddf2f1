//! Guardrails tried out on texts, outside of any call.

use llm_simulator::{Simulator, SimulatorConfig};
use llm_tests::{Gateway, calls};
use serde_json::{Value, json};

use super::config;

fn filter(name: &str, word: &str, action: &str) -> Value {
    let params = json!({"guardrail": "litellm_content_filter", "mode": "pre_call",
        "blocked_words": [{"keyword": word, "action": action}]});
    json!({"guardrail_name": name, "litellm_params": params})
}

#[tokio::test]
async fn texts_under_guardrails_that_are_made_and_that_are_not() {
    let sim = Simulator::start(SimulatorConfig::default()).await.unwrap();
    let more = format!(
        "guardrails: {}\npolicies: {{birds: {{guardrails: {{add: [stops, masks]}}}}}}\npolicy_attachments: [{{policy: birds, teams: [none]}}]\n",
        json!([filter("stops", "albatross", "BLOCK"), filter("masks", "walrus", "MASK")])
    );
    let gateway = Gateway::start(&config(&sim, &more)).await.unwrap();
    let ask = async |path: &str, body: Value| {
        let reply = gateway.ask(path, &body).await.unwrap();
        (reply.status, reply.json())
    };
    let path = "/utils/test_policies_and_guardrails";
    let inputs = json!([{"texts": ["an albatross", "fine"]}, {"texts": ["a walrus"], "model": "x"}]);
    for wanted in [json!({"policy_names": ["birds"]}), json!({"guardrail_names": ["masks", "stops"]})] {
        let mut body = wanted.clone();
        body["inputs_list"] = inputs.clone();
        let (status, told) = ask(path, body).await;
        assert_eq!(status, 200, "{told}");
        let results = told["results"].as_array().unwrap();
        assert_eq!(results[0]["guardrail_errors"][0]["guardrail_name"], "stops", "{told}");
        assert_eq!(results[0]["inputs"]["texts"], json!(["an albatross", "fine"]), "what is stopped stays as it was");
        assert_eq!(results[1]["guardrail_errors"], json!([]));
        assert!(!results[1]["inputs"]["texts"][0].as_str().unwrap().contains("walrus"), "{told}");
        assert_eq!(results[1]["inputs"]["model"], "x");
    }
    let many: Vec<Value> = (0..101).map(|_| json!({"texts": []})).collect();
    for (body, status) in [
        (json!({"policy_names": ["none"], "inputs_list": inputs}), 404),
        (json!({"guardrail_names": ["none"], "inputs_list": inputs}), 404),
        (json!({"guardrail_names": "stops"}), 400),
        (json!({"inputs_list": many}), 400),
        (json!({"inputs_list": [{"texts": [7]}], "guardrail_names": ["stops"]}), 400),
        (json!({"agent_id": "gpt", "inputs_list": inputs}), 400),
        (json!({"input_type": "sideways"}), 400),
    ] {
        let (told, answer) = ask(path, body).await;
        assert_eq!(told, status, "{answer}");
    }

    let made = json!([filter("a", "albatross", "BLOCK"), filter("b", "walrus", "MASK"),
        {"guardrail_name": "c", "litellm_params": {"guardrail": "presidio"}},
        {"guardrail_name": "d", "litellm_params": {"guardrail": "litellm_content_filter"}}]);
    let (status, told) =
        ask("/policy/templates/test", json!({"guardrail_definitions": made, "text": "an albatross"})).await;
    let actions: Vec<_> =
        told["results"].as_array().unwrap().iter().map(|one| one["action"].as_str().unwrap()).collect();
    assert_eq!((status, actions), (200, vec!["blocked", "passed", "unsupported", "error"]), "{told}");
    assert_eq!(told["overall_action"], "blocked");
    let (_, told) = ask(
        "/policy/templates/test",
        json!({"guardrail_definitions": [filter("b", "walrus", "MASK")], "text": "a walrus"}),
    )
    .await;
    assert_eq!(told["overall_action"], "masked", "{told}");

    let words = json!({"file_content": "blocked_words:\n  - {keyword: a}\n"});
    let (_, told) = ask("/guardrails/validate_blocked_words_file", words).await;
    assert_eq!(told, json!({"valid": false, "errors": ["Entry 0: missing 'action' field"]}));
    let fields = gateway.get("/public/providers/fields", "").await.unwrap().json();
    let openai = fields.as_array().unwrap().iter().find(|row| row["litellm_provider"] == "openai").unwrap();
    assert_eq!(openai["credential_fields"][1]["field_type"], "password", "{openai}");
    let searching = gateway.get("/search_tools/ui/available_providers", llm_tests::MASTER_KEY).await.unwrap().json();
    assert!(searching.to_string().contains("tavily"), "{searching}");
    let told = gateway.post("/api/event_logging/batch", &json!({"events": [{"event_type": "x"}]}), "").await.unwrap();
    assert_eq!((told.status, told.json()), (200, json!({"status": "ok"})));
    assert!(calls(&sim).is_empty(), "no model was called");
}
