//! Providers' own APIs and endpoints of the operator's own, through the gateway.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failure is a failed test"
)]

#[path = "pass_through/aws_json.rs"]
mod aws_json;
#[path = "pass_through/hostile.rs"]
mod hostile;
#[path = "pass_through/judged.rs"]
mod judged;

use std::time::Duration;

use bytes::Bytes;
use http::Method;
use llm_simulator::{Ended, Fault, Match, Running, Script, Simulator, SimulatorConfig};
use llm_tests::{Canned, Config, Gateway, MASTER_KEY, Options, UPSTREAM_KEY, calls, ended};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const MESSAGES: &str = "/anthropic/v1/messages";

async fn started() -> (Running, Gateway) {
    let sim = Simulator::start(SimulatorConfig::default()).await.unwrap();
    let env = [
        ("ANTHROPIC_API_BASE", sim.base_url()),
        ("ANTHROPIC_API_KEY", UPSTREAM_KEY.to_owned()),
        ("OPENAI_API_BASE", format!("{}/v1", sim.base_url())),
        ("OPENAI_API_KEY", UPSTREAM_KEY.to_owned()),
    ];
    let env = env.map(|(name, value)| (name.to_owned(), value)).to_vec();
    let config = Config::standard(&sim)
        .model("vllm-group", "hosted_vllm/served-model", &[])
        .general("proxy_batch_write_at: 1")
        .yaml();
    let gateway = Gateway::start_with(&config, &Options { env, ..Options::default() }).await.unwrap();
    (sim, gateway)
}

fn say(stream: bool, text: &str) -> Value {
    json!({"model": "claude-sonnet-4-5", "max_tokens": 64, "stream": stream, "messages": [{"role": "user", "content": text}]})
}

#[tokio::test]
async fn a_stream_passes_unchanged_and_is_billed() {
    let (sim, gateway) = started().await;
    let (key, token) = gateway.new_key(&json!({"key_alias": "passing"})).await.unwrap();
    let headers = [
        ("x-api-key", key.as_str()),
        ("anthropic-version", "2023-06-01"),
        ("content-type", "application/json"),
        ("x-pass-trace", "t1"),
        ("x-pass-authorization", "Bearer theirs"),
        ("xi-api-key", "theirs"),
        ("openai-organization", "theirs"),
    ];
    let body = say(true, "count to three").to_string();
    let path = format!("{MESSAGES}?beta=true&%6Bey=theirs&api_key=theirs");
    let reply = gateway.send(Method::POST, &path, &headers, body.clone().into()).await.unwrap();
    assert_eq!(
        (reply.status, reply.header("content-type")),
        (200, "text/event-stream; charset=utf-8"),
        "{}",
        reply.text()
    );
    assert!(!reply.header("x-litellm-call-id").is_empty() && reply.header("connection").is_empty());
    assert!(reply.events().last().unwrap().is_end());

    let asked = calls(&sim).pop().unwrap();
    assert_eq!(
        (asked.path.as_str(), asked.query.as_str(), asked.body.as_ref()),
        ("/v1/messages", "beta=true", body.as_bytes()),
        "not a byte is changed"
    );
    for name in ["authorization", "xi-api-key", "openai-organization"] {
        assert_eq!(asked.header(name), None, "{name} chooses somebody's account");
    }
    assert_eq!(asked.header("x-api-key"), Some(UPSTREAM_KEY), "the gateway's key stays here");
    assert_eq!((asked.header("anthropic-version"), asked.header("trace")), (Some("2023-06-01"), Some("t1")));

    let row = &gateway.spend_rows(&token, 1).await.unwrap()[0];
    assert_eq!(row["call_type"], "pass_through_endpoint", "{row}");
    assert_eq!(
        (&row["model"], &row["custom_llm_provider"]),
        (&json!("claude-sonnet-4-5"), &json!("anthropic")),
        "{row}"
    );
    assert!(row["prompt_tokens"].as_i64().unwrap() > 0 && row["completion_tokens"].as_i64().unwrap() > 0, "{row}");
    assert!(row["spend"].as_f64().unwrap() > 0.0, "{row}");
    assert_eq!(row["status"], "success", "{row}");
    assert!(!row.to_string().contains(&key) && !row.to_string().contains(UPSTREAM_KEY), "{row}");
}

