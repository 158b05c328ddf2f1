//! Entries as objects: S3, Google Cloud Storage, Azure Blob, a folder.
//!
//! The content is LiteLLM's form of an entry. An object's lifetime stands in its metadata, as seconds since 1970; the
//! bucket's own rules have to delete what has expired.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use llm_blob::{Blob, BlobError, Key, Object};
use sha2::{Digest, Sha256};

use crate::{BoxFuture, CacheBackend, CacheError, Entry};

/// Name of the metadata field with the time an object expires.
const EXPIRES: &str = "expires";
/// Objects deleted at the same time.
const AT_ONCE: usize = 16;

/// Entries in a bucket.
#[derive(Debug)]
pub struct ObjectCache {
    kind: &'static str,
    blob: Arc<dyn Blob>,
    prefix: Option<Key>,
}

impl ObjectCache {
    /// Entries below a folder of a bucket. `kind` is the word for logs: `s3`, `gcs`, `azure-blob`.
    ///
    /// # Errors
    /// When the folder cannot be part of an object's name.
    pub fn new(kind: &'static str, blob: Arc<dyn Blob>, folder: Option<&str>) -> Result<Self, CacheError> {
        let folder = folder.map(|f| f.trim_matches('/')).filter(|f| !f.is_empty());
        let prefix = folder.map(Key::new).transpose().map_err(failed)?;
        Ok(Self { kind, blob, prefix })
    }

    /// The object of a key. A namespace is a folder, as in LiteLLM; a key that cannot be a name is hashed.
    fn name(&self, key: &str) -> Result<Key, CacheError> {
        let below = |name: &str| match &self.prefix {
            Some(prefix) => Key::new(format!("{prefix}/{name}")),
            None => Key::new(name),
        };
        below(&key.replace(':', "/")).or_else(|_| below(&hex::encode(Sha256::digest(key)))).map_err(failed)
    }
}

fn failed(error: BlobError) -> CacheError {
    match error {
        BlobError::Backend(why) => CacheError::Backend(why),
        other => CacheError::Value(other.to_string()),
    }
}

fn looks_like_ours(name: &str) -> bool {
    let last = name.rsplit('/').next().unwrap_or(name);
    last.len() == 64 && last.bytes().all(|b| b.is_ascii_hexdigit())
}

fn since_1970() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

impl CacheBackend for ObjectCache {
    fn kind(&self) -> &'static str {
        self.kind
    }

    fn get<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<Entry>, CacheError>> {
        Box::pin(async move {
            let Some(object) = self.blob.get(&self.name(key)?).await.map_err(failed)? else { return Ok(None) };
            let expires = object.metadata.get(EXPIRES).and_then(|at| at.parse::<f64>().ok());
            if expires.is_some_and(|at| at <= since_1970().as_secs_f64()) {
                return Ok(None);
            }
            Entry::decode(&object.bytes).map(Some)
        })
    }

    fn set<'a>(&'a self, key: &'a str, entry: Entry, ttl: Option<Duration>) -> BoxFuture<'a, Result<(), CacheError>> {
        Box::pin(async move {
            let name = self.name(key)?;
            let mut object = Object {
                bytes: entry.encode()?.into(),
                content_type: Some("application/json".to_owned()),
                ..Object::default()
            };
            if let Some(ttl) = ttl {
                let at = since_1970().saturating_add(ttl).as_secs_f64();
                object.metadata.insert(EXPIRES.to_owned(), format!("{at:.3}"));
            }
            self.blob.put(&name, object).await.map_err(failed)
        })
    }

    fn set_many(&self, entries: Vec<(String, Entry)>, ttl: Option<Duration>) -> BoxFuture<'_, Result<(), CacheError>> {
        Box::pin(async move {
            let puts = entries.into_iter().map(|(key, entry)| async move { self.set(&key, entry, ttl).await });
            futures_util::future::try_join_all(puts).await.map(drop)
        })
    }

    fn remove<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<bool, CacheError>> {
        Box::pin(async move {
            let name = self.name(key)?;
            let here = self.blob.exists(&name).await.map_err(failed)?;
            self.blob.delete(&name).await.map_err(failed)?;
            Ok(here)
        })
    }

    fn clear(&self) -> BoxFuture<'_, Result<(), CacheError>> {
        Box::pin(async move {
            let mut listed = self.blob.list(self.prefix.as_ref()).await.map_err(failed)?;
            // A bucket without a folder of ours may hold other things.
            listed.retain(|object| self.prefix.is_some() || looks_like_ours(object.key.as_str()));
            for some in listed.chunks(AT_ONCE) {
                let gone = some.iter().map(|object| self.blob.delete(&object.key));
                futures_util::future::try_join_all(gone).await.map_err(failed)?;
            }
            Ok(())
        })
    }

    fn ping(&self) -> BoxFuture<'_, Result<(), CacheError>> {
        // A look-up needs what every hit needs; listing may be forbidden.
        Box::pin(async move { self.blob.exists(&self.name("ping")?).await.map(drop).map_err(failed) })
    }
}
