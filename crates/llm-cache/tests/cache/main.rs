//! The memory backend and the rules of looking up and storing.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

mod backends;
mod qdrant;
mod redis;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;
use futures_util::FutureExt as _;
use llm_cache::{
    BoxFuture, Cache, CacheBackend, CacheError, CacheSettings, CallType, Controls, Entry, KeyOptions, MemoryCache,
    MemoryLimits,
};

fn entry(text: &str) -> Entry {
    Entry::new(Bytes::copy_from_slice(text.as_bytes()), SystemTime::now())
}

fn limits(entries: usize, bytes: usize) -> MemoryLimits {
    MemoryLimits { entries, bytes, entry_bytes: 50, ttl: Duration::from_secs(600) }
}

#[test]
fn the_least_recently_used_entry_goes_first() {
    let (cache, now) = (MemoryCache::new(limits(3, 1000)), Instant::now());
    for key in ["a", "b", "c"] {
        cache.set_at(key, entry(key), None, now);
    }
    assert!(cache.get_at("a", now).is_some());
    cache.set_at("d", entry("d"), None, now);
    let here: Vec<_> = ["a", "b", "c", "d"].into_iter().filter(|k| cache.get_at(k, now).is_some()).collect();
    assert_eq!(here, ["a", "c", "d"]);
    assert_eq!(cache.size(), (3, 6));
}

#[test]
fn bytes_are_bounded() {
    let (cache, now) = (MemoryCache::new(limits(100, 100)), Instant::now());
    for i in 0..50 {
        cache.set_at(&format!("k{i:02}"), entry(&"x".repeat(17)), None, now);
        assert!(cache.size().1 <= 100);
    }
    assert_eq!(cache.size(), (5, 100));
    cache.set_at("k49", entry(&"x".repeat(51)), None, now);
    assert_eq!(cache.get_at("k49", now), None, "too large, and the old one is not the answer any more");
    assert_eq!(cache.size(), (4, 80));
}

#[test]
fn entries_expire() {
    let (cache, now) = (MemoryCache::new(limits(100, 1000)), Instant::now());
    let second = Duration::from_secs(1);
    cache.set_at("short", entry("1"), Some(second), now);
    cache.set_at("usual", entry("2"), None, now);
    cache.set_at("never", entry("3"), Some(Duration::ZERO), now);
    cache.set_at("ever", entry("4"), Some(Duration::MAX), now);
    assert!(cache.get_at("short", now + second / 2).is_some());
    assert!(cache.get_at("short", now + second).is_none());
    assert!(cache.get_at("never", now).is_none());
    cache.set_at("short", entry("1"), Some(second), now);
    cache.purge(now + Duration::from_secs(600));
    assert_eq!(cache.size().0, 1);
    assert!(cache.get_at("ever", now + Duration::from_secs(1 << 30)).is_some());
}

#[test]
fn random_use_agrees_with_a_plain_list() {
    let (cache, now) = (MemoryCache::new(limits(8, 1_000_000)), Instant::now());
    let mut model: Vec<(String, String)> = Vec::new();
    let mut seed = 1_u64;
    for step in 0..5000 {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let key = format!("k{}", (seed >> 33) % 16);
        let known = model.iter().position(|(k, _)| *k == key).map(|at| model.remove(at));
        match (seed >> 60) % 4 {
            0 => {
                let there = CacheBackend::remove(&cache, &key).now_or_never().unwrap().unwrap();
                assert_eq!(there, known.is_some(), "step {step}");
            }
            1 | 2 => {
                cache.set_at(&key, entry(&step.to_string()), None, now);
                model.push((key, step.to_string()));
                if model.len() > 8 {
                    model.remove(0);
                }
            }
            _ => {
                let got = cache.get_at(&key, now).map(|e| String::from_utf8(e.response.to_vec()).unwrap());
                assert_eq!(got, known.as_ref().map(|(_, v)| v.clone()), "step {step}");
                model.extend(known);
            }
        }
        assert_eq!(cache.size().0, model.len(), "step {step}");
    }
}

fn read(body: &str) -> Controls {
    Controls::read(Some(body), None, None, None)
}

