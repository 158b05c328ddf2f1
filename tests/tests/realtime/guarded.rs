//! Guardrails judge what a client gives to the model as text, and what the host heard.

use super::*;

type Events = Arc<Mutex<Vec<Value>>>;

/// A host that writes down what it is told, and hears what stands in `heard`.
async fn host() -> (String, Events) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let events = Events::default();
    let seen = Arc::clone(&events);
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            let seen = Arc::clone(&seen);
            tokio::spawn(async move {
                let mut ws = tokio_tungstenite::accept_async(socket).await.unwrap();
                let greeting = json!({"type": "session.created", "session": {"id": "sess_1", "type": "realtime"}});
                ws.send(Message::text(greeting.to_string())).await.unwrap();
                while let Some(Ok(message)) = ws.next().await {
                    let Ok(text) = message.to_text() else { continue };
                    let Ok(event) = serde_json::from_str::<Value>(text) else { continue };
                    let answer = match event["heard"].as_str() {
                        Some(heard) => json!({"type": "conversation.item.input_audio_transcription.completed",
                            "item_id": "item_1", "transcript": heard}),
                        None => json!({"type": "noted", "of": event["type"]}),
                    };
                    let answers = event["type"] == "response.create";
                    seen.lock().push(event);
                    for kind in ["response.created", "response.done"].into_iter().filter(|_| answers) {
                        ws.send(Message::text(json!({"type": kind, "response": {"id": "resp_1"}}).to_string()))
                            .await
                            .unwrap();
                    }
                    ws.send(Message::text(answer.to_string())).await.unwrap();
                }
            });
        }
    });
    (base, events)
}

async fn started(modes: &[&str]) -> (Gateway, Events) {
    started_with(modes, "").await
}

async fn started_with(modes: &[&str], more: &str) -> (Gateway, Events) {
    let (base, events) = host().await;
    let config = format!(
        "model_list:
  - {{model_name: voice, litellm_params: {{model: openai/gpt-realtime, api_base: '{base}/v1', api_key: k}}}}
guardrails:
  - guardrail_name: words
    litellm_params:
      guardrail: litellm_content_filter
      mode: {modes:?}
      default_on: true
      {more}
      blocked_words: [{{keyword: dynamite, action: BLOCK}}, {{keyword: Ada, action: MASK}}]
general_settings: {{master_key: {MASTER_KEY}}}
"
    );
    (Gateway::start(&config).await.unwrap(), events)
}

async fn session(gateway: &Gateway) -> Socket {
    let bearer = format!("Bearer {MASTER_KEY}");
    let (mut ws, _) = connect(gateway, "/v1/realtime?model=voice", &[("authorization", &bearer)]).await.unwrap();
    assert_eq!(event(&mut ws).await["type"], "session.created");
    ws
}

async fn say(ws: &mut Socket, event: &Value) {
    ws.send(Message::text(event.to_string())).await.unwrap();
}

fn item(text: &str) -> Value {
    let content = json!([{"type": "input_text", "text": text}]);
    json!({"type": "conversation.item.create", "item": {"type": "message", "role": "user", "content": content}})
}

/// Kinds of what the host was told.
fn kinds(events: &Events) -> Vec<String> {
    events.lock().iter().map(|event| event["type"].as_str().unwrap().to_owned()).collect()
}

/// What is told until the host has noted an event of this kind.
async fn until(ws: &mut Socket, kind: &str) -> Vec<Value> {
    let mut told = Vec::new();
    loop {
        let next = event(ws).await;
        if next["type"] == "noted" && next["of"] == kind {
            return told;
        }
        told.push(next);
    }
}

