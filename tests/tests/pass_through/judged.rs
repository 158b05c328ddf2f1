//! Guardrails of endpoints of the operator's own: bodies that are only relayed are judged, and what cannot be judged does not
//! pass.

use bytes::Bytes;
use http::Method;
use llm_tests::{Asked, Canned, Gateway, MASTER_KEY, Options, Said};
use serde_json::{Value, json};

/// Says what it is asked to say: `say` as a result, `stream` as events.
fn upstream(asked: &Asked) -> Said {
    let said = asked.json["say"].as_str().unwrap_or_default();
    if let Some(pieces) = asked.json["stream"].as_array() {
        let event =
            |piece: &Value| format!("data: {}\n\n", json!({"choices": [{"index": 0, "delta": {"content": piece}}]}));
        let events: String = pieces.iter().map(event).collect();
        return (200, "text/event-stream", format!("{events}data: [DONE]\n\n"));
    }
    match asked.json["as"].as_str() {
        Some("error") => (422, "application/json", json!({"why": said}).to_string()),
        Some("bytes") => (200, "application/octet-stream", said.to_owned()),
        _ => (200, "application/json", json!({"results": [{"text": said, "score": 1.50}], "other": said}).to_string()),
    }
}

fn guardrail(name: &str, mode: &str, word: &str, action: &str) -> Value {
    let words = json!([{"keyword": word, "action": action}]);
    let params = json!({"guardrail": "litellm_content_filter", "mode": mode, "blocked_words": words});
    json!({"guardrail_name": name, "litellm_params": params})
}

struct House {
    gateway: Gateway,
    upstream: Canned,
}

#[tokio::test]
async fn endpoints_with_guardrails() {
    let upstream = Canned::start(upstream).await.unwrap();
    let target = upstream.base_url();
    let guards = json!({
        "query": {"request_fields": ["query", "docs[*].text"]}, "hide": null, "during": null,
        "results": {"response_fields": ["results[*].text"]}, "never": null,
    });
    let config = json!({
        "model_list": [],
        "guardrails": [
            guardrail("query", "pre_call", "stopword", "BLOCK"), guardrail("hide", "pre_call", "hidden", "MASK"),
            guardrail("during", "during_call", "toolate", "BLOCK"), guardrail("results", "post_call", "secretword", "MASK"),
            guardrail("never", "post_call", "unspeakable", "BLOCK"), guardrail("others", "pre_call", "say", "BLOCK"),
        ],
        "general_settings": {
            "master_key": MASTER_KEY, "proxy_batch_write_at": 1,
            "pass_through_endpoints": [
                {"path": "/judged", "target": target, "guardrails": guards, "forward_headers": true, "cost_per_request": 0.25},
                {"path": "/free", "target": target},
                {"path": "/broken", "target": target, "guardrails": ["nobody"]},
            ],
        },
    });
    let gateway = Gateway::start_with(&config.to_string(), &Options::default()).await.unwrap();
    let house = House { gateway, upstream };
    requests(&house).await;
    answers(&house).await;
    streams(&house).await;
    bills(&house).await;
    of_the_database(&house).await;
}

impl House {
    async fn ask(&self, body: Value) -> (u16, Value) {
        let reply = self.gateway.ask("/judged", &body).await.unwrap();
        (reply.status, reply.json())
    }

    async fn stopped(&self, status: u16, kind: &str, body: impl Into<Bytes>) {
        let before = self.upstream.seen().len();
        let auth = format!("Bearer {MASTER_KEY}");
        let headers = [("authorization", auth.as_str()), ("content-type", kind)];
        let body = body.into();
        let reply = self.gateway.send(Method::POST, "/judged", &headers, body.clone()).await.unwrap();
        assert_eq!(reply.status, status, "{body:?}: {}", reply.text());
        assert_eq!(self.upstream.seen().len(), before, "it was sent: {body:?}");
    }
}

