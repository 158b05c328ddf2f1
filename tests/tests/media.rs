//! Pictures, sound, films, judgements, rankings, documents and searches through the gateway.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "a failure is a failed test")]

use http::Method;
use llm_simulator::{Gate, Match, Running, Script, Simulator, SimulatorConfig};
use llm_tests::{Config, Event, Form, Gateway, MASTER_KEY, UPSTREAM_KEY, calls};
use serde_json::{Value, json};

const HEARD: &str = "The quick brown fox jumps over the lazy dog.";

async fn started(models: &[(&str, &str)]) -> (Running, Gateway) {
    let sim = SimulatorConfig { require_key: Some(UPSTREAM_KEY.into()), ..SimulatorConfig::default() };
    let sim = Simulator::start(sim).await.unwrap();
    let config = models.iter().fold(Config::empty(&sim), |config, (name, model)| config.model(name, model, &[]));
    let gateway = Gateway::start(&config.yaml()).await.unwrap();
    (sim, gateway)
}

/// A sound of two and a half seconds.
fn wav() -> Vec<u8> {
    let mut out =
        b"RIFF\x64\x9c\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0\x40\x1f\0\0\x80\x3e\0\0\x02\0\x10\0data\x40\x9c\0\0".to_vec();
    out.resize(44 + 40_000, 0);
    out
}

fn sound(fields: &[(&str, &str)]) -> Form {
    Form::of(fields).file("file", "a.wav", &wav())
}

#[track_caller]
fn costs(row: &Value, dollars: f64) {
    let spend = row["spend"].as_f64().unwrap();
    assert!((spend - dollars).abs() < 1e-9, "{spend} in place of {dollars}: {row}");
}

#[tokio::test]
async fn pictures_drawn_changed_and_varied() {
    let models = [
        ("draw", "openai/gpt-image-1"),
        ("old", "openai/dall-e-2"),
        ("imagen", "gemini/imagen-3.0-generate-001"),
        ("canvas", "bedrock/amazon.nova-canvas-v1:0"),
    ];
    let (sim, gateway) = started(&models).await;
    let (key, token) = gateway.new_key(&json!({})).await.unwrap();
    let draw = async |model: &str, n: u64| {
        let body = json!({"model": model, "prompt": "a cat", "n": n, "size": "1024x1024"});
        let reply = gateway.post("/v1/images/generations", &body, &key).await.unwrap();
        assert_eq!(reply.status, 200, "{model}: {}", reply.text());
        let images = reply.json()["data"].as_array().unwrap().clone();
        assert_eq!(images.len() as u64, n, "{model}");
        (images, reply)
    };
    let (images, reply) = draw("draw", 1).await;
    assert!(
        images[0]["b64_json"].as_str().unwrap().starts_with("iVBOR") && reply.json()["usage"]["output_tokens"] == 4160
    );
    assert!(draw("old", 2).await.0[1]["url"].as_str().unwrap().starts_with("https://images.example/"));
    for model in ["imagen", "canvas"] {
        assert!(draw(model, 2).await.0[1]["b64_json"].as_str().unwrap().starts_with("iVBOR"), "{model}");
    }
    let edit = Form::of(&[("model", "draw"), ("prompt", "a hat")]).file("image", "a.png", b"\x89PNG\r\n\x1a\nx");
    let edited = gateway.post_form("/v1/images/edits", &edit, &key).await.unwrap();
    assert_eq!(edited.json()["usage"]["input_tokens_details"]["image_tokens"], 194, "{}", edited.text());
    let vary = Form::of(&[("model", "old"), ("n", "3")]).file("image", "a.png", b"\x89PNG\r\n\x1a\nx");
    let varied = gateway.post_form("/v1/images/variations", &vary, &key).await.unwrap();
    assert_eq!(varied.json()["data"].as_array().unwrap().len(), 3, "{}", varied.text());
    assert!(calls(&sim).iter().all(|call| !String::from_utf8_lossy(&call.body).contains("\"draw\"")));

    let rows = gateway.spend_rows(&token, 6).await.unwrap();
    let row = |group: &str, kind: &str| {
        rows.iter()
            .find(|row| row["model_group"] == group && row["call_type"] == kind)
            .unwrap_or_else(|| unreachable!("{group} {kind}: {rows:?}"))
    };
    // two tokens of text, 4160 of a picture
    costs(row("draw", "aimage_generation"), 2.0 * 5e-6 + 4160.0 * 4e-5);
    costs(row("draw", "aimage_edit"), 2.0 * 5e-6 + 194.0 * 1e-5 + 4160.0 * 4e-5);
    costs(row("imagen", "aimage_generation"), 0.08);
    costs(row("canvas", "aimage_generation"), 0.12);
}

