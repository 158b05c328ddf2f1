//! Rankings, documents, searches and vectors through the gateway, and what each operation does when its provider fails.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "a failure is a failed test")]

use llm_simulator::{Fault, Match, Running, Script, Simulator, SimulatorConfig};
use llm_tests::{Config, Form, Gateway, MASTER_KEY, Options, Reply, UPSTREAM_KEY, calls};
use serde_json::{Value, json};

async fn sim(prefix: &str) -> Running {
    let config = SimulatorConfig {
        require_key: Some(UPSTREAM_KEY.into()),
        prefix: prefix.to_owned(),
        ..SimulatorConfig::default()
    };
    Simulator::start(config).await.unwrap()
}

#[track_caller]
fn costs(rows: &[Value], group: &str, dollars: f64) {
    let row = rows.iter().find(|row| row["model_group"] == group).expect(group);
    let spend = row["spend"].as_f64().unwrap();
    assert!((spend - dollars).abs() < 1e-12, "{group}: {spend} in place of {dollars}: {row}");
}

#[tokio::test]
async fn rankings_of_three_houses() {
    let (sim, jina) = (sim("").await, sim("/jina").await);
    let config = Config::empty(&sim)
        .model("cohere", "cohere/rerank-v3.5", &[])
        .model_below("voyage", "voyage/rerank-2", "/voyage", &[])
        .model("jina", "jina_ai/jina-reranker-v2-base-multilingual", &[])
        .model("titan", "bedrock/amazon.titan-embed-text-v2:0", &[])
        .model("gemini", "gemini/gemini-embedding-001", &[])
        .yaml()
        .replace(
            &format!("jina-reranker-v2-base-multilingual'\n      api_base: '{}'", sim.base_url()),
            &format!("jina-reranker-v2-base-multilingual'\n      api_base: '{}'", jina.base_url()),
        );
    let gateway = Gateway::start(&config).await.unwrap();
    let (key, token) = gateway.new_key(&json!({})).await.unwrap();
    let rank = async |path: &str, model: &str, more: Value| {
        let mut body = json!({"model": model, "query": "q", "documents": ["one", "two", "three"]});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let reply = gateway.post(path, &body, &key).await.unwrap();
        assert_eq!(reply.status, 200, "{model}: {}", reply.text());
        let scores: Vec<f64> = reply.json()["results"]
            .as_array()
            .unwrap()
            .iter()
            .map(|r| r["relevance_score"].as_f64().unwrap())
            .collect();
        assert!(scores.is_sorted_by(|a, b| a >= b), "{model}: {}", reply.text());
        reply.json()
    };
    for path in ["/v1/rerank", "/v2/rerank", "/rerank"] {
        let body = rank(path, "cohere", json!({"top_n": 2})).await;
        assert_eq!(
            (body["results"].as_array().unwrap().len(), &body["meta"]["billed_units"]["search_units"]),
            (2, &json!(1))
        );
    }
    for model in ["cohere", "voyage", "jina"] {
        let body = rank("/v1/rerank", model, json!({"return_documents": true, "top_n": 1})).await;
        let document = &body["results"][0]["document"];
        assert!(document["text"].is_string(), "{model}: {body}");
        assert_eq!(body["results"].as_array().unwrap().len(), 1, "{model}");
    }
    assert!(calls(&sim).iter().any(|call| call.path == "/voyage/v1/rerank" && call.json()["top_k"] == 1));
    assert_eq!(calls(&jina)[0].path, "/v1/rerank");
    let rows = gateway.spend_rows(&token, 6).await.unwrap();
    costs(&rows, "cohere", 0.002);
    // tokens at five cents the million: 'q', 'one', 'two', 'three'
    costs(&rows, "voyage", 3.0 * 5e-8);
    costs(&rows, "jina", 3.0 * 5e-8);

    let embed = async |model: &str, input: Value| {
        let reply = gateway
            .post("/v1/embeddings", &json!({"model": model, "input": input, "dimensions": 256}), &key)
            .await
            .unwrap();
        assert_eq!(reply.status, 200, "{model}: {}", reply.text());
        reply.json()
    };
    for model in ["gemini", "titan"] {
        let both = embed(model, json!(["hello", "there"])).await;
        let data = both["data"].as_array().unwrap().clone();
        assert_eq!((data.len(), data[1]["embedding"].as_array().unwrap().len()), (2, 256), "{model}");
        assert_eq!(embed(model, json!("there")).await["data"][0]["embedding"], data[1]["embedding"], "{model}");
        assert_ne!(data[0]["embedding"], data[1]["embedding"], "{model}");
    }
    let rows = gateway.spend_rows(&token, 10).await.unwrap();
    let titan: Vec<&Value> = rows.iter().filter(|row| row["model_group"] == "titan").collect();
    assert_eq!(titan.iter().map(|row| row["prompt_tokens"].as_u64().unwrap()).sum::<u64>(), 6, "{titan:?}");
    assert!(rows.iter().filter(|row| row["model_group"] == "gemini").all(|row| row["spend"].as_f64().unwrap() > 0.0));
}

