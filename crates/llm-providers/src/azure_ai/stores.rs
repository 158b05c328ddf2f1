//! Azure AI Search. <https://learn.microsoft.com/en-us/rest/api/searchservice/documents/search-post>

use bytes::Bytes;
use llm_types::{Error, Json, Result};
use llm_wire::ReplyView;

use crate::aws::escaped;
use crate::azure::entra::{Directory, directory_for};
use crate::endpoint::no_key;
use crate::generated;
use crate::params::Params;
use crate::provider::Endpoint;
use crate::resource::Resource;
use crate::stores::{Embedder, Found, Search, StoreHouse, but, filled, items, text};

const VERSION: &str = "2024-07-01";
/// Whom tokens are for.
const SCOPE: &str = "https://search.azure.com/.default";

/// The house.
#[derive(Debug)]
pub(super) struct Indexes;

impl StoreHouse for Indexes {
    fn embedder(&self, params: &Params) -> Result<Option<Embedder>> {
        Embedder::configured(params).map(Some)
    }

    fn search(&self, search: &Search<'_>, resource: &Resource<'_>, out: &mut Endpoint) -> Result<Bytes> {
        let (row, params) = (&generated::AZURE_AI, resource.params);
        let own = resource.api_base.map(|base| base.trim_end_matches('/').to_owned());
        let named = params.str("azure_search_service_name").map(|n| format!("https://{n}.search.windows.net"));
        let base = own.or(named).ok_or_else(|| {
            let why = "this vector store needs azure_search_service_name or api_base";
            Error::bad_request(why).with_param("azure_search_service_name")
        })?;
        out.url = format!("{base}/indexes/{}/docs/search?api-version={VERSION}", escaped(search.store));
        out.set("content-type", "application/json")?;
        match (row.key(resource.api_key, params), directory_for(params, SCOPE)) {
            (Some(key), _) => out.set("api-key", key.expose())?,
            (None, Some(Directory::Token(token))) => out.set("authorization", &format!("Bearer {}", token.expose()))?,
            (None, Some(Directory::Ask(need))) => out.auth = Some(need),
            (None, None) => return Err(no_key(row)),
        }
        let asked = search.field("top_k").and_then(Json::as_i64);
        let top = asked.or(search.limit).unwrap_or(10);
        let near = Json::object([
            ("vector", search.vector()?),
            ("fields", Json::from(params.str("azure_search_vector_field").unwrap_or("contentVector"))),
            ("kind", Json::from("vector")),
            ("k", Json::from(top)),
        ]);
        let body = Json::object([
            ("search", Json::from("*")),
            ("vectorQueries", Json::Array(vec![near])),
            ("select", Json::from("id,content")),
            ("top", Json::from(top)),
        ]);
        Ok(Bytes::from(body.to_string()))
    }

    fn found(&self, reply: &Json, _params: &Params) -> Vec<Found> {
        let one = |item: &Json| {
            let id = text(item, "id");
            let mut attributes = but(item, &["id", "content", "contentVector", "@search.score"]);
            attributes.push(("document_id".to_owned(), Json::from(id)));
            Found {
                file_id: filled(id),
                filename: Some(format!("Document {id}")),
                score: item.get("@search.score").and_then(Json::as_f64),
                text: text(item, "content").to_owned(),
                attributes,
            }
        };
        items(reply, "value").iter().map(one).collect()
    }

    fn decode_error(&self, reply: &ReplyView<'_>) -> Error {
        llm_wire::openai::errors::decode(reply)
    }
}
