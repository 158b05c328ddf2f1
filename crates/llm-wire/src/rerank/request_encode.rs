//! Requests.

use bytes::Bytes;
use llm_types::{Error, Json, Result};

use super::Wants;
use crate::task::{TaskBody, TaskOut, TaskRequest};

pub(super) fn encode(wants: Wants, request: &TaskRequest, model: &str) -> Result<TaskOut> {
    let missing = |name: &str| Error::bad_request(format!("Missing required parameter: '{name}'.")).with_param(name);
    let query = request.fields.get("query").filter(|q| !q.is_null()).ok_or_else(|| missing("query"))?;
    let documents = request.fields.get("documents").and_then(Json::as_array).ok_or_else(|| missing("documents"))?;
    let mut rest: Vec<(String, Json)> = request.fields.as_object().unwrap_or_default().to_vec();
    rest.retain(|(name, value)| !value.is_null() && name != "query" && name != "documents");
    let body = match wants {
        Wants::Cohere => plain(model, query, documents, rest),
        Wants::TopK => plain(model, query, documents, renamed(rest, &[("top_n", "top_k")])),
        Wants::Tei => tei(query, documents, renamed(rest, &[("return_documents", "return_text")])),
        Wants::Passages => passages(model, query, documents, renamed(rest, &[("top_n", "top_k")])),
        Wants::Pairs => {
            let queries = Json::Array(documents.iter().map(|_| query.clone()).collect());
            let head = [("queries", queries), ("documents", Json::Array(documents.to_vec()))];
            with(Json::object(head), rest)
        }
        Wants::Inputs => inputs(model, query, documents, rest),
        Wants::Records => records(model, query, documents, &rest),
    };
    Ok(TaskOut { body: TaskBody::Json(Bytes::from(body.to_string())), ..TaskOut::default() })
}

fn plain(model: &str, query: &Json, documents: &[Json], rest: Vec<(String, Json)>) -> Json {
    let documents = Json::Array(documents.to_vec());
    with(Json::object([("model", Json::from(model)), ("query", query.clone()), ("documents", documents)]), rest)
}

fn tei(query: &Json, documents: &[Json], rest: Vec<(String, Json)>) -> Json {
    let head = [
        ("raw_scores", Json::Bool(false)),
        ("truncate", Json::Bool(false)),
        ("truncation_direction", Json::from("Right")),
        ("query", query.clone()),
        ("texts", Json::Array(documents.to_vec())),
    ];
    with(Json::object(head), rest)
}

fn passages(model: &str, query: &Json, documents: &[Json], rest: Vec<(String, Json)>) -> Json {
    let passages = documents.iter().map(object_with_text).collect();
    let head = [
        ("model", Json::from(versioned(model))),
        ("query", object_with_text(query)),
        ("passages", Json::Array(passages)),
    ];
    with(Json::object(head), rest)
}

fn inputs(model: &str, query: &Json, documents: &[Json], rest: Vec<(String, Json)>) -> Json {
    let mut options: Vec<(String, Json)> = Vec::new();
    let mut parameters: Vec<(String, Json)> = Vec::new();
    let mut beside: Vec<(String, Json)> = Vec::new();
    for (name, value) in rest {
        match name.as_str() {
            "top_n" => options.push((name, value)),
            "return_documents" => options.push(("inputs".to_owned(), value)),
            "max_tokens_per_doc" => parameters.push(("truncate_input_tokens".to_owned(), value)),
            _ => beside.push((name, value)),
        }
    }
    if !options.is_empty() {
        parameters.push(("return_options".to_owned(), Json::Object(options)));
    }
    let inputs = documents.iter().map(object_with_text).collect();
    let head = [
        ("model_id", Json::from(model)),
        ("inputs", Json::Array(inputs)),
        ("query", query.clone()),
        ("parameters", Json::Object(parameters)),
    ];
    with(Json::object(head), beside)
}

/// Texts without a title are known by their first words.
fn records(model: &str, query: &Json, documents: &[Json], rest: &[(String, Json)]) -> Json {
    let record = |(at, document): (usize, &Json)| {
        let text = document.as_str().or_else(|| document.get("text")?.as_str()).unwrap_or_default();
        let own = document.text("title").map(str::to_owned);
        let title = own.unwrap_or_else(|| text.split_whitespace().take(3).collect::<Vec<_>>().join(" "));
        Json::object([("id", Json::from(at.to_string())), ("title", Json::from(title)), ("content", Json::from(text))])
    };
    let given = |name: &str| rest.iter().find(|(n, _)| n == name).map(|(_, value)| value);
    let mut body = Json::object([
        ("model", Json::from(model)),
        ("query", query.clone()),
        ("records", Json::Array(documents.iter().enumerate().map(record).collect())),
    ]);
    if let Some(top) = given("top_n") {
        body.set("topN", top.clone());
    }
    if let Some(shown) = given("return_documents").and_then(Json::as_bool) {
        body.set("ignoreRecordDetailsInResponse", Json::Bool(!shown));
    }
    body
}

/// A text as an object; objects stay.
fn object_with_text(value: &Json) -> Json {
    match value.as_str() {
        Some(text) => Json::object([("text", text)]),
        None => value.clone(),
    }
}

/// Names in URLs write versions with an underline, bodies with a dot: `llama-3_2` is `llama-3.2`.
fn versioned(model: &str) -> String {
    let digit = |b: Option<&u8>| b.is_some_and(u8::is_ascii_digit);
    let bytes = model.as_bytes();
    let one = |(at, c): (usize, char)| {
        let between = at > 0 && digit(bytes.get(at - 1)) && digit(bytes.get(at + 1));
        if c == '_' && between { '.' } else { c }
    };
    model.char_indices().map(one).collect()
}

fn renamed(mut fields: Vec<(String, Json)>, names: &[(&str, &str)]) -> Vec<(String, Json)> {
    for (name, _) in &mut fields {
        if let Some((_, to)) = names.iter().find(|(from, _)| from == name) {
            *name = (*to).to_owned();
        }
    }
    fields
}

/// A body with what else the client said.
fn with(mut body: Json, rest: Vec<(String, Json)>) -> Json {
    body.extend(rest);
    body
}
