//! Rerank: scores fixed by query and document, best first.

use serde_json::Value;

use crate::ids::{Sequence, hash};
use crate::prompt::text_field;
use crate::reply::Reply;
use crate::service::Call;
use crate::template::fill;

use super::chat::id;
use super::{frames, json_reply};

pub(super) fn reply(call: &Call<'_>) -> Reply {
    let query = text_field(call.body, "query").unwrap_or_default();
    let documents = call.body.get("documents").and_then(Value::as_array).into_iter().flatten();
    // millionths, so that the order is exact
    let score = |document: &Value| Sequence::new(hash(format!("{query} {document}").as_bytes())).next() % 1_000_000;
    let mut ranked: Vec<(u64, usize, &Value)> =
        documents.enumerate().map(|(index, document)| (score(document), index, document)).collect();
    ranked.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
    let top = call.body.get("top_n").and_then(Value::as_u64).and_then(|n| usize::try_from(n).ok());
    ranked.truncate(top.unwrap_or(usize::MAX));
    let shown = call.body.get("return_documents").and_then(Value::as_bool) == Some(true);
    let results: Vec<String> = ranked
        .into_iter()
        .map(|(score, index, document)| {
            let document = match document {
                _ if !shown => String::new(),
                Value::String(_) => format!(",\"document\":{{\"text\":{document}}}"),
                other => format!(",\"document\":{other}"),
            };
            let values = [("index", index.to_string()), ("score", format!("0.{score:06}")), ("document", document)];
            fill(frames::RANKED, &values.each_ref().map(|(key, value)| (*key, value.as_str())))
        })
        .collect();
    json_reply(fill(frames::RERANK, &[("id", &id(call)), ("results", &results.join(","))]))
}
