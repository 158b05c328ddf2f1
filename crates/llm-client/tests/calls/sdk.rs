//! The SDK: calls from a program.

use std::sync::Arc;

use llm_client::sdk::{Ask, completion_cost};
use llm_client::{Client, EngineSettings};
use llm_simulator::{Fault, Match, Running, Script};
use llm_types::generate::{Role, Turn};
use llm_types::{Json, Kind};
use serde_json::Value;

use crate::support::{http, sim};

fn client() -> Client {
    Client::new(Arc::new(http()), EngineSettings::default())
}

fn base(sim: &Running, model: &str) -> String {
    let v1 = if model.starts_with("anthropic/") { "" } else { "/v1" };
    format!("{}{v1}", sim.base_url())
}

const MODELS: [&str; 2] = ["openai/gpt-4o", "anthropic/claude-sonnet-4-5"];

#[tokio::test]
async fn tools_that_a_model_calls_are_read_from_the_answer() {
    let sim = sim().await;
    for model in MODELS {
        let (client, base) = (client(), base(&sim, model));
        let params = [("api_base", base.as_str()), ("api_key", "sk-own")];
        let body = r#"{"messages":[{"role":"user","content":"Weather in Paris?"}],"tool_choice":"required","tools":[{"type":
            "function","function":{"name":"weather","parameters":{"type":"object","properties":{"city":{"type":"string"}}}}}]}"#;
        let answer = client.completion_with(model, Ask::body(body).unwrap(), &params).await.unwrap();
        let calls: Vec<_> =
            answer.tool_calls().map(|call| (call.name.as_str(), call.arguments.contains("city"))).collect();
        assert_eq!(calls, [("weather", true)], "{model}");
        assert!(client.completion_with(model, "Say hi.", &params).await.unwrap().tool_calls().next().is_none());
    }
    assert_eq!(Ask::body("{").unwrap_err().status(), 400);
}

#[tokio::test]
async fn a_prompt_turns_or_a_body_are_answered() {
    let sim = sim().await;
    for model in MODELS {
        let (client, base) = (client(), base(&sim, model));
        let params = [("api_base", base.as_str()), ("api_key", "sk-own")];
        let answer = client.completion_with(model, "Say hi.", &params).await.unwrap();
        assert_eq!(answer.text(), "You said: Say hi.");
        assert!(completion_cost(&answer) > 0.0 && completion_cost(&answer) == answer.report.cost.total);
        assert_eq!(answer.report.usage.total_tokens(), answer.response.usage.unwrap().usage.total_tokens());

        let turns = vec![Turn::text(Role::User, "a"), Turn::text(Role::Assistant, "b"), Turn::text(Role::User, "c")];
        assert_eq!(client.completion_with(model, turns, &params).await.unwrap().text(), "You said: c");
        assert_eq!(sim.requests().last().unwrap().json()["messages"].as_array().unwrap().len(), 3);

        let body = r#"{"model":"ignored","messages":[{"role":"user","content":"d"}],"temperature":0.25}"#;
        let body: Json = serde_json::from_str(body).unwrap();
        assert_eq!(client.completion_with(model, body, &params).await.unwrap().text(), "You said: d");
        let sent = sim.requests().pop().unwrap();
        assert_eq!(sent.json()["temperature"], 0.25);
        assert_eq!(sent.json()["model"], model.split_once('/').unwrap().1);
        assert!(sent.headers.values().any(|v| v.as_bytes().ends_with(b"sk-own")));
    }
}

#[tokio::test]
async fn a_stream_is_handed_on_chunk_by_chunk() {
    let sim = sim().await;
    for model in MODELS {
        let (client, base) = (client(), base(&sim, model));
        let params = [("api_base", base.as_str()), ("api_key", "k")];
        let mut text = String::new();
        let mut chunks = 0;
        let report = client.stream(model, "one two three", &params, |chunk| {
            let chunk: Value = serde_json::from_str(chunk).unwrap();
            text += chunk["choices"][0]["delta"]["content"].as_str().unwrap_or_default();
            chunks += 1;
        });
        let report = report.await.unwrap();
        assert_eq!(text, "You said: one two three");
        assert!(chunks >= 5, "{chunks}");
        assert!(report.cost.total > 0.0 && !report.interrupted && report.error.is_none());
    }
}

#[tokio::test]
async fn a_stream_that_breaks_says_so() {
    let sim = sim().await;
    sim.script(Match::any(), Script::fault(Fault::Cut));
    let (client, base) = (client(), base(&sim, MODELS[0]));
    let params = [("api_base", base.as_str()), ("api_key", "k")];
    let mut last = String::new();
    let report = client.stream(MODELS[0], "hi", &params, |c| last = c.to_owned()).await.unwrap();
    assert_eq!(report.error.unwrap().kind, Kind::MidStream);
    assert!(serde_json::from_str::<Value>(&last).unwrap()["error"]["message"].is_string(), "{last}");
}