#[tokio::test]
async fn streamed_pictures_are_whole_events_and_billed() {
    let (_sim, gateway) = started(&[("draw", "openai/gpt-image-1")]).await;
    let (key, token) = gateway.new_key(&json!({})).await.unwrap();
    let draw = async |prompt: &str| {
        let body = json!({"model": "draw", "prompt": prompt, "stream": true, "partial_images": 3});
        gateway.post("/v1/images/generations", &body, &key).await.unwrap()
    };
    let reply = draw("a cat").await;
    assert!(reply.header("content-type").starts_with("text/event-stream"), "{}", reply.text());
    let events = reply.events();
    assert_eq!((events.len(), events[3].name.as_deref()), (4, Some("image_generation.completed")));
    for fault in ["cut", "reset", "half-close", "end-early", "no-end", "error-event"] {
        let reply = draw(&format!("a cat [[sim fault={fault} after=2]]")).await;
        assert_ends_with_an_error(&reply.events(), reply.complete, 3, fault);
    }
    let rows = gateway.spend_rows(&token, 7).await.unwrap();
    let spent: Vec<f64> = rows.iter().map(|row| row["spend"].as_f64().unwrap()).filter(|spend| *spend > 0.0).collect();
    assert!(spent.len() == 1 && (spent[0] - 0.16641).abs() < 1e-9, "{spent:?}");
    assert_eq!(rows.iter().filter(|row| row["status"] == "failure").count(), 6, "{rows:?}");
}

#[track_caller]
fn assert_ends_with_an_error(events: &[Event], complete: bool, at_most: usize, what: &str) {
    assert!(complete, "{what}: the connection broke");
    assert!(events.iter().all(|event| event.json().is_object()), "{what}: half an event: {events:?}");
    let (last, before) = events.split_last().unwrap();
    assert!(last.json()["error"]["message"].as_str().is_some_and(|text| !text.is_empty()), "{what}: {last:?}");
    assert!(before.iter().all(|event| !event.is_error()) && before.len() <= at_most, "{what}: {events:?}");
}

#[tokio::test]
async fn transcripts_in_every_format() {
    let models = [("whisper", "openai/whisper-1"), ("newer", "openai/gpt-4o-transcribe")];
    let (sim, gateway) = started(&models).await;
    let (key, token) = gateway.new_key(&json!({})).await.unwrap();
    let path = "/v1/audio/transcriptions";
    for format in ["json", "text", "srt", "vtt", "verbose_json"] {
        let form = sound(&[("model", "whisper"), ("response_format", format)]);
        let reply = gateway.post_form(path, &form, &key).await.unwrap();
        assert_eq!(reply.status, 200, "{format}: {}", reply.text());
        // LiteLLM's clients get JSON whatever they ask for
        let text = reply.json()["text"].as_str().unwrap().to_owned();
        assert!(text.contains(HEARD), "{format}: {text}");
        let starts = match format {
            "srt" => "1\n00:00:00,000 --> 00:00:02,500\n",
            "vtt" => "WEBVTT\n\n00:00:00.000 --> 00:00:02.500\n",
            _ => HEARD,
        };
        assert!(text.starts_with(starts), "{format}: {text}");
        assert_eq!(format == "verbose_json" && reply.json()["segments"].is_array(), format == "verbose_json");
    }
    let english = gateway.post_form("/v1/audio/translations", &sound(&[("model", "whisper")]), &key).await.unwrap();
    assert_eq!((english.status, &english.json()["text"]), (200, &json!(HEARD)), "{}", english.text());
    let words = [("model", "whisper"), ("response_format", "verbose_json"), ("timestamp_granularities[]", "word")];
    let words = gateway.post_form(path, &sound(&words), &key).await.unwrap().json();
    assert_eq!(words["words"].as_array().unwrap().len(), 9);
    let newer = gateway.post_form(path, &sound(&[("model", "newer")]), &key).await.unwrap().json();
    assert_eq!((&newer["text"], &newer["usage"]["input_token_details"]["audio_tokens"]), (&json!(HEARD), &json!(25)));
    let sent = calls(&sim);
    assert!(sent.iter().all(|call| call.header("content-type").unwrap().starts_with("multipart/form-data")));
    assert!(sent.iter().all(|call| call.body.windows(4).any(|w| w == b"RIFF")), "the file went on");

    let rows = gateway.spend_rows(&token, 8).await.unwrap();
    for row in rows.iter().filter(|row| row["model_group"] == "whisper") {
        let told = row["spend"].as_f64().unwrap() / 0.0001;
        assert!((2.5..=3.0).contains(&told), "seconds, perhaps begun ones: {row}");
    }
    let newer = rows.iter().find(|row| row["model_group"] == "newer").unwrap();
    costs(newer, 25.0 * 2.5e-6 + 11.0 * 1e-5);
}

