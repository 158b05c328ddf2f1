//! Streamed answers under guardrails that ask a service.

use llm_tests::{Gateway, MASTER_KEY, Reply, eventually, joined_text};
use serde_json::{Value, json};

use super::{at, config, gateway, gives_back, guardrail, house};

async fn stream(gateway: &Gateway, guardrail: &str, text: &str) -> Reply {
    let body = json!({"model": "gpt-4o", "messages": [{"role": "user", "content": text}], "guardrails": [guardrail], "stream": true,
        "stream_options": {"include_usage": true}});
    gateway.post("/v1/chat/completions", &body, MASTER_KEY).await.unwrap()
}

#[tokio::test]
async fn a_stream_is_held_until_it_is_judged() {
    let house = house().await;
    let base = house.base_url();
    let gateway =
        gateway(&house, &[guardrail("gen", "generic_guardrail_api", json!({"mode": "post_call", "api_base": base}))])
            .await;
    let told = stream(&gateway, "gen", "hello MASKWORD").await;
    assert_eq!((told.status, joined_text(&told.events()).as_str()), (200, "You said: hello ***"), "{}", told.text());
    assert!(told.header("content-type").starts_with("text/event-stream"), "{:?}", told.headers);
    let all = told.events();
    assert_eq!(all.last().unwrap().data, "[DONE]");
    assert!(all.iter().any(|e| e.data.contains("\"total_tokens\":5")), "{}", told.text());
    assert_eq!(told.header("x-litellm-applied-guardrails"), "gen");
    let stopped = stream(&gateway, "gen", "a BADWORD").await;
    assert_eq!((stopped.status, &stopped.json()["error"]["message"]), (400, &json!("no such words")));
    assert_eq!(at(&house, "/beta/").len(), 2, "once per answer");

    // Other languages of clients.
    let body = json!({"model": "gpt-4o", "max_tokens": 9, "messages": [{"role": "user", "content": "MASKWORD"}], "guardrails": ["gen"], "stream": true});
    let told = gateway.post("/v1/messages", &body, MASTER_KEY).await.unwrap();
    assert!(told.text().contains("event: message_stop") && told.text().contains("You said: ***"), "{}", told.text());
    let body = json!({"model": "gpt-4o", "input": "MASKWORD", "guardrails": ["gen"], "stream": true});
    let told = gateway.post("/v1/responses", &body, MASTER_KEY).await.unwrap();
    assert!(told.text().contains("response.completed") && told.text().contains("You said: ***"), "{}", told.text());
    assert!(!told.text().contains("MASKWORD\""), "{}", told.text());
}

#[tokio::test]
async fn masked_words_come_back_while_a_stream_comes() {
    let house = house().await;
    let gateway = gateway(&house, &[gives_back(&house)]).await;
    let told = stream(&gateway, "back", "Zoë, a@b.co <PERSON").await;
    assert_eq!(joined_text(&told.events()), "You said: Zoë, a@b.co <PERSON", "{}", told.text());
    let sent: Vec<Value> = at(&house, "/v1/chat/completions").into_iter().map(|asked| asked.json).collect();
    assert_eq!(
        (&sent[0]["stream"], &sent[0]["messages"][0]["content"]),
        (&json!(true), &json!("<PERSON_1>, <EMAIL_ADDRESS_2> <PERSON"))
    );
}

#[tokio::test]
async fn what_is_stopped_beside_the_call_is_paid_for() {
    let house = house().await;
    let words = json!({"mode": "during_call", "blocked_words": [{"keyword": "walrus", "action": "BLOCK"}]});
    let gateway = gateway(&house, &[guardrail("beside", "litellm_content_filter", words)]).await;
    for stream in [false, true] {
        let (key, token) = gateway.new_key(&json!({})).await.unwrap();
        let body = json!({"model": "gpt-4o", "messages": [{"role": "user", "content": "a walrus"}], "guardrails": ["beside"],
            "stream": stream});
        let reply = gateway.post("/v1/chat/completions", &body, &key).await.unwrap();
        assert_eq!(reply.status, 400, "{}", reply.text());
        let info = eventually("the bill", async || {
            let info = gateway.get(&format!("/key/info?key={token}"), MASTER_KEY).await.unwrap().json();
            (info["info"]["spend"].as_f64()? > 0.0).then_some(info)
        });
        let spent = info.await["info"]["spend"].as_f64().unwrap();
        let rows = gateway.spend_rows(&token, 1).await.unwrap();
        let paid: Vec<&Value> = rows.iter().filter(|row| row["spend"].as_f64() == Some(spent)).collect();
        assert_eq!(paid.len(), 1, "{rows:#?}");
        assert_eq!(paid[0]["metadata"]["status"], "failure", "{rows:#?}");
        assert!(!rows.iter().any(|row| row.to_string().contains("You said")), "nobody got the answer: {rows:#?}");
    }
}

#[tokio::test]
async fn words_that_come_back_are_in_no_log() {
    let house = house().await;
    let config = config(&house, &[gives_back(&house)]);
    let mut config: Value = serde_json::from_str(&config).unwrap();
    config["general_settings"]["store_prompts_in_spend_logs"] = json!(true);
    let gateway = Gateway::start(&config.to_string()).await.unwrap();
    for stream in [false, true] {
        let (key, token) = gateway.new_key(&json!({})).await.unwrap();
        let body = json!({"model": "gpt-4o", "messages": [{"role": "user", "content": "Zoë, a@b.co"}], "guardrails": ["back"],
            "stream": stream});
        let reply = gateway.post("/v1/chat/completions", &body, &key).await.unwrap();
        assert_eq!(reply.status, 200, "{}", reply.text());
        let row = gateway.spend_rows(&token, 1).await.unwrap().remove(0);
        let row = row.to_string();
        assert!(row.contains("You said: <PERSON_1>, <EMAIL_ADDRESS_2>"), "{row}");
        assert!(!row.contains("Zoë") && !row.contains("a@b.co"), "{row}");
    }
}

#[tokio::test]
async fn the_header_of_the_key_is_told_to_nobody() {
    let house = house().await;
    let service = guardrail("gen", "generic_guardrail_api", json!({"mode": "pre_call", "api_base": house.base_url()}));
    let mut config: Value = serde_json::from_str(&config(&house, &[service])).unwrap();
    config["general_settings"]["litellm_key_header_name"] = json!("X-LiteLLM-Auth");
    let gateway = Gateway::start(&config.to_string()).await.unwrap();
    let body = json!({"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}], "guardrails": ["gen"]});
    let bearer = format!("Bearer {MASTER_KEY}");
    let headers =
        [("x-litellm-auth", bearer.as_str()), ("x-litellm-tags", "seen"), ("content-type", "application/json")];
    let reply =
        gateway.send(http::Method::POST, "/v1/chat/completions", &headers, body.to_string().into()).await.unwrap();
    assert_eq!(reply.status, 200, "{}", reply.text());
    let told = at(&house, "/beta/").remove(0);
    assert!(!told.text().contains(MASTER_KEY), "{}", told.text());
    assert_eq!(told.json["request_headers"]["x-litellm-auth"], "[present]");
    assert_eq!(told.json["request_headers"]["x-litellm-tags"], "seen");
}
