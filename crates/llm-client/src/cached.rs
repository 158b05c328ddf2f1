//! Marks for caches on models whose host keeps contents under names: what is marked is looked for, made where it is
//! missing, and named in the request instead. A mark is a wish: where it cannot be followed the request goes whole.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use bytes::Bytes;
use http::{Method, Request, Uri};
use llm_http::{Body, Transport};
use llm_types::generate::GenerateRequest;
use llm_types::{Error, Format, OperationKind, Result};
use llm_wire::gemini::cached::{self, Listed};
use memchr::memmem::Finder;

use crate::engine::EngineSettings;
use crate::plan::{Planner, now_seconds};
use crate::send::timeouts;
use crate::target::Address;
use crate::transport::transport_error;

/// Fewer tokens are not kept: Google refuses them.
const LEAST_TOKENS: u64 = 1024;
/// Pages of a list that are looked through.
const PAGES: usize = 100;
/// Names that are remembered; then all are forgotten.
const NAMES: usize = 1000;
/// A name is not used in the last seconds of its life: the request takes a while.
const MARGIN: u64 = 30;
/// What errors are told of.
const PLACE: &str = "cachedContents";
/// Bytes of a page.
const PAGE: usize = 16 << 20;
/// How long finding or making may take.
const LIMIT: std::time::Duration = std::time::Duration::from_secs(60);

/// Names of contents that were found or made, with their ends in seconds since 1970.
#[derive(Debug, Default)]
pub struct CachedNames(Mutex<HashMap<String, (String, u64)>>);

impl CachedNames {
    pub(crate) fn get(&self, key: &str) -> Option<String> {
        let names = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        names.get(key).filter(|(_, end)| *end > now_seconds() + MARGIN).map(|(name, _)| name.clone())
    }

    /// Without an end that can be read nothing is remembered: it could not be forgotten in time.
    fn keep(&self, key: &str, name: &str, end: &str) {
        if let Some(end) = seconds(end) {
            self.keep_until(key, name, end);
        }
    }

    /// `end`: seconds since 1970.
    pub(crate) fn keep_until(&self, key: &str, name: &str, end: u64) {
        let mut names = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if names.len() >= NAMES {
            names.clear();
        }
        names.insert(key.to_owned(), (name.to_owned(), end));
    }
}

/// A content that a request names instead of some of its turns.
#[derive(Debug)]
pub(crate) struct Cached {
    turns: Range<usize>,
    name: String,
}

impl Cached {
    pub(crate) fn put_into(&self, request: &mut GenerateRequest) {
        cached::leave(request, &self.turns, &self.name);
    }
}

/// The content of a request's marks. Nothing where there is none, or where it cannot be had.
pub(crate) async fn find(http: &dyn Transport, planner: &Planner<'_>) -> Option<Cached> {
    let call = planner.call;
    if call.operation != OperationKind::Generate || call.format == Format::GeminiGenerate || !is_marked(&call.body) {
        return None;
    }
    match planned(http, planner).await {
        Ok(cached) => cached,
        Err(error) => {
            tracing::warn!(provider = planner.target.provider_id(), %error, "a cached content cannot be had");
            None
        }
    }
}

/// Whether marks may stand in a body, which of a short one costs less to say than to get ready for.
pub(crate) fn is_marked(body: &[u8]) -> bool {
    static MARK: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("cache_control"));
    MARK.find(body).is_some()
}

async fn planned(http: &dyn Transport, planner: &Planner<'_>) -> Result<Option<Cached>> {
    let Some(wish) = planner.cached_content()? else { return Ok(None) };
    let settings = planner.settings;
    let names = &settings.cached;
    let key = format!("{} {}", wish.url, wish.content.key);
    let found = |name: String| Ok(Some(Cached { turns: wish.turns.clone(), name }));
    if let Some(name) = names.get(&key) {
        return found(name);
    }
    let asking = Asking { http, settings, address: &wish.address, url: &wish.url };
    let mut page: Option<String> = None;
    for _ in 0..PAGES {
        let Some(Listed { contents, next }) = asking.list(page.as_deref()).await? else { return Ok(None) };
        if let Some((name, _, end)) = contents.into_iter().find(|(_, known, _)| *known == wish.content.key) {
            names.keep(&key, &name, &end);
            return found(name);
        }
        page = next;
        if page.is_none() {
            break;
        }
    }
    let made = asking.make(wish.content.body.clone()).await?;
    let missing = || Error::internal("the host named no content");
    let (name, _, end) = made.contents.into_iter().next().filter(|(name, ..)| !name.is_empty()).ok_or_else(missing)?;
    names.keep(&key, &name, &end);
    found(name)
}

