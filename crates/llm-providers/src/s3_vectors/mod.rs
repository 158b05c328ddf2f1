//! AWS S3 Vectors. <https://docs.aws.amazon.com/AmazonS3/latest/API/API_S3VectorBuckets_QueryVectors.html>

mod put;

use bytes::Bytes;
use llm_types::{Error, Json, Result};
use llm_wire::ReplyView;

use crate::aws;
use crate::generated;
use crate::params::Params;
use crate::provider::{Endpoint, Provider};
use crate::resource::{Resource, not_served};
use crate::row::ProviderRow;
use crate::stores::{Document, Embedder, Found, Ingestion, Search, StoreHouse, filled, items, text};

/// The provider.
#[derive(Debug)]
pub struct S3Vectors;

/// The model of the vectors, when nobody says.
const MODEL: &str = "text-embedding-3-small";

impl Provider for S3Vectors {
    fn row(&self) -> &'static ProviderRow {
        &generated::S3_VECTORS
    }

    fn resource(&self, resource: &Resource<'_>, _: &mut Endpoint) -> Result<()> {
        Err(not_served(self.row(), resource))
    }

    fn stores(&self, _model: &str) -> Option<&'static dyn StoreHouse> {
        Some(&Self)
    }
}

impl StoreHouse for S3Vectors {
    fn embedder(&self, params: &Params) -> Result<Option<Embedder>> {
        if params.str("litellm_embedding_model").is_some() {
            return Embedder::configured(params).map(Some);
        }
        let model = params.str("embedding_model").unwrap_or(MODEL).to_owned();
        Ok(Some(Embedder { model, params: Vec::new() }))
    }

    fn search(&self, search: &Search<'_>, resource: &Resource<'_>, out: &mut Endpoint) -> Result<Bytes> {
        let params = resource.params;
        let named = search.store.split_once(':');
        let (bucket, index) =
            named.or_else(|| Some((params.str("vector_bucket_name")?, search.store))).ok_or_else(|| {
                let why = "the id of the store is no bucket:index, and vector_bucket_name is not set";
                Error::bad_request(why).with_param("vector_store_id")
            })?;
        place(resource, "QueryVectors", out)?;
        let mut body = Json::object([
            ("vectorBucketName", Json::from(bucket)),
            ("indexName", Json::from(index)),
            ("queryVector", Json::object([("float32", search.vector()?)])),
            ("topK", Json::from(search.limit.unwrap_or(5))),
            ("returnDistance", Json::from(true)),
            ("returnMetadata", Json::from(true)),
        ]);
        if let Some(filter) = search.field("filters") {
            body.set("filter", filter.clone());
        }
        Ok(Bytes::from(body.to_string()))
    }

    fn ingest<'a>(&self, document: Document<'a>, resource: Resource<'a>) -> Result<Box<dyn Ingestion + 'a>> {
        Ok(Box::new(put::Put::new(document, resource)?))
    }

    fn is_account(&self) -> bool {
        true
    }

    fn found(&self, reply: &Json, _params: &Params) -> Vec<Found> {
        let one = |item: &Json| {
            let metadata = item.get("metadata")?;
            let text_of = filled(text(metadata, "source_text"))?;
            let chunk = metadata.get("chunk_index");
            let chunk =
                chunk.map_or_else(|| "0".to_owned(), |c| c.as_str().map_or_else(|| c.to_string(), str::to_owned));
            Some(Found {
                file_id: Some(format!("s3-vectors-chunk-{chunk}")),
                filename: filled(text(metadata, "filename")).or_else(|| Some(format!("document-{chunk}"))),
                // the distance of cosines
                score: item.get("distance").and_then(Json::as_f64).map(|d| (1.0 - d).clamp(0.0, 1.0)),
                text: text_of,
                attributes: metadata.as_object().unwrap_or_default().to_vec(),
            })
        };
        items(reply, "vectors").iter().filter_map(one).collect()
    }

    fn decode_error(&self, reply: &ReplyView<'_>) -> Error {
        llm_wire::bedrock::error::decode(reply)
    }
}

/// Where an operation is asked for, and the signature that it needs.
fn place(resource: &Resource<'_>, operation: &str, out: &mut Endpoint) -> Result<()> {
    let region = resource
        .params
        .str("aws_region_name")
        .ok_or_else(|| Error::bad_request("this vector store needs aws_region_name").with_param("aws_region_name"))?;
    let base = resource.api_base.map(|base| base.trim_end_matches('/').to_owned());
    let base = base.unwrap_or_else(|| format!("https://s3vectors.{region}.api.aws"));
    out.url = format!("{base}/{operation}");
    out.set("content-type", "application/json")?;
    out.auth = Some(aws::auth("s3vectors", region.to_owned(), resource.params));
    Ok(())
}
