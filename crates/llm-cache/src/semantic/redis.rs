//! Vectors in Redis with its search module, or in Valkey with its own.
//!
//! An item is a hash below the index's prefix. Vectors of another length are another index, so a new embedding model starts
//! afresh instead of failing.

use std::collections::HashSet;
use std::time::Duration;

use bytes::Bytes;
use llm_kv::redis::{Command, RedisClient, Reply};
use parking_lot::Mutex;
use sha2::{Digest, Sha256};

use super::{BoxFuture, Item, Near, SemanticIndex, Spot};
use crate::redis::{failed, milliseconds, refused};
use crate::{CacheError, Entry};

/// How long making an index and searching may take.
const PATIENCE: Duration = Duration::from_secs(1);

/// Neighbours that are asked for: one that has just expired is still in the index, without its fields.
const SOME: i64 = 5;

/// Items in Redis.
#[derive(Debug)]
pub struct RedisIndex {
    kind: &'static str,
    client: RedisClient,
    name: String,
    /// Lengths of vectors for which there is an index.
    made: Mutex<HashSet<usize>>,
}

impl RedisIndex {
    /// Items below the name of an index. `kind` is the word for logs: `redis-semantic`, `valkey-semantic`.
    #[must_use]
    pub fn new(kind: &'static str, client: RedisClient, name: &str) -> Self {
        Self { kind, client, name: name.to_owned(), made: Mutex::default() }
    }

    fn index(&self, size: usize) -> String {
        format!("{}:{size}", self.name)
    }

    async fn call(&self, command: Command) -> Result<Reply, CacheError> {
        self.client.call_within(&command, PATIENCE).await.map_err(|error| failed(error, PATIENCE))
    }

    /// Makes the index of a length when it is not there.
    async fn ready(&self, size: usize) -> Result<(), CacheError> {
        if self.made.lock().contains(&size) {
            return Ok(());
        }
        let index = self.index(size);
        let command = Command::new("FT.CREATE")
            .arg(&index)
            .args(["ON", "HASH", "PREFIX", "1"])
            .arg(format!("{index}:"))
            .args(["SCHEMA", "bucket", "TAG", "vector", "VECTOR", "HNSW", "6", "TYPE", "FLOAT32", "DIM"])
            .int(i64::try_from(size).unwrap_or(i64::MAX))
            .args(["DISTANCE_METRIC", "COSINE"]);
        match self.call(command).await {
            Err(CacheError::Backend(why)) if !why.contains("already exists") => return Err(CacheError::Backend(why)),
            Err(other @ (CacheError::Timeout(_) | CacheError::Value(_) | CacheError::Skipped)) => return Err(other),
            _ => {}
        }
        self.made.lock().insert(size);
        Ok(())
    }

    async fn search(&self, spot: &Spot) -> Result<Option<Near>, CacheError> {
        let size = spot.vector.len();
        self.ready(size).await?;
        let query = format!("(@bucket:{{{}}})=>[KNN {SOME} @vector $wanted AS distance]", spot.bucket);
        let command = Command::new("FT.SEARCH")
            .arg(self.index(size))
            .arg(query)
            .args(["PARAMS", "2", "wanted"])
            .arg(bytes(&spot.vector))
            .args(["RETURN", "2", "distance", "response", "LIMIT", "0"])
            .int(SOME)
            .args(["DIALECT", "2"]);
        let reply = match self.call(command).await {
            // Somebody deleted the index.
            Err(CacheError::Backend(why)) if why.to_ascii_lowercase().contains("index") => {
                self.made.lock().remove(&size);
                return Err(CacheError::Backend(why));
            }
            other => other?,
        };
        read(reply)
    }