#[tokio::test]
async fn documents_and_searches() {
    let sim = sim("").await;
    let config = Config::empty(&sim).model("reader", "mistral/mistral-ocr-latest", &[]).yaml();
    let tool = format!(
        "search_tools:\n- search_tool_name: web\n  litellm_params: {{search_provider: tavily, api_base: '{}', api_key: '{UPSTREAM_KEY}'}}\n",
        sim.base_url()
    );
    let env = vec![("TAVILY_API_KEY".to_owned(), UPSTREAM_KEY.to_owned())];
    let options = Options { env, ..Options::default() };
    let gateway = Gateway::start_with(&format!("{config}{tool}"), &options).await.unwrap();
    let (key, token) = gateway.new_key(&json!({})).await.unwrap();
    let document = json!({"type": "document_url", "document_url": "https://a.example/b.pdf"});
    let pages = gateway.post("/v1/ocr", &json!({"model": "reader", "document": document}), &key).await.unwrap();
    assert_eq!(pages.json()["pages"][1]["markdown"], "# Page 2\n\nThe text of this page.", "{}", pages.text());
    let form = Form::of(&[("model", "reader")]).file("file", "a.png", b"\x89PNG\r\n\x1a\nx");
    let page = gateway.post_form("/v1/ocr", &form, &key).await.unwrap();
    assert_eq!(page.json()["pages"].as_array().map(Vec::len), Some(1), "a picture is one page: {}", page.text());
    let query = json!({"query": "cats", "max_results": 3, "search_domain_filter": ["c.example"]});
    let found = gateway.post("/v1/search/web", &query, &key).await.unwrap();
    let results = found.json()["results"].clone();
    assert_eq!(
        (results.as_array().map(Vec::len), &results[0]["url"]),
        (Some(3), &json!("https://c.example/page-1")),
        "{}",
        found.text()
    );
    assert_eq!(results[0]["snippet"], "What page 1 says about cats.");
    let named = json!({"query": "cats", "search_tool_name": "web"});
    assert_eq!(gateway.post("/v1/search", &named, &key).await.unwrap().json()["object"], "search");
    let with = |field: &str, value: &str| {
        let mut params = json!({"search_provider": "tavily", "api_base": sim.base_url(), "api_key": UPSTREAM_KEY});
        params[field] = json!(value);
        json!({"litellm_params": params})
    };
    let tried = async |body: Value| gateway.ask("/search_tools/test_connection", &body).await.unwrap();
    let fine = tried(with("api_key", UPSTREAM_KEY)).await.json();
    assert_eq!((&fine["status"], &fine["results_count"]), (&json!("success"), &json!(1)), "{fine}");
    let wrong = tried(with("api_key", "wrong-key")).await.json();
    assert_eq!((&wrong["status"], &wrong["error_type"]), (&json!("error"), &json!("AuthenticationError")), "{wrong}");
    let bare = tried(with("api_key", "")).await.json();
    assert_eq!(bare["status"], "error", "an address of a body is shown no variable's key: {bare}");
    for body in
        [with("search_provider", ""), with("search_provider", "nobody"), with("api_key", "os.environ/HOME"), json!({})]
    {
        assert_eq!(tried(body.clone()).await.status, 400, "{body}");
    }
    assert_eq!(gateway.post("/search_tools/test_connection", &with("api_key", "k"), &key).await.unwrap().status, 401);
    let rows = gateway.spend_rows(&token, 4).await.unwrap();
    let spent = |group: &str| -> f64 {
        rows.iter().filter(|row| row["model_group"] == group).map(|row| row["spend"].as_f64().unwrap()).sum()
    };
    assert!((spent("reader") - 3.0 * 0.004).abs() < 1e-12, "three pages: {rows:?}");
    assert!((spent("web") - 2.0 * 0.008).abs() < 1e-12, "two queries: {rows:?}");
}

