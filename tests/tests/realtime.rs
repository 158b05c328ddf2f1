//! Sessions over WebSockets: a real client, the gateway, a real upstream.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failure is a failed test"
)]

#[path = "realtime/guarded.rs"]
mod guarded;
#[path = "realtime/hostile.rs"]
mod hostile;
#[path = "realtime/live.rs"]
mod live;

use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use llm_simulator::{Simulator, SimulatorConfig};
use llm_tests::{Config, Gateway, MASTER_KEY, Options};
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, accept_hdr_async, connect_async};

type Heads = Arc<Mutex<Vec<(String, http::HeaderMap)>>>;
type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// An upstream: it greets, answers every text with one that says what it consumed, and breaks off when told to.
async fn upstream() -> (String, Heads) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let heads = Heads::default();
    let seen = Arc::clone(&heads);
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            let seen = Arc::clone(&seen);
            tokio::spawn(session(socket, seen));
        }
    });
    (base, heads)
}

async fn session(socket: TcpStream, seen: Heads) {
    #[allow(clippy::result_large_err, reason = "the library's type")]
    let check = |request: &Request, response: Response| -> Result<Response, ErrorResponse> {
        let path = request.uri().to_string();
        seen.lock().push((path.clone(), request.headers().clone()));
        if path.contains("refused") {
            return Err(http::Response::builder()
                .status(429)
                .body(Some("{\"error\":\"slow down\"}".to_owned()))
                .unwrap());
        }
        Ok(response)
    };
    let Ok(mut ws) = accept_hdr_async(socket, check).await else { return };
    let greeting = json!({"type": "session.created", "session": {"id": "sess_1"}});
    ws.send(Message::text(greeting.to_string())).await.unwrap();
    while let Some(Ok(message)) = ws.next().await {
        match message {
            Message::Text(text) if text.contains("break") => return,
            Message::Text(text) => {
                let delta = json!({"type": "response.output_audio.delta", "delta": "A".repeat(100_000)});
                ws.send(Message::text(delta.to_string())).await.unwrap();
                let usage = json!({
                    "total_tokens": 150, "input_tokens": 100, "output_tokens": 50,
                    "input_token_details": {"text_tokens": 60, "audio_tokens": 40, "cached_tokens": 0},
                    "output_token_details": {"text_tokens": 10, "audio_tokens": 40}
                });
                let done =
                    json!({"type": "response.done", "echo": text.as_str(), "response": {"id": "r", "usage": usage}});
                ws.send(Message::text(done.to_string())).await.unwrap();
            }
            Message::Binary(data) => ws.send(Message::Binary(data)).await.unwrap(),
            _ => {}
        }
    }
}

async fn started() -> (Gateway, Heads) {
    let (base, heads) = upstream().await;
    let sim = Simulator::start(SimulatorConfig::default()).await.unwrap();
    let config = Config::empty(&sim)
        .model("voice", "openai/gpt-realtime", &[])
        .model("refused", "openai/refused", &[])
        .model("both", "openai/refused", &["order: 1"])
        .model("both", "openai/gpt-realtime", &["order: 2", "tags: [paid]"])
        .general("proxy_batch_write_at: 1")
        .general("enable_openai_websocket_passthrough: true")
        .yaml()
        .replace(&sim.base_url(), &base);
    let config = config.replace(
        "model_list:\n",
        &format!("model_list:\n  - {{model_name: azure-voice, litellm_params: {{model: azure/my-voice, api_base: '{base}', api_key: sk-azure, api_version: '2025-04-01-preview'}}}}\n"),
    );
    let env = [("OPENAI_API_BASE", format!("{base}/v1")), ("OPENAI_API_KEY", "sk-env".to_owned())];
    let env = env.map(|(name, value)| (name.to_owned(), value)).to_vec();
    let gateway = Gateway::start_with(&config, &Options { env, ..Options::default() }).await.unwrap();
    (gateway, heads)
}

