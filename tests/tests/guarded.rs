//! Guardrails that ask services, and guardrails of operations that are no conversations.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failure is a failed test"
)]

#[path = "guarded/services.rs"]
mod services;
#[path = "guarded/streams.rs"]
mod streams;
#[path = "guarded/tasks.rs"]
mod tasks;

use llm_tests::{Asked, Canned, Gateway, MASTER_KEY, Said};
use serde_json::{Value, json};

/// A model host and every service in one: what a text has in it says what becomes of it.
async fn house() -> Canned {
    Canned::start(answer).await.unwrap()
}

fn said(body: &Value) -> Said {
    (200, "application/json", body.to_string())
}

fn answer(asked: &Asked) -> Said {
    let (path, body, text) = (asked.path.as_str(), &asked.json, asked.text());
    let bad = text.contains("BADWORD");
    let masked = |text: &str| text.replace("MASKWORD", "***");
    match path {
        _ if text.contains("FAILS-WITH-503") && !path.starts_with("/v1/chat") => (503, "text/plain", "gone".to_owned()),
        _ if path.starts_with("/v1/") && path != "/v1/moderations" => model(asked),
        _ if path.ends_with("/beta/litellm_basic_guardrail_api") => said(&if bad {
            json!({"action": "BLOCKED", "blocked_reason": "no such words"})
        } else if text.contains("MASKWORD") {
            let texts: Vec<String> =
                body["texts"].as_array().unwrap().iter().map(|t| masked(t.as_str().unwrap())).collect();
            json!({"action": "GUARDRAIL_INTERVENED", "texts": texts})
        } else {
            json!({"action": "NONE"})
        }),
        "/v2/guard" => said(&lakera(body, bad)),
        "/v1/moderations" => said(&json!({"id": "modr-1", "results": [{"flagged": bad,
            "categories": {"hate": bad, "violence": false}, "category_scores": {"hate": 0.9, "violence": 0.1}}]})),
        _ if path.contains("text:shieldPrompt") => {
            said(&json!({"userPromptAnalysis": {"attackDetected": bad}, "documentsAnalysis": []}))
        }
        _ if path.contains("text:analyze") => said(&json!({"blocklistsMatch": [],
            "categoriesAnalysis": [{"category": "Hate", "severity": if bad { 4 } else { 0 }}]})),
        "/validate" => said(&json!({"action": if bad { "block" } else { "passthrough" }})),
        _ if path.ends_with("/apply") => said(&bedrock(body, bad)),
        "/analyze" => said(&found(body["text"].as_str().unwrap())),
        "/anonymize" => {
            let text = body["text"].as_str().unwrap().replace("a@b.co", "<EMAIL_ADDRESS>").replace("Zoë", "<PERSON>");
            said(&json!({"text": text, "items": []}))
        }
        other => (404, "text/plain", other.to_owned()),
    }
}

/// What stands at which characters, as Presidio tells it.
fn found(text: &str) -> Value {
    let mut all = Vec::new();
    for (words, entity, score) in [
        ("a@b.co", "EMAIL_ADDRESS", 1.0),
        ("Zoë", "PERSON", 0.85),
        ("Ann", "PERSON", 0.85),
        ("4111", "CREDIT_CARD", 0.9),
    ] {
        for (at, _) in text.match_indices(words) {
            let start = text[..at].chars().count();
            let end = start + words.chars().count();
            all.push(json!({"entity_type": entity, "start": start, "end": end, "score": score}));
        }
    }
    Value::Array(all)
}

fn lakera(body: &Value, bad: bool) -> Value {
    let mut payload = Vec::new();
    for (id, message) in body["messages"].as_array().unwrap().iter().enumerate() {
        for finding in found(message["content"].as_str().unwrap()).as_array().unwrap() {
            payload.push(json!({"start": finding["start"], "end": finding["end"], "text": "the words",
                "detector_type": "pii/email", "labels": [], "message_id": id}));
        }
    }
    let detected = |kind: &str, detected: bool| json!({"detector_type": kind, "detected": detected});
    json!({"flagged": bad || !payload.is_empty(), "breakdown": [detected("prompt_attack", bad), detected("pii/email", !payload.is_empty())],
        "payload": payload})
}

