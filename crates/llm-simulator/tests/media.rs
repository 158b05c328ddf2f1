//! Pictures, sound, films, judgements, rankings, documents and searches as a client sees them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "helpers of tests fail the test")]

mod client;

use client::{Answer, chunks, open, post, raw_post, read_all, send, sim};
use http::Method;
use llm_simulator::{Fault, Match, Running, Script, Simulator, SimulatorConfig};
use serde_json::{Value, json};

/// A second of sound at 16 000 bytes.
fn wav() -> Vec<u8> {
    let mut out =
        b"RIFF\x24\x3e\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0\x40\x1f\0\0\x80\x3e\0\0\x02\0\x10\0data\x80\x3e\0\0".to_vec();
    out.resize(44 + 16_000, 0);
    out
}

async fn form(sim: &Running, path: &str, fields: &[(&str, &str)], file: Option<(&str, &[u8])>) -> Answer {
    let mut body = Vec::new();
    for (name, value) in fields {
        let part = format!("--edge\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
        body.extend_from_slice(part.as_bytes());
    }
    if let Some((name, data)) = file {
        let head = format!("--edge\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"f.bin\"\r\n\r\n");
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(data);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(b"--edge--\r\n");
    send(sim, Method::POST, path, &[("content-type", "multipart/form-data; boundary=edge")], body).await
}

#[tokio::test]
async fn pictures_are_links_or_the_thing_itself() {
    let sim = sim().await;
    let path = "/v1/images/generations";
    let linked = post(&sim, path, &json!({"model": "dall-e-2", "prompt": "a cat", "n": 2})).await.json();
    assert_eq!(linked["data"].as_array().unwrap().len(), 2);
    assert!(linked["data"][0]["url"].is_string() && linked.get("usage").is_none());
    let revised = post(&sim, path, &json!({"model": "dall-e-3", "prompt": "a cat"})).await.json();
    assert_eq!(revised["data"][0]["revised_prompt"], "A picture of a cat");
    let newer = json!({"model": "gpt-image-1", "prompt": "a cat", "size": "1536x1024", "quality": "low"});
    let inline = post(&sim, path, &newer).await.json();
    assert_eq!(
        (&inline["size"], &inline["quality"], &inline["usage"]["output_tokens"]),
        (&json!("1536x1024"), &json!("low"), &json!(4160))
    );
    assert!(inline["data"][0]["b64_json"].as_str().unwrap().starts_with("iVBOR"));
    let mut streamed = newer;
    streamed["stream"] = json!(true);
    streamed["partial_images"] = json!(2);
    let events = post(&sim, path, &streamed).await.events();
    let names: Vec<&str> = events.iter().filter_map(|e| e.name.as_deref()).collect();
    assert_eq!(
        names,
        ["image_generation.partial_image", "image_generation.partial_image", "image_generation.completed"]
    );
    assert_eq!(events[2].json()["usage"]["total_tokens"], 4162);
    let edit =
        form(&sim, "/v1/images/edits", &[("model", "gpt-image-1"), ("prompt", "hat")], Some(("image[]", b"png"))).await;
    assert_eq!(edit.json()["usage"]["input_tokens_details"]["image_tokens"], 194);
    let varied = form(&sim, "/v1/images/variations", &[("n", "3")], Some(("image", b"png"))).await;
    assert_eq!(varied.json()["data"].as_array().unwrap().len(), 3);
    let refused = form(&sim, "/v1/images/edits", &[("prompt", "hat")], None).await;
    assert_eq!((refused.status, refused.json()["error"]["param"].clone()), (400, json!("image")));
    let refused = post(&sim, path, &json!({"model": "dall-e-3", "prompt": "a cat", "n": 2})).await;
    assert_eq!((refused.status, refused.json()["error"]["param"].clone()), (400, json!("n")));
}

#[tokio::test]
async fn transcripts_in_every_format() {
    let sim = sim().await;
    let path = "/v1/audio/transcriptions";
    let sound = wav();
    let ask = async |model: &str, format: &str, more: &[(&str, &str)]| {
        let fields = [&[("model", model), ("response_format", format)], more].concat();
        form(&sim, path, &fields, Some(("file", &sound))).await
    };
    let json = ask("whisper-1", "json", &[]).await.json();
    assert_eq!(
        (&json["text"], &json["usage"]),
        (&json!("The quick brown fox jumps over the lazy dog."), &json!({"type": "duration", "seconds": 1}))
    );
    let text = ask("whisper-1", "text", &[]).await;
    assert_eq!(
        (text.header("content-type"), text.text().as_str()),
        ("text/plain; charset=utf-8", "The quick brown fox jumps over the lazy dog.\n")
    );
    assert!(ask("whisper-1", "srt", &[]).await.text().starts_with("1\n00:00:00,000 --> 00:00:01,000\nThe quick"));
    assert!(ask("whisper-1", "vtt", &[]).await.text().starts_with("WEBVTT\n\n00:00:00.000 --> 00:00:01.000\n"));
    let verbose = ask("whisper-1", "verbose_json", &[("timestamp_granularities[]", "word")]).await.json();
    assert_eq!((&verbose["duration"], verbose["words"].as_array().unwrap().len()), (&json!(1.0), 9));
    let newer = ask("gpt-4o-transcribe", "json", &[("prompt", "[[sim completion_tokens=7]]")]).await.json();
    assert_eq!(
        (&newer["usage"]["input_token_details"]["audio_tokens"], &newer["usage"]["output_tokens"]),
        (&json!(10), &json!(7))
    );
    let streamed = ask("gpt-4o-transcribe", "json", &[("stream", "true")]).await;
    let events = chunks(&streamed);
    assert_eq!(
        (events.len(), &events[0]["delta"], &events[9]["type"]),
        (10, &json!("The "), &json!("transcript.text.done"))
    );
    assert_eq!(ask("gpt-4o-transcribe", "srt", &[]).await.status, 400);
    let english = form(
        &sim,
        "/v1/audio/translations",
        &[("model", "whisper-1"), ("response_format", "verbose_json")],
        Some(("file", &sound)),
    )
    .await;
    assert_eq!(english.json()["task"], "translate");
    let broken =
        send(&sim, Method::POST, path, &[("content-type", "multipart/form-data; boundary=edge")], "--edge").await;
    assert_eq!(broken.status, 400);
}

#[tokio::test]
async fn speech_is_bytes_in_pieces_or_events() {
    let sim = sim().await;
    let path = "/v1/audio/speech";
    let ask = |input: &str, more: Value| {
        let mut body = json!({"model": "tts-1", "voice": "alloy", "input": input});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    let sound = post(&sim, path, &ask("hello", json!({}))).await;
    assert_eq!((sound.header("content-type"), sound.body.len()), ("audio/mpeg", 8 * 1024));
    assert_eq!(post(&sim, path, &ask("hello", json!({}))).await.body, sound.body, "the same text sounds the same");
    let wav = post(&sim, path, &ask("hello", json!({"response_format": "wav"}))).await;
    assert!(wav.header("content-type") == "audio/wav" && wav.body != sound.body);
    let events = chunks(&post(&sim, path, &ask("hello", json!({"stream_format": "sse"}))).await);
    assert_eq!((events.len(), &events[8]["usage"]["total_tokens"]), (9, &json!(102)));
    let broken = ask("hello [[sim fault=cut after=2]]", json!({}));
    let response =
        open(&sim, Method::POST, path, &[("content-type", "application/json")], broken.to_string(), false).await;
    let (bytes, well) = read_all(response.unwrap().into_body()).await;
    assert!(!well && bytes.len() >= 2 * 1024 && bytes == sound.body[..bytes.len()]);
    let failed = post(&sim, path, &ask("hello [[sim fault=error-event message=boom]]", json!({}))).await;
    assert_eq!(failed.json()["error"]["message"], "boom");
    let refused = post(&sim, path, &json!({"model": "tts-1", "input": "x"})).await;
    assert_eq!(refused.json()["error"]["param"], "voice");
}

#[tokio::test]
async fn judgements() {
    let sim = sim().await;
    let body = post(&sim, "/v1/moderations", &json!({"input": ["be kind", "kill them"]})).await.json();
    let seen: Vec<&Value> = body["results"].as_array().unwrap().iter().map(|r| &r["categories"]["violence"]).collect();
    assert_eq!((seen, &body["results"][1]["flagged"]), (vec![&json!(false), &json!(true)], &json!(true)));
    let parts = json!({"input": [{"type": "text", "text": "kill [[sim fault=429 retry_after=9]]"}]});
    let limited = post(&sim, "/v1/moderations", &parts).await;
    assert_eq!((limited.status, limited.header("retry-after")), (429, "9"));
}

#[tokio::test]
async fn films_take_two_looks() {
    let sim = sim().await;
    let made = post(&sim, "/v1/videos", &json!({"model": "sora-2", "prompt": "a cat", "seconds": "8"})).await.json();
    assert_eq!((&made["status"], &made["seconds"], &made["size"]), (&json!("queued"), &json!("8"), &json!("720x1280")));
    let path = format!("/v1/videos/{}", made["id"].as_str().unwrap());
    let get = async |path: &str| send(&sim, Method::GET, path, &[], "").await;
    assert_eq!(get(&format!("{path}/content")).await.status, 404, "it is not ready");
    assert_eq!(get(&path).await.json()["status"], "in_progress");
    assert_eq!(get(&path).await.json()["progress"], 100);
    let film = get(&format!("{path}/content")).await;
    assert_eq!((film.header("content-type"), &film.body[4..8]), ("video/mp4", &b"ftyp"[..]));
    let again = post(&sim, &format!("{path}/remix"), &json!({"prompt": "a dog"})).await.json();
    assert_eq!((&again["remixed_from_video_id"], &again["status"]), (&made["id"], &json!("queued")));
    assert_eq!(send(&sim, Method::DELETE, &path, &[], "").await.json()["deleted"], true);
    assert_eq!(get(&path).await.status, 404);
    sim.script(Match::path("/videos/"), Script::fault(Fault::Status(503)));
    assert_eq!(get(&path).await.status, 503);
    let refused = post(&sim, "/v1/videos", &json!({"prompt": "a cat", "seconds": "5"})).await;
    assert_eq!(refused.json()["error"]["param"], "seconds");
}

#[tokio::test]
async fn rankings_of_two_more_houses() {
    let sim = sim().await;
    let body = json!({"model": "m", "query": "q", "documents": ["a", "b", "c"]});
    let with = |name: &str, value: Value| {
        let mut body = body.clone();
        body[name] = value;
        body
    };
    let jina = post(&sim, "/jina/v1/rerank", &with("top_n", json!(2))).await.json();
    assert_eq!(jina["results"].as_array().unwrap().len(), 2);
    assert!(jina["results"][0]["document"]["text"].is_string() && jina["usage"]["total_tokens"] == 1);
    let voyage = post(&sim, "/voyage/v1/rerank", &with("top_k", json!(1))).await.json();
    assert_eq!((voyage["data"].as_array().unwrap().len(), voyage["data"][0].get("document")), (1, None));
    let shown = post(&sim, "/voyage/v1/rerank", &with("return_documents", json!(true))).await.json();
    assert!(shown["data"][0]["document"].is_string());
    let scores: Vec<f64> =
        shown["data"].as_array().unwrap().iter().map(|r| r["relevance_score"].as_f64().unwrap()).collect();
    assert!(scores.is_sorted_by(|a, b| a >= b), "{scores:?}");
    let refused = post(&sim, "/jina/v1/rerank", &json!({"model": "m"})).await;
    assert_eq!((refused.status, refused.json()["detail"].is_string()), (422, true));
    let limited = post(&sim, "/voyage/v1/rerank", &with("query", json!("x [[sim fault=429]]"))).await;
    assert_eq!((limited.status, limited.header("retry-after")), (429, "1"));
}

#[tokio::test]
async fn documents_and_searches() {
    let sim = sim().await;
    let document = json!({"type": "document_url", "document_url": "https://a.example/b.pdf"});
    let pages = post(&sim, "/v1/ocr", &json!({"model": "mistral-ocr-latest", "document": document})).await.json();
    assert_eq!(
        (&pages["pages"][1]["markdown"], &pages["usage_info"]["pages_processed"]),
        (&json!("# Page 2\n\nThe text of this page."), &json!(2))
    );
    let refused = post(&sim, "/v1/ocr", &json!({"model": "m", "document": {}, "frog": 1})).await;
    assert_eq!((refused.status, refused.json()["object"].clone()), (422, json!("error")));
    let found = post(&sim, "/search", &json!({"query": "cats", "max_results": 3, "include_domains": ["c.example"]}))
        .await
        .json();
    assert_eq!(
        (found["results"].as_array().unwrap().len(), &found["results"][0]["url"]),
        (3, &json!("https://c.example/page-1"))
    );
    assert_eq!(
        post(&sim, "/search", &json!({"query": "x", "max_results": 21})).await.json()["detail"]["error"],
        "Invalid max results. Must be between 0 and 20."
    );
    let (bytes, error) = raw_post(sim.addr(), "/search", &json!({"query": "x [[sim fault=garbage]]"})).await;
    assert!(error.is_none() && !bytes.starts_with(b"HTTP/"));
    let closed = SimulatorConfig { require_key: Some("sk-right".into()), ..SimulatorConfig::default() };
    let closed = Simulator::start(closed).await.unwrap();
    for path in ["/v1/ocr", "/search", "/jina/v1/rerank", "/voyage/v1/rerank", "/v1/moderations"] {
        assert_eq!(post(&closed, path, &json!({})).await.status, 401, "{path}");
    }
}
