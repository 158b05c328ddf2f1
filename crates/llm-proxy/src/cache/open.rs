//! What the configuration says → a cache.

use std::sync::Arc;
use std::time::Duration;

use llm_cache::semantic::{FlatIndex, QdrantIndex, RedisIndex, SemanticIndex};
use llm_cache::{
    Cache, CacheBackend, Deadlines, DiskCache, Dual, Guard, MemoryCache, MemoryLimits, ObjectCache, Place as Found,
    RedisCache, SemanticCache, Shield, Witness,
};
use llm_http::HttpClient;
use llm_kv::redis::{RedisClient, RedisSettings};
use tokio::runtime::Handle;

use super::wire::Wire;
use crate::config::cache::{Bucket, CacheConfig, Index, Place};
use crate::config::{Problem, Severity};

/// How long a check waits for a backend.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long memory in front of Redis keeps what it saw, where nothing is said: LiteLLM's lifetime there.
const NEAR_TTL: Duration = Duration::from_secs(60);
/// How often a file is swept.
const SWEEP: Duration = Duration::from_secs(60);

/// What a cache is opened with.
#[derive(Debug)]
pub struct Opening<'a> {
    /// The way out; every cache gets a pool of its own.
    pub http: &'a HttpClient,
    /// The runtime that connections live on.
    pub background: &'a Handle,
    /// Is told of failures.
    pub witness: Arc<dyn Witness>,
}

/// Opens a cache. Nothing is sent yet.
///
/// # Errors
/// What the backend cannot be made of.
pub fn open(config: &CacheConfig, with: &Opening<'_>) -> Result<Cache, String> {
    let settings = config.settings.clone();
    let witness = || Arc::clone(&with.witness);
    let guard = |deadlines| Guard { runtime: Some(with.background.clone()), deadlines, witness: witness() };
    let redis = |settings: &RedisSettings| {
        // Its client has a deadline of its own, and may be asked from any thread.
        let deadlines = Deadlines { read: settings.deadline * 2, ..Deadlines::NEAR };
        let client = RedisClient::start(settings.clone(), with.background);
        Shield::new(Arc::new(RedisCache::new(client)), Guard { runtime: None, deadlines, witness: witness() })
    };
    Ok(match &config.place {
        Place::Memory => {
            let memory = Arc::new(MemoryCache::new(MemoryLimits::of(&settings)));
            with.background.spawn(purge(Arc::downgrade(&memory)));
            Cache::new(settings, memory)
        }
        Place::Disk(folder, bytes) => {
            let disk = DiskCache::new(folder, *bytes);
            let cache = Cache::new(settings, Arc::new(Shield::new(Arc::new(disk.clone()), guard(Deadlines::FAR))));
            with.background.spawn(sweep(disk, cache.place().clone()));
            cache
        }
        Place::Redis(servers) => Cache::new(settings, Arc::new(redis(servers))),
        Place::Dual(servers) => {
            let limits = MemoryLimits::of(&settings);
            let longest = settings.default_in_memory_ttl.unwrap_or(NEAR_TTL);
            let memory = Arc::new(MemoryCache::new(limits));
            with.background.spawn(purge(Arc::downgrade(&memory)));
            Cache::new(settings, Arc::new(Dual::new(memory, Arc::new(redis(servers)), longest)))
        }
        Place::Bucket(bucket) => {
            let backend = objects(settings.kind.name(), bucket, with)?;
            Cache::new(settings, Arc::new(Shield::new(backend, guard(Deadlines::FAR))))
        }
        Place::Semantic(index, meaning) => {
            let deadlines = if matches!(index, Index::Flat(_)) { Deadlines::NEAR } else { Deadlines::FAR };
            let kind = settings.kind.name();
            let index: Arc<dyn SemanticIndex> = match index {
                Index::Flat(limits) => Arc::new(FlatIndex::new(*limits)),
                Index::Redis(servers, name) => {
                    let client = RedisClient::start(servers.clone(), with.background);
                    Arc::new(RedisIndex::new(kind, client, name))
                }
                Index::Qdrant(settings) => {
                    Arc::new(QdrantIndex::new(settings.clone(), Arc::new(with.http.with_own_pool())))
                }
            };
            Cache::semantic(settings, SemanticCache::new(index, meaning.clone(), guard(deadlines)))
        }
    })
}

fn objects(kind: &'static str, bucket: &Bucket, with: &Opening<'_>) -> Result<Arc<dyn CacheBackend>, String> {
    let wire = Arc::new(Wire(with.http.with_own_pool()));
    let blob = llm_blob::Bucket::open(bucket.cloud, &bucket.name, &bucket.options, wire).map_err(|e| e.to_string())?;
    let cache = ObjectCache::new(kind, Arc::new(blob), bucket.folder.as_deref()).map_err(|e| e.to_string())?;
    Ok(Arc::new(cache))
}

/// Opens a cache and asks it. What is wrong comes back as a problem with its place; a cache that does not answer is used all
/// the same, from when it does.
pub async fn connect(config: &CacheConfig, with: &Opening<'_>) -> (Option<Cache>, Option<Problem>) {
    let (cache, why) = match open(config, with) {
        Err(why) => (None, Some(why)),
        Ok(cache) => {
            let ping = async {
                match cache.place() {
                    Found::Exact(backend) => backend.ping().await,
                    Found::Semantic(semantic) => semantic.ping().await,
                }
            };
            let why = match tokio::time::timeout(PATIENCE, ping).await {
                Ok(Ok(())) => None,
                Ok(Err(error)) => Some(error.to_string()),
                Err(_) => Some(format!("the cache did not answer within {PATIENCE:?}")),
            };
            (Some(cache), why)
        }
    };
    let problem = why.map(|message| Problem {
        severity: Severity::Warning,
        mark: config.origin.mark.clone(),
        key: config.origin.key.clone(),
        message,
        suggestion: Some("until it can be used, requests go on without a cache".to_owned()),
    });
    (cache, problem)
}

/// Forgets what has expired for as long as the cache is there.
async fn purge(memory: std::sync::Weak<MemoryCache>) {
    loop {
        tokio::time::sleep(SWEEP).await;
        let Some(memory) = memory.upgrade() else { return };
        memory.purge(std::time::Instant::now());
    }
}

async fn sweep(disk: DiskCache, place: Found) {
    let in_use = match place {
        Found::Exact(backend) => Arc::downgrade(&backend),
        Found::Semantic(_) => return,
    };
    loop {
        tokio::time::sleep(SWEEP).await;
        if in_use.strong_count() == 0 {
            return;
        }
        match disk.sweep().await {
            Ok(gone) => tracing::debug!(gone, bytes = disk.bytes(), "old cache entries"),
            Err(error) => tracing::warn!(%error, "old cache entries could not be deleted"),
        }
    }
}