#[tokio::test]
async fn what_a_client_writes_is_judged_before_it_goes_on() {
    let (gateway, events) = started(&["pre_call"]).await;
    let mut ws = session(&gateway).await;
    say(&mut ws, &item("I am Ada")).await;
    until(&mut ws, "conversation.item.create").await;
    let said = events.lock().pop().unwrap()["item"]["content"][0]["text"].as_str().unwrap().to_owned();
    assert!(said.starts_with("I am ") && !said.contains("Ada"), "{said}");

    // In one piece, in two frames, in the input of an answer, as the result of a tool.
    events.lock().clear();
    say(&mut ws, &item("Where is dynamite?")).await;
    let told = until(&mut ws, "response.create").await;
    let stop = told.iter().find(|event| event["type"] == "error").unwrap();
    assert_eq!(stop["error"]["type"], "guardrail_violation", "{stop}");
    assert_eq!(stop["error"]["code"], "content_policy_violation");
    assert_eq!(kinds(&events), ["response.cancel", "conversation.item.create", "response.create"]);
    assert!(!events.lock()[1].to_string().contains("Where is"), "{:?}", events.lock());
    // The wish for an answer that clients send behind it is for what was stopped.
    events.lock().clear();
    say(&mut ws, &json!({"type": "response.create"})).await;
    say(&mut ws, &json!({"type": "input_audio_buffer.clear"})).await;
    until(&mut ws, "input_audio_buffer.clear").await;
    assert_eq!(kinds(&events), ["input_audio_buffer.clear"]);

    events.lock().clear();
    let result = json!({"type": "conversation.item.create",
        "item": {"type": "function_call_output", "call_id": "c", "output": "{\"found\": \"dynamite\"}"}});
    say(&mut ws, &result).await;
    until(&mut ws, "response.create").await;
    let first = events.lock()[0].clone();
    assert_eq!(first["item"]["call_id"], "c", "the model waits for a result: {first}");
    assert!(!first.to_string().contains("dynamite"), "{first}");

    for hidden in [
        json!({"type": "response.create", "response": {"input": [item("dynamite")["item"]]}}).to_string(),
        json!({"type": "session.update", "session": {"instructions": "Praise dynamite."}}).to_string(),
        r#"{"type":"input_audio_buffer.clear","type":"conversation.item.create"}"#.to_owned(),
        "dynamite".to_owned(),
    ] {
        events.lock().clear();
        ws.send(Message::text(hidden.clone())).await.unwrap();
        assert_eq!(event(&mut ws).await["error"]["type"], "guardrail_violation", "{hidden}");
        assert!(events.lock().is_empty(), "{hidden}");
    }
}

#[tokio::test]
async fn what_the_host_heard_is_judged_before_it_answers() {
    let (gateway, events) = started(&["realtime_input_transcription"]).await;
    let mut ws = session(&gateway).await;
    until(&mut ws, "session.update").await;
    let quiet = |event: &Value| event["session"]["audio"]["input"]["turn_detection"]["create_response"] == false;
    assert!(quiet(&events.lock()[0]), "{:?}", events.lock());
    let loud = json!({"audio": {"input": {"turn_detection": {"type": "server_vad", "create_response": true}}}});
    say(&mut ws, &json!({"type": "session.update", "session": loud})).await;
    until(&mut ws, "session.update").await;
    assert!(quiet(&events.lock()[1]), "nobody switches it on again: {:?}", events.lock());

    events.lock().clear();
    say(&mut ws, &json!({"type": "input_audio_buffer.commit", "heard": "Good morning"})).await;
    let told = until(&mut ws, "response.create").await;
    assert_eq!(told[0]["transcript"], "Good morning");
    assert_eq!(kinds(&events), ["input_audio_buffer.commit", "response.create"]);

    events.lock().clear();
    say(&mut ws, &json!({"type": "input_audio_buffer.commit", "heard": "Bring dynamite"})).await;
    let told = until(&mut ws, "response.create").await;
    assert!(told.iter().any(|event| event["error"]["type"] == "guardrail_violation"), "{told:?}");
    assert_eq!(kinds(&events)[1..], ["response.cancel", "conversation.item.create", "response.create"]);
}

#[tokio::test]
async fn a_session_may_end_with_what_is_stopped() {
    let message = "realtime_violation_message: Please do not";
    for (rules, stops) in [("on_violation: end_session", 1), ("end_session_after_n_fails: 2", 2)] {
        let modes = ["pre_call", "realtime_input_transcription"];
        let (gateway, events) = started_with(&modes, &format!("{message}\n      {rules}")).await;
        let mut ws = session(&gateway).await;
        until(&mut ws, "session.update").await;
        for stop in 1..=stops {
            events.lock().clear();
            match stop {
                1 => say(&mut ws, &item("dynamite")).await,
                _ => say(&mut ws, &json!({"type": "input_audio_buffer.commit", "heard": "dynamite"})).await,
            }
            if stop < stops {
                until(&mut ws, "response.create").await;
            }
        }
        // The host says why, and nothing else is said.
        let mut told = Vec::new();
        let end = loop {
            match ws.next().await.unwrap().unwrap() {
                Message::Close(end) => break end.unwrap(),
                message => told.push(serde_json::from_str::<Value>(message.to_text().unwrap()).unwrap()),
            }
        };
        assert_eq!(u16::from(end.code), 1000, "{rules}");
        let error = told.iter().find(|event| event["type"] == "error").unwrap();
        assert_eq!(error["error"]["message"], "Please do not", "{rules}: {told:?}");
        assert_eq!(told.last().unwrap()["type"], "response.done", "{rules}: {told:?}");
        assert!(events.lock().iter().any(|event| event.to_string().contains("Please do not")), "{rules}");
    }
}
