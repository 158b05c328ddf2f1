//! Storing an answer, off the path when the backend is elsewhere.

use std::future::Future;
use std::sync::Arc;
use std::time::SystemTime;

use bytes::{Bytes, BytesMut};
use futures_util::FutureExt as _;
use llm_cache::semantic::Item;
use llm_cache::{Cache, CacheError, Entry, Place, Plan};
use llm_client::Head;
use llm_types::generate::GenerateResponse;
use llm_types::{Format, RawJson};
use llm_wire::codec::ReplyContext;

use super::{Ticket, What, items};

/// Stores a whole answer. The answer comes back: a part of it may have come from the cache.
#[must_use]
pub fn store(ticket: Option<Ticket>, head: &Head, body: Bytes) -> Bytes {
    let Some(ticket) = ticket else { return body };
    let untouched = ticket.is_untouched();
    let Ticket { cache, plan, what, .. } = ticket;
    let stored = match &head.content_type {
        None => body.clone(),
        Some(kind) if kind.as_bytes().starts_with(b"application/json") => body.clone(),
        // A transcript as text becomes a JSON text: that is what the stores keep.
        Some(kind) => match std::str::from_utf8(&body) {
            Ok(text) if kind.as_bytes().starts_with(b"text/") => Bytes::from(RawJson::string(text).get().to_owned()),
            _ => return body,
        },
    };
    match what {
        What::Items(known) => items::store(cache, plan, known, body),
        _ if !untouched => body,
        what => {
            put(cache, plan, what, stored);
            body
        }
    }
}

/// Stores the assembled answer of a complete stream.
pub fn store_stream(ticket: Ticket, format: Format, model: Option<&str>, content: &GenerateResponse) {
    let Some(codec) = llm_wire::registry::client_generate(format).filter(|_| ticket.is_untouched()) else { return };
    let ctx = ReplyContext { model: model.map(str::to_owned), ..ReplyContext::default() };
    let mut out = BytesMut::new();
    codec.encode_response(content, &ctx, &mut out);
    let body = out.freeze();
    let body = match ticket.ids.and_then(|mut ids| ids.object(&body)) {
        Some((ours, _)) => ours,
        None => body,
    };
    put(ticket.cache, ticket.plan, ticket.what, body);
}

fn put(cache: Arc<Cache>, plan: Plan, what: What, body: Bytes) {
    let now = SystemTime::now();
    match what {
        What::Whole { key, lead } => {
            let done = cache.put_now(&key, &body, &plan, now);
            if let Some(lead) = lead {
                lead.answered(&body);
            }
            if !done {
                aside(async move { cache.put(&key, body, &plan, now).await });
            }
        }
        What::Meaning { key, spot, text } => aside(async move {
            let Place::Semantic(semantic) = cache.place() else { return Ok(()) };
            semantic.put(Item { key, spot, text, entry: Entry::new(body, now), ttl: plan.ttl }).await
        }),
        What::Items(_) => {}
    }
}

/// Work that nobody waits for. What can be done at once is done: what is kept in memory is there before the client has the
/// answer. A failure is told to logs and metrics by whoever meets it.
pub(super) fn aside(work: impl Future<Output = Result<(), CacheError>> + Send + 'static) {
    let mut work = Box::pin(work);
    if let Some(done) = work.as_mut().now_or_never() {
        tell(done);
    } else if let Ok(runtime) = tokio::runtime::Handle::try_current() {
        runtime.spawn(async move { tell(work.await) });
    }
}

fn tell(done: Result<(), CacheError>) {
    if let Err(error) = done {
        tracing::debug!(%error, "an answer could not be cached");
    }
}