#[tokio::test]
async fn permissions_hold_and_nothing_is_sent_without_them() {
    let (sim, gateway) = started().await;
    let (models, _) = gateway.new_key(&json!({"models": ["gpt"]})).await.unwrap();
    let (routes, _) = gateway.new_key(&json!({"allowed_routes": ["/v1/chat/completions"]})).await.unwrap();
    let (mapped, _) = gateway.new_key(&json!({"allowed_routes": ["/anthropic/v1/messages"]})).await.unwrap();
    let denied = gateway.post(MESSAGES, &say(false, "hi"), &models).await.unwrap();
    assert_eq!(
        (denied.status, &denied.json()["error"]["type"]),
        (403, &json!("key_model_access_denied")),
        "{}",
        denied.text()
    );
    assert_eq!(gateway.post(MESSAGES, &say(false, "hi"), &routes).await.unwrap().status, 403);
    let batch = json!({"requests": [{"custom_id": "1", "params": say(false, "hi")}]});
    let inside = gateway.post("/anthropic/v1/messages/batches", &batch, &models).await.unwrap();
    assert_eq!(inside.status, 403, "models inside of a batch count: {}", inside.text());
    assert_eq!(gateway.post(MESSAGES, &say(false, "hi"), "sk-unknown-key-0123456").await.unwrap().status, 401);
    assert_eq!(gateway.get("/anthropic/v1/models", "").await.unwrap().status, 401);
    for tricky in ["/anthropic/v1/messages/../models", "/anthropic/v1/messages/%2e%2e/models"] {
        assert_eq!(gateway.get(tricky, &mapped).await.unwrap().status, 400, "{tricky}");
    }
    assert!(sim.requests().is_empty(), "nothing was sent");
    let headers =
        [("x-api-key", mapped.as_str()), ("anthropic-version", "2023-06-01"), ("content-type", "application/json")];
    let reply = gateway.send(Method::POST, MESSAGES, &headers, say(false, "hi").to_string().into()).await.unwrap();
    assert_eq!(reply.status, 200, "{}", reply.text());
}

#[tokio::test]
async fn errors_are_the_providers_own() {
    let (_sim, gateway) = started().await;
    let (key, token) = gateway.new_key(&json!({})).await.unwrap();
    let reply = gateway.post(MESSAGES, &say(false, "[[sim fault=429]]"), &key).await.unwrap();
    assert_eq!(reply.status, 429, "{}", reply.text());
    assert_eq!((&reply.json()["type"], &reply.json()["error"]["type"]), (&json!("error"), &json!("rate_limit_error")));
    let row = &gateway.spend_rows(&token, 1).await.unwrap()[0];
    assert_eq!((&row["status"], &row["spend"]), (&json!("failure"), &json!(0.0)), "{row}");
}

#[tokio::test]
async fn a_client_that_hangs_up_ends_the_upstream_and_pays_for_what_it_got() {
    let (sim, gateway) = started().await;
    let (key, token) = gateway.new_key(&json!({})).await.unwrap();
    sim.script(Match::any(), Script::fault(Fault::Stall).after(10));
    let mut body = say(true, "one two three four five six seven eight nine ten eleven twelve");
    body["model"] = json!("gpt-4o");
    let mut live = gateway.open("/openai_passthrough/v1/chat/completions", &body, &key).await.unwrap();
    for _ in 0..8 {
        live.next_event().await.unwrap().unwrap();
    }
    drop(live);
    assert_eq!(ended(&sim).await, Ended::ClientGone);
    let row = &gateway.spend_rows(&token, 1).await.unwrap()[0];
    assert!(row["spend"].as_f64().unwrap() > 0.0 && row["completion_tokens"].as_i64().unwrap() > 1, "{row}");
}

