//! Responses over a WebSocket.

use futures_util::{SinkExt, StreamExt};
use llm_simulator::{Simulator, SimulatorConfig};
use llm_tests::{Config, Gateway, MASTER_KEY, calls};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use super::{bridged, last};

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

async fn open(gateway: &Gateway, path: &str, key: &str) -> Result<Socket, Error> {
    let mut request = format!("ws://{}{path}", gateway.addr()).into_client_request().unwrap();
    request.headers_mut().insert("authorization", format!("Bearer {key}").parse().unwrap());
    connect_async(request).await.map(|(socket, _)| socket)
}

async fn say(socket: &mut Socket, event: &Value) {
    socket.send(Message::text(event.to_string())).await.unwrap();
}

/// The events up to the end of a response, or to an error.
async fn hear(socket: &mut Socket) -> Vec<Value> {
    let mut all: Vec<Value> = Vec::new();
    loop {
        let next = tokio::time::timeout(std::time::Duration::from_secs(30), socket.next()).await;
        let message = next.expect("an event").expect("an open connection").unwrap();
        let Message::Text(text) = message else { continue };
        let event: Value = serde_json::from_str(&text).unwrap_or_else(|_| panic!("no JSON: {text}"));
        let kind = event["type"].as_str().unwrap_or_else(|| panic!("no type: {event}")).to_owned();
        all.push(event);
        if ["response.completed", "response.failed", "response.incomplete", "error"].contains(&kind.as_str()) {
            return all;
        }
    }
}

async fn ask(socket: &mut Socket, fields: Value) -> Value {
    let mut event = fields;
    event["type"] = json!("response.create");
    say(socket, &event).await;
    hear(socket).await.pop().unwrap()
}

fn text(end: &Value) -> &str {
    assert_eq!(end["type"], "response.completed", "{end}");
    let output = end["response"]["output"].as_array().unwrap();
    output.iter().find_map(|item| item["content"][0]["text"].as_str()).unwrap_or_else(|| panic!("no text: {end}"))
}

fn sent_texts(body: &Value) -> Vec<String> {
    let text = |m: &Value| match &m["content"] {
        Value::String(text) => text.clone(),
        parts => parts.as_array().unwrap().iter().filter_map(|p| p["text"].as_str()).collect(),
    };
    let list = body.get("messages").or_else(|| body.get("input")).unwrap();
    list.as_array().unwrap_or_else(|| panic!("{body}")).iter().map(text).collect()
}