fn bedrock(body: &Value, bad: bool) -> Value {
    let texts: Vec<&str> =
        body["content"].as_array().unwrap().iter().map(|c| c["text"]["text"].as_str().unwrap()).collect();
    if bad {
        let word = json!({"match": "BADWORD", "action": "BLOCKED"});
        return json!({"action": "GUARDRAIL_INTERVENED", "outputs": [{"text": "Sorry, no."}],
            "assessments": [{"topicPolicy": {"topics": [{"name": "Bad", "type": "DENY", "action": "BLOCKED"}]}, "wordPolicy": {"customWords": [word]}}]});
    }
    if !texts.iter().any(|text| text.contains("MASKWORD")) {
        return json!({"action": "NONE", "outputs": [], "assessments": []});
    }
    let outputs: Vec<Value> = texts.iter().map(|text| json!({"text": text.replace("MASKWORD", "{NAME}")})).collect();
    json!({"action": "GUARDRAIL_INTERVENED", "outputs": outputs,
        "assessments": [{"sensitiveInformationPolicy": {"piiEntities": [{"type": "NAME", "match": "MASKWORD", "action": "ANONYMIZED"}]}}]})
}

fn last_text(input: &Value) -> String {
    match input {
        Value::String(text) => text.clone(),
        Value::Array(items) => items.last().map(last_text).unwrap_or_default(),
        Value::Object(item) => last_text(item.get("text").unwrap_or_else(|| &item["content"])),
        _ => String::new(),
    }
}

