use llm_types::{Format, Json, OperationKind, Secret};

use super::*;
use crate::Params;

fn call<'a>(params: &'a Params, key: Option<&'a Secret>, headers: &'a [(String, String)]) -> Call<'a> {
    Call {
        operation: OperationKind::Generate,
        format: Format::AnthropicMessages,
        client_format: Format::AnthropicMessages,
        model: "claude",
        stream: false,
        api_base: None,
        api_key: key,
        params,
        betas: &["context-1"],
        client_headers: headers,
    }
}

fn header<'a>(out: &'a Endpoint, name: &str) -> Option<&'a str> {
    out.headers.get(name).map(|v| v.to_str().unwrap())
}

#[test]
fn ordinary_keys_and_betas_of_everybody() {
    let params = Params::without_env([("extra_headers", Json::object([("anthropic-beta", "a, b")]))]);
    let headers = [("anthropic-beta".to_owned(), "b,c".to_owned())];
    let key = Secret::new("sk-ant-api03-x");
    let mut out = Endpoint::default();
    Anthropic.endpoint(&call(&params, Some(&key), &headers), &mut out).unwrap();
    assert_eq!(out.url, "https://api.anthropic.com/v1/messages");
    assert_eq!(header(&out, "x-api-key"), Some("sk-ant-api03-x"));
    assert_eq!(header(&out, "anthropic-beta"), Some("a,b,c,context-1"));
    assert!(out.per_request && header(&out, "authorization").is_none());
}

#[test]
fn subscription_tokens_are_bearers() {
    let params = Params::without_env::<String>([]);
    let key = Secret::new("sk-ant-oat01-x");
    let mut out = Endpoint::default();
    Anthropic.endpoint(&call(&params, Some(&key), &[]), &mut out).unwrap();
    assert_eq!(header(&out, "authorization"), Some("Bearer sk-ant-oat01-x"));
    assert_eq!(header(&out, "anthropic-beta"), Some("context-1,oauth-2025-04-20"));
    assert_eq!(header(&out, "x-api-key"), None);
}

#[test]
fn without_a_key_nothing_is_sent() {
    let params = Params::without_env::<String>([]);
    let error = Anthropic.endpoint(&call(&params, None, &[]), &mut Endpoint::default()).unwrap_err();
    assert_eq!(error.kind, llm_types::Kind::Authentication);
}
