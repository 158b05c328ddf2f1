//! `data/fields.toml` says what becomes of every field of a chat request in every language; the codecs agree.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failure is a failed test")]

use bytes::BytesMut;
use llm_types::{FieldSet, Format, Json};
use llm_wire::registry::{client_generate, upstream_generate};
use llm_wire::{EncodeContext, ModelCaps, RequestView};
use serde::Deserialize;

#[derive(Deserialize)]
struct Table {
    formats: Vec<String>,
    field: Vec<Row>,
}

#[derive(Deserialize)]
struct Row {
    name: String,
    example: String,
    with: Option<String>,
    #[serde(default)]
    left_out: Vec<String>,
}

/// A model that can do everything: what is left out is left out because of the language.
fn context(model: &str) -> EncodeContext<'_> {
    let caps = ModelCaps {
        known: true,
        max_output_tokens: Some(64_000),
        structured_output: true,
        reasoning: true,
        effort_none: true,
        effort_minimal: true,
        forced_tool_use: true,
        sampling_params: true,
        vision: true,
        tools: true,
        legacy_thinking: true,
        ..ModelCaps::default()
    };
    EncodeContext { caps, drop_params: true, allowed: FieldSet::EMPTY, ..EncodeContext::for_model(model) }
}

/// The request in a language, and what was lost on the way.
fn encoded(format: Format, body: &Json) -> (Vec<u8>, Vec<String>) {
    let client = client_generate(Format::OpenAiChat).unwrap();
    let text = body.to_string();
    let request = client.decode_request(&RequestView { path: "", query: "", body: text.as_bytes() }).unwrap();
    let mut ctx = context("some-model");
    let mut out = BytesMut::new();
    let codec = upstream_generate(format).unwrap_or_else(|| panic!("{format} has no codec"));
    match codec.encode_request(&request, &mut ctx, &mut out) {
        Ok(()) => (out.to_vec(), ctx.lost),
        Err(error) => (Vec::new(), vec![error.message]),
    }
}

#[test]
fn the_table_says_what_the_codecs_do() {
    let table = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../data/fields.toml")).unwrap();
    let table: Table = toml::from_str(&table).unwrap();
    let mut wrong = Vec::new();
    for row in &table.field {
        let mut plain: Json =
            serde_json::from_str(r#"{"model":"m","messages":[{"role":"user","content":"hi"}]}"#).unwrap();
        let with: Json = row.with.as_deref().map_or(Json::Null, |with| serde_json::from_str(with).unwrap());
        for (name, value) in with.as_object().unwrap_or_default() {
            plain.set(name, value.clone());
        }
        let mut with_field = plain.clone();
        with_field.set(&row.name, serde_json::from_str::<Json>(&row.example).unwrap());
        let left_out: Vec<String> = table
            .formats
            .iter()
            .filter(|name| {
                let format = Format::from_name(name).unwrap();
                let (before, _) = encoded(format, &plain);
                let (after, _) = encoded(format, &with_field);
                after.is_empty() || before == after
            })
            .cloned()
            .collect();
        if left_out != row.left_out {
            wrong.push(format!("{}: left_out = {left_out:?}", row.name));
        }
    }
    assert!(wrong.is_empty(), "the codecs say otherwise:\n{}", wrong.join("\n"));
}
