//! Keys and Python's text form against vectors that Python made (`fixtures/make.py`).
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

use llm_cache::key::source;
use llm_cache::{CallType, KeyOptions, key, python};
use serde::Deserialize;
use serde_json::value::RawValue;

#[derive(Deserialize)]
struct Printed {
    json: String,
    str: String,
}

#[derive(Deserialize)]
struct Vector {
    call: String,
    model: String,
    body: String,
    namespace: Option<String>,
    provider_specific: bool,
    source: String,
    key: String,
}

fn fixture(name: &str) -> Vec<String> {
    let path = format!("{}/fixtures/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(path).unwrap().lines().map(str::to_owned).collect()
}

fn call(name: &str) -> CallType {
    use CallType::{AnthropicMessages, Completion, Embedding, Rerank, Responses, TextCompletion, Transcription};
    let all = [AnthropicMessages, Completion, Embedding, Rerank, Responses, TextCompletion, Transcription];
    all.into_iter().find(|c| c.name() == name).unwrap()
}

/// Names and JSON texts of an object, in order.
fn fields(body: &str) -> Vec<(String, String)> {
    use llm_types::Json;
    let tree: Json = serde_json::from_str(body).unwrap();
    let raw: std::collections::HashMap<String, &RawValue> = serde_json::from_str(body).unwrap();
    tree.as_object().unwrap().iter().map(|(k, _)| (k.clone(), raw[k].get().to_owned())).collect()
}

fn pairs(fields: &[(String, String)]) -> Vec<(&str, &str)> {
    fields.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect()
}

#[test]
fn values_print_as_in_python() {
    let cases = fixture("python.jsonl");
    assert!(cases.len() > 400);
    for line in cases {
        let case: Printed = serde_json::from_str(&line).unwrap();
        let mut out = String::new();
        python::str(&case.json, &mut out).unwrap();
        assert_eq!(out, case.str, "of {}", case.json);
    }
}

#[test]
fn half_a_surrogate_pair_prints_as_its_code() {
    let mut out = String::new();
    python::str(r#"["\ud800x", "\ud83d\u0041"]"#, &mut out).unwrap();
    assert_eq!(out, r"['\ud800x', '\ud83dA']");
}

#[test]
fn keys_are_those_of_the_recipe() {
    let vectors = fixture("keys.jsonl");
    assert!(vectors.len() > 10);
    for line in vectors {
        let v: Vector = serde_json::from_str(&line).unwrap();
        let options = KeyOptions {
            namespace: v.namespace.as_deref(),
            provider_specific: v.provider_specific,
            ..KeyOptions::new(call(&v.call), &v.model)
        };
        let mut fields = fields(&v.body);
        let mut text = String::new();
        source(pairs(&fields), &options, &mut text).unwrap();
        assert_eq!(text, v.source);
        assert_eq!(key(pairs(&fields), &options), v.key);
        fields.reverse();
        assert_eq!(key(pairs(&fields), &options), v.key, "the order of fields does not matter");
    }
}

#[test]
fn large_values_are_hashed_whole() {
    let long = |c: &str| format!("\"{}\"", c.repeat(10_000));
    let options = KeyOptions::new(CallType::Embedding, "m");
    let of = |a: &str, b: &str| key([("input", a), ("user", b)], &options);
    let one = of(&long("a"), &long("b"));
    assert_eq!(one, of(&long("a"), &long("b")));
    assert_ne!(one, of(&long("a"), &long("c")));
    assert_ne!(one, of(&long("c"), &long("b")));
}

#[test]
fn what_counts_and_what_does_not() {
    let options = KeyOptions::new(CallType::Completion, "m");
    let of = |fields: &[(&str, &str)], options: &KeyOptions<'_>| key(fields.iter().copied(), options);
    let plain = of(&[("messages", "[]")], &options);
    assert_eq!(plain, of(&[("messages", "[]"), ("stream", "null"), ("user", "null"), ("metadata", "{}")], &options));
    assert_eq!(plain, of(&[("messages", "[1]"), ("messages", "[]")], &options), "the last one counts");
    assert_eq!(plain, of(&[("messages", "[]"), ("stream", "false")], &options));
    assert_ne!(plain, of(&[("messages", "[]"), ("stream", "true")], &options));
    assert_ne!(plain, of(&[("messages", "[]"), ("user", "\"u\"")], &options));
    assert_ne!(plain, of(&[("messages", "[]")], &KeyOptions { model: "alias", ..options }));
    assert_ne!(plain, of(&[("messages", "[]")], &KeyOptions { tenant: Some("t"), ..options }));
    let file = |name| {
        of(&[("file", "null")], &KeyOptions { file: Some(name), ..KeyOptions::new(CallType::Transcription, "m") })
    };
    assert_ne!(file("a"), file("b"));
}

#[test]
fn items_have_the_keys_of_single_requests() {
    let options = KeyOptions::new(CallType::Embedding, "m");
    let fields = [("input", r#"["a","b"]"#), ("dimensions", "3")];
    let keys = llm_cache::key::item_keys(&fields, &[r#""a""#, r#""b""#], &options);
    assert_eq!(keys[1], key([("dimensions", "3"), ("input", r#""b""#)], &options));
    assert_ne!(keys[0], keys[1]);
}
