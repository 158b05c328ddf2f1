//! Where documents come from, and how long they are remembered: making tools of one takes a download and a while.

use std::collections::HashMap;
use std::io::Read;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::header::{ACCEPT, HeaderValue, LOCATION};
use http::{Request, Uri};
use llm_http::{Body, FetchLimits, Timeouts, Transport};
use parking_lot::Mutex;
use tokio::sync::Mutex as Turn;
use url::Url;

use super::document::Document;
use crate::fault::Fault;
use crate::server::Source;

/// No document is longer, in bytes. GitHub's has 12 MB.
const LARGEST: usize = 32 << 20;
/// How long a document is used before it is asked for again.
const FRESH: Duration = Duration::from_secs(600);
/// How long one that could not be had is not asked for again.
const AILING: Duration = Duration::from_secs(10);
/// How long getting one may take in all.
const PATIENCE: Duration = Duration::from_secs(30);
/// Other places on its own host that a document may be sent to.
const REDIRECTS: usize = 3;

/// The documents that were read.
#[derive(Debug, Default)]
pub(crate) struct Documents(Mutex<HashMap<Source, Arc<Slot>>>);

/// One document.
#[derive(Debug, Default)]
struct Slot {
    /// Whoever gets it. The others wait, or use the old one.
    turn: Turn<()>,
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    document: Option<Arc<Document>>,
    /// Until when nobody asks again.
    until: Option<Instant>,
    /// Why there is none, the last time.
    fault: Option<Fault>,
}

impl Documents {
    /// The document of a source, from memory while it is fresh. An old one serves on while a new one cannot be had.
    pub(super) async fn get(&self, transport: &dyn Transport, source: &Source) -> Result<Arc<Document>, Fault> {
        let slot = Arc::clone(self.0.lock().entry(source.clone()).or_default());
        if let Some(known) = slot.fresh() {
            return known;
        }
        let _turn = match slot.turn.try_lock() {
            Ok(turn) => turn,
            Err(_) => {
                if let Some(old) = slot.known.lock().document.clone() {
                    return Ok(old);
                }
                slot.turn.lock().await
            }
        };
        if let Some(known) = slot.fresh() {
            return known;
        }
        let read = tokio::time::timeout(PATIENCE, read(transport, source)).await.unwrap_or(Err(Fault::Slow));
        slot.take(read)
    }

    /// Forgets the documents that are not among `known` any more.
    pub(crate) fn keep(&self, known: &[&Source]) {
        self.0.lock().retain(|source, _| known.contains(&source));
    }
}

impl Slot {
    fn fresh(&self) -> Option<Result<Arc<Document>, Fault>> {
        let known = self.known.lock();
        known.until.filter(|until| Instant::now() < *until)?;
        known.document.clone().map(Ok).or_else(|| known.fault.clone().map(Err))
    }

    fn take(&self, read: Result<Arc<Document>, Fault>) -> Result<Arc<Document>, Fault> {
        let mut known = self.known.lock();
        match read {
            Ok(document) => {
                let until = Instant::now() + FRESH;
                *known = Known { document: Some(Arc::clone(&document)), until: Some(until), fault: None };
                Ok(document)
            }
            Err(fault) => {
                tracing::warn!(fault = fault.in_full(), "an OpenAPI document cannot be read");
                known.until = Some(Instant::now() + AILING);
                known.fault = Some(fault.clone());
                known.document.clone().ok_or(fault)
            }
        }
    }
}

async fn read(transport: &dyn Transport, source: &Source) -> Result<Arc<Document>, Fault> {
    let (bytes, from) = match source {
        Source::File(path) => (None, Err(path.clone())),
        Source::Named(url) => (Some(named(transport, url).await?), Ok(url.clone())),
        Source::Guarded(url) => (Some(guarded(transport, url).await?), Ok(url.clone())),
    };
    // Megabytes of JSON would hold up whoever else is served by this thread.
    let made = tokio::task::spawn_blocking(move || {
        let (bytes, url) = match (bytes, &from) {
            (Some(bytes), Ok(url)) => (bytes, Some(url.as_str())),
            (_, Err(path)) | (None, Ok(path)) => (file(path)?, None),
        };
        Document::read(&bytes, url)
    });
    made.await.map_err(|_| Fault::Broken("its OpenAPI document cannot be read"))?.map(Arc::new)
}

fn file(path: &str) -> Result<Bytes, Fault> {
    let failed = |error: std::io::Error| Fault::Unreachable(format!("its OpenAPI document: {error}"));
    let mut bytes = Vec::new();
    let limit = u64::try_from(LARGEST).unwrap_or(u64::MAX);
    std::fs::File::open(path).and_then(|file| file.take(limit + 1).read_to_end(&mut bytes)).map_err(failed)?;
    if bytes.len() > LARGEST { Err(TOO_LONG) } else { Ok(Bytes::from(bytes)) }
}

const TOO_LONG: Fault = Fault::Broken("its OpenAPI document is too long");

/// From an address of the configuration file, wherever that is. Other hosts that it is redirected to are a stranger's word.
async fn named(transport: &dyn Transport, url: &str) -> Result<Bytes, Fault> {
    let unusable = Fault::Broken("the URL of its OpenAPI document cannot be used");
    let mut url = Url::parse(url).map_err(|_| unusable.clone())?;
    for _ in 0..=REDIRECTS {
        let uri: Uri = url.as_str().parse().map_err(|_| unusable.clone())?;
        let mut request = Request::new(Body::empty());
        *request.uri_mut() = uri;
        request.headers_mut().insert(ACCEPT, HeaderValue::from_static("application/json"));
        let reply = transport.send(request, Timeouts { total: Some(PATIENCE), ..Timeouts::default() }).await?;
        match reply.status().as_u16() {
            200 => return reply.into_body().collect_within(LARGEST).await?.ok_or(TOO_LONG),
            301 | 302 | 303 | 307 | 308 => {
                let to = reply.headers().get(LOCATION).and_then(|to| to.to_str().ok());
                let to = to.and_then(|to| url.join(to).ok()).ok_or_else(|| unusable.clone())?;
                if to.origin() != url.origin() {
                    return guarded(transport, to.as_str()).await;
                }
                url = to;
            }
            status => return Err(Fault::Status(status)),
        }
    }
    Err(Fault::Broken("its OpenAPI document is redirected too often"))
}

/// From an address that somebody named who may not reach what the gateway reaches.
async fn guarded(transport: &dyn Transport, url: &str) -> Result<Bytes, Fault> {
    let limits = FetchLimits { max_bytes: LARGEST, total: PATIENCE, ..FetchLimits::default() };
    let fetched = transport.fetch(url, &limits).await;
    Ok(fetched.map_err(|error| Fault::Unreachable(format!("its OpenAPI document: {error}")))?.bytes)
}
