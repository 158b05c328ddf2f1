//! The state of the Responses API: conversations that go on, stored answers, answers made in the background; on providers
//! that keep answers themselves and on those that keep nothing.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failure is a failed test"
)]

#[path = "responses/searching.rs"]
mod searching;
#[path = "responses/socket.rs"]
mod socket;

use std::time::Duration;

use bytes::Bytes;
use http::Method;
use llm_simulator::{Fault, Match, Running, Script, Simulator, SimulatorConfig};
use llm_tests::{Asked, Canned, Config, Gateway, MASTER_KEY, Reply, Said, calls};
use serde_json::{Value, json};

const RESPONSES: &str = "/v1/responses";

async fn bridged(config: impl FnOnce(Config) -> Config) -> (Running, Gateway) {
    let sim = Simulator::start(SimulatorConfig::default()).await.unwrap();
    let gateway = Gateway::start(&config(Config::standard(&sim)).yaml()).await.unwrap();
    (sim, gateway)
}

async fn send(gateway: &Gateway, method: Method, path: &str, key: &str) -> Reply {
    let bearer = format!("Bearer {key}");
    gateway.send(method, path, &[("authorization", bearer.as_str())], Bytes::new()).await.unwrap()
}

fn id(reply: &Reply) -> String {
    assert_eq!(reply.status, 200, "{}", reply.text());
    reply.json()["id"].as_str().unwrap_or_else(|| panic!("no id: {}", reply.text())).to_owned()
}

/// The last answer of a stream.
fn last(reply: &Reply) -> Value {
    let events = reply.events();
    let ended = events.iter().map(|e| e.json()).find(|e| e["type"] == "response.completed");
    ended.unwrap_or_else(|| panic!("no end: {}", reply.text()))["response"].clone()
}

#[tokio::test]
async fn a_conversation_goes_on_where_the_provider_keeps_nothing() {
    let (sim, gateway) = bridged(|c| c).await;
    let first = gateway.ask(RESPONSES, &json!({"model": "claude", "input": "My name is Ada."})).await.unwrap();
    let second = json!({"model": "claude", "input": "Who am I?", "previous_response_id": id(&first), "stream": true});
    let second = gateway.ask(RESPONSES, &second).await.unwrap();
    let answer = last(&second);
    assert_eq!(answer["previous_response_id"], json!(id(&first)), "{answer}");
    let ids: Vec<Value> = second.events().iter().filter_map(|e| e.json()["response"].get("id").cloned()).collect();
    assert!(ids.len() >= 2 && ids.iter().all(|i| *i == answer["id"]), "one id in all events: {ids:?}");
    // a third turn on another model, with items
    let third = json!({"model": "anthropic/claude-haiku-4-5", "previous_response_id": answer["id"],
        "input": [{"role": "user", "content": [{"type": "input_text", "text": "Sure?"}]}]});
    gateway.ask(RESPONSES, &third).await.unwrap();
    let sent = calls(&sim);
    let texts = |at: usize| -> Vec<String> {
        let text = |m: &Value| match &m["content"] {
            Value::String(text) => text.clone(),
            parts => {
                parts.as_array().unwrap_or_else(|| panic!("{m}")).iter().filter_map(|p| p["text"].as_str()).collect()
            }
        };
        sent[at].json()["messages"].as_array().unwrap().iter().map(text).collect()
    };
    assert_eq!(texts(1), ["My name is Ada.", "You said: My name is Ada.", "Who am I?"]);
    assert_eq!(texts(2).last().map(String::as_str), Some("Sure?"));
    assert_eq!(texts(2).len(), 5, "{:?}", texts(2));
    assert!(sent.iter().all(|call| call.json().get("previous_response_id").is_none()));
}

#[tokio::test]
async fn a_kept_answer_is_read_and_forgotten() {
    let (_sim, gateway) = bridged(|c| c).await;
    let made = gateway.ask(RESPONSES, &json!({"model": "claude", "input": "Keep this."})).await.unwrap();
    let path = format!("{RESPONSES}/{}", id(&made));
    let read = send(&gateway, Method::GET, &path, MASTER_KEY).await;
    assert_eq!((read.status, read.json()), (200, made.json()));
    let items = send(&gateway, Method::GET, &format!("{path}/input_items"), MASTER_KEY).await.json();
    assert_eq!(items["data"][0]["content"][0], json!({"type": "input_text", "text": "Keep this."}), "{items}");
    let cancelled = send(&gateway, Method::POST, &format!("{path}/cancel"), MASTER_KEY).await;
    assert_eq!(cancelled.status, 400, "it is complete: {}", cancelled.text());
    let gone = send(&gateway, Method::DELETE, &path, MASTER_KEY).await;
    assert_eq!(gone.json(), json!({"id": id(&made), "object": "response", "deleted": true}));
    assert_eq!(send(&gateway, Method::GET, &path, MASTER_KEY).await.status, 404);
    let on = json!({"model": "claude", "input": "And?", "previous_response_id": id(&made)});
    let refused = gateway.ask(RESPONSES, &on).await.unwrap();
    assert_eq!((refused.status, &refused.json()["error"]["code"]), (400, &json!("previous_response_not_found")));
    let passing = json!({"model": "claude", "input": "Forget this.", "store": false});
    let passing = gateway.ask(RESPONSES, &passing).await.unwrap();
    assert_eq!(send(&gateway, Method::GET, &format!("{RESPONSES}/{}", id(&passing)), MASTER_KEY).await.status, 404);
}

