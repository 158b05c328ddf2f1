//! Knowledge bases. <https://docs.aws.amazon.com/bedrock/latest/APIReference/API_agent-runtime_Retrieve.html>

mod sync;

use bytes::Bytes;
use llm_types::{Error, Json, Result};
use llm_wire::ReplyView;

use crate::aws::{self, escaped};
use crate::generated;
use crate::params::Params;
use crate::provider::Endpoint;
use crate::resource::Resource;
use crate::stores::{Document, Found, Ingestion, Search, StoreHouse, filled, items, text};

/// The house.
#[derive(Debug)]
pub(super) struct KnowledgeBases;

/// OpenAI's comparisons and AWS's; AWS's own pass.
const OPERATORS: [(&str, &str); 8] = [
    ("eq", "equals"),
    ("ne", "notEquals"),
    ("gt", "greaterThan"),
    ("gte", "greaterThanOrEquals"),
    ("lt", "lessThan"),
    ("lte", "lessThanOrEquals"),
    ("in", "in"),
    ("nin", "notIn"),
];

impl StoreHouse for KnowledgeBases {
    fn search(&self, search: &Search<'_>, resource: &Resource<'_>, out: &mut Endpoint) -> Result<Bytes> {
        let params = resource.params;
        let region = aws::region(params, None);
        let base = resource.api_base.map(|base| base.trim_end_matches('/').to_owned());
        let base = base.unwrap_or_else(|| aws::host("bedrock-agent-runtime", &region));
        out.url = format!("{base}/knowledgebases/{}/retrieve", escaped(search.store));
        out.set("content-type", "application/json")?;
        match generated::BEDROCK.key(resource.api_key, params) {
            Some(key) => out.set("authorization", &format!("Bearer {}", key.expose()))?,
            None => out.auth = Some(aws::auth("bedrock", region, params)),
        }
        let given = ["retrievalConfiguration", "retrieval_configuration"].iter().find_map(|name| search.field(name));
        let mut config = given.cloned().unwrap_or_else(|| Json::Object(Vec::new()));
        let mut vectors = config.get("vectorSearchConfiguration").cloned();
        let mut set = |name: &str, value: Json| {
            vectors.get_or_insert_with(|| Json::Object(Vec::new())).set(name, value);
        };
        if let Some(limit) = search.limit {
            set("numberOfResults", Json::from(limit));
        }
        if let Some(filters) = search.field("filters") {
            set("filter", filter(filters));
        }
        if let Some(vectors) = vectors {
            config.set("vectorSearchConfiguration", vectors);
        }
        let mut body = Json::object([("retrievalQuery", Json::object([("text", Json::from(search.query))]))]);
        if config.as_object().is_some_and(|fields| !fields.is_empty()) {
            body.set("retrievalConfiguration", config);
        }
        Ok(Bytes::from(body.to_string()))
    }

    fn ingest<'a>(&self, document: Document<'a>, resource: Resource<'a>) -> Result<Box<dyn Ingestion + 'a>> {
        Ok(Box::new(sync::Sync::new(document, resource)?))
    }

    fn is_account(&self) -> bool {
        true
    }

    fn found(&self, reply: &Json, _params: &Params) -> Vec<Found> {
        let one = |item: &Json| {
            let said = item.get("content").and_then(|c| c.get("text")).and_then(Json::as_str)?;
            let empty = Json::Object(Vec::new());
            let metadata = item.get("metadata").unwrap_or(&empty);
            let named = |key: &str| filled(text(metadata, key)).unwrap_or_else(|| "unknown".to_owned());
            let source = filled(text(metadata, "x-amz-bedrock-kb-source-uri"));
            let filename = match &source {
                Some(uri) => last(uri),
                None => format!("bedrock-kb-document-{}", named("x-amz-bedrock-kb-data-source-id")), // tidy: provider-id, LiteLLM's word
            };
            Some(Found {
                file_id: source.or_else(|| Some(format!("bedrock-kb-{}", named("x-amz-bedrock-kb-chunk-id")))), // tidy: provider-id, LiteLLM's word
                filename: Some(filename),
                score: item.get("score").and_then(Json::as_f64),
                text: said.to_owned(),
                attributes: metadata.as_object().unwrap_or_default().to_vec(),
            })
        };
        items(reply, "retrievalResults").iter().filter_map(one).collect()
    }

    fn decode_error(&self, reply: &ReplyView<'_>) -> Error {
        llm_wire::bedrock::error::decode(reply)
    }
}

/// The last part of an address, or its host where there is no path.
fn last(uri: &str) -> String {
    let rest = uri.split_once("://").map_or(uri, |(_, rest)| rest);
    rest.trim_end_matches('/').rsplit('/').next().unwrap_or(rest).to_owned()
}

/// Filters in OpenAI's words become AWS's; AWS's own pass.
fn filter(filters: &Json) -> Json {
    let all = [("and", "andAll"), ("or", "orAll")];
    let compound = filters.text("type");
    if let Some((_, own)) = all.iter().find(|(word, _)| compound == Some(*word)) {
        return joined(own, items(filters, "filters"));
    }
    if let Some((list, own)) = all.iter().find_map(|(word, own)| Some((filters.get(word)?.as_array()?, own))) {
        return joined(own, list);
    }
    let operator = filters.text("operator").or(compound);
    match (operator, filters.get("key"), filters.get("value")) {
        (Some(operator), Some(key), Some(value)) => {
            let own = OPERATORS.iter().find(|(word, _)| *word == operator).map_or(operator, |(_, own)| own);
            Json::object([(own, Json::object([("key", key.clone()), ("value", value.clone())]))])
        }
        _ => filters.clone(),
    }
}

/// AWS wants at least two of them joined.
fn joined(own: &str, list: &[Json]) -> Json {
    match list {
        [only] => filter(only),
        several => Json::object([(own, Json::Array(several.iter().map(filter).collect()))]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_are_translated() {
        let said = |text: &str| filter(&serde_json::from_str(text).unwrap()).to_string();
        let one = r#"{"key":"a","value":1,"operator":"gte"}"#;
        assert_eq!(said(one), r#"{"greaterThanOrEquals":{"key":"a","value":1}}"#);
        assert_eq!(said(r#"{"type":"eq","key":"a","value":"b"}"#), r#"{"equals":{"key":"a","value":"b"}}"#);
        assert_eq!(said(&format!("{{\"and\":[{one}]}}")), r#"{"greaterThanOrEquals":{"key":"a","value":1}}"#);
        let two = said(&format!("{{\"type\":\"or\",\"filters\":[{one},{one}]}}"));
        assert!(two.starts_with(r#"{"orAll":[{"greaterThanOrEquals":"#), "{two}");
        let own = r#"{"startsWith":{"key":"a","value":"b"}}"#;
        assert_eq!(said(own), own);
        assert_eq!((last("s3://b/x/y.pdf"), last("https://h/")), ("y.pdf".to_owned(), "h".to_owned()));
    }
}