#[test]
fn controls_decide_what_is_looked_up_and_stored() {
    let settings = CacheSettings { ttl: Some(Duration::from_secs(60)), ..CacheSettings::default() };
    let cache = Cache::in_memory(settings);
    let now = SystemTime::now();
    let plan = |body: &str| cache.plan(CallType::Completion, &read(body));
    let put = |text: &'static str, body: &str| {
        assert!(cache.put_now("k", &Bytes::from_static(text.as_bytes()), &plan(body), now))
    };
    let get = |body: &str, later: u64| {
        cache.get_now("k", &plan(body), now + Duration::from_secs(later)).unwrap().map(|h| h.response)
    };
    put("one", r#"{"no-store":true}"#);
    assert_eq!(get("{}", 0), None);
    put("two", r#"{"no-cache":true}"#);
    assert_eq!(get("{}", 0).unwrap(), "two");
    assert_eq!(get(r#"{"no-cache":true}"#, 0), None);
    assert_eq!(get(r#"{"s-maxage":5}"#, 5).unwrap(), "two");
    assert_eq!(get(r#"{"s-maxage":5}"#, 6), None);
    assert_eq!(plan("{}").ttl, Some(Duration::from_secs(60)));
    assert_eq!(plan(r#"{"ttl":7}"#).ttl, Some(Duration::from_secs(7)));
    let only_embeddings = Cache::in_memory(CacheSettings {
        supported_call_types: Some(vec!["aembedding".into()]),
        ..CacheSettings::default()
    });
    assert!(only_embeddings.plan(CallType::Completion, &read("{}")).idle());
    assert!(!only_embeddings.plan(CallType::Embedding, &read("{}")).idle());
}

#[test]
fn namespace_and_tenant_follow_the_settings() {
    let fields = [("messages", "[]")];
    let options = KeyOptions { tenant: Some("t"), ..KeyOptions::new(CallType::Completion, "m") };
    let key = |settings: CacheSettings, options: &KeyOptions<'_>| Cache::in_memory(settings).key(fields, options);
    let plain = key(CacheSettings::default(), &options);
    assert_eq!(plain, llm_cache::key(fields, &KeyOptions { tenant: None, ..options }));
    assert_ne!(plain, key(CacheSettings { tenant_isolation: Some(true), ..CacheSettings::default() }, &options));
    let named = || CacheSettings { namespace: Some("n".into()), ..CacheSettings::default() };
    assert_eq!(key(named(), &options), format!("n:{plain}"));
    assert_eq!(key(named(), &KeyOptions { namespace: Some("own"), ..options }), format!("own:{plain}"));
}

/// A store elsewhere: asked through futures only, and broken when told so.
#[derive(Debug)]
struct Elsewhere {
    memory: MemoryCache,
    broken: bool,
    asked: AtomicUsize,
}

impl Elsewhere {
    fn answer<T: Send + 'static>(&self, value: T) -> BoxFuture<'static, Result<T, CacheError>> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let result = if self.broken { Err(CacheError::Backend("refused".into())) } else { Ok(value) };
        Box::pin(std::future::ready(result))
    }
}

impl CacheBackend for Elsewhere {
    fn kind(&self) -> &'static str {
        "elsewhere"
    }
    fn get<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<Entry>, CacheError>> {
        self.answer(self.memory.get_at(key, Instant::now()))
    }
    fn set<'a>(&'a self, key: &'a str, entry: Entry, ttl: Option<Duration>) -> BoxFuture<'a, Result<(), CacheError>> {
        self.memory.set_at(key, entry, ttl, Instant::now());
        self.answer(())
    }
    fn remove<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<bool, CacheError>> {
        self.memory.remove(key)
    }
    fn clear(&self) -> BoxFuture<'_, Result<(), CacheError>> {
        self.memory.clear()
    }
    fn ping(&self) -> BoxFuture<'_, Result<(), CacheError>> {
        self.answer(())
    }
}

#[test]
fn a_store_elsewhere_is_asked_through_futures() {
    let now = SystemTime::now();
    let backend =
        |broken| Arc::new(Elsewhere { memory: MemoryCache::new(limits(9, 999)), broken, asked: AtomicUsize::new(0) });
    let store = backend(false);
    let cache = Cache::new(CacheSettings::default(), Arc::clone(&store) as Arc<dyn CacheBackend>);
    let plan = cache.plan(CallType::Embedding, &read("{}"));
    assert!(cache.get_now("b", &plan, now).is_none());
    cache.put("b", Bytes::from_static(b"2"), &plan, now).now_or_never().unwrap().unwrap();
    assert_eq!(cache.get("b", &plan, now).now_or_never().unwrap().unwrap().unwrap().response, "2");
    let keys = ["a", "b", "c"].map(str::to_owned);
    let batch = cache.get_many(&keys, &plan, now).now_or_never().unwrap().unwrap();
    assert_eq!(batch.missing().collect::<Vec<_>>(), [0, 2]);
    let before = store.asked.load(Ordering::Relaxed);
    let idle = cache.plan(CallType::Embedding, &Controls { off: true, ..Controls::default() });
    assert_eq!(cache.get("b", &idle, now).now_or_never().unwrap().unwrap(), None);
    assert_eq!(store.asked.load(Ordering::Relaxed), before, "a request that is not cached asks nobody");
    let broken = Cache::new(CacheSettings::default(), backend(true));
    assert!(broken.get("b", &plan, now).now_or_never().unwrap().is_err());
    assert!(broken.get_many(&keys, &plan, now).now_or_never().unwrap().is_err());
}
