//! Policies whose guardrails run one after the other.

use llm_simulator::{Simulator, SimulatorConfig};
use llm_tests::{Gateway, calls};
use serde_json::{Value, json};

use super::{chat, config, key};

fn filter(name: &str, word: &str, action: &str) -> Value {
    let params = json!({"guardrail": "litellm_content_filter", "mode": "pre_call",
        "blocked_words": [{"keyword": word, "action": action}]});
    json!({"guardrail_name": name, "litellm_params": params})
}

#[tokio::test]
async fn a_step_decides_whether_the_next_one_is_asked() {
    let sim = Simulator::start(SimulatorConfig::default()).await.unwrap();
    let guardrails = json!([
        filter("birds", "albatross", "BLOCK"),
        filter("seals", "walrus", "BLOCK"),
        filter("masks", "secret", "MASK")
    ]);
    let steps = |mode: &str, steps: Value| json!({"pipeline": {"mode": mode, "steps": steps}});
    let policies = json!({
        "lenient": steps("pre_call", json!([{"guardrail": "birds", "on_fail": "next"}, {"guardrail": "seals"}])),
        "masked": steps("pre_call", json!([{"guardrail": "masks", "on_pass": "next", "pass_data": true}, {"guardrail": "birds"}])),
        "dropped": steps("pre_call", json!([{"guardrail": "masks", "on_pass": "next"}])),
        "answers": steps("post_call", json!([{"guardrail": "birds"}])),
        "never": steps("pre_call", json!([{"guardrail": "seals", "on_pass": "block"}])),
    });
    let attached: Vec<Value> = ["lenient", "masked", "dropped", "answers", "never"]
        .iter()
        .map(|name| json!({"policy": name, "keys": [name]}))
        .collect();
    let more = format!("guardrails: {guardrails}\npolicies: {policies}\npolicy_attachments: {}\n", json!(attached));
    let gateway = Gateway::start(&config(&sim, &more)).await.unwrap();
    let of = async |name: &str| key(&gateway, json!({"key_alias": name})).await;

    let lenient = of("lenient").await;
    for (text, status) in [
        ("an albatross", 200),           // the first stops it, the second lets it pass
        ("a walrus", 200),               // the first lets it pass for good
        ("an albatross, a walrus", 400), // both stop it
    ] {
        let (told, answer) = chat(&gateway, &lenient, text).await;
        assert_eq!(told, status, "{text}: {answer}");
    }
    let (status, answer) = chat(&gateway, &of("never").await, "fine").await;
    assert_eq!(
        (status, answer["error"]["message"].as_str().unwrap().contains("the policy never")),
        (400, true),
        "{answer}"
    );

    let last = || String::from_utf8_lossy(&calls(&sim).last().unwrap().body).into_owned();
    assert_eq!(chat(&gateway, &of("masked").await, "a secret").await.0, 200);
    assert!(!last().contains("a secret"), "{}", last());
    assert_eq!(chat(&gateway, &of("dropped").await, "a secret").await.0, 200);
    assert!(last().contains("a secret"), "without pass_data nothing is edited: {}", last());

    let answers = of("answers").await;
    assert_eq!(chat(&gateway, &answers, "fine").await.0, 200);
    assert_eq!(chat(&gateway, &answers, "an albatross").await.0, 400, "the echo is stopped");
    let body = json!({"model": "gpt", "stream": true, "messages": [{"role": "user", "content": "an albatross"}]});
    let streamed = gateway.post("/v1/chat/completions", &body, &answers).await.unwrap().text();
    let told: Vec<&str> = streamed.lines().filter(|line| line.contains("delta")).collect();
    assert!(!told.concat().contains("albatross") && streamed.contains("error"), "{streamed}");

    let pipeline = json!({"mode": "pre_call", "steps": [{"guardrail": "birds", "on_fail": "next"}, {"guardrail": "masks", "on_pass": "next", "pass_data": true}, {"guardrail": "seals"}]});
    let ask = async |pipeline: &Value, text: &str| {
        let body = json!({"pipeline": pipeline, "test_messages": [{"role": "user", "content": text}]});
        let reply = gateway.ask("/policies/test-pipeline", &body).await.unwrap();
        (reply.status, reply.json())
    };
    let (status, told) = ask(&pipeline, "an albatross, a secret, a walrus").await;
    assert_eq!((status, &told["terminal_action"]), (200, &json!("block")), "{told}");
    let outcomes: Vec<_> =
        told["step_results"].as_array().unwrap().iter().map(|step| step["outcome"].as_str().unwrap()).collect();
    assert_eq!(outcomes, ["fail", "pass", "fail"], "{told}");
    let (_, told) = ask(&pipeline, "an albatross, a secret").await;
    assert_eq!(told["terminal_action"], "allow", "{told}");
    assert!(!told["modified_data"].to_string().contains("secret"), "{told}");
    assert_eq!(ask(&json!({"mode": "pre_call", "steps": []}), "x").await.0, 400);
    assert_eq!(ask(&json!({"mode": "pre_call", "steps": [{"guardrail": "none"}]}), "x").await.0, 404);
}