    async fn store(&self, item: Item) -> Result<(), CacheError> {
        let size = item.spot.vector.len();
        self.ready(size).await?;
        let key = self.key(size, &item.key);
        let hash = Command::new("HSET")
            .arg(&key)
            .arg("bucket")
            .arg(item.spot.bucket.as_bytes())
            .arg("vector")
            .arg(bytes(&item.spot.vector))
            .arg("text")
            .arg(&item.text)
            .arg("response")
            .arg(item.entry.encode()?);
        let life = match item.ttl {
            Some(ttl) => Command::new("PEXPIRE").arg(&key).int(milliseconds(ttl).max(1)),
            None => Command::new("PERSIST").arg(&key),
        };
        let replies = self.client.pipeline(&[hash, life]).await;
        refused(replies.map_err(|error| failed(error, self.client.deadline()))?)
    }

    fn key(&self, size: usize, key: &str) -> String {
        format!("{}:{}", self.index(size), hex::encode(Sha256::digest(key)))
    }
}

/// The vector as the search module takes it: numbers of 32 bits, least significant byte first.
fn bytes(vector: &[f32]) -> Vec<u8> {
    vector.iter().flat_map(|x| x.to_le_bytes()).collect()
}

/// The nearest document of an answer: how many there are, then name and fields of each.
fn read(reply: Reply) -> Result<Option<Near>, CacheError> {
    let unexpected = CacheError::Backend(reply.unexpected().to_string());
    let Some(list) = reply.into_list() else { return Err(unexpected) };
    let mut documents = list.into_iter().skip(2).step_by(2).filter(|fields| *fields != Reply::Nil);
    let mut nearest: Option<(f32, Bytes)> = None;
    documents
        .try_for_each(|fields| {
            let (distance, response) = document(fields)?;
            if nearest.as_ref().is_none_or(|(least, _)| distance < *least) {
                nearest = Some((distance, response));
            }
            Some(())
        })
        .ok_or(unexpected)?;
    let Some((distance, response)) = nearest else { return Ok(None) };
    Ok(Some(Near { entry: Entry::decode(&response)?, similarity: 1.0 - distance }))
}

/// Distance and answer of a document.
fn document(fields: Reply) -> Option<(f32, Bytes)> {
    let (mut distance, mut response) = (None, None);
    let mut fields = fields.into_list()?.into_iter();
    while let (Some(name), Some(value)) = (fields.next(), fields.next()) {
        match name.as_str() {
            Some("distance") => distance = value.as_str().and_then(|d| d.parse::<f32>().ok()),
            Some("response") => response = value.into_bytes(),
            _ => {}
        }
    }
    Some((distance?, response?))
}

impl SemanticIndex for RedisIndex {
    fn kind(&self) -> &'static str {
        self.kind
    }

    fn nearest<'a>(&'a self, spot: &'a Spot) -> BoxFuture<'a, Result<Option<Near>, CacheError>> {
        Box::pin(self.search(spot))
    }

    fn insert(&self, item: Item) -> BoxFuture<'_, Result<(), CacheError>> {
        Box::pin(self.store(item))
    }

    fn remove<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<bool, CacheError>> {
        Box::pin(async move {
            let sizes: Vec<usize> = self.made.lock().iter().copied().collect();
            let mut gone = false;
            for size in sizes {
                let reply = self.call(Command::new("DEL").arg(self.key(size, key))).await?;
                gone |= reply.as_int() == Some(1);
            }
            Ok(gone)
        })
    }

    fn clear(&self) -> BoxFuture<'_, Result<(), CacheError>> {
        Box::pin(async move {
            let prefix = format!("{}:", self.name);
            self.client.delete_prefix(prefix.as_bytes()).await.map(drop).map_err(|error| failed(error, PATIENCE))
        })
    }

    fn ping(&self) -> BoxFuture<'_, Result<(), CacheError>> {
        Box::pin(async move {
            self.client.ready(PATIENCE).await;
            match self.call(Command::new("FT._LIST")).await {
                Err(CacheError::Backend(why)) if why.contains("unknown command") => {
                    Err(CacheError::Backend("the server has no search module (FT.SEARCH)".to_owned()))
                }
                other => other.map(drop),
            }
        })
    }
}