/// What a request wants to be kept.
#[derive(Debug)]
pub(crate) struct Wish {
    pub turns: Range<usize>,
    pub content: cached::Content,
    pub url: String,
    pub address: Arc<Address>,
}

impl Wish {
    /// True when it is enough to be kept.
    pub(crate) fn is_enough(model: &str, texts: &str) -> bool {
        crate::count::tokens_of(model, texts) >= LEAST_TOKENS
    }
}

struct Asking<'a> {
    http: &'a dyn Transport,
    settings: &'a EngineSettings,
    address: &'a Address,
    url: &'a str,
}

impl Asking<'_> {
    /// A page of what is kept. Nothing where it may not be looked at.
    async fn list(&self, page: Option<&str>) -> Result<Option<Listed>> {
        let query = page.map(|token| format!("?pageToken={}", crate::task::escaped(token))).unwrap_or_default();
        let (status, body) = self.send(Method::GET, &format!("{}{query}", self.url), Body::empty()).await?;
        match status {
            200..=299 => Ok(Some(cached::listed(&body))),
            403 => Ok(None),
            status => Err(refused(status, &body)),
        }
    }

    async fn make(&self, content: String) -> Result<Listed> {
        let (status, body) = self.send(Method::POST, self.url, Body::from(Bytes::from(content))).await?;
        if (200..300).contains(&status) { Ok(cached::listed(&body)) } else { Err(refused(status, &body)) }
    }

    async fn send(&self, method: Method, url: &str, body: Body) -> Result<(u16, Bytes)> {
        let wrong =
            |e: &dyn std::fmt::Display| Error::internal(format!("the URL {} is wrong: {e}", llm_http::shown(url)));
        let mut request = Request::new(body);
        *request.method_mut() = method;
        *request.uri_mut() = url.parse::<Uri>().map_err(|e| wrong(&e))?;
        request.headers_mut().clone_from(&self.address.endpoint.headers);
        if let Some(need) = &self.address.endpoint.auth {
            self.settings.signer.apply(self.http, need, &mut request).await?;
        }
        let reply = self.http.send(request, timeouts(self.settings, &llm_router::Timeouts::of(LIMIT), false)).await;
        let reply = reply.map_err(|e| transport_error(&e, PLACE))?;
        let (parts, body) = reply.into_parts();
        Ok((parts.status.as_u16(), body.collect(PAGE).await.map_err(|e| transport_error(&e, PLACE))?))
    }
}

fn refused(status: u16, body: &[u8]) -> Error {
    let said = String::from_utf8_lossy(body.get(..500).unwrap_or(body)).into_owned();
    Error::internal(format!("cachedContents answered {status}: {said}"))
}

/// Seconds since 1970 of a date as RFC 3339 writes it, in UTC, fractions cut.
fn seconds(date: &str) -> Option<u64> {
    let number = |range: Range<usize>| date.get(range)?.parse::<u64>().ok();
    let (year, month, day) = (number(0..4)?, number(5..7)?, number(8..10)?);
    let (hour, minute, second) = (number(11..13)?, number(14..16)?, number(17..19)?);
    let utc = date.ends_with('Z') || date.ends_with("+00:00");
    if !utc || !(1..=12).contains(&month) || year < 1970 {
        return None;
    }
    // days of the civil calendar, years beginning in March
    let (y, m) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = 365 * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 1;
    Some((days - 719_468) * 86_400 + hour * 3600 + minute * 60 + second)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_and_names() {
        assert_eq!(seconds("1970-01-01T00:00:00Z"), Some(0));
        assert_eq!(seconds("2024-02-29T12:30:15.123456789Z"), Some(1_709_209_815));
        assert_eq!(seconds("2026-11-29T13:00:00+00:00"), Some(1_795_957_200));
        assert_eq!(seconds("2026-11-29T13:00:00+02:00"), None);
        assert_eq!(seconds("soon"), None);
        let names = CachedNames::default();
        names.keep("k", "n", "2999-01-01T00:00:00Z");
        names.keep("old", "n", "2020-01-01T00:00:00Z");
        names.keep("odd", "n", "");
        assert_eq!(names.get("k").as_deref(), Some("n"));
        assert!(names.get("old").is_none() && names.get("odd").is_none());
    }
}
