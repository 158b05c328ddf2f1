//! `logprobsResult` to OpenAI's logprobs and back.

use bytes::{BufMut, BytesMut};
use llm_types::{Json, RawJson};
use serde_json::value::RawValue;

use crate::openai::object::{Arr, Obj};
use crate::openai::wire::{List, Text, view};

view!(lenient ResultIn {
    chosen = "chosenCandidates": List<TokenIn<'a>>,
    top = "topCandidates": List<TopIn<'a>>,
});

view!(lenient TopIn {
    candidates = "candidates": List<TokenIn<'a>>,
});

view!(lenient TokenIn {
    token = "token": Text<'a>,
    logprob = "logProbability": Option<&'a RawValue>,
});

/// OpenAI's logprobs object; nothing when no token was chosen.
pub(super) fn decode(raw: &str) -> Option<RawJson> {
    let view: ResultIn<'_> = serde_json::from_str(raw).ok()?;
    let chosen = view.chosen.0.filter(|list| !list.is_empty())?;
    let tops = view.top.0.unwrap_or_default();
    let mut out = BytesMut::new();
    {
        let mut obj = Obj::open(&mut out);
        let mut list = obj.arr("content");
        for (at, token) in chosen.iter().enumerate() {
            let mut entry = list.obj();
            write(token, &mut entry);
            let mut top = entry.arr("top_logprobs");
            let others = tops.get(at).and_then(|t| t.candidates.0.as_deref()).unwrap_or_default();
            others.iter().for_each(|other| write(other, &mut top.obj()));
        }
    }
    RawJson::parse(String::from_utf8_lossy(&out).into_owned()).ok()
}

fn write(token: &TokenIn<'_>, obj: &mut Obj<'_>) {
    obj.str("token", token.token.0.as_deref().unwrap_or_default());
    obj.text("logprob", token.logprob.map_or("0", RawValue::get));
}

/// Writes `logprobsResult` of OpenAI's object.
pub(super) fn encode(logprobs: &str, obj: &mut Obj<'_>) {
    let tree: Json = serde_json::from_str(logprobs).unwrap_or_default();
    let Some(content) = tree.get("content").and_then(Json::as_array) else { return };
    let mut out = obj.obj("logprobsResult");
    let mut chosen = out.arr("chosenCandidates");
    content.iter().for_each(|token| entry(token, &mut chosen));
    drop(chosen);
    let mut tops = out.arr("topCandidates");
    for token in content {
        let mut top = tops.obj();
        let mut list = top.arr("candidates");
        let others = token.get("top_logprobs").and_then(Json::as_array).unwrap_or_default();
        others.iter().for_each(|other| entry(other, &mut list));
    }
}

fn entry(token: &Json, list: &mut Arr<'_>) {
    let mut obj = list.obj();
    obj.str("token", token.text("token").unwrap_or_default());
    let number = token.get("logprob").map_or_else(|| "0".to_owned(), ToString::to_string);
    obj.key("logProbability").put_slice(number.as_bytes());
}
