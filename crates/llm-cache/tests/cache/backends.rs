//! Every backend that needs no server, and what stands before those that do.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;
use llm_cache::semantic::{FlatIndex, FlatLimits, SemanticIndex};
use llm_cache::{
    BoxFuture, CacheBackend, CacheError, Deadlines, DiskCache, Dual, Entry, Guard, MemoryCache, MemoryLimits, Now,
    ObjectCache, Shield, Witness, conformance,
};
use tokio::runtime::Handle;

fn memory() -> Arc<MemoryCache> {
    Arc::new(MemoryCache::new(MemoryLimits::default()))
}

#[tokio::test]
async fn memory_and_dual_conform() {
    conformance::run(&*memory()).await;
    conformance::run(&Dual::new(memory(), memory(), Duration::from_millis(200))).await;
    conformance::run_semantic(&FlatIndex::new(FlatLimits::default())).await;
}

#[tokio::test]
async fn objects_and_files_conform() {
    let folder = tempfile::tempdir().unwrap();
    let blob = Arc::new(llm_blob::Folder::open(folder.path().join("objects")).unwrap());
    conformance::run(&ObjectCache::new("folder", blob.clone(), Some("/cache/a/")).unwrap()).await;
    conformance::run(&DiskCache::new(&folder.path().join("disk"), 1 << 30)).await;
    let guard = Guard::new(Handle::current(), Deadlines::FAR);
    conformance::run(&Shield::new(Arc::new(DiskCache::new(&folder.path().join("shield"), 1 << 30)), guard)).await;
    assert!(ObjectCache::new("folder", blob, Some("../up")).is_err());
}

#[tokio::test]
async fn clearing_a_bucket_spares_what_is_not_ours() {
    let folder = tempfile::tempdir().unwrap();
    let blob = Arc::new(llm_blob::Folder::open(folder.path()).unwrap());
    let other = llm_blob::Key::new("reports/2026").unwrap();
    llm_blob::Blob::put(&*blob, &other, llm_blob::Object::default()).await.unwrap();
    let cache = ObjectCache::new("folder", blob.clone(), None).unwrap();
    let key = format!("ns:{}", "0a".repeat(32));
    cache.set(&key, entry("1"), None).await.unwrap();
    cache.clear().await.unwrap();
    assert_eq!(cache.get(&key).await.unwrap(), None);
    assert!(llm_blob::Blob::exists(&*blob, &other).await.unwrap());
}

fn entry(text: &str) -> Entry {
    Entry::new(Bytes::copy_from_slice(text.as_bytes()), SystemTime::now())
}

#[tokio::test]
async fn the_file_is_bounded_swept_and_outlives_the_process() {
    let folder = tempfile::tempdir().unwrap();
    let disk = DiskCache::new(folder.path(), 10_000);
    for n in 0..100 {
        disk.set(&format!("k{n:02}"), entry(&"x".repeat(997)), Some(Duration::from_secs(60))).await.unwrap();
        assert!(disk.bytes() <= 10_000, "{} bytes", disk.bytes());
    }
    assert!(disk.get("k99").await.unwrap().is_some());
    assert!(disk.get("k00").await.unwrap().is_none(), "the oldest one had to go");
    disk.set("huge", entry(&"x".repeat(10_001)), None).await.unwrap();
    assert!(disk.get("huge").await.unwrap().is_none(), "larger than the file may be");
    disk.set("k99", entry("short-lived"), Some(Duration::from_millis(1))).await.unwrap();
    tokio::time::sleep(Duration::from_millis(5)).await;
    assert_eq!(disk.sweep().await.unwrap(), 1);
    drop(disk);
    let again = DiskCache::new(folder.path(), 10_000);
    assert!(again.get("k98").await.unwrap().is_some());
    assert!(again.bytes() > 0 && again.bytes() <= 10_000);
}

#[tokio::test]
async fn a_file_that_cannot_be_opened_is_tried_again() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("here");
    std::fs::write(&place, "a file where a folder should be").unwrap();
    let disk = DiskCache::new(&place, 10_000);
    assert!(matches!(disk.ping().await, Err(CacheError::Backend(_))));
    std::fs::remove_file(&place).unwrap();
    disk.ping().await.unwrap();
}

#[tokio::test]
async fn memory_answers_before_the_other_store_is_asked() {
    let far = memory();
    let dual = Dual::new(memory(), far.clone(), Duration::from_secs(60));
    far.set_now("a", &entry("1"), None);
    assert_eq!(dual.get_now("a"), Now::Elsewhere, "memory does not know that there is none");
    assert!(dual.get("a").await.unwrap().is_some());
    far.clear().await.unwrap();
    assert!(matches!(dual.get_now("a"), Now::Known(Some(_))));
    let keys = ["a", "b"].map(str::to_owned);
    far.set_now("b", &entry("2"), None);
    assert_eq!(dual.get_many(&keys).await.unwrap().iter().flatten().count(), 2);
}