#[tokio::test]
async fn a_transcript_comes_word_by_word() {
    let models = [("whisper", "openai/whisper-1"), ("newer", "openai/gpt-4o-transcribe")];
    let (sim, gateway) = started(&models).await;
    let (key, token) = gateway.new_key(&json!({})).await.unwrap();
    let path = "/v1/audio/transcriptions";
    let gate = Gate::new();
    sim.script(Match::model("gpt-4o-transcribe"), Script::default().gate(&gate).times(1));
    let form = sound(&[("model", "newer"), ("stream", "true")]);
    let open = gateway.open_form(path, &form, &key);
    let (live, ()) = tokio::join!(open, async { gate.release(1) });
    let mut live = live.unwrap();
    assert_eq!(live.next_event().await.unwrap().unwrap().json()["delta"], "The ", "before the rest was said");
    gate.open();
    let events = live.rest().await.unwrap().events();
    let last = events.last().unwrap().json();
    assert_eq!((&last["type"], &last["text"]), (&json!("transcript.text.done"), &json!(HEARD)));
    for fault in ["cut", "reset", "half-close", "end-early", "no-end", "error-event"] {
        let marker = format!("[[sim fault={fault} after=3]]");
        let form = sound(&[("model", "newer"), ("stream", "true"), ("prompt", &marker)]);
        let reply = gateway.post_form(path, &form, &key).await.unwrap();
        assert_ends_with_an_error(&reply.events(), reply.complete, 9, fault);
    }
    // the older model answers whole, whatever it is asked
    let whole = sound(&[("model", "whisper"), ("stream", "true")]);
    let whole = gateway.post_form(path, &whole, &key).await.unwrap();
    assert_eq!(
        (whole.json()["text"].as_str(), whole.header("content-type")),
        (Some(HEARD), "application/json"),
        "{}",
        whole.text()
    );
    let rows = gateway.spend_rows(&token, 8).await.unwrap();
    let expected = 25.0 * 2.5e-6 + 11.0 * 1e-5;
    assert!(rows.iter().any(|row| (row["spend"].as_f64().unwrap() - expected).abs() < 1e-9), "{rows:?}");
    assert_eq!(rows.iter().filter(|row| row["status"] == "failure").count(), 6, "{rows:?}");
}

