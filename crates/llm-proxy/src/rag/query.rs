//! A question is answered from a vector store: what is found there, best first, is told to the model before it.

use std::sync::Arc;

use bytes::Bytes;
use http::Response;
use http::header::{CONTENT_LENGTH, HeaderValue};
use llm_accounts::Identity;
use llm_providers::resource::DEFAULT;
use llm_types::{Error, Format, Json, OperationKind, Result};
use llm_wire::top::Top;
use serde_json::value::RawValue;

use super::inside;
use crate::answer::tell_own;
use crate::body::Reply;
use crate::core::Core;
use crate::flow::Context;
use crate::inner::{self, Failed};

/// Results of a search, and of a rerank, when nobody says, as in LiteLLM.
const TOP_K: u64 = 10;
const TOP_N: u64 = 5;

/// Answers.
pub(super) async fn answer(
    core: &Core,
    ctx: &Context,
    who: &Arc<Identity>,
    top: &Top<'_>,
) -> Result<Response<Reply>, Failed> {
    let mut messages: Vec<Box<RawValue>> = top
        .get("messages")
        .and_then(|raw| serde_json::from_str(raw).ok())
        .ok_or_else(|| Error::bad_request("messages must be a list").with_param("messages"))?;
    let last = messages.pop().ok_or_else(no_query)?;
    let question = question(last.get()).ok_or_else(no_query)?;
    let config = top.read::<Json>("retrieval_config").unwrap_or_default();
    let found = search(core, ctx, who, &config, &question).await?;
    let results = found.get("data").and_then(Json::as_array).unwrap_or_default();
    let rerank = top.read::<Json>("rerank").unwrap_or_default();
    let order = reranked(core, ctx, who, &rerank, &question, results).await?;
    let best: Vec<&Json> = match &order {
        Some(order) => best(order, results),
        None => results.iter().collect(),
    };
    let context = Json::object([("role", "user"), ("content", context(&best).as_str())]).to_raw();

    let all: Vec<&str> = messages.iter().map(|m| m.get()).chain([context.get(), last.get()]).collect();
    let list = format!("[{}]", all.join(","));
    let edits = [("messages", Some(list.as_str())), ("retrieval_config", None), ("rerank", None)];
    let body = top.edited(&edits);
    let response = inner::model(core, ctx, who, (OperationKind::Generate, Format::OpenAiChat), &body).await?;
    Ok(with_sources(response, &found, order.as_ref()))
}

fn no_query() -> Error {
    Error::bad_request("No query found in messages for RAG query").with_param("messages")
}

/// The text of the last message: all of it, or its first part of text.
fn question(message: &str) -> Option<String> {
    let message: Json = serde_json::from_str(message).ok()?;
    let content = message.get("content")?;
    let text = match content {
        Json::Array(parts) => parts.iter().find_map(|p| p.get("text")?.as_str())?,
        text => text.as_str()?,
    };
    Some(text.to_owned()).filter(|t| !t.is_empty())
}

async fn search(core: &Core, ctx: &Context, who: &Arc<Identity>, config: &Json, query: &str) -> Result<Json, Failed> {
    let missing = || Error::bad_request("retrieval_config needs a 'vector_store_id'").with_param("retrieval_config");
    let store = config.text("vector_store_id").ok_or_else(missing)?;
    let provider = config.text("custom_llm_provider").unwrap_or(DEFAULT);
    let most = config.get("top_k").filter(|k| !k.is_null()).cloned().unwrap_or_else(|| Json::from(TOP_K));
    let mut body = Json::object([("query", Json::from(query)), ("max_num_results", most)]);
    for name in ["filters", "ranking_options", "rewrite_query"] {
        if let Some(value) = config.get(name) {
            body.set(name, value.clone());
        }
    }
    let path = format!("/v1/vector_stores/{}/search", super::segment(store)?);
    inside::kept(core, ctx, who, &path, provider, inside::json(&body)).await
}

