//! Calls as objects in a bucket: each one, or a batch as lines of JSON. Names of objects are LiteLLM's, so what reads them goes on
//! reading.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use futures_util::stream::{self, StreamExt, TryStreamExt};
use llm_blob::{Blob, BlobError, Key, Object};
use llm_types::LogRecord;
use llm_types::record::Status;

use crate::callback::{Callback, Delivery, Needs, SinkError};
use crate::payload;
use crate::redact::Redaction;

/// Objects that are written at the same time.
const AT_ONCE: usize = 16;
/// Characters of an id that stand in a name.
const ID: usize = 120;
/// How long a record waits for others at the most.
const EVERY: Duration = Duration::from_secs(5);

/// How objects are named, and what is in one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Layout {
    /// `s3`, `s3_v2`: `[path/][team/][key/]2026-01-31/time-10-20-30-000000_ID.json`.
    S3 {
        /// What stands before every name.
        path: Option<String>,
        /// The team's alias stands there too.
        team: bool,
        /// And the key's.
        key: bool,
    },
    /// `gcs_bucket`, a batch in one: `2026-01-31/batch-MS-ID.ndjson`.
    GcsLines,
    /// `gcs_bucket`, each call: `2026-01-31/ID`, `2026-01-31/failure-ID`.
    Gcs,
    /// `azure_storage`: `ID.json`.
    Azure,
}

/// Writes calls into a bucket.
pub struct ObjectLog {
    name: &'static str,
    blob: Arc<dyn Blob>,
    layout: Layout,
    needs: Needs,
    redaction: Redaction,
}

impl fmt::Debug for ObjectLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ObjectLog").field("name", &self.name).field("layout", &self.layout).finish_non_exhaustive()
    }
}

impl ObjectLog {
    /// A sink under a callback's name, for calls that end as `needs` says, with content: what is hidden is judged call by call.
    #[must_use]
    pub fn new(name: &'static str, blob: Arc<dyn Blob>, layout: Layout, needs: Needs, redaction: Redaction) -> Self {
        Self { name, blob, layout, needs: needs.union(Needs::CONTENT), redaction }
    }

    /// The objects of a batch: names and contents.
    fn objects(&self, batch: &[Arc<LogRecord>]) -> Result<Vec<(Key, Object)>, BlobError> {
        let object = |bytes: Vec<u8>, kind: &str| Object {
            bytes: Bytes::from(bytes),
            content_type: Some(kind.to_owned()),
            ..Object::default()
        };
        if self.layout == Layout::GcsLines {
            let Some((first, last)) = batch.first().zip(batch.last()) else { return Ok(Vec::new()) };
            let mut lines = Vec::new();
            for (at, record) in batch.iter().enumerate() {
                if at > 0 {
                    lines.push(b'\n');
                }
                payload::write(record, &self.redaction, &mut lines);
            }
            // The first call's id: a batch that is written again takes the same place.
            let name = format!("{}/batch-{}-{}.ndjson", day(last.end_us), first.end_us.div_euclid(1000), id(first));
            return Ok(vec![(Key::new(name)?, object(lines, "application/x-ndjson"))]);
        }
        let one = |record: &Arc<LogRecord>| {
            let mut bytes = Vec::new();
            payload::write(record, &self.redaction, &mut bytes);
            Ok((Key::new(self.name_of(record))?, object(bytes, "application/json")))
        };
        batch.iter().map(one).collect()
    }

    fn name_of(&self, record: &LogRecord) -> String {
        match &self.layout {
            Layout::S3 { path, team, key } => {
                let caller = &record.caller;
                let alias = |wanted: bool, alias: &Option<Arc<str>>| {
                    alias.as_deref().filter(|alias| wanted && !alias.is_empty()).map(safe)
                };
                let path = path
                    .as_deref()
                    .map(|path| path.trim_matches('/').split('/').map(safe).collect::<Vec<_>>().join("/"));
                let at = time(record.start_us).format("%H-%M-%S-%6f");
                let file = format!("time-{at}_{}.json", id(record));
                let parts = [path, alias(*team, &caller.team_alias), alias(*key, &caller.key_alias)];
                let parts = parts.into_iter().flatten().filter(|part| !part.is_empty());
                parts.chain([day(record.start_us), file]).collect::<Vec<_>>().join("/")
            }
            // The client may choose the id: the time keeps it from another call's object.
            Layout::Azure => format!("{}-{}.json", id(record), record.start_us),
            Layout::Gcs | Layout::GcsLines => match record.status {
                Status::Success => format!("{}/{}", day(record.end_us), id(record)),
                Status::Failure => format!("{}/failure-{}", day(record.end_us), safe(&record.call_id)),
            },
        }
    }

