//! What every backend must do. The store must be empty. Each check panics with what went wrong.
#![allow(clippy::unwrap_used, clippy::panic)] // a test suite

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;

use crate::semantic::{Item, Near, SemanticIndex, Spot};
use crate::{CacheBackend, Entry};

/// Runs every check.
pub async fn run(cache: &dyn CacheBackend) {
    cache.ping().await.unwrap();
    round_trip(cache).await;
    many(cache).await;
    lifetimes(cache).await;
    odd_keys(cache).await;
    clearing(cache).await;
}

fn entry(text: &str) -> Entry {
    // Whole milliseconds: stores keep seconds as floating point.
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    Entry {
        stored: Duration::from_millis(u64::try_from(now.as_millis()).unwrap()),
        response: Bytes::from(text.to_owned()),
    }
}

async fn get(cache: &dyn CacheBackend, key: &str) -> Option<Entry> {
    cache.get(key).await.unwrap()
}

/// Floating point may lose a fraction of a millisecond.
fn same(found: Option<Entry>, wanted: &Entry) {
    let found = found.unwrap();
    assert_eq!(found.response, wanted.response);
    let apart = found.stored.abs_diff(wanted.stored);
    assert!(apart < Duration::from_millis(1), "stored at {:?}, not {:?}", found.stored, wanted.stored);
}

async fn round_trip(cache: &dyn CacheBackend) {
    assert_eq!(get(cache, "a").await, None);
    assert!(!cache.remove("a").await.unwrap(), "nothing to delete");
    let first = entry("{\"a\":\"ä\\n\\\"\",\"n\":1.0}");
    cache.set("a", first.clone(), None).await.unwrap();
    same(get(cache, "a").await, &first);
    let second = entry("\"a text\"");
    cache.set("a", second.clone(), Some(Duration::from_secs(60))).await.unwrap();
    same(get(cache, "a").await, &second);
    assert!(cache.remove("a").await.unwrap());
    assert_eq!(get(cache, "a").await, None);
    let large = entry(&"x".repeat(600_000));
    cache.set("large", large.clone(), None).await.unwrap();
    same(get(cache, "large").await, &large);
    cache.remove("large").await.unwrap();
}

async fn many(cache: &dyn CacheBackend) {
    let entries: Vec<(String, Entry)> = (0..5).map(|n| (format!("many-{n}"), entry(&n.to_string()))).collect();
    cache.set_many(entries.clone(), Some(Duration::from_secs(60))).await.unwrap();
    let keys: Vec<String> = ["many-3", "not-there", "many-0"].map(str::to_owned).into();
    let found = cache.get_many(&keys).await.unwrap();
    let texts: Vec<Option<&[u8]>> = found.iter().map(|e| e.as_ref().map(|e| &e.response[..])).collect();
    assert_eq!(texts, [Some(&b"3"[..]), None, Some(&b"0"[..])], "in the order of the keys");
    assert_eq!(cache.get_many(&[]).await.unwrap(), []);
    for (key, _) in entries {
        assert!(cache.remove(&key).await.unwrap());
    }
}

async fn lifetimes(cache: &dyn CacheBackend) {
    cache.set("short", entry("1"), Some(Duration::from_millis(1100))).await.unwrap();
    cache.set("renewed", entry("1"), Some(Duration::from_millis(1100))).await.unwrap();
    cache.set("long", entry("2"), Some(Duration::from_secs(3600))).await.unwrap();
    cache.set("ever", entry("3"), Some(Duration::MAX)).await.unwrap();
    cache.set("renewed", entry("4"), Some(Duration::from_secs(3600))).await.unwrap();
    assert!(get(cache, "short").await.is_some());
    let deadline = std::time::Instant::now() + Duration::from_secs(10);
    while get(cache, "short").await.is_some() {
        assert!(std::time::Instant::now() < deadline, "an entry outlives its time");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    for key in ["renewed", "long", "ever"] {
        assert!(get(cache, key).await.is_some(), "{key}");
        cache.remove(key).await.unwrap();
    }
}

/// Namespaces come from callers.
async fn odd_keys(cache: &dyn CacheBackend) {
    let keys = ["space and ä", "../../up", "team:a:0123", "'; DROP TABLE entries; --", "{tag}x", "a/b", "*"];
    for key in keys {
        cache.set(key, entry(key), Some(Duration::from_secs(60))).await.unwrap();
    }
    for key in keys {
        assert_eq!(get(cache, key).await.map(|e| e.response), Some(Bytes::from(key.to_owned())), "{key}");
        assert!(cache.remove(key).await.unwrap(), "{key}");
    }
}

async fn clearing(cache: &dyn CacheBackend) {
    for key in ["x", "y", "ns:z"] {
        cache.set(key, entry(key), None).await.unwrap();
    }
    cache.clear().await.unwrap();
    for key in ["x", "y", "ns:z"] {
        assert_eq!(get(cache, key).await, None);
    }
}

/// Runs every check of a semantic index. It must be empty.
pub async fn run_semantic(index: &dyn SemanticIndex) {
    index.ping().await.unwrap();
    let spot = |bucket: u8, angle: f32| Spot {
        bucket: Arc::from(hex::encode([bucket; 32])),
        vector: vec![angle.cos(), angle.sin(), 0.0, 0.0].into(),
    };
    let item = |key: &str, spot: Spot, text: &str, ttl: Option<u64>| Item {
        key: key.to_owned(),
        spot,
        text: format!("question of {text} \"ä\""),
        entry: entry(text),
        ttl: ttl.map(Duration::from_millis),
    };
    let near = async |spot: Spot| index.nearest(&spot).await.unwrap();
    assert_eq!(near(spot(1, 0.0)).await, None);
    index.insert(item("a", spot(1, 0.0), "east", None)).await.unwrap();
    index.insert(item("b", spot(1, 1.5), "north", Some(3_600_000))).await.unwrap();
    index.insert(item("c", spot(2, 0.1), "other", None)).await.unwrap();
    let found = settled(&near, spot(1, 0.1), "east").await;
    assert!((found.similarity - 0.1_f32.cos()).abs() < 0.001, "{}", found.similarity);
    settled(&near, spot(1, 1.4), "north").await;
    settled(&near, spot(2, 0.0), "other").await;
    assert_eq!(near(spot(3, 0.0)).await, None, "buckets are apart");
    index.insert(item("a", spot(1, 0.0), "new", None)).await.unwrap();
    settled(&near, spot(1, 0.0), "new").await;
    assert!(index.remove("a").await.unwrap());
    settled(&near, spot(1, 0.0), "north").await;
    index.insert(item("d", spot(4, 0.0), "short", Some(1100))).await.unwrap();
    let deadline = std::time::Instant::now() + Duration::from_secs(10);
    while near(spot(4, 0.0)).await.is_some() {
        assert!(std::time::Instant::now() < deadline, "an item outlives its time");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    index.clear().await.unwrap();
    for bucket in 1..5 {
        assert_eq!(near(spot(bucket, 0.0)).await, None);
    }
}

/// Indexes may take a moment until they find what was stored.
async fn settled(near: &impl AsyncFn(Spot) -> Option<Near>, spot: Spot, wanted: &str) -> Near {
    let deadline = std::time::Instant::now() + Duration::from_secs(10);
    loop {
        let found = near(spot.clone()).await;
        if let Some(found) = found.filter(|found| found.entry.response == wanted.as_bytes()) {
            return found;
        }
        assert!(std::time::Instant::now() < deadline, "{wanted} is not found");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
