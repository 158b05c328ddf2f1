//! Requests of chat clients, and what is sent for them. A case is a file:
//! `{"caps": {...}, "drop_params": bool, "modify_params": bool, "allowed": [...], "count": bool, "chat": {...}}` and the
//! expected `sent` or `error`, `lost`, `betas`, `hints`.

use std::path::Path;

use bytes::BytesMut;
use llm_types::{Field, FieldSet, Json};

use super::{files, json, name};
use crate::anthropic::Messages;
use crate::codec::{ClientCodec, EncodeContext, Generate, Hints, ModelCaps, RequestView, UpstreamCodec};
use crate::count::CountCodec as _;
use crate::openai::chat::Chat;

fn caps(case: &Json) -> ModelCaps {
    let given = case.get("caps").cloned().unwrap_or_else(|| Json::Object(Vec::new()));
    let flag = |key: &str, default: bool| given.get(key).and_then(Json::as_bool).unwrap_or(default);
    ModelCaps {
        known: flag("known", true),
        max_output_tokens: given.get("max_output_tokens").and_then(Json::as_i64).and_then(|n| u64::try_from(n).ok()),
        structured_output: flag("structured_output", false),
        reasoning: flag("reasoning", true),
        adaptive_thinking: flag("adaptive_thinking", false),
        legacy_thinking: flag("legacy_thinking", false),
        effort_xhigh: flag("effort_xhigh", false),
        effort_max: flag("effort_max", false),
        forced_tool_use: flag("forced_tool_use", true),
        sampling_params: flag("sampling_params", true),
        mid_system: flag("mid_system", false),
        speed: flag("speed", false),
        ..ModelCaps::default()
    }
}

fn run(case: &Json) -> Vec<(&'static str, Json)> {
    let chat = case.get("chat").unwrap().to_string();
    let view = RequestView { path: "", query: "", body: chat.as_bytes() };
    let req = ClientCodec::<Generate>::decode_request(&Chat, &view).unwrap();
    let is = |key: &str| case.get(key).and_then(Json::as_bool).unwrap_or(false);
    let allowed = case.get("allowed").and_then(Json::as_array).unwrap_or_default();
    let mut ctx = EncodeContext {
        model: "claude-test",
        provider: "anthropic",
        caps: caps(case),
        drop_params: is("drop_params"),
        modify_params: is("modify_params"),
        allowed: allowed.iter().filter_map(|f| Field::from_name(f.as_str()?)).collect::<FieldSet>(),
        lost: Vec::new(),
        hints: Hints::default(),
        betas: Vec::new(),
    };
    let mut out = BytesMut::new();
    let done = match is("count") {
        true => Messages.encode(&req, &mut ctx, &mut out),
        false => Messages.encode_request(&req, &mut ctx, &mut out),
    };
    if let Err(e) = done {
        return vec![("error", Json::object([("kind", format!("{:?}", e.kind)), ("message", e.message)]))];
    }
    let texts = |list: &[String]| Json::Array(list.iter().map(|t| Json::from(t.as_str())).collect());
    let mut got = vec![("sent", json(&out))];
    if !ctx.lost.is_empty() {
        got.push(("lost", texts(&ctx.lost)));
    }
    if !ctx.betas.is_empty() {
        got.push(("betas", Json::Array(ctx.betas.iter().map(|b| Json::from(*b)).collect())));
    }
    if ctx.hints != Hints::default() {
        got.push(("hints", Json::from(format!("{:?}", ctx.hints))));
    }
    got
}

#[test]
fn requests_of_chat_clients() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/anthropic/tests/cases");
    let found = files(&folder, ".json");
    assert!(found.len() > 30, "cases are missing");
    for path in found {
        let case = json(&std::fs::read(&path).unwrap());
        let outcome = ["sent", "error", "lost", "betas", "hints"];
        let mut given: Vec<(String, Json)> = case.as_object().unwrap().to_vec();
        given.retain(|(k, _)| !outcome.contains(&k.as_str()));
        given.extend(run(&case).into_iter().map(|(k, v)| (k.to_owned(), v)));
        let got = Json::Object(given);
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(&path, serde_json::to_string_pretty(&got).unwrap() + "\n").unwrap();
        } else {
            assert_eq!(got, case, "{}", name(&path));
        }
    }
}
