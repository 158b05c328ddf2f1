//! Judgements: texts that speak of killing are violent, others are nothing.

use serde_json::Value;

use crate::prompt::{text_field, text_of};
use crate::reply::Reply;
use crate::service::Call;
use crate::template::{fill, quote};

use super::super::json_reply;
use super::frames;

const CATEGORIES: &[&str] = &[
    "harassment",
    "harassment/threatening",
    "sexual",
    "hate",
    "hate/threatening",
    "illicit",
    "illicit/violent",
    "self-harm/intent",
    "self-harm/instructions",
    "self-harm",
    "sexual/minors",
    "violence",
    "violence/graphic",
];

pub(super) fn reply(call: &Call<'_>) -> Reply {
    let texts = match call.body.get("input") {
        // parts of one thing, text beside pictures
        Some(parts @ Value::Array(items)) if items.iter().any(Value::is_object) => vec![text_of(parts)],
        Some(Value::Array(items)) => items.iter().map(text_of).collect(),
        Some(text) => vec![text_of(text)],
        None => Vec::new(),
    };
    let results: Vec<String> = texts.iter().map(|text| judged(text)).collect();
    let model = match text_field(call.body, "model") {
        None => "omni-moderation-latest",
        Some(model) => model,
    };
    let id = quote(&format!("modr-{}", call.word("id", 12)));
    let values = [("id", id), ("model", quote(model)), ("results", results.join(","))];
    json_reply(call, fill(frames::MODERATION, &values.each_ref().map(|(key, value)| (*key, value.as_str()))))
}

fn judged(text: &str) -> String {
    let bad = text.contains("kill");
    let rows = |value: &dyn Fn(bool) -> &'static str| {
        let row = |name: &&str| format!("\n        \"{name}\": {}", value(bad && *name == "violence"));
        CATEGORIES.iter().map(row).collect::<Vec<String>>().join(",")
    };
    let values = [
        ("flagged", bad.to_string()),
        ("categories", rows(&|hit| if hit { "true" } else { "false" })),
        ("scores", rows(&|hit| if hit { "0.9312" } else { "0.0000125" })),
        ("types", rows(&|_| "[\"text\"]")),
    ];
    fill(frames::JUDGED, &values.each_ref().map(|(key, value)| (*key, value.as_str())))
}