async fn requests(house: &House) {
    for body in [
        r#"{"query":"a stopword"}"#,
        r#"{"query":"fine","query":"a stopword"}"#,
        r#"{"query":"a stopword","query":"fine"}"#,
        r#"{"docs":[{"text":"fine"},{"text":"stop\u0077ord"}]}"#,
        r#"{"anything":["toolate"]}"#,
        r#"{"toolate":1}"#,
    ] {
        house.stopped(400, "application/json", body).await;
        house.stopped(400, "text/plain", body).await;
    }
    house.stopped(400, "text/plain", "no JSON, but toolate").await;
    for kind in ["application/json", "multipart/form-data; boundary=x", "application/octet-stream"] {
        house.stopped(400, kind, &b"\x1f\x8b stopword"[..]).await;
    }
    // Fields that a guardrail does not look at are not its affair.
    assert_eq!(house.ask(json!({"note": "a stopword", "say": "x"})).await.0, 200);
    house.ask(json!({"note": "a hidden thing", "n": 1.50, "say": "x"})).await;
    let sent = house.upstream.seen().last().unwrap().text();
    assert!(!sent.contains("hidden") && sent.contains(" thing") && sent.contains("1.5"), "{sent}");
    assert_eq!(house.gateway.ask("/free", &json!({"query": "a stopword"})).await.unwrap().status, 200);
    let before = house.upstream.seen().len();
    assert_eq!(house.gateway.ask("/broken", &json!({})).await.unwrap().status, 500);
    assert_eq!(house.upstream.seen().len(), before, "it was sent without its guardrail");
    let auth = format!("Bearer {MASTER_KEY}");
    let encoded = [("authorization", auth.as_str()), ("accept-encoding", "gzip"), ("range", "bytes=9-")];
    assert_eq!(house.gateway.send(Method::GET, "/judged", &encoded, Bytes::new()).await.unwrap().status, 200);
    let seen = house.upstream.seen().last().unwrap().clone();
    assert_eq!((seen.header("accept-encoding"), seen.header("range")), ("", ""));
}

async fn answers(house: &House) {
    let (status, answer) = house.ask(json!({"say": "a secretword here"})).await;
    assert_eq!((status, &answer["other"]), (200, &json!("a secretword here")), "{answer}");
    let text = answer["results"][0]["text"].as_str().unwrap();
    assert!(!text.contains("secretword") && text.contains("here"), "{answer}");
    let (status, answer) = house.ask(json!({"say": "the unspeakable"})).await;
    assert!(status == 400 && !answer.to_string().contains("the unspeakable"), "{status} {answer}");
    assert_eq!(
        house.ask(json!({"say": "the unspeakable", "as": "error"})).await.0,
        422,
        "errors are the provider's own"
    );
    let (status, answer) = house.ask(json!({"say": "whatever", "as": "bytes"})).await;
    assert!(status == 502 && !answer.to_string().contains("whatever"), "{status} {answer}");
}

async fn streams(house: &House) {
    let whole = house.gateway.ask("/judged", &json!({"stream": ["all ", "is ", "well"]})).await.unwrap();
    assert_eq!((whole.status, whole.header("content-type")), (200, "text/event-stream"));
    assert!(whole.text().starts_with("data: {") && whole.text().ends_with("data: [DONE]\n\n"), "{}", whole.text());
    let cut = house.gateway.ask("/judged", &json!({"stream": ["the unspea", "kable"]})).await.unwrap();
    assert!(cut.status == 400 && !cut.text().contains("kable\""), "{}", cut.text());
}

/// What was sent is paid for, whether its answer was told or not.
async fn bills(house: &House) {
    let fields = json!({"metadata": {"allowed_passthrough_routes": ["/judged"]}});
    let (key, token) = house.gateway.new_key(&fields).await.unwrap();
    for (said, status) in [("fine", 200), ("the unspeakable", 400)] {
        assert_eq!(house.gateway.post("/judged", &json!({"say": said}), &key).await.unwrap().status, status);
    }
    assert_eq!(house.gateway.post("/judged", &json!({"query": "a stopword"}), &key).await.unwrap().status, 400);
    let rows = house.gateway.spend_rows(&token, 3).await.unwrap();
    let mut told: Vec<String> = rows.iter().map(|row| format!("{} {}", row["status"], row["spend"])).collect();
    told.sort();
    assert_eq!(told, ["\"failure\" 0.0", "\"failure\" 0.25", "\"success\" 0.25"], "{rows:?}");
}

async fn of_the_database(house: &House) {
    let new =
        |guardrails: Value| json!({"path": "/stored", "target": house.upstream.base_url(), "guardrails": guardrails});
    let path = "/config/pass_through_endpoint";
    for wrong in [json!("query"), json!({"query": {"request_field": ["x"]}}), json!([1])] {
        let reply = house.gateway.ask(path, &new(wrong)).await.unwrap();
        assert_eq!(reply.status, 400, "{}", reply.text());
    }
    let made = house.gateway.ask(path, &new(json!(["query"]))).await.unwrap();
    assert_eq!(made.status, 200, "{}", made.text());
    assert_eq!(house.gateway.ask("/stored", &json!({"anywhere": "a stopword"})).await.unwrap().status, 400);
    assert_eq!(house.gateway.ask("/stored", &json!({"anywhere": "fine"})).await.unwrap().status, 200);
}
