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
    // One call is one call to whoever counts.
    let vector = json!({"model": "text-embedding-3-small", "input": "a"});
    assert_eq!(gateway.post("/v1/embeddings", &vector, MASTER_KEY).await.unwrap().status, 200);
    let counted = |metrics: &str, model: &str| -> f64 {
        let total = metrics.lines().filter(|line| line.starts_with("litellm_proxy_total_requests_metric"));
        total.filter(|line| line.contains(model)).filter_map(|line| line.rsplit_once(' ')?.1.parse::<f64>().ok()).sum()
    };
    let metrics = llm_tests::eventually("the metrics of the last call", async || {
        let metrics = gateway.get("/metrics", MASTER_KEY).await.unwrap().text();
        (counted(&metrics, "text-embedding-3-small") > 0.0).then_some(metrics)
    })
    .await;
    assert_eq!(counted(&metrics, "whisper-1"), 1.0, "{metrics}");
}

#[tokio::test]
async fn transcripts_do_not_stream_past_those_that_judge_them() {
    let house = house().await;
    let gateway = self::gateway(&house, &[words("masks", "post_call", "MASK", "MASKWORD")]).await;
    let post = async |form: Form| gateway.post_form("/v1/audio/transcriptions", &form, MASTER_KEY).await.unwrap();
    let small = |more: &[(&str, &str)]| {
        let fields: Vec<(&str, &str)> = [("model", "whisper-1")].iter().chain(more).copied().collect();
        Form::of(&fields).file("file", "a.mp3", b"ID3 sound")
    };
    let large = |name: &str, text: &str| {
        Form::of(&[("model", "whisper-1")]).file("file", "a.mp3", &vec![7_u8; 17 << 20]).text(name, text)
    };
    for yes in ["true", "True"] {
        let told = post(large("stream", yes)).await;
        assert_eq!(told.status, 200, "{}", told.text());
        assert!(
            told.text().contains("transcript.text.done") && told.text().contains("hello [GONE]"),
            "{}",
            told.text()
        );
        assert!(!told.text().contains("MASK"), "{}", told.text());
    }
    let no = post(large("stream", "no")).await;
    assert_eq!(no.json()["text"], "hello [GONE]", "{}", no.text());
    assert!(house.seen().iter().all(|asked| !asked.text().contains("name=\"stream\"")));

    let asked = house.seen().len();
    let hidden = post(large("extra_body", r#"{"stream":true}"#)).await;
    assert_eq!((hidden.status, &hidden.json()["error"]["param"]), (400, &json!("extra_body")), "{}", hidden.text());
    let other = r#"[{"model":"whisper-1","stream":true}]"#;
    let other = post(small(&[("timeout", "0.001"), ("fallbacks", other)])).await;
    assert_eq!((other.status, &other.json()["error"]["param"]), (400, &json!("fallbacks")), "{}", other.text());
    assert_eq!(house.seen().len(), asked, "neither went out");

    // Nobody asked for a stream; the deployment does.
    let form = Form::of(&[("model", "always-streams")]).file("file", "a.mp3", b"ID3 sound");
    let withheld = post(form).await;
    assert_eq!(withheld.status, 502, "{}", withheld.text());
    assert!(withheld.text().contains("withheld") && !withheld.text().contains("MASK"), "{}", withheld.text());
}

#[tokio::test]
async fn fallbacks_of_clients_carry_no_words() {
    let house = house().await;
    let gateway = self::gateway(&house, &[words("stops", "pre_call", "BLOCK", "albatross")]).await;
    let ask = async |name: &str, fallbacks: Value| {
        let body = json!({"model": "ranks", "query": "q", "documents": ["a"], name: fallbacks});
        gateway.post("/v1/rerank", &body, MASTER_KEY).await.unwrap()
    };
    let of_group = json!([{"ranks": [{"model": "ranks", "query": "albatross"}]}]);
    for name in ["fallbacks", "context_window_fallbacks", "content_policy_fallbacks"] {
        let reply = ask(name, of_group.clone()).await;
        assert_eq!((reply.status, &reply.json()["error"]["param"]), (400, &json!(name)), "{}", reply.text());
    }
    for field in [
        "query",
        "documents",
        "document",
        "instruction",
        "instructions",
        "input",
        "inputs",
        "texts",
        "suffix",
        "prediction",
        "negative_prompt",
        "prompt",
        "messages",
        "stream",
        "extra_body",
        "anything",
    ] {
        let reply = ask("fallbacks", json!([{"model": "ranks", field: ["albatross"]}])).await;
        let param = &reply.json()["error"]["param"];
        assert_eq!((reply.status, param), (400, &json!("fallbacks")), "{field}: {}", reply.text());
    }
    assert!(house.seen().is_empty());
    let fine = ask("fallbacks", json!([{"model": "ranks", "top_n": 1, "temperature": 0}])).await;
    assert!(!fine.text().contains("guardrails"), "{}", fine.text());
    assert_eq!(at(&house, "rerank").len(), 1);
}

#[tokio::test]
async fn what_is_only_counted_is_judged() {
    let house = house().await;
    let gateway = self::gateway(
        &house,
        &[
            words("stops", "pre_call", "BLOCK", "albatross"),
            words("beside", "during_call", "BLOCK", "walrus"),
            words("masks", "pre_call", "MASK", "sparrow"),
        ],
    )
    .await;
    let ask = async |path: &str, text: &str| {
        let body = match path {
            "/v1/messages/count_tokens" => json!({"model": "claude", "messages": [{"role": "user", "content": text}]}),
            _ => json!({"model": "gpt-4o", "input": text}),
        };
        gateway.post(path, &body, MASTER_KEY).await.unwrap()
    };
    for path in ["/v1/messages/count_tokens", "/v1/responses/input_tokens"] {
        let stopped = ask(path, "an albatross").await;
        assert_eq!(stopped.status, 400, "{path}: {}", stopped.text());
        assert!(at(&house, path).is_empty(), "{path}");
        let counted = ask(path, "a sparrow").await;
        assert_eq!((counted.status, &counted.json()["input_tokens"]), (200, &json!(3)), "{path}: {}", counted.text());
        let sent = at(&house, path).pop().unwrap().text();
        assert!(sent.contains("a [GONE]") && !sent.contains("sparrow"), "{path}: {sent}");
        assert_eq!(ask(path, "a walrus").await.status, 400, "{path}");
    }
}

#[tokio::test]
async fn what_fills_a_stored_prompt_is_judged() {
    let house = house().await;
    let guards = [words("stops", "pre_call", "BLOCK", "albatross"), words("masks", "pre_call", "MASK", "sparrow")];
    let gateway = self::gateway(&house, &guards).await;
    let ask = async |text: &str| {
        let prompt = json!({"id": "pmpt_1", "variables": {"bird": text, "more": {"type": "input_text", "text": text}}});
        gateway.post("/v1/responses", &json!({"model": "gpt-4o", "prompt": prompt}), MASTER_KEY).await.unwrap()
    };
    assert_eq!(ask("an albatross").await.status, 400);
    assert!(house.seen().is_empty());
    ask("a sparrow").await;
    let prompt = &last(&house, "/v1/responses")["prompt"];
    assert_eq!(
        (&prompt["id"], &prompt["variables"]["bird"], &prompt["variables"]["more"]["text"]),
        (&json!("pmpt_1"), &json!("a [GONE]"), &json!("a [GONE]"))
    );
}

#[tokio::test]
async fn phrases_that_go_over_subtitles_are_found() {
    for (action, word, status, said) in [
        ("MASK", "mask word", 502, "subtitles"),
        ("BLOCK", "mask word", 400, "mask word"),
        ("MASK", "hello", 200, "[GONE] MASK"),
        ("MASK", "walrus", 200, "hello MASK"),
    ] {
        let house = house().await;
        let gateway = self::gateway(&house, &[words("judges", "post_call", action, word)]).await;
        let told = transcribed(&gateway, &[("response_format", "vtt")]).await;
        assert_eq!(told.status, status, "{action} {word}: {}", told.text());
        assert!(told.text().contains(said), "{action} {word}: {}", told.text());
    }
}