async fn connect(
    gateway: &Gateway,
    path: &str,
    headers: &[(&'static str, &str)],
) -> Result<(Socket, http::HeaderMap), Error> {
    let mut request = format!("ws://{}{path}", gateway.addr()).into_client_request().unwrap();
    for (name, value) in headers {
        request.headers_mut().insert(*name, value.parse().unwrap());
    }
    connect_async(request).await.map(|(ws, response)| (ws, response.headers().clone()))
}

async fn next(ws: &mut Socket) -> Message {
    tokio::time::timeout(Duration::from_secs(20), ws.next()).await.expect("nothing came").unwrap().unwrap()
}

async fn event(ws: &mut Socket) -> Value {
    serde_json::from_str(next(ws).await.to_text().unwrap()).unwrap()
}

#[tokio::test]
async fn a_session_goes_both_ways_and_is_billed_when_it_is_over() {
    let (gateway, heads) = started().await;
    let (key, token) = gateway.new_key(&json!({})).await.unwrap();
    let bearer = format!("Bearer {key}");
    let headers = [("authorization", bearer.as_str()), ("openai-beta", "realtime=v1")];
    let (mut ws, answered) = connect(&gateway, "/v1/realtime?model=voice&intent=x", &headers).await.unwrap();
    assert!(answered.contains_key("x-litellm-call-id"));
    assert_eq!(event(&mut ws).await["type"], "session.created");
    for text in ["one", "two"] {
        ws.send(Message::text(text)).await.unwrap();
        assert_eq!(event(&mut ws).await["delta"].as_str().unwrap().len(), 100_000);
        assert_eq!(event(&mut ws).await["echo"], text);
    }
    ws.send(Message::Binary(vec![7; 300_000].into())).await.unwrap();
    assert_eq!(next(&mut ws).await.into_data().len(), 300_000);
    ws.close(Some(CloseFrame { code: CloseCode::Normal, reason: "bye".into() })).await.unwrap();
    while let Some(Ok(_)) = ws.next().await {}

    let (path, seen) = heads.lock().first().cloned().unwrap();
    assert_eq!(path, "/v1/realtime?model=gpt-realtime&intent=x");
    assert!(!seen["authorization"].to_str().unwrap().contains(&key), "the gateway's key stays here");
    assert_eq!(seen["openai-beta"], "realtime=v1");

    let row = gateway.spend_rows(&token, 1).await.unwrap()[0].clone();
    assert_eq!((&row["call_type"], &row["model_group"]), (&json!("_arealtime"), &json!("voice")), "{row}");
    assert_eq!((&row["prompt_tokens"], &row["completion_tokens"]), (&json!(200), &json!(100)), "{row}");
    assert!(row["spend"].as_f64().unwrap() > 0.0, "{row}");
    assert_eq!(row["status"], "success", "{row}");
}

#[tokio::test]
async fn browsers_show_the_key_in_a_subprotocol() {
    let (gateway, heads) = started().await;
    let offered = format!("realtime, openai-insecure-api-key.{MASTER_KEY}, openai-beta.realtime-v1");
    let headers = [("sec-websocket-protocol", offered.as_str())];
    let (mut ws, answered) = connect(&gateway, "/realtime?model=azure-voice", &headers).await.unwrap();
    assert_eq!(answered["sec-websocket-protocol"], "realtime");
    assert_eq!(event(&mut ws).await["type"], "session.created");
    let (path, seen) = heads.lock().first().cloned().unwrap();
    assert_eq!(path, "/openai/realtime?api-version=2025-04-01-preview&deployment=my-voice");
    assert_eq!(
        (&seen["api-key"], &seen["sec-websocket-protocol"]),
        (&"sk-azure".parse::<http::HeaderValue>().unwrap(), &"realtime, openai-beta.realtime-v1".parse().unwrap())
    );
}

#[tokio::test]
async fn an_upstream_that_breaks_off_is_told() {
    let (gateway, _) = started().await;
    let (key, token) = gateway.new_key(&json!({})).await.unwrap();
    let bearer = format!("Bearer {key}");
    let (mut ws, _) = connect(&gateway, "/v1/realtime?model=voice", &[("authorization", &bearer)]).await.unwrap();
    event(&mut ws).await;
    ws.send(Message::text("one")).await.unwrap();
    event(&mut ws).await;
    event(&mut ws).await;
    ws.send(Message::text("break")).await.unwrap();
    let Message::Close(Some(close)) = next(&mut ws).await else { panic!("no farewell") };
    assert_eq!(u16::from(close.code), 1011);
    let row = gateway.spend_rows(&token, 1).await.unwrap()[0].clone();
    assert_eq!((&row["status"], &row["prompt_tokens"]), (&json!("failure"), &json!(100)), "{row}");
    assert!(row["spend"].as_f64().unwrap() > 0.0, "what was answered is paid for: {row}");
}

#[tokio::test]
async fn refusals_have_a_status() {
    let (gateway, heads) = started().await;
    let status = |outcome: Result<(Socket, http::HeaderMap), Error>| match outcome {
        Err(Error::Http(response)) => response.status().as_u16(),
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("accepted"),
    };
    let (key, _) = gateway.new_key(&json!({"models": ["other"]})).await.unwrap();
    let (own, master) = (format!("Bearer {key}"), format!("Bearer {MASTER_KEY}"));
    assert_eq!(status(connect(&gateway, "/v1/realtime?model=voice", &[]).await), 401);
    assert_eq!(status(connect(&gateway, "/v1/realtime?model=voice", &[("authorization", &own)]).await), 403);
    assert_eq!(status(connect(&gateway, "/v1/realtime", &[("authorization", &master)]).await), 400);
    assert_eq!(status(connect(&gateway, "/v1/realtime?model=nobody", &[("authorization", &master)]).await), 400);
    let bound = json!({"user_id": "ada", "allowed_model_region": "eu"});
    assert_eq!(gateway.ask("/customer/new", &bound).await.unwrap().status, 200);
    let ada = [("authorization", master.as_str()), ("x-litellm-end-user-id", "ada")];
    assert_eq!(status(connect(&gateway, "/v1/realtime?model=voice", &ada).await), 429, "nobody knows where it runs");
    let passed = "/openai_passthrough/v1/realtime?model=gpt-realtime";
    assert_eq!(status(connect(&gateway, passed, &ada).await), 403);
    assert!(heads.lock().is_empty(), "nothing was sent");
    assert_eq!(status(connect(&gateway, "/v1/realtime?model=refused", &[("authorization", &master)]).await), 429);
    assert_eq!(gateway.get("/v1/realtime?model=voice", MASTER_KEY).await.unwrap().status, 426);
}

#[tokio::test]
async fn sockets_of_the_providers_own_api_pass() {
    let (gateway, heads) = started().await;
    let (key, token) = gateway.new_key(&json!({})).await.unwrap();
    let bearer = format!("Bearer {key}");
    let path = "/openai_passthrough/v1/realtime?model=gpt-realtime&intent=x";
    let (mut ws, _) = connect(&gateway, path, &[("authorization", &bearer)]).await.unwrap();
    event(&mut ws).await;
    ws.send(Message::text("one")).await.unwrap();
    event(&mut ws).await;
    event(&mut ws).await;
    ws.close(None).await.unwrap();
    while let Some(Ok(_)) = ws.next().await {}
    let (path, seen) = heads.lock().first().cloned().unwrap();
    assert_eq!(
        (path.as_str(), seen["authorization"].to_str().unwrap()),
        ("/v1/realtime?model=gpt-realtime&intent=x", "Bearer sk-env")
    );
    let row = gateway.spend_rows(&token, 1).await.unwrap()[0].clone();
    assert!(row["spend"].as_f64().unwrap() > 0.0 && row["model"] == "gpt-realtime", "{row}");
}

#[tokio::test]
async fn another_deployment_of_the_group_takes_the_session_and_the_decision_is_told() {
    let (gateway, heads) = started().await;
    let bearer = format!("Bearer {MASTER_KEY}");
    let headers = [("authorization", bearer.as_str()), ("x-litellm-num-retries", "0")];
    let (mut ws, answered) = connect(&gateway, "/v1/realtime?model=both", &headers).await.unwrap();
    assert_eq!(event(&mut ws).await["type"], "session.created");
    let paths: Vec<String> = heads.lock().iter().map(|(path, _)| path.clone()).collect();
    assert_eq!(paths, ["/v1/realtime?model=refused", "/v1/realtime?model=gpt-realtime"]);
    assert_eq!(answered["x-litellm-model-group"], "both");
    let id = answered["x-llm-decision-id"].to_str().unwrap();
    let told = gateway.get(&format!("/router/decisions/{id}"), MASTER_KEY).await.unwrap().json();
    let outcomes: Vec<_> = told["choices"].as_array().unwrap().iter().map(|c| c["outcome"].as_str().unwrap()).collect();
    assert_eq!(outcomes, ["RateLimitError", "ok"], "{told}");
    // a 429 rests where there is somebody else
    heads.lock().clear();
    drop(connect(&gateway, "/v1/realtime?model=both", &headers).await.unwrap());
    assert_eq!(heads.lock().len(), 1, "{:?}", heads.lock());
}