#[tokio::test]
async fn speech_goes_on_as_it_is_made() {
    let (sim, gateway) = started(&[("voice", "openai/tts-1")]).await;
    let (key, token) = gateway.new_key(&json!({})).await.unwrap();
    let path = "/v1/audio/speech";
    let say = |text: &str| json!({"model": "voice", "input": text, "voice": "alloy", "response_format": "wav"});
    let whole = gateway.post(path, &say("hello"), &key).await.unwrap();
    assert_eq!((whole.status, whole.header("content-type"), whole.body.len()), (200, "audio/wav", 8 * 1024));
    // what the provider itself says, byte by byte
    let direct =
        directly(&sim, &json!({"model": "tts-1", "input": "hello", "voice": "alloy", "response_format": "wav"})).await;
    assert!(direct == whole.body, "the sound was changed");

    let gate = Gate::new();
    sim.script(Match::model("tts-1"), Script::default().gate(&gate).times(1));
    let open_body = say("hello");
    let (live, ()) = tokio::join!(gateway.open(path, &open_body, &key), async { gate.release(1) });
    let mut live = live.unwrap();
    let first = live.next_piece().await.unwrap().unwrap();
    assert!(first.len() <= 1024 && whole.body.starts_with(&first), "the first piece, before the second was made");
    gate.open();
    let rest = live.rest().await.unwrap();
    assert!(rest.complete && [first.as_ref(), rest.body.as_ref()].concat() == whole.body);

    let cut = gateway.post(path, &say("hello [[sim fault=cut after=3]]"), &key).await.unwrap();
    assert!(!cut.complete && whole.body.starts_with(&cut.body), "half a sound must not look whole");
    for fault in ["wrong-type", "error-event", "garbage", "500"] {
        let reply = gateway.post(path, &say(&format!("hello [[sim fault={fault}]]")), &key).await.unwrap();
        assert!(
            reply.status >= 400 && reply.json()["error"]["message"].is_string(),
            "{fault}: {} {}",
            reply.status,
            reply.text()
        );
    }
    let rows = gateway.spend_rows(&token, 7).await.unwrap();
    let whole: Vec<&Value> = rows.iter().filter(|row| row["status"] == "success").collect();
    assert_eq!(whole.len(), 2, "{rows:?}");
    whole.iter().for_each(|row| costs(row, 5.0 * 1.5e-5));
}

/// What the provider says to such a request, without a gateway between.
async fn directly(sim: &Running, body: &Value) -> bytes::Bytes {
    let client = hyper_util::client::legacy::Client::builder(hyper_util::rt::TokioExecutor::new()).build_http();
    let request = http::Request::post(format!("{}/v1/audio/speech", sim.base_url()))
        .header("authorization", format!("Bearer {UPSTREAM_KEY}"))
        .body(http_body_util::Full::new(bytes::Bytes::from(body.to_string())));
    let reply = client.request(request.unwrap()).await.unwrap();
    http_body_util::BodyExt::collect(reply.into_body()).await.unwrap().to_bytes()
}

#[tokio::test]
async fn films_are_made_looked_at_and_fetched() {
    let (sim, gateway) = started(&[("film", "openai/sora-2")]).await;
    let (key, token) = gateway.new_key(&json!({})).await.unwrap();
    let made = json!({"model": "film", "prompt": "a cat", "seconds": "8", "size": "1280x720"});
    let made = gateway.post("/v1/videos", &made, &key).await.unwrap();
    assert_eq!(
        (made.status, &made.json()["status"], &made.json()["seconds"]),
        (200, &json!("queued"), &json!("8")),
        "{}",
        made.text()
    );
    let id = made.json()["id"].as_str().unwrap().to_owned();
    let path = format!("/v1/videos/{id}");
    let early = gateway.get(&format!("{path}/content"), &key).await.unwrap();
    assert!(
        early.status == 404 && early.json()["error"]["message"].as_str().unwrap().contains("not ready"),
        "{}",
        early.text()
    );
    assert_eq!(gateway.get(&path, &key).await.unwrap().json()["status"], "in_progress");
    let done = gateway.get(&path, &key).await.unwrap().json();
    assert_eq!((&done["status"], &done["id"]), (&json!("completed"), &json!(id)));
    let film = gateway.get(&format!("{path}/content"), &key).await.unwrap();
    assert_eq!((film.header("content-type"), &film.body[4..8]), ("video/mp4", &b"ftyp"[..]), "{}", film.status);
    let again = gateway.post(&format!("{path}/remix"), &json!({"prompt": "a dog"}), &key).await.unwrap();
    assert_eq!((again.status, &again.json()["status"]), (200, &json!("queued")), "{}", again.text());
    // OpenAI's library sends a form
    let form = Form::of(&[("model", "film"), ("prompt", "a cat"), ("seconds", "4")]);
    let formed = gateway.post_form("/v1/videos", &form, &key).await.unwrap();
    assert_eq!((formed.status, &formed.json()["seconds"]), (200, &json!("4")), "{}", formed.text());
    let bearer = format!("Bearer {key}");
    let gone = gateway.send(Method::DELETE, &path, &[("authorization", &bearer)], bytes::Bytes::new()).await.unwrap();
    assert_eq!(gone.status, 200, "{}", gone.text());
    assert_eq!(gateway.get(&path, &key).await.unwrap().status, 404);
    assert!(sim.requests().iter().any(|request| request.method == "DELETE"));
    let rows = gateway.spend_rows(&token, 3).await.unwrap();
    let first = rows.iter().find(|row| (row["spend"].as_f64().unwrap() - 0.8).abs() < 1e-9);
    assert!(first.is_some(), "eight seconds at ten cents: {rows:?}");
}