/// The model says again what it was told last.
fn model(asked: &Asked) -> Said {
    let body = &asked.json;
    let usage = json!({"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5});
    match asked.path.as_str() {
        "/v1/chat/completions" => {
            let last = body["messages"].as_array().unwrap().last().unwrap()["content"].as_str().unwrap().to_owned();
            let told = format!("You said: {last}");
            if body["stream"] == true {
                let chunk = |delta: Value, end: Value| {
                    let choice = json!({"index": 0, "delta": delta, "finish_reason": end});
                    format!(
                        "data: {}\n\n",
                        json!({"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]})
                    )
                };
                // Three bytes at a time: what is looked for is cut everywhere.
                let letters: Vec<char> = told.chars().collect();
                let pieces =
                    letters.chunks(3).map(|c| chunk(json!({"content": c.iter().collect::<String>()}), Value::Null));
                let all: String =
                    pieces.chain([chunk(json!({}), json!("stop")), "data: [DONE]\n\n".to_owned()]).collect();
                return (200, "text/event-stream", all);
            }
            said(&json!({"id": "c1", "object": "chat.completion", "created": 1, "model": "m", "usage": usage,
                "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": told}}]}))
        }
        "/v1/responses" => {
            let told = format!("You said: {}", last_text(&body["input"]));
            let content = json!([{"type": "output_text", "text": told, "annotations": []}]);
            let message = json!({"type": "message", "id": "msg_1", "status": "completed", "role": "assistant", "content": content});
            said(
                &json!({"id": "resp_1", "object": "response", "created_at": 1, "status": "completed", "model": "m", "output": [message],
                "usage": {"input_tokens": 3, "output_tokens": 2, "total_tokens": 5}}),
            )
        }
        "/v1/embeddings" => said(&json!({"object": "list", "model": "e", "usage": usage,
            "data": [{"object": "embedding", "index": 0, "embedding": [0.1]}]})),
        "/v1/images/generations" | "/v1/images/edits" => said(
            &json!({"created": 1, "data": [{"url": "https://x.example/1.png", "revised_prompt": "a MASKWORD cat"}]}),
        ),
        "/v1/messages/count_tokens" => said(&json!({"input_tokens": 3})),
        "/v1/responses/input_tokens" => said(&json!({"object": "response.input_tokens", "input_tokens": 3})),
        "/v1/audio/speech" => (200, "audio/mpeg", "sound".to_owned()),
        "/v1/audio/transcriptions" if asked.text().contains("name=\"stream\"") => {
            let delta = |text: &str| json!({"type": "transcript.text.delta", "delta": text});
            let done = json!({"type": "transcript.text.done", "text": "hello MASKWORD"});
            let all = [delta("hello MASK"), delta("WORD"), done].map(|event| format!("data: {event}\n\n"));
            (200, "text/event-stream", all.concat())
        }
        "/v1/audio/transcriptions" if asked.text().contains("\r\nsrt\r\n") => {
            (200, "text/plain", "1\n00:00:00,000 --> 00:00:01,000\nhello MASKWORD\n".to_owned())
        }
        "/v1/audio/transcriptions" if asked.text().contains("\r\nvtt\r\n") => {
            let cues = ["00:00.000 --> 00:01.000\nhello MASK", "00:01.000 --> 00:02.000\nWORD again"];
            (200, "text/vtt", format!("WEBVTT\n\n{}\n", cues.join("\n\n")))
        }
        "/v1/audio/transcriptions" => {
            said(&json!({"text": "hello MASKWORD", "usage": {"type": "duration", "seconds": 1},
            "words": [{"word": "hello"}, {"word": "MASKWORD"}], "language": "en"}))
        }
        _ => said(
            &json!({"id": "modr-0", "model": "omni", "results": [{"flagged": false, "categories": {}, "category_scores": {}}]}),
        ),
    }
}

/// A gateway with these guardrails in front of the house; each is asked for by name unless it says otherwise.
async fn gateway(house: &Canned, guardrails: &[Value]) -> Gateway {
    Gateway::start(&config(house, guardrails)).await.unwrap()
}

fn config(house: &Canned, guardrails: &[Value]) -> String {
    let base = house.base_url();
    let models: Vec<Value> = ["gpt-4o", "text-embedding-3-small", "dall-e-3", "gpt-image-1", "tts-1", "whisper-1", "omni-moderation-latest"]
        .iter()
        .map(|model| json!({"model_name": model, "litellm_params": {"model": format!("openai/{model}"), "api_base": format!("{base}/v1"), "api_key": "k"}}))
        .chain([json!({"model_name": "ranks", "litellm_params": {"model": "cohere/rerank-v3.5", "api_base": base, "api_key": "k"}}),
            json!({"model_name": "claude", "litellm_params": {"model": "anthropic/claude-sonnet-4-5", "api_base": base, "api_key": "k"}}),
            json!({"model_name": "always-streams", "litellm_params": {"model": "openai/whisper-1", "api_base": format!("{base}/v1"), "api_key": "k", "stream": true}})])
        .collect();
    json!({"model_list": models, "guardrails": guardrails, "general_settings": {"master_key": MASTER_KEY},
        "router_settings": {"num_retries": 0}})
    .to_string()
}

/// The key of every service.
const KEY: &str = "guard-key-0123";

/// An entry of `guardrails`.
fn guardrail(name: &str, kind: &str, params: Value) -> Value {
    let mut all = json!({"guardrail": kind, "api_key": KEY});
    all.as_object_mut().unwrap().extend(params.as_object().unwrap().clone());
    json!({"guardrail_name": name, "litellm_params": all})
}

/// `back`: Presidio hides words from the model, and puts them back into its answers.
fn gives_back(house: &Canned) -> Value {
    let base = house.base_url();
    let params = json!({"mode": "pre_call", "presidio_analyzer_api_base": base, "presidio_anonymizer_api_base": base,
        "presidio_filter_scope": "input", "output_parse_pii": true});
    guardrail("back", "presidio", params)
}

/// The requests for a path, so far.
fn at(house: &Canned, path: &str) -> Vec<Asked> {
    house.seen().into_iter().filter(|asked| asked.path.contains(path)).collect()
}