#[tokio::test]
async fn a_conversation_goes_on_within_a_connection() {
    let (sim, gateway) = bridged(|c| c.general("proxy_batch_write_at: 1")).await;
    let made = gateway.ask("/key/generate", &json!({"models": ["claude", "gpt"]})).await.unwrap().json();
    let (key, token) = (made["key"].as_str().unwrap(), made["token"].as_str().unwrap());
    let mut socket = open(&gateway, "/v1/responses?model=claude", key).await.unwrap();
    say(&mut socket, &json!({"type": "response.create", "store": false, "input": "My name is Ada."})).await;
    let events = hear(&mut socket).await;
    let kinds: Vec<&str> = events.iter().map(|e| e["type"].as_str().unwrap()).collect();
    assert_eq!(kinds[0], "response.created", "{kinds:?}");
    assert!(kinds.contains(&"response.output_text.delta"), "{kinds:?}");
    let first = events.last().unwrap();
    assert_eq!(text(first), "You said: My name is Ada.");
    let id = first["response"]["id"].as_str().unwrap();

    let second = ask(&mut socket, json!({"input": "Who am I?", "store": false, "previous_response_id": id})).await;
    assert_eq!(second["response"]["previous_response_id"], id, "{second}");
    let sent = calls(&sim).pop().unwrap().json();
    assert_eq!(sent_texts(&sent), ["My name is Ada.", "You said: My name is Ada.", "Who am I?"]);

    // What was not to be stored is gone with the connection.
    let mut other = open(&gateway, "/responses", key).await.unwrap();
    let gone = ask(&mut other, json!({"model": "claude", "input": "And now?", "previous_response_id": id})).await;
    assert_eq!((&gone["type"], &gone["status"]), (&json!("error"), &json!(400)), "{gone}");
    assert_eq!(gone["error"]["code"], "previous_response_not_found", "{gone}");
    // Each response has its row.
    for _ in 0..100 {
        let rows = gateway.get(&format!("/spend/logs?api_key={token}"), MASTER_KEY).await.unwrap().json();
        let spent = rows.as_array().unwrap().iter().filter(|row| row["spend"].as_f64().unwrap() > 0.0).count();
        if spent == 2 {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    }
    panic!("no two rows within 20 seconds");
}

#[tokio::test]
async fn a_provider_that_keeps_nothing_of_this_gets_the_conversation() {
    let (sim, gateway) = bridged(|c| c).await;
    let mut socket = open(&gateway, "/openai/v1/responses", MASTER_KEY).await.unwrap();
    let first = ask(&mut socket, json!({"model": "gpt", "store": false, "input": "One."})).await;
    let second =
        json!({"model": "gpt", "store": false, "input": "Two.", "previous_response_id": first["response"]["id"]});
    let second = ask(&mut socket, second).await;
    text(&second);
    let sent = calls(&sim).pop().unwrap().json();
    assert!(sent.get("previous_response_id").is_none(), "{sent}");
    assert_eq!(sent_texts(&sent).len(), 3, "{sent}");
    assert!(sent["input"].as_array().unwrap().iter().all(|item| item.get("id").is_none()), "{sent}");
    assert_eq!((&sent["stream"], sent.get("type")), (&json!(true), None), "{sent}");

    // What is stored there goes on by its id.
    let kept = ask(&mut socket, json!({"model": "gpt", "input": "One."})).await;
    let next = json!({"model": "gpt", "input": "Two.", "previous_response_id": kept["response"]["id"]});
    ask(&mut socket, next).await;
    let sent = calls(&sim).pop().unwrap().json();
    assert!(sent["previous_response_id"].as_str().is_some_and(|id| id.starts_with("resp")), "{sent}");

    // Nothing is generated, but remembered.
    let before = calls(&sim).len();
    let warm = ask(&mut socket, json!({"model": "gpt", "generate": false, "input": "Remember me."})).await;
    assert_eq!((&warm["response"]["status"], &warm["response"]["output"]), (&json!("completed"), &json!([])), "{warm}");
    assert_eq!(calls(&sim).len(), before);
    ask(&mut socket, json!({"model": "gpt", "input": "Who?", "previous_response_id": warm["response"]["id"]})).await;
    assert_eq!(sent_texts(&calls(&sim).pop().unwrap().json()), ["Remember me.", "Who?"]);
}

#[tokio::test]
async fn errors_are_events_and_the_connection_stands() {
    let sim = Simulator::start(SimulatorConfig::default()).await.unwrap();
    let gateway = Gateway::start(&Config::standard(&sim).yaml()).await.unwrap();
    let made = gateway.ask("/key/generate", &json!({"models": ["claude"], "rpm_limit": 3})).await.unwrap().json();
    let key = made["key"].as_str().unwrap();
    let mut socket = open(&gateway, "/v1/responses", key).await.unwrap();
    let refused = [
        (json!({"type": "response.cancel"}), 400, "response.cancel"),
        (json!({"type": "response.create", "input": "a"}), 400, "model"),
        (json!({"type": "response.create", "model": "gpt", "input": "a"}), 403, "gpt"),
        (json!({"type": "response.create", "model": "gpt", "input": "a", "generate": false}), 403, "gpt"),
    ];
    for (event, status, why) in refused {
        say(&mut socket, &event).await;
        let told = hear(&mut socket).await.pop().unwrap();
        assert_eq!((&told["type"], &told["status"]), (&json!("error"), &json!(status)), "{event}: {told}");
        assert!(told["error"]["message"].as_str().unwrap().contains(why), "{event}: {told}");
    }
    socket.send(Message::text("no json")).await.unwrap();
    assert_eq!(hear(&mut socket).await.pop().unwrap()["status"], 400);
    // Requests wait for one another; limits hold for each.
    for word in ["one", "two"] {
        say(&mut socket, &json!({"type": "response.create", "model": "claude", "input": word})).await;
    }
    assert_eq!(text(hear(&mut socket).await.last().unwrap()), "You said: one");
    assert_eq!(text(hear(&mut socket).await.last().unwrap()), "You said: two");
    let mut limited = Value::Null;
    for _ in 0..4 {
        limited = ask(&mut socket, json!({"model": "claude", "input": "more"})).await;
        if limited["type"] == "error" {
            break;
        }
    }
    assert_eq!(limited["status"], 429, "{limited}");
    socket.close(None).await.unwrap();

    let Err(Error::Http(response)) = open(&gateway, "/v1/responses", "sk-nobody-0123456789").await else {
        panic!("a stranger got in")
    };
    assert_eq!(response.status().as_u16(), 401);
    assert_eq!(gateway.get("/v1/responses", MASTER_KEY).await.unwrap().status, 426);
    let whole = gateway.ask("/v1/responses", &json!({"model": "claude", "input": "b", "stream": true})).await.unwrap();
    assert_eq!(last(&whole)["status"], "completed", "the path still takes requests");
}

#[tokio::test]
async fn a_request_names_a_managed_prompt() {
    let prompts = "prompts:\n  - prompt_id: greeting\n    litellm_params:\n      prompt_integration: dotprompt\n      \
                   dotprompt_content: \"---\\nmodel: claude\\n---\\nUser: Greet {{ name }}\"\n";
    let sim = Simulator::start(SimulatorConfig::default()).await.unwrap();
    let gateway = Gateway::start(&(Config::standard(&sim).yaml() + prompts)).await.unwrap();
    let mut socket = open(&gateway, "/v1/responses", MASTER_KEY).await.unwrap();
    let named = json!({"model": "gpt", "prompt_id": "greeting", "prompt_variables": {"name": "Ann"}});
    let answer = ask(&mut socket, named.clone()).await;
    assert_eq!(text(&answer), "You said: Greet Ann");
    assert_eq!(sent_texts(&calls(&sim).last().unwrap().json()), ["Greet Ann"]);

    let mut warm = named;
    warm["generate"] = json!(false);
    let warmed = ask(&mut socket, warm).await;
    let id = warmed["response"]["id"].as_str().unwrap();
    ask(&mut socket, json!({"model": "claude", "input": "Again", "previous_response_id": id})).await;
    assert_eq!(sent_texts(&calls(&sim).last().unwrap().json()).concat(), "Greet AnnAgain", "{warmed}");

    let unknown = ask(&mut socket, json!({"model": "gpt", "prompt_id": "nobody's"})).await;
    assert_eq!((&unknown["type"], &unknown["status"]), (&json!("error"), &json!(400)), "{unknown}");
}