#[tokio::test]
async fn answers_belong_to_whoever_asked() {
    let (_sim, gateway) = bridged(|c| c).await;
    let key = async |user: &str| {
        let made = gateway.ask("/key/generate", &json!({"user_id": user})).await.unwrap();
        made.json()["key"].as_str().unwrap_or_else(|| panic!("{}", made.text())).to_owned()
    };
    let (ada, bob) = (key("ada").await, key("bob").await);
    let made = gateway.post(RESPONSES, &json!({"model": "claude", "input": "Mine."}), &ada).await.unwrap();
    let path = format!("{RESPONSES}/{}", id(&made));
    assert_eq!(send(&gateway, Method::GET, &path, &ada).await.status, 200);
    assert_eq!(send(&gateway, Method::GET, &path, MASTER_KEY).await.status, 200, "administrators may");
    let on = json!({"model": "claude", "input": "And?", "previous_response_id": id(&made)});
    for refused in [
        send(&gateway, Method::GET, &path, &bob).await,
        send(&gateway, Method::DELETE, &path, &bob).await,
        gateway.post(RESPONSES, &on, &bob).await.unwrap(),
        send(&gateway, Method::GET, "/v1/responses/resp_of_somebody", &bob).await,
    ] {
        assert_eq!(refused.status, 403, "{}", refused.text());
    }
    assert_eq!(gateway.post(RESPONSES, &on, &ada).await.unwrap().status, 200);
}