#[tokio::test]
async fn a_group_of_the_router_is_called_through_its_deployments() {
    let (sim, gateway) = started().await;
    let body = json!({"model": "vllm-group", "messages": [{"role": "user", "content": "hi"}]});
    let reply = gateway.ask("/vllm/v1/chat/completions", &body).await.unwrap();
    assert_eq!(reply.status, 200, "{}", reply.text());
    assert_eq!(reply.header("x-litellm-model-group"), "vllm-group");
    let asked = calls(&sim).pop().unwrap();
    assert_eq!((asked.path.as_str(), &asked.json()["model"]), ("/v1/chat/completions", &json!("served-model")));
    let unknown = json!({"model": "nobody", "messages": []});
    let reply = gateway.ask("/vllm/v1/chat/completions", &unknown).await.unwrap();
    assert!(reply.status == 400 && reply.text().contains("HOSTED_VLLM_API_BASE"), "{}", reply.text());
}

/// A server that reads the head and the first bytes of a body, and only then wants the rest.
#[tokio::test]
async fn uploads_are_not_held_back() {
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let upstream = tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        let mut seen = String::new();
        while !seen.contains("first-piece") {
            let mut buffer = [0; 4096];
            let n = socket.read(&mut buffer).await.unwrap();
            assert!(n > 0, "the gateway hung up: {seen}");
            seen.push_str(&String::from_utf8_lossy(&buffer[..n]));
        }
        socket.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await.unwrap();
        let mut rest = Vec::new();
        socket.read_to_end(&mut rest).await.unwrap();
        seen
    });
    let sim = Simulator::start(SimulatorConfig::default()).await.unwrap();
    let env = vec![("OPENAI_API_BASE".to_owned(), base), ("OPENAI_API_KEY".to_owned(), UPSTREAM_KEY.to_owned())];
    let options = Options { env, ..Options::default() };
    let gateway = Gateway::start_with(&Config::standard(&sim).yaml(), &options).await.unwrap();
    let mut client = tokio::net::TcpStream::connect(gateway.addr()).await.unwrap();
    let head = format!(
        "POST /openai_passthrough/v1/uploads HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {MASTER_KEY}\r\n\
         content-type: application/octet-stream\r\ncontent-length: 1000000\r\n\r\nfirst-piece"
    );
    client.write_all(head.as_bytes()).await.unwrap();
    let mut answer = vec![0; 512];
    let read = tokio::time::timeout(Duration::from_secs(10), client.read(&mut answer)).await;
    let n = read.expect("the body is held back until it is whole").unwrap();
    assert!(
        String::from_utf8_lossy(&answer[..n]).starts_with("HTTP/1.1 200"),
        "{}",
        String::from_utf8_lossy(&answer[..n])
    );
    drop(client);
    let seen = upstream.await.unwrap();
    assert!(seen.starts_with("POST /v1/uploads HTTP/1.1") && seen.contains(UPSTREAM_KEY) && !seen.contains(MASTER_KEY));
}

