use llm_types::Json;

use super::*;

fn params(fields: &[(&str, &str)]) -> Params {
    Params::without_env(fields.iter().map(|(k, v)| ((*k).to_owned(), Json::from(*v))))
}

fn call<'a>(model: &'a str, params: &'a Params) -> Call<'a> {
    let want = Want { operation: OperationKind::Generate, format: Format::OpenAiChat, model };
    Call::new(OperationKind::Generate, VertexAi.protocols(&want).best().unwrap(), model, params)
}

fn url(call: &Call<'_>) -> String {
    let mut out = Endpoint::default();
    VertexAi.endpoint(call, &mut out).unwrap();
    assert!(matches!(out.auth, Some(AuthNeed::Google(_))));
    out.url
}

#[test]
fn every_family_has_its_address() {
    let params = params(&[("vertex_project", "p"), ("vertex_location", "europe-west4")]);
    let root = "https://europe-west4-aiplatform.googleapis.com/v1/projects/p/locations/europe-west4";
    for (model, tail) in [
        ("gemini-2.5-pro", "/publishers/google/models/gemini-2.5-pro:generateContent"),
        ("12345", "/endpoints/12345:generateContent"),
        ("claude-sonnet-4@20250514", "/publishers/anthropic/models/claude-sonnet-4@20250514:rawPredict"),
        ("mistral-large@2411-001", "/publishers/mistralai/models/mistral-large@2411-001:rawPredict"),
        ("meta/llama-3.3-70b-instruct-maas", "/endpoints/openapi/chat/completions"),
        ("openai/9876", "/endpoints/9876/chat/completions"),
    ] {
        assert_eq!(url(&call(model, &params)), format!("{root}{tail}"));
        let streamed = url(&Call { stream: true, ..call(model, &params) });
        assert_eq!(streamed.ends_with("?alt=sse"), !tail.ends_with("completions"), "{streamed}");
    }
    let jamba = url(&call("jamba-1.5-mini@001", &params));
    assert!(jamba.contains("/v1beta1/") && jamba.ends_with("/publishers/ai21/models/jamba-1.5-mini@001:rawPredict"));
}

#[test]
fn places_have_hosts_of_their_own() {
    for (location, host) in [
        ("global", "https://aiplatform.googleapis.com/v1/projects/{project}/locations/global/"),
        ("eu", "https://aiplatform.eu.rep.googleapis.com/v1/projects/{project}/locations/eu/"),
        ("us-east5", "https://us-east5-aiplatform.googleapis.com/v1/projects/{project}/locations/us-east5/"),
    ] {
        let params = params(&[("vertex_location", location)]);
        assert!(url(&call("gemini-2.5-pro", &params)).starts_with(host));
    }
    let named = params(&[("vertex_credentials", r#"{"type":"service_account","project_id":"from-key"}"#)]);
    assert!(url(&call("gemini-2.5-pro", &named)).contains("/projects/from-key/locations/us-central1/"));
}

#[test]
fn bases_of_ones_own() {
    let params = params(&[("vertex_project", "p")]);
    let at = |base| url(&Call { api_base: Some(base), ..call("gemini-2.5-pro", &params) });
    let tail = "projects/p/locations/us-central1/publishers/google/models/gemini-2.5-pro:generateContent";
    assert_eq!(at("http://proxy"), format!("http://proxy/v1/{tail}"));
    assert_eq!(at("http://proxy/v1/"), format!("http://proxy/v1/{tail}"));
    assert_eq!(at("http://proxy/some/where"), "http://proxy/some/where:generateContent");
    let llama = Call { api_base: Some("http://proxy/x"), ..call("meta/llama", &params) };
    let openapi = "projects/p/locations/us-central1/endpoints/openapi";
    assert_eq!(url(&llama), format!("http://proxy/x/v1/{openapi}/chat/completions"));
    let whole = format!("http://proxy/v1/{openapi}");
    let whole = Call { api_base: Some(&whole), ..call("meta/llama", &params) };
    assert_eq!(url(&whole), format!("http://proxy/v1/{openapi}/chat/completions"));
}

#[test]
fn bodies_of_claude_name_a_version_and_no_model() {
    let params = params(&[]);
    let call = Call {
        client_format: Format::AnthropicMessages,
        betas: &["effort-2025-11-24", "interleaved-thinking-2025-05-14"],
        ..call("claude-sonnet-4@20250514", &params)
    };
    let body = Bytes::from_static(br#"{"model":"m","system":"Be brief.","messages":[]}"#);
    let out = |call: &Call<'_>| String::from_utf8(VertexAi.prepare(call, body.clone()).unwrap().to_vec()).unwrap();
    // betas of Messages clients stand in the header
    let want =
        r#"{"system":[{"type":"text","text":"Be brief."}],"messages":[],"anthropic_version":"vertex-2023-10-16"}"#;
    assert_eq!(out(&call), want);
    let with_betas = want.replace("10-16\"}", "10-16\",\"anthropic_beta\":[\"interleaved-thinking-2025-05-14\"]}");
    assert_eq!(out(&Call { client_format: Format::OpenAiChat, ..call }), with_betas);
}

#[test]
fn claude_is_known_by_its_bare_name() {
    let caps = |model: &str| crate::rules::caps(Catalog::builtin(), "vertex_ai", model);
    let dated = caps("claude-opus-4-5@20251101");
    assert!(dated.known && dated.max_output_tokens.is_none());
    assert!(caps("claude-opus-4-6").max_output_tokens.is_some());
    assert!(!caps("claude-3-haiku@20240307").structured_output);
}

#[test]
fn models_without_a_language_are_refused() {
    let want = |model| Want { operation: OperationKind::Generate, format: Format::OpenAiChat, model };
    assert_eq!(VertexAi.protocols(&want("agent_engine/1")).best(), Some(Format::VertexAgent));
    assert!(VertexAiBeta.protocols(&want("text-unicorn@001")).is_empty());
}

#[test]
fn tasks_have_addresses_of_their_own() {
    let params = params(&[("vertex_project", "p")]);
    let task = |operation, model| {
        let want = Want { operation, format: Format::OpenAiImages, model };
        let format = VertexAi.protocols(&want).best().unwrap();
        url(&Call { operation, format, ..call("gemini-2.5-pro", &params) }).replace("gemini-2.5-pro", model)
    };
    let drawn = task(OperationKind::Image, "imagen-4.0-generate-001");
    assert!(drawn.ends_with("/publishers/google/models/imagen-4.0-generate-001:predict"), "{drawn}");
    let drawn = task(OperationKind::Image, "gemini-2.5-flash-image");
    assert!(drawn.ends_with("/publishers/google/models/gemini-2.5-flash-image:generateContent"), "{drawn}");
    assert_eq!(
        task(OperationKind::Rerank, "semantic-ranker-default@latest"),
        "https://discoveryengine.googleapis.com/v1/projects/p/locations/global/rankingConfigs/default_ranking_config:rank"
    );
}

#[test]
fn storage_tells_types_that_names_do_not() {
    let params = params(&[("vertex_project", "p")]);
    let call = call("gemini-2.5-pro", &params);
    let storage = "https://storage.googleapis.com/storage/v1/b";
    let asked = VertexAi.media_facts(&call, "gs://pets/cats/tom?").unwrap();
    assert_eq!(asked, format!("{storage}/pets/o/cats%2Ftom%3F?fields=contentType"));
    for known in ["gs://pets/tom.png", "https://h/tom", "gs://../tom", "gs://pets/..", "gs://pets", "gs:///tom"] {
        assert_eq!(VertexAi.media_facts(&call, known), None, "{known}");
    }
}