/// What a reranking model says of the results; nothing when none is wished.
async fn reranked(
    core: &Core,
    ctx: &Context,
    who: &Arc<Identity>,
    wish: &Json,
    query: &str,
    results: &[Json],
) -> Result<Option<Json>, Failed> {
    if wish.get("enabled").and_then(Json::as_bool) != Some(true) || results.is_empty() {
        return Ok(None);
    }
    let missing = || Error::bad_request("rerank needs a 'model'").with_param("rerank");
    let model = wish.text("model").ok_or_else(missing)?;
    let most = wish.get("top_n").filter(|n| !n.is_null()).cloned().unwrap_or_else(|| Json::from(TOP_N));
    // One document for each result: the places in the answer are those of the results.
    let documents = results.iter().map(|result| Json::from(texts(result).join("\n\n"))).collect();
    let body = Json::object([
        ("model", Json::from(model)),
        ("query", Json::from(query)),
        ("documents", Json::Array(documents)),
        ("top_n", most),
    ]);
    inner::whole(core, ctx, who, (OperationKind::Rerank, Format::CohereRerank), &body).await.map(Some)
}

fn best<'r>(order: &Json, results: &'r [Json]) -> Vec<&'r Json> {
    let places = order.get("results").and_then(Json::as_array).unwrap_or_default();
    let place = |r: &Json| r.get("index").and_then(Json::as_f64).filter(|n| *n >= 0.0).map(|n| n as usize);
    places.iter().filter_map(place).filter_map(|at| results.get(at)).collect()
}

fn texts(result: &Json) -> Vec<&str> {
    match result.get("content").and_then(Json::as_array) {
        Some(parts) => parts.iter().filter_map(|p| p.get("text")?.as_str()).filter(|t| !t.is_empty()).collect(),
        None => result.text("text").into_iter().collect(),
    }
}

/// What the model is told, in LiteLLM's words.
fn context(results: &[&Json]) -> String {
    let mut out = String::from("Context:\n\n");
    for text in results.iter().flat_map(|r| texts(r)) {
        out.push_str(text);
        out.push_str("\n\n");
    }
    out
}

/// A whole answer tells what it was made from.
fn with_sources(response: Response<Reply>, found: &Json, order: Option<&Json>) -> Response<Reply> {
    let (mut head, body) = response.into_parts();
    let body = match body {
        Reply::Whole(bytes) => {
            let bytes = told(&bytes, found, order).unwrap_or(bytes);
            head.headers.insert(CONTENT_LENGTH, HeaderValue::from(bytes.len()));
            Reply::Whole(bytes)
        }
        stream => stream,
    };
    Response::from_parts(head, body)
}

fn told(answer: &Bytes, found: &Json, order: Option<&Json>) -> Option<Bytes> {
    let mut tree: Json = serde_json::from_slice(answer).ok()?;
    let Json::Object(fields) = &mut tree else { return None };
    let Json::Array(choices) = &mut fields.iter_mut().find(|(name, _)| name == "choices")?.1 else { return None };
    for choice in choices {
        let Json::Object(fields) = choice else { continue };
        let Some((_, message)) = fields.iter_mut().find(|(name, _)| name == "message") else { continue };
        let order = order.map(|order| ("rerank_results", order.clone()));
        tell_own(message, [("search_results", found.clone())].into_iter().chain(order));
    }
    Some(Bytes::from(tree.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(text: &str) -> Json {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn the_last_message_is_the_question() {
        assert_eq!(question(r#"{"role":"user","content":"a?"}"#).as_deref(), Some("a?"));
        let parts = r#"{"content":[{"type":"image_url"},{"type":"text","text":"b?"},{"type":"text","text":"c"}]}"#;
        assert_eq!(question(parts).as_deref(), Some("b?"));
        assert_eq!(question(r#"{"role":"user","content":""}"#), None);
    }

    #[test]
    fn results_become_a_context_in_the_order_of_the_rerank() {
        let found = json(r#"[{"content":[{"type":"text","text":"one"},{"text":"two"}]},{"text":"three"}]"#);
        let results = found.as_array().unwrap();
        let order = json(r#"{"results":[{"index":1},{"index":7},{"index":0}]}"#);
        assert_eq!(context(&best(&order, results)), "Context:\n\nthree\n\none\n\ntwo\n\n");
        assert_eq!(context(&[]), "Context:\n\n");
    }

    #[test]
    fn an_answer_tells_its_sources() {
        let answer = Bytes::from_static(br#"{"id":"c","choices":[{"message":{"content":"x"}}]}"#);
        let out = told(&answer, &json("[1]"), Some(&json("[2]"))).unwrap();
        let expected = r#"{"id":"c","choices":[{"message":{"content":"x","provider_specific_fields":{"search_results":[1],"rerank_results":[2]}}}]}"#;
        assert_eq!(out, expected);
        assert!(told(&Bytes::from_static(b"[]"), &json("1"), None).is_none());
    }
}
