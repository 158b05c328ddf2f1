//! File search stores: a model is asked with the tool, and tells what the tool found.
//! <https://ai.google.dev/gemini-api/docs/file-search>

mod upload;

use bytes::Bytes;
use llm_types::{Error, Json, Result};
use llm_wire::ReplyView;

use super::HOME;
use crate::endpoint::no_key;
use crate::generated;
use crate::params::Params;
use crate::provider::Endpoint;
use crate::resource::Resource;
use crate::stores::{Document, Found, Ingestion, Search, StoreHouse, filled, items, text};

/// The model that searches, when nobody names another one.
const MODEL: &str = "gemini-2.5-flash"; // tidy: provider-id, the name of a model

/// The house.
#[derive(Debug)]
pub(super) struct FileSearch;

impl StoreHouse for FileSearch {
    fn search(&self, search: &Search<'_>, resource: &Resource<'_>, out: &mut Endpoint) -> Result<Bytes> {
        let model = self.model(resource.params).unwrap_or_default();
        out.url = format!("{}/v1beta/models/{model}:generateContent", base(resource));
        shown(resource, out)?;
        let mut tool = Json::object([("file_search_store_names", Json::Array(vec![Json::from(search.store)]))]);
        if let Some(filters) = search.field("filters") {
            tool.set("metadata_filter", filter(filters));
        }
        if let Some(limit) = search.limit {
            tool.set("top_k", limit);
        }
        let part = Json::object([("text", Json::from(search.query))]);
        let body = Json::object([
            ("contents", Json::Array(vec![Json::object([("parts", Json::Array(vec![part]))])])),
            ("tools", Json::Array(vec![Json::object([("file_search", tool)])])),
        ]);
        Ok(Bytes::from(body.to_string()))
    }

    fn found(&self, reply: &Json, _params: &Params) -> Vec<Found> {
        let mut out: Vec<Found> = Vec::new();
        for grounding in items(reply, "candidates").iter().filter_map(|c| c.get("groundingMetadata")) {
            for context in items(grounding, "groundingChunks").iter().filter_map(|c| c.get("retrievedContext")) {
                let (uri, title) = (text(context, "uri"), text(context, "title"));
                out.push(Found {
                    file_id: filled(uri),
                    filename: filled(title),
                    score: None,
                    text: text(context, "text").to_owned(),
                    attributes: vec![("uri".to_owned(), Json::from(uri)), ("title".to_owned(), Json::from(title))],
                });
            }
            for support in items(grounding, "groundingSupports") {
                let said = support.get("segment").map(|s| text(s, "text")).unwrap_or_default();
                if said.is_empty() || out.iter().any(|known| known.text == said) {
                    continue;
                }
                let chunks = Json::Array(items(support, "groundingChunkIndices").to_vec());
                out.push(Found {
                    score: items(support, "confidenceScores").first().and_then(Json::as_f64),
                    text: said.to_owned(),
                    attributes: vec![("grounding_chunk_indices".to_owned(), chunks)],
                    ..Found::default()
                });
            }
        }
        out
    }

    fn decode_error(&self, reply: &ReplyView<'_>) -> Error {
        llm_wire::gemini::decode_error(reply)
    }

    fn ingest<'a>(&self, document: Document<'a>, resource: Resource<'a>) -> Result<Box<dyn Ingestion + 'a>> {
        Ok(Box::new(upload::Upload::new(document, resource)?))
    }

    fn model(&self, params: &Params) -> Option<String> {
        let named = params.str("store_model").unwrap_or(MODEL);
        Some(named.rsplit('/').next().unwrap_or(named).to_owned())
    }
}

/// The host, without a version.
pub(super) fn base(resource: &Resource<'_>) -> String {
    let base = generated::GEMINI.base(resource.api_base, resource.params).unwrap_or_else(|| HOME.into());
    let base = base.trim_end_matches('/');
    ["/v1beta", "/v1alpha", "/v1"].iter().find_map(|v| base.strip_suffix(v)).unwrap_or(base).to_owned()
}

/// The key, and what JSON needs.
pub(super) fn shown(resource: &Resource<'_>, out: &mut Endpoint) -> Result<()> {
    let row = &generated::GEMINI;
    let key = row.key(resource.api_key, resource.params).ok_or_else(|| no_key(row))?;
    out.set("x-goog-api-key", key.expose())?;
    out.set("content-type", "application/json")?;
    out.set_extra(resource.params)
}

/// A condition in Google's words: fields of an object are joined, a text passes.
fn filter(filters: &Json) -> String {
    let Some(fields) = filters.as_object() else {
        return filters.as_str().map_or_else(|| filters.to_string(), str::to_owned);
    };
    let one = |(name, value): &(String, Json)| format!("{name} = {value}");
    fields.iter().map(one).collect::<Vec<_>>().join(" AND ")
}