#[tokio::test]
async fn endpoints_of_the_operators_own() {
    let upstream = Canned::start(|asked| {
        if asked.path.contains("missing") {
            return (404, "application/problem+json", "{\"title\":\"no\"}".to_owned());
        }
        (200, "application/json", "{\"ok\":true}".to_owned())
    })
    .await
    .unwrap();
    let sim = Simulator::start(SimulatorConfig::default()).await.unwrap();
    let url = upstream.base_url();
    let config = Config::standard(&sim)
        .general("proxy_batch_write_at: 1")
        .general("pass_through_endpoints:")
        .general(&format!("  - {{path: /mine, target: '{url}/base?v=1', include_subpath: true, cost_per_request: 0.25, headers: {{Authorization: 'Bearer os.environ/MINE_KEY'}}, default_query_params: {{w: 2}}}}"))
        .general(&format!("  - {{path: /open, target: '{url}/open', auth: false, forward_headers: true, methods: [GET]}}"))
        .yaml();
    let env = vec![("MINE_KEY".to_owned(), "sk-mine".to_owned())];
    let gateway = Gateway::start_with(&config, &Options { env, ..Options::default() }).await.unwrap();

    let reply = gateway.ask("/mine/a/b?v=3", &json!({"x": 1})).await.unwrap();
    assert_eq!((reply.status, reply.text().as_str()), (200, "{\"ok\":true}"));
    let asked = upstream.seen().pop().unwrap();
    assert_eq!((asked.path.as_str(), asked.header("authorization")), ("/base/a/b?w=2&v=3", "Bearer sk-mine"));
    assert_eq!((asked.text().as_str(), asked.header("content-type")), ("{\"x\":1}", "application/json"));

    let bearer = format!("Bearer {MASTER_KEY}");
    let headers = [("authorization", bearer.as_str()), ("x-pass-x-api-key", "theirs"), ("x-pass-a", "b")];
    assert_eq!(gateway.send(Method::POST, "/mine", &headers, Bytes::new()).await.unwrap().status, 200);
    let asked = upstream.seen().pop().unwrap();
    assert_eq!((asked.header("x-api-key"), asked.header("a")), ("", "b"), "the credential is the operator's");

    let (key, token) = gateway.new_key(&json!({})).await.unwrap();
    assert_eq!(gateway.post("/mine", &json!({}), &key).await.unwrap().status, 403, "the key must name the path");
    let (key2, token2) =
        gateway.new_key(&json!({"metadata": {"allowed_passthrough_routes": ["/mine"]}})).await.unwrap();
    assert_eq!(gateway.post("/mine/x", &json!({}), &key2).await.unwrap().status, 200);
    let row = &gateway.spend_rows(&token2, 1).await.unwrap()[0];
    assert_eq!((&row["spend"], &row["call_type"]), (&json!(0.25), &json!("pass_through_endpoint")), "{row}");
    assert_eq!(gateway.spend_rows(&token, 1).await.unwrap()[0]["status"], "failure");
    assert_eq!(gateway.post("/mine", &json!({}), "").await.unwrap().status, 401);

    let missing = gateway.ask("/mine/missing", &json!({})).await.unwrap();
    assert_eq!((missing.status, missing.header("content-type")), (404, "application/problem+json"));

    let headers = [("x-mine", "1"), ("cookie", "c=1"), ("x-pass-x-api-key", "theirs")];
    let open = gateway.send(Method::GET, "/open", &headers, Bytes::new()).await.unwrap();
    assert_eq!(open.status, 200, "{}", open.text());
    let asked = upstream.seen().pop().unwrap();
    assert_eq!((asked.header("x-mine"), asked.header("cookie"), asked.header("x-api-key")), ("1", "", "theirs"));
    assert_eq!(gateway.ask("/open", &json!({})).await.unwrap().status, 404, "only GET is served");
    assert_eq!(gateway.get("/open/below", MASTER_KEY).await.unwrap().status, 404, "nothing below it is");
}

