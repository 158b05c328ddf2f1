//! Answers whose providers keep nothing, kept here: in memory, bounded by size and age; in the store as well where the
//! operator lets prompts be stored there (`store_prompts_in_spend_logs`), as in LiteLLM.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use llm_store::{Filter, ManagedObjectRow, Store};
use llm_types::{Json, RawJson};
use parking_lot::Mutex;
use sha2::{Digest, Sha256};
use tokio::task::AbortHandle;

/// Bytes that all answers in memory may have.
const MOST_BYTES: usize = 64 << 20;
/// Bytes that the answers of one connection may have.
const OF_A_CONNECTION: usize = 16 << 20;
/// How long an answer is kept in memory.
const IN_MEMORY: Duration = Duration::from_secs(24 * 60 * 60);
/// How long an answer is kept in the store: as long as OpenAI keeps them.
pub const IN_STORE: Duration = Duration::from_secs(30 * 24 * 60 * 60);
/// What rows of answers say they are.
pub const PURPOSE: &str = "response";

/// An answer and what it answers.
#[derive(Debug, Clone)]
pub struct Record {
    /// The id of the answer before it.
    pub previous: Option<String>,
    /// The items that it answers, without those before: a JSON list.
    pub input: RawJson,
    /// The answer as its client got it.
    pub response: Bytes,
}

#[derive(Debug)]
struct Entry {
    record: Arc<Record>,
    size: usize,
    since: Instant,
    /// Stops what is still being made.
    running: Option<AbortHandle>,
}

#[derive(Debug, Default)]
struct Shelf {
    entries: HashMap<String, Entry>,
    order: VecDeque<(String, Instant)>,
    bytes: usize,
}

/// The answers that are kept.
#[derive(Debug)]
pub struct Book {
    shelf: Mutex<Shelf>,
    store: Option<(Store, tokio::runtime::Handle)>,
    most_bytes: usize,
}

impl Book {
    /// An empty book. `store`: where answers are kept beyond this process, and the runtime on which it lives.
    #[must_use]
    pub fn new(store: Option<(Store, tokio::runtime::Handle)>) -> Self {
        Self { shelf: Mutex::default(), store, most_bytes: MOST_BYTES }
    }

    /// An empty book of one connection, in memory.
    #[must_use]
    pub fn small() -> Self {
        Self { shelf: Mutex::default(), store: None, most_bytes: OF_A_CONNECTION }
    }

    /// Keeps an answer; `lasting`: in the store, too. `running` stops what is still being made.
    pub fn put(&self, id: &str, record: Record, lasting: bool, running: Option<AbortHandle>) {
        let record = Arc::new(record);
        self.shelf.lock().put(id, &record, running, self.most_bytes);
        let Some((store, runtime)) = self.store.clone().filter(|_| lasting) else { return };
        let row = row(id, &record);
        runtime.spawn(async move {
            if let Err(error) = store.table::<ManagedObjectRow>().put(&row).await {
                tracing::warn!(%error, "an answer could not be stored; it is kept in memory only");
            }
        });
    }

    /// An answer.
    pub async fn get(&self, id: &str) -> Option<Arc<Record>> {
        if let Some(record) = self.shelf.lock().get(id) {
            return Some(record);
        }
        let (store, runtime) = self.store.clone()?;
        let key = key(id);
        let found = runtime.spawn(async move { store.table::<ManagedObjectRow>().get([key.as_str()]).await });
        match found.await {
            Ok(Ok(row)) => row.filter(|r| r.file_purpose == PURPOSE).and_then(|r| record(&r.file_object)).map(Arc::new),
            Ok(Err(error)) => {
                tracing::warn!(%error, "a stored answer could not be read");
                None
            }
            Err(_) => None,
        }
    }

    /// Forgets an answer. False when there was none.
    pub async fn delete(&self, id: &str) -> bool {
        let known = self.get(id).await.is_some();
        self.shelf.lock().remove(id);
        if let Some((store, runtime)) = self.store.clone().filter(|_| known) {
            let key = key(id);
            let gone = runtime.spawn(async move { store.table::<ManagedObjectRow>().delete([key.as_str()]).await });
            if !matches!(gone.await, Ok(Ok(_))) {
                tracing::warn!("a stored answer could not be deleted");
                return false;
            }
        }
        known
    }

    /// Stops what is still being made. False when nothing is.
    pub fn stop(&self, id: &str) -> bool {
        let running = self.shelf.lock().entries.get_mut(id).and_then(|entry| entry.running.take());
        running.is_some_and(|running| {
            running.abort();
            true
        })
    }

    /// Deletes stored answers that are too old.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn clean(store: &Store, now: std::time::SystemTime) -> Result<u64, llm_store::StoreError> {
        let oldest = chrono::DateTime::<chrono::Utc>::from(now - IN_STORE);
        let old = Filter::new().is("file_purpose", PURPOSE).below("created_at", oldest);
        store.table::<ManagedObjectRow>().delete_where(&old).await
    }
}

