//! Vectors in Qdrant (1.10 and later), over its REST API (<https://api.qdrant.tech>): collections, points, queries with a
//! filter. The older `points/search` is out of its documentation since 1.19.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http::{Method, Request};
use http_body_util::BodyExt as _;
use llm_http::{Body, Timeouts, Transport};
use llm_types::{Json, Secret};
use serde::Deserialize;
use serde_json::json;
use sha2::{Digest, Sha256};
use tokio::sync::OnceCell;

use super::{BoxFuture, Item, Near, SemanticIndex, Spot};
use crate::{CacheError, Entry};

/// After so many new points those that have expired are deleted.
const SWEEP_AFTER: u64 = 200;
/// Largest answer that is read.
const ANSWER: usize = 64 << 20;

/// Where the collection is (`qdrant_*` of `cache_params`).
#[derive(Debug, Clone)]
pub struct QdrantSettings {
    /// Address, without a slash at the end.
    pub base: String,
    /// Sent as `api-key`.
    pub key: Option<Secret>,
    /// Name of the collection; made when it is not there.
    pub collection: String,
    /// `quantization_config` of a new collection.
    pub quantization: Option<Json>,
    /// Length of vectors in a new collection; else that of the first one.
    pub size: Option<usize>,
}

/// A collection in Qdrant.
pub struct QdrantIndex {
    settings: QdrantSettings,
    transport: Arc<dyn Transport>,
    ready: OnceCell<()>,
    written: AtomicU64,
}

impl std::fmt::Debug for QdrantIndex {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("QdrantIndex").field("settings", &self.settings).finish_non_exhaustive()
    }
}

#[derive(Deserialize)]
struct Found {
    result: Points,
}

#[derive(Deserialize)]
struct Points {
    points: Vec<Point>,
}

#[derive(Deserialize)]
struct Point {
    score: f32,
    payload: Payload,
}

#[derive(Deserialize)]
struct Payload {
    response: String,
}

impl QdrantIndex {
    /// A collection. Nothing is sent yet.
    #[must_use]
    pub fn new(settings: QdrantSettings, transport: Arc<dyn Transport>) -> Self {
        Self { settings, transport, ready: OnceCell::new(), written: AtomicU64::new(0) }
    }

    /// Sends a request below the collection; status and body come back.
    async fn ask(
        &self,
        method: Method,
        below: &str,
        body: Option<serde_json::Value>,
    ) -> Result<(u16, Bytes), CacheError> {
        let failed = |why: String| CacheError::Backend(why);
        let uri = format!("{}/collections/{}{below}", self.settings.base, self.settings.collection);
        let mut request = Request::builder().method(method).uri(uri).header("content-type", "application/json");
        if let Some(key) = &self.settings.key {
            request = request.header("api-key", key.expose());
        }
        let body = body.map_or_else(Body::empty, |body| Body::from(Bytes::from(body.to_string())));
        let request = request.body(body).map_err(|e| failed(e.to_string()))?;
        let reply = self.transport.send(request, Timeouts::default()).await.map_err(|e| failed(e.to_string()))?;
        let status = reply.status().as_u16();
        let whole = http_body_util::Limited::new(reply.into_body(), ANSWER).collect();
        Ok((status, whole.await.map_err(|e| failed(e.to_string()))?.to_bytes()))
    }

    /// As [`Self::ask`], for requests that must succeed.
    async fn want(&self, method: Method, below: &str, body: Option<serde_json::Value>) -> Result<Bytes, CacheError> {
        let (status, body) = self.ask(method, below, body).await?;
        if (200..300).contains(&status) { Ok(body) } else { Err(refused(status, &body)) }
    }

    /// Makes the collection when it is not there.
    async fn ready(&self, size: usize) -> Result<(), CacheError> {
        let make = async || {
            let (status, body) = self.ask(Method::GET, "", None).await?;
            match status {
                200 => return Ok(()),
                404 => {}
                _ => return Err(refused(status, &body)),
            }
            let size = self.settings.size.unwrap_or(size);
            let mut wanted = json!({"vectors": {"size": size, "distance": "Cosine"}});
            if let (Some(object), Some(how)) = (wanted.as_object_mut(), &self.settings.quantization) {
                let how = serde_json::to_value(how).map_err(|e| CacheError::Value(e.to_string()))?;
                object.insert("quantization_config".to_owned(), how);
            }
            let (status, body) = self.ask(Method::PUT, "", Some(wanted)).await?;
            // Another gateway may have been faster.
            if !matches!(status, 200 | 201 | 409) {
                return Err(refused(status, &body));
            }
            for (field, kind) in [("bucket", "keyword"), ("expires", "float")] {
                let index = json!({"field_name": field, "field_schema": kind});
                self.want(Method::PUT, "/index?wait=true", Some(index)).await?;
            }
            Ok(())
        };
        self.ready.get_or_try_init(make).await.map(drop)
    }

