//! WebSockets of Deepgram and of Gemini's Live API: credentials, permissions, what a session costs.

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;

/// Deepgram and Vertex AI: one hears sound, the other answers turns.
async fn houses() -> (String, Heads) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let heads = Heads::default();
    let seen = Arc::clone(&heads);
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            let seen = Arc::clone(&seen);
            tokio::spawn(async move {
                let mut first = [0; 4];
                let peeked = socket.peek(&mut first).await.unwrap_or(0);
                if first.get(..peeked) == Some(b"POST") { token(socket).await } else { session(socket, seen).await }
            });
        }
    });
    (base, heads)
}

/// Google's token endpoint.
async fn token(mut socket: TcpStream) {
    let mut request = vec![0; 8192];
    let _ = socket.read(&mut request).await.unwrap();
    let body = r#"{"access_token":"ya29.live","expires_in":3599,"token_type":"Bearer"}"#;
    let head = format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n", body.len());
    socket.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
}

async fn session(socket: TcpStream, seen: Heads) {
    let mut path = String::new();
    #[allow(clippy::result_large_err, reason = "the library's type")]
    let check = |request: &Request, response: Response| -> Result<Response, ErrorResponse> {
        path = request.uri().to_string();
        seen.lock().push((path.clone(), request.headers().clone()));
        Ok(response)
    };
    let Ok(mut ws) = accept_hdr_async(socket, check).await else { return };
    while let Some(Ok(message)) = ws.next().await {
        let answers: Vec<Message> = match &message {
            Message::Binary(sound) if path.contains("/listen") => {
                let heard = sound.len() as f64 / 10.0;
                let results = json!({"type": "Results", "channel_index": [0, 2], "start": 0.0, "duration": heard,
                    "is_final": true, "channel": {"alternatives": [{"transcript": "hello"}]}});
                vec![Message::text(results.to_string())]
            }
            Message::Text(text) if text.contains("CloseStream") => {
                let end = json!({"type": "Metadata", "request_id": "dg-1", "duration": 60.0, "channels": 2});
                vec![Message::text(end.to_string()), Message::Close(None)]
            }
            Message::Text(text) if text.contains("setup") => {
                seen.lock().push((text.to_string(), http::HeaderMap::new()));
                vec![Message::Binary(br#"{"setupComplete":{"sessionId":"live-1"}}"#.to_vec().into())]
            }
            Message::Text(_) => {
                let turn = json!({"serverContent": {"turnComplete": true}, "usageMetadata": {
                    "promptTokenCount": 100, "responseTokenCount": 40, "totalTokenCount": 140,
                    "promptTokensDetails": [{"modality": "AUDIO", "tokenCount": 100}],
                    "responseTokensDetails": [{"modality": "AUDIO", "tokenCount": 40}]}});
                vec![Message::Binary(turn.to_string().into_bytes().into())]
            }
            _ => Vec::new(),
        };
        for answer in answers {
            let _ = ws.send(answer).await;
        }
    }
}

async fn started() -> (Gateway, Heads) {
    let (base, heads) = houses().await;
    let sim = Simulator::start(SimulatorConfig::default()).await.unwrap();
    let google = json!({"type": "authorized_user", "client_id": "c", "client_secret": "s", "refresh_token": "r",
        "token_uri": format!("{base}/token")});
    let config = Config::empty(&sim)
        .model("talker", "vertex_ai/gemini-live-2.5-flash-native-audio", &[])
        .general("proxy_batch_write_at: 1")
        .yaml();
    let env = [
        ("DEEPGRAM_API_BASE", format!("{base}/v1")),
        ("DEEPGRAM_API_KEY", "dg-key".to_owned()),
        ("VERTEXAI_API_BASE", base.clone()),
        ("DEFAULT_VERTEXAI_PROJECT", "p1".to_owned()),
        ("DEFAULT_VERTEXAI_LOCATION", "us-central1".to_owned()),
        ("DEFAULT_GOOGLE_APPLICATION_CREDENTIALS", google.to_string()),
    ];
    let env = env.map(|(name, value)| (name.to_owned(), value)).to_vec();
    let gateway = Gateway::start_with(&config, &Options { env, ..Options::default() }).await.unwrap();
    (gateway, heads)
}

async fn rest(mut ws: Socket) -> Option<CloseFrame> {
    let mut last = None;
    while let Ok(Some(Ok(message))) = tokio::time::timeout(Duration::from_secs(20), ws.next()).await {
        if let Message::Close(frame) = message {
            last = frame;
        }
    }
    last
}

#[tokio::test]
async fn deepgram_bills_seconds_of_every_channel_and_what_is_asked_for_beside() {
    let (gateway, heads) = started().await;
    let (key, token) = gateway.new_key(&json!({"models": ["nova-3"]})).await.unwrap();
    let bearer = format!("Bearer {key}");
    let path = "/deepgram/v1/listen?model=nova-3&redact=pci&channels=2";
    let (mut ws, _) = connect(&gateway, path, &[("authorization", &bearer)]).await.unwrap();
    ws.send(Message::Binary(vec![0; 50].into())).await.unwrap();
    assert_eq!(event(&mut ws).await["type"], "Results");
    ws.send(Message::text(r#"{"type":"CloseStream"}"#)).await.unwrap();
    assert_eq!(event(&mut ws).await["type"], "Metadata");
    rest(ws).await;

    let (path, seen) = heads.lock().first().cloned().unwrap();
    assert_eq!(path, "/v1/listen?redact=pci&channels=2&model=nova-3");
    assert_eq!(seen["authorization"], "Token dg-key");
    let row = gateway.spend_rows(&token, 1).await.unwrap()[0].clone();
    // 60 seconds, two channels: the model's rate and that of what is blacked out
    let expected = 120.0 * (0.00008 + 0.00003333);
    assert!((row["spend"].as_f64().unwrap() - expected).abs() < 1e-9, "{row}");

    let status = |path| refused(&gateway, path, &bearer);
    assert_eq!(status("/deepgram/v1/listen?model=nova-2").await, 400, "no price for streams");
    assert_eq!(status("/deepgram/v1/listen?model=nova-3&callback=http%3A%2F%2Fx").await, 400);
    assert_eq!(status("/deepgram/v1/speak?model=nova-3").await, 404);
    let (other, _) = gateway.new_key(&json!({"models": ["gpt-4o"]})).await.unwrap();
    assert_eq!(refused(&gateway, "/deepgram/v1/listen?model=nova-3", &format!("Bearer {other}")).await, 403);
    assert_eq!(gateway.get("/deepgram/v1/projects", MASTER_KEY).await.unwrap().status, 404, "sockets only");
}

async fn refused(gateway: &Gateway, path: &str, bearer: &str) -> u16 {
    match connect(gateway, path, &[("authorization", bearer)]).await {
        Err(Error::Http(response)) => response.status().as_u16(),
        other => panic!("{path}: {other:?}"),
    }
}

#[tokio::test]
async fn the_first_message_of_a_live_session_names_its_model() {
    let (gateway, heads) = started().await;
    let (key, token) = gateway.new_key(&json!({"models": ["talker"]})).await.unwrap();
    let bearer = format!("Bearer {key}");
    let shown = [("authorization", bearer.as_str())];
    let open = || connect(&gateway, "/vertex_ai/live?model=talker", &shown);
    let (mut ws, _) = open().await.unwrap();
    let setup = json!({"setup": {"model": "models/talker", "generationConfig": {"responseModalities": ["AUDIO"]}}});
    ws.send(Message::text(setup.to_string())).await.unwrap();
    assert_eq!(next(&mut ws).await.into_data().as_ref(), br#"{"setupComplete":{"sessionId":"live-1"}}"#);
    for _ in 0..2 {
        ws.send(Message::text(r#"{"clientContent":{}}"#)).await.unwrap();
        let turn: Value = serde_json::from_slice(&next(&mut ws).await.into_data()).unwrap();
        assert_eq!(turn["usageMetadata"]["totalTokenCount"], 140);
    }
    ws.close(None).await.unwrap();
    rest(ws).await;

    let [(path, seen), (said, _)] = heads.lock().clone().try_into().unwrap();
    assert_eq!(path, "/ws/google.cloud.aiplatform.v1.LlmBidiService/BidiGenerateContent");
    assert_eq!(
        (&seen["authorization"], &seen["x-goog-user-project"]),
        (&"Bearer ya29.live".parse::<http::HeaderValue>().unwrap(), &"p1".parse().unwrap())
    );
    let said: Value = serde_json::from_str(&said).unwrap();
    let model = "projects/p1/locations/us-central1/publishers/google/models/gemini-live-2.5-flash-native-audio";
    assert_eq!(said["setup"]["model"], model);
    assert_eq!(said["setup"]["generationConfig"]["responseModalities"][0], "AUDIO", "nothing else changes");
    let row = gateway.spend_rows(&token, 1).await.unwrap()[0].clone();
    assert_eq!((&row["prompt_tokens"], &row["completion_tokens"]), (&json!(200), &json!(80)), "{row}");
    assert!(row["spend"].as_f64().unwrap() > 0.0, "{row}");

    let (mut ws, _) = open().await.unwrap();
    ws.send(Message::text(r#"{"setup":{"model":"models/gemini-2.5-pro"}}"#)).await.unwrap();
    let farewell = rest(ws).await.unwrap();
    assert_eq!(farewell.code, CloseCode::Policy, "{farewell:?}");
}
