//! Milvus: a vector database. <https://milvus.io/api-reference/restful/v2.4.x/v2/Vector%20(v2)/Search.md>

use bytes::Bytes;
use llm_types::{Error, Json, Result};
use llm_wire::ReplyView;

use crate::endpoint::{no_base, no_key};
use crate::generated;
use crate::params::Params;
use crate::provider::{Endpoint, Provider};
use crate::resource::{Resource, not_served};
use crate::row::ProviderRow;
use crate::stores::{Embedder, Found, Search, StoreHouse, but, items, text};

/// The provider.
#[derive(Debug)]
pub struct Milvus;

/// Fields of a search that go on as the client says them.
const OWN: [&str; 8] =
    ["annsField", "limit", "filter", "offset", "groupingField", "outputFields", "searchParams", "consistencyLevel"];
/// The field with the vectors, when nobody says: LiteLLM's.
const VECTORS: &str = "book_intro_vector";

impl Provider for Milvus {
    fn row(&self) -> &'static ProviderRow {
        &generated::MILVUS
    }

    fn resource(&self, resource: &Resource<'_>, _: &mut Endpoint) -> Result<()> {
        Err(not_served(self.row(), resource))
    }

    fn stores(&self, _model: &str) -> Option<&'static dyn StoreHouse> {
        Some(&Self)
    }
}

impl StoreHouse for Milvus {
    fn embedder(&self, params: &Params) -> Result<Option<Embedder>> {
        Embedder::configured(params).map(Some)
    }

    fn search(&self, search: &Search<'_>, resource: &Resource<'_>, out: &mut Endpoint) -> Result<Bytes> {
        let (row, params) = (self.row(), resource.params);
        let base = row.base(resource.api_base, params).ok_or_else(|| no_base(row))?;
        let key = row.key(resource.api_key, params).ok_or_else(|| no_key(row))?;
        out.url = format!("{}/v2/vectordb/entities/search", base.trim_end_matches('/'));
        out.set("authorization", &format!("Bearer {}", key.expose()))?;
        out.set("content-type", "application/json")?;
        let mut body = Json::object([
            ("collectionName", Json::from(search.store)),
            ("data", Json::Array(vec![search.vector()?])),
            ("annsField", Json::from(VECTORS)),
        ]);
        if let Some(limit) = search.limit {
            body.set("limit", limit);
        }
        for name in OWN {
            if let Some(value) = search.field(name) {
                body.set(name, value.clone());
            }
        }
        for (name, setting) in [("dbName", "milvus_db_name"), ("partitionNames", "milvus_partition_names")] {
            if let Some(value) = params.get(setting) {
                body.set(name, value.clone());
            }
        }
        Ok(Bytes::from(body.to_string()))
    }

    fn found(&self, reply: &Json, params: &Params) -> Vec<Found> {
        let field = params.str("milvus_text_field").unwrap_or_default();
        let one = |item: &Json| Found {
            score: item.get("distance").and_then(Json::as_f64),
            text: text(item, field).to_owned(),
            attributes: but(item, &["id", "content", "distance", field]),
            ..Found::default()
        };
        items(reply, "data").iter().map(one).collect()
    }

    fn decode_error(&self, reply: &ReplyView<'_>) -> Error {
        llm_wire::openai::errors::decode(reply)
    }
}