/// What a client sends: JSON, or a form.
enum Wish {
    Json(Value),
    Form(Form),
}

/// Every operation: a name, the model, a prefix that its provider needs, the path, the body without a model.
fn operations() -> Vec<(&'static str, &'static str, &'static str, &'static str, Wish)> {
    let sound = || Form::of(&[]).file("file", "a.mp3", &[0; 16_000]);
    let picture = |fields: &[(&str, &str)]| Form::of(fields).file("image", "a.png", b"\x89PNG\r\n\x1a\nx");
    let document = json!({"type": "document_url", "document_url": "https://a.example/b.pdf"});
    let said = json!([{"role": "user", "content": "hello"}]);
    let ranked = json!({"query": "q", "documents": ["one", "two"]});
    vec![
        ("images", "openai/gpt-image-1", "", "/v1/images/generations", Wish::Json(json!({"prompt": "a cat"}))),
        ("edits", "openai/gpt-image-1", "", "/v1/images/edits", Wish::Form(picture(&[("prompt", "a cat")]))),
        ("variations", "openai/dall-e-2", "", "/v1/images/variations", Wish::Form(picture(&[]))),
        (
            "imagen",
            "gemini/imagen-3.0-generate-001",
            "",
            "/v1/images/generations",
            Wish::Json(json!({"prompt": "a cat"})),
        ),
        (
            "canvas",
            "bedrock/amazon.nova-canvas-v1:0",
            "",
            "/v1/images/generations",
            Wish::Json(json!({"prompt": "a cat"})),
        ),
        ("transcripts", "openai/whisper-1", "", "/v1/audio/transcriptions", Wish::Form(sound())),
        ("translations", "openai/whisper-1", "", "/v1/audio/translations", Wish::Form(sound())),
        ("speech", "openai/tts-1", "", "/v1/audio/speech", Wish::Json(json!({"input": "hi", "voice": "alloy"}))),
        ("judgements", "openai/omni-moderation-latest", "", "/v1/moderations", Wish::Json(json!({"input": "hi"}))),
        ("films", "openai/sora-2", "", "/v1/videos", Wish::Json(json!({"prompt": "a cat"}))),
        ("cohere", "cohere/rerank-v3.5", "", "/v2/rerank", Wish::Json(ranked.clone())),
        ("voyage", "voyage/rerank-2", "/voyage", "/v1/rerank", Wish::Json(ranked)),
        ("ocr", "mistral/mistral-ocr-latest", "", "/v1/ocr", Wish::Json(json!({"document": document}))),
        ("search", "tavily/search", "", "/v1/search", Wish::Json(json!({"query": "cats"}))),
        ("vectors", "gemini/gemini-embedding-001", "", "/v1/embeddings", Wish::Json(json!({"input": "hi"}))),
        ("titan", "bedrock/amazon.titan-embed-text-v2:0", "", "/v1/embeddings", Wish::Json(json!({"input": "hi"}))),
        (
            "llama",
            "bedrock/invoke/meta.llama3-8b-instruct-v1:0",
            "",
            "/v1/chat/completions",
            Wish::Json(json!({"messages": said})),
        ),
        (
            "claude",
            "bedrock/invoke/anthropic.claude-3-5-sonnet-20240620-v1:0",
            "",
            "/v1/messages",
            Wish::Json(json!({"messages": said, "max_tokens": 50})),
        ),
    ]
}