/// A film is found back by whoever made it, under the name that it was made under.
#[tokio::test]
async fn films_are_found_back_under_the_names_that_made_them() {
    let sim = SimulatorConfig { require_key: Some(UPSTREAM_KEY.into()), ..SimulatorConfig::default() };
    let sim = Simulator::start(sim).await.unwrap();
    let config = Config::empty(&sim)
        .model("film", "openai/sora-2", &[])
        .model("openai/*", "openai/*", &[])
        .router("model_group_alias: {movies: film, dramas: {model: film, hidden: true}}");
    let gateway = Gateway::start(&config.yaml()).await.unwrap();
    let team = json!({"team_id": "red", "models": ["fast"], "model_aliases": {"fast": "film"}});
    let team = gateway.ask("/team/new", &team).await.unwrap();
    assert_eq!(team.status, 200, "{}", team.text());
    let (other, _) = gateway.new_key(&json!({"models": ["dull"]})).await.unwrap();
    for (name, fields) in [
        ("movies", json!({"models": ["movies"]})),
        ("dramas", json!({"models": ["dra*"]})),
        ("openai/sora-2", json!({"models": ["openai/sora-2"]})),
        ("fast", json!({"models": ["fast"], "team_id": "red"})),
    ] {
        let (key, _) = gateway.new_key(&fields).await.unwrap();
        let made = gateway.post("/v1/videos", &json!({"model": name, "prompt": "a cat"}), &key).await.unwrap();
        assert_eq!(made.status, 200, "{name}: {}", made.text());
        let path = format!("/v1/videos/{}", made.json()["id"].as_str().unwrap());
        let back = gateway.get(&path, &key).await.unwrap();
        assert_eq!(back.status, 200, "{name}: {}", back.text());
        assert_eq!(gateway.get(&path, &other).await.unwrap().status, 403, "{name}");
    }
}

#[tokio::test]
async fn judgements() {
    let (sim, gateway) = started(&[("judge", "openai/omni-moderation-latest")]).await;
    let reply =
        gateway.ask("/v1/moderations", &json!({"model": "judge", "input": ["be kind", "kill them"]})).await.unwrap();
    let results = reply.json()["results"].clone();
    assert_eq!(
        (&results[0]["flagged"], &results[1]["categories"]["violence"]),
        (&json!(false), &json!(true)),
        "{}",
        reply.text()
    );
    assert_eq!(calls(&sim)[0].json()["model"], "omni-moderation-latest");
    let parts = json!({"model": "judge", "input": [{"type": "text", "text": "kill"}]});
    assert_eq!(gateway.ask("/v1/moderations", &parts).await.unwrap().json()["results"][0]["flagged"], true);
    let refused = gateway.post("/v1/moderations", &parts, "sk-unknown").await.unwrap();
    assert_eq!(refused.status, 401);
    assert_eq!(gateway.post("/v1/moderations", &json!({"model": "judge"}), MASTER_KEY).await.unwrap().status, 400);
}

#[tokio::test]
async fn an_id_that_no_deployment_made_names_none() {
    let (sim, gateway) = started(&[("film", "openai/sora-2")]).await;
    // `litellm:custom_llm_provider:openai;model_id:None;video_id:video_1`
    let id = "video_bGl0ZWxsbTpjdXN0b21fbGxtX3Byb3ZpZGVyOm9wZW5haTttb2RlbF9pZDpOb25lO3ZpZGVvX2lkOnZpZGVvXzE=";
    let path = format!("/v1/videos/{id}");
    let nowhere = gateway.get(&path, MASTER_KEY).await.unwrap();
    assert_eq!((nowhere.status, &nowhere.json()["error"]["param"]), (400, &json!("model")), "{}", nowhere.text());
    let there = gateway.get(&format!("{path}?model=film"), MASTER_KEY).await.unwrap();
    assert_eq!(there.status, 404, "{}", there.text());
    assert!(sim.requests().iter().any(|asked| asked.path.ends_with("/videos/video_1")), "{:?}", sim.requests());
}