/// A store that hangs or fails when told so, and counts how often it is asked.
#[derive(Debug, Default)]
struct Sick {
    hangs: AtomicBool,
    fails: AtomicBool,
    asked: AtomicUsize,
}

impl Sick {
    fn act<'a, T: Send + 'a>(&'a self, value: T) -> BoxFuture<'a, Result<T, CacheError>> {
        Box::pin(async move {
            self.asked.fetch_add(1, Ordering::Relaxed);
            if self.hangs.load(Ordering::Relaxed) {
                std::future::pending::<()>().await;
            }
            if self.fails.load(Ordering::Relaxed) { Err(CacheError::Backend("refused".into())) } else { Ok(value) }
        })
    }
}

impl CacheBackend for Sick {
    fn kind(&self) -> &'static str {
        "sick"
    }
    fn get<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<Option<Entry>, CacheError>> {
        self.act(None)
    }
    fn set<'a>(&'a self, _: &'a str, _: Entry, _: Option<Duration>) -> BoxFuture<'a, Result<(), CacheError>> {
        self.act(())
    }
    fn remove<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<bool, CacheError>> {
        self.act(false)
    }
    fn clear(&self) -> BoxFuture<'_, Result<(), CacheError>> {
        self.act(())
    }
    fn ping(&self) -> BoxFuture<'_, Result<(), CacheError>> {
        self.act(())
    }
}

#[derive(Debug, Default)]
struct Tally {
    failed: parking_lot::Mutex<Vec<&'static str>>,
    usable: parking_lot::Mutex<Vec<bool>>,
}

impl Witness for Tally {
    fn failed(&self, kind: &'static str, _operation: &'static str, error: &CacheError) {
        assert_eq!(kind, "sick");
        self.failed.lock().push(error.reason());
    }
    fn usable(&self, _kind: &'static str, usable: bool) {
        self.usable.lock().push(usable);
    }
}

#[tokio::test(start_paused = true)]
async fn a_store_that_hangs_is_given_up_on_and_then_left_alone() {
    let (sick, tally) = (Arc::new(Sick::default()), Arc::new(Tally::default()));
    let guard = Guard { witness: tally.clone(), ..Guard::new(Handle::current(), Deadlines::NEAR) };
    let shield = Shield::new(sick.clone(), guard);
    sick.hangs.store(true, Ordering::Relaxed);
    let started = tokio::time::Instant::now();
    for _ in 0..5 {
        assert!(matches!(shield.get("a").await, Err(CacheError::Timeout(_))));
    }
    assert_eq!(started.elapsed(), 5 * Deadlines::NEAR.read, "the deadline holds");
    for _ in 0..20 {
        assert!(matches!(shield.get("a").await, Err(CacheError::Skipped)));
    }
    assert_eq!(sick.asked.load(Ordering::Relaxed), 5, "then it is not asked at all");
    sick.hangs.store(false, Ordering::Relaxed);
    shield.ping().await.unwrap();
    assert!(shield.get("a").await.unwrap().is_none(), "a command that works brings it back");
    assert_eq!(*tally.usable.lock(), [true, false, true]);
    assert_eq!(tally.failed.lock().iter().filter(|reason| **reason == "timeout").count(), 5);
    assert_eq!(tally.failed.lock().iter().filter(|reason| **reason == "skipped").count(), 20);
}

#[tokio::test]
async fn a_store_that_fails_is_tried_again_after_a_pause() {
    let sick = Arc::new(Sick::default());
    let shield = Shield::new(sick.clone(), Guard::new(Handle::current(), Deadlines::NEAR));
    sick.fails.store(true, Ordering::Relaxed);
    for _ in 0..5 {
        assert!(matches!(shield.set("a", entry("1"), None).await, Err(CacheError::Backend(_))));
    }
    assert!(matches!(shield.get("a").await, Err(CacheError::Skipped)));
    sick.fails.store(false, Ordering::Relaxed);
    let deadline = Instant::now() + Duration::from_secs(10);
    while shield.get("a").await.is_err() {
        assert!(Instant::now() < deadline, "it is never tried again");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn a_flat_index_forgets_what_another_model_has_seen() {
    use llm_cache::semantic::{Item, Spot};
    let index = FlatIndex::new(FlatLimits::default());
    let spot = |size: usize| Spot { bucket: Arc::from("b"), vector: vec![1.0; size].into() };
    let item = |size| Item { key: "k".into(), spot: spot(size), text: String::new(), entry: entry("1"), ttl: None };
    index.insert(item(3)).await.unwrap();
    assert_eq!(index.nearest(&spot(4)).await.unwrap(), None);
    index.insert(item(4)).await.unwrap();
    assert!(index.nearest(&spot(4)).await.unwrap().is_some());
    assert_eq!(index.nearest(&spot(3)).await.unwrap(), None);
}
