//! Rerank: scores fixed by query and document, best first.

use serde_json::Value;

use crate::ids::{Sequence, hash, tokens};
use crate::prompt::{Prompt, characters, text_field};
use crate::reply::{Payload, Reply};
use crate::service::Call;
use crate::template::{fill, quote};
use crate::wording::Invalid;

/// What such a request asks for: the query is what was said.
pub(crate) fn prompt(body: &Value) -> Prompt {
    let mut prompt = Prompt {
        model: text_field(body, "model").unwrap_or_default().to_owned(),
        characters: ["query", "documents"].iter().filter_map(|name| body.get(name)).map(characters).sum(),
        ..Prompt::default()
    };
    prompt.set_user_text(text_field(body, "query").unwrap_or_default());
    prompt
}

/// How a service lists results.
#[derive(Debug)]
pub(crate) struct Listing {
    /// One result, with `@index@`, `@score@` and `@document@`.
    pub(crate) row: &'static str,
    /// The field that says how many are wanted.
    pub(crate) limit: &'static str,
    /// Whether documents are among them unless the request says so.
    pub(crate) shown: bool,
    /// A text as a document, with `@text@`.
    pub(crate) document: &'static str,
}

/// The results in the order of their scores.
pub(crate) fn results(call: &Call<'_>, listing: &Listing) -> String {
    let query = text_field(call.body, "query").unwrap_or_default();
    let documents = call.body.get("documents").and_then(Value::as_array).into_iter().flatten();
    // millionths, so that the order is exact
    let score = |document: &Value| Sequence::new(hash(format!("{query} {document}").as_bytes())).next() % 1_000_000;
    let mut ranked: Vec<(u64, usize, &Value)> =
        documents.enumerate().map(|(index, document)| (score(document), index, document)).collect();
    ranked.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
    let top = call.body.get(listing.limit).and_then(Value::as_u64).and_then(|n| usize::try_from(n).ok());
    ranked.truncate(top.unwrap_or(usize::MAX));
    let shown = call.body.get("return_documents").and_then(Value::as_bool).unwrap_or(listing.shown);
    let results: Vec<String> = ranked
        .into_iter()
        .map(|(score, index, document)| {
            let document = match document {
                _ if !shown => String::new(),
                Value::String(_) => {
                    format!(",\"document\":{}", fill(listing.document, &[("text", &document.to_string())]))
                }
                other => format!(",\"document\":{other}"),
            };
            let values = [("index", index.to_string()), ("score", format!("0.{score:06}")), ("document", document)];
            fill(listing.row, &values.each_ref().map(|(key, value)| (*key, value.as_str())))
        })
        .collect();
    results.join(",")
}

/// The whole reply: `frame` with `@model@`, `@tokens@` and `@results@`.
pub(crate) fn rerank(call: &Call<'_>, frame: &str, listing: &Listing) -> Reply {
    let model = quote(text_field(call.body, "model").unwrap_or_default());
    let values = [("model", model.as_str()), ("tokens", &read(call)), ("results", &results(call, listing))];
    let headers = vec![("content-type", "application/json".to_owned())];
    Reply { status: 200, headers, payload: Payload::Whole(fill(frame, &values).into()) }
}

/// Tokens read: of the query once for each document, and of the documents.
pub(crate) fn read(call: &Call<'_>) -> String {
    call.script.prompt_tokens.unwrap_or_else(|| tokens(call.prompt.characters).max(1)).to_string()
}

/// What all these services ask for: a model, a query, documents.
pub(crate) fn check(body: &Value) -> Result<(), Invalid> {
    for name in ["model", "query"] {
        if text_field(body, name).is_none_or(str::is_empty) {
            return Err(Invalid::new(format!("The request is missing the argument '{name}'.")));
        }
    }
    if body.get("documents").and_then(Value::as_array).is_none_or(Vec::is_empty) {
        return Err(Invalid::new("The request is missing the argument 'documents', a list that is not empty."));
    }
    Ok(())
}