#[tokio::test]
async fn an_answer_is_made_in_the_background() {
    let (sim, gateway) = bridged(|c| c).await;
    sim.script(Match::any(), Script { delay_ms: Some(300), ..Script::default() }.times(2));
    let ask = json!({"model": "claude", "input": "Take your time.", "background": true});
    let begun = gateway.ask(RESPONSES, &ask).await.unwrap();
    assert_eq!((&begun.json()["status"], &begun.json()["output"]), (&json!("in_progress"), &json!([])));
    let path = format!("{RESPONSES}/{}", id(&begun));
    let mut read = send(&gateway, Method::GET, &path, MASTER_KEY).await.json();
    for _ in 0..200 {
        if read["status"] != "in_progress" {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
        read = send(&gateway, Method::GET, &path, MASTER_KEY).await.json();
    }
    assert_eq!((&read["status"], &read["id"]), (&json!("completed"), &begun.json()["id"]), "{read}");
    assert_eq!(read["output"][0]["content"][0]["text"], "You said: Take your time.");

    let begun = gateway.ask(RESPONSES, &ask).await.unwrap();
    let path = format!("{RESPONSES}/{}", id(&begun));
    for _ in 0..200 {
        if calls(&sim).len() == 2 {
            break; // the provider works on it: only now there is something to cancel
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let stopped = send(&gateway, Method::POST, &format!("{path}/cancel"), MASTER_KEY).await;
    assert_eq!(stopped.json()["status"], "cancelled", "{}", stopped.text());
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(send(&gateway, Method::GET, &path, MASTER_KEY).await.json()["status"], "cancelled");

    sim.script(Match::any(), Script::fault(Fault::Status(400)));
    let path = format!("{RESPONSES}/{}", id(&gateway.ask(RESPONSES, &ask).await.unwrap()));
    let mut read = Value::Null;
    for _ in 0..200 {
        read = send(&gateway, Method::GET, &path, MASTER_KEY).await.json();
        if read["status"] == "failed" {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(read["error"]["message"].as_str().is_some_and(|m| !m.is_empty()), "{read}");
}

const ANSWER: &str = r#"{"id":"resp_up1","object":"response","created_at":1,"status":"completed","model":"gpt-4o-2024",
    "output":[{"type":"message","id":"msg_1","status":"completed","role":"assistant","content":[{"type":"output_text",
    "text":"Hello","annotations":[]}]}],"previous_response_id":"resp_up0","usage":{"input_tokens":3,"output_tokens":2,
    "total_tokens":5}}"#;

/// OpenAI, as far as stored answers are concerned.
fn openai(asked: &Asked) -> Said {
    let path = asked.path.split('?').next().unwrap_or_default().trim_start_matches("/east").trim_start_matches("/west");
    let body = match (asked.method.as_str(), path) {
        ("POST", "/v1/responses") if asked.json["stream"] == true => {
            let answer = ANSWER.replace('\n', "");
            let text = format!(
                "event: response.created\ndata: {{\"type\":\"response.created\",\"sequence_number\":0,\"response\":{answer}}}\n\n\
                 event: response.completed\ndata: {{\"type\":\"response.completed\",\"sequence_number\":1,\"response\":{answer}}}\n\n"
            );
            return (200, "text/event-stream", text);
        }
        ("POST", "/v1/responses") => ANSWER.to_owned(),
        ("GET", "/v1/responses/resp_up1") => ANSWER.to_owned(),
        ("POST", "/v1/responses/resp_up1/cancel") => ANSWER.replace("completed\",\"model", "cancelled\",\"model"),
        ("DELETE", "/v1/responses/resp_up1") => r#"{"id":"resp_up1","object":"response","deleted":true}"#.to_owned(),
        ("GET", "/v1/responses/resp_up1/input_items") => r#"{"object":"list","data":[]}"#.to_owned(),
        ("POST", "/v1/responses/input_tokens") => r#"{"object":"response.input_tokens","input_tokens":77}"#.to_owned(),
        ("POST", "/v1/responses/compact") => {
            r#"{"id":"resp_c","object":"response.compaction","created_at":1,"output":[{"type":"compaction"}],"usage":{"input_tokens":9,"output_tokens":1,"total_tokens":10}}"#.to_owned()
        }
        _ => return (404, "application/json", r#"{"error":{"message":"no such response","type":"invalid_request_error"}}"#.into()),
    };
    (200, "application/json", body)
}

/// Two deployments of one group, on two paths of one upstream.
fn two_deployments(upstream: &Canned) -> String {
    let entry = |at: &str| {
        format!(
            "- model_name: gpt\n  litellm_params:\n    model: openai/gpt-4o\n    api_base: {}/{at}/v1\n    api_key: sk-up\n  \
             model_info: {{id: {at}}}\n",
            upstream.base_url()
        )
    };
    format!("model_list:\n{}{}general_settings: {{master_key: {MASTER_KEY}}}\n", entry("east"), entry("west"))
}

#[tokio::test]
async fn providers_that_keep_answers_are_asked_where_they_were_made() {
    let upstream = Canned::start(openai).await.unwrap();
    let gateway = Gateway::start(&two_deployments(&upstream)).await.unwrap();
    let made = gateway.ask(RESPONSES, &json!({"model": "gpt", "input": "hi"})).await.unwrap();
    let ours = id(&made);
    assert_ne!(ours, "resp_up1");
    let place = upstream.seen().remove(0).path.split('/').nth(1).unwrap().to_owned();
    for stream in [false, true, false, true, false] {
        let on = json!({"model": "gpt", "input": "more", "previous_response_id": ours, "stream": stream});
        let reply = gateway.ask(RESPONSES, &on).await.unwrap();
        let answer = if stream { last(&reply) } else { reply.json() };
        assert_eq!((&answer["previous_response_id"], &answer["id"]), (&json!(ours), &json!(ours)), "{answer}");
        let asked = upstream.seen().pop().unwrap();
        assert_eq!(asked.path, format!("/{place}/v1/responses"), "the same deployment goes on");
        assert_eq!(asked.json["previous_response_id"], "resp_up1");
    }
    let read = send(&gateway, Method::GET, &format!("{RESPONSES}/{ours}?include=x"), MASTER_KEY).await;
    assert_eq!((read.status, &read.json()["id"]), (200, &json!(ours)), "{}", read.text());
    let stopped = send(&gateway, Method::POST, &format!("{RESPONSES}/{ours}/cancel"), MASTER_KEY).await;
    assert_eq!(stopped.json()["status"], "cancelled");
    let items = send(&gateway, Method::GET, &format!("{RESPONSES}/{ours}/input_items?limit=2"), MASTER_KEY).await;
    assert_eq!(items.json()["object"], "list");
    let gone = send(&gateway, Method::DELETE, &format!("{RESPONSES}/{ours}"), MASTER_KEY).await;
    assert_eq!(gone.json(), json!({"id": ours, "object": "response", "deleted": true}));
    let paths: Vec<String> = upstream.seen().iter().rev().take(4).map(|a| a.path.clone()).collect();
    let base = format!("/{place}/v1/responses/resp_up1");
    assert_eq!(
        paths,
        [
            base.clone(),
            format!("{base}/input_items?limit=2&order=desc"),
            format!("{base}/cancel"),
            format!("{base}?include=x")
        ]
    );
    let stop = upstream.seen().into_iter().find(|asked| asked.path.ends_with("/cancel")).unwrap();
    assert_eq!((&stop.json, stop.header("content-type")), (&json!({}), "application/json"));
    let homeless = send(&gateway, Method::GET, &format!("{RESPONSES}/resp_raw"), MASTER_KEY).await;
    assert_eq!((homeless.status, &homeless.json()["error"]["param"]), (400, &Value::Null), "{}", homeless.text());
    let empty = gateway.ask(RESPONSES, &json!({"model": "gpt"})).await.unwrap();
    assert_eq!((empty.status, &empty.json()["error"]["param"]), (400, &json!("input")), "{}", empty.text());
    let missing = send(&gateway, Method::GET, &format!("{RESPONSES}/resp_raw?model=gpt"), MASTER_KEY).await;
    assert_eq!(missing.status, 404, "{}", missing.text());
    assert!(missing.text().contains("no such response"));
}

#[tokio::test]
async fn tokens_are_counted_and_conversations_compacted() {
    let upstream = Canned::start(openai).await.unwrap();
    let gateway = Gateway::start(&two_deployments(&upstream)).await.unwrap();
    let counted = gateway.ask("/v1/responses/input_tokens", &json!({"model": "gpt", "input": "hi"})).await.unwrap();
    assert_eq!(
        counted.json(),
        json!({"object": "response.input_tokens", "input_tokens": 77, "litellm_count_source": "provider"})
    );
    assert!(upstream.seen().pop().unwrap().path.ends_with("/v1/responses/input_tokens"));
    let compact = gateway.ask("/v1/responses/compact", &json!({"model": "gpt", "input": "hi"})).await.unwrap();
    assert_eq!(compact.json()["output"][0]["type"], "compaction", "{}", compact.text());
    let asked = upstream.seen().pop().unwrap();
    assert!(asked.path.ends_with("/v1/responses/compact") && asked.json["model"] == "gpt-4o");

    let (_sim, gateway) = bridged(|c| c).await;
    let here =
        gateway.ask("/v1/responses/input_tokens", &json!({"model": "claude", "input": "one two three"})).await.unwrap();
    assert!(here.json()["input_tokens"].as_u64().is_some_and(|n| (3..20).contains(&n)), "{}", here.text());
    let refused = gateway.ask("/v1/responses/compact", &json!({"model": "claude", "input": "hi"})).await.unwrap();
    assert_eq!(refused.status, 400, "{}", refused.text());
}

/// What anybody can write: `litellm:custom_llm_provider:openai;model_id:east;response_id:resp_up1`, and one without a deployment.
const FORGED: [&str; 2] = [
    "resp_bGl0ZWxsbTpjdXN0b21fbGxtX3Byb3ZpZGVyOm9wZW5haTttb2RlbF9pZDplYXN0O3Jlc3BvbnNlX2lkOnJlc3BfdXAx",
    "resp_bGl0ZWxsbTpjdXN0b21fbGxtX3Byb3ZpZGVyOm9wZW5haTttb2RlbF9pZDpOb25lO3Jlc3BvbnNlX2lkOnJlc3BfdXAx",
];

#[tokio::test]
async fn ids_without_a_signature_open_no_account_that_a_key_may_not_use() {
    let upstream = Canned::start(openai).await.unwrap();
    let open = format!("{MASTER_KEY}, disable_responses_id_security: true}}");
    let config = two_deployments(&upstream).replace(&format!("{MASTER_KEY}}}"), &open);
    let gateway = Gateway::start(&config).await.unwrap();
    let (wide, _) = gateway.new_key(&json!({"models": ["gpt"]})).await.unwrap();
    let (narrow, _) = gateway.new_key(&json!({"models": ["another"]})).await.unwrap();
    let [east, nowhere] = FORGED;
    for path in [east.to_owned(), "resp_up1?model=gpt".to_owned()] {
        let path = format!("{RESPONSES}/{path}");
        let read = send(&gateway, Method::GET, &path, &wide).await;
        assert_eq!(read.status, 200, "{}", read.text());
        let asked = upstream.seen().len();
        let refused = send(&gateway, Method::GET, &path, &narrow).await;
        assert_eq!(refused.status, 403, "{path}: {}", refused.text());
        assert_eq!(upstream.seen().len(), asked, "{path}: nobody is asked");
    }
    assert_eq!(send(&gateway, Method::GET, &format!("{RESPONSES}/{nowhere}"), &wide).await.status, 404);
    let on = json!({"model": "another", "input": "more", "previous_response_id": east});
    let refused = gateway.post(RESPONSES, &on, &narrow).await.unwrap();
    assert_eq!(refused.status, 403, "{}", refused.text());
}
