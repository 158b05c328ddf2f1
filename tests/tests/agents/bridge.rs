//! Agents that are asked like a model: messages in A2A here, a conversation at the provider.

use llm_simulator::{Simulator, SimulatorConfig};
use llm_tests::{Gateway, MASTER_KEY, calls};
use serde_json::{Value, json};

use super::{post, says};

#[tokio::test]
async fn an_agent_of_a_provider_is_asked_as_a_model() {
    let sim = Simulator::start(SimulatorConfig::default()).await.unwrap();
    let base = sim.base_url();
    let config = format!(
        "general_settings: {{master_key: {MASTER_KEY}, proxy_batch_write_at: 0.2}}
agents:
  - {{agent_name: helper, agent_card_params: {{name: helper, url: '{base}/v1'}}, static_headers: {{x-tenant: t-1}},
     litellm_params: {{custom_llm_provider: openai, model: gpt-4o, api_key: sk-agent, temperature: 0.5}}}}
  - {{agent_name: odd, agent_card_params: {{name: odd, url: '{base}'}}, litellm_params: {{custom_llm_provider: pydantic_ai_agents}}}}
  - {{agent_name: dear, agent_card_params: {{name: dear}},
     litellm_params: {{custom_llm_provider: openai, model: openai/gpt-4o, api_base: '{base}/v1', api_key: sk-agent, cost_per_query: 0.25}}}}
"
    );
    let gateway = Gateway::start(&config).await.unwrap();
    let fields = json!({"models": ["nothing-else"], "user_id": "ann"});
    let (key, token) = gateway.new_key(&fields).await.unwrap();
    let reply = post(&gateway, "/a2a/helper", &key, &[], &says("hello", false)).await;
    let answer = reply.json();
    assert_eq!((reply.status, &answer["id"], &answer["jsonrpc"]), (200, &json!("q-1"), &json!("2.0")), "{answer}");
    let message = &answer["result"];
    assert_eq!(
        (&message["kind"], &message["role"], &message["parts"][0]["kind"]),
        (&json!("message"), &json!("agent"), &json!("text"))
    );
    let text = message["parts"][0]["text"].as_str().unwrap();
    assert!(!text.is_empty(), "{answer}");
    let asked = calls(&sim).pop().unwrap();
    assert_eq!(asked.header("x-litellm-user-id"), None, "who calls is not the provider's to know");
    assert_eq!((asked.header("authorization"), asked.header("x-tenant")), (Some("Bearer sk-agent"), Some("t-1")));
    let body = asked.json();
    assert_eq!(
        (&body["model"], &body["messages"], &body["temperature"]),
        (&json!("gpt-4o"), &json!([{"role": "user", "content": "hello"}]), &json!(0.5))
    );

    let stream = post(&gateway, "/a2a/helper", &key, &[], &says("hello", true)).await;
    assert!(stream.header("content-type").starts_with("text/event-stream"), "{}", stream.text());
    let events: Vec<Value> = stream
        .text()
        .lines()
        .filter_map(|line| line.strip_prefix("data: "))
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["result"].clone())
        .collect();
    let kinds: Vec<&str> = events.iter().map(|event| event["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["task", "status-update", "artifact-update", "status-update"]);
    assert_eq!((&events[0]["history"][0]["messageId"], &events[3]["final"]), (&json!("1"), &json!(true)));
    assert_eq!(events[2]["artifact"]["parts"][0]["text"], text);
    assert!(events.iter().all(|event| event["contextId"] == events[0]["contextId"]));

    let newer = json!({"jsonrpc": "2.0", "id": 7, "method": "SendMessage", "params": {"message":
        {"messageId": "2", "role": "ROLE_USER", "parts": [{"text": "a"}, {"text": "b"}]}}});
    let answer = post(&gateway, "/a2a/dear", &key, &[], &newer).await.json();
    assert_eq!((&answer["id"], &answer["result"]["message"]["role"]), (&json!(7), &json!("ROLE_AGENT")), "{answer}");
    assert_eq!(calls(&sim).pop().unwrap().json()["messages"][0]["content"], "a\nb");

    let picture = json!({"jsonrpc": "2.0", "id": 8, "method": "message/send", "params": {"message":
        {"role": "user", "parts": [{"kind": "file", "file": {"uri": "https://h/a.png"}}]}}});
    let tasks = json!({"jsonrpc": "2.0", "id": 9, "method": "tasks/get", "params": {"id": "t"}});
    let before = calls(&sim).len();
    for (body, code) in [(picture, -32602), (tasks, -32004)] {
        let reply = post(&gateway, "/a2a/helper", &key, &[], &body).await;
        assert_eq!((reply.status, &reply.json()["error"]["code"]), (400, &json!(code)), "{}", reply.text());
    }
    assert_eq!(calls(&sim).len(), before, "nobody was asked");

    // One whose provider nobody knows keeps no gateway from starting.
    let odd = post(&gateway, "/a2a/odd", &key, &[], &says("hello", false)).await;
    assert_eq!((odd.status, &odd.json()["error"]["code"]), (501, &json!(-32004)), "{}", odd.text());
    assert_eq!(gateway.get("/a2a/odd/.well-known/agent-card.json", &key).await.unwrap().status, 200);
    assert!(gateway.logs().contains("agents[1].litellm_params"), "it is told at the start: {}", gateway.logs());

    let rows = gateway.spend_rows(&token, 3).await.unwrap();
    let of = |model: &str| rows.iter().filter(move |row| row["model"] == model).collect::<Vec<_>>();
    let (helper, dear) = (of("a2a_agent/helper"), of("a2a_agent/dear"));
    assert_eq!((helper.len(), dear.len(), &dear[0]["spend"]), (2, 1, &json!(0.25)), "{rows:?}");
    for row in helper {
        assert!(row["spend"].as_f64().unwrap() > 0.0 && row["total_tokens"].as_i64().unwrap() > 0, "{row}");
    }
}