#[tokio::test]
async fn texts_become_vectors() {
    let sim = sim().await;
    let base = base(&sim, MODELS[0]);
    let params = [("api_base", base.as_str()), ("api_key", "k")];
    let (body, cost) = client().embedding("openai/text-embedding-3-small", &["a", "b"], &params).await.unwrap();
    let body: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(body["data"].as_array().unwrap().len(), 2);
    assert!(cost.total > 0.0);
}

#[tokio::test]
async fn refusals_come_as_errors() {
    let sim = sim().await;
    sim.script(Match::any(), Script::fault(Fault::Status(401)));
    let base = base(&sim, MODELS[0]);
    let params = [("api_base", base.as_str()), ("api_key", "k")];
    let error = client().completion_with(MODELS[0], "hi", &params).await.unwrap_err();
    assert_eq!((error.kind, error.status()), (Kind::Authentication, 401));
    let error = client().completion_with("no-such-provider-or-model", "hi", &[]).await.unwrap_err();
    assert_eq!(error.status(), 400, "{error}");
}

/// An upstream that says what it was asked.
async fn upstream() -> (std::net::SocketAddr, tokio::task::JoinHandle<()>) {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let task = tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let mut seen = Vec::new();
            let mut buffer = vec![0; 65536];
            let text = loop {
                let read = socket.read(&mut buffer).await.unwrap();
                seen.extend_from_slice(&buffer[..read]);
                let text = String::from_utf8_lossy(&seen).into_owned();
                let told = text.to_ascii_lowercase();
                let length =
                    told.split_once("content-length: ").and_then(|(_, t)| t.split("\r\n").next()?.parse().ok());
                let head = text.find("\r\n\r\n").map(|at| at + 4);
                if read == 0 || head.is_some_and(|head| seen.len() >= head + length.unwrap_or(0)) {
                    break text;
                }
            };
            let path = text.split_whitespace().nth(1).unwrap_or_default().to_owned();
            let (kind, body) = match path.as_str() {
                "/v1/images/generations" | "/v1/images/edits" => {
                    ("application/json", r#"{"created":1,"data":[{"url":"u"}]}"#)
                }
                "/v1/audio/transcriptions" => ("application/json", r#"{"text":"spoken"}"#),
                "/v1/audio/translations" => ("application/json", r#"{"text":"translated"}"#),
                "/v1/videos" | "/v1/videos/video_1" => ("application/json", r#"{"id":"video_1","status":"queued"}"#),
                "/v1/videos/video_1/content" => ("video/mp4", "FILM"),
                "/v1/audio/speech" => ("audio/mpeg", "SOUND"),
                "/v1/moderations" => ("application/json", r#"{"id":"m","model":"x","results":[{"flagged":false}]}"#),
                "/v2/rerank" => ("application/json", r#"{"id":"r","results":[{"index":1,"relevance_score":0.9}]}"#),
                _ => ("application/json", "{}"),
            };
            let head = format!(
                "HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
                body.len()
            );
            socket.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
        }
    });
    (addr, task)
}

#[tokio::test]
async fn conversations_in_the_words_of_other_clients() {
    let sim = sim().await;
    let json = |text: &str| serde_json::from_str::<Json>(text).unwrap();
    let client = client();
    let base = base(&sim, "anthropic/x");
    let params = [("api_base", base.as_str()), ("api_key", "k")];
    let model = "anthropic/claude-sonnet-4-5";
    let answer =
        client.messages(model, json(r#"{"max_tokens":9,"messages":[{"role":"user","content":"a"}]}"#), &params);
    let answer = answer.await.unwrap();
    assert_eq!(answer.json().unwrap().get("content").unwrap().to_string(), r#"[{"type":"text","text":"You said: a"}]"#);
    assert!(answer.cost() > 0.0);
    let answer = client.responses(model, json(r#"{"input":"b"}"#), &params).await.unwrap();
    assert!(String::from_utf8_lossy(&answer.body).contains("You said: b"));
    let answer = client.text_completion(model, json(r#"{"prompt":"c"}"#), &params).await.unwrap();
    assert!(String::from_utf8_lossy(&answer.body).contains(r#""text":"You said: c""#));
    let contents = json(r#"{"contents":[{"role":"user","parts":[{"text":"d"}]}]}"#);
    let answer = client.generate_content(model, contents.clone(), &params).await.unwrap();
    assert!(String::from_utf8_lossy(&answer.body).contains("You said: d"));
    let mut text = String::new();
    let format = llm_types::Format::GeminiGenerate;
    let report = client.stream_as(format, model, contents, &params, |chunk| text.push_str(chunk)).await.unwrap();
    assert!(text.contains("\"finishReason\":\"STOP\"") && report.cost.total > 0.0, "{text}");
}

#[tokio::test]
async fn every_other_operation() {
    let (addr, _upstream) = upstream().await;
    let json = |text: &str| serde_json::from_str::<Json>(text).unwrap();
    let (client, v1) = (client(), format!("http://{addr}/v1"));
    let params = [("api_base", v1.as_str()), ("api_key", "k")];
    let file = |name: &str| llm_wire::task::FilePart {
        name: name.into(),
        filename: Some("a.bin".into()),
        content_type: None,
        data: bytes::Bytes::from_static(b"BYTES"),
        more: None,
    };
    let said = |answer: &llm_client::sdk::calls::Answered| String::from_utf8_lossy(&answer.body).into_owned();
    let drawn = client.image_generation("openai/gpt-image-1", json(r#"{"prompt":"a cat"}"#), &params).await.unwrap();
    assert!(said(&drawn).contains(r#""url":"u""#));
    let edited = client.image_edit("openai/gpt-image-1", vec![file("image")], json(r#"{"prompt":"a dog"}"#), &params);
    assert!(said(&edited.await.unwrap()).contains(r#""url":"u""#));
    let heard = client.transcription("openai/whisper-1", vec![file("file")], json("{}"), &params).await.unwrap();
    assert!(said(&heard).contains("spoken"));
    let translated = client.translation("openai/whisper-1", vec![file("file")], json("{}"), &params).await.unwrap();
    assert!(said(&translated).contains("translated"));
    let sound = client.speech("openai/tts-1", json(r#"{"input":"hi","voice":"alloy"}"#), &params).await.unwrap();
    assert_eq!((said(&sound).as_str(), sound.content_type.as_deref()), ("SOUND", Some("audio/mpeg")));
    assert!(sound.json().is_err() && sound.cost() > 0.0);
    let judged = client.moderation("openai/omni-moderation-latest", json(r#"{"input":"x"}"#), &params).await.unwrap();
    assert!(said(&judged).contains("flagged"));
    let root = format!("http://{addr}");
    let there = [("api_base", root.as_str()), ("api_key", "k")];
    let ordered = json(r#"{"query":"q","documents":["a","b"]}"#);
    let ordered = client.rerank("cohere/rerank-v3.5", ordered, &there).await.unwrap();
    assert!(said(&ordered).contains("0.9"), "{}", said(&ordered));
    // what a provider does not do is refused by name
    let refused =
        client.ocr("cerebras/m", json(r#"{"document":{"type":"document_url","document_url":"u"}}"#), &params).await;
    assert_eq!(refused.unwrap_err().kind, Kind::BadRequest);
    let refused = client.search("cerebras/m", json(r#"{"query":"q"}"#), &params).await;
    assert_eq!(refused.unwrap_err().kind, Kind::BadRequest);
    assert!(client.moderation("openai/m", Json::from("text"), &params).await.is_err(), "a body is an object");
}

#[tokio::test]
async fn a_video_is_found_by_the_id_that_was_told() {
    let (addr, _upstream) = upstream().await;
    let json = |text: &str| serde_json::from_str::<Json>(text).unwrap();
    let (client, v1) = (client(), format!("http://{addr}/v1"));
    let params = [("api_base", v1.as_str()), ("api_key", "k")];
    let begun = client.video_generation("openai/sora-2", json(r#"{"prompt":"a cat"}"#), &params).await.unwrap();
    let id = begun.json().unwrap().text("id").unwrap().to_owned();
    let about = || Json::object([("video_id", id.as_str())]);
    let seen = client.video_status("openai/sora-2", about(), &params).await.unwrap().json().unwrap();
    assert_eq!((seen.text("id"), seen.text("status")), (Some(id.as_str()), Some("queued")));
    let film = client.video_content("openai/sora-2", about(), &params).await.unwrap();
    assert_eq!((&film.body[..], film.content_type.as_deref()), (&b"FILM"[..], Some("video/mp4")));
}

#[tokio::test]
async fn tokens_are_counted() {
    let body = serde_json::from_str::<Json>(r#"{"messages":[{"role":"user","content":"Say hi."}]}"#).unwrap();
    let (addr, _upstream) = upstream().await;
    let v1 = format!("http://{addr}/v1");
    let params = [("api_base", v1.as_str()), ("api_key", "k")];
    let counted = client().count_tokens("openai/gpt-4o", body, &params).await.unwrap();
    assert_eq!((counted.source(), counted.tokens > 3), ("local_estimate", true));
    let unknown = client().count_tokens("no-such-provider-or-model", Json::object([("messages", "")]), &[]).await;
    assert_eq!(unknown.unwrap_err().kind, Kind::BadRequest);
}