async fn ask(gateway: &Gateway, path: &str, wish: &Wish, group: &str) -> Reply {
    match wish {
        Wish::Form(form) => {
            let form = form.clone().text("model", group);
            gateway.post_form(path, &form, MASTER_KEY).await.unwrap()
        }
        Wish::Json(body) => {
            let mut body = body.clone();
            let name = if path == "/v1/search" { "search_tool_name" } else { "model" };
            body[name] = json!(group);
            gateway.ask(path, &body).await.unwrap()
        }
    }
}

#[tokio::test]
async fn a_limited_provider_is_waited_for_by_another_and_nonsense_is_an_error() {
    let sim = sim("").await;
    let (mut config, mut fallbacks) = (Config::empty(&sim).router("disable_cooldowns: true"), Vec::new());
    let faults = [
        ("limited", Fault::Status(429)),
        ("garbage", Fault::Garbage),
        ("page", Fault::WrongType),
        ("half", Fault::Malformed),
        ("cut", Fault::Cut),
        ("slow", Fault::Slow),
    ];
    for (name, model, prefix, ..) in operations() {
        config = config.model_below(name, model, prefix, &[]);
        for (fault, _) in faults {
            config = config.model_below(
                &format!("{name}-{fault}"),
                model,
                &format!("/{fault}{prefix}"),
                &[if fault == "slow" { "timeout: 0.3" } else { "timeout: 20" }],
            );
        }
        fallbacks.push(json!({format!("{name}-limited"): [name]}));
    }
    for (fault, what) in faults {
        let script = Script { retry_after: Some("7".into()), ..Script::fault(what) };
        sim.script(Match::path(format!("/{fault}/")), script);
    }
    let config = config.router(&format!("fallbacks: {}", Value::from(fallbacks)));
    let gateway = Gateway::start(&config.yaml()).await.unwrap();
    for (name, _, _, path, wish) in operations() {
        let sound = ask(&gateway, path, &wish, name).await;
        assert_eq!(sound.status, 200, "{name}: {}", sound.text());
        let before = calls(&sim).len();
        let reply = ask(&gateway, path, &wish, &format!("{name}-limited")).await;
        assert_eq!(
            (reply.status, reply.header("x-litellm-attempted-fallbacks")),
            (200, "1"),
            "{name}: {}",
            reply.text()
        );
        let seen: Vec<bool> = calls(&sim)[before..].iter().map(|call| call.path.starts_with("/limited/")).collect();
        assert_eq!(seen, [true, false], "{name}: the limited one first, then the other");
        for (fault, _) in &faults[1..] {
            // half of a sound is cut off, and no text of it is JSON
            if name == "speech" && ["half", "cut"].contains(fault) {
                continue;
            }
            let reply = ask(&gateway, path, &wish, &format!("{name}-{fault}")).await;
            let error = reply.json()["error"].clone();
            assert!(reply.status >= 400 && reply.complete, "{name} {fault}: {} {}", reply.status, reply.text());
            assert!(error["message"].as_str().is_some_and(|text| !text.is_empty()), "{name} {fault}: {}", reply.text());
            if path == "/v1/messages" {
                assert_eq!(reply.json()["type"], "error", "{name} {fault}: {}", reply.text());
            } else {
                assert!(error.get("code").is_some(), "{name} {fault}: {}", reply.text());
            }
            if *fault == "slow" {
                assert!([408, 504].contains(&reply.status), "{name}: {} {}", reply.status, reply.text());
            }
        }
    }
    // without another one to ask, the client is told how long to wait
    let alone = sim_alone(&sim).await;
    let reply = alone.ask("/v1/rerank", &json!({"model": "alone", "query": "q", "documents": ["one"]})).await.unwrap();
    assert_eq!((reply.status, reply.header("retry-after")), (429, "7"), "{}", reply.text());
}

async fn sim_alone(sim: &Running) -> Gateway {
    let config = Config::empty(sim).model_below("alone", "cohere/rerank-v3.5", "/limited", &[]);
    Gateway::start(&config.yaml()).await.unwrap()
}