impl Shelf {
    fn put(&mut self, id: &str, record: &Arc<Record>, running: Option<AbortHandle>, most: usize) {
        self.remove(id);
        let size = id.len() * 2 + record.input.get().len() + record.response.len() + 200;
        let since = Instant::now();
        self.bytes += size;
        self.order.push_back((id.to_owned(), since));
        self.entries.insert(id.to_owned(), Entry { record: Arc::clone(record), size, since, running });
        while self.bytes > most || self.order.front().is_some_and(|(_, since)| since.elapsed() > IN_MEMORY) {
            let Some((oldest, since)) = self.order.pop_front() else { break };
            // The id may have been written anew since: then a younger note stands further behind.
            if self.entries.get(&oldest).is_some_and(|e| e.since == since) {
                self.remove(&oldest);
            }
        }
    }

    fn get(&self, id: &str) -> Option<Arc<Record>> {
        self.entries.get(id).filter(|e| e.since.elapsed() <= IN_MEMORY).map(|e| Arc::clone(&e.record))
    }

    fn remove(&mut self, id: &str) {
        if let Some(entry) = self.entries.remove(id) {
            self.bytes -= entry.size;
        }
    }
}

/// Ids are long: rows lie under their hash.
fn key(id: &str) -> String {
    hex::encode(Sha256::digest(id))
}

fn row(id: &str, record: &Record) -> ManagedObjectRow {
    let response = String::from_utf8_lossy(&record.response);
    let previous = record.previous.as_deref().map_or(RawJson::default(), RawJson::string);
    let object =
        format!("{{\"previous\":{},\"input\":{},\"response\":{response}}}", previous.get(), record.input.get());
    let status = serde_json::from_str::<Json>(&response).ok();
    ManagedObjectRow {
        id: key(id),
        unified_object_id: id.to_owned(),
        model_object_id: key(id),
        file_object: RawJson::parse(object).unwrap_or_default(),
        file_purpose: PURPOSE.to_owned(),
        status: status.and_then(|r| r.get("status")?.as_str().map(str::to_owned)),
        ..ManagedObjectRow::default()
    }
}

fn record(object: &RawJson) -> Option<Record> {
    let top = llm_wire::top::Top::parse(object.get().as_bytes()).ok()?;
    Some(Record {
        previous: top.str("previous").map(std::borrow::Cow::into_owned),
        input: RawJson::parse(top.get("input")?).ok()?,
        response: Bytes::copy_from_slice(top.get("response")?.as_bytes()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(text: &str) -> Record {
        let response = format!("{{\"id\":\"x\",\"status\":\"completed\",\"text\":\"{text}\"}}");
        Record {
            previous: Some("resp_0".into()),
            input: RawJson::parse("[{\"role\":\"user\",\"content\":\"hi\"}]").unwrap(),
            response: Bytes::from(response),
        }
    }

    #[tokio::test]
    async fn the_oldest_go_when_there_is_no_room() {
        let book = Book { most_bytes: 2000, ..Book::new(None) };
        for at in 0..4 {
            book.put(&format!("resp_{at}"), record(&"x".repeat(400)), false, None);
        }
        assert!(book.get("resp_0").await.is_none() && book.get("resp_3").await.is_some());
        assert!(book.shelf.lock().bytes <= 2000);
        assert!(book.delete("resp_3").await && !book.delete("resp_3").await);
        // written anew, it is as young as its last writing
        book.put("resp_1", record("a"), false, None);
        book.put("resp_1", record("b"), false, None);
        assert!(book.get("resp_1").await.unwrap().response.ends_with(b"\"b\"}"));
        assert!(!book.stop("resp_1"), "nothing runs");
    }

    #[tokio::test]
    async fn a_store_outlives_the_process() {
        let store = Store::open(&llm_store::StoreConfig::memory()).await.unwrap();
        store.migrate().await.unwrap();
        let runtime = tokio::runtime::Handle::current();
        let book = Book::new(Some((store.clone(), runtime.clone())));
        book.put("resp_kept", record("kept"), true, None);
        book.put("resp_gone", record("gone"), false, None);
        let later = Book::new(Some((store.clone(), runtime)));
        let mut kept = later.get("resp_kept").await;
        for _ in 0..200 {
            if kept.is_some() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
            kept = later.get("resp_kept").await;
        }
        let kept = kept.unwrap();
        assert_eq!((kept.previous.as_deref(), &kept.response), (Some("resp_0"), &record("kept").response));
        assert!(later.get("resp_gone").await.is_none());
        let now = std::time::SystemTime::now();
        assert_eq!(Book::clean(&store, now).await.unwrap(), 0);
        assert_eq!(Book::clean(&store, now + IN_STORE + Duration::from_secs(60)).await.unwrap(), 1);
        assert!(later.get("resp_kept").await.is_none());
    }
}
