//! Corpora of the RAG engine, and data stores and apps of Vertex AI Search.
//! <https://cloud.google.com/vertex-ai/generative-ai/docs/model-reference/rag-api>,
//! <https://cloud.google.com/generative-ai-app-builder/docs/reference/rest/v1/projects.locations.collections.dataStores.servingConfigs/search>

mod upload;

use bytes::Bytes;
use llm_types::{AuthNeed, Error, Json, Result};
use llm_wire::ReplyView;

use super::google_auth;
use super::url::Place;
use crate::aws::escaped;
use crate::params::Params;
use crate::provider::Endpoint;
use crate::resource::Resource;
use crate::stores::{Document, Found, Ingestion, Search, StoreHouse, filled, items, text};

/// How LiteLLM calls the second one: as a model.
pub(super) const SEARCH: &str = "search_api";
const DISCOVERY: &str = "https://discoveryengine.googleapis.com/v1";

/// The RAG engine.
#[derive(Debug)]
pub(super) struct Corpora;

/// Vertex AI Search.
#[derive(Debug)]
pub(super) struct DataStores;

impl StoreHouse for Corpora {
    fn search(&self, search: &Search<'_>, resource: &Resource<'_>, out: &mut Endpoint) -> Result<Bytes> {
        let place = Place::new(resource.params, false);
        out.url = match resource.api_base.map(|base| base.trim_end_matches('/')) {
            Some(base) if base.contains("/projects/") => format!("{base}:retrieveContexts"),
            base => format!("{}:retrieveContexts", place.below(base)),
        };
        signed(resource, out)?;
        let corpus = match search.store {
            path if path.starts_with("projects/") => path.to_owned(),
            id => format!("projects/{}/locations/{}/ragCorpora/{id}", place.project(), place.location()),
        };
        let mut config = Json::Object(Vec::new());
        if let Some(limit) = search.limit {
            config.set("top_k", limit);
        }
        for (name, field) in [("filter", "filters"), ("ranking", "ranking_options")] {
            if let Some(value) = search.field(field) {
                config.set(name, value.clone());
            }
        }
        let mut query = Json::object([("text", Json::from(search.query))]);
        if config.as_object().is_some_and(|fields| !fields.is_empty()) {
            query.set("rag_retrieval_config", config);
        }
        let corpora = Json::Array(vec![Json::object([("rag_corpus", Json::from(corpus))])]);
        let body = Json::object([("vertex_rag_store", Json::object([("rag_resources", corpora)])), ("query", query)]);
        Ok(Bytes::from(body.to_string()))
    }

    fn found(&self, reply: &Json, _params: &Params) -> Vec<Found> {
        let one = |item: &Json| {
            let (uri, name) = (text(item, "sourceUri"), text(item, "sourceDisplayName"));
            let known = ["sourceUri", "sourceDisplayName", "pageSpan"];
            let known = known.iter().filter_map(|key| Some(((*key).to_owned(), item.get(key)?.clone())));
            Found {
                file_id: filled(uri).or_else(|| filled(name)),
                filename: filled(name).or_else(|| Some("Unknown Document".to_owned())),
                score: item.get("score").and_then(Json::as_f64),
                text: text(item, "text").to_owned(),
                attributes: known.collect(),
            }
        };
        let contexts = reply.get("contexts").map(|group| items(group, "contexts")).unwrap_or_default();
        contexts.iter().map(one).collect()
    }

    fn ingest<'a>(&self, document: Document<'a>, resource: Resource<'a>) -> Result<Box<dyn Ingestion + 'a>> {
        Ok(Box::new(upload::Upload::new(document, resource)?))
    }

    fn decode_error(&self, reply: &ReplyView<'_>) -> Error {
        llm_wire::gemini::decode_error(reply)
    }
}

impl StoreHouse for DataStores {
    fn search(&self, search: &Search<'_>, resource: &Resource<'_>, out: &mut Endpoint) -> Result<Bytes> {
        let params = resource.params;
        let place = Place::new(params, false);
        let app = params.str("vertex_app_id").or_else(|| params.str("vertex_engine_id"));
        let collection = params.str("vertex_collection_id").unwrap_or("default_collection");
        let parent =
            format!("projects/{}/locations/{}/collections/{}", place.project(), place.location(), escaped(collection));
        let (kind, id, config) = match app {
            Some(app) => ("engines", app, "default_search"),
            None => ("dataStores", search.store, "default_config"),
        };
        let config = params.str("vertex_serving_config").unwrap_or(config);
        out.url = match resource.api_base.map(|base| base.trim_end_matches('/')) {
            Some(base) => format!("{base}:search"),
            None => {
                format!("{DISCOVERY}/{parent}/{kind}/{}/servingConfigs/{}:search", escaped(id), escaped(config))
            }
        };
        signed(resource, out)?;
        let mut body =
            Json::object([("query", Json::from(search.query)), ("pageSize", Json::from(search.limit.unwrap_or(10)))]);
        if app.is_some() && params.get("vertex_datastores").is_some() {
            let full = |id: &str| match id {
                path if path.starts_with("projects/") => path.to_owned(),
                id => format!("{parent}/dataStores/{id}"),
            };
            let stores = params.strings("vertex_datastores").map(str::trim).filter(|id| !id.is_empty());
            let specs = stores.map(|id| Json::object([("dataStore", Json::from(full(id)))]));
            body.set("dataStoreSpecs", Json::Array(specs.collect()));
        }
        Ok(Bytes::from(body.to_string()))
    }

    fn found(&self, reply: &Json, _params: &Params) -> Vec<Found> {
        let one = |(at, item): (usize, &Json)| {
            let empty = Json::Null;
            let said = item.get("document").and_then(|d| d.get("derivedStructData")).unwrap_or(&empty);
            let (title, link, id) = (text(said, "title"), text(said, "link"), text(item, "id"));
            let snippet = |s: &Json| filled(text(s, "snippet")).or_else(|| filled(text(s, "htmlSnippet")));
            let snippets: Vec<String> = items(said, "snippets").iter().filter_map(snippet).collect();
            let more = ["link", "title", "displayLink", "formattedUrl"];
            let more = more.iter().filter_map(|key| Some(((*key).to_owned(), Json::from(filled(text(said, key))?))));
            let document = ("document_id".to_owned(), Json::from(id));
            Found {
                file_id: filled(link).or_else(|| filled(id)),
                filename: filled(title).or_else(|| Some("Unknown Document".to_owned())),
                // the house tells none: the order is the score
                score: Some(1.0 / (u32::try_from(at + 1).map_or(f64::MAX, f64::from))),
                text: filled(&snippets.join(" ")).unwrap_or_else(|| title.to_owned()),
                attributes: std::iter::once(document).chain(more).collect(),
            }
        };
        items(reply, "results").iter().enumerate().map(one).collect()
    }

    fn decode_error(&self, reply: &ReplyView<'_>) -> Error {
        llm_wire::gemini::decode_error(reply)
    }

    fn price(&self) -> Option<&'static str> {
        Some(SEARCH)
    }
}

fn signed(resource: &Resource<'_>, out: &mut Endpoint) -> Result<()> {
    out.set("content-type", "application/json")?;
    out.auth = Some(AuthNeed::Google(Box::new(google_auth(resource.params))));
    out.set_extra(resource.params)
}