    async fn search(&self, spot: &Spot) -> Result<Option<Near>, CacheError> {
        self.ready(spot.vector.len()).await?;
        let query = json!({
            "query": &spot.vector[..],
            "limit": 1,
            "with_payload": ["response"],
            "filter": {"must": [
                {"key": "bucket", "match": {"value": &*spot.bucket}},
                {"key": "expires", "range": {"gt": now()}},
            ]},
        });
        let body = self.want(Method::POST, "/points/query", Some(query)).await?;
        let found: Found = serde_json::from_slice(&body).map_err(|e| CacheError::Backend(e.to_string()))?;
        let Some(point) = found.result.points.into_iter().next() else { return Ok(None) };
        let entry = Entry::decode(point.payload.response.as_bytes())?;
        Ok(Some(Near { entry, similarity: point.score }))
    }

    async fn store(&self, item: Item) -> Result<(), CacheError> {
        self.ready(item.spot.vector.len()).await?;
        let response = String::from_utf8(item.entry.encode()?).map_err(|e| CacheError::Value(e.to_string()))?;
        // A time that no clock reaches, and that floating point holds.
        let expires = item.ttl.map_or(1e15, |ttl| (now() + ttl.as_secs_f64()).min(1e15));
        let point = json!({
            "id": point(&item.key),
            "vector": &item.spot.vector[..],
            "payload": {"text": item.text, "response": response, "bucket": &*item.spot.bucket, "expires": expires},
        });
        self.want(Method::PUT, "/points", Some(json!({"points": [point]}))).await?;
        if self.written.fetch_add(1, Ordering::Relaxed) % SWEEP_AFTER == SWEEP_AFTER - 1 {
            let old = json!({"filter": {"must": [{"key": "expires", "range": {"lte": now()}}]}});
            self.want(Method::POST, "/points/delete", Some(old)).await?;
        }
        Ok(())
    }

    async fn forget(&self, key: &str) -> Result<bool, CacheError> {
        let id = point(key);
        let (status, body) = self.ask(Method::GET, &format!("/points/{id}"), None).await?;
        match status {
            404 => return Ok(false),
            200 => {}
            _ => return Err(refused(status, &body)),
        }
        self.want(Method::POST, "/points/delete?wait=true", Some(json!({"points": [id]}))).await.map(|_| true)
    }
}

fn refused(status: u16, body: &[u8]) -> CacheError {
    let told: String = String::from_utf8_lossy(body).chars().take(200).collect();
    CacheError::Backend(format!("Qdrant answered {status}: {told}"))
}

/// Seconds since 1970.
fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO).as_secs_f64()
}

/// Points are numbered or have UUIDs: the first half of the key's digest, written as one.
fn point(key: &str) -> String {
    let hex = hex::encode(Sha256::digest(key));
    let piece = |from: usize, to: usize| hex.get(from..to).unwrap_or_default();
    format!("{}-{}-{}-{}-{}", piece(0, 8), piece(8, 12), piece(12, 16), piece(16, 20), piece(20, 32))
}

impl SemanticIndex for QdrantIndex {
    fn kind(&self) -> &'static str {
        "qdrant-semantic"
    }

    fn nearest<'a>(&'a self, spot: &'a Spot) -> BoxFuture<'a, Result<Option<Near>, CacheError>> {
        Box::pin(self.search(spot))
    }

    fn insert(&self, item: Item) -> BoxFuture<'_, Result<(), CacheError>> {
        Box::pin(self.store(item))
    }

    fn remove<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<bool, CacheError>> {
        Box::pin(self.forget(key))
    }

    fn clear(&self) -> BoxFuture<'_, Result<(), CacheError>> {
        Box::pin(async move {
            // Points of ours have a bucket; the collection may hold others.
            let ours = json!({"filter": {"must_not": [{"is_empty": {"key": "bucket"}}]}});
            let (status, body) = self.ask(Method::POST, "/points/delete?wait=true", Some(ours)).await?;
            if matches!(status, 200 | 404) { Ok(()) } else { Err(refused(status, &body)) }
        })
    }

    fn ping(&self) -> BoxFuture<'_, Result<(), CacheError>> {
        Box::pin(async move {
            let (status, body) = self.ask(Method::GET, "", None).await?;
            if matches!(status, 200 | 404) { Ok(()) } else { Err(refused(status, &body)) }
        })
    }
}