    async fn write(&self, batch: &[Arc<LogRecord>]) -> Result<(), SinkError> {
        let objects = self.objects(batch).map_err(|error| SinkError::lasting(error.to_string()))?;
        let put = |(key, object): (Key, Object)| async move { self.blob.put(&key, object).await };
        let puts = stream::iter(objects.into_iter().map(put)).buffer_unordered(AT_ONCE).try_collect::<Vec<()>>();
        // The same again is written over itself.
        puts.await.map(drop).map_err(|error| match error {
            BlobError::Backend(why) => SinkError::passing(why),
            other => SinkError::lasting(other.to_string()),
        })
    }
}

fn time(us: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_micros(us).unwrap_or_default()
}

fn day(us: i64) -> String {
    time(us).format("%Y-%m-%d").to_string()
}

fn id(record: &LogRecord) -> String {
    safe(record.response_id.as_deref().unwrap_or(&record.call_id))
}

/// A part of a name: whoever chose it, it leads nowhere else.
fn safe(text: &str) -> String {
    let fine =
        |c: char| if c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '=' | '+' | '@') { c } else { '_' };
    let text: String = text.chars().take(ID).map(fine).collect();
    if text.chars().all(|c| c == '.') { "_".repeat(text.len()) } else { text }
}

impl Callback for ObjectLog {
    fn name(&self) -> &str {
        self.name
    }

    fn needs(&self) -> Needs {
        self.needs
    }

    fn delivery(&self) -> Delivery {
        Delivery::Batched { max: 512, every: EVERY }
    }

    fn log<'a>(&'a self, batch: &'a [Arc<LogRecord>]) -> BoxFuture<'a, Result<(), SinkError>> {
        self.write(batch).boxed()
    }
}

#[cfg(test)]
mod tests {
    use llm_blob::{BlobFuture, Listed};
    use parking_lot::Mutex;

    use super::*;

    /// A bucket in memory.
    #[derive(Debug, Default)]
    struct Kept(Mutex<Vec<(String, String)>>);

    impl Blob for Kept {
        fn put<'a>(&'a self, key: &'a Key, object: Object) -> BlobFuture<'a, ()> {
            self.0.lock().push((key.to_string(), String::from_utf8(object.bytes.to_vec()).unwrap()));
            Box::pin(std::future::ready(Ok(())))
        }
        fn get<'a>(&'a self, _: &'a Key) -> BlobFuture<'a, Option<Object>> {
            Box::pin(std::future::ready(Ok(None)))
        }
        fn delete<'a>(&'a self, _: &'a Key) -> BlobFuture<'a, ()> {
            Box::pin(std::future::ready(Ok(())))
        }
        fn exists<'a>(&'a self, _: &'a Key) -> BlobFuture<'a, bool> {
            Box::pin(std::future::ready(Ok(false)))
        }
        fn list<'a>(&'a self, _: Option<&'a Key>) -> BlobFuture<'a, Vec<Listed>> {
            Box::pin(std::future::ready(Ok(Vec::new())))
        }
    }

    async fn written(layout: Layout, redaction: Redaction) -> Vec<(String, String)> {
        let mut answered = crate::testing::answered(1);
        answered.response_id = Some("chatcmpl-1/../x".into());
        answered.caller.team_alias = Some("Red/..".into());
        let batch = [answered, crate::testing::failed(2)].map(Arc::new);
        let kept = Arc::<Kept>::default();
        let log = ObjectLog::new("s3_v2", Arc::clone(&kept) as Arc<dyn Blob>, layout, Needs::CALLS, redaction);
        log.log(&batch).await.unwrap();
        drop(log);
        let mut all = Arc::into_inner(kept).unwrap().0.into_inner();
        all.sort();
        all
    }

    #[tokio::test]
    async fn names_are_litellms_and_lead_nowhere_else() {
        let s3 = Layout::S3 { path: Some("logs/llm/".to_owned()), team: true, key: false };
        let all = written(s3, Redaction::default()).await;
        assert_eq!(all.len(), 2);
        let name = &all.iter().find(|(name, _)| name.contains("chatcmpl")).unwrap().0;
        assert!(name.starts_with("logs/llm/Red_../20") && name.ends_with("_chatcmpl-1_.._x.json"), "{name}");
        assert!(name.contains("/time-"), "{name}");
        let names: Vec<_> =
            written(Layout::Gcs, Redaction::default()).await.into_iter().map(|(name, _)| name).collect();
        assert!(names.iter().any(|name| name.contains("/failure-")), "{names:?}");
    }

    #[tokio::test]
    async fn a_batch_is_lines_and_redacted_content_is_in_none() {
        let all = written(Layout::GcsLines, Redaction::default()).await;
        assert_eq!(all.len(), 1);
        assert_eq!(all[0].1.lines().count(), 2);
        assert!(all[0].1.contains("secret words") && all[0].0.contains("/batch-"));
        let hidden = Redaction { messages: true, errors: true, ..Redaction::default() };
        assert!(!written(Layout::GcsLines, hidden).await[0].1.contains("secret words"));
    }
}
