//! Guardrails of operations that are no conversations.

use llm_tests::{Canned, Form, Gateway, MASTER_KEY};
use serde_json::{Value, json};

use super::{at, gateway, guardrail, house};

fn words(name: &str, mode: &str, action: &str, word: &str) -> Value {
    guardrail(
        name,
        "litellm_content_filter",
        json!({"mode": mode, "default_on": true, "api_key": null,
        "keyword_redaction_tag": "[GONE]", "blocked_words": [{"keyword": word, "action": action}]}),
    )
}

fn last(house: &Canned, path: &str) -> Value {
    at(house, path).pop().unwrap().json
}

/// Each operation with a text in it.
fn operations(text: &str) -> Vec<(&'static str, Value)> {
    vec![
        ("/v1/embeddings", json!({"model": "text-embedding-3-small", "input": ["fine", text]})),
        ("/v1/images/generations", json!({"model": "dall-e-3", "prompt": text})),
        ("/v1/audio/speech", json!({"model": "tts-1", "input": text, "voice": "alloy"})),
        ("/v1/audio/speech", json!({"model": "tts-1", "input": "fine", "voice": "alloy", "instructions": text})),
        ("/v1/moderations", json!({"model": "omni-moderation-latest", "input": text})),
        ("/v1/rerank", json!({"model": "ranks", "query": text, "documents": ["a"]})),
        ("/v1/rerank", json!({"model": "ranks", "query": "q", "documents": ["a", {"text": text}]})),
    ]
}

#[tokio::test]
async fn requests_without_a_conversation_are_judged() {
    let house = house().await;
    let gateway = gateway(
        &house,
        &[
            words("stops", "pre_call", "BLOCK", "albatross"),
            words("beside", "during_call", "BLOCK", "walrus"),
            words("masks", "pre_call", "MASK", "sparrow"),
        ],
    )
    .await;
    for word in ["albatross", "walrus"] {
        for (path, body) in operations(&format!("an {word}")) {
            let reply = gateway.post(path, &body, MASTER_KEY).await.unwrap();
            assert_eq!(reply.status, 400, "{path} {body}: {}", reply.text());
            assert!(reply.text().contains(word), "{path}: {}", reply.text());
        }
    }
    let sent = house.seen().into_iter().filter(|asked| asked.text().contains("albatross")).count();
    assert_eq!(sent, 0, "what is stopped before the call does not go out");

    let ask = async |path: &str, body: Value| {
        let reply = gateway.post(path, &body, MASTER_KEY).await.unwrap();
        assert_eq!(reply.status, 200, "{path}: {}", reply.text());
        assert_eq!(reply.header("x-litellm-applied-guardrails"), "stops,masks", "{path}");
    };
    ask("/v1/embeddings", json!({"model": "text-embedding-3-small", "input": ["a sparrow", "b"]})).await;
    assert_eq!(last(&house, "/embeddings")["input"], json!(["a [GONE]", "b"]));
    ask("/v1/images/generations", json!({"model": "dall-e-3", "prompt": "a sparrow", "n": 1})).await;
    assert_eq!(last(&house, "/images/generations")["prompt"], "a [GONE]");
    ask("/v1/audio/speech", json!({"model": "tts-1", "input": "a sparrow", "voice": "alloy"})).await;
    assert_eq!(last(&house, "/audio/speech")["input"], "a [GONE]");
    ask(
        "/v1/moderations",
        json!({"model": "omni-moderation-latest", "input": [{"type": "text", "text": "a sparrow"}]}),
    )
    .await;
    assert_eq!(last(&house, "/v1/moderations")["input"], json!([{"type": "text", "text": "a [GONE]"}]));
    // Token ids are no text.
    ask("/v1/embeddings", json!({"model": "text-embedding-3-small", "input": [[1, 2], [3]]})).await;

    let form =
        Form::of(&[("model", "gpt-image-1"), ("prompt", "a sparrow")]).file("image", "a.png", b"\x89PNG\r\n\x1a\nx");
    let reply = gateway.post_form("/v1/images/edits", &form, MASTER_KEY).await.unwrap();
    assert_eq!(reply.status, 200, "{}", reply.text());
    let sent = at(&house, "/images/edits").pop().unwrap().text();
    assert!(sent.contains("a [GONE]") && !sent.contains("sparrow"), "{sent}");
    stopped_behind_a_large_file(&gateway, &house).await;
}

/// A file that goes out while it comes in, with the prompt behind it.
async fn stopped_behind_a_large_file(gateway: &Gateway, house: &Canned) {
    let before = at(house, "/images/edits").len();
    let large = vec![7_u8; 17 << 20];
    let form = Form::of(&[("model", "gpt-image-1")]).file("image", "a.png", &large).text("prompt", "an albatross");
    let reply = gateway.post_form("/v1/images/edits", &form, MASTER_KEY).await.unwrap();
    assert_eq!(reply.status, 400, "{}", reply.text());
    assert_eq!(at(house, "/images/edits").len(), before);
}

async fn transcribed(gateway: &Gateway, more: &[(&str, &str)]) -> llm_tests::Reply {
    let fields: Vec<(&str, &str)> = [("model", "whisper-1")].iter().chain(more).copied().collect();
    let form = Form::of(&fields).file("file", "a.mp3", b"ID3 sound");
    gateway.post_form("/v1/audio/transcriptions", &form, MASTER_KEY).await.unwrap()
}

#[tokio::test]
async fn answers_without_a_conversation_are_judged() {
    let house = house().await;
    let gateway = self::gateway(&house, &[words("masks", "post_call", "MASK", "MASKWORD")]).await;
    let plain = transcribed(&gateway, &[]).await;
    assert_eq!((plain.status, &plain.json()["text"]), (200, &json!("hello [GONE]")), "{}", plain.text());
    assert_eq!(plain.header("x-litellm-applied-guardrails"), "masks");
    assert!(!plain.text().contains("MASKWORD") && plain.json()["language"] == "en", "{}", plain.text());
    let subtitles = transcribed(&gateway, &[("response_format", "srt")]).await;
    assert_eq!(subtitles.json()["text"], "1\n00:00:00,000 --> 00:00:01,000\nhello [GONE]\n", "{}", subtitles.text());
    let streamed = transcribed(&gateway, &[("stream", "true")]).await;
    assert!(streamed.header("content-type").starts_with("text/event-stream"), "{:?}", streamed.headers);
    assert!(
        streamed.text().contains("\"type\":\"transcript.text.done\",\"text\":\"hello [GONE]\""),
        "{}",
        streamed.text()
    );
    assert!(!streamed.text().contains("MASKWORD"), "{}", streamed.text());
    let drawn = gateway
        .post("/v1/images/generations", &json!({"model": "dall-e-3", "prompt": "a cat"}), MASTER_KEY)
        .await
        .unwrap();
    assert_eq!(drawn.json()["data"][0]["revised_prompt"], "a [GONE] cat", "{}", drawn.text());

    let house = super::house().await;
    let gateway = self::gateway(&house, &[words("stops", "post_call", "BLOCK", "MASKWORD")]).await;
    let stopped = transcribed(&gateway, &[]).await;
    assert_eq!(stopped.status, 400, "{}", stopped.text());
}