#[tokio::test]
async fn endpoints_of_the_database() {
    let upstream = Canned::start(|_| (200, "application/json", "{\"ok\":true}".to_owned())).await.unwrap();
    let sim = Simulator::start(SimulatorConfig::default()).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let options = Options { state_dir: Some(folder.path().to_owned()), ..Options::default() };
    let mut gateway = Gateway::start_with(&Config::standard(&sim).yaml(), &options).await.unwrap();
    let (key, _) = gateway.new_key(&json!({})).await.unwrap();
    let path = "/config/pass_through_endpoint";
    let fields = json!({"path": "/kept", "target": format!("{}/a", upstream.base_url()), "headers": {"x-mine": "1"}, "auth": false});
    assert_eq!(gateway.post(path, &fields, &key).await.unwrap().status, 401, "only administrators");
    let made = gateway.ask(path, &fields).await.unwrap();
    assert_eq!(made.status, 200, "{}", made.text());
    let id = made.json()["endpoints"][0]["id"].as_str().unwrap().to_owned();
    assert_eq!(gateway.ask("/kept", &json!({})).await.unwrap().text(), "{\"ok\":true}");
    assert_eq!(upstream.seen().pop().unwrap().header("x-mine"), "1");
    assert_eq!(gateway.ask(path, &fields).await.unwrap().status, 400, "a path has one endpoint");
    assert_eq!(gateway.ask(path, &json!({"path": "kept", "target": "x"})).await.unwrap().status, 400);
    let changed =
        gateway.ask(&format!("{path}/{id}"), &json!({"target": format!("{}/b", upstream.base_url())})).await.unwrap();
    assert_eq!(changed.status, 200, "{}", changed.text());
    gateway.ask("/kept", &json!({})).await.unwrap();
    assert_eq!(upstream.seen().pop().unwrap().path, "/b");

    gateway.terminate().unwrap();
    gateway.exited(Duration::from_secs(30)).await.unwrap();
    let gateway = Gateway::start_with(&Config::standard(&sim).yaml(), &options).await.unwrap();
    let listed = gateway.get(path, MASTER_KEY).await.unwrap().json();
    assert_eq!(
        (&listed["endpoints"][0]["id"], &listed["endpoints"][0]["auth"]),
        (&json!(id), &json!(false)),
        "{listed}"
    );
    for (team, metadata, shown) in [
        ("all", json!({}), 1),
        ("one", json!({"allowed_passthrough_routes": ["/kept"]}), 1),
        ("none", json!({"allowed_passthrough_routes": ["/other"]}), 0),
    ] {
        let made = gateway.ask("/team/new", &json!({"team_id": team, "metadata": metadata})).await.unwrap();
        assert_eq!(made.status, 200, "{}", made.text());
        let listed = gateway.get(&format!("{path}/team/{team}"), MASTER_KEY).await.unwrap().json();
        assert_eq!(listed["endpoints"].as_array().unwrap().len(), shown, "{team}: {listed}");
    }
    assert_eq!(gateway.get(&format!("{path}/team/nobody"), MASTER_KEY).await.unwrap().status, 404);
    assert!(matches!(gateway.get(&format!("{path}/team/all"), &key).await.unwrap().status, 401 | 403));
    let mut served = 0;
    for _ in 0..100 {
        served = gateway.ask("/kept", &json!({})).await.unwrap().status;
        if served == 200 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(served, 200, "it is served after a restart");
    let bearer = format!("Bearer {MASTER_KEY}");
    let headers = [("authorization", bearer.as_str())];
    let gone = gateway.send(Method::DELETE, &format!("{path}?endpoint_id={id}"), &headers, Bytes::new()).await.unwrap();
    assert_eq!(gone.status, 200, "{}", gone.text());
    assert_eq!(gateway.ask("/kept", &json!({})).await.unwrap().status, 404);
}

#[tokio::test]
async fn credentials_of_deployments_and_of_clients() {
    let sim = Simulator::start(SimulatorConfig::default()).await.unwrap();
    let config =
        Config::empty(&sim).model("lent", "anthropic/claude-sonnet-4-5", &["use_in_pass_through: true"]).yaml();
    let gateway = Gateway::start(&config).await.unwrap();
    let body = || Bytes::from(say(false, "hi").to_string());
    let version = ("anthropic-version", "2023-06-01");
    let json = ("content-type", "application/json");
    let bearer = format!("Bearer {MASTER_KEY}");
    let reply =
        gateway.send(Method::POST, MESSAGES, &[("authorization", &bearer), version, json], body()).await.unwrap();
    assert_eq!(reply.status, 200, "{}", reply.text());
    let asked = calls(&sim).pop().unwrap();
    assert_eq!((asked.header("x-api-key"), asked.header("authorization")), (Some(UPSTREAM_KEY), None));

    // a client that brings its own credential beside the gateway's key keeps it
    let headers = [("x-litellm-api-key", MASTER_KEY), ("x-api-key", "sk-own"), version, json];
    gateway.send(Method::POST, MESSAGES, &headers, body()).await.unwrap();
    let asked = calls(&sim).pop().unwrap();
    assert_eq!((asked.header("x-api-key"), asked.header("x-litellm-api-key")), (Some("sk-own"), None));

    let missing = gateway.get("/cohere/v1/models", MASTER_KEY).await.unwrap();
    assert!(missing.status == 401 && missing.text().contains("COHERE_API_KEY"), "{}", missing.text());
}
