use llm_types::{AuthNeed, Json, Secret};

use super::*;
use crate::provider::Endpoint;

fn placed(path: &str, query: &str, params: &Params, key: Option<&str>, base: Option<&str>) -> Result<Endpoint, String> {
    let (mount, rest) = find(path).unwrap();
    let secret = key.map(Secret::new);
    let given = Given { api_base: base, api_key: secret.as_ref(), params };
    let mut out = Endpoint::default();
    let passing = Passing { rest, query, given: Some(given), own: false };
    mount.place(&passing, &mut out).map(|()| out).map_err(|e| e.message)
}

fn nothing() -> Params {
    Params::without_env::<String>([])
}

fn header<'e>(out: &'e Endpoint, name: &str) -> &'e str {
    out.headers.get(name).map_or("", |v| v.to_str().unwrap())
}

#[test]
fn every_provider_has_its_address_and_its_way_to_show_a_key() {
    for (path, url, name, value) in [
        ("/openai/v1/files", "https://api.openai.com/v1/files", "authorization", "Bearer k"),
        ("/openai/chat/completions", "https://api.openai.com/v1/chat/completions", "api-key", "k"),
        ("/openai_passthrough/v1/a", "https://api.openai.com/v1/a", "authorization", "Bearer k"),
        ("/anthropic/v1/messages", "https://api.anthropic.com/v1/messages", "x-api-key", "k"),
        ("/cohere/v2/chat", "https://api.cohere.com/v2/chat", "authorization", "Bearer k"),
        ("/mistral/v1/ocr", "https://api.mistral.ai/v1/ocr", "authorization", "Bearer k"),
        ("/eu.assemblyai/v2/transcript", "https://api.eu.assemblyai.com/v2/transcript", "authorization", "k"),
        ("/cursor/v0/agents", "https://api.cursor.com/v0/agents", "authorization", "Basic azo="),
        ("/openrouter/chat/completions", "https://openrouter.ai/api/v1/chat/completions", "authorization", "Bearer k"),
    ] {
        let out = placed(path, "", &nothing(), Some("k"), None).unwrap();
        assert_eq!((out.url.as_str(), header(&out, name)), (url, value), "{path}");
    }
}

#[test]
fn keys_in_the_query_are_replaced() {
    let out =
        placed("/gemini/v1beta/models/m:generateContent", "alt=sse&key=sk-gateway", &nothing(), Some("k/1"), None);
    let url = "https://generativelanguage.googleapis.com/v1beta/models/m:generateContent?alt=sse&key=k%2F1";
    assert_eq!(out.unwrap().url, url);
}

#[test]
fn without_a_key_or_an_address_it_is_said_what_is_missing() {
    let missing = |path: &str| placed(path, "", &nothing(), None, None).unwrap_err();
    assert!(missing("/anthropic/v1/messages").contains("ANTHROPIC_API_KEY"));
    assert!(missing("/vllm/v1/models").contains("HOSTED_VLLM_API_BASE"));
    assert!(placed("/vllm/v1/models", "", &nothing(), None, Some("http://h:1/v1")).is_ok());
    assert!(find("/anthropic").is_none() && find("/nobody/x").is_none());
}

#[test]
fn azure_wants_a_version() {
    let params = Params::without_env([("api_version", Json::from("2024-10-21"))]);
    let ask = |query| {
        placed("/azure/openai/deployments/d/chat/completions", query, &params, Some("k"), Some("https://a.test/"))
    };
    let path = "https://a.test/openai/deployments/d/chat/completions";
    assert_eq!(ask("").unwrap().url, format!("{path}?api-version=2024-10-21"));
    assert_eq!(ask("api-version=x").unwrap().url, format!("{path}?api-version=x"));
}

#[test]
fn bedrock_has_a_host_for_models_and_one_for_agents() {
    let params = Params::without_env([("aws_region_name", Json::from("eu-west-1"))]);
    let ask = |path| placed(path, "", &params, None, None).unwrap();
    let out = ask("/bedrock/model/anthropic.claude%3A0/converse");
    assert_eq!(out.url, "https://bedrock-runtime.eu-west-1.amazonaws.com/model/anthropic.claude%3A0/converse");
    assert!(matches!(out.auth, Some(AuthNeed::Aws(aws)) if aws.region == "eu-west-1" && aws.service == "bedrock"));
    let out = ask("/bedrock/knowledgebases/KB1/retrieve");
    assert_eq!(out.url, "https://bedrock-agent-runtime.eu-west-1.amazonaws.com/knowledgebases/KB1/retrieve");
    let out = placed("/bedrock/model/m/invoke", "", &params, Some("ABSK"), Some("http://h:1")).unwrap();
    assert_eq!((out.url.as_str(), header(&out, "authorization")), ("http://h:1/model/m/invoke", "Bearer ABSK"));
    assert!(out.auth.is_none());
}

#[test]
fn vertex_has_project_and_location_of_the_credential() {
    let params =
        Params::without_env([("vertex_project", Json::from("mine")), ("vertex_location", Json::from("europe-west1"))]);
    let ask = |path: &str, params: &Params| placed(path, "", params, None, None);
    let host = "https://europe-west1-aiplatform.googleapis.com";
    let tail = "projects/mine/locations/europe-west1/publishers/google/models/g:generateContent";
    for path in [
        "/vertex_ai/publishers/google/models/g:generateContent",
        "/vertex-ai/v1/projects/x/locations/us-central1/publishers/google/models/g:generateContent",
    ] {
        let out = ask(path, &params).unwrap();
        assert_eq!(out.url, format!("{host}/v1/{tail}"));
        assert!(matches!(out.auth, Some(AuthNeed::Google(_))));
    }
    let global = "/vertex_ai/v1/projects/p/locations/global/publishers/google/models/g:countTokens";
    let out = ask(global, &nothing()).unwrap();
    assert!(out.url.starts_with("https://aiplatform.googleapis.com/v1/projects/p/locations/global/"), "{}", out.url);
    assert!(ask("/vertex_ai/publishers/google/models/g:x", &nothing()).is_err());
    let out = ask("/vertex_ai/discovery/v1/projects/x/locations/global/c", &params).unwrap();
    assert_eq!(out.url, "https://discoveryengine.googleapis.com/v1/projects/mine/locations/global/c");
}

#[test]
fn models_in_paths() {
    for (path, model) in [
        ("v1beta/models/gemini-2.5:generateContent", Some("gemini-2.5")),
        ("v1/projects/p/locations/l/publishers/google/models/g@1:predict", Some("g@1")),
        ("model/us.anthropic.claude-v2%3A0/converse-stream", Some("us.anthropic.claude-v2:0")),
        ("model/arn%3Aaws%3Abedrock%3Ax%3Ainference-profile%2Fy/invoke", Some("arn:aws:bedrock:x:inference-profile/y")),
        ("openai/deployments/azure/gpt-4o/chat/completions", Some("azure/gpt-4o")),
        ("deployments/d/images/generations", Some("d")),
        ("v1/models", None),
        ("v1/chat/completions", None),
        ("v1beta/models%2Fsecret:generateContent", Some("secret")),
    ] {
        assert_eq!(model_of(path).as_deref(), model, "{path}");
    }
    assert_eq!(with_model("model/alias/converse", "us.claude:0"), "model/us.claude%3A0/converse");
    assert_eq!(with_model("v1/files", "m"), "v1/files");
}

#[test]
fn relative_paths_are_refused() {
    for path in ["../x", "v1/../x", "v1/%2e%2E/x", "v1/.%2e/x", "v1/%252e%252e/x", "a/..", "a\\b", "./a"] {
        assert!(safe(path).is_err(), "{path}");
    }
    for path in ["v1/files/a..b", "v1/x.y", "model/a%3A0/converse", ""] {
        assert!(safe(path).is_ok(), "{path}");
    }
}
